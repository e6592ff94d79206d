"""Runs from Python, as `harness run` makes them."""

import logging
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from harness import run as engine
from harness.cluster.cluster_wish import ClusterWish, parse_wish
from harness.cluster.run_place import door_to, suite_at
from harness.components.display import Display
from harness.errors import HarnessError
from harness.printing import log_to, make_console
from harness.python.run_view import Run
from harness.records.inputs import Language
from harness.records.shards import parse_shard
from harness.runtime.cache import Cache, cache_root
from harness.runtime.process_settings import quiet_libraries
from harness.runtime.progress import display
from harness.runtime.progress_file import recorded
from harness.runtime.provenance import CALLER
from harness.runtime.run_lookup import folder_for, folder_from, run_at
from harness.stages.due_stages import STAGES
from harness.stages.join_parts import part_outcome
from harness.suite.narrowing import Narrowing
from harness.suite.shipped import suite_file
from harness.summary.lost_cells import lost_cells
from reports.html import render


class RunOptions(TypedDict, total=False):
    """Which part of a suite is run, and where; none of them: all of it, in this process."""

    limit: int | None  # test items of each task, the same for all variants
    only: Sequence[str]  # variants; the reference stays
    tasks: Sequence[str]
    skip_training: bool  # leave out the variants whose model is not trained yet
    shard: str | None  # I/N: of N equal shares of the items, the I-th
    on: str | None  # ray, or ray://HOST:PORT
    devices: int | str | None  # so many devices at once; "all": each GPU


LANGUAGES: tuple[Language, ...] = ("en", "zh")


def run_suite(
    suite: str | Path,
    *,
    out: str | Path | None = None,
    start: str = "train",
    progress: bool = True,
    language: str | None = None,
    **options: Unpack[RunOptions],
) -> Run:
    """Run a suite and return what came of it; `harness.run` says what the parameters are.

    Raises HarnessError for all that the command line refuses, and TypeError for an option that there is not. Cells
    without any value are told by a warning.
    """
    _refuse_unknown(options)
    if start not in STAGES:
        raise HarnessError(f"start={start!r}: must be one of {', '.join(STAGES)}")
    spoken = next((own for own in LANGUAGES if own == language), None)
    if language is not None and spoken is None:
        raise HarnessError(f"language={language!r}: must be one of {', '.join(LANGUAGES)}, or None")
    place = None if out is None else Path(out)
    narrowing, wish = _wishes(**options)
    shard = "" if narrowing.shard is None else f", shard='{narrowing.shard}'"
    say = _print if progress else lambda line: None
    with suite_at(wish, suite_file(Path(suite)), narrowing, say) as (loaded, workers):
        folder = folder_for(loaded, place) if start == "train" else folder_from(loaded, place)
        with (
            closing(Cache(cache_root() / "calls.sqlite")) as cache,
            _displaying(progress) as bars,
            recorded(bars, folder.progress) as reported,
            _recording_call(f"harness.run({str(suite)!r}{shard})"),
            _logging_to(reported),
        ):
            context, ahead = door_to(loaded, cache, reported, workers)
            engine.run(loaded, folder, context, partial(render, language=spoken), start, ahead=ahead)
    run = Run(folder)
    if sentence := part_outcome(folder).loss() if loaded.scope.shard else lost_cells(run.finished):
        warnings.warn(sentence, RuntimeWarning, stacklevel=3)
    return run


def _refuse_unknown(options: Iterable[str]) -> None:
    if unknown := sorted(set(options) - RunOptions.__annotations__.keys()):
        known = ", ".join(("out", "start", "progress", "language", *RunOptions.__annotations__))
        raise TypeError(f"harness.run has no option {', '.join(unknown)}; it has {known}")


def _wishes(
    limit: int | None = None,
    only: Sequence[str] = (),
    tasks: Sequence[str] = (),
    skip_training: bool = False,
    shard: str | None = None,
    on: str | None = None,
    devices: int | str | None = None,
) -> tuple[Narrowing, ClusterWish | None]:
    """The part of a suite that is wished for, and where it shall be computed. Raises HarnessError."""
    share = None if shard is None else parse_shard(shard)
    narrowing = Narrowing(limit=limit, only=only, tasks=tasks, skips_training=skip_training, shard=share)
    return narrowing, parse_wish(on, devices)


def _print(line: str) -> None:
    make_console().print(line, soft_wrap=True)


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
