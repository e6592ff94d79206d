"""How long the work of a suite takes on 1, 8 and 64 devices: a simulation of list scheduling from unit costs.

    python benchmarks/schedule.py                              # the example of docs/scale.md
    python benchmarks/schedule.py SUITE [--items 1000000] [--seconds-a-call 0.018] [--devices 1,8,64] [--batch 4096]

Of a suite the graph of work is taken from what `harness plan` computes: trainings, indexes, cells in batches, what has
to come before what, and what calls and trainings took when they were measured. Whenever a device is free, it is given
the ready work with the longest path behind it (list scheduling: Graham 1966), among equals what needs the least
loading. Prints the time from begin to end, how much of the devices' time is work, and the bound that no schedule beats:
the longest path, or all work divided by the devices, whichever is more. Nothing is run.
"""

import argparse
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

LOADING = 20.0  # seconds for the weights of a base, an assumption: 1 GB from a local disk, and the libraries' start
ADAPTER = 1.0  # seconds for an adapter on a base that is there, an assumption
ANSWER = 96 / 5211  # seconds an answer: 96 tokens, 0.5B, batch 128, prompts of at most 1,200 tokens, H100, measured
TRAINING = 16_000_000 / 15_985  # seconds: LoRA, 0.5B, 20,000 rows of 400 tokens twice, tokens/s measured on an H100
INDEX = 300.0  # seconds for the index of a million passages, an assumption


@dataclass(frozen=True, kw_only=True)
class Work:
    """A piece of work that one device does without a break."""

    name: str
    seconds: float
    after: tuple[str, ...] = ()  # works that have to be finished before
    loads: Mapping[str, float] = field(default_factory=dict)  # weights that it needs, with the seconds to load them


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """What a simulation came to, in seconds."""

    devices: int
    makespan: float
    work: float  # of all devices together, without loading
    loading: float
    longest_path: float
    begins: Mapping[str, float]

    @property
    def utilisation(self) -> float:
        """The share of the devices' time that is work."""
        return self.work / (self.devices * self.makespan) if self.makespan else 1.0

    @property
    def bound(self) -> float:
        """No schedule is shorter, even where nothing has to be loaded."""
        return max(self.longest_path, self.work / self.devices)


def simulate(works: Sequence[Work], devices: int) -> Schedule:
    """List scheduling with the longest path first (Graham 1966; Hu 1961). Raises ValueError for works in a circle."""
    by_name = {work.name: work for work in works}
    followers: dict[str, list[str]] = {work.name: [] for work in works}
    for work in works:
        for name in work.after:
            followers[name].append(work.name)
    rank = _ranks(by_name, followers)
    open_ = {work.name: len(work.after) for work in works}
    ready = [work.name for work in works if not work.after]
    running: list[tuple[float, str, int]] = []  # end, work, device
    loaded: list[set[str]] = [set() for _ in range(devices)]
    free, now, loading = set(range(devices)), 0.0, 0.0
    begins: dict[str, float] = {}
    while ready or running:
        while ready and free:
            cost, device, name = _cheapest([by_name[own] for own in ready], rank, free, loaded)
            ready.remove(name)
            free.remove(device)
            loaded[device] = set(by_name[name].loads)
            begins[name], loading = now, loading + cost
            running.append((now + cost + by_name[name].seconds, name, device))
        now = min(end for end, _, _ in running)
        for end, name, device in [own for own in running if own[0] == now]:
            running.remove((end, name, device))
            free.add(device)
            for follower in followers[name]:
                open_[follower] -= 1
                ready += [follower] if not open_[follower] else []
    total = sum(work.seconds for work in works)
    return Schedule(
        devices=devices, makespan=now, work=total, loading=loading, longest_path=max(rank.values(), default=0.0),
        begins=begins,
    )  # fmt: skip


def _cheapest(
    ready: Sequence[Work], rank: Mapping[str, float], free: set[int], loaded: Sequence[set[str]]
) -> tuple[float, int, str]:
    """Of the works with the longest path, which one on which device needs the least loading: seconds, device, work."""
    longest = max(rank[work.name] for work in ready)
    kinds = {tuple(sorted(work.loads)): work for work in reversed(ready) if rank[work.name] == longest}
    return min(
        (sum(seconds for own, seconds in work.loads.items() if own not in loaded[device]), device, work.name)
        for work in kinds.values()
        for device in free
    )


def _ranks(works: Mapping[str, Work], followers: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The seconds of the longest path that begins with each work."""
    rank: dict[str, float] = {}
    waiting = {name: len(own) for name, own in followers.items()}
    last = [name for name, count in waiting.items() if not count]
    while last:
        name = last.pop()
        rank[name] = works[name].seconds + max((rank[own] for own in followers[name]), default=0.0)
        for before in works[name].after:
            waiting[before] -= 1
            last += [before] if not waiting[before] else []
    if len(rank) < len(works):
        raise ValueError("works wait for each other in a circle")
    return rank


def in_batches(cell: Work, calls: int, batch: int) -> Iterator[Work]:
    """The work of a cell in pieces of at most `batch` calls, which take equally long each."""
    for number in range(ceil(calls / batch)):
        share = min(batch, calls - number * batch) / calls
        yield Work(name=f"{cell.name} {number}", seconds=cell.seconds * share, after=cell.after, loads=cell.loads)


def example(items: int, batch: int) -> list[Work]:
    """One base of 0.5B: four variants of it, four LoRA trainings with two variants each, half of all with retrieval."""
    works = [Work(name="index", seconds=INDEX)]
    base = {"base": LOADING}
    for adapter in ("", "lora-1", "lora-2", "lora-3", "lora-4"):
        loads = {**base, adapter: ADAPTER} if adapter else base
        trained = (adapter,) if adapter else ()
        works += [Work(name=adapter, seconds=TRAINING, loads=base)] if adapter else []
        for variant in ("plain", "retrieval") if adapter else ("zero-shot", "few-shot", "retrieval", "two passages"):
            after = (*trained, "index") if variant in ("retrieval", "two passages") else trained
            cell = Work(name=f"{adapter or 'base'} {variant}", seconds=items * ANSWER, after=after, loads=loads)
            works += in_batches(cell, items, batch)
    return works


def planned(path: Path, items: int | None, seconds_a_call: float, batch: int) -> list[Work]:
    """The work of a suite as `harness plan` computes it; `items`, where given, in place of those of each task."""
    from harness.components.component import named
    from harness.components.display import Display
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.dry_context import DryContext
    from harness.stages.plan import plan
    from harness.suite.parser import load_suite

    suite = load_suite(path)
    with closing(Cache(cache_root() / "calls.sqlite", read_only=True)) as cache:
        foreseen = plan(suite, DryContext(suite.models, cache, Display(), suite.seed))
    due = {name: own for name, own in foreseen.preparations.items() if not own.done}
    works = [Work(name=f"index {own.name}", seconds=INDEX) for own in foreseen.indexes]
    works += [_training(name, own.seconds, suite.models, due) for name, own in due.items()]
    for own in foreseen.cells:
        variant = suite.answering()[own.cell.variant]
        models, knowledge = suite.usage.models_of[own.cell.variant], named(variant, "knowledge")
        calls = own.counts.calls + own.counts.cached if items else own.counts.calls
        calls = ceil(calls * items / own.samples) if items else calls
        measured = own.counts.estimate / own.counts.calls if own.counts.estimate and own.counts.calls else None
        cell = Work(
            name=f"{own.cell.task} × {own.cell.variant}",
            seconds=calls * (seconds_a_call if measured is None else measured),
            after=(
                *(f"train {name}" for name in models if name in due),
                *(f"index {index.name}" for index in foreseen.indexes if index.base.split(",")[0] in knowledge),
            ),
            loads={key: value for name in models for key, value in _weights(suite.models, name).items()},
        )
        works += in_batches(cell, calls, batch) if calls else ()
    return works


def _training(name: str, seconds: float | None, models: Mapping[str, Any], due: Collection[str]) -> Work:
    before = models[name].base_name
    return Work(
        name=f"train {name}",
        seconds=TRAINING if seconds is None else seconds,
        after=(f"train {before}",) if before in due else (),
        loads=_weights(models, name),
    )


def _weights(models: Mapping[str, object], name: str) -> dict[str, float]:
    """The base of a model, and the model itself where it is made of that."""
    base = getattr(models[name], "base_name", None)
    return {name: LOADING} if base is None else {**_weights(models, base), name: ADAPTER}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path, nargs="?")
    parser.add_argument("--items", type=int)
    parser.add_argument("--seconds-a-call", type=float, default=ANSWER)
    parser.add_argument("--devices", default="1,8,64")
    parser.add_argument("--batch", type=int, default=4096)
    wish = parser.parse_args()
    if wish.suite is None:
        works = example(wish.items or 1_000_000, wish.batch)
    else:
        works = planned(wish.suite, wish.items, wish.seconds_a_call, wish.batch)
    print(f"{len(works):,} works; a simulation: nothing was run")
    print("| devices | makespan, h | share of work | loading, h | longest path, h | bound, h | makespan / bound |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    for devices in map(int, wish.devices.split(",")):
        own = simulate(works, devices)
        hours = [f"{seconds / 3600:.2f}" for seconds in (own.makespan, own.loading, own.longest_path, own.bound)]
        ratio = own.makespan / own.bound if own.bound else 1.0
        print(
            f"| {devices} | {hours[0]} | {own.utilisation:.1%} | {hours[1]} | {hours[2]} | {hours[3]} | {ratio:.3f} |"
        )


if __name__ == "__main__":
    main()
