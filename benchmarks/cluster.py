"""What several workers are worth, and what a batch costs beside its computing.

    python benchmarks/cluster.py [--devices 2|all] [--items 64] [--tokens 128]

A tiny model of random weights writes answers to the same prompts in this process and on the workers, by turns; both are
loaded before the clock runs. Prints the ratio, the share of the ideal (one for each worker), and the milliseconds that
a batch of nothing takes there and back. With GPUs, `--devices all` uses each. The ratio on CPUs says what competing
for the same cores costs, and is no statement about several machines.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.cluster.cluster_context import ClusterContext
from harness.cluster.cluster_model import on_cluster
from harness.cluster.cluster_session import cluster_session
from harness.cluster.cluster_wish import ClusterWish
from harness.components.display import Display
from harness.components.model import Model
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation, Message, Prompt
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.provenance import processor_name
from harness.selftest.tiny_models import CHATML, save_model

REPEATS = 3
EMPTY = 30  # batches of one token


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--devices", default="2")
    options.add_argument("--items", type=int, default=64)
    options.add_argument("--tokens", type=int, default=128)
    given = options.parse_args()
    devices = "all" if given.devices == "all" else int(given.devices)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HARNESS_CACHE"] = f"{scratch}/cache"
        shape = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4, "max_position_embeddings": 1024}
        save_model(Path(scratch) / "model", "Llama", CHATML, 3, **shape)
        model = HuggingFace(path=f"{scratch}/model", batch_size=8)
        with cluster_session(ClusterWish(devices=devices), print) as workers:
            measure(model, {"model": model}, workers, Path(scratch), given)


def measure(model: Model, models: dict[str, Model], workers, scratch: Path, given: argparse.Namespace) -> None:  # type: ignore[no-untyped-def]
    prompts = [(Message("user", f"Patient {i}: fever and cough since {i} days."),) for i in range(given.items)]
    number = iter(range(10_000))

    def here() -> Context:
        return Context(models, Cache(scratch / f"{next(number)}.sqlite"), Display(), 0)

    def there() -> Context:
        path = scratch / f"{next(number)}.sqlite"
        return ClusterContext(models, Cache(path), Display(), 0, workers=workers)

    for door in (here, there, there):
        answered(door, prompts, 2)  # loads
    times = {place: [] for place in ("here", "there")}  # type: dict[str, list[float]]
    for _ in range(REPEATS):
        times["here"].append(answered(here, prompts, given.tokens))
        times["there"].append(answered(there, prompts, given.tokens))
    local, spread = (statistics.median(times[place]) for place in ("here", "there"))
    count = len(workers.workers)
    print(f"{workers.workers[0].report.place.name} × {count}; this process: {processor_name()}, {os.cpu_count()} cores")
    print(f"{given.items} prompts, {given.tokens} tokens each: here {local:.2f} s, on {count} workers {spread:.2f} s")
    print(f"ratio {local / spread:.2f}, {local / spread / count:.0%} of the ideal {count}.0")
    print(f"a batch beside its computing: {1000 * overhead(model, models, workers, prompts[:8]):.1f} ms")


def answered(door: Callable[[], Context], prompts: Sequence[Prompt], tokens: int) -> float:
    """Seconds to answer the prompts with an empty cache."""
    context = door()
    began = time.perf_counter()
    context.generate("model", prompts, Generation(max_tokens=tokens))
    seconds = time.perf_counter() - began
    context.cache.close()
    return seconds


def overhead(model: Model, models: dict[str, Model], workers, prompts: Sequence[Prompt]) -> float:  # type: ignore[no-untyped-def]
    """Median seconds of a batch of one token on a worker, less those that the worker says it computed."""
    proxy, generation = on_cluster(models, workers)["model"], Generation(max_tokens=1)
    differences = []
    for _ in range(EMPTY):
        began = time.perf_counter()
        completions = list(proxy.generate_each(prompts, generation, [0] * len(prompts)))
        seconds = time.perf_counter() - began
        differences.append(seconds - sum(completion.seconds for _, completion in completions))
    return statistics.median(differences)


if __name__ == "__main__":
    main()
