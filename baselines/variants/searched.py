"""Searched: a variant at its best settings, which are chosen on validation rows within a budget of calls."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, PrivateAttr, field_serializer, model_validator
from pydantic.json_schema import SkipJsonSchema

from baselines.search.instruction_rewriting import Rewrite
from baselines.search.search_budget import Budget
from baselines.search.search_course import chosen_setting, search
from baselines.search.search_mistakes import search_mistakes, setting_mistakes
from baselines.search.setting_space import unfolded_search
from harness.components.calls import Calls
from harness.components.component import settings
from harness.components.fields import Part
from harness.components.indexes import IndexRequest
from harness.components.model import Model
from harness.components.prompt_shape import PromptShape
from harness.components.task import Task
from harness.components.unfolding import Unfolded
from harness.components.variant import PassageMix, Resources, TrainingPair, Variant
from harness.records.inputs import JSON, Generation, Sample
from harness.records.outputs import Prediction
from harness.records.searches import SearchRecord


class Searched(Variant):
    """Chooses the settings of a variant by successive halving on validation rows, never on test, and answers with them.

    `over` maps parameters of `of` to the values that are tried, in every combination; the first values are the setting
    that `rewrite` starts from. What decides is the task's headline figure; of equals it is the cheaper setting.
    """

    asks_to_choose: ClassVar[bool] = True

    of: Annotated[Variant, Part("variant")]
    """The variant whose settings are searched; what `over` names need not be given here."""
    over: dict[str, list[Any]]
    """The values of each parameter, as a suite writes them, e.g. {k: [1, 5], shots: [0, 3]}."""
    budget: Budget = Field(ge=1)
    """Most calls of models, e.g. 2000 calls, those with stored answers among them."""
    rewrite: Rewrite | None = None
    """A model that proposes instructions from wrong answers, which are tried as well; null: none."""
    candidates: SkipJsonSchema[list[Annotated[Variant, Part("variant")]]] = Field(default_factory=list, exclude=True)
    levels: SkipJsonSchema[list[dict[str, str]]] = Field(default_factory=list, exclude=True)  # of the candidates
    _records: Mapping[str, SearchRecord] = PrivateAttr(default_factory=dict)  # by task, once a run has chosen

    @classmethod
    def unfolded(cls, written: Mapping[str, JSON]) -> Unfolded:
        return unfolded_search(written)

    @model_validator(mode="after")
    def _nothing_is_given_away(self) -> "Searched":
        if any(candidate.is_bound() for candidate in self.candidates):
            raise ValueError(
                "a setting is shown the gold passages: an upper bound is nothing to be chosen; leave oracle out"
            )
        if self.rewrite is not None and "system" not in type(self.of).model_fields:
            raise ValueError("rewrite: the variant has no parameter system, which a proposed instruction would be")
        return self

    @field_serializer("over")
    def _levels_by_content(self, over: dict[str, list[Any]]) -> dict[str, list[JSON]]:
        """The values that candidates have: prompts by their text, so that a changed file is a changed variant."""
        values: dict[str, dict[str, JSON]] = {name: {} for name in over}
        for candidate, level in zip(self.candidates, self.levels, strict=False):
            own = settings(candidate)
            for name in level:
                values[name].setdefault(level[name], own[name])
        return {name: list(own.values()) or over[name] for name, own in values.items()}

    def answer(self, task: Task, samples: Sequence[Sample], calls: Calls, resources: Resources) -> list[Prediction]:
        record = self._chosen_once(task.probe_of or task, calls, resources)
        return chosen_setting(self.candidates, self.levels, record).answer(task, samples, calls, resources)

    def _chosen_once(self, task: Task, calls: Calls, resources: Resources) -> SearchRecord:
        """The search of the task, which serves its probes, too, and a cascade that asks this variant."""
        own = (name for name, variant in resources.variants.items() if variant is self)
        key = (next(own, calls.cell.variant), task.name)
        if key not in resources.searches:
            resources.searches[key] = search(self, key[0], task, calls, resources)
        return resources.searches[key]

    def check(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        return search_mistakes(self, task, resources, models)

    def check_rows(self, task: Task, resources: Resources, models: Mapping[str, Model]) -> list[str]:
        return setting_mistakes(self, [task], resources, models)

    def training_pairs(
        self, task: Task, rows: Sequence[Sample], model: str, mix: PassageMix, calls: Calls, resources: Resources
    ) -> list[TrainingPair]:
        record = self._chosen_once(task.probe_of or task, calls, resources)
        choice = chosen_setting(self.candidates, self.levels, record)
        return choice.training_pairs(task, rows, model, mix, calls, resources)

    def settled(self, searches: Mapping[str, SearchRecord]) -> "Searched":
        own = self.model_copy()
        own._records = dict(searches)
        return own

    def alternatives(self) -> Sequence[Variant]:
        return self.candidates

    def calls(self, task: Task, samples: Sequence[Sample]) -> int:
        return max(candidate.calls(task, samples) for candidate in self.candidates)

    def indexes(self, task: Task) -> list[IndexRequest]:
        return [request for candidate in self.candidates for request in candidate.indexes(task)]

    def generation(self, task: Task) -> Generation:
        return (self._choice(task) or self.of).generation(task)

    def prompt_shape(self, task: Task) -> PromptShape | None:
        """That of the choice; before there is one, that which all settings share."""
        choice = self._choice(task)
        if choice is not None:
            return choice.prompt_shape(task)
        first, *others = (candidate.prompt_shape(task) for candidate in self.candidates)
        return first if self.rewrite is None and all(shape == first for shape in others) else None

    @property
    def retrieves(self) -> bool:
        return any(candidate.retrieves for candidate in self.candidates)

    def rests_on(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(subject for candidate in self.candidates for subject in candidate.rests_on()))

    def asked_before(self, task: Task) -> Sequence[Sample]:
        """The rows that settings are chosen by."""
        record = self._records.get((task.probe_of or task).name)
        rows = task.data.validation or task.data.train
        return rows if record is None else [row for row in rows if row.id in self._used(record)]

    def labelled_rows(self, task: Task) -> Sequence[Sample]:
        """The rows that settings are chosen by, and those that any of them shows: without them there is no choice."""
        rows = [*self.asked_before(task), *(row for own in self.candidates for row in own.labelled_rows(task))]
        return list({id(row): row for row in rows}.values())

    def _choice(self, task: Task) -> Variant | None:
        record = self._records.get((task.probe_of or task).name)
        return None if record is None else chosen_setting(self.candidates, self.levels, record)

    @staticmethod
    def _used(record: SearchRecord) -> frozenset[str]:
        return frozenset(record.row_ids)
