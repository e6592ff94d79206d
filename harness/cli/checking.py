"""The commands that look at a suite, its data or this installation, and change nothing."""

import json
import sys
from typing import Annotated, Literal

import typer

from harness.cli.arguments import Device, SuitePath


def check(suite: SuitePath) -> None:
    """Check a suite file, its data, prompts and the models' paths: what a run would refuse at once. Asks no model."""
    from harness.printing import make_console
    from harness.stages.name_learning import described_names
    from harness.stages.rehearse import examine
    from harness.suite.parser import load_suite
    from harness.text.counting import counted

    loaded = load_suite(suite)
    examine(loaded)
    sections = {"model": loaded.models, "task": loaded.tasks, "variant": loaded.variants}
    counts = ", ".join(counted(len(entries), noun) for noun, entries in sections.items())
    console = make_console()
    for line in described_names(loaded):
        console.print(line, soft_wrap=True, markup=False)
    console.print(f"{suite}: no mistakes ({counts})", soft_wrap=True)


def selftest(device: Device = "auto") -> None:
    """Prove with tiny models that this installation computes what it should. Exit status 1: a proof failed."""
    from harness.printing import make_console, print_self_test
    from harness.runtime.progress import display
    from harness.selftest.selftest import self_test

    console = make_console()
    with display(console) as progress:
        record = self_test(device, progress)
    raise typer.Exit(int(not print_self_test(record, console)))


Described = Annotated[
    Literal["suite", "gate", "gate-policy"],
    typer.Argument(metavar="SUBJECT", help="Suite files, policies of a gate, or its JSON"),
]


def schema(subject: Described = "suite") -> None:
    """Print the JSON schema of suite files, for editors; or that of a gate's policies, or of the JSON it writes."""
    from harness.regression.policy import policy_schema
    from harness.suite.schema import suite_schema
    from reports.gate_files.gate_json import gate_schema

    schemas = {"suite": suite_schema, "gate-policy": policy_schema, "gate": gate_schema}
    ascii_only = not sys.stdout.encoding.lower().startswith("utf")
    print(json.dumps(schemas[subject](), indent=1, ensure_ascii=ascii_only))
