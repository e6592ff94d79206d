"""What a suite may write for the pace of a served model: one line a mistake, whatever forms the value may have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.parser import load_suite

SUITE = """
name: s
models: {{m: {{openai: {{model: m, url: "http://127.0.0.1:9/v1", {written}}}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    metrics: {{accuracy: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""
ROWS = '{"q": "1", "a": "fine"}\n'


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ("workers: 0", "workers: must be at least 1 or 'auto', not 0"),
        ("workers: -3", "workers: must be at least 1 or 'auto', not -3"),
        ("workers: many", "workers: input should be a valid integer or 'auto', not many"),
        ("workers: 2.5", "workers: input should be a valid integer or 'auto', not 2.5"),
        ('workers: "8"', "workers: input should be a valid integer or 'auto', not 8"),
        ("timeout: 0", "timeout: must be more than 0.0"),
        ("longest: .nan", "longest: must be a finite number, not .nan"),
        ("patience: -1", "patience: must be at least 0.0"),
        ("patience: .inf", "patience: must be a finite number, not .inf"),
        ("pause: soon", "pause: input should be a valid number, not soon"),
    ],
)
def test_mistakes(written: str, mistake: str, write_suite: Callable[..., Path]) -> None:
    with pytest.raises(SuiteError) as caught:
        load_suite(write_suite(SUITE.format(written=written), rows__jsonl=ROWS))
    assert [line.partition("openai.")[2] for line in caught.value.mistakes] == [mistake]


@pytest.mark.parametrize("written", ["workers: 1", "workers: 32", "workers: auto", "patience: 0", "patience: 1e9"])
def test_what_may_stand_there(written: str, write_suite: Callable[..., Path]) -> None:
    assert load_suite(write_suite(SUITE.format(written=written), rows__jsonl=ROWS)).models
