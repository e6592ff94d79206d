"""What a variant breaks is said in the run's own words, from the suite to the page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from harness.runtime.run_folder import RunFolder
from reports.html import render
from reports.terminal import print_summary

SUITE = """
name: limits
models: {{m: {{scripted: {{echo: last_line}}}}, w: {{scripted: {{default: wrong}}}}}}
tasks: {{t: {{data: {{tsv: {{path: test.tsv, input: input, target: target}}}}, metrics: {{a: exact_match}}}}}}
variants: {{most: {{prompting: {{model: m}}}}, none: {{prompting: {{model: w}}}}}}
constraints: {{min_quality: {limit}}}
latency: {{items: 0}}
"""
TEST = "input\ttarget\n" + "".join(f"row {number}\t{'row' if number > 16 else 'no'} {number}\n" for number in range(20))


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("{t.a: 50 points}", "the demand of 50.0 % on t.a (it reaches 15.0 %)"),
        ("50 points", "the demand of 50.0 % on t.a (it reaches 15.0 %)"),
    ],
)
def test_a_demand_on_quality_that_is_not_met(
    limit: str, said: str, write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder]
) -> None:
    finished = run_suite(write_suite(SUITE.format(limit=limit), test__tsv=TEST)).finished()
    console = Console(width=400, record=True, quiet=False)
    print_summary(finished, console)
    assert f"most breaks {said}" in " ".join(console.export_text().split())
    for language in ("en", "zh"):
        assert "t.a" in render(finished, language=language)
