"""Models served by Ollama, asked through /api/chat or by a stated template, with the context length always explicit."""

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from harness.models.remote.call_error import CallError
from harness.models.remote.first_token import FIRST_TOKEN
from harness.models.remote.ollama_address import CHECKING
from harness.models.remote.ollama_chat import OllamaChat
from harness.models.remote.ollama_check import refuse_unable
from harness.models.remote.ollama_host import OllamaHost
from harness.models.remote.ollama_model import UNTOLD
from harness.models.remote.ollama_rendering import refuse_template
from harness.models.remote.ollama_request import RequestForm
from harness.models.remote.ollama_server import whole_name
from harness.models.remote.server_model import RemoteModel
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.text.inert import inert_line

log = logging.getLogger("harness")


class Ollama(OllamaHost, RemoteModel):
    """A model pulled into an Ollama server."""

    bounds_answers: ClassVar[bool] = True
    tells_first_token: ClassVar[bool] = True

    num_ctx: int = Field(8192, ge=256)
    """Context window in tokens; it is always sent, because Ollama would cut longer prompts silently."""
    think: bool | Literal["low", "medium", "high"] = False
    """Whether the model reasons before it answers, and how much where it knows grades."""

    @model_validator(mode="after")
    def _thinks_by_its_own_template(self) -> "Ollama":
        if self.template is not None and self.think:
            raise ValueError("think needs the model's own template: leave out template, or think")
        return self

    def identity(self) -> dict[str, JSON]:
        """The server's own digest of the model stands for its weights, template and defaults."""
        stated = {} if self.stated_template is None else {"template": self.stated_template.text}
        return {
            "component": "ollama", "digest": self._digest, "version": self._version, "num_ctx": self.num_ctx,
            "think": self.think, "truncate": False, **stated,
        }  # fmt: skip

    def describe(self) -> str:
        version = self._served.__dict__.get("version") if "_served" in self.__dict__ else None
        suffix = (
            "" if version is None else f" {version}" if version != UNTOLD else " of a version that it does not tell"
        )
        thinks = "_chat" in self.__dict__ and self._chat.thinks_for_formats
        note = ", thinking before each answer with a schema, which it ignores otherwise"
        return f"{self.model} in Ollama{suffix}, context {self.num_ctx}{note if thinks else ''}"

    @property
    def is_set_to_reason(self) -> bool:
        return bool(self.think)

    def context_length(self) -> int | None:
        return self.num_ctx

    def loading_key(self) -> str:
        return f"{self._host} {whole_name(self.model)} {self.num_ctx}"

    # -- what the server tells ----------------------------------------------------------------------------------------

    def trained_length(self) -> int | None:
        """The context length that the model was trained with, in tokens; None when the server does not state it."""
        from harness.models.remote.transport import exchange

        try:
            with exchange(CHECKING):
                return self._served.trained_length
        except CallError:
            return None

    def check(self) -> None:
        from harness.models.remote.transport import exchange

        _ = self._digest
        try:
            with exchange(CHECKING):
                refuse_unable(self._served, self.think, self.num_ctx)
        except CallError as failure:
            raise self._unusable(failure) from failure

    # -- asking -------------------------------------------------------------------------------------------------------

    def before_asking(self, prompts: Sequence[Prompt], generation: Generation) -> None:
        """Look at the template with the first prompt of each structure of roles, and with words that none contains."""
        self._look_at_template(prompts, self._chat.renderings.check)

    def check_turns(self, prompts: Sequence[Prompt]) -> None:
        several = [prompt for prompt in prompts if len(prompt) > 1]  # for a single turn no model is loaded
        if several:
            self._look_at_template(several, self._chat.renderings.check_rendered)

    def _look_at_template(self, prompts: Sequence[Prompt], look: Callable[[Sequence[Prompt]], None]) -> None:
        from harness.models.remote.transport import exchange

        if self.stated_template is not None:
            refuse_template(self.stated_template, self.model, prompts)
            return
        self._used = True
        try:
            with exchange(self.longest):  # the first rendering has the model loaded
                look(prompts)
        except CallError as failure:  # its calls say so, too
            log.info("model %s: its template was not looked at: %s", self.model, self.failure_text(failure))

    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        """One request. A reply to a prompt that was cut, or may have been, is a CallError, never an answer."""
        self._used = True
        return self._chat.complete(prompt, generation)

    def first_token_mistake(self) -> str | None:
        from harness.models.remote.transport import exchange

        if self.think:
            return "think has it reason before it answers; leave think out, or use answer: {choice: {by: generation}}"
        try:
            with exchange(CHECKING):
                version, is_old = self._served.version, self._served.lists_no_tokens
        except CallError:
            return None  # a server that does not answer is told where models are checked
        remedy = "update Ollama to 0.12.11 or later, or use answer: {choice: {by: generation}}"
        return None if not is_old else f"Ollama {inert_line(version)} lists no likeliest tokens; {remedy}"

    def first_token_each(
        self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[int, Completion]]:
        self.before_asking(prompts, FIRST_TOKEN)
        self._used = True
        return self._ask_each(len(prompts), lambda index: self._chat.first_token(prompts[index], options[index]))

    @cached_property
    def _chat(self) -> OllamaChat:
        form = RequestForm(
            model=self.model, num_ctx=self.num_ctx, keep_alive=self.keep_alive, template=self.stated_template
        )  # fmt: skip
        return OllamaChat(self._served, form, self.think, self.own_reasoning_tags, self.longest)
