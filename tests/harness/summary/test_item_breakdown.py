"""Figures by the values of a column: means counted by hand, Wilson's intervals."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from reports.sections.breakdowns import Breakdowns
from tests.shared.finished import finished

SUITE = """\
name: wards
models:
  robot: {scripted: {rules: [{match: a, reply: 甲}], default: 乙}}
  always: {scripted: {default: 甲}}
tasks:
  norm:
    data: {tsv: {path: rows.tsv, input: 词, target: 名}}
    prompt: "{{ input }}"
    metrics: {accuracy: exact_match, contained: contains}
variants:
  plain: {prompting: {model: robot}}
  other: {prompting: {model: always}}
compare: {by: [ward], headline: [norm.accuracy]}
"""
ROWS = "词\t名\tward\na1\t甲\t二\na2\t甲\t二\nb1\t甲\t二\nb2\t乙\t一\nb3\t丙\t\n"
Write = Callable[..., Path]


def test_each_value_has_its_own_figure(write_suite: Write, run_suite: Callable[..., object]) -> None:
    summary = run_suite(write_suite(SUITE, rows__tsv=ROWS)).summary()  # type: ignore[attr-defined]
    figures = [
        (part.column, part.value, part.result.variant, part.result.samples, part.result.mean)
        for part in summary.breakdowns
    ]
    assert figures == [
        ("ward", "一", "plain", 1, 1.0), ("ward", "一", "other", 1, 0.0),
        ("ward", "二", "plain", 3, pytest.approx(2 / 3)), ("ward", "二", "other", 3, 1.0),
        ("ward", "", "plain", 1, 0.0), ("ward", "", "other", 1, 0.0),
    ]  # fmt: skip
    two = summary.breakdowns[2].result
    assert (two.low, two.high) == (pytest.approx(0.2077, abs=1e-4), pytest.approx(0.9385, abs=1e-4))  # Wilson, 2 of 3
    (table,) = Breakdowns().build(finished(summary))
    assert [(row.value, row.items, row.figures) for row in table.rows] == [
        ("一", "1", (("100.0 %", "20.7–100.0"), ("0.0 %", "0.0–79.3"))),
        ("二", "3", (("66.7 %", "20.8–93.9"), ("100.0 %", "43.9–100.0"))),
        ("(none)", "1", (("0.0 %", "0.0–79.3"), ("0.0 %", "0.0–79.3"))),
    ]
    assert table.means == ("55.6 %", "33.3 %")  # (100 + 66.7 + 0) / 3, (0 + 100 + 0) / 3
    assert (table.by, table.is_folded) == ("ward", False)


@pytest.mark.parametrize(
    ("by", "rows", "message"),
    [
        ("[wrad]", ROWS, "compare.by: no task has a column 'wrad' (did you mean ward?)"),
        ("[ward]", "词\t名\tward\n" + "".join(f"a{i}\t甲\tw{i}\n" for i in range(201)),
         "compare.by: 'ward' has 201 values in tasks.norm, a table at most 200; name a column that joins items"),
    ],
)  # fmt: skip
def test_columns_that_make_no_table(write_suite: Write, by: str, rows: str, message: str) -> None:
    suite = write_suite(SUITE.replace("[ward]", by), rows__tsv=rows)
    with pytest.raises(SuiteError) as error:
        prepare(load_suite(suite))
    assert error.value.lines == (message,)
