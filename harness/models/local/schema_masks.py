"""Replies held to a JSON schema while they are written: of each next token, only those that the schema allows."""

import importlib.util
import json
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.errors import ModelError
from harness.models.local.answer_limits import BoundedReply
from harness.models.local.failures import failure
from harness.models.local.written_row import WrittenRow
from harness.records.inputs import JSON
from harness.records.outputs import Completion

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLMatcher, LLTokenizer
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]  # of the vocabulary: the tokens that may come next

PACKAGE = "llguidance"
# One line, as worked examples are written: in white space that may have any length small models lose themselves.
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_LEADING = "start: LEADING? reply\nLEADING: /[ \\n]{1,2}/\nreply: %json "


class SchemaConstraint:
    """Holds replies of one model to schemas. Made once: reading a tokenizer takes the library up to a second."""

    def __init__(self, tokenizer: Any, ends: Collection[int], openings: Sequence[Sequence[int]]) -> None:
        """`openings` are the tokens of what may open a block of reasoning in place of the answer.

        Raises ModelError for a tokenizer that the library cannot read.
        """
        if (problem := self.problem()) is not None:
            raise ModelError(f"constrained: the model {problem}")
        from llguidance.hf import from_tokenizer

        self.ends, self.openings = frozenset(ends), openings
        try:
            self.tokenizer: LLTokenizer = from_tokenizer(tokenizer, eos_token=sorted(ends))
        except (ValueError, RuntimeError, AttributeError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"constrained: {PACKAGE} cannot read this model's tokenizer: {reason}") from error

    @staticmethod
    def problem() -> str | None:
        """What a model lacks for it, where the library is not installed."""
        if importlib.util.find_spec(PACKAGE) is not None:
            return None
        return f"needs the package {PACKAGE} for it: pip install 'domain-harness[local]'"

    @staticmethod
    def identity() -> dict[str, JSON]:
        """What determines which tokens a schema allows, besides schema and tokenizer."""
        installed = None if SchemaConstraint.problem() else version(PACKAGE)
        return {PACKAGE: installed, "layout": _LEADING + json.dumps(_LAYOUT)}

    def masks(self, schema: Mapping[str, JSON], replies: Sequence[BoundedReply]) -> "SchemaMasks":
        """What holds the replies of a batch to a schema. Raises ModelError for one that a reply cannot be held to."""
        from llguidance import LLMatcher

        grammar = _LEADING + json.dumps({**schema, "x-guidance": _LAYOUT}, ensure_ascii=False)
        matcher = LLMatcher(self.tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0)
        if matcher.is_error():
            reason = " ".join(matcher.get_error().split())
            raise ModelError(f"constrained: {PACKAGE} cannot hold a reply to this JSON schema: {reason}")
        return SchemaMasks([ConstrainedReply(reply, self, matcher.deep_copy()) for reply in replies])


class ConstrainedReply:
    """One reply while it is written: what may come next. Reasoning before the answer is free."""

    def __init__(self, reply: BoundedReply, constraint: SchemaConstraint, matcher: "LLMatcher") -> None:
        self.reply, self.matcher = reply, matcher
        self._openings, self._tokenizer = constraint.openings, constraint.tokenizer
        self._place: int | None = None  # of the token that the matcher reads next; None: not at the answer yet

    @property
    def error(self) -> str | None:
        """Why the library gave the reply up."""
        return " ".join(self.matcher.get_error().split()) if self.matcher.is_error() else None

    def allowed(self, tokens: Sequence[int]) -> "Mask | None":
        """The tokens that may follow those so far; None where any may."""
        if self.reply.start is None or self.reply.length is not None or self.error is not None:
            return None
        opening = self._continued_openings(tokens)
        if not (opening and tokens):
            self._read(tokens, self.reply.start)
        return None if self.error is not None else self._mask(opening, is_answer=not (opening and tokens))

    def _continued_openings(self, tokens: Sequence[int]) -> list[int]:
        """What would go on with a block's opening, where the reply is nothing but the beginning of one."""
        if self._place is not None:
            return []
        length = len(tokens)
        return [row[length] for row in self._openings if length < len(row) and list(row[:length]) == list(tokens)]

    def _read(self, tokens: Sequence[int], start: int) -> None:
        if not tokens:
            return
        if self._place is None:
            self._read_rest_of_token(tokens[:start])
            self._place = start
        self.matcher.consume_tokens(list(tokens[self._place :]))
        self._place = len(tokens)

    def _read_rest_of_token(self, reasoning: Sequence[int]) -> None:
        """Take what the token that ended the reasoning holds of the answer, if an answer can begin so."""
        text = self.reply.decode(reasoning)
        start = self.reply.limits.answer_start(self.reply.opened, text)
        pieces = self._tokenizer.tokenize_str("" if start is None else text[start:].strip())
        if pieces and self.matcher.validate_tokens(pieces) == len(pieces):
            self.matcher.consume_tokens(pieces)

    def _mask(self, opening: Sequence[int], is_answer: bool) -> "Mask":
        import numpy as np

        mask: Mask = np.zeros(self._tokenizer.vocab_size, dtype=np.bool_)
        if is_answer:
            bits = np.frombuffer(self.matcher.compute_bitmask(), dtype=np.uint8)
            mask |= np.unpackbits(bits, count=len(mask), bitorder="little").astype(np.bool_)
        mask[list(opening)] = True
        return mask


class SchemaMasks:
    """A token that the schema forbids behind a row so far cannot be chosen."""

    def __init__(self, replies: Sequence[ConstrainedReply]) -> None:
        """`replies` are those of a batch, by the places of its rows."""
        self.replies = replies

    def __call__(self, rows: Sequence[WrittenRow], scores: Any) -> Any:
        """The logits of the next token, shape (rows, vocabulary), without what is forbidden."""
        import torch

        forbidden = torch.zeros(scores.shape, dtype=torch.bool)
        for number, row in enumerate(rows):
            mask = self.replies[row.place].allowed(row.tokens) if row.is_open else None
            if mask is not None:
                allowed = torch.from_numpy(mask)[: scores.shape[1]]
                forbidden[number] = True
                forbidden[number, : len(allowed)] = ~allowed
        return scores.masked_fill(forbidden.to(scores.device), float("-inf"))

    def error_of(self, row: WrittenRow) -> Completion | None:
        """The failure of a row that the library gave up on the way."""
        error = self.replies[row.place].error
        return None if error is None else failure(f"{PACKAGE} could not hold the reply to the JSON schema: {error}")


def block_openings(tokenizer: Any, tags: Sequence[str], is_set_to_reason: bool) -> list[list[int]]:
    """The tokens by which a reply may open a block of reasoning: tags that the vocabulary has as one token.

    Of a model that is set to reason, tags of several tokens too; others could only stumble into them.
    """
    added = tokenizer.get_added_vocab()
    single = [[added[tag]] for tag in tags if tag in added]
    spelt = [tag for tag in tags if tag not in added] if is_set_to_reason else []
    return [*single, *(tokenizer(tag, add_special_tokens=False)["input_ids"] for tag in spelt)]
