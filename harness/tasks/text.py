"""Free text as an answer: the whole reply, or what follows the last marker of a chain of thought."""

import re

from harness.component import Answer
from harness.tasks.extraction import without_reasoning
from harness.types import Reading, Sample

EMPTY = "the reply is empty"


class Text(Answer):
    """The reply itself, without reasoning blocks; with `after`, what follows the last such marker."""

    after: str | None = None

    def example(self, sample: Sample) -> str:
        """The first target, behind the marker when there is one."""
        return (self.after or "") + sample.targets[0]

    def read(self, sample: Sample, reply: str) -> Reading:
        """The text without the white space around it; a reason when it is empty or the marker is missing."""
        text, reason = without_reasoning(reply)
        if reason is not None:
            return Reading(reason=reason)
        if self.after:
            return _after(self.after, text)
        return Reading(answer=text) if text else Reading(reason=EMPTY)


def _after(marker: str, text: str) -> Reading:
    """What follows the last marker. Colons of both widths are one, and so is any white space."""
    found = list(re.finditer(_pattern(marker), text))
    if not found:
        return Reading(reason=f"the marker “{marker}” is missing" if text else EMPTY)
    answer = text[found[-1].end() :].strip()
    if text[: found[-1].start()].endswith("**"):  # **marker** answer, or **marker answer**
        answer = answer.removeprefix("**").removesuffix("**").strip()
    return Reading(answer=answer) if answer else Reading(reason=f"nothing follows the marker “{marker}”")


def _pattern(marker: str) -> str:
    parts = ("[:：]" if part in ":：" else r"\s*" if part.isspace() else re.escape(part) for part in marker.strip())
    return "".join(parts)
