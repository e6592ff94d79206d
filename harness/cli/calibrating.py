"""The command that holds a suite's judges against people."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.arguments import SuitePath


def calibrate(
    suite: SuitePath,
    labels: Annotated[
        Path,
        typer.Option(metavar="FILE", help="What people said: .csv, .tsv, .xlsx, .json or .jsonl; see docs/judging.md"),
    ],
    metric: Annotated[
        str | None, typer.Option(metavar="TASK.METRIC", help="Which metric's judges; default: the one that fits")
    ] = None,
    items: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The answers, where the labels are a bare list of scores")
    ] = None,
    answer: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of the answers; default: answer or response")
    ] = None,
) -> None:
    """Measure a suite's judges against people: agreement, Cohen's kappa, rank correlation, the annotators' own.

    The judges are asked as a run asks them. What is found is kept and shown in every report of a run with the same
    judge (model, rubric and options), and decides there whether the suite's `trust` lets it decide. For example:

    harness calibrate suite.yaml --labels ratings.csv --metric summary.judge
    """
    from harness.judging.people.calibrate import calibrate as engine
    from harness.judging.people.calibration_table import print_calibrations
    from harness.printing import log_to, make_console
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.context import Context
    from harness.runtime.progress import display
    from harness.stages.prove import prove_judges
    from harness.suite.parser import load_suite

    loaded = load_suite(suite)
    console = make_console()
    with closing(Cache(cache_root() / "calls.sqlite")) as cache, display(console) as progress:
        log_to(progress.note)
        context = Context(loaded.models, cache, progress, loaded.seed, loaded.secrets)
        prove_judges(loaded, progress)
        calibrations = engine(loaded, labels, metric, context, items, answer)
    print_calibrations(calibrations, loaded.trust, console)
