"""Numbers that nothing can be done with are refused where they are written, in one line of bearable length."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.parser import load_suite

SUITE = """\
name: colours
seed: 1
models: {robot: {scripted: {default: 绿}}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色, limit: 10}}
    metrics: {accuracy: exact_match}
    generation: {max_tokens: 10, temperature: 0.5}
variants:
  a: {prompting: {model: robot}}
  b: {prompting: {model: robot, samples: 3, temperature: 1}}
"""
NINES = "9" * 4000
PYTHON = "accuracy: {{python: {{file: m.py, low: {low}, high: {high}}}}}"

# What is written instead of what, and the line that refuses it.
REFUSED = [
    ("seed: 1", f"seed: {NINES}", f"2: seed: {NINES[:60]}… is larger than any number here can be"),
    ("seed: 1", f"seed: {'9' * 5000}", f'2: seed: {NINES[:60]}… cannot be read as int; write "{NINES[:60]}…" in quotes'),
    ("seed: 1", "seed: 4294967296", "2: seed: must be at most 4294967295"),
    ("seed: 1", f"seed: -{NINES}", f"2: seed: -{NINES[:59]}… is larger than any number here can be"),
    ("max_tokens: 10", f"max_tokens: {10**30}", f"8: tasks.colour.generation.max_tokens: {10**30} is larger than any"),
    ("max_tokens: 10", "max_tokens: 1000001", "8: tasks.colour.generation.max_tokens: must be at most 1000000"),
    ("temperature: 0.5", "temperature: 1e400", "8: tasks.colour.generation.temperature: must be a finite number"),
    ("temperature: 0.5", "temperature: .nan", "8: tasks.colour.generation.temperature: must be a finite number"),
    ("limit: 10", f"limit: {10**30}", f"6: tasks.colour.data.tsv.limit: {10**30} is larger than any number here can be"),
    ("samples: 3", "samples: 1000000000", "11: variants.b.prompting.samples: must be at most 1000"),
    ("samples: 3", f"samples: {2**63}", f"11: variants.b.prompting.samples: {2**63} is larger than any number here"),
    ("model: robot}}", "model: robot, max_tokens: 99999999}}", "10: variants.a.prompting.max_tokens: must be at most"),
    ("accuracy: exact_match", PYTHON.format(low=0, high="1e155"), "7: tasks.colour.metrics.accuracy.python: the scale"),
    ("accuracy: exact_match", PYTHON.format(low="-1e308", high="1e308"), "the scale from -1e+308 to 1e+308 is too wide"),
    ("accuracy: exact_match", PYTHON.format(low=0, high="1e-320"), "the scale from 0.0 to 1e-320 is too narrow"),
    ("accuracy: exact_match", PYTHON.format(low="1e16", high="10000000000000002"), "is too narrow: low must be well"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"), REFUSED, ids=[f"{new[:24]}-{i}" for i, (_, new, _) in enumerate(REFUSED)]
)
def test_refused(write_suite: Callable[..., Path], old: str, new: str, message: str) -> None:
    with pytest.raises(SuiteError) as caught:
        load_suite(write_suite(SUITE.replace(old, new, 1)))
    lines = [line for line in caught.value.lines if message in line]
    assert len(lines) == 1, caught.value.lines
    assert len(caught.value.lines) == (2 if "cannot be read" in message else 1)
    assert all(len(line) < 300 for line in caught.value.lines)


# Large, but something can be done with it.
TAKEN = [
    ("seed: 1", "seed: 4294967295"),
    ("max_tokens: 10", "max_tokens: 1000000"),
    ("limit: 10", f"limit: {2**63 - 1}"),
    ("accuracy: exact_match", PYTHON.format(low="-1e50", high="1e50")),
    ("accuracy: exact_match", PYTHON.format(low=0, high="1e-40")),
]


@pytest.mark.parametrize(("old", "new"), TAKEN)
def test_taken(write_suite: Callable[..., Path], run_suite: Callable[..., object], old: str, new: str) -> None:
    values = "def score(answer, targets, sample):\n    return 0.7e-40 if answer == targets[0] else 0.3e-40\n"
    rows = "词\t色\n" + "".join(f"草{i}\t{'绿' if i % 3 else '红'}\n" for i in range(12))
    run_suite(write_suite(SUITE.replace(old, new), test__tsv=rows, m__py=values))
