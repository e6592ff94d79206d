"""What a served model's answers are shown with: latency, cached tokens, reasoning, renderings, versions."""

from dataclasses import replace
from typing import Any

import pytest

from harness.records.figures import Timing
from harness.records.inputs import JSON, Message, Sample
from harness.records.outputs import Prediction, Reading, Serving
from harness.records.summary import Summary
from reports.facts.answer_path import timing_note
from reports.facts.divergent_turns import divergent_turns
from reports.facts.item_payload import ItemRecords, items_payload
from reports.html import render
from reports.sections.divergent_renderings import DivergentRenderings
from reports.sections.run_record import RunRecord
from tests.shared.finished import finished, rendered_text, visible

QUEUED = Serving(at_once=8, wall_seconds=4.2)


def answer(variant: str = "zero-shot", sample: str = "n01", **changes: Any) -> Prediction:
    settings: dict[str, Any] = {
        "messages": (Message("user", "Name a tree."),),
        "text": "Oak",
        "reading": Reading("Oak"),
    }
    return Prediction(sample_id=sample, task="norm", variant=variant, **(settings | changes))


def cost_text(summary: Summary, timing: Timing | None, **changes: Any) -> str:
    usage = tuple(
        replace(own, timing=timing, **changes) if (own.task, own.variant) == ("norm", "rag") else own
        for own in summary.usage
    )
    page = visible(render(finished(replace(summary, usage=usage))))
    return page[page.index("Calls, tokens and failures, task by task") :]


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        (Timing(latency=0.42, measured=30, served=True), ["Latency", "0.21 0.42"]),
        (Timing(latency=None, measured=0, shared=4.2, at_once=8, served=True), ["– 4.20 under 8 at once"]),
        (Timing(latency=None, measured=0, shared=4.2, at_once=None, served=True), ["– 4.20 among other calls"]),
        (Timing(latency=0.4, measured=1, shared=4.2, at_once=8, served=True),
         ["0.40 of 1 item 4.20 under 8 at once"]),
        (Timing(latency=0.01, measured=30, served=True, cached_tokens=19000),
         ["0.01 96.7 % of prompts cached"]),  # 19,000 of 30 × 655 tokens
    ],
)  # fmt: skip
def test_the_latency_beside_the_seconds(summary: Summary, timing: Timing, expected: list[str]) -> None:
    text = cost_text(summary, timing)
    assert all(part in text for part in expected)


def test_without_a_server_there_is_no_column_of_latencies(summary: Summary) -> None:
    assert "Latency" not in cost_text(summary, Timing(latency=0.2, measured=30))
    assert "Latency" not in cost_text(summary, None)


def test_the_probability_of_no_option_of_each_variant(summary: Summary) -> None:
    text = cost_text(summary, None, elsewhere=0.123, astray=3)
    assert "12.3 % above one half in 3 items" in text
    assert "No option" not in cost_text(summary, None)


@pytest.mark.parametrize(
    ("prediction", "note"),
    [
        (answer(seconds=0.5), None),
        (answer(seconds=0.5, serving=QUEUED), "4.20 s under 8 at once"),
        (answer(seconds=0.5, serving=Serving(at_once=None)), "0.50 s among other calls"),
        (answer(seconds=0.5, serving=Serving(wall_seconds=0.51)), "0.51 s latency"),
        (answer(seconds=0.5, serving=replace(QUEUED, compute_seconds=0.42, cached_tokens=31)),
         "0.42 s latency · 31 prompt tokens cached"),
        (answer(seconds=0.5, serving=replace(QUEUED, compute_seconds=0.07, cached_tokens=1)),
         "0.07 s latency · 1 prompt token cached"),
    ],
)  # fmt: skip
def test_the_time_of_one_answer(prediction: Prediction, note: str | None) -> None:
    assert timing_note(prediction) == note


def test_reasoning_and_no_option_stand_beside_the_answer(summary: Summary) -> None:
    own = answer(reasoning="It grows.", elsewhere=0.25, serving=QUEUED, rendered="<s>Name a tree.")
    sample = Sample(id="n01", task="norm", input="Name a tree.", targets=("Oak",))
    run = finished(summary, samples=[sample], predictions=[own, answer("rag", reasoning=" ")])
    content = items_payload(ItemRecords(run), 0, 0)
    first, second = content["items"][0]["answers"]
    texts: list[str] = content["texts"]
    assert "".join(texts[piece] for piece in first["reasoning"]) == "It grows."
    assert rendered_text(first, texts) == "<s>Name a tree."
    assert first["elsewhere"] == "25.0 %"
    assert texts[first["timing"]["en"]] == "4.20 s under 8 at once"
    assert texts[first["timing"]["zh"]] == "4.20 秒（8 个调用同时进行时）"
    assert not {"reasoning", "elsewhere", "timing"} & set(second)


OLLAMA = "<|im_start|>user\nName a tree.<|im_end|>\n<|im_start|>assistant\n"
DEFAULT = "<|im_start|>system\nYou are a helpful AI assistant named SmolLM<|im_end|>\n" + OLLAMA
GEMMA = "<start_of_turn>user\nName a tree.<end_of_turn>\n<start_of_turn>model\n"


@pytest.mark.parametrize(
    ("rendered", "groups", "is_telling"),
    [
        ((OLLAMA, OLLAMA), [], False),
        ((OLLAMA, None), [], False),  # a server that does not tell
        ((OLLAMA, DEFAULT), [["zero-shot"], ["rag"]], True),  # one template adds a text
        ((OLLAMA, GEMMA), [["zero-shot"], ["rag"]], False),  # only the markup of another family
        ((OLLAMA, "Name a tree."), [["zero-shot"], ["rag"]], True),  # a bare template
        ((OLLAMA, "Name a tree.Oak"), [["zero-shot"], ["rag"]], True),
        ((DEFAULT, DEFAULT.replace("SmolLM", "Qwen")), [["zero-shot"], ["rag"]], True),
    ],
)
def test_equal_turns_rendered_otherwise(
    summary: Summary, rendered: tuple[str, str | None], groups: list[list[str]], is_telling: bool
) -> None:
    predictions = [
        answer(variant, sample, rendered=text, tokens_in=11)
        for sample in ("n01", "n02")
        for variant, text in zip(("zero-shot", "rag"), rendered, strict=True)
    ]
    turns = list(divergent_turns(predictions))
    assert [list(r.variants) for each in turns for r in each.renderings] == groups
    assert [each.is_telling for each in turns] == [is_telling] * len(turns)
    run = finished(summary, predictions=predictions)
    cautions = list(DivergentRenderings().cautions(run))
    assert len(cautions) == is_telling
    assert all("SmolLM" in caution for caution in cautions if DEFAULT in rendered)
    assert all('system: ""' in caution and "“" in caution for caution in cautions)
    facts = DivergentRenderings().build(run)
    assert (facts is not None) == bool(groups)
    if facts is not None:
        assert [text.text for text in facts.cards[0].texts] == list(rendered)
        assert facts.cards[0].texts[0].variants == "zero-shot (11 tokens)"


def test_other_messages_are_no_other_rendering() -> None:
    other = (Message("user", "Name a fruit."),)
    assert not list(divergent_turns([answer(rendered=OLLAMA), answer("rag", rendered=GEMMA, messages=other)]))


def model(**changes: JSON) -> dict[str, JSON]:
    return {"component": "OpenAI", "settings": {"model": "m"}, "tells_version": False, **changes}


@pytest.mark.parametrize(
    ("record", "cached", "expected"),
    [
        (model(), 12, "The server of m does not tell its version, and 12 answers came from the cache"),
        (model(), 0, None),
        (model(tells_version=True), 12, None),
        ({"component": "OpenAI", "settings": {}}, 12, None),  # a run of before
    ],
)
def test_a_server_without_a_version_is_named(
    summary: Summary, record: dict[str, JSON], cached: int, expected: str | None
) -> None:
    run = {
        "models": {"m": record},
        "variants": {"rag": {"component": "Prompting", "settings": {"model": "m"}}},
        "cells": [{"task": "norm", "variant": "rag", "cached": cached}],
    }
    cautions = list(RunRecord().cautions(finished(summary, run)))
    assert [caution.startswith(expected or "-") for caution in cautions] == ([] if expected is None else [True])
    page = visible(render(finished(summary, run)))
    assert ("its server does not tell its version" in page) == (record.get("tells_version") is False)
