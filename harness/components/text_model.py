"""What a model that writes text has beside the others: what its replies put around reasoning."""

from pydantic import field_validator

from harness.components.model import Model
from harness.text.reasoning import TagPair


class TextModel(Model):
    """A model that writes text, perhaps with reasoning before its answer."""

    reasoning_tags: tuple[TagPair, ...] = ()
    """Pairs that open and close reasoning, beside the usual ones, e.g. [["<analysis>", "</analysis>"]]."""

    @property
    def own_reasoning_tags(self) -> tuple[TagPair, ...]:
        return self.reasoning_tags

    @field_validator("reasoning_tags")
    @classmethod
    def _check_tags(cls, tags: tuple[TagPair, ...]) -> tuple[TagPair, ...]:
        for opening, closing in tags:
            if not opening.strip() or not closing.strip() or opening.lower() == closing.lower():
                raise ValueError("each pair needs two different texts: what opens the reasoning, and what closes it")
        return tags
