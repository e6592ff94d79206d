"""How the settings of a training were chosen: what was tried, how far, and how each trial stood there."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON
from reports.facts import numbers
from reports.facts.phrases import counted, joined
from reports.facts.training_stages import TrainingStage
from reports.wording import say


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """One trial of a search."""

    settings: str
    steps: str
    loss: str
    outcome: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingTrials:
    """A search among trainings."""

    sentence: str
    rows: tuple[TrialRow, ...]


def training_trials(stage: TrainingStage) -> TrainingTrials | None:
    """What was searched; None where every setting was given."""
    trials = stage.search.get("trials") or ()
    chosen, runner_up = stage.search.get("chosen"), stage.search.get("runner_up")
    if not trials or chosen is None:
        return None
    best = trials[chosen]
    values = {
        "trials": say("training_trials.trials", count=f"{len(trials):,}"),
        "rows": counted(int(stage.search.get("validation_rows") or 0), "row"),
        "settings": _settings(best),
        "loss": _loss(best),
        "time": numbers.duration(stage.search_seconds()),
    }
    if runner_up is None:
        sentence = say("training_trials.chosen_alone", **values)
    else:
        second = trials[runner_up]
        sentence = say("training_trials.chosen", runner_up=_settings(second), second=_loss(second), **values)
    places = {chosen: "training_trials.is_chosen", runner_up: "training_trials.is_runner_up"}
    return TrainingTrials(
        sentence=sentence,
        rows=tuple(
            TrialRow(
                settings=_settings(trial),
                steps=say("training_trials.steps_of", steps=f"{trial['steps']:,}", planned=f"{trial['planned']:,}"),
                loss=_loss(trial),
                outcome=say(
                    places.get(
                        place, "training_trials.is_diverged" if trial["loss"] is None else "training_trials.is_left"
                    )
                ),
                is_chosen=place == chosen,
            )
            for place, trial in enumerate(trials)
        ),
    )


def _settings(trial: Mapping[str, JSON]) -> str:
    return joined(*(say("training_trials.setting", name=name.replace("_", " "), value=_value(value))
                    for name, value in trial["settings"].items()))  # fmt: skip


def _value(value: JSON) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _loss(trial: Mapping[str, JSON]) -> str:
    return "–" if trial["loss"] is None else f"{trial['loss']:.3f}"
