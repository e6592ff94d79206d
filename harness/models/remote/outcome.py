"""What a reply of status 200 comes to: an answer, an answer cut at its limit, or a failure that only looks like one."""

from dataclasses import dataclass

from harness.models.remote.call_error import CallError
from harness.records.inputs import JSON
from harness.records.outputs import Completion, Finish, Serving

ENDED = frozenset(  # how servers say that the model came to its end
    ("stop", "stop_sequence", "stop_string", "stop_token", "eos", "eos_token", "end_turn", "end_of_turn", "end_of_text",
     "end", "done", "complete", "completed", "finished", "normal", "tool_calls", "tool_call", "tool_use",
     "function_call")
)  # fmt: skip
CUT = frozenset(  # how they say that it was cut at the limit of its answer
    (
        "length",
        "max_length",
        "max_tokens",
        "max_new_tokens",
        "max_output_tokens",
        "token_limit",
        "length_limit",
        "model_length",
        "limit",
    )
)


@dataclass(frozen=True, kw_only=True)
class ServerReply:
    """One reply as its server tells it."""

    text: str
    reasoning: str = ""  # what the server keeps apart from the text
    reason: JSON = None  # why it ended, in the server's word; None where it says nothing
    tokens_in: int = 0
    tokens_out: int | None = None  # None where it is not told
    serving: Serving | None = None


def completion_of(reply: ServerReply) -> Completion:
    """The completion that a reply is. Raises CallError for a failure under the status of a success.

    Only an end by the model or by the limit makes an answer: a filter, an abort, an exhausted server or a word that
    nobody knows may leave any part of it. What the server keeps apart as reasoning is no part of the text.
    """
    finish = _finish_of(reply)
    is_empty = not reply.text.strip()
    if is_empty and not reply.reasoning.strip() and reply.tokens_out == 0:
        raise CallError("the reply is empty and of 0 tokens: the model was not asked", lasting=False)
    return Completion(
        text=reply.text,
        finish=finish,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out or 0,
        reasoning=reply.reasoning.strip(),
        serving=reply.serving,
    )


def _finish_of(reply: ServerReply) -> Finish:
    if reply.reason is None or reply.reason == "":
        return "stop"
    reason = reply.reason.strip().lower() if isinstance(reply.reason, str) else None
    if reason in ENDED:
        return "stop"
    if reason in CUT:
        return "length"
    part = f", after {len(reply.text)} characters of a reply" if reply.text else ""
    raise CallError(f"the server ended the reply by “{reply.reason}”{part}: that is no answer", lasting=False)
