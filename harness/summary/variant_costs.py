"""What each variant takes, before its first request and for each, gathered from the records of a run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.components.component import named
from harness.components.task import Task
from harness.components.variant import Variant
from harness.models.remote.address import is_this_machine
from harness.models.remote.hosted_model import HostedModel
from harness.records.decisions import Approach, Latency, VariantCost
from harness.records.figures import Usage
from harness.records.inputs import JSON, Sample
from harness.records.summary import Summary
from harness.suite.suite import Suite
from harness.summary.charges import charged, members_of, steps_of

TRAIN_ROWS = "train rows of "  # how a training record names the rows of a task


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The records of a run that costs are read from."""

    run: Mapping[str, JSON]  # run.json
    latencies: Mapping[str, Latency]  # by variant as reported
    usage: Mapping[str, Usage]  # of the answered requests of the task whose requests are timed, by variant as reported


def variant_costs(
    suite: Suite,
    tasks: Mapping[str, Task],
    summary: Summary,
    run: Mapping[str, JSON],
    latencies: Sequence[Latency],
    answered: Sequence[Usage],
) -> tuple[VariantCost, ...]:
    """One entry a variant as reported, of several seeds the mean of one; money where the suite states prices.

    Tokens and seconds are those of the task whose requests are timed: the suite's first that is not general.
    `answered` is what the requests took that did not fail, those of all seeds together.
    """
    own = [name for name in suite.tasks if name not in suite.general]
    task = suite.latency.task or next(iter(own), "")
    spending = Spending(
        run=run,
        latencies={latency.variant: latency for latency in latencies if latency.items},
        usage={usage.variant: usage for usage in answered if usage.task == task},
    )
    costs = [_cost(suite, tasks, name, approach, spending) for name, approach in summary.decisions.approaches.items()]
    return charged(suite, costs, [step for step in summary.routed if step.task == task])


def _cost(suite: Suite, tasks: Mapping[str, Task], name: str, approach: Approach, spending: Spending) -> VariantCost:
    first = members_of(suite, name)[0]
    trainings = [_trainings(suite, spending.run, member) for member in members_of(suite, name)]
    peaks = [record.get("peak_memory") for own in trainings for record in own]
    usage, latency = spending.usage.get(name), spending.latencies.get(name)
    steps = steps_of(suite, first)
    learnt, named_rows = _rows_learnt(suite, spending.run, first), _named_rows(suite, first)
    return VariantCost(
        variant=name,
        approach=approach,
        is_local=not _hosted(suite, first),
        labelled_rows=labelled_rows([suite.variants[first], *steps], tasks, learnt, named_rows),
        named_rows=len(named_rows),
        training_seconds=_mean_over([[_seconds(record) for record in own] for own in trainings]),
        training_memory=max((peak for peak in peaks if isinstance(peak, int)), default=None),
        device_seconds=_mean_over(
            [[_seconds(record) * int(record.get("devices") or 1) for record in own] for own in trainings]
        ),
        index_seconds=_index_seconds(steps, tasks, spending.run),
        latency=latency,
        tokens_in=usage.tokens_in / usage.samples if usage else None,
        tokens_out=usage.tokens_out / usage.samples if usage else None,
        seconds=usage.seconds / usage.samples if usage else None,
        memory=latency.peak_memory if latency else None,
        looks_up=all(step.retrieves for step in steps),
    )


# -- what it is made of ---------------------------------------------------------------------------------------------


def _hosted(suite: Suite, variant: str) -> list[str]:
    """The models of a variant that answer on another machine."""
    models = {name: suite.models[name] for name in suite.usage.models_of[variant]}
    return [
        name for name, model in models.items() if isinstance(model, HostedModel) and not is_this_machine(model.address)
    ]


def _requests(step: Variant, tasks: Mapping[str, Task]) -> set[str]:
    """The keys of the indexes that it searches, those of freshness probes aside."""
    return {request.key for task in tasks.values() if not task.origin for request in step.indexes(task)}


def _chain(suite: Suite, variant: str) -> Iterator[str]:
    """The models of a variant, and those that they are made of."""
    for model in suite.usage.models_of[variant]:
        name: str | None = model
        while name is not None:
            yield name
            name = suite.models[name].base_name


# -- before the first request ---------------------------------------------------------------------------------------


def _stages(suite: Suite, run: Mapping[str, JSON], variant: str) -> list[Mapping[str, JSON]]:
    """The trainings behind a variant, each once."""
    training = run.get("training") or {}
    stages = [
        stage
        for name in _chain(suite, variant)
        for stage in (training.get(name) or {}).get("stages") or ()
        if stage.get("record")
    ]
    return list({stage["record"].get("inputs") or id(stage): stage for stage in stages}.values())


def _trainings(suite: Suite, run: Mapping[str, JSON], variant: str) -> list[Mapping[str, JSON]]:
    return [stage["record"] for stage in _stages(suite, run, variant)]


def _seconds(record: Mapping[str, JSON]) -> float:
    return float(record.get("seconds") or 0.0)


def _mean_over(members: Sequence[Sequence[float]]) -> float | None:
    """The mean over the seeds of their sums; None where nothing was trained."""
    sums = [sum(own) for own in members if own]
    return sum(sums) / len(sums) if sums else None


def _rows_learnt(suite: Suite, run: Mapping[str, JSON], variant: str) -> dict[str, int]:
    """How many train rows of each task its models learnt."""
    rows: dict[str, int] = {}
    for stage in _stages(suite, run, variant):
        for part in stage.get("composition") or ():
            source = str(part.get("source"))
            if part.get("kind") == "task" and source.startswith(TRAIN_ROWS):
                task = source.removeprefix(TRAIN_ROWS)
                rows[task] = max(rows.get(task, 0), int(part.get("rows") or 0))
    return rows


def _named_rows(suite: Suite, variant: str) -> list[Sample]:
    """The train rows whose inputs are names of passages that it searches, or that its models were trained to read."""
    asked_as = [name for model in _chain(suite, variant) for name in named(suite.models[model], "variants")]
    bases = dict.fromkeys(base for name in (variant, *asked_as) for base in suite.usage.knowledge_of[name])
    return list({id(row): row for base in bases for row in suite.knowledge[base].learned_rows}.values())


def labelled_rows(
    steps: Sequence[Variant], tasks: Mapping[str, Task], learnt: Mapping[str, int], named_rows: Sequence[Sample] = ()
) -> int:
    """Rows with answers that are needed: of each task the train rows that are learnt or looked at, whichever are more.

    Looked at are rows that are shown, and `named_rows`, the inputs of which are names of passages. All are taken from
    the same split. Validation rows are counted where a variant asks them itself; those that only
    choose a checkpoint are not.
    """
    total = 0
    for name, task in tasks.items():
        if task.origin:
            continue
        needed = {id(row) for step in steps for row in step.labelled_rows(task)}
        needed |= {id(row) for row in task.data.train}.intersection(map(id, named_rows))
        validation = sum(id(row) in needed for row in task.data.validation)
        total += max(learnt.get(name, 0), len(needed) - validation) + validation
    return total


def _index_seconds(steps: Sequence[Variant], tasks: Mapping[str, Task], run: Mapping[str, JSON]) -> float | None:
    """Seconds to build what it searches, as measured the first time; None where that is nothing, or was not timed."""
    built = {entry.get("request"): entry for entry in run.get("indexes") or ()}
    keys = {key for step in steps for key in _requests(step, tasks)}
    if not keys or not keys <= built.keys():
        return None
    return sum(float(built[key].get("first_seconds") or built[key].get("seconds") or 0.0) for key in keys)
