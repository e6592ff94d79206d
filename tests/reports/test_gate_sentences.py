"""What the gate's engine says of a run reads the same from the catalogue, and has no English word in Chinese."""

import re
from dataclasses import replace
from typing import Any

import pytest

from harness.records.gate_results import GateResult
from harness.records.run_evidence import RunEvidence
from harness.records.sentences import Sentence
from reports.facts.spoken_sentences import spoken_statement
from reports.gate_files.gate_junit import gate_junit
from reports.gate_files.gate_markdown import gate_markdown
from reports.wording import speaking
from tests.shared.gated import RECORD, evidence, held, right

BASE = evidence({"a": right(160, 200), "b": right(100, 200)}, "base")
NIGHT = evidence({"a": [*[0.0] * 30, *right(130, 170)], "b": right(100, 200)})
HELD: dict[str, tuple[RunEvidence, dict[str, Any]]] = {
    "a drop": (NIGHT, {}),
    "a doubt": (NIGHT, {"drop": 0.15}),
    "a drop ruled out": (NIGHT, {"drop": 1}),
    "floors": (NIGHT, {"floor": 0.7}),
    "a floor in doubt": (NIGHT, {"floor": 0.64, "floor_by": "bound"}),
    "no values": (evidence({"a": [None] * 200, "b": right(100, 200)}), {}),
    "few values": (evidence({"a": [*[None] * 20, *right(130, 180)], "b": right(120, 200)}), {}),
    "a limited run": (replace(NIGHT, limited={"limit": 10}), {}),
    "cells that come and go": (evidence({"a": right(160, 200), "c": right(100, 200)}), {}),
    "another seed": (evidence({"a": right(160, 200), "b": right(100, 200)}, seed=2, models={
        "net": {**RECORD["models"]["net"], "digest": "m2"}}), {}),
    "another package": (evidence({"a": right(160, 200), "b": right(100, 200)}, packages={"torch": "2.7"}), {}),
    "waivers": (NIGHT, {"waivers": [
        {"reason": "#1", "until": "2999-01-01"}, {"reason": "#2", "until": "2999-01-01", "variant": "a"},
        {"reason": "#3", "until": "2026-11-29"}, {"reason": "#4", "until": "2999-01-01", "variant": "b"}]}),
    "ceilings": (NIGHT, {"ceilings": [{"max_p95_ms": 10, "max_cost_per_1000": 1, "max_tokens_rise": 0.1}]}),
}  # fmt: skip
NAMES = {  # of the suite, and what every language writes so
    *["PASS", "WARN", "BLOCK", "INCONCLUSIVE", "NOT", "COMPARABLE"],
    *["a", "b", "c", "t", "m", "s", "p", "base", "night", "net", "torch", "seed", "json", "markdown", "Scripted"],
}


def sentences(result: GateResult) -> list[Sentence]:
    waivers = [cell.waiver for cell in result.cells if cell.waiver]
    return [*(check.text for cell in result.cells for check in cell.checks), *waivers, *result.notes]


@pytest.mark.parametrize("name", HELD)
def test_what_is_said_is_said_in_both_languages(name: str) -> None:
    after, policy = HELD[name]
    result = held(BASE, after, **policy)
    assert sentences(result)
    for sentence in sentences(result):
        assert spoken_statement(sentence.statement) == sentence.text
    with speaking("zh"):
        texts = [spoken_statement(sentence.statement) for sentence in sentences(result)]
    shown = re.sub(r"<[^>]*>", " ", gate_markdown(result, "zh"))
    words = set(re.findall("[A-Za-z]+", " ".join([*texts, shown])))
    assert words <= NAMES
    assert "基线" in gate_junit(result, "zh")
