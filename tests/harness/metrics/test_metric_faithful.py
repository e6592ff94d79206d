"""Claim by claim: what a judge replies, and what becomes of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.components.metric import Mark
from harness.components.scoring import Scoring
from harness.errors import HarnessError
from harness.judging.asking.claims import read_claims, read_support
from harness.judging.people.calibrate import calibrate
from harness.metrics.faithful import NO_CLAIM, NO_PASSAGE, Faithful
from harness.models.scripted import Scripted
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, RetrievalTrace
from harness.runtime.run_folder import RunFolder
from harness.suite.parser import load_suite
from harness.text.json_objects import UnreadableError

Make = Callable[..., Scoring]
SAMPLE = Sample(id="1", task="t", input="阿司匹林的剂量？", targets=("100 mg",))
SPLIT, SUPPORT = r"(?s)<answer-\w+>\n", r"(?s)<claims-\w+>\n"


def verdicts(*supported: object) -> str:
    rows = [{"claim": n, "reason": f"依据{n}", "supported": value} for n, value in enumerate(supported, 1)]
    return json.dumps({"verdicts": rows}, ensure_ascii=False)


def claims(*texts: object) -> str:
    return json.dumps({"claims": list(texts)}, ensure_ascii=False)


def answer(text: str, passages: tuple[str, ...] = ("每日 100 mg。",), variant: str = "rag") -> Prediction:
    shown = tuple({"number": n, "title": "说明书", "text": passage} for n, passage in enumerate(passages, 1))
    return Prediction(
        sample_id="1", task="t", variant=variant, messages=(), text=text, reading=Reading(text), passages=shown,
        retrieval=RetrievalTrace(gold=(), ranks=None, depth=10, k=3),
    )  # fmt: skip


# (reply about the answer, reply about the claims, value, replies that were asked for, a part of the reason)
REPLIES: list[tuple[str, str, float | None, int, str]] = [
    (claims("剂量为 100 mg", "饭后服用"), verdicts(True, False), 1 / 2, 1, "1 / 2\n✓ 剂量为 100 mg (依据1)\n✗ 饭后服用 (依据2)"),
    (claims("a", "b", "c", "d"), verdicts(True, True, True, False), 3 / 4, 1, "3 / 4"),
    (claims("a"), verdicts(False), 0.0, 1, "0 / 1"),
    (claims("a"), f"```json\n{verdicts('是')}\n```", 1.0, 1, "1 / 1"),  # fenced, and the verdict as a word
    (claims("a", "a", " "), verdicts(True), 1.0, 1, "1 / 1"),  # the same claim twice is one, a blank one is none
    (claims("a", "b"), json.dumps({"verdicts": [{"claim": 2, "supported": True}, {"claim": 1, "supported": False}]}), 1 / 2, 1, "✗ a\n✓ b"),
    (claims(), "", None, 1, NO_CLAIM),  # nothing to check is neither right nor wrong
    ("无法拆分", "", None, 3, "no JSON object found"),
    (claims(1), "", None, 3, "a claim is not a text"),
    ('{"claims": "a"}', "", None, 3, '"claims" is no list'),
    (claims("a", "b"), verdicts(True), None, 3, "no verdict on claim 2"),
    (claims("a"), verdicts(True, True), None, 3, "2 is the number of no claim"),
    (claims("a"), json.dumps({"verdicts": [{"claim": 1, "supported": True}, {"claim": 1, "supported": False}]}), None, 3, "two different verdicts on claim 1"),
    (claims("a"), verdicts("perhaps"), None, 3, "neither true nor false"),
    (claims("a"), verdicts(1), None, 3, "neither true nor false"),
    (claims("a"), "抱歉，我不能判断。", None, 3, "no JSON object found"),
]  # fmt: skip


@pytest.mark.parametrize(("split", "support", "value", "attempts", "reason"), REPLIES)
def test_replies(scoring: Make, split: str, support: str, value: float | None, attempts: int, reason: str) -> None:
    again = [
        {"match": rf'(?s)JSON [Ss]chema.*"{key}"', "reply": reply}
        for key, reply in (("verdicts", support), ("claims", split))
    ]
    rules = [*again, {"match": SUPPORT, "reply": support}, {"match": SPLIT, "reply": split}]
    place = scoring("faithful", {"j": Scripted.model_validate({"rules": rules, "default": ""})})
    (mark,) = Faithful(model="j").score_batch([SAMPLE], [answer("每日 100 mg，饭后服用。")], place)
    assert isinstance(mark, Mark)
    assert (mark.value, reason in (mark.reason or "")) == (value, True), mark.reason
    (judgement,) = place.judgements
    assert judgement.attempts == attempts
    assert (judgement.unreadable is None) == (value is not None or reason == NO_CLAIM)


def test_what_is_not_asked(scoring: Make) -> None:
    """An empty answer claims nothing; where no passage came up there is nothing to support; a failure is unknown."""
    place = scoring("faithful", {"j": Scripted.model_validate({"default": "?", "rules": []})})
    marks = Faithful(model="j").score_batch([SAMPLE] * 2, [answer(" "), answer("100 mg", (), "other")], place)
    assert marks == [Mark(None, f"j: {NO_CLAIM}"), Mark(None, NO_PASSAGE)]
    assert place.context.counts.calls == 0
    assert [judgement.attempts for judgement in place.judgements] == [0]
    failing = scoring("faithful", {"j": Scripted.model_validate({"rules": [{"match": ".", "fail": "no power"}]})})
    (mark,) = Faithful(model="j").score_batch([SAMPLE], [answer("100 mg")], failing)
    assert mark == Mark(None, "j: no power")
    plain = Prediction(sample_id="1", task="t", variant="a", messages=(), text="x", reading=Reading("x"))
    assert (Faithful(model="j").applies(plain), Faithful(model="j").applies(answer("x", ()))) == (False, True)


def test_passages_that_the_judge_has_no_room_for_are_no_verdict(scoring: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server would cut the prompt and the judge deny what it was not shown: 6,000 × 0.6 tokens do not fit 2,000."""
    rules = [{"match": SUPPORT, "reply": verdicts(False)}, {"match": SPLIT, "reply": claims("a")}]
    monkeypatch.setattr("harness.models.scripted.Scripted.context_length", lambda self: 2000)
    place = scoring("faithful", {"j": Scripted.model_validate({"rules": rules, "default": ""})})
    (mark,) = Faithful(model="j").score_batch([SAMPLE], [answer("a", ("药" * 6000,))], place)
    assert mark.value is None
    assert "the judge has room for 2,000: raise its num_ctx" in (mark.reason or "")


@pytest.mark.parametrize(
    ("read", "text"), [(read_claims, claims(*"a" * 101)), (lambda text: read_support(text, ["a"]), "[]")]
)
def test_a_reply_that_has_lost_itself_is_unreadable(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(UnreadableError, match="expected"):
        read(text)


ROWS = "".join(json.dumps({"input": f"药{n}的剂量？", "target": "100 mg"}, ensure_ascii=False) + "\n" for n in "甲乙丙")
KNOWLEDGE = "药甲：每日 100 mg。\n药乙：每日 200 mg。\n药丙：每日 300 mg。\n"
JUDGE = {
    "rules": [
        {"match": r"(?s)<passages-\w+>.*100 mg.*</passages.*<claims", "reply": verdicts(True)},
        {"match": SUPPORT, "reply": verdicts(False)},
        {"match": SPLIT, "reply": claims("每日 100 mg")},
    ],
    "default": "",
}
SUITE = {
    "name": "faith",
    "models": {"m": {"scripted": {"default": "每日 100 mg"}}, "judge": {"scripted": JUDGE}},
    "knowledge": {"k": {"texts": {"path": "k.txt"}}},
    "tasks": {
        "t": {
            "data": {"jsonl": {"path": "data.jsonl"}},
            "metrics": {"faithful": {"faithful": {"model": "judge"}}, "exact": "exact_match"},
        }
    },
    "variants": {"zero": {"prompting": {"model": "m"}}, "rag": {"rag": {"model": "m", "knowledge": "k", "k": 1}}},
    "compare": {"reference": "zero", "headline": ["t.faithful", "t.exact"]},
}


@pytest.fixture
def made(write_suite: Callable[..., Path]) -> Path:
    return write_suite(json.dumps(SUITE), data__jsonl=ROWS, k__txt=KNOWLEDGE)


def test_a_run_scores_what_shows_passages_and_lets_no_unproven_judge_decide(
    made: Path, run_suite: Callable[..., RunFolder]
) -> None:
    """Three answers, one of which its passage supports; the calls are counted and cached like any other."""
    folder = run_suite(made)
    values = [(score.variant, score.value) for score in folder.scores() if score.metric == "faithful"]
    assert values == [("rag", 1.0), ("rag", 0.0), ("rag", 0.0)]
    summary = folder.finished().summary
    assert list(summary.judging.demoted) == ["t.faithful"]
    assert "it is not calibrated against people" in summary.judging.demoted["t.faithful"]
    record = folder.read_run()
    # 3 equal answers to 3 questions: 3 to break down, 3 to check
    assert [cost["calls"] + cost["cached"] for cost in record["judging"]] == [6]
    assert "claims" in record["rubrics"]["faithful"]


def labelled(made: Path, *rows: dict[str, Any]) -> Path:
    path = made.parent / "people.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def test_it_is_held_against_people_by_the_passages_that_their_file_has(
    made: Path, context: Callable[..., Any], run_suite: Callable[..., RunFolder]
) -> None:
    """Judge 1, 0, 0; people 1, 0, 0: κ = 1. The judge is asked as the run asked it, so all of it is cached."""
    run_suite(made)
    path = labelled(
        made,
        *(
            {"question": f"药{n}的剂量？", "answer": "每日 100 mg", "passages": [line], "score": score}
            for n, line, score in zip("甲乙丙", KNOWLEDGE.splitlines(), (1, 0, 0), strict=True)
        ),
    )
    suite = load_suite(made)
    door = context(suite)
    (found,) = calibrate(suite, path, None, door)
    assert (found.items, found.against.items, found.against.kappa) == (3, 3, 1.0)
    assert (door.counts.calls, door.counts.cached) == (0, 6)


def test_labels_without_passages_are_refused(made: Path, context: Callable[..., Any]) -> None:
    suite = load_suite(made)
    path = labelled(made, {"question": "药甲的剂量？", "answer": "每日 100 mg", "score": 1})
    with pytest.raises(HarnessError, match="these labels need a metric that judges single answers"):
        calibrate(suite, path, None, context(suite))
    with pytest.raises(HarnessError, match=r"people.jsonl:1: has no passages; .* add a column 'passages'"):
        calibrate(suite, path, "t.faithful", context(suite))
