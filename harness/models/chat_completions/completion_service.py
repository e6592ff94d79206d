"""One model of one server, asked: from a prompt to its completion, with all that the server tells of the way."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.models.chat_completions.chat_reply import content_of, first_positions, reply_in
from harness.models.chat_completions.chat_request import ChatRequest
from harness.models.chat_completions.echo_scoring import EchoScoring
from harness.models.chat_completions.engine_watch import EngineWatch
from harness.models.chat_completions.served_engine import LLAMA_CPP, ServedEngine, ServerRoot
from harness.models.chat_completions.served_template import ServedTemplate
from harness.models.chat_completions.token_window import context_of
from harness.models.remote.call_error import CallError
from harness.models.remote.first_token import FIRST_TOKEN, LISTED, listed_tokens, read_first_token
from harness.models.remote.outcome import completion_of
from harness.models.remote.rendering import missing_turns, turn_excerpt
from harness.models.remote.server_reply import count_of, error_of, json_of, status_failure, text_of
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.text.reasoning import close_block, opened_block

if TYPE_CHECKING:
    import httpx

LEGACY = "/completions"  # where a text is continued
LISTED_BY_LLAMA_CPP = 400  # likeliest tokens: it lists as many as are asked for, and few options are beyond so many
UNHELD = (
    "constrained: the server refuses response_format, so that nothing would hold the reply to the JSON schema; leave "
    "out constrained, or take a server that knows it"
)
PROMPT_FAULT = "exceed_context_size_error"  # llama.cpp's word for a prompt that is too long


@dataclass(kw_only=True)
class CompletionService:
    """Makes requests and reads replies. Whatever goes wrong is a CallError."""

    root: ServerRoot
    engine: ServedEngine
    request: ChatRequest
    watch: EngineWatch
    stated_context: int | None
    note_refusal: Callable[[str], None]  # of a field of the request, by its name

    def complete(self, prompt: Prompt, generation: Generation) -> Completion:
        """The completion of a prompt."""
        return self._completion(prompt, generation, self.ask(prompt, generation))

    def first_token(self, prompt: Prompt, options: Sequence[str]) -> Completion:
        """The likeliest option as the first token of the reply."""
        is_text = self.request.template is not None
        count = LISTED_BY_LLAMA_CPP if self.engine.name == LLAMA_CPP else LISTED
        fields: dict[str, JSON] = {"logprobs": count} if is_text else {"logprobs": True, "top_logprobs": count}
        content = self.ask(prompt, FIRST_TOKEN, stream=False, **fields)
        completion = self._completion(prompt, FIRST_TOKEN, content)
        return read_first_token(completion, listed_tokens(first_positions(content)), options)

    def _completion(self, prompt: Prompt, generation: Generation, content: Any) -> Completion:
        completion = completion_of(reply_in(content))
        completion = replace(completion, rendered=self.rendered(prompt))
        if completion.rendered is not None and (missing := missing_turns(prompt, completion.rendered)):
            reason = f"the chat template leaves out {turn_excerpt(missing[0])}: the reply answers another question"
            raise CallError(reason, lasting=True, blame="prompt")
        if (context := context_of(self.engine, self.stated_context)) is not None:
            context.check(prompt, completion, self.request.most(generation))
        return completion

    def ask(self, prompt: Prompt, generation: Generation, **further: JSON) -> Any:
        """The content of a reply, by a request that may have further fields.

        What the server refuses by name and need not be there is left out, then and from then on.
        """
        while True:
            if generation.strict and "response_format" in self.request.refused:
                raise CallError(UNHELD, lasting=True)
            body = {**self.request.body(prompt, generation, self.engine.name), **further}
            if not body.get("stream"):
                body.pop("stream_options", None)
            with self.root.client.stream("POST", self.request.path, json=body) as response:
                if response.is_success:
                    content = content_of(response)
                    self.watch.notice(content, self.engine)
                    return content
                response.read()
            field = self.request.refuse(response, body)
            if field is None:
                raise _refusal(response)
            self.note_refusal(field)

    def continue_text(self, fields: Mapping[str, JSON]) -> JSON:
        """The content of a reply to a text that is to be continued; fields that the server refuses are left out."""
        response = self.root.client.post(LEGACY, json={"model": self.request.model, **fields})
        if response.status_code in (400, 422) and "add_special_tokens" in text_of(response):
            return self.continue_text({name: value for name, value in fields.items() if name != "add_special_tokens"})
        if not response.is_success:
            raise status_failure(response)
        return json_of(response)

    @property
    def scoring(self) -> EchoScoring:
        return EchoScoring(self.continue_text)

    def scored_context(self, prompt: Prompt) -> str:
        """The text behind which an answer is scored: a block of reasoning that it opens is closed."""
        text = self.rendered(prompt)
        if text is None:
            raise CallError("the server does not tell the prompt as the model reads it; state template", lasting=True)
        return text + close_block(opened_block(text))

    def rendered(self, prompt: Prompt) -> str | None:
        """The text that the model continues; None where neither a stated template nor the server tells it."""
        stated = self.request.rendered(prompt)
        if stated is not None or not self.engine.name:
            return stated
        return ServedTemplate(self.root, self.engine, self.request.extra).render(prompt)

    def count(self, prompt: Prompt) -> int | None:
        """The tokens of a prompt as the server counts them, by a reply of one token; None where it does not."""
        with suppress(CallError, LookupError, TypeError):
            return count_of(self.ask(prompt, Generation(max_tokens=1))["usage"]["prompt_tokens"]) or None
        return None


def _refusal(response: "httpx.Response") -> CallError:
    """The failure that a status is; a prompt that is too long says nothing of the others."""
    failure = status_failure(response)
    error = json_of(response)
    kind = error.get("error") if isinstance(error, dict) else None
    is_too_long = (isinstance(kind, dict) and kind.get("type") == PROMPT_FAULT) or "context" in str(error_of(error))
    if failure.lasting and is_too_long:
        return CallError(str(failure), lasting=True, status=failure.status, blame="prompt")
    return failure
