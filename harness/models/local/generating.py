"""A local model that writes replies: batches by length and memory, tokens that depend on no other row of a batch."""

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import PrivateAttr

from harness.models.local.answer_limits import AnswerLimits, BoundedReply
from harness.models.local.batches import token_batches
from harness.models.local.batching_model import Place
from harness.models.local.chat_template import split_delimiter
from harness.models.local.decoding import Decoding
from harness.models.local.memory import has_learnt_positions
from harness.models.local.prefilled_cache import prefilled_cache
from harness.models.local.repetition import RepetitionPenalty
from harness.models.local.schema_masks import SchemaConstraint, SchemaMasks, block_openings
from harness.models.local.scoring_model import ScoringModel
from harness.models.local.sharing_checks import cache_argument
from harness.models.local.token_choice import DRAWS, TokenChoice
from harness.models.local.written_row import WrittenReply, WrittenRow
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.text.canonical import digest
from harness.text.reasoning import REASONING_TAGS, opened_block

if TYPE_CHECKING:
    from transformers import GenerationConfig

MOST_ROWS = 512  # at once on CUDA; with more of them a step takes as much longer as it writes more
MOST_ROWS_ELSEWHERE = 64
TOKENS_ELSEWHERE = 1 << 14  # of prompts and replies at once: a batch should take minutes at most where there is no GPU
PADDED = 64  # on CUDA prompts are padded to a multiple of it: kernels are chosen by shape
# Steps of a cell that repay compiling on CUDA: it takes 75 s and saves about 4 ms a step (0.5B, 64 rows, H100). The
# network then has a cache of fixed size, in which finished rows stay and nothing is shared. Unmeasured here.
COMPILED_FROM = 20_000


class GeneratingModel(ScoringModel):
    """A local model that writes replies to prompts."""

    _is_compiled: bool = PrivateAttr(False)  # whether the cell that was planned last is long enough for it

    def schema_problem(self) -> str | None:
        return SchemaConstraint.problem()

    def schema_identity(self) -> dict[str, JSON]:
        return SchemaConstraint.identity()

    def sampling_identity(self) -> dict[str, JSON]:
        return {"draws": DRAWS}

    # -- batches ----------------------------------------------------------------------------------------------------

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        encoded = [self._fit(prompt, self._window) for prompt in prompts]
        rows = [[] if isinstance(ids, Completion) else ids for ids in encoded]
        askable = [prompt for prompt, ids in zip(prompts, encoded, strict=True) if not isinstance(ids, Completion)]
        reply = generation.max_tokens + self._reasoning_tokens(askable, generation)

        def fitting(length: int) -> int:
            elsewhere = max(1, min(MOST_ROWS_ELSEWHERE, TOKENS_ELSEWHERE // (length + reply)))
            return self._batch_size(length + reply, MOST_ROWS if self.device_name == "cuda" else elsewhere)

        batches = token_batches(rows, fitting)
        self._is_compiled = self.device_name == "cuda" and len(batches) * reply >= COMPILED_FROM
        return batches

    def batch_settings(self) -> dict[str, Any]:
        return {**super().batch_settings(), "is_compiled": self._is_compiled}

    def adopt(self, settings: Mapping[str, Any]) -> None:
        super().adopt(settings)
        self._is_compiled = settings["is_compiled"]

    def _reasoning_tokens(self, prompts: Sequence[Prompt], generation: Generation) -> int:
        """How many tokens of reasoning memory must hold, where it is known that the model reasons."""
        if (
            generation.marker is None
            and not self.enable_thinking
            and not (prompts and self.opens_reasoning(prompts[0]))
        ):
            return 0
        return min(AnswerLimits(generation=generation).reasoning_tokens, self._window)

    # -- replies ----------------------------------------------------------------------------------------------------

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        completions = dict(self.generate_each(prompts, generation, repeats))
        return [replace(completions[i], seconds=0.0) for i in range(len(prompts))]  # who asks for all times them

    def generate_each(
        self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]
    ) -> Iterator[Place]:
        self._shared_prefixes.release()
        encoded = [self._fit(prompt, self._window - generation.max_tokens) for prompt in prompts]

        def call(batch: Sequence[int]) -> Iterable[Place]:
            rows = [ids for i in batch if not isinstance(ids := encoded[i], Completion)]
            # a row's own, or it would depend on its batch
            seeds = [digest([generation.seed, ids, repeats[i]]) for i, ids in zip(batch, rows, strict=True)]
            return self._generate(rows, generation, seeds)

        yield from self._run_each([ids if isinstance(ids, Completion) else None for ids in encoded], call)

    def _generate(self, encoded: list[list[int]], generation: Generation, seeds: Sequence[str]) -> Iterable[Place]:
        """The completions of a batch as they are finished, each with its place."""
        import torch

        network, limits = self._model(), self._limits(generation)
        rows = [
            WrittenRow(place=place, prompt=ids, reply=self._reply(limits, ids), draws=random.Random(seed))
            for place, (ids, seed) in enumerate(zip(encoded, seeds, strict=True))
        ]
        is_whole = self._is_compiled or self._sharing_obstacle(network) is not None
        longest = max(map(len, encoded)) if has_learnt_positions(network.config) else min(map(len, encoded))
        with torch.inference_mode():
            inputs, suffix = self._inputs(encoded), None
            if not is_whole:
                cache, suffix = self._cache(network, rows, inputs["input_ids"].shape[1])
                inputs[cache_argument(network)] = cache
            decoding = Decoding(
                rows=rows, choice=self._choice(generation, rows), ends=self._ends, pad=self.tokenizer.pad_token_id,
                suffix=suffix, is_shrinking=not is_whole,
            )  # fmt: skip
            written = network.generate(
                **inputs,
                generation_config=self._configuration(generation, min(limits.longest, self._window - longest)),
                custom_generate=decoding,
            )
        while True:
            with torch.inference_mode():
                row = next(written, None)
            if row is None:
                return
            completion = self._completion(row)
            error = decoding.choice.masks.error_of(row) if decoding.choice.masks else None
            yield row.place, completion if error is None else error

    def _choice(self, generation: Generation, rows: Sequence[WrittenRow]) -> TokenChoice:
        penalty = generation.repetition_penalty
        return TokenChoice(
            is_sampled=generation.temperature > 0,
            penalty=None if penalty is None else RepetitionPenalty(penalty),
            masks=self._schema_masks(generation, [row.reply for row in rows]),
        )

    def _sharing_obstacle(self, network: Any) -> str | None:
        """Why rows can neither share what they begin with nor be taken out of the network's cache; None: they can."""
        self._obstacle = self._shared_prefixes.obstacle(network)
        return self._obstacle

    def _inputs(self, encoded: list[list[int]]) -> dict[str, Any]:
        """The prompts, padded to one of few lengths."""
        inputs = {"input_ids": encoded}
        padded = self.tokenizer.pad(inputs, return_tensors="pt", pad_to_multiple_of=self._padded_to)
        return dict(padded.to(self.device_name))

    def _cache(self, network: Any, rows: Sequence[WrittenRow], width: int) -> tuple[Any, int | None]:
        """The network's cache, and of how many tokens at the end of each prompt it lacks keys and values; None: all.

        What the prompts begin with alike is computed once, and what is of one length together: padding costs as much as
        text.
        """
        from harness.models.local.growing_cache import growing_cache

        config, began = network.config.get_text_config(), time.perf_counter()
        prompts = [row.prompt for row in rows]
        chains = self._shared_prefixes.prompt_chains(network, prompts, self.tokenizer.pad_token_id)
        if chains is None:
            return growing_cache(config), None
        cache = prefilled_cache(config, chains, width - 1)
        for row in rows:
            row.seconds = (time.perf_counter() - began) / len(rows)
        return cache, 1

    @property
    def _padded_to(self) -> int:
        return PADDED if self.device_name == "cuda" else 1

    def _configuration(self, generation: Generation, most: int) -> "GenerationConfig":
        """transformers' options of a batch of at most so many tokens."""
        from transformers import GenerationConfig

        sampling, tokenizer = generation.temperature > 0, self.tokenizer
        ends = self._model().generation_config.eos_token_id
        return GenerationConfig(
            max_new_tokens=most, do_sample=sampling,
            pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=ends if ends is not None else tokenizer.eos_token_id,
            **({"cache_implementation": "static"} if self._is_compiled else {}),
            **({"temperature": generation.temperature, "top_p": generation.top_p, "top_k": generation.top_k or 0}
               if sampling else {}),
        )  # fmt: skip

    def _limits(self, generation: Generation) -> AnswerLimits:
        leading = split_delimiter(self.delimiter)[1] if self.format == "plain" else ""
        return AnswerLimits(generation=generation, leading=leading, tags=self.reasoning_tags)

    def _reply(self, limits: AnswerLimits, prompt: list[int]) -> BoundedReply:
        """A reply to come: the end of its prompt says whether it begins inside a block of reasoning."""
        opened = opened_block(self.tokenizer.decode(prompt[-limits.sight :]), self.reasoning_tags)
        return BoundedReply(limits, self._decode, opened, self._window - len(prompt))

    def _schema_masks(self, generation: Generation, replies: Sequence[BoundedReply]) -> SchemaMasks | None:
        """What holds the replies to a schema; None where nothing must."""
        if generation.schema is None or not generation.strict:
            return None
        return self._constraint.masks(generation.schema, replies)

    @cached_property
    def _constraint(self) -> SchemaConstraint:
        tags = [opening for opening, _ in (*REASONING_TAGS, *self.reasoning_tags)]
        openings = block_openings(self.tokenizer, tags, self.enable_thinking)
        return SchemaConstraint(self.tokenizer, self._ends, openings)

    @property
    def _ends(self) -> set[int]:
        """The tokens at which a reply ends."""
        ends = self._model().generation_config.eos_token_id
        return {ends} if isinstance(ends, int) else {*(ends or []), self.tokenizer.eos_token_id} - {None}

    def _completion(self, row: WrittenReply) -> Completion:
        """A generated row up to its first end token, and cut at a stop string. What the prompt opened stands before."""
        reply, tokens = row.reply, row.tokens[: row.reply.length]
        length = next((i for i, token in enumerate(tokens) if token in self._ends), len(tokens))
        text = self._decode(tokens[:length])
        cut = reply.limits.stop_at(reply.opened, text)
        finish: Literal["stop", "length"] = "stop" if length < len(tokens) or cut is not None else reply.finish
        logprobs = row.logprobs[: max(length, 1)]  # of an empty answer, how likely its end was
        mean = round(sum(logprobs) / len(logprobs), 4) if logprobs else None  # the batch shows in the seventh digit
        return Completion(
            text=reply.opened + text[:cut], finish=finish, tokens_in=len(row.prompt), tokens_out=length, logprob=mean,
            seconds=row.seconds,
        )  # fmt: skip

    def _decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens without special ones, but for those that tags of reasoning are made of."""
        if self.tag_tokens.isdisjoint(tokens):
            return str(self.tokenizer.decode(tokens, skip_special_tokens=True))
        hidden = self.special_tokens - self.tag_tokens
        return str(self.tokenizer.decode([token for token in tokens if token not in hidden]))
