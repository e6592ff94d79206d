"""The commands that hold one run against another, and that keep a run as the baseline of later ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import Speech
from harness.regression.least_shared import LEAST_SHARED

if TYPE_CHECKING:
    from harness.records.run_comparisons import RunComparison


First = Annotated[Path, typer.Argument(metavar="RUN_A", help="A run folder, runs/NAME or a baseline: what was before")]
Second = Annotated[Path, typer.Argument(metavar="RUN_B", help="A run folder, or runs/NAME: what is compared with it")]
Share = Annotated[
    float,
    typer.Option(min=0, max=1, help="Refuse tasks of which both runs share less of the larger set of items"),
]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE|-", help="Write it as Markdown; - prints it instead")
]
HtmlFile = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page that works offline")]
DifferentSuites = Annotated[
    bool, typer.Option("--different-suites", help="Compare by equal names of tasks, variants and metrics")
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A whole, finished run: its folder, or runs/NAME")]
Into = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the baseline; default: baseline/SUITE")]
Why = Annotated[str, typer.Option(metavar="TEXT", help="Why later runs are held against this one")]
Who = Annotated[str, typer.Option(metavar="NAME", help="Who accepts it; default: git's user.name, or the login name")]
WithoutAnchors = Annotated[
    bool, typer.Option("--without-anchors", help="Keep no judged answers, so that a judge that moves is not noticed")
]
WithFailures = Annotated[bool, typer.Option("--with-failures", help="Accept a run in which cells have no value")]
BaselineFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `harness baseline accept` made")]


def compare(
    run_a: First, run_b: Second, share: Share = LEAST_SHARED, markdown: MarkdownFile = None, html: HtmlFile = None,
    lang: Speech = None, different_suites: DifferentSuites = False,
) -> None:  # fmt: skip
    """Compare two runs of a suite on the items that both have: figures, costs, broken items, and what else differs.

    For example:

    harness compare runs/demo/2026-11-29_020000 runs/demo/2026-11-30_020000 --html night.html
    """
    from harness.regression.comparison import ComparisonTerms, compare_runs
    from harness.regression.evidence import read_evidence

    terms = ComparisonTerms(share=share, different_suites=different_suites)
    comparison = compare_runs(read_evidence(run_a), read_evidence(run_b), terms)
    if html is not None:
        from reports.comparison_page import render_comparison

        _write(html, render_comparison(comparison, lang or comparison.language))
    if markdown is not None and str(markdown) != "-":
        _write(markdown, _as_markdown(comparison, lang))
    if str(markdown) == "-":
        typer.echo(_as_markdown(comparison, lang), nl=False)
        return
    from harness.printing import make_console
    from reports.comparison_terminal import print_comparison

    console = make_console()
    print_comparison(comparison, console, lang or "en")
    for place in (own for own in (html, markdown) if own is not None):
        console.print(f"written: {place}", soft_wrap=True)


def _as_markdown(comparison: "RunComparison", lang: Speech) -> str:
    from reports.comparison_markdown import markdown_of

    return markdown_of(comparison, lang or "en")


def _write(place: Path, text: str) -> None:
    from harness.errors import HarnessError, reason_of
    from harness.runtime.whole_files import replace_file

    try:
        replace_file(place, [text.encode()])
    except OSError as error:
        raise HarnessError(f"cannot write {place}: {reason_of(error)}; name another file") from error


def accept_baseline(
    run: Run, into: Into = None, why: Why = "", who: Who = "", with_failures: WithFailures = False,
    without_anchors: WithoutAnchors = False,
) -> None:  # fmt: skip
    """Keep a run as the baseline of later ones: small files for the repository, without any text of an item.

    Where judges score, 30 judged answers of each metric are kept with their questions (anchors.jsonl): the gate has
    them judged again each night, so that a judge that moved blames no model.

    For example:

    harness baseline accept runs/demo --into baseline/demo --why "release 1.2"
    """
    from harness.printing import make_console
    from harness.records.run_evidence import Acceptance
    from harness.regression.acceptance import accept, acceptor
    from harness.regression.anchors import write_anchors
    from harness.regression.evidence import read_evidence
    from harness.runtime.provenance import now
    from harness.runtime.run_lookup import run_at

    evidence = read_evidence(run)
    place = into or Path("baseline") / evidence.suite
    acceptance = Acceptance(who=who or acceptor(), when=now(), why=why)
    earlier = accept(place, evidence, acceptance, with_failures)
    anchors = write_anchors(None if without_anchors else run_at(run), place)
    console = make_console()
    before = f"; before it: {earlier[-1].key}" if earlier else ""
    console.print(f"{place}: run {evidence.key} is the baseline of {evidence.suite} now{before}", soft_wrap=True)
    if anchors:
        console.print(f"{anchors} judged answers are kept with their texts: anchors.jsonl", soft_wrap=True)


def show_baseline(place: BaselineFolder) -> None:
    """Say what a baseline holds: of which run, by whom, when and why, its figures, and what was accepted before.

    For example:

    harness baseline show baseline/demo
    """
    from harness.printing import make_console
    from harness.regression.baseline_folder import history_of, read_baseline
    from reports.baseline_terminal import print_baseline

    print_baseline(read_baseline(place), history_of(place)[:-1], make_console())
