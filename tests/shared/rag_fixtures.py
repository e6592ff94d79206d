"""A small knowledge base of terms, and a retriever whose scores are counted by hand: shared characters."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from baselines.knowledge.texts import Texts
from harness.answers.text import Text
from harness.components.calls import Calls
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.indexes import Indexes
from harness.components.knowledge import Knowledge
from harness.components.metric import Metric
from harness.components.retriever import Hit, Index, Retriever
from harness.components.task import Task
from harness.components.variant import Resources, Variant
from harness.metrics.exact_match import ExactMatch
from harness.models.scripted import Scripted
from harness.records.inputs import Cell, Generation, Passage, Sample
from harness.records.outputs import Prediction
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.text.templates import Template

TERMS = ("左膝关节置换术", "右膝关节置换术", "白内障摘除术", "阑尾切除术", "胆囊切除术")
TRAIN = tuple(
    Sample(id=f"train:{i}", task="norm", input=text, targets=(target,))
    for i, (text, target) in enumerate([("左膝换关节", "左膝关节置换术"), ("右眼白内障", "白内障摘除术"), ("阑尾切了", "阑尾切除术")])
)  # fmt: skip
TEST = (
    Sample(id="test:1", task="norm", input="左膝关节换了", targets=("左膝关节置换术",)),
    Sample(id="test:2", task="norm", input="白内障", targets=("白内障摘除术",)),
    Sample(id="test:3", task="norm", input="肝移植", targets=("肝移植术",)),  # not in the list
)


class Overlap(Retriever):
    """Score: distinct characters that query and passage share."""

    def index(self, passages: Sequence[Passage], calls: Calls) -> Index:
        return OverlapIndex([passage.text for passage in passages])


class OverlapIndex:
    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def search(self, queries: Sequence[str], k: int, allowed: Any = None) -> list[list[Hit]]:
        found = []
        for query in queries:
            scores = [float(len(set(query) & set(text))) for text in self.texts]
            order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
            found.append([(i, scores[i]) for i in order if scores[i] > 0 and (allowed is None or allowed[i])][:k])
        return found


def task(train: tuple[Sample, ...] = TRAIN, test: tuple[Sample, ...] = TEST, **options: Any) -> Task:
    generation = Generation(max_tokens=50)
    data = Dataset(test=test, train=train)
    fields = {"answer": Text(), "system": None, **options}
    return Task(name="norm", data=data, template=Template("{{ input }} →", "test"), generation=generation, **fields)


def resources(
    task: Task,
    knowledge: Knowledge | None = None,
    variants: Mapping[str, Variant] | None = None,
    metrics: Mapping[str, Metric] | None = None,
) -> Resources:
    """What variants answer the task with: one knowledge base `kb`, and steps for cascades."""
    origin = task.parent or task
    return Resources(
        indexes=Indexes({} if knowledge is None else {"kb": knowledge}),
        variants=variants or {},
        metrics={origin.name: metrics or {"accuracy": ExactMatch()}},
    )


@pytest.fixture
def terms(tmp_path: Path) -> Texts:
    path = tmp_path / "terms.txt"
    path.write_text("\n".join(TERMS), encoding="utf-8")
    return Texts(path=str(path))


Ask = Callable[..., list[Prediction]]


@pytest.fixture
def ask(tmp_path: Path, terms: Texts) -> Iterator[Ask]:
    """Answers a task's test samples by a variant, over the terms as knowledge `kb` unless other knowledge is given."""
    cache = Cache(tmp_path / "calls.sqlite")

    def go(
        variant: Variant,
        model: Scripted | None = None,
        on: Task | None = None,
        knowledge: Knowledge | None = None,
        variants: Mapping[str, Variant] | None = None,
    ) -> list[Prediction]:
        target = on or task()
        context = Context({"m": model or Scripted(echo="last_line")}, cache, Display(), 7)
        context.begin(Cell(target.name, "v"))
        return variant.answer(target, target.data.test, context, resources(target, knowledge or terms, variants))

    yield go
    cache.close()


@pytest.fixture
def overlap() -> Retriever:
    return Overlap()


@pytest.fixture
def norm() -> Callable[..., Task]:
    """Makes the task with other rows or another answer."""
    return task


class TinyWindow(Scripted):
    """Has room for 300 characters in all."""

    def context_length(self) -> int | None:
        return 300


@pytest.fixture
def tiny_window() -> Scripted:
    return TinyWindow(echo="last_line")
