"""How a judge's reply is read: what it says without doubt, or why it cannot be read. Never a guess, never a default."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from harness.judging.asking import wordings
from harness.judging.rubric.criteria import Dimension
from harness.judging.rubric.rubric import Rubric
from harness.judging.rubric.rubric_check import plain_number
from harness.records.inputs import JSON
from harness.text.excerpts import shortened
from harness.text.json_objects import UnreadableError, is_object, last_object
from harness.text.replies import EMPTY, plain, without_reasoning

Verdict = Literal["first", "second", "tie"]
PREFERENCE_FORM = '{"reason": "…", "verdict": "first" | "second" | "tie"}'
_REFUSAL = "this looks like a refusal"


@dataclass(frozen=True, slots=True)
class Scored:
    """A reply about one answer: by dimension a score on the rubric's scale, and the reason given ("" for none)."""

    values: Mapping[str, float]
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Preferred:
    """A reply about two answers, in the order in which they were shown."""

    verdict: Verdict
    reason: str


def read_scores(text: str, rubric: Rubric) -> Scored:
    """The score on every dimension. A rubric of one dimension may also be answered in words, e.g. “评分：85分”.

    Raises UnreadableError for everything else: a dimension without a score, a score off the scale or out of another
    maximum, several different scores, a list, broken JSON, a refusal.
    """
    try:
        return _scores(reply_body(text), rubric)
    except UnreadableError as error:
        raise UnreadableError(f"{error}; expected {score_form(rubric)}") from error


def read_preference(text: str) -> Preferred:
    """Which answer is better. Raises UnreadableError where that is not said, or not without contradiction."""
    try:
        return _preference(reply_body(text))
    except UnreadableError as error:
        raise UnreadableError(f"{error}; expected {PREFERENCE_FORM}") from error


def score_form(rubric: Rubric) -> str:
    """The form of a reply with scores, in one line."""
    kind = "a whole number" if rubric.whole else "a number"
    score = f"{kind} from {plain_number(rubric.low)} to {plain_number(rubric.high)}"
    parts = (f'"{dimension.name}": {{"reason": "…", "score": {score}}}' for dimension in rubric.dimensions)
    return "{" + ", ".join(parts) + "}"


def reply_body(text: str) -> str:
    """A judge's reply without reasoning blocks, unless it is one JSON object as it stands."""
    stripped = text.strip()
    if not stripped:
        raise UnreadableError(EMPTY)
    if is_object(stripped):
        return stripped
    body, reason = without_reasoning(stripped)
    if reason is not None:
        raise UnreadableError(reason)
    return body


# Preferences


def _preference(body: str) -> Preferred:
    fields = last_object(body, ["verdict"])
    if fields is None:
        return Preferred(_verdict_in_words(plain(body)), body)
    value = fields["verdict"]
    verdict = None
    if isinstance(value, str | int):
        verdict = wordings.alternative(plain(str(value)), numbers=True)
    if verdict is None:
        raise UnreadableError(f"the verdict {_excerpt(value)} is none of first, second, tie")
    return Preferred(cast(Verdict, verdict), _reason(fields))


def _verdict_in_words(text: str) -> Verdict:
    if wordings.REFUSAL.match(text):
        raise UnreadableError(_REFUSAL)
    verdicts = wordings.verdicts(text)
    if not verdicts:
        raise UnreadableError("no verdict found")
    if len(verdicts) > 1:
        raise UnreadableError(f"several different verdicts: {', '.join(sorted(verdicts))}")
    return cast(Verdict, verdicts.pop())


# Scores


def _scores(body: str, rubric: Rubric) -> Scored:
    single = len(rubric.dimensions) == 1
    keys = [*(dimension.name for dimension in rubric.dimensions), *(["score"] if single else [])]
    fields = last_object(body, keys)
    if fields is not None:
        return _scored(fields, rubric)
    if not single:
        raise UnreadableError("no JSON object found")
    name = rubric.dimensions[0].name
    return Scored({name: _score_in_words(plain(body), rubric)}, {name: body})


def _scored(fields: Mapping[str, JSON], rubric: Rubric) -> Scored:
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    problems = []
    for dimension in rubric.dimensions:
        try:
            values[dimension.name], reasons[dimension.name] = _entry(fields, dimension, rubric)
        except UnreadableError as error:
            problems.append(str(error))
    if problems:
        raise UnreadableError("; ".join(problems))
    return Scored(values, reasons)


def _entry(fields: Mapping[str, JSON], dimension: Dimension, rubric: Rubric) -> tuple[float, str]:
    """Score and reason of a dimension: nested by its name, or flat where it is the only one."""
    name = dimension.name
    single = len(rubric.dimensions) == 1
    entry = fields.get(name, fields if single else None)
    if name not in fields and not single:
        raise UnreadableError(f"{name} is missing")
    if not isinstance(entry, Mapping):
        return _number(entry, name, rubric), _reason(fields) if single else ""
    if "score" not in entry:
        raise UnreadableError(f"{name} has no score")
    return _number(entry["score"], name, rubric), _reason(entry)


def _reason(fields: Mapping[str, JSON]) -> str:
    reason = fields.get("reason")
    return reason if isinstance(reason, str) else ""


def _number(value: JSON, name: str, rubric: Rubric) -> float:
    """A value of a reply as a score on the scale."""
    if isinstance(value, str):
        written = re.fullmatch(wordings.NUMBER + wordings.OUT_OF + r"\s*分?", plain(value))
        if not written:
            raise UnreadableError(f"{name}: {_excerpt(value)} is not a number")
        return _on_scale(written[1], written[2], name, rubric)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableError(f"{name}: {_excerpt(value)} is not a number")
    return _in_range(value, name, rubric)


def _on_scale(number: str, maximum: str | None, name: str, rubric: Rubric) -> float:
    if maximum is not None and float(maximum) != rubric.high:
        high = plain_number(rubric.high)
        raise UnreadableError(f"{name}: {number} is out of {maximum}, but the scale ends at {high}")
    return _in_range(float(number.replace("−", "-")), name, rubric)


def _in_range(value: float, name: str, rubric: Rubric) -> float:
    low, high = plain_number(rubric.low), plain_number(rubric.high)
    if not low <= value <= high:
        raise UnreadableError(f"{name}: {_excerpt(value)} is outside of the scale, which is {low} to {high}")
    if rubric.whole and value != int(value):
        raise UnreadableError(f"{name}: {value} is not a whole number")
    return float(value)


def _score_in_words(text: str, rubric: Rubric) -> float:
    """The one score that a reply in plain writing states; other figures called a score must agree with it."""
    dimension = rubric.dimensions[0]
    if wordings.REFUSAL.match(text):
        raise UnreadableError(_REFUSAL)
    for pattern in wordings.MAXIMA:
        for maximum in pattern.findall(text):
            _on_scale(maximum, maximum, dimension.name, rubric)
        text = pattern.sub(" ", text)
    text = wordings.DEDUCTION.sub(" ", text)
    stated = {
        _on_scale(number, maximum, dimension.name, rubric)
        for number, maximum in wordings.stated_scores(text, (dimension.name, dimension.title))
    }
    if not stated:
        raise UnreadableError("no score found")
    scores = stated | {float(number) for number in wordings.mentioned_scores(text, rubric.high)}
    if len(scores) > 1:
        raise UnreadableError(f"several different scores: {', '.join(f'{value:g}' for value in sorted(scores))}")
    return stated.pop()


def _excerpt(value: JSON) -> str:
    """A value as the judge wrote it, shortened."""
    whole = isinstance(value, float) and value.is_integer()
    text = json.dumps(int(value) if whole else value, ensure_ascii=False)
    return shortened(text, 40)
