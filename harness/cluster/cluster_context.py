"""The door to models whose networks compute on a cluster: planned batches go to several processes at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar, cast

from harness.cluster.cluster_model import ClusterModel, on_cluster
from harness.cluster.workers import Workers
from harness.components.display import Display
from harness.components.model import Model
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.context import Context, Run

if TYPE_CHECKING:
    from harness.components.model import Vector

R = TypeVar("R")


class ClusterContext(Context):
    """Plans, counts, shows and stores as every Context does; only where a batch is computed differs."""

    def __init__(
        self,
        models: Mapping[str, Model],
        cache: Cache,
        display: Display,
        seed: int,
        secrets: Mapping[str, str] | None = None,
        *,
        workers: Workers,
    ) -> None:
        super().__init__(on_cluster(models, workers), cache, display, seed, secrets)
        self.workers = workers
        self._own = models

    @contextmanager
    def beside(self, display: Display) -> "Iterator[ClusterContext]":
        """Another door to the same models and the same stores, for the thread that asks for it."""
        door = ClusterContext(
            self._own, Cache(self.cache.path), display, self.seed, self._secrets, workers=self.workers
        )
        door.prices, door.changes = self.prices, self.changes
        try:
            yield door
        finally:
            door.close_stores()

    def close_stores(self) -> None:
        """Close what this door has opened, and no model."""
        self.close_vectors()
        if "measurements" in self.__dict__:
            self.__dict__.pop("measurements").close()
        self.cache.close()

    def token_matches(self, engine: Model, pairs: Sequence[tuple[str, str]]) -> "Vector":
        if engine.local and not isinstance(engine, ClusterModel):
            engine = cast(Model, ClusterModel(engine.describe(), engine, self.workers))
        return super().token_matches(engine, pairs)

    def _computes(self, model: str) -> bool:
        """Whether the cluster answers for a model."""
        return isinstance(self.model(model), ClusterModel)

    def _compute(
        self,
        model: str,
        batches: Sequence[Sequence[int]],
        keys: Sequence[str],
        cached: Mapping[str, Completion],
        run: Run,
    ) -> dict[str, Completion]:
        """As every Context does; a process that ends is replaced, so no backend has to be given up."""
        if not self._computes(model):
            return super()._compute(model, batches, keys, cached, run)
        missing = list(filter(None, ([i for i in batch if keys[i] not in cached] for batch in batches)))
        self.cache.open()
        done: dict[str, Completion] = {}
        for batch, answers in self._each(model, missing, lambda batch: list(run(batch))):
            fresh = self._run_batch(model, batch, keys, lambda _, own=answers: own)  # type: ignore[misc]
            self.counts.seconds += sum(completion.seconds for completion in fresh.values())
            done.update(fresh)
        return done

    def _each(
        self, model: str, batches: Sequence[Sequence[int]], compute: Callable[[Sequence[int]], R]
    ) -> Iterator[tuple[Sequence[int], R]]:
        if not self._computes(model):
            yield from super()._each(model, batches, compute)
            return
        pool = ThreadPoolExecutor(self.workers.count, thread_name_prefix="batch")
        try:
            due = {pool.submit(copy_context().run, compute, batch): batch for batch in batches}
            for future in as_completed(due):
                yield due.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
