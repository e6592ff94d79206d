"""The answers of one task of a finished run as people rate them: what was asked, and keys that tell nothing."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

from pydantic import ValidationError

from harness.answers.text import Text
from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.registry import components
from harness.components.task import Task
from harness.errors import HarnessError, nearest
from harness.judging.asking.judge_metric import question_text, reference_answer
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Generation, Sample
from harness.records.outputs import Prediction
from harness.text.canonical import digest
from harness.text.templates import Template

LENGTH_OF_A_KEY = 12  # hexadecimal digits: of 10,000 entries two are alike once in five million sheets
Purpose = Literal["run", "entry"]


class RatedTask:
    """One task of a run: its samples and what each variant answered.

    Keys are digests over all prompts and replies of the task, which a page does not hold: from the page alone nobody
    can work out whose answer is whose, and the run folder needs to keep no list.
    """

    def __init__(self, finished: FinishedRun, name: str) -> None:
        self.name = name
        self.samples = {sample.id: sample for sample in finished.samples if sample.task == name}
        self.answers: dict[str, dict[str, Prediction]] = {sample: {} for sample in self.samples}
        for prediction in finished.predictions:
            if prediction.task == name and prediction.sample_id in self.answers:
                self.answers[prediction.sample_id][prediction.variant] = prediction
        self.reference_variant = finished.summary.reference
        self._record: Mapping[str, JSON] = (finished.run.get("tasks") or {}).get(name) or {}

    @property
    def variants(self) -> tuple[str, ...]:
        """Those that answered, in the order of the run."""
        return tuple(dict.fromkeys(variant for own in self.answers.values() for variant in own))

    @property
    def metrics(self) -> Mapping[str, JSON]:
        """What scored the task, as run.json tells it."""
        return self._record.get("metrics") or {}

    @cached_property
    def identity(self) -> str:
        """The same for the same answers to the same prompts by the same variants; another for any other run."""
        return self._key("run")

    def key(self, sample: str, variants: Sequence[str]) -> str:
        """What an entry is called on a page."""
        return self._key("entry", sample, *variants)

    def question(self, sample: Sample) -> str:
        """What was asked, as judges are shown it: the same for all variants."""
        try:
            return question_text(self._task, sample)
        except HarnessError:  # of a run whose prompt needs what is not recorded
            return sample.input

    def reference(self, sample: Sample) -> str:
        """The right answer as judges are shown it; empty where there is none."""
        return reference_answer(self._task, sample)

    @cached_property
    def _task(self) -> Task:
        system = self._record.get("system")
        return Task(
            name=self.name,
            data=Dataset(tuple(self.samples.values())),
            template=Template(self._record.get("prompt") or "{{ input }}", f"{self.name}: prompt"),
            system=None if system is None else Template(system, f"{self.name}: system"),
            answer=_answer(self._record.get("answer") or {}),
            generation=Generation(),
        )

    def _key(self, purpose: Purpose, *parts: str) -> str:
        return digest([self._secret, purpose, *parts])[:LENGTH_OF_A_KEY]

    @cached_property
    def _secret(self) -> str:
        return digest(
            [
                [sample, variant, prediction.text, [[message.role, message.content] for message in prediction.messages]]
                for sample, own in self.answers.items()
                for variant, prediction in own.items()
            ]
        )


def rated_task(finished: FinishedRun, name: str | None) -> RatedTask:
    """The task of that name, or the only one that was answered. Raises HarnessError."""
    names = list(dict.fromkeys(prediction.task for prediction in finished.predictions))
    if name is None and len(names) > 1:
        raise HarnessError(f"the run has several tasks: name one with --task: {', '.join(names)}")
    if not names:
        raise HarnessError("the run has no answers to rate")
    if name is not None and name not in names:
        raise HarnessError(f"--task {name}: the run has no answers to a task of that name ({nearest(name, names)})")
    return RatedTask(finished, name or names[0])


def _answer(record: Mapping[str, JSON]) -> Answer:
    """The kind of answer that the run had, which says how a reference is written; text where it is not known here."""
    for _, component in components("answer"):
        if component.__name__ == record.get("component") and issubclass(component, Answer):
            settings = {
                key: value for key, value in record.get("settings", {}).items() if key in component.model_fields
            }
            try:
                return component(**settings)
            except ValidationError:
                break
    return Text()
