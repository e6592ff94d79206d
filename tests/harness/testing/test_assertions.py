"""Assertions hold where the run shows it, and fail with what it shows and what it would take."""

from dataclasses import replace
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.records.figure_names import FigureName
from harness.testing import assert_better, assert_not_worse


@pytest.mark.parametrize(
    ("variant", "reference", "figure"),
    [
        ("some", "none", "t.accuracy"),  # 40 wins, no loss; the run's own comparison
        ("all", "most", "t.accuracy"),  # 30 wins; of the table of all pairs
        ("all", "most", "t.errors"),  # lower is better: 0 against 0.3; by itself
        ("all", "most", "t.f1"),  # a figure of all items together, by itself
    ],
)
def test_what_is_better_is_better_one_way_only(variant: str, reference: str, figure: str, known_run: Any) -> None:
    assert_better(known_run, variant, reference, figure)
    assert_not_worse(known_run, variant, reference, figure, margin=0.01)
    with pytest.raises(AssertionError, match=f"^{reference} is shown to be worse than {variant} on {figure}: "):
        assert_better(known_run, reference, variant, figure)
    with pytest.raises(
        AssertionError, match=f"{reference} is shown to be worse than {variant} on {figure} by more than"
    ):
        assert_not_worse(known_run, reference, variant, figure, margin=0.01)


@pytest.mark.parametrize(
    ("variant", "reference", "margin", "message"),
    [
        ("most", "all", "40 points", None),  # 30 points behind, at most 40
        ("most", "all", 0.4, None),
        ("most", "all", "32 points", "most is not shown to lose less than 32.0 points to all on t.accuracy: 70.0 % against 100.0 %, "
         "difference −30.0 points (95 % CI"),
        ("most", "all", None, "by more than 10.0 points"),  # the margin of the suite
    ],
)  # fmt: skip
def test_margins(variant: str, reference: str, margin: float | str | None, message: str | None, known_run: Any) -> None:
    if message is None:
        assert_not_worse(known_run, variant, reference, "t.accuracy", margin=margin)
        return
    with pytest.raises(AssertionError) as failure:
        assert_not_worse(known_run, variant, reference, "t.accuracy", margin=margin)
    assert message in str(failure.value)


@pytest.mark.parametrize(
    ("names", "margin", "message"),
    [
        (("sone", "none", "t.accuracy"), None, "the run has no variant 'sone' with t.accuracy (did you mean some?)"),
        (("some", "none", "t.acuracy"), None, "the run has no figure 't.acuracy' (did you mean t.accuracy?)"),
        (("some", "some", "t.accuracy"), None, "'some' is to be compared with itself"),
        (("some", "none", "t.accuracy"), 0, "margin: must be more than 0"),
        (("some", "none", "t.accuracy"), "2 %", "write 2 points"),
        (("some", "none", "t.f1"), None, "the suite has no margin for t.f1; give one"),
    ],
)
def test_names_and_margins_that_cannot_be(
    names: tuple[str, str, str], margin: float | str | None, message: str, known_run: Any
) -> None:
    with pytest.raises(HarnessError) as refused:
        assert_not_worse(known_run, *names, margin=margin)
    assert message in str(refused.value)


def test_too_few_items_show_nothing(known_run: Any) -> None:
    """Of 4 items 2 wins: exact McNemar p = 2 × 0.5² = 0.5, so neither is better, and neither is called worse."""
    finished = known_run.finished
    ids = [sample.id for sample in finished.samples if sample.input in ("q00", "q10", "q40", "q50")]
    few = replace(
        finished,
        samples=[sample for sample in finished.samples if sample.id in ids],
        scores=[score for score in finished.scores if score.sample_id in ids],
        summary=replace(finished.summary, comparisons=(), leaders=(), floors=(),
                        decisions=replace(finished.summary.decisions, pairs=())),
    )  # fmt: skip

    class FewItems(type(known_run)):  # type: ignore[misc]
        finished = few

    run = FewItems(known_run._folder)
    for variant, reference, ahead in (("some", "none", True), ("none", "some", False)):
        with pytest.raises(AssertionError) as failure:
            assert_better(run, variant, reference, "t.accuracy")
        message = str(failure.value)
        assert f"{variant} is not shown to be better than {reference}" in message
        assert "p = 0.500 (by itself), 4 items" in message
        assert ("would show a difference of this size" in message) is ahead
        assert ("on these items it is not ahead" in message) is not ahead


@pytest.mark.parametrize("figure", ["t.accuracy", "t.f1"])
def test_a_pair_is_computed_as_the_run_computes_it(figure: str, known_run: Any) -> None:
    """Without the records of comparisons the same difference and p come out, uncorrected."""
    own = next(c for c in known_run.summary.comparisons if str(FigureName.of(c)) == figure and c.variant == "most")
    bare = replace(known_run.summary, comparisons=(), decisions=replace(known_run.summary.decisions, pairs=()))

    class Bare(type(known_run)):  # type: ignore[misc]
        finished = replace(known_run.finished, summary=bare)

    computed = Bare(known_run._folder).compare("most", "none", figure)
    assert not computed.is_of_run
    assert (computed.comparison.difference, computed.comparison.p) == (own.difference, own.p)
    assert (computed.comparison.wins, computed.comparison.losses) == (own.wins, own.losses)
