"""Runs from Python, as `harness run` makes them."""

import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from harness import run as engine
from harness.components.display import Display
from harness.errors import HarnessError
from harness.printing import log_to, make_console
from harness.python.run_view import Run
from harness.records.inputs import Language
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context
from harness.runtime.process_settings import quiet_libraries
from harness.runtime.progress import display
from harness.runtime.progress_file import recorded
from harness.runtime.provenance import CALLER
from harness.runtime.run_lookup import folder_for, folder_from, run_at
from harness.stages.choose_part import load_part
from harness.stages.due_stages import STAGES
from harness.suite.narrowing import Narrowing
from harness.suite.shipped import suite_file
from harness.summary.lost_cells import lost_cells
from reports.html import render


class PartOfSuite(TypedDict, total=False):
    """Which part of a suite is run; none of them: all of it."""

    limit: int | None  # test items of each task, the same for all variants
    only: Sequence[str]  # variants; the reference stays
    tasks: Sequence[str]
    skip_training: bool  # leave out the variants whose model is not trained yet


LANGUAGES: tuple[Language, ...] = ("en", "zh")


def run_suite(
    suite: str | Path,
    *,
    out: str | Path | None = None,
    start: str = "train",
    progress: bool = True,
    language: str | None = None,
    **part: Unpack[PartOfSuite],
) -> Run:
    """Run a suite and return what came of it; `harness.run` says what the parameters are.

    Raises HarnessError for all that the command line refuses. Cells without any value are told by a warning.
    """
    if start not in STAGES:
        raise HarnessError(f"start={start!r}: must be one of {', '.join(STAGES)}")
    spoken = next((own for own in LANGUAGES if own == language), None)
    if language is not None and spoken is None:
        raise HarnessError(f"language={language!r}: must be one of {', '.join(LANGUAGES)}, or None")
    place = None if out is None else Path(out)
    loaded = load_part(suite_file(Path(suite)), _narrowing(**part))
    folder = folder_for(loaded, place) if start == "train" else folder_from(loaded, place)
    with (
        closing(Cache(cache_root() / "calls.sqlite")) as cache,
        _displaying(progress) as bars,
        recorded(bars, folder.progress) as reported,
        _recording_call(f"harness.run({str(suite)!r})"),
        _logging_to(reported),
    ):
        context = Context(loaded.models, cache, reported, loaded.seed, loaded.secrets)
        engine.run(loaded, folder, context, partial(render, language=spoken), start)
    run = Run(folder)
    if sentence := lost_cells(run.finished):
        warnings.warn(sentence, RuntimeWarning, stacklevel=3)
    return run


def _narrowing(
    limit: int | None = None, only: Sequence[str] = (), tasks: Sequence[str] = (), skip_training: bool = False
) -> Narrowing:
    return Narrowing(limit=limit, only=only, tasks=tasks, skips_training=skip_training)


def load(place: str | Path) -> Run:
    """A run that is there: a run folder, or runs/NAME for its newest one. Raises StoreError where there is none."""
    return Run(run_at(Path(place)))


@contextmanager
def _displaying(progress: bool) -> Iterator[Display]:
    if not progress:
        yield Display()
        return
    with display(make_console()) as bars:
        yield bars


@contextmanager
def _recording_call(call: str) -> Iterator[None]:
    """How the run was begun, for run.json: the process's own arguments are not the product's."""
    if Path(sys.argv[0] if sys.argv else "").stem == "harness":
        yield
        return
    token = CALLER.set(call)
    try:
        yield
    finally:
        CALLER.reset(token)


@contextmanager
def _logging_to(progress: Display) -> Iterator[None]:
    """What stages log is shown while the run lasts; afterwards the log is as it was."""
    quiet_libraries()
    logger = logging.getLogger("harness")
    handlers, level = logger.handlers, logger.level
    log_to(progress.note)
    try:
        yield
    finally:
        logger.handlers = handlers
        logger.setLevel(level)
