"""Names of figures: one spelling, written and read in one place."""

import pytest

from harness.records.figure_names import FigureName
from harness.records.outputs import Score


@pytest.mark.parametrize(
    ("text", "name", "full_metric", "whole"),
    [
        ("norm.accuracy", FigureName("norm", "accuracy"), "accuracy", "norm.accuracy"),
        ("norm.f1.macro", FigureName("norm", "f1", "macro"), "f1.macro", "norm.f1"),
        ("norm.json.a.b", FigureName("norm", "json", "a.b"), "json.a.b", "norm.json"),  # a field that has a dot
        ("norm@icd-after.stale", FigureName("norm@icd-after", "stale"), "stale", "norm@icd-after.stale"),
    ],
)
def test_a_name_is_read_as_it_is_written(text: str, name: FigureName, full_metric: str, whole: str) -> None:
    assert FigureName.parse(text) == name
    assert str(name) == f"{name}" == text
    assert name.full_metric == full_metric
    assert str(name.whole) == whole


def test_a_score_names_its_figure() -> None:
    score = Score(sample_id="1", task="norm", variant="base", metric="f1.macro", value=1.0)
    assert FigureName.of(score) == FigureName.within("norm", "f1.macro") == FigureName("norm", "f1", "macro")
