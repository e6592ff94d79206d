"""The command that begins a suite from a user's data."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.option_groups import with_groups

if TYPE_CHECKING:
    from rich.console import Console

    from harness.authoring.interview import Interviewer, Wishes
    from harness.authoring.model_choice import ModelMemory

_PROMPT_TOKENS = 1024  # of a prompt with its answer, for which memory is estimated


Domain = Annotated[str | None, typer.Argument(metavar="DOMAIN", help="Name of the suite; default: the data file's")]
Data = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE", help="csv, tsv, xlsx, json or jsonl; again for train, val and test files"),
]
Input = Annotated[str | None, typer.Option("--input", metavar="COL", help="Column of what is asked")]
Target = Annotated[str | None, typer.Option(metavar="COL", help="Column of the right answers")]
Identifier = Annotated[str | None, typer.Option("--id", metavar="COL", help="Column of the rows' own ids")]
AnswerKind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="text, choice, json, labels or terms")]
ModelName = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="ollama:NAME, a hub id, a folder, pypi:…, URL#NAME or scripted"),
]
Language = Annotated[str | None, typer.Option(metavar="zh|en", help="Of the prompts; default: the data's")]
KnowledgeFiles = Annotated[
    list[str] | None,
    typer.Option("--knowledge", metavar="FILE", help="What answers are looked up in: a list, documents, a folder"),
]
Shipped = Annotated[
    str | None,
    typer.Option("--from", metavar="NAME", help="A shipped suite to begin with, e.g. suites/medical-terms"),
]
Folder = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder to write; default: DOMAIN here")]
Yes = Annotated[bool, typer.Option("--yes", help="Take every proposal; ask nothing")]
NoInput = Annotated[bool, typer.Option("--no-input", help="The same; so it is without a terminal")]
Force = Annotated[bool, typer.Option("--force", help="Write over files that are there")]


@dataclass(frozen=True, kw_only=True)
class WishOptions:
    """What a user states of the suite; the rest is asked, or guessed from the data."""

    data: Data = None
    input: Input = None
    target: Target = None
    identifier: Identifier = None
    kind: AnswerKind = None
    model: ModelName = None
    language: Language = None
    knowledge: KnowledgeFiles = None

    def wishes(self, domain: str | None) -> "Wishes":
        """The same, as the interview takes it."""
        from harness.authoring.interview import Wishes

        return Wishes(
            domain=domain, data=tuple(self.data or ()), input=self.input, target=self.target, id=self.identifier,
            kind=self.kind, model=self.model, language=self.language, knowledge=tuple(self.knowledge or ()),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WritingOptions:
    """Where the suite goes, and whether anybody is asked."""

    out: Folder = None
    yes: Yes = False
    no_input: NoInput = False
    force: Force = False


@with_groups
def init(domain: Domain = None, *, stated: WishOptions, shipped: Shipped = None, writing: WritingOptions) -> None:
    """Begin a suite from your data: looks into it, asks what it cannot tell, and writes a folder that runs at once.

    For example `harness init cardiology --data train.csv --data test.csv`, or `harness init` to be asked.
    """
    from harness.printing import make_console

    console = make_console()
    wishes = stated.wishes(domain)
    interviewer = _interviewer(console, not (writing.yes or writing.no_input) and sys.stdin.isatty())
    if shipped:
        folder = _begin_shipped(shipped, wishes, interviewer, writing.out, writing.force)
    else:
        folder = _begin(wishes, interviewer, writing.out, writing.force)
    console.print(f"\n{folder / 'suite.yaml'} is written. Next:", soft_wrap=True)
    for command in ("check", "plan", "run"):
        console.print(f"  harness {command} {folder}", soft_wrap=True)


def _begin(wishes: "Wishes", interviewer: "Interviewer", out: Path | None, is_forced: bool) -> Path:
    from harness.authoring.interview import interview
    from harness.authoring.suite_folder import refuse_existing
    from harness.authoring.suite_writer import NAMES, write_suite
    from harness.authoring.surroundings import look_around

    if out is not None:
        refuse_existing(out, list(NAMES), is_forced)
    draft = interview(wishes, interviewer, look_around, _memory(interviewer.tell))
    folder = out or Path(draft.name)
    write_suite(draft, folder, is_forced)
    return folder


def _begin_shipped(name: str, wishes: "Wishes", interviewer: "Interviewer", out: Path | None, is_forced: bool) -> Path:
    from harness.authoring.shipped_start import begin_shipped

    return begin_shipped(name, wishes, interviewer, (out, is_forced), _memory(interviewer.tell))


def _memory(tell: Callable[[str], None]) -> "Callable[[str], ModelMemory | None]":
    """Estimates a model's memory by its configuration; None where that is not known without a download."""

    def estimate(path: str) -> "ModelMemory | None":
        from harness.authoring.model_choice import ModelMemory
        from harness.components.packages import is_extra_installed
        from harness.errors import HarnessError
        from harness.models.huggingface import HuggingFace

        if not is_extra_installed("local"):
            return None
        try:
            if not HuggingFace(path=path).at_hand():
                return None
            from adapters.memory.by_precision import model_needs

            needs = model_needs(path, _PROMPT_TOKENS)
        except (HarnessError, OSError) as error:
            tell(f"memory of {path} is not estimated: {error}")
            return None
        own = needs.rows[0] if needs.device == "cpu" else needs.rows[1]
        return ModelMemory(answering=own.answering, training=own.training["lora"], available=needs.available)

    return estimate


def _interviewer(console: "Console", asks: bool) -> "Interviewer":
    from harness.authoring.interview import Nobody

    def tell(sentence: str) -> None:
        console.print(sentence, soft_wrap=True)

    return _Person(console) if asks else Nobody(tell)


class _Person:
    """Asks at the terminal; an empty answer is the proposal."""

    def __init__(self, console: "Console") -> None:
        self.console = console

    def tell(self, sentence: str) -> None:
        self.console.print(sentence)

    def choose(self, question: str, default: str | None, choices: Sequence[str], flag: str) -> str:
        from rich.prompt import Prompt

        listed = f" ({', '.join(choices)})" if choices else ""
        while True:
            text = f"{question}{listed}{f' [{default}]' if default else ''}"
            answer = Prompt.ask(text, console=self.console, default=default, show_default=False) or ""
            if (answer in choices if choices else True) and (answer or default is not None):
                return answer
            self.console.print(f"Please answer with {'one of ' + ', '.join(choices) if choices else 'a value'}.")
