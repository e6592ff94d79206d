"""What docs/suite.md shows of grids and of deployments can be written as it stands there."""

import re
from collections.abc import Callable
from pathlib import Path

import jsonschema

from harness.suite.parser import load_suite
from harness.suite.schema import suite_schema
from harness.suite.yaml_source import read_source
from tests.shared.paths import ROOT

AROUND = """\
models:
  base: {huggingface: {path: some/model}}
  lora: {tuned: {base: base, method: lora, on: [norm]}}
  big: {openai: {model: big, url: "https://example.org/v1"}}
knowledge:
  icd9: {texts: {path: code.txt, column: 1}}
tasks:
  norm:
    data: {tsv: {path: val.tsv, train: train.tsv, input: 原始词, target: 标准词}}
    metrics: {accuracy: exact_match}
"""


def example(heading: str) -> str:
    """The first YAML below a heading."""
    page = (ROOT / "docs/suite.md").read_text(encoding="utf-8")
    matched = re.search(rf"^#+ {heading}\n.*?```yaml\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert matched is not None
    return matched[1]


def test_the_examples_load_and_fit_the_schema(write_suite: Callable[..., Path]) -> None:
    text = AROUND + example("grid") + example("latency, prices, constraints, profile")
    path = write_suite(text)
    suite = load_suite(path)
    page = (ROOT / "docs/suite.md").read_text(encoding="utf-8")
    assert len(suite.variants) == 6
    assert all(f"`{name}`" in page for name in suite.variants)
    assert suite.terms.constraints.min_quality == {"norm.accuracy": 0.8}
    assert suite.terms.prices is not None
    assert list(suite.terms.prices.tokens_by_model) == ["big"]
    jsonschema.validate(read_source(path).data, suite_schema(), jsonschema.Draft202012Validator)
