"""The command that holds a run against its baseline, and whose exit status a CI job goes by."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.arguments import Speech
from harness.cli.option_groups import with_groups

if TYPE_CHECKING:
    from harness.records.gate_results import GateResult
    from harness.records.judge_anchors import JudgeStanding
    from harness.records.run_evidence import RunEvidence
    from harness.regression.policy import GatePolicy

STDOUT = "-"

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, or runs/NAME for its newest run")]
Baseline = Annotated[
    Path, typer.Option("--baseline", metavar="DIR", help="Made by `harness baseline accept`, or an earlier run folder")
]
Policy = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="What the run is held to; default: --example-policy")
]
Markdown = Annotated[
    str | None, typer.Option("--markdown", metavar="FILE|-", help="Write a CI job's summary; - prints it instead")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML, a test case a cell")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write JSON (schema/gate.schema.json)")]


def _print_example(is_set: bool) -> None:
    if is_set:
        from harness.regression.policy import EXAMPLE

        typer.echo(EXAMPLE, nl=False)
        raise typer.Exit


Example = Annotated[
    bool, typer.Option("--example-policy", is_eager=True, callback=_print_example, help="Print a commented policy")
]


@dataclass(frozen=True, kw_only=True)
class GateFiles:
    """Where the verdict is written besides the terminal, and in which language it is said."""

    markdown: Markdown = None
    junit: Junit = None
    json_file: JsonFile = None
    lang: Speech = None


@with_groups
def gate(
    run: Run, baseline: Baseline, policy: Policy = None, *, files: GateFiles, example_policy: Example = False
) -> None:
    """Hold a run against its baseline: PASS, WARN, BLOCK, INCONCLUSIVE or NOT COMPARABLE, by cell and over all.

    Exit status: 0 PASS or WARN, 1 BLOCK, 2 usage, 3 INCONCLUSIVE, 4 NOT COMPARABLE. See docs/gate.md. For example:

    harness gate runs/demo --baseline baselines/demo --policy gate.yaml --markdown summary.md --junit gate.xml
    """
    from harness.printing import make_console
    from harness.records.gate_results import EXIT_CODES
    from reports.gate_files.gate_json import gate_json
    from reports.gate_files.gate_junit import gate_junit
    from reports.gate_files.gate_markdown import gate_markdown
    from reports.gate_files.gate_table import print_gate

    result = gated(run, baseline, policy)
    language, markdown = files.lang or "en", files.markdown
    outputs = (
        (Path(markdown) if markdown and markdown != STDOUT else None, partial(gate_markdown, language=language)),
        (files.junit, partial(gate_junit, language=language)),
        (files.json_file, gate_json),
    )
    for path, render in outputs:
        if path is not None:
            _write(path, render(result))
    if markdown == STDOUT:
        typer.echo(gate_markdown(result, language), nl=False)
    else:
        print_gate(result, make_console(), language)
    raise typer.Exit(EXIT_CODES[result.verdict])


def gated(run: Path, baseline: Path, policy_path: Path | None) -> "GateResult":
    """The verdict on a run; the nights of the sequential rule are counted beside the baseline. Raises HarnessError."""
    from harness.regression.evidence import read_evidence
    from harness.regression.gate import GateInputs, refuse_unfit
    from harness.regression.gate import gate as engine
    from harness.regression.night_log import read_nights, write_nights
    from harness.regression.policy_file import GateNames, check_names, read_policy

    policy, source = read_policy(policy_path)
    before, after = read_evidence(baseline), read_evidence(run)
    refuse_unfit(before, after)
    check_names(policy, source, GateNames.of(after, before), {**before.summary.metrics, **after.summary.metrics})
    is_sequential = policy.rule == "sequential"
    inputs = GateInputs(
        before=before,
        after=after,
        policy=policy,
        policy_name=policy_path.name if policy_path else "",
        judges=_judges(baseline, before, after, policy),
        log=read_nights(baseline, before) if is_sequential else None,
    )
    result, log = engine(inputs)
    if log is not None:
        write_nights(baseline, log)
    return result


def _judges(baseline: Path, before: "RunEvidence", after: "RunEvidence", policy: "GatePolicy") -> "JudgeStanding":
    """How the run's judges stand on the stored answers; nothing is asked where there are none."""
    from harness.records.judge_anchors import JudgeStanding
    from harness.regression.anchors import read_anchors

    anchors = read_anchors(baseline) if policy.judge_drift.ask else []
    if not anchors:
        return JudgeStanding()
    from harness.printing import log_to, make_console
    from harness.regression.judge_drift import judge_standing
    from harness.runtime.progress import display

    with display(make_console()) as progress:
        log_to(progress.note)
        return judge_standing(anchors, (before, after), policy.judge_drift, progress)


def _write(path: Path, text: str) -> None:
    from harness.runtime.whole_files import replace_file, writing

    with writing(path):
        replace_file(path, [text.encode("utf-8", "backslashreplace")])
