"""What each variant takes, before its first request and for each, gathered from the records of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.components.component import named
from harness.components.task import Task
from harness.components.variant import Variant
from harness.models.remote.address import is_this_machine
from harness.models.remote.hosted_model import HostedModel
from harness.records.decisions import Approach, Latency, Teaching, VariantCost
from harness.records.figures import Usage
from harness.records.inputs import JSON, Sample
from harness.records.summary import Summary
from harness.suite.suite import Suite
from harness.summary.charges import charged, members_of, steps_of

TRAIN_ROWS = "train rows of "  # how a training record names the rows of a task
ASKED_AS = ", asked as "  # and the variant in whose way they are asked


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
    if approach == "made elsewhere":
        return VariantCost(variant=name, approach=approach, is_local=None)
    steps, search = steps_of(suite, first), _search(suite, spending.run, name)
    learnt, named_rows = _rows_learnt(suite, spending.run, first), _named_rows(suite, first)
    showing = [suite.variants[first], *steps, *_asked_while_learning(suite, first)]
    return VariantCost(
        variant=name,
        approach=approach,
        is_local=not _hosted(suite, first),
        labelled_rows=labelled_rows(showing, tasks, learnt, named_rows),
        named_rows=len(named_rows),
        teaching=_teaching(suite, spending.run, first),
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
        search_calls=search.get("calls"),
        search_tokens_in=search.get("tokens_in"),
        search_tokens_out=search.get("tokens_out"),
        search_seconds=search.get("seconds"),
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


def _chain(suite: Suite, variant: str) -> list[str]:
    """The models of a variant, and those that they are made of or have learnt the answers of."""
    names = list(suite.usage.models_of[variant])
    for name in names:
        names += [needed for needed in named(suite.models[name], "models") if needed not in names]
    return names


def _asked_while_learning(suite: Suite, variant: str) -> list[Variant]:
    """The variants in whose way rows were asked while its models were trained."""
    return [suite.variants[name] for model in _chain(suite, variant) for name in named(suite.models[model], "variants")]


def _search(suite: Suite, run: Mapping[str, JSON], name: str) -> dict[str, float]:
    """What choosing the settings took, of several seeds on average; empty where nothing was searched for."""
    searches = run.get("searches") or ()
    members = members_of(suite, name)
    own = [record for record in searches for member in members if record["variant"] in _searchers(suite, member)]
    if not own:
        return {}
    parts = ("calls", "tokens_in", "tokens_out", "seconds")
    return {part: sum(float(record[part]) for record in own) / len(members) for part in parts}


def _searchers(suite: Suite, variant: str) -> set[str]:
    """The variants that may have searched for it: itself, its steps, and those that its models learn to answer."""
    learnt = (name for model in _chain(suite, variant) for name in named(suite.models[model], "variants"))
    return {variant, *named(suite.variants[variant], "variants"), *learnt}


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
    """Their records, the time of a search for their settings as part of each one's."""
    return [
        {**stage["record"], "seconds": _seconds(stage["record"]) + _seconds(stage.get("search") or {})}
        for stage in _stages(suite, run, variant)
    ]


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
                task = source.removeprefix(TRAIN_ROWS).partition(ASKED_AS)[0]
                rows[task] = max(rows.get(task, 0), _labels_of(part))
    return rows


def _named_rows(suite: Suite, variant: str) -> list[Sample]:
    """The train rows whose inputs are names of passages that it searches, or that its models were trained to read."""
    asked_as = [name for model in _chain(suite, variant) for name in named(suite.models[model], "variants")]
    bases = dict.fromkeys(base for name in (variant, *asked_as) for base in suite.usage.knowledge_of[name])
    return list({id(row): row for base in bases for row in suite.knowledge[base].learned_rows}.values())


def _labels_of(part: Mapping[str, JSON]) -> int:
    """Rows of a source whose targets a training needed: none where a model wrote the answers and all were kept."""
    answers = part.get("answers")
    if answers is None:
        return int(part.get("rows") or 0)
    return int(answers.get("asked") or 0) if answers.get("keep") == "right" else 0


def _teaching(suite: Suite, run: Mapping[str, JSON], variant: str) -> tuple[Teaching, ...]:
    """What it took to have answers written for its models. The same rows are asked once for all trainings."""
    parts = [part for stage in _stages(suite, run, variant) for part in stage.get("composition") or ()]
    written: dict[tuple[JSON, ...], Mapping[str, JSON]] = {}
    for part in parts:
        answers = part.get("answers")
        key = (answers.get("from"), answers.get("as"), answers.get("task")) if answers else ()
        if answers and (answers.get("calls") or 0) > (written.get(key, {}).get("calls") or 0):
            written[key] = answers
    return tuple(
        Teaching(
            model=model,
            calls=sum(own["calls"] for own in written.values() if own["from"] == model),
            tokens_in=sum(own.get("tokens_in") or 0 for own in written.values() if own["from"] == model),
            tokens_out=sum(own.get("tokens_out") or 0 for own in written.values() if own["from"] == model),
            seconds=sum(own.get("seconds") or 0.0 for own in written.values() if own["from"] == model),
        )
        for model in dict.fromkeys(str(own["from"]) for own in written.values())
    )


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
