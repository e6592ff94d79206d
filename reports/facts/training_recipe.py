"""How a model was trained, in words: its exact recipe, what it learnt from, and what did not fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.records.inputs import JSON
from reports.charts.whiskers import Segment, segments
from reports.facts import numbers
from reports.facts.phrases import counted, listed
from reports.facts.record_text import FactGroup, compact, named_values
from reports.facts.source_names import spoken_source
from reports.facts.training_stages import TrainingStage
from reports.wording import say

SETTLED = ("learning_rate", "batch_size", "accumulation", "precision", "seed", "devices")  # by the training itself
PARTS = {  # of the memory that was estimated
    "weights": "training_recipe.weights",
    "gradients": "training_recipe.gradients",
    "optimiser": "training_recipe.optimiser",
    "activations": "training_recipe.activations",
    "cache": "training_recipe.cache",
    "other": "training_recipe.other",
}
NOTICES = (  # what the record counts, what that means, whether it is worth a warning; the worst first
    ("rows_dropped", "training_recipe.rows_dropped", True),
    ("rows_cut", "training_recipe.rows_cut", False),
    ("rows_split", "training_recipe.rows_split", False),
)

LEFT_OUT = ("unreadable", "failed", "cut", "wrong")  # why an answer that another model wrote is not learnt


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
        FactGroup(say("training_recipe.method"), (*_names(name, base), *parameters)),
        FactGroup(say("training_recipe.recipe"), tuple(_recipe(stage))),
        FactGroup(say("training_recipe.memory"), tuple(_memory(stage))),
        FactGroup(say("training_recipe.hardware"), named_values(stage.record.get("hardware"))),
        FactGroup(say("training_recipe.packages"), named_values(stage.record.get("packages"))),
    )
    return tuple(group for group in groups if group.rows)


def _names(method: str, base: str) -> tuple[tuple[str, str], ...]:
    return (say("training_recipe.method_name"), method), (say("training_recipe.base"), base)


def composition_bar(stage: TrainingStage) -> tuple[Segment, ...]:
    """What the rows are made of, as a bar."""
    return segments([(spoken_source(str(part.get("source"))), part.get("rows") or 0) for part in stage.composition])


def composition_sentence(stage: TrainingStage) -> str | None:
    """What the rows are made of, as one sentence."""
    parts = [
        say("training_recipe.part", source=spoken_source(str(part.get("source"))), drawn=_drawn_rows(part))
        for part in stage.composition
    ]
    if not parts:
        return None
    total = sum(part.get("rows") or 0 for part in stage.composition)
    return say("training_recipe.composition", rows=counted(total, "row"), parts=listed(parts))


def row_notices(stage: TrainingStage) -> tuple[RowNotice, ...]:
    """What became of rows that did not fit, the lost ones first."""
    cutoff = (stage.record.get("recipe") or {}).get("cutoff")
    is_known = isinstance(cutoff, int)
    limit = say("training_recipe.cutoff_tokens", tokens=f"{cutoff:,}") if is_known else say("training_recipe.cutoff")
    notices = [
        RowNotice(say(sentence, n=number, rows=counted(int(number), "row"), limit=limit), is_warning)
        for key, sentence, is_warning in NOTICES
        if (number := stage.number(key))
    ]
    fits = stage.record.get("rows_dropped") == 0 and stage.record.get("rows_cut") == 0
    return tuple(notices) or ((RowNotice(say("training_recipe.rows_fit", limit=limit), False),) if fits else ())


def answer_notices(stage: TrainingStage) -> tuple[RowNotice, ...]:
    """Of each source whose answers another model wrote: how many were asked, used, right, and why others were not."""
    notices = []
    for part in stage.composition:
        answers = part.get("answers") or {}
        used = answers.get("used") or 0
        if not used:
            continue
        key = "training_recipe.answers_as" if answers.get("as") else "training_recipe.answers"
        text = say(
            key,
            model=str(answers.get("from")),
            variant=str(answers.get("as")),
            source=spoken_source(str(part.get("source"))),
            asked=f"{answers.get('asked') or 0:,}",
            used=f"{used:,}",
            right=f"{100 * (answers.get('right') or 0) / used:.0f}",
        )
        left_out = [
            say(f"training_recipe.answers_{reason}", count=f"{answers[reason]:,}")
            for reason in LEFT_OUT
            if answers.get(reason)
        ]
        notices.append(RowNotice(text, False))
        if left_out:
            notices.append(RowNotice(say("training_recipe.answers_left_out", reasons=listed(left_out)), False))
    return tuple(notices)


def prompt_notices(stage: TrainingStage) -> tuple[RowNotice, ...]:
    """Of each source that is learnt as a variant asks for it with passages: how many rows saw which."""
    return tuple(
        RowNotice(
            say(
                "training_recipe.passages",
                source=spoken_source(str(part.get("source"))),
                right=f"{part['with_gold']:,}",
                none=f"{part.get('without_passages') or 0:,}",
            ),
            False,
        )
        for part in stage.composition
        if isinstance(part.get("with_gold"), int)
    )


def _drawn_rows(part: Mapping[str, JSON]) -> str:
    rows, total = part.get("rows") or 0, part.get("of")
    if total is None:
        return f"{rows:,}"
    if rows == total:
        return say("training_recipe.all_rows", rows=f"{rows:,}") if rows > 1 else f"{rows:,}"
    key = "training_recipe.some_rows" if rows < total else "training_recipe.repeated_rows"
    return say(key, rows=f"{rows:,}", total=f"{total:,}")


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
            is_own = key == "learning_rate"
            yield _label(key), say("training_recipe.own_rate", value=_plain(used)) if is_own else _plain(used)
        else:
            is_single = stage.record.get("devices", 1) == 1  # else a smaller batch may be a device's share
            is_halved = key == "batch_size" and is_single
            sentence = "training_recipe.halved" if is_halved else "training_recipe.requested"
            yield _label(key), say(sentence, value=_plain(used), requested=_plain(requested))


def _memory(stage: TrainingStage) -> Iterator[tuple[str, str]]:
    peak, total = stage.number("peak_memory"), stage.estimated_bytes()
    if peak:
        yield say("training_recipe.peak_measured"), numbers.memory(peak)
    if total:
        yield say("training_recipe.peak_estimated"), numbers.memory(total)
        for part in dict.fromkeys((*PARTS, *stage.estimate)):
            if stage.estimate.get(part):
                name = say(PARTS[part]) if part in PARTS else part
                yield say("training_recipe.part_of_peak", part=name), numbers.memory(stage.estimate[part])


def _label(key: str) -> str:
    return key.replace("_", " ")


def _plain(value: JSON) -> str:
    if isinstance(value, bool):
        return say("training_recipe.yes" if value else "training_recipe.no")
    return f"{value:g}" if isinstance(value, float) else compact(value)
