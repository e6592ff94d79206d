"""How a model was trained, in words: its exact recipe, what it learnt from, and what did not fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON
from reports.charts.whiskers import Segment, segments
from reports.facts import numbers
from reports.facts.phrases import counted, listed
from reports.facts.record_text import FactGroup, compact, named_values
from reports.facts.training_stages import TrainingStage

SETTLED = ("learning_rate", "batch_size", "accumulation", "precision", "seed", "devices")  # by the training itself
PARTS = ("weights", "gradients", "optimiser", "activations", "cache", "other")


@dataclass(frozen=True, slots=True)
class RowNotice:
    """What was done to rows; rows left out are worth a warning."""

    text: str
    is_warning: bool


def recipe_groups(stage: TrainingStage) -> tuple[FactGroup, ...]:
    """Method, recipe, memory and circumstances, everything a repetition needs."""
    name, settings = stage.method()
    base = str(stage.record.get("base") or stage.base)
    parameters = tuple((_label(key), _plain(value)) for key, value in settings.items() if value is not None)
    groups = (
        FactGroup("Method", (("method", name), ("base", base), *parameters)),
        FactGroup("Recipe", tuple(_recipe(stage))),
        FactGroup("Memory", tuple(_memory(stage))),
        FactGroup("Hardware", named_values(stage.record.get("hardware"))),
        FactGroup("Packages", named_values(stage.record.get("packages"))),
    )
    return tuple(group for group in groups if group.rows)


def composition_bar(stage: TrainingStage) -> tuple[Segment, ...]:
    """What the rows are made of, as a bar."""
    return segments([(str(part.get("source")), part.get("rows") or 0) for part in stage.composition])


def composition_sentence(stage: TrainingStage) -> str | None:
    """What the rows are made of, as one sentence."""
    parts = [f"{part.get('source')} ({_drawn_rows(part)})" for part in stage.composition]
    if not parts:
        return None
    total = sum(part.get("rows") or 0 for part in stage.composition)
    return f"{counted(total, 'row')}: {listed(parts)}."


def row_notices(stage: TrainingStage) -> tuple[RowNotice, ...]:
    """What became of rows that did not fit, the lost ones first."""
    cutoff = (stage.record.get("recipe") or {}).get("cutoff")
    limit = f"the cutoff of {cutoff:,} tokens" if isinstance(cutoff, int) else "the cutoff"
    texts = (
        ("rows_dropped", f"did not fit {limit} and {{was}} left out: nothing was learnt from {{it}}", True),
        ("rows_cut", f"lost {{its}} oldest turns to fit {limit}", False),
        ("rows_split", "had to be tokenised in two pieces, prompt and answer apart", False),
    )
    singular, plural = {"was": "was", "it": "it", "its": "its"}, {"was": "were", "it": "them", "its": "their"}
    notices = [
        RowNotice(f"{counted(int(number), 'row')} {text.format(**(singular if number == 1 else plural))}.", warns)
        for key, text, warns in texts
        if (number := stage.number(key))
    ]
    fits = stage.record.get("rows_dropped") == 0 and stage.record.get("rows_cut") == 0
    return tuple(notices) or ((RowNotice(f"Every row fits {limit} whole.", False),) if fits else ())


def _drawn_rows(part: Mapping[str, JSON]) -> str:
    rows, total = part.get("rows") or 0, part.get("of")
    if total is None:
        return f"{rows:,}"
    if rows == total:
        return f"all {rows:,}" if rows > 1 else f"{rows:,}"
    return f"{rows:,} of {total:,}" if rows < total else f"{rows:,} drawn from {total:,}, some more than once"


def _recipe(stage: TrainingStage) -> Iterator[tuple[str, str]]:
    """As the suite has it; where the training settled on something else, that, with what was asked for."""
    recipe = {**(stage.record.get("recipe") or {})}
    settled = {key: stage.record.get(key) for key in SETTLED}
    for key, requested in {**settled, **recipe}.items():
        used = settled.get(key)
        if used is None or used == requested:
            if requested is not None:
                yield _label(key), _plain(requested)
        elif requested is None:
            yield _label(key), _plain(used) + (" (the method's own)" if key == "learning_rate" else "")
        else:
            is_single = stage.record.get("devices", 1) == 1  # else a smaller batch may be a device's share
            halved = ", halved when memory ran out" if key == "batch_size" and is_single else ""
            yield _label(key), f"{_plain(used)} ({_plain(requested)} asked for{halved})"


def _memory(stage: TrainingStage) -> Iterator[tuple[str, str]]:
    peak, total = stage.number("peak_memory"), stage.estimated_bytes()
    if peak:
        yield "peak, measured", numbers.memory(peak)
    if total:
        yield "peak, estimated", numbers.memory(total)
        for part in dict.fromkeys((*PARTS, *stage.estimate)):
            if stage.estimate.get(part):
                yield f"of it {part}", numbers.memory(stage.estimate[part])


def _label(key: str) -> str:
    return key.replace("_", " ")


def _plain(value: JSON) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else compact(value)
