"""What the tests share: a cache of their own, the real data where it is, a small suite to write and run."""

import gc
import logging
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers with two threads each would wait for each other

from harness.answers.text import Text
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.model import Model
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.records.inputs import Generation
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.selftest import refusal
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from harness.text.templates import Template
from tests.shared.paths import REAL_DATA, ROOT
from tests.shared.proving import self_test_apart

INTERNALS = {"models", "adapters", "retrievers"}  # folders of tests that rely on the inner workings of libraries


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if INTERNALS.intersection(item.path.relative_to(ROOT).parts[1:-1]):
            item.add_marker("internals")
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)  # last, they would keep one process busy alone


def pytest_collection_finish() -> None:
    """What was collected stays: each model that is put away would look through all of it for garbage (0.3 s for all tests)."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _self_test_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the self-test is remembered: it runs once, with the first test that asks a local model, for all workers.

    In a process of its own, because that test may have patched what is proven.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "selftest"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refusal, "remembered_self_test", self_test_apart(folder))
        yield folder


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    """What a test lets the command line log to its console ends with it."""
    logger = logging.getLogger("harness")
    handlers, level = logger.handlers, logger.level
    yield
    logger.handlers = handlers
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _self_test_folder: Path) -> None:
    """No test sees another's calls, and no test goes to a hub."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HARNESS_SELFTEST", str(_self_test_folder))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("CI", raising=False)  # with it there is no live display
    monkeypatch.delenv("HARNESS_SHARED_CACHE", raising=False)


@pytest.fixture
def shared_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of real data; ${DATA} stands for it."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data sets are not beside the checkout")
    monkeypatch.setenv("DATA", str(REAL_DATA))
    return REAL_DATA


@pytest.fixture
def write_suite(tmp_path: Path) -> Callable[..., Path]:
    """Write a suite (and further files) into a folder of its own; returns its path.

    No request is timed by itself unless the text says how many: most tests count what is asked.
    """

    def write(text: str, **files: str) -> Path:
        text = textwrap.dedent(text)
        if "\nvariants:" in text and "\nlatency:" not in text:
            text = f"{text.rstrip()}\nlatency: {{items: 0}}\n"
        folder = tmp_path / "suite"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_text(textwrap.dedent(content), encoding="utf-8")
        path = folder / "suite.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Callable[[Suite], Context]]:
    """Makes a context over the test's cache."""
    opened: list[Cache] = []

    def make(suite: Suite) -> Context:
        opened.append(Cache(tmp_path / "cache" / "calls.sqlite"))
        return Context(suite.models, opened[-1], Display(), suite.seed)

    yield make
    for cache in opened:
        cache.close()


@pytest.fixture
def scoring(tmp_path: Path) -> Iterator[Callable[..., Scoring]]:
    """Makes the surroundings in which a metric scores: a task of its own, and a door to the models given."""
    opened: list[Cache] = []

    def make(metric: str = "m", models: Mapping[str, Model] | None = None, **further: Any) -> Scoring:
        opened.append(Cache(tmp_path / "cache" / "calls.sqlite"))
        task = Task(
            name="t",
            data=Dataset(()),
            template=Template("{{ input }}", "prompt"),
            system=None,
            answer=Text(),
            generation=Generation(),
        )
        return Scoring(metric=metric, task=task, context=Context(models or {}, opened[-1], Display(), 0), **further)

    yield make
    for cache in opened:
        cache.close()


@pytest.fixture
def run_suite(context: Callable[[Suite], Context], tmp_path: Path) -> Callable[..., RunFolder]:
    """Run a suite file to its end into a folder; returns the folder."""
    from harness.run import run
    from reports.html import render

    def go(path: Path, name: str = "run", start: str = "train") -> RunFolder:
        suite = load_suite(path)
        folder = RunFolder(tmp_path / name)
        run(suite, folder, context(suite), render, start)
        return folder

    return go
