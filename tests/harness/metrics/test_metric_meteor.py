"""meteor against hand-computed values, an exhaustive search for the fewest chunks, and NLTK where no token repeats."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from nltk.translate.meteor_score import single_meteor_score

from harness.components.dataset import Dataset
from harness.components.metric import Mark
from harness.components.scoring import Scoring
from harness.metrics.meteor import Meteor, aligned
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading


def mark(answer: str | None, *targets: str, reason: str | None = None, **settings: float) -> Mark:
    prediction = Prediction(
        sample_id="1", task="t", variant="v", messages=(), text=answer or "", reading=Reading(answer, reason)
    )
    found = Meteor(**settings).score(Sample(id="1", task="t", input="q", targets=targets), prediction)  # type: ignore[arg-type]
    assert isinstance(found, Mark)
    return found


@pytest.mark.parametrize(
    ("answer", "targets", "settings", "value"),
    [
        ("咳嗽三天", ("咳嗽三天",), {}, 1 - 0.5 / 4**3),  # P = R = 1, one chunk of 4
        ("咳", ("咳",), {}, 0.5),  # one chunk of 1: half is taken off
        ("嗽咳", ("咳嗽",), {}, 0.5),  # two chunks of 2
        # 3 of 3 given, of 4 wanted, by stems: F = 0.75 / (0.9 + 0.075); one chunk of 3
        ("The cats sat", ("the cat sat down",), {}, 0.75 / 0.975 * (1 - 0.5 / 27)),
        # 6 of 10 given, 6 of 6 wanted: F = 0.6 / (0.54 + 0.1). One chunk; from the end, as NLTK aligns, there are two
        ("患者咳嗽三天患者发热", ("患者咳嗽三天",), {}, 0.9375 * (1 - 0.5 / 6**3)),
        # 三天 and 咳嗽: 4 of 4 and 4 in 2 chunks
        ("三天咳嗽", ("咳嗽三天",), {}, 1 - 0.5 * (2 / 4) ** 3),
        ("三天咳嗽", ("咳嗽三天",), {"gamma": 0.0}, 1.0),
        ("三天咳嗽", ("咳嗽三天",), {"beta": 1.0}, 0.75),
        ("咳嗽", ("咳嗽三天",), {"alpha": 0.0, "gamma": 0.0}, 1.0),  # precision alone
        ("咳嗽", ("咳嗽三天",), {"alpha": 1.0, "gamma": 0.0}, 0.5),  # recall alone
        ("咳嗽三天", ("发热", "咳嗽三天"), {}, 1 - 0.5 / 4**3),  # the better reference
        ("腹泻", ("咳嗽",), {}, 0.0),
    ],
)
def test_meteor(answer: str, targets: tuple[str, ...], settings: dict[str, float], value: float) -> None:
    assert mark(answer, *targets, **settings).value == pytest.approx(value)


def test_the_reason_tells_what_was_aligned() -> None:
    assert mark("咳嗽三天", "咳嗽五天").reason == "3 characters aligned in 2 chunks; the answer has 4, the reference 4"


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        (None, "the reply is empty", "the reply is empty"),
        ("", None, "no word or number is in the answer"),
        (" 。😀\ud800", None, "no word or number is in the answer"),
    ],
)
def test_no_answer_is_0_with_its_reason(answer: str | None, reason: str | None, told: str) -> None:
    assert mark(answer, "咳嗽", reason=reason) == Mark(0.0, told)


def test_a_reference_without_a_token_is_refused(scoring: Callable[..., Scoring]) -> None:
    task = replace(scoring().task, data=Dataset((Sample(id="7", task="t", input="q", targets=("。",)),)))
    assert Meteor().check_task(task) == "sample 7: a reference is “。”: no word or number to compare an answer with"
    task = replace(task, data=Dataset((Sample(id="7", task="t", input="q", targets=()),)))
    assert Meteor().check_task(task) == "sample 7 has no reference to compare an answer with"


class NoThesaurus:
    """What NLTK asks for synonyms."""

    def synsets(self, word: str) -> tuple[()]:
        return ()


def test_equals_nltk_where_no_word_comes_twice() -> None:
    draw = random.Random(2)
    words = [
        "pains",
        "pained",
        "cough",
        "coughing",
        "fever",
        "daily",
        "days",
        "rest",
        "resting",
        "severe",
        "the",
        "a",
        "of",
    ]
    for _ in range(200):
        answer, target = draw.sample(words, draw.randint(1, 9)), draw.sample(words, draw.randint(1, 9))
        if any(max(Counter(map(_ending_off, side)).values()) > 1 for side in (answer, target)):
            continue  # pains and pained are one stem: NLTK aligns the equal words first
        expected = single_meteor_score(target, answer, wordnet=NoThesaurus())  # type: ignore[arg-type]
        assert mark(" ".join(answer), " ".join(target)).value == pytest.approx(expected)


def _ending_off(word: str) -> str:
    return word.removesuffix("ing").removesuffix("ed").removesuffix("s")


def chunks(pairs: set[tuple[int, int]]) -> int:
    return sum((i - 1, j - 1) not in pairs for i, j in pairs)


def fewest(given: Sequence[str], wanted: Sequence[str]) -> int:
    """By trying every alignment that has as many pairs as there can be."""
    most = (Counter(given) & Counter(wanted)).total()

    def search(i: int, pairs: frozenset[tuple[int, int]]) -> int:
        if i == len(given):
            return chunks(set(pairs)) if len(pairs) == most else 99
        taken = {j for _, j in pairs}
        options = [j for j, token in enumerate(wanted) if token == given[i] and j not in taken]
        return min([search(i + 1, pairs), *(search(i + 1, pairs | {(i, j)}) for j in options)])

    return search(0, frozenset())


def test_alignments_are_complete_and_hardly_ever_have_more_chunks_than_the_best() -> None:
    draw = random.Random(1)
    more = 0
    for _ in range(200):
        given, wanted = (draw.choices("甲乙丙丁戊", k=draw.randint(1, 6)) for _ in range(2))
        pairs = aligned(given, wanted)
        assert len(pairs) == len({i for i, _ in pairs}) == len({j for _, j in pairs})
        assert len(pairs) == (Counter(given) & Counter(wanted)).total()
        assert all(given[i] == wanted[j] for i, j in pairs)
        more += chunks(pairs) - fewest(given, wanted)
    assert more <= 2  # of 200


def test_long_runs_come_first_and_what_they_leave_is_still_aligned() -> None:
    # 乙丙丁 is the longest run; 甲 stands before both; the second 乙丙 of the answer is left over, and so is 戊
    assert sorted(aligned("乙丙甲乙丙丁", "甲戊乙丙丁")) == [(2, 0), (3, 2), (4, 3), (5, 4)]
    # 甲乙丙 is taken from 甲乙丙丁; of the run 丙丁 戊 in the other place 丁戊 is left
    assert sorted(aligned("甲乙丙丁戊", "甲乙丙丁戊甲乙")) == [(i, i) for i in range(5)]
    assert sorted(aligned("甲乙丙丁丙", "丙丁甲乙丙")) == [(0, 2), (1, 3), (2, 4), (3, 1), (4, 0)]


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ("的" * 10_000, "的" * 300),
        ("咳嗽三天" * 2_500, "三天咳嗽" * 75),
        ("患者咳嗽三天，伴发热，无明显诱因。" * 600, "患者无明显诱因咳嗽，伴发热三天。" * 20),
    ],
)
def test_10_000_characters_are_scored(answer: str, target: str) -> None:
    found = mark(answer, target)
    assert found.value is not None
    assert 0 < found.value < 1
