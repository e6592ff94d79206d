"""A suite before any model is opened: its data, what stands in what is learnt, its knowledge, its first prompts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from harness.checks.leakage import shared_items
from harness.components.display import Display
from harness.components.fields import written
from harness.components.knowledge import Knowledge
from harness.components.task import Task
from harness.records.figures import Overlap
from harness.records.inputs import JSON, Prompt
from harness.runtime.cache import Cache, cache_root
from harness.runtime.prompt_preview import PromptPreview
from harness.stages.describe import Description, describe
from harness.stages.prepare import resources_of
from harness.statistics.right_answers import places_of
from harness.statistics.spreads import Spread, spread_of
from harness.suite.suite import Suite


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldCoverage:
    """Of how many test items a knowledge base holds a right answer."""

    task: str
    judged: int  # items of which it is known what is right
    absent: int  # of them, those whose right answers no passage holds: no query can find these

    def sentence(self) -> str:
        """What a query of the index misses, whatever it asks."""
        if not self.judged:
            return f"{self.task}: which passages are right is not known"
        share = 100 * self.absent / self.judged
        return f"{self.task}: {self.absent:,} of {self.judged:,} items ({share:.0f} %) have their answer in no passage"


@dataclass(frozen=True, kw_only=True, slots=True)
class KnowledgeDescription:
    """A knowledge base in figures; lengths are characters of a passage without its title."""

    name: str
    form: str
    split: str
    passages: int
    titled: int
    merged: int
    skipped: int
    lengths: Spread
    coverage: tuple[GoldCoverage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstPrompt:
    """What a variant would ask a model first, or why that is not known before a run."""

    task: str
    variant: str
    model: str  # empty where none is asked
    prompt: Prompt
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteDescription:
    """All that is known without a model."""

    tasks: tuple[Description, ...]
    knowledge: tuple[KnowledgeDescription, ...]
    overlaps: tuple[Overlap, ...]  # those with items
    refusals: tuple[str, ...]  # for which a run would be refused
    prompts: tuple[FirstPrompt, ...]


def describe_suite(
    suite: Suite, tasks: Mapping[str, Task], count_tokens: Callable[[str], int] | None = None
) -> SuiteDescription:
    """The suite as `prepare` read it. Opens no model; lengths are in characters unless a counter of tokens is given."""
    overlaps, refusals = shared_items(suite, tasks)
    return SuiteDescription(
        tasks=tuple(describe(task, count_tokens) for task in tasks.values()),
        knowledge=tuple(_knowledge(name, suite, tasks) for name in suite.usage.knowledge),
        overlaps=tuple(own for own in overlaps if own.exact + own.normalised + own.near),
        refusals=tuple(refusals),
        prompts=tuple(_first_prompts(suite, tasks)),
    )


def coverage_of(knowledge: Knowledge, task: Task, updated: bool = False) -> GoldCoverage:
    """Of how many test items the passages hold a right answer."""
    right = knowledge.right_answers(task.data.test, knowledge.passage_set(updated))
    judged = [alternatives for alternatives in right if alternatives]
    return GoldCoverage(
        task=task.name, judged=len(judged), absent=sum(not places_of(alternatives) for alternatives in judged)
    )


def _knowledge(name: str, suite: Suite, tasks: Mapping[str, Task]) -> KnowledgeDescription:
    knowledge = suite.knowledge[name]
    passage_set = knowledge.passage_set()
    ((form, parameters),) = written(knowledge).items()
    searching = [
        task
        for task in tasks.values()
        if not task.origin
        and any(request.knowledge == name for own in suite.asked(task.name).values() for request in own.indexes(task))
    ]
    return KnowledgeDescription(
        name=name,
        form=form,
        split=_split_in_words(parameters),
        passages=len(passage_set.passages),
        titled=sum(bool(passage.title) for passage in passage_set.passages),
        merged=passage_set.merged,
        skipped=len(passage_set.skipped),
        lengths=spread_of([len(passage.text) for passage in passage_set.passages]),
        coverage=tuple(coverage_of(knowledge, task) for task in searching),
    )


def _split_in_words(parameters: JSON) -> str:
    split = parameters.get("split") if isinstance(parameters, dict) else None
    by = split.get("by") if isinstance(split, dict) else split
    size = split.get("size") if isinstance(split, dict) else None
    words = {"none": "each entry whole", "headings": "at headings of Markdown", None: "as its form has them"}
    return words.get(by, f"by {by}") + (f", up to {size} tokens" if size else "")


def _first_prompts(suite: Suite, tasks: Mapping[str, Task]) -> Iterator[FirstPrompt]:
    """The first prompt of each cell; of a served model no turn is looked at by its server."""
    with closing(Cache(cache_root() / "calls.sqlite", read_only=True)) as cache:
        context = PromptPreview(suite.models, cache, Display(), suite.seed)
        resources = resources_of(suite, tasks)
        for task in tasks.values():
            for name in suite.asked(task.name) if not task.origin else ():
                prompts, note = context.preview(suite.answering()[name], task, resources)
                if not prompts:
                    yield FirstPrompt(task=task.name, variant=name, model="", prompt=(), note=note or "asks no model")
                for model, prompt in prompts.items():
                    yield FirstPrompt(task=task.name, variant=name, model=model, prompt=prompt, note=note)
