"""How settings were searched for: what was tried on which rows, what was chosen, and what came close."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.finished_run import FinishedRun
from harness.records.searches import REWRITING, Rewriting, SearchRecord, SettingTrial, searches_in
from reports.facts import numbers
from reports.facts.metric_columns import metric_info
from reports.facts.phrases import counted, joined
from reports.section import Section
from reports.wording import say

BEST = 10  # settings that are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One of the best settings, with what it had come to when it was last asked."""

    place: int
    setting: str
    figure: str
    rows: str
    round: int
    tokens: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """One round of the course."""

    number: int
    settings: str
    rows: str
    best: str
    last: str
    failed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RewritingRow:
    """One proposal of the rewriting model."""

    title: str
    sentence: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFacts:
    """One search."""

    variant: str
    task: str
    metric: str
    sentences: tuple[str, ...]
    best: tuple[SettingRow, ...]
    hidden: int  # settings that are not shown
    course: tuple[RoundRow, ...]
    rewritings: tuple[RewritingRow, ...]


class SearchedSettings(Section):
    order = 68

    def build(self, finished: FinishedRun) -> tuple[SearchFacts, ...]:
        """One part for each variant that was searched, and task."""
        return tuple(_facts(record, _info(finished, record)) for record in searches_in(finished.run).values())

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """What each search chose."""
        return tuple(_choice(record, _info(finished, record)) for record in searches_in(finished.run).values())


def _info(finished: FinishedRun, record: SearchRecord) -> MetricInfo:
    return metric_info(finished.summary, record.task, record.metric)


def _facts(record: SearchRecord, info: MetricInfo) -> SearchFacts:
    ranked = list(_ranked(record))
    return SearchFacts(
        variant=record.variant,
        task=record.task,
        metric=str(FigureName.within(record.task, record.metric)),
        sentences=tuple(_sentences(record, info)),
        best=tuple(
            SettingRow(
                place=place,
                setting=_setting(record.settings[trial.setting]),
                figure=numbers.with_unit(trial.score, info),
                rows=f"{record.rounds[number - 1].rows:,}",
                round=number,
                tokens=numbers.count(trial.tokens),
                is_chosen=trial.setting == record.choice,
            )
            for place, (number, trial) in enumerate(ranked[:BEST], 1)
        ),
        hidden=len(ranked) - len(ranked[:BEST]),
        course=tuple(
            RoundRow(
                number=number,
                settings=f"{len(turn.trials):,}",
                rows=f"{turn.rows:,}",
                best=numbers.with_unit(turn.trials[0].score, info),
                last=numbers.with_unit(turn.trials[-1].score, info),
                failed=f"{sum(trial.failed for trial in turn.trials):,}",
            )
            for number, turn in enumerate(record.rounds, 1)
        ),
        rewritings=tuple(_rewriting(own, info) for own in record.rewritings),
    )


def _ranked(record: SearchRecord) -> Iterator[tuple[int, SettingTrial]]:
    """Every setting in the round in which it was last asked, those that went furthest first."""
    placed: set[int] = set()
    for number in range(len(record.rounds), 0, -1):
        for trial in record.rounds[number - 1].trials:
            if trial.setting not in placed:
                placed.add(trial.setting)
                yield number, trial


def _sentences(record: SearchRecord, info: MetricInfo) -> Iterator[str]:
    yield _choice(record, info)
    yield say("searched_settings.optimistic", rows=counted(record.rounds[-1].rows, "row"))
    rival = _setting(record.settings[record.runner_up])
    if abs(record.difference) < 1e-12:
        yield say("searched_settings.equal_runner_up", setting=rival, metric=record.metric)
    else:
        difference = numbers.points(record.difference, info)
        yield say("searched_settings.runner_up", setting=rival, difference=difference, metric=record.metric)
    spent = {"calls": counted(record.calls, "call"), "budget": f"{record.budget:,}", "cached": f"{record.cached:,}"}
    tokens = counted(record.tokens_in + record.tokens_out, "token")
    yield say("searched_settings.spent", **spent, tokens=tokens, time=numbers.duration(record.seconds))
    chosen = record.rounds[-1].trials[0]
    if chosen.failed:
        yield say("searched_settings.failed", failed=f"{chosen.failed:,}", rows=counted(record.rounds[-1].rows, "row"))


def _choice(record: SearchRecord, info: MetricInfo) -> str:
    last = record.rounds[-1]
    key = (
        "searched_settings.chosen_on_validation"
        if record.source == "validation"
        else "searched_settings.chosen_on_train"
    )
    return say(
        key,
        task=record.task,
        variant=record.variant,
        setting=_setting(record.settings[record.choice]),
        settings=counted(len(record.settings), "setting"),
        rows=counted(last.rows, "row"),
        metric=record.metric,
        figure=numbers.with_unit(last.trials[0].score, info),
    )


def _setting(levels: Mapping[str, str]) -> str:
    """Its parameters with their levels, as one phrase."""
    return joined(
        *(say("searched_settings.level", parameter=name, level=_level(name, own)) for name, own in levels.items())
    )


def _level(name: str, level: str) -> str:
    if name == "system" and level.startswith(REWRITING):
        return say("searched_settings.rewritten", number=level.removeprefix(REWRITING))
    return level


def _rewriting(own: Rewriting, info: MetricInfo) -> RewritingRow:
    title = say("searched_settings.proposal", number=own.number)
    if not own.text:
        return RewritingRow(title=title, sentence=say("searched_settings.unusable", reason=own.note), text="")
    sentence = say(
        "searched_settings.compared",
        errors=counted(own.errors, "wrong answer"),
        rows=counted(own.rows, "row"),
        before=numbers.with_unit(own.before, info),
        after=numbers.with_unit(own.after, info),
    )
    return RewritingRow(title=title, sentence=sentence, text=own.text)
