"""A search from its first row to its record: rewriting first, then successive halving over all settings."""

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

from baselines.search.instruction_rewriting import Rewrite, propose, with_instruction
from baselines.search.search_rows import search_rows
from baselines.search.selection_figure import selection_figure
from baselines.search.successive_halving import halve
from baselines.search.trial_ledger import TrialLedger
from harness.components.calls import Calls, NotPlannableError
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.errors import HarnessError
from harness.records.searches import REWRITING, Rewriting, SearchRecord, SearchRound

Setting = tuple[Variant, Mapping[str, str]]  # with its levels by parameter


class Search(Protocol):
    """What is searched: the variant of a suite that names it."""

    @property
    def candidates(self) -> list[Variant]: ...
    @property
    def levels(self) -> list[dict[str, str]]: ...
    @property
    def budget(self) -> int: ...
    @property
    def rewrite(self) -> Rewrite | None: ...


def search(own: Search, name: str, task: Task, calls: Calls, resources: Resources) -> SearchRecord:
    """Choose among the settings of a variant. Raises NotPlannableError where a plan does not know all answers."""
    figure = selection_figure(task.name, resources)
    if figure is None:
        raise HarnessError(f"tasks.{task.name}: no metric decides without asking a model")
    before = _Counted(calls)
    ledger = TrialLedger(search_rows(task, calls.seed), figure, calls, resources, own.budget)
    for candidate in own.candidates:
        ledger.enter(candidate)
    try:
        rewritings = propose(ledger, own.rewrite) if own.rewrite is not None else ()
        settings = all_settings(own.candidates, own.levels, rewritings)
        for variant, _ in settings[len(ledger.answers) :]:
            ledger.enter(variant)
        rounds = halve(ledger, range(len(settings)))
    except NotPlannableError as error:
        count = len(settings_labels(own))
        raise NotPlannableError(
            f"at most {own.budget:,} calls to choose among {count:,} settings", own.budget
        ) from error
    return _record(name, ledger, settings, rounds, rewritings, before)


def all_settings(
    candidates: Sequence[Variant], levels: Sequence[Mapping[str, str]], rewritings: Sequence[Rewriting]
) -> list[Setting]:
    """The candidates, then each proposed instruction with the first and with the others; those alike otherwise once."""
    settings: list[Setting] = list(zip(candidates, levels, strict=True))
    bare = [{name: level for name, level in own.items() if name != "system"} for own in levels]
    distinct = list({tuple(own.items()): place for place, own in reversed(list(enumerate(bare)))}.values())
    further = sorted(place for place in distinct if place)
    for places in ([0], further):
        settings += [
            (with_instruction(candidates[place], own.text), {**bare[place], "system": f"{REWRITING}{own.number}"})
            for own in rewritings
            if own.text
            for place in places
        ]
    return settings


def settings_labels(own: Search) -> list[Mapping[str, str]]:
    """The levels of all settings that there may be, were every proposal of use."""
    rounds = own.rewrite.rounds if own.rewrite is not None else 0
    foreseen = [Rewriting(number=number, text=str(number)) for number in range(1, rounds + 1)]
    return [levels for _, levels in all_settings(own.candidates, own.levels, foreseen)]


def chosen_setting(candidates: Sequence[Variant], levels: Sequence[Mapping[str, str]], record: SearchRecord) -> Variant:
    """The variant that a search has chosen."""
    return all_settings(candidates, levels, record.rewritings)[record.choice][0]


class _Counted:
    """What the calls of a cell had come to before a search."""

    def __init__(self, calls: Calls) -> None:
        self.counts = calls.counts
        self.cached, self.seconds = self._cached()

    def since(self) -> tuple[int, float]:
        """Calls with stored answers, and seconds of all calls, since then."""
        cached, seconds = self._cached()
        return cached - self.cached, seconds - self.seconds

    def _cached(self) -> tuple[int, float]:
        return self.counts.cached, self.counts.seconds + self.counts.cached_seconds


def _record(
    name: str,
    ledger: TrialLedger,
    settings: Sequence[Setting],
    rounds: Sequence[SearchRound],
    rewritings: Sequence[Rewriting],
    before: _Counted,
) -> SearchRecord:
    last = rounds[-1].trials
    cached, seconds = before.since()
    answered = max(len(answers.predictions) for answers in ledger.answers)
    tokens_in, tokens_out = ledger.tokens
    scale = ledger.figure.metric.scale_of(ledger.figure.name.part)
    return SearchRecord(
        variant=name,
        task=ledger.rows.task.name,
        metric=ledger.figure.name.full_metric,
        better=scale.better,
        source=ledger.rows.source,
        available=len(ledger.rows.rows),
        row_ids=tuple(row.id for row in ledger.rows.rows[:answered]),
        budget=ledger.budget,
        calls=ledger.spent,
        cached=cached,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        seconds=round(math.fsum([seconds]), 3),
        settings=tuple(levels for _, levels in settings),
        rounds=tuple(rounds),
        choice=last[0].setting,
        runner_up=last[1].setting,
        difference=last[0].score - last[1].score,
        rewritings=tuple(rewritings),
    )
