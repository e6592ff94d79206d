"""What `harness run` says while it runs and at its end: to a person, to a script that wants the place, or as JSON."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.arguments import OutputOptions
from harness.errors import HarnessError, InterruptionError, reason_of

if TYPE_CHECKING:
    from harness.components.display import Display
    from harness.records.finished_run import FinishedRun
    from harness.records.inputs import JSON, Language
    from harness.runtime.run_folder import RunFolder
    from harness.stages.plan import Plan


class RunOutput:
    """The streams of one command."""

    def __init__(self, options: OutputOptions) -> None:
        from harness.printing import make_console

        self.options = options
        self.console = make_console(is_error=options.json)
        self._finished: FinishedRun | None = None

    @property
    def language(self) -> "Language":
        """That of the terminal."""
        return self.options.lang or "en"

    def say(self, *lines: str) -> None:
        """Print lines for a person."""
        if not self.options.quiet:
            for line in lines:
                self.console.print(line, soft_wrap=True)

    @contextmanager
    def displaying(self) -> "Iterator[Display]":
        """Progress for a person; none where nothing but the place is wanted."""
        from harness.components.display import Display
        from harness.runtime.progress import display

        if self.options.quiet:
            yield Display()
            return
        with display(self.console) as bars:
            yield bars

    def render(self, finished: "FinishedRun") -> str:
        """The page of a run, which is remembered: a large one is read slowly."""
        from reports.html import render

        self._finished = finished
        return render(finished, language=self.options.lang)

    def finish(self, folder: "RunFolder", page: Path) -> int:
        """Say what a run came to, and where its page is; returns the exit code."""
        from harness.printing import print_lost_cells
        from harness.runtime.run_excerpt import excerpt_of
        from reports.export.run_outcome import run_outcome
        from reports.terminal import print_place, print_summary

        finished = self._finished or excerpt_of(folder)
        if not self.options.quiet:
            print_summary(finished, self.console, language=self.language)
            print_place(page, self.console, self.language)
        code = int(print_lost_cells(finished))
        if self.options.json:
            outcome = run_outcome(finished, self.language)
            reason = "cells without a value" if code else "complete"
            _print_json({"run": str(folder.path), "report": str(page), **outcome}, code, reason)
        elif self.options.quiet:
            print(page)
        return code

    def finish_part(self, folder: "RunFolder") -> int:
        """Say what a shard came to, and what joins it to the others; returns the exit code."""
        from harness.stages.join_parts import part_outcome

        outcome = part_outcome(folder)
        self.say(*outcome.lines)
        code = int(bool(outcome.lost))
        if self.options.json:
            reason = "cells without an answer" if code else "part"
            _print_json({"run": str(folder.path), "report": None, "shard": str(outcome.shard)}, code, reason)
        elif self.options.quiet:
            print(folder.path)
        return code

    def show_plan(self, planned: "Plan", limited: "dict[str, JSON]") -> None:
        """Print what a run would compute."""
        from harness.printing import print_plan

        if self.options.json:
            cells = [
                {
                    "task": own.cell.task,
                    "variant": own.cell.variant,
                    "items": own.samples,
                    "cached": own.counts.cached,
                    "calls": own.counts.calls,
                    "is_exact": own.exact,
                    "seconds": own.counts.estimate,
                }
                for own in planned.cells
            ]
            _print_json({"limited": limited or None, "cells": cells}, 0, "planned")
        elif not self.options.quiet:
            print_plan(planned, self.console)

    @contextmanager
    def failing(self) -> Iterator[None]:
        """Where JSON is wanted, a command that fails prints its object, too; how it fails stays as it is."""
        try:
            yield
        except BaseException as error:
            if self.options.json and not isinstance(error, BrokenPipeError):
                _print_json({"run": None, "report": None}, *_failure(error))
            raise


def _failure(error: BaseException) -> tuple[int, str, list[str]]:
    """The exit code of an error, the kind of reason, and its lines."""
    if isinstance(error, HarnessError):
        is_server_lost = isinstance(error, InterruptionError)
        return (1, "server gone", [*error.lines]) if is_server_lost else (2, "refused", [*error.lines])
    if isinstance(error, OSError):
        return 2, "refused", [reason_of(error)]
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted", []
    return 1, "error in harness", [f"{type(error).__name__}: {error}"]


def _print_json(outcome: "dict[str, JSON]", code: int, reason: str, messages: "list[str] | None" = None) -> None:
    """One object on stdout, in ASCII where that shows no more."""
    ending = {"code": code, "reason": reason, "messages": messages or []}
    is_ascii = not (sys.stdout.encoding or "ascii").lower().startswith("utf")
    print(json.dumps({**outcome, "exit": ending}, ensure_ascii=is_ascii, indent=1, allow_nan=False), flush=True)
