"""Judges of a known character, as answers of a script."""

import json
import random
import re
import threading
from collections.abc import Mapping
from typing import Any

from tests.shared.engines import Answer, Body


def filled(schema: Mapping[str, Any], share: float, choice: str) -> Any:
    """A value of a JSON schema: numbers at `share` of their range, `choice` where it is offered, else the first."""
    if "enum" in schema:
        return choice if choice in schema["enum"] else schema["enum"][0]
    if schema.get("type") == "object":
        return {name: filled(part, share, choice) for name, part in schema["properties"].items()}
    if schema.get("type") in ("integer", "number"):
        value = schema["minimum"] + share * (schema["maximum"] - schema["minimum"])
        return round(value) if schema["type"] == "integer" else value
    return "because"


def steady(share: float = 0.8, choice: str = "first") -> Answer:
    """Always the same score and the same verdict, as the schema wants them; "first" flips with the order."""
    return lambda body: json.dumps(filled(body["format"], share, choice))


def noisy(spread: float) -> Answer:
    """Scores around the middle of the range, by the seed: one of another repeat is another one."""

    def answer(body: Body) -> str:
        away = random.Random(body["options"]["seed"]).uniform(-spread, spread)
        return json.dumps(filled(body["format"], 0.5 + away, "tie"))

    return answer


def preferring(mark: str) -> Answer:
    """The answer that holds the mark wins, wherever it stands; both or none is a tie. Reads our rubrics' fences."""

    def answer(body: Body) -> str:
        asked = body["messages"][-1]["content"]
        fenced = dict(re.findall(r"<(first|second)-\w+>\n(.*?)\n</\1-\w+>", asked, re.DOTALL))
        holding = [side for side, text in fenced.items() if mark in text]
        return json.dumps(filled(body["format"], 0.5, holding[0] if len(holding) == 1 else "tie"))

    return answer


def refusing(body: Body) -> str:
    """Prose that holds no verdict, whatever the schema says: some models do not keep to it."""
    return "抱歉，我不能评价医疗内容。I cannot judge medical content."


def of_another_form(body: Body) -> str:
    """JSON, but not what was asked for."""
    return '{"rating": "good", "comments": ["clear", "short"]}'


def in_turn(*answers: Answer) -> Answer:
    """One answer after the other; the last one stays."""
    left = list(answers)
    lock = threading.Lock()

    def answer(body: Body) -> str:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        return now(body)

    return answer
