"""Whether what another tool calls the right answer is what a task has: written as a text, a letter or a number."""

import json

from harness.records.inputs import JSON, Sample
from harness.text.normalise import normalise
from harness.text.templates import LETTERS


def is_label_of(label: str, sample: Sample) -> bool:
    """Whether a label is one of a sample's targets; of a choice also the option's text, or its number from 0."""
    accepted = [*sample.targets]
    for place, option in enumerate(sample.options):
        if LETTERS[place] in sample.targets:
            accepted += [option, str(place)]
    plain_label = normalise(label)
    return any(normalise(text) == plain_label for text in accepted) or _parsed(label) in [
        _parsed(own) for own in accepted
    ]


def _parsed(text: str) -> JSON:
    """Of JSON its value, so that spaces and escapes make no difference; else the text itself."""
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else text
    except ValueError:
        return text
