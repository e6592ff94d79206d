"""The simulation of benchmarks/schedule.py against schedules worked out by hand."""

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from tests.shared.paths import ROOT


@pytest.fixture(scope="module")
def schedule() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("schedule_benchmark", ROOT / "benchmarks" / "schedule.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize(
    ("devices", "makespan", "loading", "bound", "begins"),
    [
        # One: train 0–12 with the base loaded; b 12–18, 18–24; the adapter takes 1: l 24–31, then 31–37.
        (1, 37, 3, 34, {"train": 0, "b 0": 12, "b 1": 18, "l 0": 24, "l 1": 31}),
        # Two: train 0–12 beside b 0–8 and 8–14; l 12–19 where the base is, and 14–21 where it is, too. All work: 34 / 2.
        (2, 21, 6, 17, {"train": 0, "b 0": 0, "b 1": 8, "l 0": 12, "l 1": 14}),
        # Three: b 0–8 twice beside the training; from 12 on one batch of l on each of two devices. The path is 10 + 6.
        (3, 19, 8, 16, {"train": 0, "b 0": 0, "b 1": 0, "l 0": 12, "l 1": 12}),
    ],
)
def test_a_training_two_cells_of_two_batches(
    schedule: ModuleType, devices: int, makespan: float, loading: float, bound: float, begins: dict[str, float]
) -> None:
    """The training takes 10 s, a batch 6 s; the base is loaded in 2 s, the adapter in 1 s; l waits for the training."""
    base, adapter = {"base": 2.0}, {"base": 2.0, "adapter": 1.0}
    cells = [
        schedule.Work(name="b", seconds=12, loads=base),
        schedule.Work(name="l", seconds=12, after=("train",), loads=adapter),
    ]
    works = [schedule.Work(name="train", seconds=10, loads=base)]
    works += [work for cell in cells for work in schedule.in_batches(cell, 200, 100)]
    own = schedule.simulate(works, devices)
    assert (own.makespan, own.loading, own.bound, own.work) == (makespan, loading, bound, 34)
    assert own.begins == begins
    assert own.utilisation == pytest.approx(34 / (devices * makespan))


@pytest.mark.parametrize(("batch", "expected"), [(100, [4.0, 4.0, 2.0]), (250, [10.0]), (1000, [10.0])])
def test_batches_take_what_their_calls_take(schedule: ModuleType, batch: int, expected: list[float]) -> None:
    cell = schedule.Work(name="c", seconds=10.0)
    assert [work.seconds for work in schedule.in_batches(cell, 250, batch)] == pytest.approx(expected)


def test_works_that_wait_for_each_other_are_refused(schedule: ModuleType) -> None:
    works = [schedule.Work(name="a", seconds=1, after=("b",)), schedule.Work(name="b", seconds=1, after=("a",))]
    with pytest.raises(ValueError, match="circle"):
        schedule.simulate(works, 2)


def test_the_work_of_a_suite_is_that_of_its_plan(schedule: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search waits for its index, and 1,000 items a task are asked in batches of 400."""
    suite = ROOT / "tests" / "recorded" / "retrieval.yaml"
    works = {work.name: work for work in schedule.planned(suite, 1000, 0.01, 400)}
    searching = [work for work in works.values() if work.after]
    assert searching
    assert all(name in works and name.startswith("index ") for work in searching for name in work.after)
    first = next(work for work in works.values() if work.name.endswith(" 0"))
    assert first.seconds == pytest.approx(4.0)
    assert first.name[:-1] + "2" in works
