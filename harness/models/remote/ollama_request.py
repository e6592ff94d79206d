"""How a prompt is written down for Ollama: as messages for /api/chat, or as the raw text of a stated template."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.models.remote.sampling_options import sampling_options
from harness.records.inputs import JSON, Generation, Prompt
from harness.text.reasoning import REASONING_TOKENS
from harness.text.turn_template import TurnTemplate

Think = bool | str  # whether a model that can think does so before each answer, or how much: low, medium, high


@dataclass(frozen=True, kw_only=True)
class RequestForm:
    """What the requests to one model have in common."""

    model: str
    num_ctx: int
    keep_alive: str
    template: TurnTemplate | None = None

    @property
    def path(self) -> str:
        return "/api/chat" if self.template is None else "/api/generate"

    def written(self, prompt: Prompt) -> dict[str, JSON]:
        """The prompt as a request holds it. Raises HarnessError for whatever stops a template."""
        if self.template is not None:
            return {"prompt": self.template.render(prompt), "raw": True}
        return {"messages": [{"role": message.role, "content": message.content} for message in prompt]}

    def body(self, ask: "Ask") -> dict[str, JSON]:
        """A whole request but for how the reply is sent.

        `truncate` and `shift` ask for an error where Ollama would cut the prompt silently; it knows them from 0.12.6
        on. They matter most from 0.30 on, which cuts a prompt to about half of num_ctx, where its count looks harmless.
        """
        generation = ask.generation
        stop = [*ask.sent_stops, *([self.template.end_of_turn] if self.template and self.template.end_of_turn else [])]
        options: dict[str, JSON] = {
            "num_ctx": self.num_ctx,
            "num_predict": ask.most_tokens,
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "seed": generation.seed,
            **sampling_options(generation),
            **({"stop": list(dict.fromkeys([*stop, *ask.own_stops]))} if stop else {}),
        }
        return {
            "model": self.model,
            **self.written(ask.prompt),
            "think": ask.think,
            "options": options,
            "keep_alive": self.keep_alive,
            "truncate": False,
            "shift": False,
            **({} if generation.schema is None else {"format": dict(generation.schema)}),
            **ask.further,
        }


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One thing that is asked."""

    prompt: Prompt
    generation: Generation
    think: Think = False
    own_stops: tuple[str, ...] = ()  # of the model, which those of a request would take the place of
    further: Mapping[str, JSON] = field(default_factory=dict)  # e.g. logprobs

    @property
    def reasoning_tokens(self) -> int | None:
        """The most tokens before the answer; None where no reasoning is asked for and the server keeps the limits."""
        generation = self.generation
        if generation.reasoning_tokens is not None:
            return generation.reasoning_tokens
        return REASONING_TOKENS if self.think or generation.marker is not None else None

    @property
    def most_tokens(self) -> int:
        """The most tokens of the whole reply."""
        return self.generation.max_tokens + (self.reasoning_tokens or 0)

    @property
    def sent_stops(self) -> tuple[str, ...]:
        """Stop strings that the server may keep: where the model reasons, they would cut its reasoning too."""
        return self.generation.stop if self.reasoning_tokens is None else ()
