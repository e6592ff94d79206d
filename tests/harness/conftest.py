"""A run of four scripted variants whose figures are known by hand, made once for the tests that only read it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import harness

SUITE = """\
name: known
models:
  none: {scripted: {default: x}}
  some: {scripted: {rules: [{match: "^q[0-3][02468]", reply: a}, {match: "^q[0-3]", reply: b}], default: x}}
  most: {scripted: {rules: [{match: "^q[0-6][02468]", reply: a}, {match: "^q[0-6]", reply: b}], default: x}}
  all: {scripted: {rules: [{match: "[02468]$", reply: a}], default: b}}
tasks:
  t:
    data: {csv: {path: t.csv, input: q, target: a}}
    prompt: "{{ input }}"
    answer: text
    metrics: {accuracy: exact_match, f1: classification, errors: {mymetrics.Wrong: {}}}
variants:
  none: {prompting: {model: none}}
  some: {prompting: {model: some}}
  most: {prompting: {model: most}}
  all: {prompting: {model: all}}
compare: {reference: none, headline: [t.accuracy], margin: 10 points}
latency: {items: 0}
"""
METRIC = """\
from harness.components.metric import Metric, Scale

class Wrong(Metric):
    def scale_of(self, part):
        return Scale(low=0, high=1, better="lower")

    def score(self, sample, prediction):
        return float(prediction.text not in sample.targets)
"""


@pytest.fixture(scope="session")
def known_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Of 100 items, ten with each first digit, `some` has 40 right, `most` 70, `all` 100, `none` none."""
    folder: Path = tmp_path_factory.mktemp("known")
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (folder / "mymetrics.py").write_text(METRIC, encoding="utf-8")
    rows = [f"q{digit}{place},{'ab'[place % 2]}" for place in range(10) for digit in range(10)]
    (folder / "t.csv").write_text("q,a\n" + "\n".join(rows) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(folder / "cache"))
        yield harness.run(folder, out=folder / "run", progress=False)
