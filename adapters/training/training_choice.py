"""The trainings that a tuned model may be: one, or those among which a search on the validation rows chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from adapters.memory.requirement import Requirement, estimate_requirement
from adapters.training.duration import estimate_seconds
from adapters.training.halving import (
    TrainingSearch,
    TrainingTrial,
    TrialWork,
    planned_share,
    planned_steps,
    read_outcome,
    search,
)
from adapters.training.record import TrainingRecord
from adapters.training.rungs import Rung, stop_at
from adapters.training.session import LearningRows
from adapters.training.training_candidates import TrainingCandidate
from adapters.training.training_data import TrainingData
from adapters.training.training_run import discard_trial, inputs_digest, read_record, train, train_until
from harness.components.display import Display
from harness.components.fields import written
from harness.components.model import Model
from harness.models.huggingface import HuggingFace
from harness.runtime.shared_cache import shared_place


@dataclass(frozen=True, kw_only=True)
class TrainingChoice:
    """Trainings of one base on the same rows, which differ in their settings."""

    root: HuggingFace  # at the end of the chain of bases
    origin: Model  # the base, which may be trained itself
    candidates: Sequence[TrainingCandidate]
    data: TrainingData
    seed: int  # the suite's
    store: Path  # the folder of all trainings

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """Where the weights of each are, by the content of all that they depend on. The base has to be trained."""
        identity = {"merged": self.origin.identity()} if self.origin.base_name else None
        rows = LearningRows(self.data.examples, self.data.validation)
        return tuple(
            shared_place(
                self.store / inputs_digest(self.root, own.method, own.recipe, rows, self.seed, identity),
                self.store.name,
            )
            for own in self.candidates
        )

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """What each needs of this machine. Raises DataError, ModelError."""
        return tuple(estimate_requirement(self.root, own.method, own.recipe, self.data) for own in self.candidates)

    @property
    def requirement(self) -> Requirement:
        """What the one that needs most memory needs."""
        return max(self.requirements, key=lambda needs: needs.memory.total)

    @property
    def outcome(self) -> TrainingSearch | None:
        """What the search has chosen; None where it has not, or where there is nothing to choose."""
        return read_outcome(self.folders) if len(self.candidates) > 1 else None

    @property
    def is_decided(self) -> bool:
        """Whether it is known which training it is."""
        return len(self.candidates) == 1 or self.outcome is not None

    @property
    def place(self) -> int:
        """Of the training that was chosen, among the candidates; the first as long as none was."""
        outcome = self.outcome
        return outcome.chosen if outcome else 0

    @property
    def steps(self) -> int:
        """Steps of all trials together."""
        mean = sum(needs.steps for needs in self.requirements) / len(self.requirements)
        return planned_steps(len(self.candidates), mean)

    def estimate_seconds(self) -> float | None:
        """Of all trials together; None where nothing was timed that it could be told from."""
        times = [
            estimate_seconds(self.root, next(iter(written(own.method))), own.recipe, self.data, self.store)
            for own in self.candidates
        ]
        timed = [seconds for seconds in times if seconds is not None]
        if len(timed) < len(times):
            return None
        return float(planned_share(len(times))) * sum(timed) / len(timed)

    def measured_seconds(self) -> float | None:
        """That the training took which was chosen; None where its record cannot be read."""
        try:
            return read_record(self.folders[self.place]).seconds
        except (OSError, ValidationError):
            return None

    def train(self, base: HuggingFace, name: str, display: Display) -> tuple[TrainingRecord, TrainingSearch | None]:
        """Train the model `name`, or take what was trained before; with what a search for its settings has tried.

        Raises DataError, ModelError, StoreError.
        """
        rows = LearningRows(self.data.examples, self.data.validation)

        def until(trial: TrainingTrial, share: Fraction, title: str) -> Rung:
            display.begin(f"train {name}: {title}")
            steps = StepDisplay(display, share)
            rung = train_until(base, trial.candidate, rows, trial.folder, self.seed, share, steps)
            loss = "the loss became no number" if rung.loss is None else f"validation loss {rung.loss:.3f}"
            display.finish(f"{rung.step} of {rung.planned} steps, {loss}")
            return rung

        def finish(trial: TrainingTrial, title: str) -> TrainingRecord:
            display.begin(f"train {name}: {title}" if title else f"train {name}")
            is_trained, own = trial.folder.is_dir(), trial.candidate
            record = train(base, own.method, own.recipe, rows, trial.folder, self.seed, StepDisplay(display))
            outcome = "trained before" if is_trained else f"{record.steps} steps, {record.seconds:.0f} s"
            display.finish(f"{outcome}, loss {record.loss[-1][1]:.3f}")
            return record

        if len(self.candidates) == 1:
            return finish(TrainingTrial(candidate=self.candidates[0], folder=self.folders[0], cost=()), ""), None
        work = TrialWork(
            train_until=until,
            finish=finish,
            discard=lambda trial: discard_trial(trial.folder),
            validation_rows=len(self.data.validation),
        )
        outcome, record = search(self._trials(), work)
        return record, outcome

    def _trials(self) -> list[TrainingTrial]:
        """The candidates, each with what it takes: rows processed, then memory."""
        return [
            TrainingTrial(
                candidate=own,
                folder=folder,
                cost=(needs.steps * own.recipe.batch_size * own.recipe.accumulation, needs.memory.total),
            )
            for own, folder, needs in zip(self.candidates, self.folders, self.requirements, strict=True)
        ]


class StepDisplay:
    """Shows the steps of a training, or of a share of it, as progress on a display."""

    def __init__(self, display: Display, share: Fraction = Fraction(1)) -> None:
        self.display, self.share, self.steps, self.tokens = display, share, 0, 0

    def __call__(self, step: int, total: int, loss: float, tokens: int) -> None:
        if not self.steps and not self.tokens:
            self.display.expect(stop_at(self.share, total))
        self.display.advance(step - self.steps, tokens - self.tokens)
        self.steps, self.tokens = step, tokens
