"""What training brought: how many rows it takes, and how much is luck."""

from dataclasses import replace

import pytest

from harness.records.figures import Result
from harness.records.summary import Summary
from reports.facts.comparison_table import comparison_tables
from reports.facts.item_payload import answering_variants
from reports.sections.learning_curve import CurveRow, LearningCurve
from reports.sections.training_seeds import TrainingSeeds
from tests.shared import trained
from tests.shared.finished import finished


def test_from_how_many_rows_on(trained_summary: Summary) -> None:
    """Against zero-shot and nearest by the tests, from 8 items on; against the others by intervals, beyond 18 points."""
    assert LearningCurve().sentences(finished(trained_summary)) == [
        # 35, 55, 80 %: zero-shot has 25, nearest 40, few-shot 45, rag 60, full 85, qlora 75
        "On norm.accuracy, lora is shown to be better than zero-shot and nearest from 200 rows on; its interval lies above "
        "those of few-shot and rag from 800 rows on; its interval does not lie above those of full and qlora up to 800 rows.",
        # 30, 50, 65 %: nearest + 10 at 200 rows is not shown
        "On norm.accuracy, bottleneck is shown to be better than zero-shot from 200 rows on; it is shown to be better than "
        "nearest from 800 rows on; its interval lies above that of few-shot from 800 rows on; its interval does not lie "
        "above those of rag, full and qlora up to 800 rows.",
    ]


def changed(summary: Summary, means: dict[str, float]) -> Summary:
    """Without tests and with other means, whose intervals reach 9 points to either side."""
    results = (
        replace(r, mean=means[r.variant], low=means[r.variant] - 0.09, high=means[r.variant] + 0.09)
        for r in summary.results
        if r.task == "norm" and r.variant in means
    )
    return replace(summary, results=tuple(results), comparisons=(), floors=())


@pytest.mark.parametrize(
    ("means", "better", "said"),
    [
        # touching intervals are not apart: 0.25 + 0.09 = 0.34 = 0.43 − 0.09
        ((0.43, 0.43, 0.43), "higher", "the interval of lora does not lie above that of rag up to 800 rows"),
        ((0.44, 0.45, 0.5), "higher", "the interval of lora lies above that of rag from 50 rows on"),
        # only a lead that lasts counts
        ((0.5, 0.3, 0.5), "higher", "the interval of lora lies above that of rag from 800 rows on"),
        ((0.5, 0.5, 0.3), "higher", "the interval of lora lies above that of rag at 50 and 200 rows, but not at 800"),
        ((0.3, 0.1, 0.05), "lower", "the interval of lora lies below that of rag from 800 rows on"),
    ],
)
def test_only_what_the_intervals_support(
    trained_summary: Summary, means: tuple[float, ...], better: str, said: str
) -> None:
    sizes = dict(zip(("lora-50", "lora-200", "lora-800"), means, strict=True))
    known = changed(trained_summary, {"rag": 0.25, **sizes})
    metrics = {"norm.accuracy": replace(trained.ACCURACY, better=better)}
    assert LearningCurve().sentences(finished(replace(known, metrics=metrics))) == [f"On norm.accuracy, {said}."]


def test_upper_bounds_and_unknown_figures_are_not_beaten(trained_summary: Summary) -> None:
    known = changed(trained_summary, {"lora-50": 0.5, "lora-200": 0.5, "lora-800": 0.5, "full": 0.1})
    (part,) = LearningCurve().build(finished(replace(known, bounds=("full",))))
    assert part.sentences == ()
    assert [line.name for line in part.chart.lines] == ["lora", "full (upper bound)"]
    unknown = Result(task="norm", variant="rag", metric="accuracy", samples=60, known=0, mean=None, low=None, high=None)
    (part,) = LearningCurve().build(finished(replace(known, results=(*known.results, unknown))))
    assert [line.name for line in part.chart.lines] == ["lora", "full"]


def test_curve_as_drawn(trained_summary: Summary) -> None:
    (part,) = LearningCurve().build(finished(trained_summary))
    assert part.families == ("lora", "bottleneck")
    assert part.rows[1] == CurveRow("200", (("55.0 %", "46.0–64.0"), ("50.0 %", "41.0–59.0")))
    lora, bottleneck = part.chart.lines[:2]
    # 50 to 800 is 16 times: logarithmic, so 200 is in the middle of 50 and 800
    ticks = [place for place, _ in part.chart.x_ticks]
    assert [label for _, label in part.chart.x_ticks] == ["50", "200", "800"]
    assert ticks[1] - ticks[0] == pytest.approx(ticks[2] - ticks[1], abs=0.02)
    assert len(lora.dots) == 3
    assert lora.dots[0].high < lora.dots[0].y < lora.dots[0].low  # from the top
    assert lora.dots[0].x < ticks[0] < bottleneck.dots[0].x  # side by side, so that both intervals are seen
    assert lora.dots[2].hint == "lora-800: 80.0 %, 95 % interval 71.0–89.0"
    assert {line.name: line.caption for line in part.chart.lines}["rag"] == "60.0 %"
    assert "lora: 35.0 % at 50, 55.0 % at 200, 80.0 % at 800" in part.chart.description
    near = replace(trained_summary, curve=tuple(point for point in trained_summary.curve if point.rows > 50))
    (part,) = LearningCurve().build(finished(near))  # 200 to 800 is 4 times: linear, a quarter of the way
    places = {label: place for place, label in part.chart.x_ticks}
    assert places["200"] == pytest.approx(places["800"] / 4, abs=0.02)


def test_no_curve_without_sizes(trained_summary: Summary) -> None:
    assert LearningCurve().build(finished(replace(trained_summary, curve=()))) == ()
    assert (
        LearningCurve().build(finished(replace(trained_summary, curve=trained_summary.curve[:1]))) == ()
    )  # one point is no curve
    assert LearningCurve().build(finished(replace(trained_summary, headline=("general.accuracy",)))) == ()


def test_seeds(trained_summary: Summary) -> None:
    (part,) = TrainingSeeds().build(finished(trained_summary))
    assert part.rows == (("qlora-seed1", ("75.0 %",)), ("qlora-seed2", ("70.0 %",)), ("qlora-seed3", ("80.0 %",)))
    assert (part.means, part.deviations) == ((("75.0 %", "66.0–84.0"),), ("5.0 points",))
    assert TrainingSeeds().sentences(finished(trained_summary)) == (
        "On norm.accuracy, qlora goes from 70.0 % (qlora-seed2) to 80.0 % (qlora-seed3) over 3 seeds, with a standard deviation "
        "of 5.0 points.",
    )


def test_a_seed_without_a_value(trained_summary: Summary) -> None:
    (found,) = trained_summary.seeds
    lost = replace(found, members=(("qlora-seed1", None), *found.members[1:2]), deviation=None)
    summary = replace(trained_summary, seeds=(lost,))
    (part,) = TrainingSeeds().build(finished(summary))
    assert part.rows[0] == ("qlora-seed1", ("unknown",))
    assert part.deviations == ("–",)
    assert TrainingSeeds().sentences(finished(summary)) == ()
    (table,) = comparison_tables(summary)
    assert {row.variant: row.entries[0].spread for row in table.rows}["qlora"] == "2 seeds"


def test_the_table_tells_seeds_and_training(trained_summary: Summary) -> None:
    (table,) = comparison_tables(trained_summary)
    assert not table.has_training
    rows = {row.variant: row for row in table.rows}
    assert "smollm2" not in rows  # a model that was only asked general tasks
    assert rows["qlora"].entries[0].spread == "3 seeds, standard deviation 5.0 points"
    assert rows["full"].entries[0].spread is None


def test_answers_of_pooled_variants(trained_summary: Summary) -> None:
    _, predictions, _ = trained.records()
    found = answering_variants(trained_summary, predictions)
    assert found["qlora"] == trained.SEEDS
    assert found["full"] == ("full",)
    assert "smollm2" in found  # it answered, though no table of variants has it
    assert next(iter(found)) == "zero-shot"
    assert answering_variants(trained_summary, []) == {}
