"""Two versions of a knowledge base compared: which answers no longer hold, and which answers hold instead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from baselines.knowledge.parsing.gold import Expected, Gold, Places, values_of
from harness.records.inputs import PassageSet, Sample
from harness.text.normalise import fast_normalise, normalise


@dataclass(frozen=True, slots=True)
class Version:
    """The passages of one version, and for each the entries with ids of their own that it stands in."""

    passage_set: PassageSet
    owners: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """The samples of a task whose answers the second version changes."""

    affected: list[tuple[Sample, Sample]]  # with the answers of the first version, with those of the second
    withdrawn: list[Sample]  # their answer no longer holds, and the one that holds instead is not known


def compare(samples: Sequence[Sample], old: Version, new: Version, gold: Gold, updated: str | None) -> Changes:
    """The samples whose answers differ between two versions.

    A sample with a value in the column `updated` is affected, and the value (or list) is its new answer. Otherwise an
    answer of the first version's passages still holds if the second has it in the same entry (entries without ids of
    their own: anywhere): as a passage (gold by text), or in one. Where an entry's only new passage took the place of a
    term, by text, the term is replaced; every other answer that no longer holds is dropped. A sample left without
    answers is withdrawn. Answers that the first version does not hold are left as they are.
    """
    successors = _Successors(samples, old, new, gold)
    changes = Changes([], [])
    for number, sample in enumerate(samples):
        stated = values_of(sample.meta.get(updated)) if updated is not None else []
        answers = tuple(dict.fromkeys(stated or successors.answers(number)))
        valid = {normalise(answer) for answer in answers}
        stale = [target for target in sample.targets if normalise(target) not in valid]
        if stated or (stale and answers):
            after = replace(sample, targets=answers, meta={**sample.meta, "stale": stale})
            changes.affected.append((sample, after))
        elif stale:
            changes.withdrawn.append(sample)
    return changes


class _Successors:
    """The answers that hold in the second version instead of those of the first."""

    def __init__(self, samples: Sequence[Sample], old: Version, new: Version, gold: Gold) -> None:
        self.samples, self.gold, self.owners = samples, gold, old.owners
        self.old = [fast_normalise(passage.text) for passage in old.passage_set.passages]
        self.new = [fast_normalise(passage.text) for passage in new.passage_set.passages]
        self.written = dict(zip(self.new, (passage.text for passage in new.passage_set.passages), strict=True))
        self.old_of, self.new_of = _by_owner(self.old, old.owners), _by_owner(self.new, new.owners)
        self.joined = "\0".join(self.new)
        self.new_texts = set(self.new)
        terms = {normalise(term) for sample in samples for answer in gold.expected(sample) for term in answer.terms}
        if gold.by == "field":
            entries = gold.entry_places(samples, old.passage_set.passages)
            self.entry_places = [tuple(sorted({place for group in groups for place in group})) for groups in entries]
        else:
            self.term_places = gold.places(terms, self.old)

    def answers(self, number: int) -> list[str]:
        """The answers of a sample that hold in the second version."""
        sample = self.samples[number]
        return [answer for expected in self.gold.expected(sample) for answer in self._answer(number, expected)]

    def _answer(self, number: int, expected: Expected) -> list[str]:
        choices = [self._term(number, term) for term in expected.terms]
        if all(choice == [term] for choice, term in zip(choices, expected.terms, strict=True)):
            return [expected.target]
        if self.samples[number].options:  # the letters of a choice cannot be told from the new text
            return []
        return [(self.gold.separator or "").join(terms) for terms in product(*choices)]

    def _term(self, number: int, term: str) -> list[str]:
        """The term in the second version: itself, the one that took its place, or none."""
        text = normalise(term)
        places = self.entry_places[number] if self.gold.by == "field" else self.term_places.get(text, ())
        owners = {owner for place in places for owner in self.owners[place]}
        if not places or self._holds(text, places, owners):
            return [term]
        return self._successors(owners) if self.gold.by == "text" else []

    def _holds(self, term: str, places: Places, owners: set[str]) -> bool:
        texts = [text for owner in owners for text in self.new_of.get(owner, ())]
        if self.gold.by == "text":
            return term in texts if owners else term in self.new_texts
        if self.gold.by == "contains" or any(term in self.old[place] for place in places):
            return any(term in text for text in texts) if owners else term in self.joined
        now = set(texts) if owners else self.new_texts  # the answer stands nowhere literally: is the entry as it was?
        return all(self.old[place] in now for place in places)

    def _successors(self, owners: set[str]) -> list[str]:
        successors = []
        for owner in sorted(owners):
            before = self.old_of[owner]
            fresh = list(dict.fromkeys(text for text in self.new_of.get(owner, ()) if text not in before))
            if len(fresh) == 1:  # of several it is not known which one took the place
                successors.append(self.written[fresh[0]])
        return list(dict.fromkeys(successors))


def _by_owner(texts: Sequence[str], owners: Sequence[tuple[str, ...]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for text, entries in zip(texts, owners, strict=True):
        for entry in entries:
            grouped.setdefault(entry, []).append(text)
    return grouped
