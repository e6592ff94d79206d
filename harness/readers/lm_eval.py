"""Any task of lm-evaluation-harness becomes a task of a suite, so that published benchmarks can score every variant."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.fields import LocalPath
from harness.components.generation_kwargs import generation_of
from harness.components.metric import Metric
from harness.components.reader import Reader, WholeGroup, WholeTask
from harness.components.registry import find
from harness.errors import DataError, HarnessError
from harness.readers.parsing.lm_eval_documents import FEWSHOT_SEED, LmEvalDocuments
from harness.readers.parsing.lm_eval_tasks import load_groups, load_task, load_tasks, quiet
from harness.records.inputs import Generation

if TYPE_CHECKING:
    from lm_eval.api.group import Group
    from lm_eval.api.task import Task as LmEvalTask
    from lm_eval.config.group import AggMetricConfig

_KINDS = ("lm_eval", "lm_eval_corpus")  # of metrics: values of items, and figures of all of them


class LmEval(Reader):
    """Tasks, groups or tags of lm-eval, asked and scored as lm-eval does; written in a task's place."""

    imports: ClassVar[tuple[str, ...]] = ("lm_eval",)
    brings_tasks: ClassVar[bool] = True

    tasks: tuple[str, ...]
    """Names of tasks, groups or tags, or patterns such as mmlu_*."""
    include_path: Annotated[str | None, LocalPath()] = None
    """A folder with .yaml files of tasks of your own; null: lm-eval's tasks only."""
    limit: int | None = Field(None, ge=1)
    """The first so many documents of each task; null: all."""
    num_fewshot: int | None = Field(None, ge=0)
    """Worked examples, instead of the number that a task states; null: its own."""
    metrics: tuple[str, ...] | None = None
    """Which of the metrics that the tasks name are taken; null: all."""
    seed: int = FEWSHOT_SEED
    """Seed of lm-eval's choice of examples."""
    within: str | None = None
    """The group, tag or pattern that sets options of the one task; null: none."""

    @model_validator(mode="after")
    def _names_differ(self) -> "LmEval":
        if not self.tasks:
            raise ValueError("tasks: name at least one task, group or tag of lm-eval")
        if len(set(self.tasks)) < len(self.tasks):
            raise ValueError("tasks: a name stands twice")
        return self

    def whole_tasks(self) -> Mapping[str, WholeTask]:
        """One for each task that the names stand for. Raises HarnessError with every mistake."""
        whole: dict[str, WholeTask] = {}
        mistakes: list[str] = []
        for within, tasks in load_tasks(self.tasks, self.include_path).items():
            for name, task in tasks.items():
                try:
                    whole.setdefault(name, self._whole(name, within, task))
                except HarnessError as error:
                    mistakes += error.lines
        if mistakes:
            raise HarnessError(*mistakes)
        return whole

    def whole_groups(self) -> tuple[WholeGroup, ...]:
        """What lm-eval averages of the groups that the names stand for, under the names of the metrics here."""
        return tuple(
            WholeGroup(
                name=group.name,
                metric=metric,
                figures=tuple(figures),
                is_weighted=bool(average.weight_by_size),
            )
            for group in load_groups(self.tasks, self.include_path).values()
            for average in group.aggregate_metric_list or ()
            for metric, figures in self._averaged(group, average).items()
        )

    def _averaged(self, group: "Group", average: "AggMetricConfig") -> dict[str, list[tuple[str, str]]]:
        """By the name of the average: the tasks that have the metric behind one filter, and what it is called there."""
        figures: dict[str, list[tuple[str, str]]] = {}
        for task in group.get_all_tasks():
            filters = [ensemble.name for ensemble in task._filters]
            for own in filters if average.metric in _chosen(task, self.metrics) else ():
                if average.filter_list is None or own in average.filter_list:
                    figures.setdefault(own, []).append((task.task_name, metric_name(average.metric, own, filters)))
        return {metric_name(average.metric, own, list(figures)): pairs for own, pairs in figures.items()}

    def read(self, task: str, seed: int) -> Dataset:
        """The first documents of the one task as test, those of its examples as train. Raises DataError."""
        if len(self.tasks) != 1:
            raise DataError(f"tasks.{task}: lm_eval names {len(self.tasks)} tasks; write it in the task's place")
        own = load_task(self.tasks[0], self.within or self.tasks[0], self.include_path)
        documents = LmEvalDocuments(own, self.num_fewshot, self.seed)
        try:
            with quiet():
                return Dataset(
                    test=tuple(documents.samples(task, self.limit)), train=tuple(documents.example_rows(task))
                )
        except Exception as error:  # a task's templates and functions are programs: what they raise is theirs
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise DataError(f"{self.tasks[0]}: lm-eval cannot make its prompts: {reason}") from error

    def sources(self) -> tuple[str, ...]:
        """The task's own file and its local data files."""
        own = load_task(self.tasks[0], self.within or self.tasks[0], self.include_path)
        metadata, kwargs = own.get_config("metadata") or {}, own.get_config("dataset_kwargs") or {}
        files = kwargs.get("data_files") or ()
        named = files.values() if isinstance(files, Mapping) else [files]
        paths = [path for value in named for path in ([value] if isinstance(value, str) else value)]
        return tuple(path for path in (str(metadata.get("config_source", "")), *paths) if Path(path).is_file())

    def _whole(self, name: str, within: str, task: "LmEvalTask") -> WholeTask:
        """A task of lm-eval with its metrics. Raises HarnessError for one that cannot be asked or scored here."""
        if mistakes := [*_unaskable(name, task), *_unscorable(name, task, self.metrics)]:
            raise HarnessError(*mistakes)
        parameters = {"tasks": (name,), "within": None if within == name else within}
        answer = find("answer", "lm_eval")()
        assert isinstance(answer, Answer)
        stated = task.get_config("generation_kwargs") if task.OUTPUT_TYPE == "generate_until" else None
        return WholeTask(
            data=self.model_copy(update=parameters),
            answer=answer,
            metrics=self._metrics(task, {"task": name, "within": parameters["within"]}),
            generation=generation_of(stated or {}) if stated else Generation(),
        )

    def _metrics(self, task: "LmEvalTask", parameters: Mapping[str, object]) -> dict[str, Metric]:
        """What scores a task: each of its metrics behind each of its filters."""
        filters = [ensemble.name for ensemble in task._filters]
        metrics: dict[str, Metric] = {}
        for name in _chosen(task, self.metrics):
            aggregation = aggregation_name(task.aggregation()[name])
            kind = next(kind for kind in _KINDS if aggregation in _aggregations(kind))
            for own in filters:
                written = {
                    **parameters, "include_path": self.include_path, "metric": name, "filter": own,
                    "aggregation": aggregation, "better": "higher" if _is_higher_better(task, name) else "lower",
                }  # fmt: skip
                metric = find("metric", kind).model_validate(written)
                assert isinstance(metric, Metric)
                metrics[metric_name(name, own, filters)] = metric
        return metrics


def metric_name(metric: str, own: str, filters: Sequence[str]) -> str:
    """What a metric behind one of several filters is called here."""
    return clean_name(metric if len(filters) == 1 else f"{metric}-{own}")


def clean_name(name: str) -> str:
    """A name of lm-eval as a suite can have it: no dots, spaces, colons or slashes."""
    return "".join("_" if sign in "./\\:" or sign.isspace() else sign for sign in name)


def aggregation_name(function: object) -> str:
    """What lm-eval calls a way of making one figure of all items."""
    from lm_eval.api.registry import AGGREGATION_REGISTRY

    own = next((name for name in AGGREGATION_REGISTRY if AGGREGATION_REGISTRY[name] is function), None)
    return own or str(getattr(function, "__name__", function))


def _aggregations(kind: str) -> tuple[str, ...]:
    aggregations: tuple[str, ...] = getattr(find("metric", kind), "aggregations", ())
    return aggregations


def _is_higher_better(task: "LmEvalTask", name: str) -> bool:
    return bool(task.higher_is_better().get(name, True))


def _chosen(task: "LmEvalTask", metrics: Sequence[str] | None) -> list[str]:
    return [name for name in task.aggregation() if metrics is None or name in metrics]


def _unaskable(name: str, task: "LmEvalTask") -> list[str]:
    """Why a task cannot be asked here."""
    repeats = task.get_config("repeats") or 1
    reasons = {
        "runs code that a model wrote, which the harness does not": getattr(task, "UNSAFE_CODE", False),
        "shows images or sounds, which no model of a suite sees": getattr(task, "MULTIMODAL", False),
        f"asks each document {repeats} times (repeats), and the harness asks once": repeats > 1,
    }
    return [f"{name}: it {reason}; leave it out" for reason, applies in reasons.items() if applies]


def _unscorable(name: str, task: "LmEvalTask", metrics: Sequence[str] | None) -> list[str]:
    """The metrics that are no values of items; and those that a suite names and the task has not, where it has none."""
    chosen = _chosen(task, metrics)
    if not chosen:
        return [
            f"{name}: metrics: none of {', '.join(metrics or ())} is a metric of it ({', '.join(task.aggregation())})"
        ]
    possible = [own for kind in _KINDS for own in _aggregations(kind)]
    strange = {own: agg for own in chosen if (agg := aggregation_name(task.aggregation()[own])) not in possible}
    usable = [own for own in chosen if own not in strange]
    remedy = f"leave it out: metrics: [{', '.join(usable)}]" if usable else "leave the task out"
    return [
        f"{name}: its metric {own} is made of all items at once by {aggregation}, so that no item has a value of its "
        f"own to be paired and resampled; {remedy}"
        for own, aggregation in strange.items()
    ]
