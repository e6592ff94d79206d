"""A run as a value: its figures, its decision, its tables, and its first screen where a notebook shows it."""

import html
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.python.frames import frame_of
from harness.python.pair_lookup import NamedPair, named_pair
from harness.records.decisions import Decision
from harness.records.finished_run import FinishedRun
from harness.records.run_scopes import RunScope, scope_in
from harness.records.summary import Summary
from harness.runtime.part_seals import refuse_part
from harness.runtime.run_folder import RunFolder
from reports.html import render_first_screen

if TYPE_CHECKING:
    import pandas as pd

HEIGHT = 640  # pixels of the first screen inside a notebook


class Run:
    """One run, or a part of one, read from its folder when it is first asked for something."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self._folder.path

    @property
    def report(self) -> Path:
        """The page."""
        return self.folder / "report.html"

    @cached_property
    def finished(self) -> FinishedRun:
        """All of its records. Raises StoreError for a run that has no figures yet, and for a part of one."""
        refuse_part(self._folder)
        return self._folder.finished()

    @property
    def summary(self) -> Summary:
        """All figures: `summary.results`, `summary.comparisons`, `summary.decisions` and the others of the record."""
        return self.finished.summary

    @property
    def limited(self) -> RunScope | None:
        """How it was limited; None of a whole run. A limited run decides nothing."""
        scope = scope_in(self._folder.read_run())
        return scope if scope.is_limited else None

    @property
    def decision(self) -> Decision | None:
        """What to deploy, how sure that is, and why; None in runs of versions that did not decide."""
        return self.summary.decisions.decision

    def frame(self, name: str = "figures") -> "pd.DataFrame":
        """A table: figures, comparisons, scores, predictions, samples, usage or costs. Raises HarnessError."""
        return frame_of(self.finished, name)

    def compare(self, variant: str, reference: str, figure: str) -> NamedPair:
        """One variant against another on "task.metric": as the run has it, else computed in the same way.

        Raises HarnessError for names that the run does not have, with the nearest ones.
        """
        return named_pair(self.finished, variant, reference, figure)

    def __repr__(self) -> str:
        try:
            decision = self.decision
        except HarnessError as error:
            return f"Run({str(self.folder)!r}): {error}"
        limits = f" (limited: {self.limited.options()})" if self.limited else ""
        choice = "" if decision is None else f": {decision.kind}{f' {decision.variant}' if decision.variant else ''}"
        return f"Run({str(self.folder)!r}){limits}{choice}"

    def _repr_html_(self) -> str:
        """The first screen of the report in a frame of its own, without scripts; the text where there is no figure."""
        try:
            page = render_first_screen(self.finished)
        except HarnessError:
            return f"<pre>{html.escape(repr(self))}</pre>"
        name = html.escape(str(self.report))
        frame = f'<iframe sandbox title="{name}" srcdoc="{html.escape(page)}" width="100%" height="{HEIGHT}"></iframe>'
        return f"{frame}<p>Report: <code>{name}</code></p>"
