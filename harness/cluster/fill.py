"""Before the stages of a run: what they would compute is computed on the cluster, and lies in the cache when they ask.

The stages then do what they do on one machine, and find everything there. So a run on a cluster has the results of a
local one by construction: the same code plans, keys, stores and reads; only where a batch is computed differs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import asdict, dataclass, field

from harness.cluster.cluster_context import ClusterContext
from harness.cluster.piece_display import PieceDisplay, SharedDisplay
from harness.cluster.scratch_cache import ScratchCache
from harness.components.task import Task
from harness.components.trained_model import DerivedModel
from harness.components.variant import Resources
from harness.errors import ModelError
from harness.records.call_counts import CallCounts
from harness.records.inputs import JSON, Cell
from harness.runtime.cache import cache_root
from harness.stages.index import build_index, training_requests
from harness.stages.plan import planned_cells
from harness.stages.predict import answers, progress_line
from harness.stages.prepare import resources_of
from harness.suite.suite import Suite
from harness.suite.usage import prerequisites
from harness.text.canonical import digest

TITLE = "on the cluster"
Work = Callable[[PieceDisplay], None]


def fill(context: ClusterContext, suite: Suite, tasks: Mapping[str, Task], due: Sequence[str]) -> JSON:
    """Compute ahead what the stages that are due will ask for; returns what run.json says of the cluster."""
    Fill(suite=suite, tasks=tasks, context=context).run(due)
    return [asdict(place) for place in context.workers.places()]


@dataclass(frozen=True, kw_only=True)
class FilledPiece:
    """Something to compute: a model that is made, or a cell."""

    name: str
    needs: frozenset[str]  # the models that must be made before
    work: Work


@dataclass(frozen=True, kw_only=True)
class Fill:
    """What a run of a suite would compute, as far as networks compute it."""

    suite: Suite
    tasks: Mapping[str, Task]
    context: ClusterContext
    resources: Resources = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "resources", resources_of(self.suite, self.tasks))

    def run(self, due: Sequence[str]) -> None:
        """Compute it. Raises HarnessError as the stages would."""
        if "predict" not in due:
            return
        workers, shared = self.context.workers, SharedDisplay(self.context.display, TITLE)
        workers.show = shared.show
        try:
            self._run([*(self._makings() if "train" in due else ()), *self._cells()], shared)
        except BaseException:
            workers.stop()
            raise
        finally:
            workers.show = lambda places: None
            self.context.display.spread(())
            for model in self.suite.models.values():
                model.report_to(self.context.display)
        self.context.display.finish(f"{len(workers.workers)} workers")

    def _run(self, pieces: Sequence[FilledPiece], shared: SharedDisplay) -> None:
        """Each piece as soon as the models are there that it needs, in a thread of its own."""
        waiting, unmade = list(pieces), {piece.name for piece in pieces}
        going: dict[Future[None], FilledPiece] = {}
        pool = ThreadPoolExecutor(self.context.workers.count + 1, thread_name_prefix="piece")
        try:
            while waiting or going:
                for piece in [own for own in waiting if not own.needs & unmade]:
                    waiting.remove(piece)
                    going[pool.submit(copy_context().run, piece.work, PieceDisplay(shared))] = piece
                for future in wait(going, return_when=FIRST_COMPLETED).done:
                    unmade.discard(going.pop(future).name)
                    future.result()
        except BaseException:
            self.context.workers.stop()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    # -- models -------------------------------------------------------------------------------------------------------

    def _makings(self) -> Iterator[FilledPiece]:
        trained = frozenset(self.suite.usage.trained)
        for name in self.suite.usage.trained:
            needs = trained.intersection(prerequisites(name, self.suite.models, self.suite.variants))
            yield FilledPiece(name=name, needs=needs, work=self._making(name))

    def _making(self, name: str) -> Work:
        def work(display: PieceDisplay) -> None:
            model = self.suite.models[name]
            display.begin(f"train {name}")
            with self.context.beside(display) as door:
                if isinstance(model, DerivedModel):
                    self._gather(name, model, door)
                with self.context.workers.lock:
                    is_ready = model.at_hand()
                if not is_ready:
                    self._make(name, display)

        return work

    def _gather(self, name: str, model: DerivedModel, door: ClusterContext) -> None:
        """Let a model read what it learns; what has to be asked for that is asked on the cluster."""
        for request in training_requests(self.suite, name):
            build_index(request, self.suite, door, self.resources)
        door.cell, door.counts = Cell("training", name), CallCounts()
        model.gather(door, self.resources)

    def _make(self, name: str, display: PieceDisplay) -> None:
        """Make a model on the cluster, and take what comes of it into the cache."""
        scratch = ScratchCache(cache_root(), f"making-{digest([self.suite.name, name])[:16]}")
        model = self.suite.models[name]
        self.context.workers.make(name, model, scratch.path.name, display)
        scratch.take()
        with self.context.workers.lock:
            if not model.at_hand():
                raise ModelError(
                    f"models.{name}: a worker made another model than this run asks for; its device or packages "
                    "differ: compare `harness doctor` here and there"
                )
        display.finish("made")

    # -- cells --------------------------------------------------------------------------------------------------------

    def _cells(self) -> Iterator[FilledPiece]:
        """Those that ask a network. Those that ask servers too come one after the other, as many servers want it."""
        trained, models = frozenset(self.suite.usage.trained), self.suite.models
        before: frozenset[str] = frozenset()
        for cell in planned_cells(self.suite, self.tasks):
            answerers = self.suite.usage.models_of[cell.variant]
            if not any(models[name].local for name in answerers):
                continue
            name, is_served = f"{cell.task} × {cell.variant}", any(not models[own].local for own in answerers)
            yield FilledPiece(
                name=name,
                needs=trained.intersection(answerers) | (before if is_served else frozenset()),
                work=self._answering(cell, name),
            )
            before = frozenset([name]) if is_served else before

    def _answering(self, cell: Cell, name: str) -> Work:
        def work(display: PieceDisplay) -> None:
            task, variant = self.tasks[cell.task], self.suite.answering()[cell.variant]
            with self.context.beside(display) as door:
                for request in variant.indexes(task):
                    build_index(request, self.suite, door, self.resources)
                door.begin(cell)
                display.begin(name)
                for _ in answers(variant, task, door, self.resources):
                    pass  # they lie in the cache
                display.finish(progress_line(len(task.data.test), door.counts))

        return work
