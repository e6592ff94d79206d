"""What differs between two runs besides their answers: the first thing to look at where figures moved."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

from harness.records.derived_names import without_seed
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.records.run_evidence import DifferenceKind, RunDifference, RunEvidence
from harness.regression.identities import identities, variants_using
from harness.regression.recorded_components import counting_settings

Identity = Mapping[str, JSON]
SHORT = 12  # digits of a digest that are shown
PROMPT_PARTS = (
    "prompt",
    "system",
    "language",
    "generation",
    "answer",
)  # of a task, what a model sees and how it is read
SCORED_BY = ("loglikelihood", "first_token")  # kinds of choice
SCORING_COMPONENTS = {"LmEval", "Perplexity"}
YOUNGER = {"language": "zh"}  # what runs of before did not record, because there was nothing else


def differences(before: RunEvidence, after: RunEvidence) -> tuple[RunDifference, ...]:
    """All of them, those that can change figures first. A setting that only one run records counts by its default."""
    left, right = identities(before.record), identities(after.record)
    sides: tuple[Callable[[Identity, Identity], Iterator[RunDifference]], ...] = (
        _prompts, _knowledge, _models, _variants, _metrics, _judges, _seed, _machine,
    )  # fmt: skip
    changes = (*_data(before, after, (left, right)), *(own for compare in sides for own in compare(left, right)))
    scored = {own.variant for side in (before, after) for own in side.scores}
    scored |= {own.variant for side in (before, after) for own in side.summary.results}
    return tuple(replace(own, variants=_scored(own.variants, scored)) for own in changes)


def _scored(variants: Sequence[str], scored: Set[str]) -> tuple[str, ...]:
    """Those that figures name; all where they name none, so that what is touched never reads as everything."""
    return tuple(name for name in variants if name in scored) or tuple(variants)


def _data(before: RunEvidence, after: RunEvidence, sides: tuple[Identity, Identity]) -> Iterator[RunDifference]:
    for task in dict.fromkeys([*sides[0]["data"], *sides[1]["data"]]):
        left, right = (side["data"].get(task) for side in sides)
        items = [{key: own for key, own in side.questions.items() if key[0] == task} for side in (before, after)]
        is_learnt = any(own and own["rows"].get(split) for own in (left, right) for split in ("train", "validation"))
        if left != right or items[0] != items[1]:
            yield RunDifference(
                kind="data",
                name=task,
                before=_data_text(left, len(items[0])),
                after=_data_text(right, len(items[1])),
                tasks=(task,),
                changes_figures=items[0] != items[1] or is_learnt,
            )


def _data_text(own: JSON, items: int) -> str:
    if own is None:
        return ""
    files = [f"{file['path']} {str(file['sha256'])[:SHORT]}" for file in own["files"]]
    return ", ".join([*files, f"n = {items:,}"])


def _prompts(left: Identity, right: Identity) -> Iterator[RunDifference]:
    for task in left["tasks"]:
        if task in right["tasks"]:
            sides = [
                {part: own.get(part, YOUNGER.get(part)) for part in PROMPT_PARTS}
                for own in _both(left, right, "tasks", task)
            ]
            for name, old, new in _changes(sides):
                yield RunDifference(kind="prompt", name=f"{task}: {name}", before=old, after=new, tasks=(task,))


def _knowledge(left: Identity, right: Identity) -> Iterator[RunDifference]:
    for name in dict.fromkeys([*left["knowledge"], *right["knowledge"]]):
        users = _users(left, right, "knowledge", name)
        for part, old, new in _component_changes("knowledge", *_both(left, right, "knowledge", name)):
            yield RunDifference(kind="knowledge", name=_within(name, part), before=old, after=new, variants=users)


def _models(left: Identity, right: Identity) -> Iterator[RunDifference]:
    for name in dict.fromkeys([*left["models"], *right["models"]]):
        old, new = _both(left, right, "models", name)
        if old.get("digest") != new.get("digest"):
            users = tuple(dict.fromkeys((*_users(left, right, "models", name), name, without_seed(name))))
            yield RunDifference(
                kind="model", name=name, before=_model_text(old), after=_model_text(new), variants=users
            )
        elif old.get("scoring") != new.get("scoring") and (tasks := _scored_tasks(left, right)):
            users = tuple(dict.fromkeys((*_users(left, right, "models", name), name, without_seed(name))))
            schemes = [(side.get("scoring") or {}).get("prefixes", "whole prompts") for side in (old, new)]
            sides = [f"{_model_text(new)}, texts scored by: {scheme}" for scheme in schemes]
            yield RunDifference(kind="model", name=name, before=sides[0], after=sides[1], tasks=tasks, variants=users)


def _scored_tasks(left: Identity, right: Identity) -> tuple[str, ...]:
    """The tasks of both runs in which models score texts that are given."""
    answers = {name: own.get("answer") or {} for name, own in left["tasks"].items() if name in right["tasks"]}
    metrics = {name: left["tasks"][name].get("metrics") or {} for name in answers}
    return tuple(
        name
        for name, answer in answers.items()
        if (answer.get("settings") or {}).get("by") in SCORED_BY
        or {answer.get("component"), *(own.get("component") for own in metrics[name].values())} & SCORING_COMPONENTS
    )


def _model_text(own: Identity) -> str:
    return f"{own.get('description', own.get('component', ''))} {str(own.get('digest', ''))[:SHORT]}".strip()


def _variants(left: Identity, right: Identity) -> Iterator[RunDifference]:
    for name in dict.fromkeys([*left["variants"], *right["variants"]]):
        users = tuple(dict.fromkeys((name, without_seed(name), *_users(left, right, "variants", name))))
        for part, old, new in _component_changes("variant", *_both(left, right, "variants", name)):
            yield RunDifference(kind="variant", name=_within(name, part), before=old, after=new, variants=users)


def _metrics(left: Identity, right: Identity) -> Iterator[RunDifference]:
    for task in left["tasks"]:
        old, new = ((side["tasks"].get(task) or {}).get("metrics") or {} for side in (left, right))
        for metric in dict.fromkeys([*old, *new]) if task in right["tasks"] else ():
            for part, *values in _component_changes("metric", old.get(metric, {}), new.get(metric, {})):
                name = _within(str(FigureName(task, metric)), part)
                yield RunDifference(
                    kind="metric", name=name, before=values[0], after=values[1], tasks=(task,), metrics=(metric,)
                )


def _judges(left: Identity, right: Identity) -> Iterator[RunDifference]:
    """A judge that is another model, and one that is asked otherwise; either moves the metrics that ask it only."""
    before, after = (side.get("judge_ids") or {} for side in (left, right))
    figures: dict[str, list[str]] = {}
    for figure in before:
        for name in before[figure]:
            if name in after.get(figure, {}) and before[figure][name] != after[figure][name]:
                figures.setdefault(name, []).append(figure)
    names = dict.fromkeys([*left["judges"], *right["judges"], *figures])
    for name in names:
        old, new = _both(left, right, "judges", name)
        if old.get("digest") != new.get("digest") or name in figures:
            judged = [FigureName.parse(figure) for figure in figures.get(name) or _figures_of(left, right, name)]
            rubric = [_rubrics(side, old.get("digest") == new.get("digest")) for side in (left, right)]
            yield RunDifference(
                kind="judge",
                name=name,
                before=_model_text(old) + rubric[0],
                after=_model_text(new) + rubric[1],
                tasks=tuple(dict.fromkeys(figure.task for figure in judged)),
                metrics=tuple(dict.fromkeys(figure.metric for figure in judged)),
            )


def _rubrics(side: Identity, is_needed: bool) -> str:
    texts = [f"{name} {text.removeprefix('sha256:')[:SHORT]}" for name, text in side["rubrics"].items()]
    return f", {', '.join(texts)}" if texts and is_needed else ""


def _figures_of(left: Identity, right: Identity, judge: str) -> list[str]:
    """The figures that ask a judge, in either run."""
    return list(
        dict.fromkeys(
            figure for side in (left, right) for figure, own in (side.get("judge_ids") or {}).items() if judge in own
        )
    )


def _seed(left: Identity, right: Identity) -> Iterator[RunDifference]:
    if left.get("seed") != right.get("seed"):
        yield RunDifference(kind="seed", name="seed", before=_text(left.get("seed")), after=_text(right.get("seed")))


def _machine(left: Identity, right: Identity) -> Iterator[RunDifference]:
    kinds: tuple[tuple[DifferenceKind, str], ...] = (
        ("package", "packages"), ("hardware", "hardware"), ("harness", "harness"),
    )  # fmt: skip
    for kind, key in kinds:
        sides = [side.get(key, {}) if key != "harness" else {key: side.get(key)} for side in (left, right)]
        for name, old, new in _changes(sides):
            yield RunDifference(kind=kind, name=name, before=old, after=new, changes_figures=False)


def _users(left: Identity, right: Identity, section: str, name: str) -> tuple[str, ...]:
    own = dict.fromkeys([*variants_using(left, section, name), *variants_using(right, section, name)])
    return tuple(dict.fromkeys(variant for user in own for variant in (user, without_seed(user))))


def _both(left: Identity, right: Identity, section: str, name: str) -> tuple[Identity, Identity]:
    return left[section].get(name) or {}, right[section].get(name) or {}


def _within(name: str, part: str) -> str:
    return f"{name}: {part}" if part else name


def _component_changes(kind: str, left: Identity, right: Identity) -> Iterator[tuple[str, str, str]]:
    """What changed in an entry; one that is new, gone or of another kind as a whole."""
    if left.get("component") != right.get("component"):
        yield "", _text(left.get("component")), _text(right.get("component"))
        return
    component = str(left.get("component"))
    yield from _changes([counting_settings(kind, component, own.get("settings") or {}) for own in (left, right)])
    rest = [
        {key: value for key, value in own.items() if key not in ("settings", "component", "uses")}
        for own in (left, right)
    ]
    yield from _changes(rest)


def _changes(sides: Sequence[Identity], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """The values that differ, with their dotted names."""
    left, right = sides
    for key in dict.fromkeys([*left, *right]):
        old, new = left.get(key), right.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes((old, new), f"{prefix}{key}.")
        elif _normal(old) != _normal(new):
            yield f"{prefix}{key}", _text(old), _text(new)


def _normal(value: JSON) -> JSON:
    return list(value) if isinstance(value, tuple) else value


def _text(value: JSON) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(part)}".strip() for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    text = str(value)
    return text[: len("sha256:") + SHORT] if text.startswith("sha256:") else text
