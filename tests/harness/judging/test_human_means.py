"""Judged means corrected by people: which labels count, for which variant, and what comes out."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.judging.people.human_scores import human_means
from harness.records.judgements import Corrected, HumanMean
from harness.records.outputs import Prediction, Reading, Score
from harness.statistics.prediction_powered import corrected_mean

JUDGED = {"a": (80.0, 60.0, 90.0, 50.0, 70.0, 40.0), "b": (10.0, 20.0, 30.0, 40.0, 50.0, 60.0)}  # of samples s0 … s5


def on_scale(human: list[float], judged: list[float], rest: list[float], span: float) -> Corrected:
    """Three answers leave an interval of more than the scale: no mean lies beyond it."""
    made = corrected_mean(human, judged, rest, span)
    assert made is not None
    assert made.low is not None
    assert made.high is not None
    return replace(made, low=max(0.0, made.low), high=min(span, made.high))


def answers(variant: str, *, error_at: int | None = None) -> list[Prediction]:
    return [
        Prediction(
            sample_id=f"s{n}",
            task="t",
            variant=variant,
            messages=(),
            text=f" {variant}{n}\n",
            reading=Reading(),
            error="down" if n == error_at else None,
        )
        for n in range(6)
    ]


def judged(variant: str, *, unknown: tuple[int, ...] = ()) -> list[Score]:
    values = enumerate(JUDGED[variant])
    return [
        Score(sample_id=f"s{n}", task="t", variant=variant, metric="q", value=None if n in unknown else value)
        for n, value in values
    ]


NOISE = [
    Score(sample_id="s0", task="t", variant="a", metric="q.safe", value=1.0), Score(sample_id="s0", task="other", variant="a", metric="q", value=1.0), Score(sample_id="s0", task="t", variant="a", metric="rouge", value=1.0),
]  # fmt: skip


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


def corrected(labels: Path, content: str, scores: list[Score] | None = None) -> list[HumanMean]:
    labels.write_text(content, encoding="utf-8")
    scores = [*judged("a"), *judged("b"), *NOISE] if scores is None else scores
    return human_means("t", "q", labels, 0, 100, [*answers("a"), *answers("b")], scores)


HEADER = "id,question,answer,score\n"


def test_labels_of_the_answers_given_correct_the_judged_mean(labels: Path) -> None:
    # a: people give 10 less than the judge on s0 and s2, the same on s3; s1, s4, s5 stand on the judge alone
    (found,) = corrected(labels, HEADER + "s0,问,a0,70\ns2,问,a2 ,80\ns3,问,a3,50\n")
    assert (found.task, found.metric, found.variant, found.unmatched) == ("t", "q", "a", 0)
    assert found.corrected == on_scale([70, 80, 50], [80, 90, 50], [60, 70, 40], 100)
    assert (found.corrected.labelled, found.corrected.unlabelled) == (3, 3)
    assert found.corrected.judged_mean == pytest.approx(65)  # (80 + 60 + 90 + 50 + 70 + 40)/6
    # people 200/3, the judge there 220/3 and 170/3 elsewhere: 200/3 - λ·50/3
    assert found.corrected.mean == pytest.approx(200 / 3 - found.corrected.lam * 50 / 3)
    assert found.corrected.lam > 0


def test_labels_of_other_answers_are_counted_and_never_used(labels: Path) -> None:
    told = HEADER + "s0,问,a0,70\ns1,问,an older answer,0\ns2,问,a2,80\ns3,问,a3,50\ns9,问,a9,0\n"
    (found,) = corrected(labels, told)
    assert found.unmatched == 2
    assert found.corrected == on_scale([70, 80, 50], [80, 90, 50], [60, 70, 40], 100)


def test_each_variant_has_its_own_labels(labels: Path) -> None:
    told = "".join(f"s{n},问,{variant}{n},{score}\n" for variant in "ab" for n, score in enumerate((50, 40, 30, 20)))
    one, two = corrected(labels, HEADER + told)
    assert (one.variant, two.variant) == ("a", "b")
    assert one.corrected == on_scale([50, 40, 30, 20], [80, 60, 90, 50], [70, 40], 100)
    assert two.corrected == on_scale([50, 40, 30, 20], [10, 20, 30, 40], [50, 60], 100)
    assert (one.unmatched, two.unmatched) == (4, 4)  # each the other's


def test_a_label_that_names_its_variant_belongs_to_no_other(labels: Path) -> None:
    """Where b happens to answer as a did, only a's answers were drawn: for b they are no random draw."""
    rows = "".join(f"s{n},a,问,a{n},{score}\n" for n, score in enumerate((50, 40, 30, 20)))
    labels.write_text("id,variant,question,answer,score\n" + rows, encoding="utf-8")
    same = [
        Prediction(sample_id=f"s{n}", task="t", variant="b", messages=(), text=f"a{n}", reading=Reading())
        for n in range(6)
    ]
    scores = [*judged("a"), *judged("b")]
    (found,) = human_means("t", "q", labels, 0, 100, [*answers("a"), *same], scores)
    assert (found.variant, found.unmatched) == ("a", 0)


def test_several_annotators_are_averaged_and_gaps_are_none(labels: Path) -> None:
    rows = "s0,问,a0,70,80\ns1,问,a1,60,\ns2,问,a2,,\ns3,问,a3,20,40\n"
    (found,) = corrected(labels, "id,question,answer,score_x,score_y\n" + rows)
    assert found.corrected == on_scale([75, 60, 30], [80, 60, 50], [90, 70, 40], 100)
    assert found.unmatched == 0


def test_an_unknown_score_is_left_out_on_both_sides(labels: Path) -> None:
    rows = "".join(f"s{n},问,a{n},50\n" for n in range(4))
    (found,) = corrected(labels, HEADER + rows, judged("a", unknown=(1, 5)))
    assert found.corrected == on_scale([50, 50, 50], [80, 90, 50], [70], 100)
    assert found.unmatched == 0


def test_a_failed_answer_matches_no_label(labels: Path) -> None:
    labels.write_text(HEADER + "".join(f"s{n},问,a{n},50\n" for n in range(4)), encoding="utf-8")
    (found,) = human_means("t", "q", labels, 0, 100, answers("a", error_at=0), judged("a"))
    assert (found.unmatched, found.corrected.labelled) == (1, 3)


def test_fewer_than_three_labels_correct_nothing(labels: Path) -> None:
    assert corrected(labels, HEADER + "s0,问,a0,70\ns2,问,a2,80\n") == []


MISTAKES = [
    ("question,answer,score\n问,a0,70\n", "people.csv:2: has no id; give each answer the id of its sample"),
    (HEADER + "s0,问,a0,101\n", "people.csv:2: score 101 is outside the rubric's scale, 0 to 100"),
    ("question,first,second,verdict\n问,a,b,A\n", "people.csv: holds verdicts on two answers"),
    ("id,variant,question,answer,score\ns0,a,问,a0,1\ns0,,问,a0,2\n", "people.csv:3: labels the same answer to s0 as"),
]


@pytest.mark.parametrize(("content", "message"), MISTAKES)
def test_mistakes(labels: Path, content: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        corrected(labels, content)
    assert message in str(caught.value)
