"""Folders of many nights, made by the generator of benchmarks/trend.py, and single nights of one item."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from tests.shared.paths import ROOT
from tests.shared.shelved import made_run


def generated_nights(folder: Path, nights: int, variants: int, items: int) -> Path:
    """As the benchmark writes them; returns the folder of the runs."""
    spec = importlib.util.spec_from_file_location("trend_benchmark", ROOT / "benchmarks" / "trend.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    place: Path = module.write_nights(folder, nights, variants, items)
    return place


def night_at(root: Path, name: str, **record: Any) -> Path:
    """A finished run of one item in two variants, by the name of its folder; `record` changes run.json."""
    made_run(root / name)
    file = root / name / "run.json"
    own = {**json.loads(file.read_text()), "status": "complete", **record}
    file.write_text(json.dumps({key: value for key, value in own.items() if value is not None}))
    return root / name
