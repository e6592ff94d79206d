"""A plugin of pytest: the fixture `harness_run` runs a suite once a session, or reads a run that is there."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.python.run_view import Run

OPTION = "--harness-out"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where runs are base; nothing else of pytest is changed."""
    group = parser.getgroup("harness", "suites of the harness")
    group.addoption(
        OPTION, metavar="DIR", help="Keep the runs of harness_run below this folder; default: a temporary one"
    )


@pytest.fixture(scope="session")
def harness_run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Callable[..., Run]":
    """`harness_run("suite.yaml")` gives the run of a suite, which is made once a session; a run folder is only read.

    Paths are relative to the folder from which pytest takes its options (rootdir). Options of `harness.run` may follow.
    What models have answered before is not asked again.
    """
    runs: dict[tuple[Path, str], Run] = {}

    def run(path: str | Path, **options: Any) -> "Run":
        own = request.config.rootpath / path
        place = own.resolve() if own.exists() else Path(path)  # not there: perhaps the name of a shipped suite
        key = place, repr(sorted(options.items()))
        if key not in runs:
            runs[key] = _run_at(place, options, request.config.getoption(OPTION), tmp_path_factory)
        return runs[key]

    return run


def _run_at(place: Path, options: dict[str, Any], base: str | None, folders: pytest.TempPathFactory) -> "Run":
    from harness.python.run_calls import load, run_suite

    if (place / "run.json").is_file() or (place.is_dir() and any(place.glob("*/run.json"))):
        return load(place)
    name = place.stem if place.stem != "suite" else place.parent.name
    if "out" not in options:
        options = {**options, "out": Path(base) / name if base else folders.mktemp(name) / "run"}
    return run_suite(place, **{"progress": False, **options})
