"""The request of a chat completion, and the fields that a server may refuse and be asked without."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.models.chat_completions.sampling_fields import SamplingFields
from harness.models.chat_completions.served_engine import LLAMA_CPP
from harness.models.remote.call_error import CallError
from harness.models.remote.server_reply import text_of
from harness.records.inputs import JSON, Generation, Prompt
from harness.text.turn_template import TurnTemplate
from harness.text.variables import expanded

if TYPE_CHECKING:
    import httpx

REFUSING = (400, 422)  # statuses of a server that does not know a field
RENAMED = "max_completion_tokens"  # how newer models of OpenAI call max_tokens, which they refuse
OPTIONAL = ("response_format", "stream_options", "stream", "max_tokens")


@dataclass(kw_only=True)
class ChatRequest:
    """Writes requests for one model of one server. What it has refused is left out from then on."""

    model: str
    extra: Mapping[str, JSON]  # further fields, over all others
    template: TurnTemplate | None  # stated for prompts, which are then sent as text
    sampling: SamplingFields
    refused: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        return "/chat/completions" if self.template is None else "/completions"

    def rendered(self, prompt: Prompt) -> str | None:
        """The prompt in the stated template; None without one. Raises CallError for a prompt that it cannot write."""
        try:
            return None if self.template is None else self.template.render(prompt)
        except HarnessError as error:
            raise CallError(str(error), lasting=True, blame="prompt") from error

    def body(self, prompt: Prompt, generation: Generation, engine: str = "") -> dict[str, JSON]:
        """The fields of a request to a server of this engine; with a schema, the reply must follow it."""
        stop = list(generation.stop)
        if self.template is not None and self.template.end_of_turn:
            stop.append(self.template.end_of_turn)
        fields = {
            "model": self.model,
            **self._prompt_fields(prompt),
            "max_tokens": generation.max_tokens,
            "temperature": generation.temperature,
            "top_p": generation.top_p,
            "seed": generation.seed,
            **self._sampling_fields(generation, engine),
            **({"stop": stop} if stop else {}),
            **({} if generation.schema is None else self._schema_fields(generation.schema, engine)),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if RENAMED in self.extra or "max_tokens" in self.refused:
            fields[RENAMED] = fields.pop("max_tokens")
        fields = {name: value for name, value in fields.items() if name not in self.refused}
        fields |= expanded(dict(self.extra))
        if not fields.get("stream"):
            fields.pop("stream_options", None)
        return fields

    def most(self, generation: Generation) -> int:
        """The most tokens of a reply: a further field may say otherwise than the task."""
        stated = [self.extra[name] for name in ("max_tokens", RENAMED) if name in self.extra]
        return stated[0] if stated and isinstance(stated[0], int) else generation.max_tokens

    def refuse(self, response: "httpx.Response", body: Mapping[str, JSON]) -> str | None:
        """The field that a server refuses by its name, which is left out from now on; None for any other answer."""
        if response.status_code not in REFUSING:
            return None
        words = set(re.findall(r"\w+", text_of(response)))
        for name in OPTIONAL:
            is_refused = RENAMED in words if name == "max_tokens" else name in words
            if name in body and name not in self.extra and is_refused:
                self.refused.add(name)
                return name
        return None

    def _prompt_fields(self, prompt: Prompt) -> dict[str, JSON]:
        if (text := self.rendered(prompt)) is not None:
            return {"prompt": text}
        return {"messages": [{"role": message.role, "content": message.content} for message in prompt]}

    def _sampling_fields(self, generation: Generation, engine: str) -> dict[str, JSON]:
        """What the task states beyond OpenAI's protocol. Raises CallError where it would be lost in silence."""
        if (mistake := self.sampling.mistake(generation, engine)) is not None:
            raise CallError(f"the model {mistake}", lasting=True)
        return self.sampling.fields(generation, engine)

    def _schema_fields(self, schema: Mapping[str, JSON], engine: str) -> dict[str, JSON]:
        """How a reply is held to a schema: where llama.cpp continues a text, it reads no `response_format`."""
        if engine == LLAMA_CPP and self.template is not None:
            return {"json_schema": dict(schema)}
        stated = {"name": "reply", "schema": dict(schema), "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": stated}}
