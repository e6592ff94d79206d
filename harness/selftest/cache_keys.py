"""Proofs that no answer is served for another call: by changing one thing at a time and asking through the cache."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from harness.components.display import Display
from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON, Generation, Message, Prompt
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.selftest.plain_models import NO_SYSTEM, SUBJECT
from harness.selftest.proof import Proof
from harness.selftest.tiny_models import SEED, TinyModels

KEY = "the cache key differs with the"
ASKED: Prompt = (Message("user", "fever?"),)
SAMPLING = Generation(max_tokens=2, temperature=1.0)
CHANGES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {  # what changes → its cases → a tiny model's arguments
    "weights": {"other weights": {"seed": SEED + 1}, "another architecture": {"shape": "Gemma2"}},
    "dtype": {"bfloat16": {"dtype": "bfloat16"}, "float16": {"dtype": "float16"}},
    "template": {
        "another template": {"template": NO_SYSTEM}, "no template": {"template": None},
        "format plain": {"format": "plain"}, "another delimiter": {"format": "plain", "delimiter": "\n"},
        "thinking": {"enable_thinking": True},
    },
}  # fmt: skip
OPTIONS: Mapping[str, JSON] = {  # another value for each field of Generation
    "max_tokens": 3, "temperature": 0.5, "top_p": 0.5, "stop": ("B",), "seed": 1, "schema": {"type": "object"},
    "reasoning_tokens": 7, "marker": "Answer:", "strict": True, "top_k": 5, "repetition_penalty": 1.5,
}  # fmt: skip


def proofs(tiny: TinyModels) -> Iterator[Proof]:
    """Of the model's parts, of the options, and of the prompt."""
    for part in CHANGES:
        yield Proof(name=f"{KEY} {part}", subject=SUBJECT, prove=partial(model_difference, tiny, part))
    yield Proof(name=f"{KEY} options and the prompt", subject=SUBJECT, prove=lambda: call_difference(tiny))


def model_difference(tiny: TinyModels, part: str) -> str | None:
    """Which change of the model is served the answer of another."""
    cases = {case: tiny.model(**arguments) for case, arguments in CHANGES[part].items()}
    models = {"the model": tiny.model(), **cases}
    calls = CachedCalls(tiny, models)
    if (broken := calls.unstable()) is not None:
        return broken
    for case in cases:
        if calls.served(case):
            return f"{case}: the answer of another model was served from the cache"
    return None


def call_difference(tiny: TinyModels) -> str | None:
    """Which change of a call to one model is served the answer of another call."""
    calls = CachedCalls(tiny, {"the model": tiny.model()})
    if (broken := calls.unstable()) is not None:
        return broken
    for field, value in OPTIONS.items():
        seed = {"seed": value} if field == "seed" else {}
        if calls.served(generation=replace(SAMPLING, **{field: value}), **seed):
            return f"a call with another {field} was served from the cache"
    if calls.served(prompt=(Message("system", "A"), *ASKED)) or calls.served(prompt=(Message("assistant", "fever?"),)):
        return "a call with another prompt was served from the cache"
    return "an equal call that is sampled again was served from the cache" if calls.served(repeat=1) else None


class CachedCalls:
    """Asks models through a cache of their own and tells what came out of it."""

    def __init__(self, tiny: TinyModels, models: Mapping[str, HuggingFace]) -> None:
        self.path = tiny.scratch("calls") / "calls.sqlite"
        self.models = models

    def served(
        self, model: str = "the model", generation: Generation = SAMPLING, prompt: Prompt = ASKED, seed: int = 0,
        repeat: int = 0,
    ) -> bool:  # fmt: skip
        """Whether the answer was in the cache; it is afterwards. A new process asks each time."""
        cache = Cache(self.path)
        try:
            context = Context(self.models, cache, Display(), seed)
            context.generate(model, [prompt], generation, [repeat])
            return context.counts.cached == 1
        finally:
            cache.close()

    def unstable(self) -> str | None:
        """How the cache fails a call that is made twice."""
        if self.served():
            return "a call that was never made was served from the cache"
        return None if self.served() else "an equal call was not served from the cache"
