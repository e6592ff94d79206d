"""Sentences of records: English text, and the data from which the report says the same in its languages."""

import ast
from collections.abc import Iterator

import pytest

from harness.records.decisions import Statement
from harness.summary.anomaly_sentences import CAUSES, REMEDIES, explanation
from harness.text.stating import state
from reports.facts.spoken_sentences import spoken_statement
from reports.wording import catalogue, speaking
from tests.shared.paths import ROOT


def test_a_sentence_names_its_values() -> None:
    stated = state("warnings.no_score", "{figure}: no sample has this score", figure="norm.f1")
    assert stated.text == "norm.f1: no sample has this score"
    assert stated.statement == Statement("warnings.no_score", {"figure": "norm.f1"})
    assert spoken_statement(stated.statement) == stated.text
    with speaking("zh"):
        assert spoken_statement(stated.statement) == "norm.f1：没有任何样本有这一评分"


def test_a_value_may_be_a_sentence_or_several() -> None:
    none = state("no_effect.none", "none")
    fields = [
        state("no_effect.field", "{name} ({first} and {second})", name=name, first=first, second="5")
        for name, first in (("shots", "0"), ("system", none))
    ]
    stated = state("no_effect.other_settings", "differ in {fields}", fields=fields)
    assert stated.text == "differ in shots (0 and 5), system (none and 5)"
    assert spoken_statement(stated.statement) == stated.text
    with speaking("zh"):
        assert spoken_statement(stated.statement) == "的设置不同：shots（0 和 5）、system（无 和 5）"


@pytest.mark.parametrize("braces", ["{", "}", "{figure}", "{0}"])
def test_braces_in_a_value_stay(braces: str) -> None:
    stated = state("warnings.no_score", "{figure}: no sample has this score", figure=braces)
    assert stated.text == spoken_statement(stated.statement) == f"{braces}: no sample has this score"


@pytest.mark.parametrize("key", [*CAUSES, *REMEDIES])
def test_causes_and_remedies_are_those_of_the_catalogue(key: str) -> None:
    file, _, name = key.partition(".")
    assert catalogue("en")[file][name] == {**CAUSES, **REMEDIES}[key]


def test_an_explanation_takes_the_values_that_it_names() -> None:
    cause, remedy = explanation("endless_text", "endless_text", limit=64)
    assert cause.statement == Statement("anomaly_causes.endless_text", {})
    assert remedy.statement == Statement("anomaly_remedies.endless_text", {"limit": 64})
    assert remedy.text.endswith('(["\\n"] for answers of one line), or raise max_tokens (64)')


def stated_texts() -> Iterator[tuple[str, str]]:
    """Key and English text of each sentence that is stated by literals."""
    for file in sorted((ROOT / "harness").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "state":
                key, english = node.args
                if isinstance(key, ast.Constant) and isinstance(english, ast.Constant):
                    yield str(key.value), str(english.value)


def test_the_catalogue_says_what_records_say() -> None:
    texts = dict(stated_texts())
    assert len(texts) > 30
    for key, english in texts.items():
        file, _, name = key.partition(".")
        assert catalogue("en")[file][name] == english, key
