"""Free text as an answer: the whole reply, or what follows the last marker of a chain of thought."""

from pydantic import Field

from harness.components.answer import Answer
from harness.records.inputs import Sample
from harness.records.outputs import Reading
from harness.text.normalise import visible
from harness.text.replies import EMPTY, after_marker, without_reasoning


class Text(Answer):
    """The reply itself, without reasoning blocks; with `after`, what follows the last such marker."""

    after: str | None = Field(None, pattern=r"\S")
    """The answer is what follows the last such marker; null: the whole reply."""

    @property
    def marker(self) -> str | None:
        return self.after

    def example(self, sample: Sample) -> str:
        """The first target, behind the marker when there is one."""
        return (self.after or "") + sample.targets[0]

    def read(self, sample: Sample, reply: str) -> Reading:
        """The text without the white space around it; a reason when it is empty or the marker is missing."""
        text, reason = without_reasoning(reply)
        if reason is None and self.after:
            text, reason = after_marker(text, self.after)
        if reason is None and not visible(text).strip():
            reason = EMPTY
        return Reading(answer=text) if reason is None else Reading(reason=reason)
