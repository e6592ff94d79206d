"""The command that looks at the machine and the installation."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False) -> None:
    """Look at this machine: Python, torch and device, Ollama, disk, cache, hub, fonts; each with its remedy.

    It takes seconds and changes nothing; `harness selftest` proves what is computed. Exit status: 0 runs can be made; 1
    something that every run needs is broken.
    """
    from rich.text import Text

    from harness.doctor.examination import examine_machine
    from harness.printing import make_console

    console, diagnoses = make_console(), []
    for own in examine_machine():
        diagnoses.append(own)
        if not as_json:
            mark = Text(f"{own.state:>7}  ", STYLES[own.state]).append(f"{own.subject}: {own.text}", "default")
            console.print(mark, soft_wrap=True)
            if own.remedy:
                console.print(f"         → {own.remedy}", soft_wrap=True)
    is_broken = any(own.state == "problem" and own.is_essential for own in diagnoses)
    if as_json:
        content = {"can_run": not is_broken, "diagnoses": [asdict(own) for own in diagnoses]}
        print(json.dumps(content, indent=1))
    raise typer.Exit(int(is_broken))
