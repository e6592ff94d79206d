"""A night in words: on one screen of a terminal, and as the summary of a CI job; and what was removed after it."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from harness.records.inputs import Language
from harness.records.night_outcomes import NightOutcome
from harness.records.prunings import RunPruning
from harness.records.trends import Trend
from reports.facts import numbers
from reports.facts.trend_overview import fault_sentence, order_sentences, overview
from reports.gate_files.gate_markdown import gate_markdown
from reports.gate_files.gate_table import print_gate
from reports.wording import say, speaking

SHOWN = 20  # folders that are named
SPECIAL = "\\`*_{}[]<>|#~"  # what Markdown reads as more than a sign


def night_markdown(outcome: NightOutcome, language: Language = "en") -> str:
    """The summary of a CI job: the verdict, then what all nights show together."""
    with speaking(language):
        if outcome.result is not None:
            lines = [gate_markdown(outcome.result, language).rstrip("\n")]
        else:
            heading = say("nightly.no_baseline", suite=outcome.suite, baseline=outcome.baseline)
            lines = [f"## {_plain(say('nightly.no_verdict', suite=outcome.suite))}", "", _plain(heading)]
            lines += ["", "```", outcome.accepting, "```"]
        lines += ["", f"### {_plain(say('nightly.all_nights'))}", ""]
        lines += [f"- {_plain(sentence)}" for sentence in _sentences(outcome.trend)]
        lines += [f"- {_plain(sentence)}" for sentence in _remarks(outcome)]
    return "\n".join(lines) + "\n"


def print_night(outcome: NightOutcome, console: Console, language: Language = "en") -> None:
    """The verdict, what all nights show together, and where everything is."""
    with speaking(language):
        if outcome.result is not None:
            print_gate(outcome.result, console, language)
        else:
            text = say("nightly.no_baseline", suite=outcome.suite, baseline=outcome.baseline)
            console.print(text, style="bold", soft_wrap=True)
            console.print(f"  {outcome.accepting}", soft_wrap=True)
        console.print()
        for sentence in (*_sentences(outcome.trend), *_remarks(outcome)):
            console.print(sentence, soft_wrap=True)
        console.print(f"{Path(outcome.run) / 'report.html'}", soft_wrap=True)
        for name in ("summary.md", "trend.html"):
            console.print(str(Path(outcome.run).parent / "nightly" / name), soft_wrap=True)


def print_run_pruning(pruning: RunPruning, place: Path, console: Console, is_dry: bool) -> None:
    """The runs that go, and those that stay though they are due."""
    for own in pruning.removals[:SHOWN]:
        console.print(f"{place / own.name}  {numbers.memory(own.size)}", soft_wrap=True)
    _print_more(len(pruning.removals), console)
    for stayed in pruning.kept:
        reason = say(f"nightly.kept_{stayed.reason.replace(' ', '_')}")
        console.print(say("nightly.stays", name=stayed.name, reason=reason, detail=stayed.detail), soft_wrap=True)
    size = numbers.memory(sum(own.size for own in pruning.removals))
    key = "nightly.runs_would_go" if is_dry else "nightly.runs_go"
    count = numbers.count(len(pruning.removals))
    console.print(say(key, n=len(pruning.removals), count=count, size=size, nights=pruning.nights), soft_wrap=True)


def _print_more(count: int, console: Console) -> None:
    if count > SHOWN:
        console.print(say("nightly.more", count=numbers.count(count - SHOWN)))


def _sentences(trend: Trend) -> list[str]:
    return [sentence for sentence in (*overview(trend), fault_sentence(trend), *order_sentences(trend)) if sentence]


def _remarks(outcome: NightOutcome) -> Iterator[str]:
    """How this night began, and what it removed."""
    if outcome.start == "run continued":
        yield say("nightly.run_continued", run=outcome.run)
    if outcome.start == "gate continued":
        yield say("nightly.gate_continued", run=outcome.run)
    if outcome.pruning is not None and outcome.pruning.removals:
        size = numbers.memory(sum(own.size for own in outcome.pruning.removals))
        count = len(outcome.pruning.removals)
        yield say("nightly.runs_go", n=count, count=numbers.count(count), size=size, nights=outcome.pruning.nights)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    return "".join(f"\\{sign}" if sign in SPECIAL else sign for sign in " ".join(text.split()))
