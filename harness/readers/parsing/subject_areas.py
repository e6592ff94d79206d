"""The groups in which the benchmarks by subject publish their figures: STEM, Humanities, Social Science, Other."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml


@cache
def areas(benchmark: str) -> Mapping[str, str]:
    """The group of each subject of a benchmark, as its authors have it. A subject that is not there has none."""
    return {subject: area for area, subjects in _table()[benchmark].items() for subject in subjects.split()}


@cache
def china_specific() -> frozenset[str]:
    """The subjects of CMMLU that only China asks."""
    return frozenset(_table()["china_specific"]["yes"].split())


@cache
def _table() -> Mapping[str, Mapping[str, str]]:
    text = files("harness.readers.parsing").joinpath("subject_areas.yaml").read_text(encoding="utf-8")
    table: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return table
