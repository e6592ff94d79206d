"""What a model answered to a few rows before, during and after its training, beside what was to be learnt."""

from dataclasses import dataclass

from reports.facts.phrases import shortened
from reports.facts.training_stages import TrainingStage
from reports.wording import say

LONGEST = 400  # characters of a question that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """A row and its answers, in the order of the moments."""

    question: str
    target: str
    answers: tuple[tuple[str, bool], ...]  # and whether it is the target, white space aside


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSamples:
    """Answers side by side."""

    moments: tuple[str, ...]
    rows: tuple[SampleRow, ...]


def training_samples(stage: TrainingStage) -> TrainingSamples | None:
    """The answers that the training was looked at by; None where it was not."""
    samples = stage.record.get("samples") or ()
    steps = [step for step, _ in samples[0]["answers"]] if samples else []
    if not steps:
        return None
    return TrainingSamples(
        moments=tuple(_moment(step, place == len(steps) - 1) for place, step in enumerate(steps)),
        rows=tuple(
            SampleRow(
                question=shortened(sample["question"], LONGEST),
                target=sample["target"],
                answers=tuple((text, text.strip() == sample["target"].strip()) for _, text in sample["answers"]),
            )
            for sample in samples
        ),
    )


def _moment(step: int, is_kept: bool) -> str:
    if step == 0:
        return say("training_samples.before")
    return say("training_samples.kept" if is_kept else "training_samples.at_step", step=f"{step:,}")
