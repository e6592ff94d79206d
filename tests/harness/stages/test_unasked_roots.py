"""Weights are fetched ahead for the models that have answered nothing yet, and for no others."""

from pathlib import Path

from harness.components.display import Display
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.stages.prepare import unasked_roots
from harness.suite.parser import load_suite

SUITE = """\
models:
  first: {huggingface: {path: pypi:a-package==1.0/a.gguf}}
  second: {huggingface: {path: pypi:b-package==1.0/b.gguf}}
  robot: {scripted: {default: x}}
tasks:
  t: {data: {csv: {path: rows.csv, input: q, target: a}}, prompt: "{{ input }}", metrics: {accuracy: exact_match}}
variants: {a: {prompting: {model: first}}, b: {prompting: {model: second}}, c: {prompting: {model: robot}}}
"""


class Answered(Context):
    """Knows of answers of one model, whose weights are not here."""

    def has_answered(self, name: str) -> bool:
        return name == "first"


def test_the_roots_without_an_answer_are_due(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "rows.csv").write_text("q,a\n1,2\n", encoding="utf-8")
    suite = load_suite(tmp_path / "suite.yaml")
    context = Answered(suite.models, Cache(tmp_path / "calls.sqlite"), Display(), 0)
    assert unasked_roots(suite, "train", context) == [suite.models["second"], suite.models["robot"]]
    assert unasked_roots(suite, "report", context) == []
