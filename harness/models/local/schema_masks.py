"""Replies held to a JSON schema while they are written: of each next token, only those that the schema allows."""

import importlib.util
import json
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness.errors import ModelError
from harness.models.local.answer_limits import BoundedReply
from harness.models.local.failures import failure
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

    def masks(self, schema: Mapping[str, JSON], replies: Sequence[BoundedReply], prompt_length: int) -> "SchemaMasks":
        """What holds the replies of a batch to a schema. Raises ModelError for one that a reply cannot be held to."""
        from llguidance import LLMatcher

        grammar = _LEADING + json.dumps({**schema, "x-guidance": _LAYOUT}, ensure_ascii=False)
        matcher = LLMatcher(self.tokenizer, LLMatcher.grammar_from_lark(grammar), log_level=0)
        if matcher.is_error():
            reason = " ".join(matcher.get_error().split())
            raise ModelError(f"constrained: {PACKAGE} cannot hold a reply to this JSON schema: {reason}")
        constrained = [ConstrainedReply(reply, self, matcher.deep_copy()) for reply in replies]
        return SchemaMasks(constrained, prompt_length, self.ends)


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
    """A logits processor: a token that the schema forbids behind its row so far cannot be chosen."""

    def __init__(self, replies: Sequence[ConstrainedReply], prompt_length: int, ends: Collection[int]) -> None:
        self.replies, self.ends = replies, frozenset(ends)
        self._length = prompt_length  # of what was seen
        self._rows: list[list[int]] = [[] for _ in replies]
        self._ended = [False] * len(replies)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Called before each step with all tokens so far, shape (batch, length), and logits of the next."""
        import torch

        fresh = input_ids[:, self._length :].tolist()
        self._length = input_ids.shape[1]
        forbidden = torch.zeros(scores.shape, dtype=torch.bool)
        for place, (reply, tokens) in enumerate(zip(self.replies, fresh, strict=True)):
            self._ended[place] = self._ended[place] or not self.ends.isdisjoint(tokens)
            if self._ended[place]:
                continue
            self._rows[place] += tokens
            if (mask := reply.allowed(self._rows[place])) is not None:
                allowed = torch.from_numpy(mask)[: scores.shape[1]]
                forbidden[place] = True
                forbidden[place, : len(allowed)] = ~allowed
        return scores.masked_fill(forbidden.to(scores.device), float("-inf"))

    def without_failures(self, completions: Sequence[Completion]) -> list[Completion]:
        """The completions, in place of each that the library gave up on the way the failure."""
        errors = [reply.error for reply in self.replies]
        return [
            completion if error is None else failure(f"{PACKAGE} could not hold the reply to the JSON schema: {error}")
            for completion, error in zip(completions, errors, strict=True)
        ]


def block_openings(tokenizer: Any, tags: Sequence[str], is_set_to_reason: bool) -> list[list[int]]:
    """The tokens by which a reply may open a block of reasoning: tags that the vocabulary has as one token.

    Of a model that is set to reason, tags of several tokens too; others could only stumble into them.
    """
    added = tokenizer.get_added_vocab()
    single = [[added[tag]] for tag in tags if tag in added]
    spelt = [tag for tag in tags if tag not in added] if is_set_to_reason else []
    return [*single, *(tokenizer(tag, add_special_tokens=False)["input_ids"] for tag in spelt)]
