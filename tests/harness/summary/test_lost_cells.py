"""A cell without any value ends a run with status 1 once its report is written, in one sentence with the first reason."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app

SUITE = """\
name: alive
models:
  well: {{scripted: {{default: x}}}}
  dead: {{scripted: {{rules: [{{match: "", fail: out of power}}]}}}}
  half: {{scripted: {{rules: [{{match: "n1", fail: out of power}}], default: x}}}}
  judge: {{scripted: {{rules: [{{match: "", fail: "the judge is away"}}]}}}}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, input: input, target: target}}}}
    prompt: "{{{{ input }}}}"
    metrics: {metrics}
variants:
  first: {{prompting: {{model: well}}}}
  second: {{prompting: {{model: {second}}}}}
"""
EXACT = "{accuracy: exact_match}"
JUDGED = "{quality: {judge: {model: judge, rubric: score100}}}"
BOTH = "{accuracy: exact_match, quality: {judge: {model: judge, rubric: score100}}}"
ROWS = "input\ttarget\nn1\tx\nn2\tx\nn3\ty\n"


@pytest.mark.parametrize(
    ("metrics", "second", "code", "words"),
    [
        (EXACT, "well", 0, ""),
        (EXACT, "half", 0, ""),  # one of three items is unknown
        (EXACT, "dead", 1, "error: t × second has no value at all, and the report says so: out of power"),
        (JUDGED, "well", 1, "error: t × first, t × second have no value at all, and the report says so: "),
        (BOTH, "well", 0, ""),  # one of the metrics has values
        (BOTH, "dead", 1, "error: t × second has no value at all, and the report says so: out of power"),
    ],
)
def test_the_exit_status_of_a_run(
    write_suite: Callable[..., Path], tmp_path: Path, metrics: str, second: str, code: int, words: str
) -> None:
    suite = write_suite(SUITE.format(metrics=metrics, second=second), test__tsv=ROWS)
    result = CliRunner().invoke(app, ["run", str(suite), "--out", str(tmp_path / "run")])
    assert result.exit_code == code, result.output
    assert [line for line in result.stderr.splitlines() if words and line.startswith(words)] == (
        [line for line in result.stderr.splitlines() if line.startswith("error")]
    )
    assert bool(words) == ("error" in result.stderr)
    assert (tmp_path / "run" / "report.html").is_file()
    if metrics == JUDGED:
        assert "the judge is away" in result.stderr
