"""Files too large for a first suite are asked by a sample of their rows, which stands beside the suite."""

import json
import random
from collections.abc import Mapping
from pathlib import Path

from harness.authoring.file_roles import FileRoles
from harness.authoring.sampled_rows import READ_WHOLE, SampledRows, form_of, sample_rows

SAMPLE = 2000  # rows of a sample
_SEED = 42


def sampled_files(files: FileRoles) -> Mapping[str, SampledRows]:
    """By parameter, the rows of all files where one of them is too large to be read whole; else nothing."""
    paths = files.by_split()
    sizes = {name: Path(path).stat().st_size for name, path in paths.items() if Path(path).is_file()}
    if all(size <= READ_WHOLE or form_of(paths[name]) in ("xlsx", "json") for name, size in sizes.items()):
        return {}
    return {name: sample_rows(path) for name, path in paths.items()}


def write_samples(sampled: Mapping[str, SampledRows], folder: Path) -> dict[str, str]:
    """Write a sample of each file as JSON lines, the same rows each time; returns the paths by parameter."""
    paths = {}
    for name, table in sampled.items():
        rows = list(table.rows)
        chosen = sorted(random.Random(_SEED).sample(range(len(rows)), min(SAMPLE, len(rows))))
        file = folder / f"{'test' if name == 'path' else name}.jsonl"
        lines = [json.dumps(dict(rows[place]), ensure_ascii=False) for place in chosen]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        paths[name] = str(file)
    return paths
