"""What each variant of a whole run takes: rows, training, indexes, tokens, and by whom its requests are charged."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.records.decisions import Approach, DecisionRecord, Teaching, VariantCost
from harness.records.figures import Routed, Usage
from harness.records.inputs import JSON
from harness.records.summary import Summary
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from harness.summary.variant_costs import variant_costs

SUITE = """
name: costs
models:
  far: {{openai: {{url: "http://192.0.2.1/v1", model: x}}}}
  dear: {{openai: {{url: "http://192.0.2.2/v1", model: y}}}}
  near: {{openai: {{url: "http://localhost:1/v1", model: z}}}}
  own: {{scripted: {{default: x}}}}
knowledge: {{k: {{texts: {{path: terms.txt}}}}}}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, train: train.tsv, input: input, target: target}}}}
    metrics: {{a: exact_match}}
variants:
  far: {{prompting: {{model: far}}}}
  dear: {{prompting: {{model: dear}}}}
  near: {{prompting: {{model: near}}}}
  own: {{prompting: {{model: own}}}}
  few: {{prompting: {{model: own, shots: 3}}}}
  nearest: {{prompting: {{model: own, shots: 3, pick: nearest}}}}
  rag: {{rag: {{model: own, knowledge: k}}}}
  both: {{cascade: {{of: [rag, far], confidence: retrieval, thresholds: [1.0]}}}}
  learnt: {{cascade: {{of: [rag, few], confidence: retrieval, learn: 10}}}}
  low: {{floor: {{by: nearest}}}}
{more}
"""
TEST = "input\ttarget\nq\tx\n"
TRAIN = "input\ttarget\n" + "".join(f"row {number}\tx\n" for number in range(12))
Write = Callable[..., Path]
MORE = "prices: {device_hour: 3.6, million_tokens_in: 2, million_tokens_out: 8, models: {dear: {million_tokens_in: 20, million_tokens_out: 80}}}"


def suite(write_suite: Write, more: str = "") -> Suite:
    return load_suite(write_suite(SUITE.format(more=more), test__tsv=TEST, train__tsv=TRAIN, terms__txt="x\ny\n"))


def usage(variant: str, seconds: float) -> Usage:
    return Usage(
        task="t", variant=variant, samples=10, failed=0, unread=0, truncated=0, tokens_in=1000,
        tokens_out=500, seconds=seconds, prompts="",
    )  # fmt: skip


def costs(own: Suite, run: Mapping[str, JSON] | None = None, routed: tuple[Routed, ...] = ()) -> dict[str, VariantCost]:
    tasks = prepare(own)
    approaches: dict[str, Approach] = {
        **dict.fromkeys(own.variants, "prompting"), "rag": "RAG", "both": "cascade", "learnt": "cascade", "low": "floor",
    }  # fmt: skip
    summary = Summary(
        name="costs", reference=None, headline=(), metrics={}, results=(), comparisons=(), routed=routed,
        usage=(), decisions=DecisionRecord(approaches=approaches),
    )  # fmt: skip
    answered = [usage(name, 20.0) for name in own.variants if name != "low"]
    return {cost.variant: cost for cost in variant_costs(own, tasks, summary, run or {}, [], answered)}


def indexed(own: Suite) -> dict[str, Any]:
    tasks = prepare(own)
    (request,) = own.variants["rag"].indexes(tasks["t"])
    return {"indexes": [{"request": request.key, "seconds": 0.1, "first_seconds": 7.0}]}


@pytest.mark.parametrize(
    ("variant", "rows"),
    [("own", 0), ("few", 3), ("nearest", 12), ("rag", 0), ("both", 0), ("learnt", 10), ("low", 12)],
)
def test_labelled_rows(write_suite: Write, variant: str, rows: int) -> None:
    assert costs(suite(write_suite))[variant].labelled_rows == rows


@pytest.mark.parametrize(
    ("variant", "rows", "named_rows"),
    [
        ("rag", 12, 12), ("both", 12, 12), ("top", 12, 12), ("half", 6, 6), ("few", 3, 0), ("low", 12, 0),
    ],
)  # fmt: skip
def test_rows_that_are_names_of_passages_are_labels(
    write_suite: Write, variant: str, rows: int, named_rows: int
) -> None:
    text = SUITE.replace("knowledge: {{k: {{texts: {{path: terms.txt}}}}}}", """knowledge:
  k: {{texts: {{path: terms.txt, examples: t}}}}
  h: {{texts: {{path: terms.txt, examples: t, max_examples: 6}}}}
""").replace("  low:", """  top: {{floor: {{by: top_passage, knowledge: k}}}}
  half: {{rag: {{model: own, knowledge: h}}}}
  low:""").replace("confidence: retrieval, learn: 10}}}}", "confidence: retrieval, thresholds: [1.0]}}}}")  # fmt: skip
    own = load_suite(write_suite(text.format(more=""), test__tsv=TEST, train__tsv=TRAIN, terms__txt="x\ny\n"))
    cost = costs(own)[variant]
    assert (cost.labelled_rows, cost.named_rows) == (rows, named_rows)


def test_requests_that_leave_the_machine(write_suite: Write) -> None:
    local = {name for name, cost in costs(suite(write_suite)).items() if cost.is_local}
    assert local == {"near", "own", "few", "nearest", "rag", "learnt", "low"}


def test_indexes_and_usage(write_suite: Write) -> None:
    own = suite(write_suite)
    found = costs(own, indexed(own))
    assert {name for name, cost in found.items() if cost.index_seconds == 7.0} == {"rag", "both", "learnt"}
    assert costs(own)["rag"].index_seconds is None
    assert {name for name, cost in found.items() if cost.looks_up} == {"rag"}
    rag, low = found["rag"], found["low"]
    assert (rag.tokens_in, rag.tokens_out, rag.seconds) == (100.0, 50.0, 2.0)  # of each of 10
    assert (low.tokens_in, low.seconds) == (None, None)
    assert (rag.one_off, rag.monthly, rag.per_1000) == (None, None, None)  # no prices


@pytest.mark.parametrize(
    ("prices", "variant", "per_1000", "unpriced"),
    [
        (MORE, "far", 0.6, ()),  # 0.1 M × 2 + 0.05 M × 8
        (MORE, "dear", 6.0, ()),  # by its own price
        (MORE, "near", 2.0, ()),  # a server on this machine: 2,000 s of it
        (MORE, "own", 2.0, ()),
        ("prices: {million_tokens_in: 2, million_tokens_out: 8}", "near", 0.6, ()),  # the machine has no price
        ("prices: {million_tokens_in: 2, million_tokens_out: 8}", "own", None, ("device_hour",)),
        ("prices: {device_hour: 3.6}", "far", 2.0, ()),  # tokens have none: a server of one's own elsewhere
        ("prices: {labelled_row: 1}", "far", None, ("tokens",)),
        ("prices: {labelled_row: 1}", "near", None, ("device_hour",)),
    ],
)
def test_who_is_paid(write_suite: Write, prices: str, variant: str, per_1000: float | None, unpriced: Any) -> None:
    cost = costs(suite(write_suite, prices))[variant]
    assert (cost.per_1000, cost.unpriced) == (pytest.approx(per_1000), unpriced)


def step(name: str, place: int, samples: int) -> Routed:
    return Routed(
        task="t", variant="both", step=name, place=place, samples=samples, total=10, metric="a", mean=None,
        threshold=None, tokens=0, seconds=0.0,
    )  # fmt: skip


def test_a_cascade_of_steps_that_are_charged_differently(write_suite: Write) -> None:
    own = suite(write_suite, MORE)
    routed = (step("rag", 1, 7), step("far", 2, 3))
    both = costs(own, indexed(own), routed)["both"]
    assert both.per_1000 == pytest.approx(2.0 + 0.3 * 0.6)  # all come to rag, 3 of 10 to far
    assert both.one_off == pytest.approx(0.007)  # 7 s / 3,600 × 3.6
    unknown = costs(own, indexed(own))["both"]
    assert unknown.per_1000 is None


TUNED = Summary(
    name="costs", reference=None, headline=(), metrics={}, results=(), comparisons=(), usage=(),
    decisions=DecisionRecord(approaches={"tuned": "fine-tuning"}),
)  # fmt: skip


def record(inputs: str, seconds: float, devices: int = 1) -> dict[str, Any]:
    return {"inputs": inputs, "seconds": seconds, "devices": devices, "peak_memory": int(seconds)}


ANSWERS = {
    "from": "own",
    "as": None,
    "asked": 8,
    "used": 7,
    "calls": 6,
    "tokens_in": 60,
    "tokens_out": 6,
    "seconds": 3.0,
}


@pytest.mark.parametrize(("keep", "rows"), [("all", 2), ("right", 8)])  # two are shown as examples in any case
def test_answers_that_a_model_wrote_are_no_labels(write_suite: Write, keep: str, rows: int) -> None:
    pytest.importorskip("torch")
    text = SUITE.format(more="").replace(
        "  own: {scripted",
        "  base: {huggingface: {path: x}}\n  lora: {tuned: {base: base, method: lora, on: [t]}}\n  own: {scripted",
    ).replace("  low:", "  tuned: {prompting: {model: lora, shots: 2}}\n  low:")  # fmt: skip
    own = load_suite(write_suite(text, test__tsv=TEST, train__tsv=TRAIN, terms__txt="x\ny\n"))
    part = {"source": "train rows of t", "kind": "task", "rows": 7, "of": 12, "answers": {**ANSWERS, "keep": keep}}
    stages = [{"record": record(name, 1.0), "composition": [part]} for name in ("first", "second")]
    (cost,) = variant_costs(
        own, {"t": prepare(suite(write_suite))["t"]}, TUNED, {"training": {"lora": {"stages": stages}}}, [], []
    )
    assert cost.labelled_rows == rows
    assert cost.teaching == (Teaching(model="own", calls=6, tokens_in=60, tokens_out=6, seconds=3.0),)  # asked once


def searched(seconds: float) -> dict[str, Any]:
    return {"search": {"seconds": seconds}}


def test_trainings(write_suite: Write) -> None:
    """Two seeds: the mean of their times, the highest peak; a stage that both share is counted for each."""
    pytest.importorskip("torch")
    text = SUITE.format(more="").replace(
        "  own: {scripted", "  base: {huggingface: {path: x}}\n"
        "  lora: {tuned: {base: base, method: lora, on: [t], seeds: 2}}\n  own: {scripted"
    ).replace("  low:", "  tuned: {prompting: {model: lora, shots: 2}}\n  low:")  # fmt: skip
    own = load_suite(write_suite(text, test__tsv=TEST, train__tsv=TRAIN, terms__txt="x\ny\n"))
    tasks = {"t": prepare(suite(write_suite))["t"]}
    composition = [
        {"source": "train rows of t", "kind": "task", "rows": 8, "of": 12},
        {"source": "mix g", "kind": "mix", "rows": 80},
    ]
    training = {
        f"lora~{seed}": {
            "stages": [{"record": record("shared", 10.0)}, {"record": last, "composition": composition, **search}]
        }
        for seed, last, search in ((1, record("one", 70.0, 2), searched(30.0)), (2, record("two", 200.0), {}))
    }
    (cost,) = variant_costs(own, tasks, TUNED, {"training": training}, [], [])
    assert (cost.training_seconds, cost.training_memory) == (160.0, 200)  # (10 + 70 + 30 + 210) / 2: trials count
    assert cost.device_seconds == 210.0  # (10 + 2 × 100 + 10 + 200) / 2
    assert cost.labelled_rows == 8  # the two that are shown are of the same rows
