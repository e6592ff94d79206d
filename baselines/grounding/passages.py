"""The passages that one sample's question is put to the model with: retrieved, gold, or deliberately irrelevant."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from baselines.grounding.search import Filter, Lookup, conditions_of, search
from baselines.grounding.token_budget import TokenBudget
from harness.components.calls import Calls
from harness.components.indexes import IndexRequest
from harness.components.retriever import Hit
from harness.components.variant import PassageMix, Resources
from harness.errors import DataError
from harness.records.inputs import JSON, Passage, PassageSet, Prompt, Sample
from harness.records.outputs import Alternatives, RetrievalTrace, RightAnswer
from harness.statistics.right_answers import places_of
from harness.text.counting import counted
from harness.text.normalise import normalise
from harness.text.passage_texts import searched_text
from harness.text.templates import Template

DEPTH = 100  # how far down the ranking a gold passage is looked for
PromptPassage = Mapping[str, JSON]  # a passage as templates, predictions.jsonl and the report see it


@dataclass(frozen=True, kw_only=True)
class PassageSettings:
    """Which passages a variant chooses."""

    query: str = "{{ input }}"  # a template over the sample
    filter: Filter = field(default_factory=dict)
    threshold: float | None = None  # passages with a lower score are not chosen
    oracle: bool = False  # the gold passages instead of retrieved ones
    distractors: int = 0  # irrelevant passages mixed in


@dataclass(frozen=True)
class GoldPassages:
    """The right passages of one sample, and which of its right answers each of them holds."""

    places: tuple[int, ...]  # in the passage set
    answers: Alternatives  # with places in `places`

    @classmethod
    def of(cls, alternatives: Alternatives) -> "GoldPassages":
        """From right answers with places in the passage set."""
        places = places_of(alternatives)
        number = {place: i for i, place in enumerate(places)}
        numbered = tuple(
            tuple(RightAnswer(answer.text, tuple(number[place] for place in answer.passages)) for answer in answers)
            for answers in alternatives
        )
        return cls(places, numbered)


@dataclass(kw_only=True)
class Evidence:
    """The passages for one sample, and the ranks of its gold passages."""

    sample: Sample
    passages: tuple[PromptPassage, ...]
    retrieval: RetrievalTrace
    best_score: float | None = None  # of the first hit
    notes: list[str] = field(default_factory=list)

    def fit(self, passages: Sequence[PromptPassage], budget: TokenBudget, bare: Prompt) -> None:
        """Take as many of the passages, in their order, as the budget has room for beside the prompt without them."""
        fitting, cut = budget.fit(passages, bare)
        left_out = len(passages) - len(fitting)
        self.passages = tuple(fitting)
        self.retrieval = replace(self.retrieval, left_out=left_out, cut=cut)
        if cut:
            self.notes.append(f"passage {fitting[-1]['number']} is longer than the room left and was cut")
        if left_out:
            self.notes.append(f"{left_out} of {len(passages)} passages left out: no room for them")


class PassageFinder:
    """Finds the passages of samples in one knowledge base."""

    def __init__(
        self, request: IndexRequest, settings: PassageSettings, calls: Calls, resources: Resources,
        mix: PassageMix | None = None,
    ) -> None:  # fmt: skip
        """With a mix the samples are train rows, which are shown nothing that was made of them."""
        self.request = request
        self.settings = settings
        self.calls = calls
        self.resources = resources
        self.mix = mix
        self.knowledge = resources.knowledge[request.knowledge]
        self.passage_set: PassageSet = self.knowledge.passage_set(request.updated)
        refuse_excess_distractors(self.passage_set, settings.distractors)
        self.has_several_sources = len({passage.source for passage in self.passage_set.passages}) > 1

    def find(self, samples: Sequence[Sample], k: int) -> list[Evidence]:
        """The evidence for each sample, up to k passages, in their order."""
        if not samples:
            return []
        gold = [GoldPassages.of(answers) for answers in self._right_answers(samples)]
        if self.settings.oracle:
            return [self._oracle(sample, own) for sample, own in zip(samples, gold, strict=True)]
        rankings, depth = self._search(samples, k, are_rows=self.mix is not None)
        if self.mix is not None:
            rankings = [
                self._mixed(sample, own.places, hits, k)
                for sample, own, hits in zip(samples, gold, rankings, strict=True)
            ]
        return [
            self._retrieved(sample, own, hits, k, depth)
            for sample, own, hits in zip(samples, gold, rankings, strict=True)
        ]

    def find_for_examples(self, rows: Sequence[Sample], k: int) -> list[Evidence]:
        """The evidence for worked examples, each as if it were asked: found by nothing that was learnt from itself."""
        if self.settings.oracle or not rows:
            return self.find(rows, k)
        gold = [GoldPassages.of(answers) for answers in self._right_answers(rows)]
        rankings, depth = self._search(rows, k, are_rows=True)
        return [self._retrieved(row, own, hits, k, depth) for row, own, hits in zip(rows, gold, rankings, strict=True)]

    def _search(self, samples: Sequence[Sample], k: int, are_rows: bool) -> tuple[list[list[Hit]], int]:
        """The hits of each sample, and how many were looked for; train rows do not find what bears their own name."""
        depth = max(k, DEPTH)
        depth = min(depth, self.request.retriever.reach() or depth)
        queries = [Template(self.settings.query, "query").render(sample) for sample in samples]
        conditions = [conditions_of(self.settings.filter, sample) for sample in samples]
        learns_names = getattr(self.knowledge, "examples", None) is not None
        own_names = [sample.input for sample in samples] if are_rows and learns_names else None
        lookup = Lookup(queries=queries, k=depth, conditions=conditions, without=own_names)
        return search(self.request, lookup, self.calls, self.resources), depth

    def _mixed(self, row: Sample, gold: Sequence[int], hits: Sequence[Hit], k: int) -> list[Hit]:
        """A train row's hits without passages made of it; by the mix with the right passage among the k, or without."""
        foreign = [hit for hit in hits if not self._is_made_of(row, hit[0])]
        share = self.mix.gold if self.mix else None
        if share is None or not gold:
            return foreign
        draw = random.Random(f"{self.calls.seed}|gold|{row.id}")
        if draw.random() >= share:
            return [hit for hit in foreign if hit[0] not in gold]
        best = foreign[:k]
        right = [place for place in gold if not self._is_made_of(row, place)]
        if not right or any(place in gold for place, _ in best):
            return foreign
        lowest = best[-1][1] if best else 0.0
        best = best[: k - 1]
        best.insert(draw.randint(0, len(best)), (draw.choice(right), lowest))
        return best

    def _right_answers(self, samples: Sequence[Sample]) -> Sequence[Alternatives]:
        """Of questions without a right answer, as in production, none is looked for in the passages."""
        if not any(sample.targets for sample in samples):
            return [()] * len(samples)
        return self.knowledge.right_answers(samples, self.passage_set)

    def _oracle(self, sample: Sample, gold: GoldPassages) -> Evidence:
        """The gold passages, as perfect retrieval would find them."""
        passages = self._passages(sample, [(place, 1.0) for place in gold.places], gold.places)
        trace = RetrievalTrace(
            gold=self._ids(gold.places), ranks=None, depth=0, k=len(gold.places), answers=gold.answers
        )
        evidence = Evidence(sample=sample, passages=passages, retrieval=trace)
        if not gold.places:
            evidence.notes.append("no gold passage is known")
        return evidence

    def _retrieved(self, sample: Sample, gold: GoldPassages, hits: Sequence[Hit], k: int, depth: int) -> Evidence:
        threshold = self.settings.threshold
        rank = {place: number for number, (place, _) in enumerate(hits, 1)}
        best_score = hits[0][1] if hits else None
        chosen = [hit for hit in hits[:k] if threshold is None or hit[1] >= threshold]
        trace = RetrievalTrace(
            gold=self._ids(gold.places),
            ranks=tuple(rank.get(place) for place in gold.places),
            depth=depth,
            k=k,
            answers=gold.answers,
            unmatched=not hits,
        )
        passages = self._passages(sample, chosen, gold.places, rank)
        evidence = Evidence(sample=sample, passages=passages, retrieval=trace, best_score=best_score)
        if not hits:
            evidence.notes.append("nothing was found for the query")
        elif not chosen:
            evidence.notes.append(f"no passage reached the threshold {threshold:g}; the best had {best_score:.3g}")
        return evidence

    def _passages(
        self, sample: Sample, hits: Sequence[Hit], gold: Sequence[int], rank: Mapping[int, int] | None = None
    ) -> tuple[PromptPassage, ...]:
        """The passages of the hits, with irrelevant ones mixed in at places drawn by the seed."""
        chosen: list[tuple[int, float | None]] = [*hits]
        if self.settings.distractors:
            draw = random.Random(f"{self.calls.seed} {sample.id}")
            relevant = {place for place, _ in hits} | set(gold)
            irrelevant = [place for place in range(len(self.passage_set.passages)) if place not in relevant]
            for place in draw.sample(irrelevant, min(self.settings.distractors, len(irrelevant))):
                if not self._is_made_of(sample, place):
                    chosen.insert(draw.randint(0, len(chosen)), (place, None))
        return tuple(
            prompt_passage(number, self.passage_set.passages[place], score, place in gold, (rank or {}).get(place))
            for number, (place, score) in enumerate(chosen, 1)
        )

    def foreign(self, evidence: Evidence, row: Sample) -> tuple[PromptPassage, ...]:
        """The passages of an example that a train row has neither made nor lent its name."""
        own = [passage for passage in evidence.passages if not self._is_owed_to(row, str(passage["id"]))]
        return tuple({**passage, "number": number} for number, passage in enumerate(own, 1))

    def _is_owed_to(self, row: Sample, passage_id: str) -> bool:
        passage, names = self._by_id[passage_id]
        return holds_row(passage, row) or normalise(row.input) in names

    @cached_property
    def _by_id(self) -> Mapping[str, tuple[Passage, frozenset[str]]]:
        """Each passage with its learned names, normalised."""
        return {
            passage.id: (passage, frozenset(map(normalise, passage.learned_names)))
            for passage in self.passage_set.passages
        }

    def _is_made_of(self, sample: Sample, place: int) -> bool:
        """Whether a passage was made of a sample that is a train row."""
        return self.mix is not None and holds_row(self.passage_set.passages[place], sample)

    def _ids(self, places: Sequence[int]) -> tuple[str, ...]:
        return tuple(self.passage_set.passages[place].id for place in places)


def refuse_excess_distractors(passage_set: PassageSet, distractors: int) -> None:
    """Raise DataError where more irrelevant passages are asked for than can stand beside a relevant one."""
    most = max(0, len(passage_set.passages) - 1)
    if distractors > most:
        raise DataError(
            f"distractors: {distractors} irrelevant passages are asked for, and the knowledge base has "
            f"{counted(len(passage_set.passages), 'passage')}; ask for {most} at most"
        )


def holds_row(passage: Passage, row: Sample) -> bool:
    """Whether a passage was made of a train row: its question and, beside it, its answer stand in it."""
    text, question = normalise(searched_text(passage)), normalise(row.input)
    if not question or question not in text:
        return False
    rest = text.replace(question, "\0", 1)
    return any(answer in rest for answer in map(normalise, row.targets) if answer)


def prompt_passage(number: int, passage: Passage, score: float | None, gold: bool, rank: int | None) -> PromptPassage:
    """A passage with its number in the prompt; it has a score and a rank only where it was retrieved."""
    fields: dict[str, JSON] = {
        "number": number,
        "id": passage.id,
        "source": passage.source,
        "title": passage.title,
        "position": passage.position,
        "text": passage.text,
        "meta": dict(passage.meta),
        "gold": gold,
    }
    ranking = {"score": None if score is None else round(float(score), 4), "rank": rank}
    return {**fields, **{key: value for key, value in ranking.items() if value is not None}}
