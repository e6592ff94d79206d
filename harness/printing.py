"""What the command line prints besides the results: the plan, the components, the description of data.

The console takes text as it is written (`Console(markup=False)`): brackets in a name are no style.
"""

import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from harness.errors import HarnessError, InterruptionError, reason_of, shown_path
from harness.records.figure_names import FigureName
from harness.text.counting import counted
from harness.text.durations import about
from harness.text.inert import inert

if TYPE_CHECKING:
    from harness.components.preparation import Preparation
    from harness.records.finished_run import FinishedRun
    from harness.records.inputs import Language
    from harness.records.proofs import SelfTestRecord
    from harness.stages.plan import Plan, PlannedCell
    from harness.stages.plan_decision import ForeseenDecision

LANGUAGE_NAMES = {"zh": "Chinese", "en": "English"}


def print_plan(plan: "Plan", console: Console) -> None:
    """What is made before, then one row a cell, then what that comes to."""
    if plan.preparations:
        _print_preparations(plan.preparations, console)
    if plan.indexes:
        table = Table("index", "passages", "to compute", title="Indexes", title_justify="left")
        for index in plan.indexes:
            table.add_row(index.name, f"{index.passages:,}", index.missing or "-")
        console.print(table)
        sentences = [f"{index.base}: {coverage.sentence()}" for index in plan.indexes for coverage in index.coverage]
        for sentence in dict.fromkeys(sentences):
            console.print(sentence, soft_wrap=True)
    _print_cells(plan.cells, console)
    console.print(f"{_total(plan)} Nothing was changed.")
    for change in plan.changes:
        console.print(change, soft_wrap=True)
    console.print(_languages(plan.languages), soft_wrap=True)
    for mismatch in plan.mismatches:
        console.print(
            f"warning: {mismatch.task} × {mismatch.variant}: the model {mismatch.model} {mismatch.difference}: "
            f"{mismatch.remedy}.",
            soft_wrap=True,
        )
    if plan.timing:
        console.print(str(plan.timing), soft_wrap=True)
    if plan.judging:
        table = Table("metric", "judge", "calls", title="Judging, once the answers are known", title_justify="left")
        for judging in plan.judging:
            table.add_row(str(FigureName.of(judging)), judging.judge, f"{judging.calls:,}")
        console.print(table)
    if plan.decision:
        _print_decision(plan.decision, console)


def _print_decision(decision: "ForeseenDecision", console: Console) -> None:
    """What the run could decide: one row a headline figure, and what that rests on."""
    table = Table("figure", "items", "smallest difference shown", "margin", "items that show the margin")
    table.title, table.title_justify = "What this suite can decide", "left"
    for own in decision.figures:
        table.add_row(own.figure, own.counted_items(), own.difference(), own.margin_text(), own.needed_text())
    if decision.comparisons:
        console.print(table)
    for sentence in decision.sentences():
        console.print(sentence, soft_wrap=True)


def _languages(languages: "Mapping[str, Language]") -> str:
    """In which language the built-in wordings of prompts are, by task."""
    by_language: dict[str, list[str]] = {}
    for task, language in languages.items():
        by_language.setdefault(LANGUAGE_NAMES[language], []).append(task)
    spoken = "; ".join(f"{language} for {', '.join(tasks)}" for language, tasks in by_language.items())
    return f"Built-in wordings of prompts: {spoken} (language: zh or en in the suite settles it)."


def _print_preparations(preparations: "Mapping[str, Preparation]", console: Console) -> None:
    """One row a model that a run makes: what is done, and the time and the memory that it takes."""
    table = Table(
        "model", "what is done before", "time", "memory at most", "there is", title="Training", title_justify="left"
    )
    for name, preparation in preparations.items():
        description = f"{preparation.what} (done before)" if preparation.done else preparation.what
        time = _training_time([preparation])
        table.add_row(name, description, time, _gib(preparation.needs), _gib(preparation.has))
    console.print(table)
    if any(preparation.seconds is not None for preparation in preparations.values()):
        console.print("Training time is estimated from the last training of that base model and method on this device.")
    if any(preparation.needs is None for preparation in preparations.values()):
        console.print("Memory is estimated once the base model is on this machine.")


def _gib(size: int | None) -> str:
    return "-" if size is None else f"{size / 2**30:.1f} GiB"


def _print_cells(planned: "Sequence[PlannedCell]", console: Console) -> None:
    """One row a cell: samples, calls to make, calls cached, estimated time."""
    table = Table(
        "task", "variant", "samples", "cached", "to compute", "estimate", "memory", title="Plan", title_justify="left"
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for entry in planned:
        counts = entry.counts
        table.add_row(
            entry.cell.task, entry.cell.variant, str(entry.samples), str(counts.cached),
            str(counts.calls) if entry.exact else f"about {counts.calls}",
            _estimate(counts.calls, counts.estimate), _gib(entry.needs),
        )  # fmt: skip
    console.print(table)
    if any(entry.needs for entry in planned):
        console.print("Memory is that of one prompt, the longest, at a time; batches fill what is left.")
    for entry in planned:
        if entry.missing:
            console.print(
                f"{entry.cell.task} × {entry.cell.variant}: {entry.missing}, then those of the samples.", soft_wrap=True
            )
    if not all(entry.exact or entry.missing for entry in planned):
        console.print("Where passages are not embedded yet, the calls are guessed: one a sample.")


def _total(plan: "Plan") -> str:
    """What is left to train and to ask, and for how long, as sentences."""
    untrained = [preparation for preparation in plan.preparations.values() if not preparation.done]
    training = f"{counted(len(untrained), 'model')} to train: {_training_time(untrained)}. " if untrained else ""
    calls = sum(entry.counts.calls for entry in plan.cells)
    estimates = [entry.counts.estimate for entry in plan.cells if entry.counts.calls]
    total = None if None in estimates else sum(seconds or 0.0 for seconds in estimates)
    duration = f": {_estimate(calls, total)}" if calls else ""
    return f"{training}{counted(calls, 'call')} to compute{duration}."


def _training_time(preparations: "Sequence[Preparation]") -> str:
    """How long the trainings take together; those that cannot be estimated are counted."""
    measured = [preparation.measured for preparation in preparations if preparation.measured is not None]
    if all(preparation.done for preparation in preparations):
        return f"took {about(sum(measured))} (measured)" if measured else "-"
    estimates = [preparation.seconds for preparation in preparations if preparation.seconds is not None]
    untimed = len(preparations) - len(estimates)
    if not estimates:
        return "not timed yet"
    rest = f", and {untimed} of them {'is' if untimed == 1 else 'are'} not timed yet" if untimed else ""
    return about(sum(estimates)) + rest


def _estimate(calls: int, seconds: float | None) -> str:
    if not calls:
        return "-"
    return "no call of this model timed yet" if seconds is None else about(seconds)


def print_lost_cells(finished: "FinishedRun") -> bool:
    """Say on stderr which cells came to no value at all, in one line; returns whether there are any."""
    from harness.summary.lost_cells import lost_cells

    sentence = lost_cells(finished)
    if sentence is not None:
        print(f"error: {inert(sentence)}", file=sys.stderr)
    return sentence is not None


def print_failure(error: BaseException) -> int:
    """Say on stderr why a command ends, one line a mistake; returns its exit code."""
    if not isinstance(error, HarnessError | OSError):
        print("\ninterrupted; finished calls are kept: run the same command to go on", file=sys.stderr)
        return 130
    if isinstance(error, OSError):
        place = f"{shown_path(error.filename)}: " if error.filename else ""
        lines: Iterable[str] = (f"{place}{reason_of(error)}",)
    else:
        lines = error.lines
    for line in lines:
        print(f"error: {inert(line)}", file=sys.stderr)
    return 1 if isinstance(error, InterruptionError) else 2


class InertConsole(Console):
    """A console in which no text of a server or a suite moves the cursor, colours lines or sets a title."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(inert(text), **options)  # before it is measured

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(inert(segment.text), segment.style)


def print_self_test(record: "SelfTestRecord", console: Console) -> bool:
    """One row a subject, then what failed or was not run with its reason. Returns whether no proof failed."""
    table = Table("subject", "proofs", "passed", "seconds", "result", title="Self-test", title_justify="left")
    for column in table.columns[1:4]:
        column.justify = "right"
    results = {True: "passed", False: "FAILED", None: "not run"}
    for subject in dict.fromkeys(proof.subject for proof in record.proofs):
        proofs = [proof for proof in record.proofs if proof.subject == subject]
        passed = [proof.passed for proof in proofs]
        result = results[False if False in passed else None if None in passed else True]
        seconds = sum(proof.seconds for proof in proofs)
        table.add_row(subject, str(len(proofs)), str(passed.count(True)), f"{seconds:.1f}", result)
    console.print(table)
    console.print(named_versions(record.combination), soft_wrap=True)
    for proof in record.proofs:
        if proof.passed is not True:
            console.print(f"{results[proof.passed]}: {proof.subject}: {proof.name}: {proof.reason}", soft_wrap=True)
    refused = sorted({proof.subject for proof in record.proofs if proof.passed is False})
    if refused:
        console.print(f"Runs that use one of these are refused: {'; '.join(refused)}", soft_wrap=True)
    return not refused


def named_versions(combination: Mapping[str, str]) -> str:
    """A combination as one line."""
    return ", ".join(f"{name} {value}" for name, value in combination.items())


def make_console(is_error: bool = False) -> Console:
    """A console that shows what users name as they wrote it, on stdout or on stderr."""
    return InertConsole(markup=False, emoji=False, highlight=False, stderr=is_error)


def log_to(note: Callable[[str], None]) -> None:
    """Show what models and stages log as lines above the progress bars."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            note(record.getMessage())

    logger = logging.getLogger("harness")
    logger.handlers = [Handler()]
    logger.setLevel(logging.INFO)
