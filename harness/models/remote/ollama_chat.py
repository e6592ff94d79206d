"""Asks one model of an Ollama server, and takes nothing for an answer that is none."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace

from harness.errors import HarnessError
from harness.models.remote.call_error import CallError
from harness.models.remote.first_token import FIRST_TOKEN, LISTED, listed_tokens, read_first_token
from harness.models.remote.ollama_check import context_failure
from harness.models.remote.ollama_model import ServedModel
from harness.models.remote.ollama_rendering import RenderedPrompts, refuse_missing
from harness.models.remote.ollama_reply import AssembledReply, assembled, keeps_format
from harness.models.remote.ollama_request import Ask, RequestForm, Think
from harness.models.remote.ollama_server import PREFIX
from harness.models.remote.outcome import ServerReply, completion_of
from harness.models.remote.server_reply import count_of
from harness.models.remote.streamed_reply import BoundedAnswer
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.text.reasoning import TagPair

UNRENDERED = (400, 404)  # of a rendering: what is wrong with the prompt or the model, the call itself says better

log = logging.getLogger("harness")


class OllamaChat:
    """One model in one form of request. `seconds` bounds each further question about a prompt."""

    def __init__(
        self, served: ServedModel, form: RequestForm, think: Think, tags: tuple[TagPair, ...], seconds: float
    ) -> None:
        self.served, self.form, self.think = served, form, think
        self.thinks_for_formats = False  # it keeps to a format only if it thinks before
        self.renderings = RenderedPrompts(served, lambda prompt: self.form.body(self._short(prompt)))
        self._tags, self._seconds = tags, seconds

    def complete(self, prompt: Prompt, generation: Generation) -> Completion:
        """The reply to a prompt. Raises CallError."""
        rendered = self._rendered(prompt)
        ask = Ask(
            prompt=prompt,
            generation=generation,
            think=self.think or (generation.schema is not None and self.thinks_for_formats),
            own_stops=self.served.stops if generation.stop or self.form.template else (),
        )
        reply = self.reply(ask)
        if self._ignores_format(ask, reply):
            ask = replace(ask, think=True)
            reply = self.reply(ask)
        return replace(self._completion(ask, reply), rendered=rendered)

    def first_token(self, prompt: Prompt, options: Sequence[str]) -> Completion:
        """The likeliest option as the first token of the reply. Raises CallError."""
        rendered = self._rendered(prompt)
        further = {"logprobs": True, "top_logprobs": LISTED}
        ask = Ask(prompt=prompt, generation=FIRST_TOKEN, think=self.think, further=further)
        reply = self.reply(ask)
        completion = replace(self._completion(ask, reply), rendered=rendered)
        return read_first_token(completion, listed_tokens(reply.logprobs), options)

    def reply(self, ask: Ask) -> AssembledReply:
        """The reply to one request, ended where answer or reasoning reach their limits. Raises CallError."""
        answer = BoundedAnswer(ask.generation, ask.reasoning_tokens, self._tags)
        try:
            return assembled(self.served.server, self.form.path, self.form.body(ask), answer)
        except CallError as failure:
            raise self._explained(failure) from failure

    def _completion(self, ask: Ask, reply: AssembledReply) -> Completion:
        tokens_in = reply.tokens_in if reply.last else self._prompt_tokens(ask)
        completion = completion_of(
            ServerReply(
                text=reply.answer.text,
                reasoning=reply.answer.reasoning,
                reason=reply.reason,
                tokens_in=tokens_in or 0,
                tokens_out=reply.tokens_out,
                serving=reply.serving,
            )
        )
        droppable = 0 if self.served.refuses_to_cut else _longest_droppable(ask.prompt)
        limit = ask.most_tokens if reply.is_cut_by_server else None
        if problem := context_failure(self.form.num_ctx, tokens_in, reply.tokens_out, limit, droppable):
            raise CallError(problem, lasting=True, blame="prompt")
        return completion

    def _rendered(self, prompt: Prompt) -> str | None:
        """The text that the model continues; None where the server does not tell. Raises CallError for a lost turn."""
        from harness.models.remote.transport import exchange

        try:
            if self.form.template is not None:
                text: str | None = self.form.template.render(prompt)
            else:
                with exchange(self._seconds, PREFIX):
                    text = self.renderings.text(prompt)
        except HarnessError as error:
            raise CallError(str(error), lasting=True, blame="prompt") from error
        except CallError as failure:
            if failure.status in UNRENDERED:
                return None
            raise
        if text is not None:
            refuse_missing(prompt, text)
        return text

    def _prompt_tokens(self, ask: Ask) -> int | None:
        """The tokens of a prompt whose reply was ended here, before its counts came: asked for by a reply of one."""
        from harness.models.remote.transport import exchange

        with exchange(self._seconds, PREFIX):
            body = self.form.body(replace(self._short(ask.prompt), think=ask.think))
            return count_of(self.served.server.reply(self.form.path, body).get("prompt_eval_count"))

    def _short(self, prompt: Prompt) -> Ask:
        """A request for a single token."""
        return Ask(prompt=prompt, generation=Generation(max_tokens=1, reasoning_tokens=0), think=self.think)

    def _ignores_format(self, ask: Ask, reply: AssembledReply) -> bool:
        """Whether a model that can think, and was told not to, has not kept to the schema: it thinks from now on."""
        schema = ask.generation.schema
        if schema is None or ask.think or "thinking" not in self.served.capabilities:
            return False
        if keeps_format(reply.answer.text, schema, reply.is_cut_by_server):
            return False
        if not self.thinks_for_formats:
            self.thinks_for_formats = True
            log.warning(
                "model %s ignores the schema of its reply while think is false, as some models that can think do: "
                "where a schema is asked for, it thinks before it answers",
                self.served.name,
            )
        return True

    def _explained(self, failure: CallError) -> CallError:
        """The failure of a prompt that is too long, with its remedy; any other as it is."""
        if failure.status != 400 or "context" not in str(failure):
            return failure
        reason = inner_reason(str(failure).removeprefix(f"{PREFIX}HTTP 400: "))
        reason = f"the prompt does not fit num_ctx {self.form.num_ctx}; raise num_ctx: {reason}"
        return CallError(reason, lasting=True, blame="prompt")


def inner_reason(reason: str) -> str:
    """What llama-server says went wrong, which Ollama hands on as JSON inside its own message."""
    from harness.models.remote.server_reply import error_of

    try:
        return error_of(json.loads(reason)) or reason
    except ValueError:
        return reason


def _longest_droppable(prompt: Prompt) -> int:
    """An upper estimate of the longest message that Ollama may have dropped, at a token a character.

    Ollama makes a long conversation fit by leaving out its oldest messages and reports the tokens of the rest: then
    the rest and one dropped message exceed num_ctx together.
    """
    return max((len(message.content) for message in prompt[:-1] if message.role != "system"), default=0)
