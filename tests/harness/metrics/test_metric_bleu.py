"""bleu and chrf against hand-computed values and, on random subsets, against sacrebleu's own corpus_score."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness.components.dataset import Dataset
from harness.components.metric import Mark
from harness.components.scoring import Scoring
from harness.metrics.bleu import Bleu
from harness.metrics.chrf import Chrf
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.stages.score_metric import score_metric

EITHER = pytest.mark.parametrize("metric", [Bleu(), Chrf()])
Corpus = Sequence[tuple[str | None, Sequence[str]]]


def marks(metric: Bleu | Chrf, corpus: Corpus) -> list[Mark]:
    samples = [Sample(id=str(i), task="t", input="q", targets=tuple(targets)) for i, (_, targets) in enumerate(corpus)]
    said = [
        Prediction(
            sample_id=str(i),
            task="t",
            variant="v",
            messages=(),
            text=answer or "",
            reading=Reading(answer, None if answer is not None else "unread"),
        )
        for i, (answer, _) in enumerate(corpus)
    ]
    return metric.score_batch(samples, said)  # type: ignore[return-value]


def totals(some: Sequence[Mark], weights: Any) -> dict[str, Any]:
    names = list(some[0].counts or ())
    table = np.array([[(mark.counts or {})[name] for name in names] for mark in some])
    return dict(zip(names, (np.atleast_2d(weights) @ table).T, strict=True))


def figure(metric: Bleu | Chrf, corpus: Corpus) -> float:
    some = marks(metric, corpus)
    return float(metric.aggregate(totals(some, np.ones(len(some))))[""][0])


@pytest.mark.parametrize(
    ("corpus", "expected"),
    [
        # 5 of 6 characters, 3 of 5 pairs, 2 of 4, 1 of 3; same length: 100 (5/6 · 3/5 · 2/4 · 1/3)^¼ = 100 (1/12)^¼
        ([("患者咳嗽三天", ["患者咳嗽五天"])], 100 * (1 / 12) ** 0.25),
        # all 5 of 5, 4 of 4, 3 of 3, 2 of 2 right, but 5 characters for 6: 100 e^(1 - 6/5)
        ([("患者咳嗽三", ["患者咳嗽三天"])], 100 * np.exp(-0.2)),
        # 4 + 3 of 8, 3 + 2 of 6, 2 + 1 of 4, 1 + 0 of 2: sums over the corpus, no mean of two values
        ([("咳嗽三天", ["咳嗽三天"]), ("咳嗽五月", ["咳嗽五天"])], 100 * (7 / 8 * 5 / 6 * 3 / 4 * 1 / 2) ** 0.25),
        # 2 of 4, 1 of 3, then 0 of 2 smoothed to 1/(2 · 2) and 0 of 1 to 1/(4 · 1)
        ([("咳嗽三天", ["咳嗽发热"])], 100 * (2 / 4 * 1 / 3 * 1 / 4 * 1 / 4) ** 0.25),
        ([("", ["咳嗽三天"])], 0.0),
        ([(None, ["咳嗽三天"])], 0.0),
        # the empty answer matters for the length only: 4 characters for 8
        ([("咳嗽三天", ["咳嗽三天"]), (None, ["发热五天"])], 100 * np.exp(1 - 8 / 4)),
        ([("腹泻", ["咳嗽三天"])], 0.0),
        ([("咳嗽", ["咳嗽"])], 0.0),  # no run of 3 or 4 in the whole corpus: 0, as sacrebleu has it
    ],
)
def test_bleu(corpus: Corpus, expected: float) -> None:
    assert figure(Bleu(tokenize="zh"), corpus) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("settings", "corpus", "expected"),
    [
        # one: 2 of 2 given, of 3 wanted; pairs: 1 of 1, of 2. P 1, R (2/3 + 1/2) / 2 = 7/12; 5 · 7/12 / (4 + 7/12) = 7/11
        ({"char_order": 2}, [("ab", ["abc"])], 700 / 11),
        # spaces do not count; beta 1: 2 · 1 · 7/12 / (1 + 7/12) = 14/19
        ({"char_order": 2, "beta": 1}, [("a b", ["ab c"])], 1400 / 19),
        # sums over the corpus: 2 + 0 of 3 given, of 4 wanted; no pair of the second: 1 of 1, of 2
        # P (2/3 + 1) / 2 = 5/6, R (2/4 + 1/2) / 2 = 1/2; 5 · 5/6 · 1/2 / (4 · 5/6 + 1/2) = 25/12 / (23/6) = 25/46
        ({"char_order": 2}, [("ab", ["abc"]), ("y", ["x"])], 2500 / 46),
        ({"char_order": 1}, [("AB", ["ab"])], 0.0),
        ({"char_order": 1, "lowercase": True}, [("AB", ["ab"])], 100.0),
        # chrF+: letters a b c against a b d, 2 of 3 each; words a, b, c against a, bd: 1 of 3 given, of 2 wanted
        # P (2/3 + 1/3) / 2 = 1/2, R (2/3 + 1/2) / 2 = 7/12; 5 · 1/2 · 7/12 / (4 · 1/2 + 7/12) = 35/24 / (31/12) = 35/62
        ({"char_order": 1, "word_order": 1}, [("a b c", ["a bd"])], 3500 / 62),
        ({}, [("咳", ["咳"])], 100.0),
        ({}, [("", ["咳嗽"])], 0.0),
        ({}, [(None, ["咳嗽"])], 0.0),
    ],
)
def test_chrf(settings: dict[str, Any], corpus: Corpus, expected: float) -> None:
    assert figure(Chrf(**settings), corpus) == pytest.approx(expected, abs=1e-9)


def random_corpus(seed: int, size: int, references: int) -> list[tuple[str, list[str]]]:
    """Chinese and English of all lengths, some answers empty, some equal to a reference."""
    draw = random.Random(seed)

    def text(most: int) -> str:
        words = draw.choices(
            ["咳嗽", "发热", "三天", "患者", "无", "CT", "1.5cm", "pain ", "no ", "。"], k=draw.randint(1, most)
        )
        return "".join(words).strip() or "无"

    corpus = []
    for _ in range(size):
        targets = [text(12) for _ in range(references)]
        corpus.append((draw.choice(["", targets[0], text(3), text(12), text(30)]), targets))
    return corpus


@pytest.mark.parametrize(
    ("metric", "reference"),
    [
        (Bleu(), BLEU(tokenize="zh")),
        (Bleu(tokenize="13a"), BLEU(tokenize="13a")),
        (Bleu(tokenize="char", lowercase=True), BLEU(tokenize="char", lowercase=True)),
        (Bleu(tokenize="intl"), BLEU(tokenize="intl")),
        (Chrf(), CHRF()),
        (Chrf(word_order=2), CHRF(word_order=2)),
        (Chrf(char_order=3, beta=1, lowercase=True), CHRF(char_order=3, beta=1, lowercase=True)),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("references", [1, 3])
def test_the_figure_of_any_resample_is_that_of_sacrebleu(
    metric: Bleu | Chrf, reference: BLEU | CHRF, references: int
) -> None:
    corpus = random_corpus(references, 30, references)
    draw = np.random.default_rng(5)
    sizes = [1, 1, 1, 2, 3, 5, 10, 30, 30, 30]
    drawn = [draw.integers(0, len(corpus), size) for size in sizes]  # with repetitions, as the bootstrap does
    weights = np.array([np.bincount(some, minlength=len(corpus)) for some in drawn], dtype=float)
    found = metric.aggregate(totals(marks(metric, corpus), weights))[""]
    expected = [
        reference.corpus_score(
            [corpus[i][0] for i in some], [[corpus[i][1][k] for i in some] for k in range(references)]
        ).score
        for some in drawn
    ]
    assert found == pytest.approx(expected, abs=1e-9)


def test_sums_of_fractions_are_taken_for_the_whole_numbers_that_they_miss() -> None:
    """The mean over three seeds of counts, added and taken away again, may leave 1e-17 where nothing is right."""
    names = [f"{kind} {n}" for n in (1, 2, 3, 4) for kind in ("right", "tried")]
    exact = dict(zip(names, map(float, (2, 4, 1, 3, 0, 2, 0, 1)), strict=True)) | {"given": 4.0, "wanted": 4.0}
    off = {name: np.array([count, count + 1e-16]) for name, count in exact.items()}
    found = Bleu().aggregate(off)[""]
    assert found[0] == found[1] == pytest.approx(100 * (2 / 4 * 1 / 3 * 1 / 4 * 1 / 4) ** 0.25)


@EITHER
def test_a_figure_without_any_reference_is_unknown(metric: Bleu | Chrf) -> None:
    some = marks(metric, [("咳嗽", ["咳嗽"])])
    assert np.isnan(metric.aggregate(totals(some, np.zeros(1)))[""]).all()


@EITHER
@pytest.mark.parametrize(
    ("answer", "told"), [("", "the answer is empty"), (" \n", "the answer is empty"), (None, "unread")]
)
def test_no_answer_is_0_with_its_reason(metric: Bleu | Chrf, answer: str | None, told: str) -> None:
    mark = marks(metric, [(answer, ["咳嗽三天"])])[0]
    assert mark.value == 0.0
    assert (mark.reason or "").split("; ")[0] == told


@EITHER
def test_a_blank_reference_is_refused(metric: Bleu | Chrf, scoring: Callable[..., Scoring]) -> None:
    task = replace(
        scoring().task,
        data=Dataset(
            (
                Sample(id="a", task="t", input="q", targets=("咳嗽",)),
                Sample(id="b", task="t", input="q", targets=("咳", "\u3000")),
            )
        ),
    )
    assert metric.check_task(task) == "sample b: a reference is empty: no word or number to compare an answer with"


def test_a_samples_own_value_is_its_sentence_bleu() -> None:
    """Orders that the answer is too short for are left out: 2 of 2 and 1 of 1."""
    assert marks(Bleu(), [("咳嗽", ["咳嗽"])])[0].value == pytest.approx(100.0)
    assert marks(Bleu(), [("患者咳嗽三天", ["患者咳嗽三天"])])[0].value == 100.0  # not 100.00000000000004


def test_the_signature_is_that_of_sacrebleu() -> None:
    reference = BLEU(tokenize="zh")
    reference.corpus_score(["咳嗽"], [["咳嗽"]])
    assert marks(Bleu(), [("咳嗽", ["咳嗽"])])[0].reason == str(reference.get_signature())
    assert f"nrefs:1|{Bleu(tokenize='zh').signature}" == str(reference.get_signature())
    assert "nrefs:var|" in (marks(Bleu(), [("咳嗽", ["咳嗽"]), ("咳", ["咳", "痰"])])[0].reason or "")
    theirs = CHRF(word_order=2)
    theirs.corpus_score(["咳嗽"], [["咳嗽"]])
    assert f"nrefs:1|{Chrf(word_order=2).signature}" == str(theirs.get_signature())
    assert Bleu().model_dump(mode="json")["signature"] == Bleu().signature


def test_the_signature_on_a_task_is_whole(scoring: Callable[..., Scoring]) -> None:
    """It names the tokenizer that was taken and the number of references."""
    task = replace(
        scoring().task,
        data=Dataset(
            (
                Sample(id="1", task="t", input="q", targets=("咳嗽",)),
                Sample(id="2", task="t", input="q", targets=("发热", "热")),
            )
        ),
    )
    zh, theirs = BLEU(tokenize="zh"), CHRF()
    for one in (zh, theirs):
        one.corpus_score(["咳", "热"], [["咳嗽", "发热"], [None, "热"]])  # type: ignore[list-item]
    assert Bleu().resolved(task) == {"signature": str(zh.get_signature())}
    assert Chrf().resolved(task) == {"signature": str(theirs.get_signature())}


def test_the_tokenizer_is_chosen_once_for_a_task(scoring: Callable[..., Scoring]) -> None:
    english, chinese = (
        Sample(id="1", task="t", input="q", targets=("no pain",)),
        Sample(id="2", task="t", input="q", targets=("患者咳嗽三天",)),
    )
    said = Prediction(sample_id="1", task="t", variant="v", messages=(), text="no pain", reading=Reading("no pain"))
    surroundings = scoring("bleu")
    whole = replace(surroundings.task, data=Dataset((english, chinese)))
    alone, among = (
        score_metric(Bleu(), [english], [said], replace(surroundings, task=task))[0]
        for task in (surroundings.task, whole)
    )
    assert "|tok:13a|" in (alone.reason or "")
    assert "|tok:zh|" in (among.reason or "")
    assert among.counts is not None


@EITHER
@pytest.mark.parametrize("answer", ["咳嗽" * 5000, "😀" * 50, "咳\ud800嗽"])
def test_long_and_odd_answers_have_a_value(metric: Bleu | Chrf, answer: str) -> None:
    value = marks(metric, [(answer, ["咳嗽三天，发热"])])[0].value
    assert value is not None
    assert 0 <= value < 100
