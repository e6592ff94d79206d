"""Planning: a context that serves cached calls and counts all others, so that a plan cannot drift from the run."""

from collections.abc import Callable, Sequence
from functools import cached_property

from harness.components.calls import NotPlannableError
from harness.records.inputs import Cell, Generation, Prompt
from harness.records.outputs import Completion
from harness.runtime.context import Context, Run
from harness.runtime.model_access import Keys


class DryContext(Context):
    """Answers from the cache only: counts what a run would compute, and loads, downloads and changes nothing."""

    planning = True

    @cached_property
    def _counted(self) -> set[str]:
        """The keys of the calls counted so far: equal calls of several cells are made once."""
        return set()

    @cached_property
    def longest(self) -> dict[str, int]:
        """Tokens of the longest prompt of the current cell with its answer, by model; where that can be counted."""
        return {}

    def begin(self, cell: Cell) -> None:
        super().begin(cell)
        self.longest.clear()

    def generate(
        self, model: str, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int] | None = None
    ) -> list[Completion]:
        self._measure(model, prompts, generation.max_tokens)
        return super().generate(model, prompts, generation, repeats)

    def score_options(
        self, model: str, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> list[Completion]:
        self._measure(model, prompts, max((len(option) for texts in options for option in texts), default=0))
        return super().score_options(model, prompts, options)

    def first_token(
        self, model: str, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> list[Completion]:
        self._measure(model, prompts, 1)
        return super().first_token(model, prompts, options)

    def likelihood(self, model: str, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        self._measure(model, prompts, max(map(len, continuations), default=0))
        return super().likelihood(model, prompts, continuations)

    def _measure(self, model: str, prompts: Sequence[Prompt], answer_tokens: int) -> None:
        """Count the tokens of the prompt with most characters, without those of the chat template."""
        count = self.token_counter(model) if self.model(model).local else None
        if count is not None and prompts:
            longest = max(prompts, key=lambda prompt: sum(len(turn.content) for turn in prompt))
            tokens = sum(count(turn.content) for turn in longest) + answer_tokens
            self.longest[model] = max(tokens, self.longest.get(model, 0))

    def _begin_vectors(self, model: str, missing: int) -> None:
        raise NotPlannableError(f"{missing} texts to embed or rank with {model}")

    def context_length(self, model: str) -> int | None:
        return super().context_length(model) if self.model(model).is_here() else None

    def token_counter(self, model: str) -> Callable[[str], int] | None:
        return super().token_counter(model) if self.model(model).is_here() else None

    def model_digest(self, name: str) -> str:
        """The digest, or a stand-in that matches no stored call while the model is not on this machine."""
        return super().model_digest(name) if self.model(name).at_hand() else f"not here: {name}"

    def _answer(
        self, model: str, keys_under: Keys, plan: Callable[[Sequence[int]], list[list[int]]], run: Run
    ) -> list[Completion]:
        keys = keys_under(self.model_digest(model))
        unique = set(keys)
        done = self.cache.get(sorted(unique))
        missing = len(unique - done.keys() - self._counted)
        self._counted |= unique
        self._count_cached(done, len(keys) - missing)
        self.counts.calls += missing
        if missing:
            if not done:
                self._note_change(model, keys_under)
            mean, so_far = self.cache.seconds(self.model_digest(model)), self.counts.estimate
            is_timed = mean is not None and (so_far is not None or self.counts.calls == missing)
            self.counts.estimate = (so_far or 0.0) + (mean or 0.0) * missing if is_timed else None
        unknown = Completion(text="", finish="error", error="not computed yet")
        return [done.get(key, unknown) for key in keys]
