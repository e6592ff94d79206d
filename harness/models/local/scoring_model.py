"""How likely a local model finds texts that are given: options, the letter of a reply, whole answers."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar

from pydantic import PrivateAttr

from harness.errors import PromptError
from harness.models.local.batching_model import BatchingModel
from harness.models.local.failures import failure, too_long, unscorable
from harness.models.local.likelihood import ScoringNetwork, common_prefix, continuation_logprobs, option_logprobs
from harness.models.local.next_token import first_token_shares, tokens_of_letters
from harness.models.local.prefix_tree import grouped_batches, row_key
from harness.models.local.raw_encoding import ScoredRow, scored_completion
from harness.models.local.shared_prefixes import SCHEME, SharedPrefixes
from harness.records.inputs import JSON, Prompt
from harness.records.outputs import Completion


class ScoringModel(BatchingModel):
    """A local model that scores texts, in batches; what the prompts of a cell begin with alike is computed once."""

    scores_options: ClassVar[bool] = True
    tells_likelihood: ClassVar[bool] = True
    tells_first_token: ClassVar[bool] = True

    _prefixes: SharedPrefixes = PrivateAttr(default_factory=SharedPrefixes)
    _obstacle: str | None = PrivateAttr(None)  # to computing a prefix once, in the network that was asked last

    # -- batches ----------------------------------------------------------------------------------------------------

    def plan_scoring(self, prompts: Sequence[Prompt], texts: Sequence[Sequence[str]]) -> list[list[int]]:
        """Prompts that begin alike stand together; the calls that follow know the beginnings that they share."""
        encoded = [self._fit(prompt, self._window) for prompt in prompts]
        rows = [row_key([] if isinstance(ids, Completion) else ids[:-1]) for ids in encoded]
        tree = self._shared_prefixes.plan(rows)
        behind = max((len(text) for own in texts for text in own), default=1)  # a character is a token, roughly
        lengths = [ids.tokens_in if isinstance(ids, Completion) else len(ids) for ids in encoded]
        return grouped_batches(rows, tree, self._batch_size(max(lengths, default=0) + behind))

    def batch_settings(self) -> dict[str, Any]:
        """What the last plan settled beside its batches, for other processes that compute some of them."""
        return {"prefixes": self._shared_prefixes.planned}

    def adopt(self, settings: Mapping[str, Any]) -> None:
        """Compute the batches of a plan that another process made: as they were computed there."""
        if settings["prefixes"] != self._shared_prefixes.planned:
            self._shared_prefixes.adopt(settings["prefixes"])

    def _free_memory(self) -> None:
        self._shared_prefixes.release()
        super()._free_memory()

    # -- shared prefixes --------------------------------------------------------------------------------------------

    @property
    def _shared_prefixes(self) -> SharedPrefixes:
        """Of the network that lies in memory: one at a time, whatever is attached to it."""
        return self._prefixes

    def _scoring_network(self) -> ScoringNetwork:
        network = self._model()
        self._obstacle = self._shared_prefixes.obstacle(network)
        return ScoringNetwork(network, self.tokenizer.pad_token_id, None if self._obstacle else self._shared_prefixes)

    def scoring_identity(self) -> dict[str, JSON]:
        """In float32 computing a prefix once changes nothing beyond the fifth digit; in fewer bits it shows earlier."""
        return {} if self.dtype_name == "float32" else {"prefixes": SCHEME}

    def scoring_remark(self) -> str | None:
        if self._obstacle is None:
            return None
        return f"what its prompts begin with alike is computed again for each when texts are scored: {self._obstacle}"

    def close(self) -> None:
        self._shared_prefixes.release()
        super().close()

    # -- calls ------------------------------------------------------------------------------------------------------

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        failures: list[Completion | None] = [None] * len(prompts)
        encoded: list[list[list[int]]] = [[] for _ in prompts]
        for i, (prompt, choices) in enumerate(zip(prompts, options, strict=True)):
            try:
                encoded[i] = [self.encode(prompt, option) for option in choices]
            except PromptError as error:
                failures[i] = failure(str(error))
            else:
                length = max(map(len, encoded[i])) if common_prefix(encoded[i]) else 0
                failures[i] = None if 0 < length <= self._window else too_long(length, self._window)

        def call(batch: Sequence[int]) -> list[Completion]:
            scores = option_logprobs(self._scoring_network(), [encoded[i] for i in batch])
            return [
                Completion(
                    text=options[i][max(range(len(row)), key=row.__getitem__)],
                    finish="stop",
                    tokens_in=len(encoded[i][0]),
                    tokens_out=0,
                    seconds=0.0,
                    logprobs=row,
                )
                for i, row in zip(batch, scores, strict=True)
            ]

        return self._run(failures, call)

    def first_token_mistake(self) -> str | None:
        return "enable_thinking has it reason before it answers" if self.enable_thinking else None

    def first_token_each(
        self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[int, Completion]]:
        """Exact: summed over all tokens of the vocabulary that are a form of an option."""
        rows = [self._before_letter(prompt, texts) for prompt, texts in zip(prompts, options, strict=True)]

        def call(batch: Sequence[int]) -> list[Completion]:
            fit = [ids for i in batch if not isinstance(ids := rows[i], Completion)]
            return first_token_shares(self._scoring_network(), fit, [options[i] for i in batch], self._letter_tokens)

        yield from enumerate(self._run([ids if isinstance(ids, Completion) else None for ids in rows], call))

    def _before_letter(self, prompt: Prompt, options: Sequence[str]) -> list[int] | Completion:
        """Token ids up to where a reply's letter stands, or the failure of a prompt that cannot be asked.

        A block of reasoning that the template opens is closed, and a line break of a delimiter is written: a space is
        part of the letter's own token.
        """
        if missing := [option for option in options if option not in self._letter_tokens]:
            return failure(
                f"no token of the vocabulary is the letter {missing[0]}; use answer: {{choice: {{by: generation}}}}"
            )
        try:
            text = self.render(prompt)
        except PromptError as error:
            return failure(str(error))
        before = self._before_answer(text)
        ids = self._ids(text + (before.rstrip(" ") if self.format == "plain" else before))
        return ids if 0 < len(ids) <= self._window else too_long(len(ids), self._window)

    @cached_property
    def _letter_tokens(self) -> dict[str, list[int]]:
        return tokens_of_letters(self.tokenizer, self.config.get_text_config().vocab_size, self.special_tokens)

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        """Of all tokens behind the prompt as it is sent: with a delimiter's white space, and with what closes a block
        of reasoning that the template opens.
        """
        rows = [self._scorable(prompt, text) for prompt, text in zip(prompts, continuations, strict=True)]

        def call(batch: Sequence[int]) -> list[Completion]:
            fit = [own for i in batch if not isinstance(own := rows[i], Completion)]
            flat = [row for own in fit for row in own]
            scores = iter(continuation_logprobs(self._scoring_network(), flat))
            return [scored_completion(own, list(islice(scores, len(own)))) for own in fit]

        return self._run([own if isinstance(own, Completion) else None for own in rows], call)

    def _scorable(self, prompt: Prompt, continuation: str) -> list[ScoredRow] | Completion:
        """The rows of a continuation, or the failure of one that cannot be scored."""
        try:
            rows = self.scored_rows(prompt, continuation)
        except PromptError as error:
            return failure(str(error))
        return next(filter(None, (unscorable(ids, first, self._window + (not prompt)) for ids, first in rows)), rows)
