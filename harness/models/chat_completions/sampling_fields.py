"""Options of sampling beyond OpenAI's protocol, in the words of the engine that answers: none is lost in silence."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from harness.models.chat_completions.served_engine import LLAMA_CPP, OLLAMA, VLLM
from harness.models.remote.sampling_options import sampling_options
from harness.records.inputs import JSON, Generation

OFFICIAL = "api.openai.com"
SPELLINGS = {"top_k": ("top_k",), "repetition_penalty": ("repetition_penalty", "repeat_penalty")}


@dataclass(frozen=True, kw_only=True)
class SamplingFields:
    """Writes these options into requests to one server, beside the further fields that its model states."""

    url: str
    extra: Collection[str]  # names of fields that stand in a request whatever the task says

    def names(self, generation: Generation) -> list[str]:
        """The options that a task states and the model's own fields do not."""
        return [
            name
            for name, spellings in SPELLINGS.items()
            if getattr(generation, name) is not None and not any(field in self.extra for field in spellings)
        ]

    def fields(self, generation: Generation, engine: str) -> dict[str, JSON]:
        """Fields of a request; nothing for an engine that `mistake` speaks against."""
        names = self.names(generation)
        stated = replace(
            generation,
            top_k=generation.top_k if "top_k" in names else None,
            repetition_penalty=generation.repetition_penalty if "repetition_penalty" in names else None,
        )
        return _WRITERS.get(engine, _no_field)(stated)

    def mistake(self, generation: Generation, engine: str) -> str | None:
        """Why an engine (empty: it does not tell) would not get what a task states, with the remedy."""
        names = self.names(generation)
        if not names or (engine in _WRITERS and not self.is_official):
            return None
        options, example = " and ".join(names), f"{names[0]}: {getattr(generation, names[0])}"
        if self.is_official:
            return f"is behind OpenAI's own API, which knows no {options}; leave {options} out of this task"
        if engine == OLLAMA:
            return (
                f"is asked through the /v1 of an Ollama, which ignores {options}; name the model under ollama instead"
            )
        return (
            f"is behind a server that does not tell its engine, and OpenAI's protocol has no {options}: which may be "
            f"ignored in silence; leave them out, or state them as this server calls them, e.g. extra: {{{example}}}"
        )

    @property
    def is_official(self) -> bool:
        """Whether OpenAI itself answers at the address."""
        return urlsplit(self.url).hostname == OFFICIAL


def _vllm_fields(generation: Generation) -> dict[str, JSON]:
    """Of vLLM, whose versions before 0.9 know all tokens as -1 only."""
    top_k, penalty = generation.top_k, generation.repetition_penalty
    return {
        **({} if top_k is None else {"top_k": top_k or -1}),
        **({} if penalty is None else {"repetition_penalty": penalty}),
    }


def _no_field(generation: Generation) -> dict[str, JSON]:
    return {}


_WRITERS: Mapping[str, Callable[[Generation], dict[str, JSON]]] = {LLAMA_CPP: sampling_options, VLLM: _vllm_fields}
