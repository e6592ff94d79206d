"""How a model was trained, in words: its exact recipe, what it learnt from, and what did not fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON
from reports.facts import numbers
from reports.facts.stages import Stage, count, named_settings
from reports.facts.wording import counted, listed
from reports.sections.provenance import compact, flat

SETTLED = ("learning_rate", "batch_size", "accumulation", "precision", "seed", "devices")  # by the training itself
PARTS = ("weights", "gradients", "optimiser", "activations", "cache", "other")


@dataclass(frozen=True, slots=True)
class Share:
    """One source of the rows, as words and as a part of the bar."""

    source: str
    told: str  # e.g. "200 of 52,000"
    share: str
    place: int  # its number in the bar, from 1
    start: float  # percent of the bar's width
    width: float


@dataclass(frozen=True, slots=True)
class Notice:
    """What was done to rows; left out is worth a warning."""

    text: str
    is_warning: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Named facts under one heading."""

    title: str
    rows: tuple[tuple[str, str], ...]


def groups(stage: Stage) -> tuple[Group, ...]:
    """Method, recipe, memory and circumstances, everything a repetition needs."""
    name, settings = named_settings(stage)
    chosen = (("method", name), ("base", str(stage.record.get("base") or stage.base)), *_facts(settings))
    found = (
        Group("Method", chosen),
        Group("Recipe", tuple(_recipe(stage))),
        Group("Memory", tuple(_memory(stage))),
        Group("Hardware", flat(stage.record.get("hardware"))),
        Group("Packages", flat(stage.record.get("packages"))),
    )
    return tuple(group for group in found if group.rows)


def composition(stage: Stage) -> tuple[Share, ...]:
    """What the rows are made of."""
    total = sum(part.get("rows") or 0 for part in stage.composition) or 1
    found, start = [], 0.0
    for place, part in enumerate(stage.composition, 1):
        width = 100 * (part.get("rows") or 0) / total
        told = _drawn(part)
        found.append(
            Share(str(part.get("source")), told, f"{width:.1f} %", place, round(start, 2), round(width, 2))
        )  # fmt: skip
        start += width
    return tuple(found)


def sentence(stage: Stage) -> str | None:
    """The same as one sentence."""
    parts = [f"{part.get('source')} ({_drawn(part)})" for part in stage.composition]
    if not parts:
        return None
    total = sum(part.get("rows") or 0 for part in stage.composition)
    return f"{counted(total, 'row')}: {listed(parts)}."


def notices(stage: Stage) -> tuple[Notice, ...]:
    """What became of rows that did not fit, the lost ones first."""
    cutoff = (stage.record.get("recipe") or {}).get("cutoff")
    limit = f"the cutoff of {cutoff:,} tokens" if isinstance(cutoff, int) else "the cutoff"
    said = (
        ("rows_dropped", f"did not fit {limit} and {{was}} left out: nothing was learnt from {{it}}", True),
        ("rows_cut", f"lost {{its}} oldest turns to fit {limit}", False),
        ("rows_split", "had to be tokenised in two pieces, prompt and answer apart", False),
    )
    words = {True: {"was": "was", "it": "it", "its": "its"}, False: {"was": "were", "it": "them", "its": "their"}}
    found = [
        Notice(f"{counted(int(number), 'row')} {text.format(**words[number == 1])}.", warns)
        for key, text, warns in said
        if (number := count(stage, key))
    ]
    whole = stage.record.get("rows_dropped") == 0 and stage.record.get("rows_cut") == 0
    return tuple(found) or ((Notice(f"Every row fits {limit} whole.", False),) if whole else ())


def _drawn(part: Mapping[str, JSON]) -> str:
    rows, of = part.get("rows") or 0, part.get("of")
    if of is None:
        return f"{rows:,}"
    if rows == of:
        return f"all {rows:,}" if rows > 1 else f"{rows:,}"
    return f"{rows:,} of {of:,}" if rows < of else f"{rows:,} drawn from {of:,}, some more than once"


def _recipe(stage: Stage) -> Iterator[tuple[str, str]]:
    """As the suite has it; where the training settled on something else, that, with what was asked for."""
    recipe = {**(stage.record.get("recipe") or {})}
    settled = {key: stage.record.get(key) for key in SETTLED}
    for key, asked in {**settled, **recipe}.items():
        used = settled.get(key)
        if used is None or used == asked:
            if asked is not None:
                yield _named(key), _plain(asked)
        elif asked is None:
            yield _named(key), _plain(used) + (" (the method's own)" if key == "learning_rate" else "")
        else:
            alone = stage.record.get("devices", 1) == 1  # else a smaller batch may be a device's share
            halved = ", halved when memory ran out" if key == "batch_size" and alone else ""
            yield _named(key), f"{_plain(used)} ({_plain(asked)} asked for{halved})"


def _memory(stage: Stage) -> Iterator[tuple[str, str]]:
    peak, total = count(stage, "peak_memory"), estimated(stage)
    if peak:
        yield "peak, measured", numbers.memory(peak)
    if total:
        yield "peak, estimated", numbers.memory(total)
        for part in dict.fromkeys((*PARTS, *stage.estimate)):
            if stage.estimate.get(part):
                yield f"of it {part}", numbers.memory(stage.estimate[part])


def estimated(stage: Stage) -> float:
    """Bytes, all parts together; 0 where nothing was estimated."""
    return float(sum(value for value in stage.estimate.values() if isinstance(value, int | float)))


def _facts(settings: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    return tuple((_named(key), _plain(value)) for key, value in settings.items() if value is not None)


def _named(key: str) -> str:
    return key.replace("_", " ")


def _plain(value: JSON) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else compact(value)
