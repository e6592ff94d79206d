"""Which requests are timed one at a time: of each variant, questions that it was not asked before, with their keys."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice

from harness.components.component import named, settings
from harness.components.task import Task
from harness.components.variant import Variant
from harness.models.remote.hosted_model import HostedModel
from harness.records.inputs import JSON, Sample
from harness.runtime.context import Context
from harness.runtime.provenance import described, described_entries, described_suite, machine
from harness.runtime.record_files import empty_fields
from harness.stages.plan import planned_cells
from harness.stages.unasked_questions import unasked_questions
from harness.suite.suite import Suite
from harness.text.canonical import digest

VERSION = 1  # raise when a stored time would mean something else


@dataclass(frozen=True, kw_only=True)
class TimedRequests:
    """The requests of one variant that are timed."""

    reported: str  # the variant as figures name it
    variant: str  # as the suite names it: of several seeds the first
    task: Task
    warm_up: Sample  # asked first, and not timed
    questions: Mapping[str, Sample]  # by the keys under which their times are kept


def timed_task(suite: Suite, tasks: Mapping[str, Task]) -> Task | None:
    """The task whose requests are timed: the one that the suite names, else its first that is not general."""
    own = [name for name in suite.tasks if name not in suite.general]
    name = suite.latency.task or next(iter(own), None)
    return None if name is None or not suite.latency.items else tasks[name]


def timed_requests(suite: Suite, tasks: Mapping[str, Task], context: Context) -> list[TimedRequests]:
    """What is timed, in the order that loads each model once. Loads no weights."""
    task = timed_task(suite, tasks)
    if task is None:
        return []
    reported = {suite.expansion.pools.get(name, (name,))[0]: name for name in suite.expansion.reported()}
    firsts = {first: name for first, name in reported.items() if not suite.variants[first].is_foreign}
    questions = _questions_of(suite, task, list(firsts))
    rows = digest([_content(row) for row in (*task.data.train, *task.data.validation)])
    return [
        TimedRequests(
            reported=firsts[cell.variant],
            variant=cell.variant,
            task=task,
            warm_up=questions[cell.variant][0],
            questions=_keyed(suite, task, rows, cell.variant, questions[cell.variant][1:], context),
        )
        for cell in planned_cells(suite, {task.name: task})
        if cell.variant in firsts
    ]


def _questions_of(suite: Suite, task: Task, variants: Sequence[str]) -> dict[str, list[Sample]]:
    """The questions of each variant, that of its warm-up first.

    Each variant that asks a server has its own: those of another could be in the server's prompt cache. All others are
    asked the same.
    """
    examples = [row for variant in suite.variants.values() for row in variant.asked_before(task)]
    stream = unasked_questions(task, examples, suite.seed)
    served = [name for name in variants if _asks_a_server(suite, name)]
    common = list(islice(stream, suite.latency.items + 1))
    if len(common) < 2:
        common = [task.data.test[0], *common]
    blocks = {name: list(islice(stream, suite.latency.items + 1)) for name in served[1:]}
    chosen = {name: own if len(own := blocks.get(name, common)) > 1 else common for name in variants}
    return {name: [_as_in_production(suite, name, sample) for sample in own] for name, own in chosen.items()}


def _as_in_production(suite: Suite, variant: str, sample: Sample) -> Sample:
    """A question without its answer: looking for passages that hold that is no part of a request.

    An upper bound is shown these passages, and has to find them.
    """
    steps = [suite.variants[name] for name in (variant, *named(suite.variants[variant], "variants"))]
    return sample if any(step.is_bound() for step in steps) else replace(sample, targets=())


def _asks_a_server(suite: Suite, variant: str) -> bool:
    return any(isinstance(suite.models[name], HostedModel) for name in suite.usage.models_of[variant])


def _keyed(
    suite: Suite, task: Task, rows: str, variant: str, questions: Sequence[Sample], context: Context
) -> dict[str, Sample]:
    """The questions by the digests of all that determines how long they take; `rows` is that of the task's others."""
    content = {
        "version": VERSION,
        "machine": machine(),
        "seed": suite.seed,
        "task": {key: value for key, value in described_suite(suite, {task.name: task})["tasks"][task.name].items()
                 if key != "metrics"},
        "rows": rows,
        "variant": _described(suite, suite.variants[variant]),
        "models": {name: _model(suite, name, context) for name in suite.usage.models_of[variant]},
        "knowledge": {
            name: entry
            for name, entry in described_entries(suite, "knowledge").items()
            if name in suite.usage.knowledge_of[variant]
        },
    }  # fmt: skip
    base = digest(content)
    return {digest({"requests": base, "question": _content(question)}): question for question in questions}


def _content(sample: Sample) -> dict[str, JSON]:
    left_out = empty_fields(sample)
    return {name: value for name, value in asdict(sample).items() if name not in left_out}


def _described(suite: Suite, variant: Variant) -> JSON:
    steps = {name: described(suite.variants[name]) for name in named(variant, "variants")}
    return {**described(variant), "steps": steps}


def _model(suite: Suite, name: str, context: Context) -> JSON:
    """What a model is, where its server is, and how many calls that is given at once."""
    model = suite.models[name]
    own = {key: value for key, value in settings(model).items() if key != "path"}  # its content is in the digest
    address = model.address if isinstance(model, HostedModel) else ""
    return {"digest": context.model_digest(name), "address": address, "settings": own}
