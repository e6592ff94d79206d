"""What a file of records holds of fields that are younger than its format."""

import json
from pathlib import Path

import pytest

from harness.records.inputs import Sample
from harness.runtime.run_folder import RunFolder


@pytest.mark.parametrize("younger", [{}, {"system": "Be exact."}, {"system": "s", "tools": "[{}]"}])
def test_younger_fields_stand_in_the_file_where_they_hold_something(tmp_path: Path, younger: dict[str, str]) -> None:
    sample = Sample(id="1", task="t", input="q", targets=("a",), **younger)
    folder = RunFolder(tmp_path)
    folder.write_samples([sample])
    line = json.loads((tmp_path / "samples.jsonl").read_text(encoding="utf-8"))
    assert {name: line[name] for name in ("system", "tools") if name in line} == younger
    assert RunFolder(tmp_path).samples() == [sample]  # another reader, which has only the file
