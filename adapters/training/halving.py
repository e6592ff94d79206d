"""Which settings of a training are best on the validation rows, by successive halving. Jamieson and Talwalkar 2016.

Every trial is the training that its settings would be alone: it is stopped after a part of its steps, and the better
ones go on from there, with the schedule that they began with. So all are compared at the same part of their schedules,
nothing is trained twice, and the weights of the chosen one are those of a training with its settings alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter

from adapters.methods.base.network import translate_disk_errors
from adapters.training.record import TrainingRecord
from adapters.training.rungs import Rung
from adapters.training.trainer import DivergedError
from adapters.training.training_candidates import TrainingCandidate
from harness.errors import ModelError
from harness.records.inputs import JSON
from harness.text.canonical import digest

EQUAL = 3  # decimals of a loss, in nats a token: what is equal so far goes to the cheaper
ROUNDS = 3  # the first part is an eighth of the steps at least


@dataclass(frozen=True, kw_only=True)
class TrainingTrial:
    """Settings, where their training is kept, and what it takes."""

    candidate: TrainingCandidate
    folder: Path
    cost: tuple[float, ...]  # the less the cheaper: rows processed, then bytes of memory

    @property
    def settings(self) -> dict[str, JSON]:
        return dict(self.candidate.settings)


@dataclass(frozen=True, kw_only=True)
class TriedTraining:
    """A trial of a finished search."""

    settings: dict[str, JSON]
    steps: int  # that were trained
    planned: int  # that a whole training has
    loss: float | None  # the best on the validation rows so far; None: it diverged
    seconds: float


@dataclass(frozen=True, kw_only=True)
class TrainingSearch:
    """What a search tried and chose. The loss is the mean of the answers' tokens on the validation rows, in nats."""

    trials: tuple[TriedTraining, ...]
    chosen: int  # place among the trials
    runner_up: int | None  # None: all others diverged
    validation_rows: int
    seconds: float  # of the trials that were not chosen


@dataclass(frozen=True, kw_only=True)
class SearchLedger:
    """A search as far as it has come."""

    rungs: dict[str, Rung]  # by place of the trial and share of its steps, e.g. "2 1/4"
    outcome: TrainingSearch | None = None


@dataclass(frozen=True, kw_only=True)
class TrialWork:
    """How a trial is trained: until a share of its steps, or to the end."""

    train_until: Callable[[TrainingTrial, Fraction, str], Rung]  # with what is said of it; None as loss: it diverged
    finish: Callable[[TrainingTrial, str], TrainingRecord]  # raises DivergedError
    discard: Callable[[TrainingTrial], None]  # what is left of a trial that was not chosen
    validation_rows: int


_LEDGER = TypeAdapter(SearchLedger)


def shares(count: int) -> list[tuple[Fraction, int]]:
    """How many of `count` trials are trained up to which share of their steps, in the order of the rounds.

    Each round doubles the share. Half go on, or fewer where more than eight began; the last goes on to its end.
    """
    rounds = min(ROUNDS, math.ceil(math.log2(count))) if count > 1 else 0
    alive = [math.ceil(count ** (1 - place / rounds) - 1e-9) for place in range(rounds)]
    return [*((Fraction(1, 1 << (rounds - place)), trials) for place, trials in enumerate(alive)), (Fraction(1), 1)]


def planned_steps(count: int, steps: float) -> int:
    """Steps of a whole search whose trainings have `steps` steps each, on average."""
    total, before = 0, Fraction(0)
    for share, trials in shares(count):
        total += trials * (math.ceil(steps * share) - math.ceil(steps * before))
        before = share
    return total


def planned_share(count: int) -> Fraction:
    """What a search of so many trials takes, in whole trainings: 1 of one, 3/2 of two, 2 of four."""
    total, before = Fraction(0), Fraction(0)
    for share, trials in shares(count):
        total += trials * (share - before)
        before = share
    return total


def ledger_file(folders: Sequence[Path]) -> Path:
    """Where the search among the trainings in these folders is kept: beside them."""
    return folders[0].with_name(f"{digest([folder.name for folder in folders])}.search.json")


def read_outcome(folders: Sequence[Path]) -> TrainingSearch | None:
    """What a search among these trainings chose; None before it has."""
    return _read(ledger_file(folders)).outcome


def search(trials: Sequence[TrainingTrial], work: TrialWork) -> tuple[TrainingSearch, TrainingRecord]:
    """Choose, train the chosen one to its end, and keep both. Killed, it goes on from the trial that ran.

    Raises ModelError where every trial diverges, and what training raises.
    """
    file = ledger_file([trial.folder for trial in trials])
    with translate_disk_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{file}.lock").acquire()
    with lock:
        ledger = _read(file)
        if ledger.outcome is not None:
            return ledger.outcome, work.finish(trials[ledger.outcome.chosen], "")
        reached = _halve(trials, work, file)
        chosen, runner_up, record = _finish(trials, reached, work)
        outcome = _outcome(trials, reached, record, (chosen, runner_up), work.validation_rows)
        _write(file, replace(_read(file), outcome=outcome))
        for place, trial in enumerate(trials):
            if place != chosen:
                work.discard(trial)
        return outcome, record


def _halve(trials: Sequence[TrainingTrial], work: TrialWork, file: Path) -> dict[int, Rung]:
    """How each trial stood where it was left, the best first."""
    alive = list(range(len(trials)))
    reached: dict[int, Rung] = {}
    for share, count in shares(len(trials))[:-1]:
        alive = _ranked(trials, reached, alive)[:count]
        for place in alive:
            rungs, key = _read(file).rungs, f"{place} {share}"
            if key not in rungs:
                title = f"trial {place + 1} of {len(trials)} ({trials[place].candidate.describe()}) to {share}"
                rungs = {**rungs, key: work.train_until(trials[place], share, title)}
                _write(file, SearchLedger(rungs=rungs))
            reached[place] = rungs[key]
        alive = [place for place in alive if reached[place].loss is not None]
    return {place: reached[place] for place in _ranked(trials, reached, list(reached))}


def _ranked(trials: Sequence[TrainingTrial], reached: dict[int, Rung], places: list[int]) -> list[int]:
    """Those that came furthest first, then by loss, the cheaper of equal ones first."""

    def rank(place: int) -> tuple[object, ...]:
        rung = reached.get(place)
        if rung is None:
            return (False, Fraction(0), 0.0, (), place)
        loss = math.inf if rung.loss is None else round(rung.loss, EQUAL)
        return (rung.loss is None, -Fraction(rung.share), loss, trials[place].cost, place)

    return sorted(places, key=rank)


def _finish(
    trials: Sequence[TrainingTrial], reached: dict[int, Rung], work: TrialWork
) -> tuple[int, int | None, TrainingRecord]:
    """The best trial that comes to its end, and the next best."""
    hopeful = [place for place, rung in reached.items() if rung.loss is not None]
    for number, place in enumerate(hopeful):
        try:
            record = work.finish(trials[place], trials[place].candidate.describe())
        except DivergedError:
            continue
        behind = hopeful[number + 1 :]
        return place, next(iter(behind), None), record
    names = "; ".join(trial.candidate.describe() for trial in trials)
    raise ModelError(f"the loss of every setting became no number: {names}; give lower learning rates")


def _outcome(
    trials: Sequence[TrainingTrial],
    reached: dict[int, Rung],
    record: TrainingRecord,
    places: tuple[int, int | None],
    validation_rows: int,
) -> TrainingSearch:
    chosen, runner_up = places
    finished = TriedTraining(
        settings=trials[chosen].settings,
        steps=record.steps,
        planned=reached[chosen].planned,
        loss=min(loss for _, loss in record.validation),
        seconds=record.seconds,
    )
    records = tuple(
        finished
        if place == chosen
        else TriedTraining(
            settings=trial.settings,
            steps=reached[place].step,
            planned=reached[place].planned,
            loss=reached[place].loss,
            seconds=round(reached[place].seconds, 3),
        )
        for place, trial in enumerate(trials)
    )
    return TrainingSearch(
        trials=records,
        chosen=chosen,
        runner_up=runner_up,
        validation_rows=validation_rows,
        seconds=round(sum(trial.seconds for place, trial in enumerate(records) if place != chosen), 3),
    )


def _read(file: Path) -> SearchLedger:
    return _LEDGER.validate_json(file.read_bytes()) if file.is_file() else SearchLedger(rungs={})


def _write(file: Path, ledger: SearchLedger) -> None:
    """Whole or not at all: what a killed search goes on from."""
    with translate_disk_errors(file):
        draft = file.with_suffix(".new")
        draft.write_bytes(_LEDGER.dump_json(ledger, indent=1))
        draft.replace(file)
