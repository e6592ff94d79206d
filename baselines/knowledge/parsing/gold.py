"""Which passages are right for an item, so that retrieval can be measured apart from the answer."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import add
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from baselines.knowledge.parsing.splitting import short_form
from harness.errors import DataError, nearest
from harness.records.inputs import JSON, Passage, Sample
from harness.records.outputs import Alternatives, RightAnswer
from harness.statistics.right_answers import places_of
from harness.text.normalise import as_text, fast_normalise, normalise, option_letters

By = Literal["text", "contains", "field"]
Places = tuple[int, ...]
Terms = Mapping[str, str]  # the terms of one right answer, normalised → as written

ENTRY_ID, ALSO_IDS, ALSO_IN = "entry_id", "also_ids", "also_in"  # added to the meta of a passage by a knowledge base


@dataclass(frozen=True, slots=True)
class Expected:
    """One right answer and the terms it is made of, each of which has a passage of its own."""

    target: str
    terms: tuple[str, ...]


class Gold(BaseModel):
    """How the right passages of an item are determined. Texts are compared after `harness.text.normalise.normalise`.

    text: a passage that equals a target. contains: a passage in which a target stands. field: the passages of the entry
    that a column of the item names; of several, those in which a target stands, or all if none does. The targets of a
    choice are letters; there the texts of the right options count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: By = "text"
    """What is right: a passage that equals a target, that contains one, or that a field of the item names."""
    separator: str | None = None
    """Divides a target into terms; the passages of all of them are right. null: a target is one term."""
    field: str | None = None
    """With by: field: the column of the task's rows that names an entry, or a list of them; null: otherwise."""
    of: Literal["id", "source", "title"] = "id"
    """With by: field: what the column holds."""

    @model_validator(mode="after")
    def _settings_fit(self) -> "Gold":
        if self.by == "field" and self.field is None:
            raise ValueError("gold: by: field needs field, the column of the task's rows that names the entry")
        if self.by != "field" and (self.field is not None or self.of != "id"):
            raise ValueError(f"gold: field and of belong to by: field, not to by: {self.by}")
        if self.separator is not None and not self.separator.strip():
            raise ValueError('gold: separator must be a mark such as "##"')
        return self

    def find(self, samples: Sequence[Sample], passages: Sequence[Passage]) -> list[Places]:
        """The places of each sample's right passages, ascending."""
        return [places_of(alternatives) for alternatives in self.answers(samples, passages)]

    def answers(self, samples: Sequence[Sample], passages: Sequence[Passage]) -> list[Alternatives]:
        """The right answers of each sample, with the places of the passages that hold them; nothing if not known.

        Each target is an alternative, made of its terms. By field, the terms that stand in the named entries are right,
        and each named entry in which none stands.
        """
        wanted = [self._wanted(sample) for sample in samples]
        if self.by == "field":
            return self._in_entries(samples, wanted, passages)
        holders = self.places(
            (form for alternatives in wanted for terms in alternatives for form in terms),
            [fast_normalise(passage.text) for passage in passages],
        )
        return [
            tuple(
                tuple(RightAnswer(text, holders.get(form, ())) for form, text in terms.items())
                for terms in alternatives
            )
            for alternatives in wanted
        ]

    def expected(self, sample: Sample) -> list[Expected]:
        """The right answers with their terms; the terms of an option letter are the texts of its options."""
        if sample.options:
            return [Expected(target, tuple(_option_texts(sample, target))) for target in sample.targets]
        return [Expected(target, self.terms(target)) for target in sample.targets]

    def terms(self, target: str) -> tuple[str, ...]:
        """The terms of a target; blank ones are left out."""
        parts = [target] if self.separator is None else target.split(self.separator)
        return tuple(part.strip() for part in parts if part.strip())

    def places(self, terms: Iterable[str], texts: Sequence[str]) -> dict[str, Places]:
        """For each normalised term the places of the normalised texts that equal it, or contain it (by: contains)."""
        if self.by == "contains":
            return containing({term for term in terms if term}, texts)
        equal: dict[str, list[int]] = {}
        for place, text in enumerate(texts):
            equal.setdefault(text, []).append(place)
        return {term: tuple(equal.get(term, ())) for term in terms}

    def entry_places(self, samples: Sequence[Sample], passages: Sequence[Passage]) -> list[list[Places]]:
        """For each sample and each entry that its column names, the places of that entry's passages."""
        column = str(self.field)
        by_name: dict[str, list[int]] = {}
        for place, passage in enumerate(passages):
            for name in self._names(passage):
                by_name.setdefault(name, []).append(place)
        return [[tuple(by_name.get(name, ())) for name in values_of(sample.meta.get(column))] for sample in samples]

    def _names(self, passage: Passage) -> set[str]:
        if self.of == "title":
            return {passage.title}
        if self.of == "source":
            return {passage.source, *passage.meta.get(ALSO_IN, ())}
        return {passage.id, passage.meta.get(ENTRY_ID, passage.id), *passage.meta.get(ALSO_IDS, ())}

    def _in_entries(
        self, samples: Sequence[Sample], wanted: Sequence[Sequence[Terms]], passages: Sequence[Passage]
    ) -> list[Alternatives]:
        """The right answers in the entries that each sample's column names."""
        entries_of = [
            dict(zip(values_of(sample.meta.get(str(self.field))), groups, strict=True))
            for sample, groups in zip(samples, self.entry_places(samples, passages), strict=True)
        ]
        texts = {
            place: fast_normalise(passages[place].text)
            for entries in entries_of
            for group in entries.values()
            for place in group
        }
        return [
            _answers_in(entries, alternatives, texts) for entries, alternatives in zip(entries_of, wanted, strict=True)
        ]

    def _wanted(self, sample: Sample) -> list[Terms]:
        """The terms of each right answer, as they are compared and as they are written."""
        alternatives = [
            {form: term for term in answer.terms if (form := normalise(term))} for answer in self.expected(sample)
        ]
        return list({tuple(terms): terms for terms in alternatives if terms}.values())


def _answers_in(entries: Mapping[str, Places], wanted: Sequence[Terms], texts: Mapping[int, str]) -> Alternatives:
    """The terms that stand in the entries, and the entries in which none does: of equal entries any will do."""
    places = [place for group in entries.values() for place in group]
    holders = {
        form: tuple(place for place in dict.fromkeys(places) if form in texts[place])
        for terms in wanted
        for form in terms
    }
    narrowed = {place for group in holders.values() for place in group}
    whole: dict[object, RightAnswer] = {}
    for name, group in entries.items():
        if narrowed.isdisjoint(group):
            content = frozenset(texts[place] for place in group) or name
            before = whole.get(content, RightAnswer(name, ()))
            whole[content] = RightAnswer(before.text, tuple(dict.fromkeys([*before.passages, *group])))
    standing = [
        tuple(RightAnswer(text, holders[form]) for form, text in terms.items() if holders[form]) for terms in wanted
    ]
    alternatives = [answers for answers in standing if answers] or [()]
    return tuple(answers for own in alternatives if (answers := (*own, *whole.values())))


def _gold_of(value: Any) -> Any:
    return short_form(Gold, value)


GoldOption = Annotated[Gold, BeforeValidator(_gold_of, json_schema_input_type=Literal["text", "contains"] | Gold)]


def containing(terms: set[str], texts: Sequence[str]) -> dict[str, Places]:
    """For each term the places of the texts in which it stands.

    Only the texts that hold a term's rarest pair of characters are searched for it.
    """
    pairs_of = {term: set(map(add, term, term[1:])) for term in terms}
    pairs = set().union(*pairs_of.values())
    frequency: Counter[str] = Counter()
    for text in texts[:: max(len(texts) // 500, 1)]:
        frequency.update(pairs.intersection(map(add, text, text[1:])))
    rarest = {term: min(own, key=lambda pair: (frequency[pair], pair)) for term, own in pairs_of.items() if own}
    holders: dict[str, list[int]] = {pair: [] for pair in rarest.values()}
    for place, text in enumerate(texts):
        for pair in holders.keys() & set(map(add, text, text[1:])):
            holders[pair].append(place)
    candidates = {term: holders[rarest[term]] if term in rarest else range(len(texts)) for term in terms}
    return {term: tuple(place for place in places if term in texts[place]) for term, places in candidates.items()}


def values_of(cell: JSON) -> list[str]:
    """The texts in a cell that holds a text or a list of texts; blank ones are left out."""
    texts = [as_text(value).strip() for value in (cell if isinstance(cell, list | tuple) else [cell])]
    return [text for text in texts if text]


def require_column(samples: Sequence[Sample], column: str, parameter: str) -> None:
    """Raise DataError if no sample has a column."""
    columns: Mapping[str, None] = dict.fromkeys(name for sample in samples for name in sample.meta)
    if samples and column not in columns:
        raise DataError(
            f"{parameter}: the rows of task {samples[0].task} have no column '{column}' ({nearest(column, columns)})"
        )


def _option_texts(sample: Sample, target: str) -> list[str]:
    places = [ord(letter) - ord("A") for letter in option_letters(target)]
    return [sample.options[place] for place in places if place < len(sample.options)]
