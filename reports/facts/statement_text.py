"""Statements of the record as sentences: their values are written as the report writes such figures everywhere."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from harness.records.decisions import Statement
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.records.summary import Summary
from reports.facts import cost_texts, numbers
from reports.facts.judge_doubts import spoken_demotions
from reports.facts.metric_columns import metric_info
from reports.facts.phrases import listed, shortened
from reports.wording import say, say_markup

NAMES = ("variant", "rival", "floor", "bound", "variants", "rivals", "others")  # values that name variants
MOST_NAMES = 8  # in one sentence
MOST_STATEMENTS = 12  # below one heading, before any figure


def sentence(statement: Statement, summary: Summary) -> str:
    """A statement in the language that is spoken; one of another version as it was recorded."""
    try:
        return exact_sentence(statement, summary)
    except KeyError:
        return _as_recorded(statement, _texts(statement, summary))


def exact_sentence(statement: Statement, summary: Summary) -> str:
    """A statement in the language that is spoken. Raises KeyError where the catalogue has no sentence for it."""
    return say(statement.key, **_counts(statement), **_texts(statement, summary))


def _texts(statement: Statement, summary: Summary) -> dict[str, str]:
    return {name: _text(value, summary) for name, value in _values(statement, summary).items() if name != "n"}


def marked_sentence(statement: Statement, summary: Summary) -> Markup:
    """The same with the variants that it names emphasised. Every value is escaped."""
    values = _counts(statement)
    for name, value in _values(statement, summary).items():
        if name == "n":
            continue
        text = _text(value, summary)
        values[name] = _emphasised(text, isinstance(value, str)) if name in NAMES else escape(text)
    try:
        return say_markup(statement.key, **values)
    except KeyError:
        return escape(sentence(statement, summary))


def _as_recorded(statement: Statement, values: Mapping[str, JSON]) -> str:
    """A statement of another version, for which the catalogue has no sentence: its name and its values."""
    name = statement.key.partition(".")[2].replace("_", " ")
    return " ".join([name, *(f"({field}: {value})" for field, value in values.items())])


def first_ones(statements: Sequence[Statement]) -> Sequence[Statement]:
    """As many as are read before the figures, and how many more there are."""
    if len(statements) <= MOST_STATEMENTS:
        return statements
    further = len(statements) - MOST_STATEMENTS + 1
    rest = Statement("decision.further", {"n": further, "count": f"{further:,}"})
    return [*statements[: MOST_STATEMENTS - 1], rest]


def _values(statement: Statement, summary: Summary) -> Mapping[str, JSON]:
    """Its values; why a figure may not decide is stored as a text, and said in the language that is spoken."""
    if statement.key != "decision.demoted" or "figure" not in statement.values:
        return statement.values
    reason = spoken_demotions(summary.judging).get(str(statement.values["figure"]))
    return statement.values if reason is None else {**statement.values, "reason": reason}


def _counts(statement: Statement) -> dict[str, JSON]:
    """The count that chooses between one and several, as the number that it is."""
    return {"n": statement.values["n"]} if "n" in statement.values else {}


def _emphasised(text: str, is_single: bool) -> Markup:
    """One or several names; a single one that is too long for a sentence is shortened."""
    if is_single and shortened(text) != text:
        return Markup('<b class="name" title="{}">{}</b>').format(text, shortened(text))
    return Markup('<b class="name">{}</b>').format(text)


def _text(value: JSON, summary: Summary) -> str:
    if isinstance(value, Mapping):
        if "key" in value:
            return sentence(Statement(value["key"], value["values"]), summary)
        return _quantity(value, summary)
    if isinstance(value, list | tuple):
        if len(value) > MOST_NAMES and all(isinstance(entry, str) for entry in value):
            further = len(value) - MOST_NAMES + 1
            others = say("decision.others", n=further, count=f"{further:,}")
            return listed([*map(str, value[: MOST_NAMES - 1]), others])
        return listed(_text(entry, summary) for entry in value)
    return numbers.plain_number(value) if isinstance(value, int | float) else str(value)


def _quantity(quantity: Mapping[str, JSON], summary: Summary) -> str:
    """A value with its unit, e.g. {"unit": "points", "value": 0.062, "figure": "norm.accuracy"} → "6.2 points"."""
    value, unit = quantity["value"], quantity["unit"]
    if unit in ("points", "figure"):
        name = FigureName.parse(quantity["figure"])
        info = metric_info(summary, name.task, name.full_metric)
        return numbers.points(value, info) if unit == "points" else numbers.with_unit(value, info)
    if unit == "items":
        return numbers.item_range(value)
    if unit == "share":
        return numbers.share(value)
    if unit == "seconds":
        return cost_texts.request_time(value)
    if unit == "duration":
        return numbers.duration(value)
    if unit == "tokens":
        return say("nouns.token", n=round(value), count=f"{value:,.0f}")
    return numbers.money(value, quantity["currency"])
