"""The command that describes a suite's data, or a data file by itself, and what it prints."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.suite.shipped import suite_file

if TYPE_CHECKING:
    from rich.console import Console

    from harness.records.figures import Overlap
    from harness.records.inputs import Prompt
    from harness.stages.describe import Description
    from harness.stages.describe_suite import KnowledgeDescription, SuiteDescription
    from harness.statistics.spreads import Spread

_SUITES = (".yaml", ".yml")


def describe(
    subject: Annotated[
        str,
        typer.Argument(metavar="SUITE|FILE", help="A suite, or a data file: csv, tsv, xlsx, json, jsonl, or a folder"),
    ],
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Lengths in tokens of the first model whose tokenizer is here")
    ] = False,
) -> None:
    """Look at a suite's data, or at a data file, before anything is asked. Opens no model.

    Of a suite: rows, lengths in characters, balance of answers, duplicates, what stands in train or in knowledge,
    passages, and the first prompt of each variant. Of a file, e.g. `harness data describe rows.csv`: its columns, what
    each could be, and duplicates.
    """
    from harness.printing import log_to, make_console

    console = make_console()
    log_to(console.print)
    place = suite_file(Path(subject))
    if place.suffix.lower() in _SUITES or not place.exists():
        _print_suite(place, tokens, console)
    else:
        _print_file(subject, console)


def _print_suite(place: Path, has_tokens: bool, console: "Console") -> None:
    from harness.stages.describe_suite import describe_suite
    from harness.stages.name_learning import described_names
    from harness.stages.prepare import prepare, token_counter
    from harness.suite.parser import load_suite

    suite = load_suite(place)
    description = describe_suite(suite, prepare(suite), token_counter(suite) if has_tokens else None)
    for task in description.tasks:
        _print_task(task, console)
    for line in described_names(suite):
        console.print(line, soft_wrap=True)
    for knowledge in description.knowledge:
        _print_knowledge(knowledge, console)
    for sentence in _leakage(description):
        console.print(sentence, soft_wrap=True)
    _print_prompts(description, console)


def _print_task(description: "Description", console: "Console") -> None:
    """A task's data in figures."""
    from rich.text import Text

    rows = ", ".join(f"{split} {count:,}" for split, count in description.rows.items() if count)
    console.print(Text.assemble((description.task, "bold"), f"  rows: {rows}"))
    _print_lengths(description.unit, description.lengths.items(), console)
    for sentence in _sentences(description):
        console.print(sentence, soft_wrap=True)
    console.print()


def _sentences(description: "Description") -> Iterator[str]:
    from harness.text.counting import counted

    targets = (f"{counted(count, 'row')} with {number}" for number, count in description.targets_per_row.items())
    yield f"targets per row: {', '.join(targets)}"
    total = sum(description.rows[split] for split in ("test",))
    listed = ", ".join(
        f"{_short(answer)} {count:,} ({100 * count / max(total, 1):.0f} %)"
        for answer, count in description.commonest.items()
    )
    most = "" if len(description.commonest) == description.answers else "; the commonest"
    yield f"{counted(description.answers, 'different right answer')} in test{most}: {listed}"
    yield (
        f"duplicate inputs in test: {description.duplicates:,}, of them with other right answers: "
        f"{description.conflicts:,}; test inputs also in train: {description.in_train:,}"
    )
    yield from description.notes
    if description.skipped:
        yield f"skipped rows: {len(description.skipped):,}"
        yield from (f"  {reason}" for reason in description.skipped[:10])


def _print_lengths(unit: str, lengths: "Iterable[tuple[str, Spread]]", console: "Console") -> None:
    from rich.table import Table

    table = Table(unit, "min", "median", "p95", "max", box=None, padding=(0, 2))
    for column in table.columns[1:]:
        column.justify = "right"
    for name, spread in lengths:
        table.add_row(name, f"{spread.min:,}", f"{spread.median:,g}", f"{spread.p95:,}", f"{spread.max:,}")
    console.print(table)


def _print_knowledge(knowledge: "KnowledgeDescription", console: "Console") -> None:
    from rich.text import Text

    titled = f", {knowledge.titled:,} with a title" if knowledge.titled else ""
    merged = f", {knowledge.merged:,} equal ones merged" if knowledge.merged else ""
    skipped = f", {knowledge.skipped:,} entries left out" if knowledge.skipped else ""
    head = f"  {knowledge.form}: {knowledge.passages:,} passages, split: {knowledge.split}{titled}{merged}{skipped}"
    console.print(Text.assemble((knowledge.name, "bold"), head), soft_wrap=True)
    _print_lengths("characters", [("passage", knowledge.lengths)], console)
    for coverage in knowledge.coverage:
        console.print(coverage.sentence(), soft_wrap=True)
    console.print()


def _leakage(description: "SuiteDescription") -> Iterator[str]:
    """What test items share with what is learnt or looked up."""
    if not description.overlaps:
        yield "leakage: no test item stands in what is learnt, shown or looked up"
    for overlap in description.overlaps:
        yield f"leakage: {_overlap(overlap)}"
    yield from (f"a run would be refused: {line}" for line in description.refusals)


def _overlap(overlap: "Overlap") -> str:
    kinds = {"equal": overlap.exact, "equal but for writing": overlap.normalised, "nearly equal": overlap.near}
    listed = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    learners = f", learnt by {', '.join(overlap.models)}" if overlap.models else ""
    first = f", e.g. {_short(overlap.twins[0].item)}" if overlap.twins else ""
    return f"of {overlap.samples:,} test items of {overlap.task} {listed} in the {overlap.source}{learners}{first}"


def _print_prompts(description: "SuiteDescription", console: "Console") -> None:
    """One prompt a cell; what is asked word for word alike is shown once."""
    before: dict[Prompt, str] = {}
    for first in description.prompts:
        name = f"{first.task} × {first.variant}" + (f", to {first.model}" if first.model else "")
        if first.prompt in before:
            console.print(f"first prompt of {name}: as that of {before[first.prompt]}", soft_wrap=True)
            continue
        console.print(f"first prompt of {name}:{' ' + first.note if first.note else ''}", soft_wrap=True)
        if first.prompt:
            before[first.prompt] = name
        _print_prompt(first.prompt, console)


def _print_prompt(prompt: "Prompt", console: "Console") -> None:
    from rich.text import Text

    for message in prompt:
        console.print(Text(f"  {message.role}:", "dim"))
        for line in message.content.splitlines():
            console.print(f"    {line}", soft_wrap=True)


def _print_file(path: str, console: "Console") -> None:
    """The columns of a data file, and what `harness init` would take each for."""
    from rich.table import Table

    from harness.authoring.column_roles import ColumnRoles
    from harness.authoring.data_study import answer_kind, look_into, missing_role, understand
    from harness.authoring.file_description import column_rows, file_sentences
    from harness.authoring.file_roles import file_roles

    files = file_roles([path])
    study = understand(files, look_into(files), ColumnRoles())
    if study.columns:
        table = Table("column", "filled", "different", "median", "p95", "max", "may be", "commonest", box=None)
        for row in column_rows(study):
            table.add_row(*row)
        console.print(table)
        console.print("Lengths are in characters.")
    for sentence in file_sentences(study):
        console.print(sentence, soft_wrap=True)
    console.print(missing_role(study) or f"right answers: {answer_kind(study.samples)}", soft_wrap=True)


def _short(text: str) -> str:
    from harness.text.excerpts import shortened

    return shortened(" ".join(text.split()), 40)
