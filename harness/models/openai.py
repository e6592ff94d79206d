"""Models behind any server that speaks OpenAI's chat completions: vLLM, llama.cpp, LM Studio, hosted services."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PrivateAttr

from harness.errors import ModelError
from harness.models.chat_completions.chat_request import REFUSING, ChatRequest
from harness.models.chat_completions.engine_watch import EngineWatch
from harness.models.chat_completions.openai_server import OpenAIServer
from harness.models.chat_completions.sampling_fields import SamplingFields
from harness.models.chat_completions.served_engine import OLLAMA, changed_facts, is_unreachable, root_of
from harness.models.chat_completions.turn_check import TurnCheck
from harness.models.remote.address import variables_digest
from harness.models.remote.call_error import CallError
from harness.models.remote.first_token import FIRST_TOKEN
from harness.models.remote.server_model import RemoteModel
from harness.records.inputs import JSON, Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.text.inert import inert_line
from harness.text.variables import expanded

if TYPE_CHECKING:
    from harness.models.chat_completions.completion_service import CompletionService

log = logging.getLogger("harness")

NOT_SCORED = "its server answers and does not score the text that it is given"
PROBE = (Message("user", "Is water wet?"),)
TEMPLATE_REMEDY = (
    "start the server with a chat template that shows every message (llama.cpp and vLLM: --chat-template), or set "
    "template: chatml, or the one that the model was trained with, on the model"
)


Score = Callable[["CompletionService", str, int], Completion]  # of the text behind a prompt, by the prompt's place


class OpenAI(OpenAIServer, RemoteModel):
    """A model behind an OpenAI-compatible server."""

    scores_options: ClassVar[bool] = True  # by servers that score a prompt: see `scoring_mistake`
    tells_likelihood: ClassVar[bool] = True
    tells_first_token: ClassVar[bool] = True  # by servers that list the likeliest tokens: see `first_token_mistake`

    server_context: int | None = Field(None, ge=256)
    """Context window in tokens, as set on a server that does not tell it; null: what the server tells."""
    reasons: bool = False
    """Whether the model reasons before each answer, for which reasoning_tokens are added to the limit."""
    requests_per_minute: int | None = Field(None, ge=1)
    """The most calls that the service allows within a minute; null: none is known, and 429 is waited for."""
    tokens_per_minute: int | None = Field(None, ge=1)
    """The most tokens, of prompts and replies together, that the service allows within a minute."""
    _notes: set[str] = PrivateAttr(default_factory=set)
    _was_absent: bool = PrivateAttr(False)  # when its identity was asked for

    # -- what it is ---------------------------------------------------------------------------------------------------

    def identity(self) -> dict[str, JSON]:
        """What the server tells of its engine; its address and the model's name stand for weights that cannot be seen.

        Variables stand by their names, and all their values by a digest. Replies from before failures under status 200
        were told apart may be such failures: hence `failures`. Where nothing answers, what a server that tells nothing
        had answered can be served; then nothing is asked in this process.
        """
        digest = variables_digest([self.url, dict(self.extra)])
        try:
            engine = self._engine.identity()
        except ModelError as error:
            if not self.is_silent(error):
                raise
            engine, self._was_absent = {}, True
        return {
            "component": "openai", "url": self.url, "model": self.model, "extra": dict(self.extra),
            "failures": "told apart",
            **({} if digest is None else {"variables": digest}),
            **({"server": engine} if engine else {}),
            **({} if self.stated_template is None else {"template": self.stated_template.text}),
            **({} if self.server_context is None else {"server_context": self.server_context}),
        }  # fmt: skip

    @property
    def is_set_to_reason(self) -> bool:
        return self.reasons

    def context_length(self) -> int | None:
        return self.server_context

    def schema_problem(self) -> str | None:
        stated = next((name for name in ("response_format", "json_schema", "grammar") if name in self.extra), None)
        if stated is None:
            return None
        return f"has {stated} in extra, which takes the place of the JSON schema; leave it out"

    def generation_mistake(self, generation: Generation) -> str | None:
        """The server is asked for its engine only where that decides."""
        if not self._sampling.names(generation):
            return None
        if self._sampling.is_official:
            return self._sampling.mistake(generation, "")
        with suppress(ModelError):  # nothing answers: told where models are checked
            return self._sampling.mistake(generation, self._engine.name)
        return None

    def slots(self) -> int | None:
        with suppress(ModelError):
            return self._engine.slots
        return None

    def limits(self) -> tuple[int | None, int | None]:
        return self.requests_per_minute, self.tokens_per_minute

    # -- before and during a run --------------------------------------------------------------------------------------

    def _server_fault(self) -> str | None:
        fault = super()._server_fault()
        if fault is None and self.template is not None and self._engine_or_none.name == OLLAMA:
            host, name = root_of(self.url), self.template if self.template.isidentifier() else "…"
            return (
                f"what answers at {self.url} is an Ollama, whose /v1 writes every text into the model's own template, "
                "inside which a stated one would stand; "
                f"use ollama: {{model: {self.model}, host: {host}, template: {name}}}"
            )
        return fault

    def scoring_mistake(self) -> str | None:
        """Most servers do not score a prompt and answer silently without: every option would be equally likely."""
        return self._scoring_fault

    @cached_property
    def _scoring_fault(self) -> str | None:
        from harness.models.remote.transport import exchange

        try:
            _ = self._engine
        except ModelError:
            return None  # told where models are checked
        service = self._service()
        try:
            with exchange(self.timeout):
                if service.rendered(PROBE) is None:
                    return "its server does not tell the prompt as the model reads it; state its template"
                return None if service.scoring.works() else NOT_SCORED
        except CallError as failure:
            return None if is_unreachable(failure) else NOT_SCORED

    def first_token_mistake(self) -> str | None:
        return super().first_token_mistake() or self._first_token_fault

    @cached_property
    def _first_token_fault(self) -> str | None:
        """What one that is asked for says against others: the server lists none, or the model reasons first."""
        from harness.models.remote.transport import exchange

        try:
            with exchange(self.timeout):
                self._service().first_token(PROBE, ("A", "B"))
        except CallError as failure:
            return self.failure_text(failure) if failure.status in (None, *REFUSING) and failure.lasting else None
        return None

    def before_asking(self, prompts: Sequence[Prompt], generation: Generation) -> None:
        if self._was_absent and self._engine_or_none.name:
            raise ModelError(
                f"{self.url} did not answer when the run began, and now does: what it is would stand with none of its "
                "answers; run the same command again"
            )
        self._refuse_left_out(self._turns.problem(prompts))

    def check_turns(self, prompts: Sequence[Prompt]) -> None:
        self._refuse_left_out(self._turns.problem(prompts, may_ask=False))

    def _refuse_left_out(self, problem: str | None) -> None:
        if problem is not None:
            remedy = TEMPLATE_REMEDY if self.template is None else "mend the model's template"
            raise ModelError(
                inert_line(f"model {self.describe()}: {problem}, and would be answered another question; {remedy}")
            )

    def still_the_same(self) -> None:
        before = self._engine_or_none
        change = self._watch.change
        with suppress(CallError):
            now = self._look()
            change = change or (changed_facts(before, now) if before.name and now.name else "")
        if change:
            raise ModelError(
                f"the server at {self.url} changed during the run ({inert_line(change)}), and answers of two engines "
                "are not to be compared; run the same command again: everything is asked anew"
            )

    # -- calls --------------------------------------------------------------------------------------------------------

    def call(self, prompt: Prompt, generation: Generation) -> Completion:
        completion = self._service().complete(prompt, generation)
        if completion.finish == "length" and completion.reasoning and not self.reasons:
            self._note_once(
                f"{self.model} at {self.url} was cut inside its reasoning: with reasons: true, reasoning_tokens are "
                "added to max_tokens for it"
            )
        return completion

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        return self._scored(prompts, lambda service, text, index: service.scoring.of_options(text, options[index]))

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        return self._scored(
            prompts, lambda service, text, index: service.scoring.of_continuation(text, continuations[index])
        )

    def first_token_each(
        self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[int, Completion]]:
        self.before_asking(prompts, FIRST_TOKEN)
        return self._ask_each(len(prompts), lambda index: self._service().first_token(prompts[index], options[index]))

    def _scored(self, prompts: Sequence[Prompt], score: Score) -> list[Completion]:
        def call(index: int) -> Completion:
            service = self._service()
            return score(service, service.scored_context(prompts[index]), index)

        self.before_asking(prompts, Generation())
        completions = dict(self._ask_each(len(prompts), call))
        return [completions[index] for index in range(len(prompts))]

    # -- the server ---------------------------------------------------------------------------------------------------

    def _service(self) -> "CompletionService":
        from harness.models.chat_completions.completion_service import CompletionService

        return CompletionService(
            root=self._root, engine=self._engine_or_none, request=self._request, watch=self._watch,
            stated_context=self.server_context, note_refusal=self._note_refusal,
        )  # fmt: skip

    @property
    def _sampling(self) -> SamplingFields:
        return SamplingFields(url=str(expanded(self.url)), extra=self.extra.keys())

    @cached_property
    def _request(self) -> ChatRequest:
        return ChatRequest(
            model=self.model, extra=dict(self.extra), template=self.stated_template, sampling=self._sampling
        )

    @cached_property
    def _watch(self) -> EngineWatch:
        return EngineWatch(self.describe())

    @cached_property
    def _turns(self) -> TurnCheck:
        from harness.models.remote.transport import exchange

        def rendered(prompt: Prompt) -> str | None:
            with suppress(CallError):
                return self._service().rendered(prompt)
            return None

        def count(prompt: Prompt) -> int | None:
            with suppress(CallError), exchange(self.timeout):
                return self._service().count(prompt)
            return None

        return TurnCheck(rendered, count)

    def _note_refusal(self, field: str) -> None:
        loss = "is asked without a schema" if field == "response_format" else f"is asked without {field}"
        self._note_once(f"{self.url} refuses {field}: {self.model} {loss}")

    def _note_once(self, text: str) -> None:
        if text not in self._notes:
            self._notes.add(text)
            log.warning("%s", text)
