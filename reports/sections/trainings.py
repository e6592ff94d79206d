"""What was trained: from how many rows, by which method, how fast, and in how much memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.finished_run import FinishedRun
from reports.charts.curves import Chart
from reports.charts.loss_curves import LossOverview, learning_rate_chart, loss_chart, loss_overview
from reports.charts.whiskers import Segment
from reports.facts.record_text import FactGroup
from reports.facts.training_recipe import (
    RowNotice,
    answer_notices,
    composition_bar,
    composition_sentence,
    prompt_notices,
    recipe_groups,
    row_notices,
)
from reports.facts.training_samples import TrainingSamples, training_samples
from reports.facts.training_stages import TrainingStage, training_stages
from reports.facts.training_trials import TrainingTrials, training_trials
from reports.section import Section
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingDetail:
    """Everything else about one training."""

    stage: str
    method: str
    losses: Chart | None
    rates: Chart | None
    sentence: str | None
    composition: tuple[Segment, ...]
    notices: tuple[RowNotice, ...]
    trials: TrainingTrials | None
    samples: TrainingSamples | None
    groups: tuple[FactGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """All trainings of a run."""

    stages: tuple[tuple[TrainingStage, int], ...]  # with the rows of its model from here on; 0 after the first
    has_stages: bool  # whether any is not plain fine-tuning, so that the stage must be named
    has_reused: bool
    overview: LossOverview | None
    models: Mapping[str, tuple[TrainingDetail, ...]]


class Trainings(Section):
    order = 100

    def build(self, finished: FinishedRun) -> TrainingFacts | None:
        """The trainings, or None where nothing was trained."""
        stages = training_stages(finished.run)
        if not stages:
            return None
        by_model: dict[str, list[TrainingStage]] = {}
        for stage in stages:
            by_model.setdefault(stage.model, []).append(stage)
        return TrainingFacts(
            stages=tuple(
                (stage, 0 if place else len(group)) for group in by_model.values() for place, stage in enumerate(group)
            ),
            has_stages=any(
                len(group) > 1 or group[0].name != say("training_stages.fine_tuning") for group in by_model.values()
            ),
            has_reused=any(stage.is_reused for stage in stages),
            overview=loss_overview(stages),
            models={model: tuple(map(_detail, group)) for model, group in by_model.items()},
        )


def _detail(stage: TrainingStage) -> TrainingDetail:
    return TrainingDetail(
        stage=stage.name,
        method=stage.method_in_words(),
        losses=loss_chart(stage),
        rates=learning_rate_chart(stage),
        sentence=composition_sentence(stage),
        composition=composition_bar(stage),
        notices=(*prompt_notices(stage), *answer_notices(stage), *row_notices(stage)),
        trials=training_trials(stage),
        samples=training_samples(stage),
        groups=recipe_groups(stage),
    )
