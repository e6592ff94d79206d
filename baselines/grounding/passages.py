"""The passages that one sample's question is put to the model with: retrieved, gold, or deliberately irrelevant."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from baselines.grounding.search import search, wishes
from baselines.grounding.token_budget import Room
from harness.components.retriever import Hit
from harness.components.task import Task
from harness.records.inputs import JSON, Corpus, Passage, Prompt, Sample
from harness.records.outputs import Retrieval
from harness.runtime.context import Context
from harness.text.templates import Template

if TYPE_CHECKING:
    from baselines.variants.rag import Rag

DEPTH = 100  # how far down a gold passage is looked for
Shown = Mapping[str, JSON]


@dataclass
class Ground:
    """What one sample is shown, and how its gold passages were found."""

    sample: Sample
    shown: tuple[Shown, ...]
    retrieval: Retrieval
    best: float | None = None  # the score of the first hit
    notes: list[str] = field(default_factory=list)

    def fit(self, full: Sequence[Shown], room: Room, bare: Prompt) -> None:
        """Show as many of the passages, in their order, as there is room for beside the prompt without them."""
        kept, cut = room.fit(full, bare)
        left_out = len(full) - len(kept)
        self.shown = tuple(kept)
        self.retrieval = _changed(self.retrieval, left_out, cut)
        if cut:
            self.notes.append(f"passage {kept[-1]['number']} is longer than the room left and was cut")
        if left_out:
            self.notes.append(f"{left_out} of {len(full)} passages left out: no room for them")


class Grounding:
    """Finds the passages of samples for one rag variant on one task."""

    def __init__(self, rag: "Rag", task: Task, context: Context) -> None:
        self.rag = rag
        self.task = task
        self.context = context
        self.knowledge = context.knowledge[rag.knowledge]
        self.updated = task.updated == rag.knowledge
        self.corpus: Corpus = self.knowledge.corpus(self.updated)
        self.several_sources = len({passage.source for passage in self.corpus.passages}) > 1

    def of(self, samples: Sequence[Sample], k: int) -> list[Ground]:
        """The grounds of samples with up to k passages each, in their order; without k, none are looked up."""
        if not samples or not k:
            return [Ground(sample, (), Retrieval((), None, 0, 0)) for sample in samples]
        gold = self.knowledge.gold_places(samples, self.corpus)
        if self.rag.oracle:
            return [self._given(sample, places) for sample, places in zip(samples, gold, strict=True)]
        depth = max(k, DEPTH)
        depth = min(depth, self.rag.retriever.reach() or depth)
        hits = search(
            self.context, self.rag.knowledge, self.rag.retriever,
            [Template(self.rag.query, "query").render(sample) for sample in samples], depth, self.updated,
            [wishes(self.rag.filter, sample) for sample in samples] if self.rag.filter else None,
        )  # fmt: skip
        return [
            self._found(sample, places, some, k, depth)
            for sample, places, some in zip(samples, gold, hits, strict=True)
        ]

    def _given(self, sample: Sample, gold: Sequence[int]) -> Ground:
        """The gold passages, as perfect retrieval would find them."""
        shown = self._shown(sample, [(place, 1.0) for place in gold], gold)
        ground = Ground(sample, shown, Retrieval(self._ids(gold), None, 0, len(gold)))
        if not gold:
            ground.notes.append("no gold passage is known")
        return ground

    def _found(self, sample: Sample, gold: Sequence[int], hits: Sequence[Hit], k: int, depth: int) -> Ground:
        rank = {place: number for number, (place, _) in enumerate(hits, 1)}
        best = hits[0][1] if hits else None
        chosen = [hit for hit in hits[:k] if self.rag.threshold is None or hit[1] >= self.rag.threshold]
        ranks = tuple(rank.get(place) for place in gold)
        ground = Ground(
            sample, self._shown(sample, chosen, gold, rank), Retrieval(self._ids(gold), ranks, depth, k), best
        )
        if not hits:
            ground.notes.append("nothing was found for the query")
        elif not chosen:
            ground.notes.append(f"no passage reached the threshold {self.rag.threshold:g}; the best had {best:.3g}")
        return ground

    def _shown(
        self, sample: Sample, hits: Sequence[Hit], gold: Sequence[int], rank: Mapping[int, int] | None = None
    ) -> tuple[Shown, ...]:
        """The passages as the prompt and the record show them, irrelevant ones mixed in at places drawn by the seed."""
        chosen: list[tuple[int, float | None]] = [*hits]
        if self.rag.distractors:
            draw = random.Random(f"{self.context.seed} {sample.id}")
            taken = {place for place, _ in hits} | set(gold)
            others = [place for place in range(len(self.corpus.passages)) if place not in taken]
            for place in draw.sample(others, min(self.rag.distractors, len(others))):
                chosen.insert(draw.randint(0, len(chosen)), (place, None))
        return tuple(
            record(number, self.corpus.passages[place], score, place in gold, (rank or {}).get(place))
            for number, (place, score) in enumerate(chosen, 1)
        )

    def _ids(self, places: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.corpus.passages[place].id for place in places)


def record(number: int, passage: Passage, score: float | None, gold: bool, rank: int | None) -> Shown:
    """A passage as templates, predictions.jsonl and the report see it; score and rank only where it was searched."""
    known: dict[str, JSON] = {
        "number": number,
        "id": passage.id,
        "source": passage.source,
        "title": passage.title,
        "position": passage.position,
        "text": passage.text,
        "meta": dict(passage.meta),
        "gold": gold,
    }
    searched = {"score": None if score is None else round(float(score), 4), "rank": rank}
    return {**known, **{key: value for key, value in searched.items() if value is not None}}


def _changed(retrieval: Retrieval, left_out: int, cut: int) -> Retrieval:
    return Retrieval(retrieval.gold, retrieval.ranks, retrieval.depth, retrieval.k, left_out, cut)
