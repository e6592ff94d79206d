"""Long texts become passages: how an entry is cut, as a suite states it."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.errors import nearest
from harness.records.inputs import JSON

if TYPE_CHECKING:
    from baselines.knowledge.parsing.text_spans import Span

By = Literal["none", "headings", "paragraph", "sentence", "tokens"]

_WHOLE = ("none", "headings")  # what stands under a heading, or in a text without any, is one passage
_DEFAULT_SIZE = 200  # of by: tokens; about a paragraph, and within the window of every usual embedding model


class Splitting(BaseModel):
    """How an entry is cut into passages.

    Markdown is first cut at its headings, which become titles, unless by: none takes each document whole; by: headings
    cuts nowhere else, and text without headings not at all.

    A token is one CJK character, or one run of other letters and digits, or one mark: no model's tokenizer is needed.
    Given a size, neighbouring sentences or paragraphs are joined while they have at most so many tokens, and a longer
    one is cut: a paragraph between sentences, a sentence between tokens. Without, each is a passage of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: By = "none"
    """Where entries are cut; none: each entry is one passage."""
    size: int | None = Field(default=None, ge=1)
    """Most tokens of a passage, up to which pieces are joined; null: 200 by tokens, else each piece is a passage."""
    overlap: int = Field(default=0, ge=0)
    """Tokens of a passage that the next one repeats, in whole sentences or paragraphs."""

    @model_validator(mode="after")
    def _sizes_fit(self) -> "Splitting":
        if self.by in _WHOLE and (self.size is not None or self.overlap):
            raise ValueError("split: size and overlap need by: tokens, sentence or paragraph")
        limit = self.limit
        if self.overlap and limit is None:
            raise ValueError(f"split: overlap needs a size when the text is split by {self.by}")
        if limit is not None and self.overlap >= limit:
            raise ValueError(f"split: overlap must be less than size ({limit})")
        return self

    @property
    def limit(self) -> int | None:
        """The most tokens of a piece; None where pieces are as long as they are."""
        return _DEFAULT_SIZE if self.by == "tokens" and self.size is None else self.size

    def pieces(self, text: str) -> list[str]:
        """The passages of a text, stripped, in order. Without overlap they are the text up to white space."""
        if self.by in _WHOLE:
            return [text.strip()] if text.strip() else []
        return [piece for begin, end in self._spans(text) if (piece := text[begin:end].strip())]

    def _spans(self, text: str) -> "Iterable[Span]":
        from baselines.knowledge.parsing.text_spans import joined_spans, token_spans, whole_spans

        if self.limit is None:
            return whole_spans(text, self.by == "paragraph")
        if self.by == "tokens":
            return token_spans(text, self.limit, self.overlap)
        return joined_spans(text, self.by == "paragraph", self.limit, self.overlap)


def short_form(kind: type[BaseModel], value: JSON) -> JSON:
    """`sentence` for `{by: sentence}`. Raises ValueError for an unknown option."""
    if isinstance(value, str):
        return {"by": value}
    for name in value if isinstance(value, Mapping) else ():
        if name not in kind.model_fields:
            raise ValueError(f"{name} is not one of its options ({nearest(str(name), kind.model_fields)})")
    return value


def _split_of(value: Any) -> Any:
    return short_form(Splitting, value)


SplitOption = Annotated[Splitting, BeforeValidator(_split_of, json_schema_input_type=By | Splitting)]
