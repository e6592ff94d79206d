"""A streamed reply put together: the same content as one that came whole, or the reason why there is none."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.models.chat_completions.event_stream import ServerEvent
from harness.models.remote.call_error import CallError
from harness.models.remote.server_reply import count_of, error_of
from harness.records.inputs import JSON

DONE = "[DONE]"
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
PASSING = (408, 409, 425, 429)  # codes of a client's error that go by


class ReplyAssembly:
    """Takes the chunks of one reply, and gives the reply as its server would have written it whole.

    Of several choices only the first counts.
    """

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}  # by the field of the message
        self._choice: dict[str, JSON] = {}
        self._rest: dict[str, JSON] = {}
        self._logprobs: list[JSON] = []
        self._has_choice = False

    @property
    def is_finished(self) -> bool:
        """Whether the model has said why it ended."""
        return bool(self._choice.get("finish_reason"))

    @property
    def length(self) -> int:
        """Characters of the answer so far."""
        return sum(map(len, self._texts.get("content", ())))

    def add(self, chunk: JSON) -> None:
        """Take a chunk. Raises CallError for one that tells a failure or has another shape."""
        if not isinstance(chunk, dict):
            raise CallError(f"the stream holds what is no part of a reply: {str(chunk)[:200]}", lasting=False)
        if (failure := failure_in(chunk)) is not None:
            raise failure
        for name in ("usage", "timings", "model", "system_fingerprint"):
            if chunk.get(name):
                self._rest[name] = chunk[name]
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and not choice.get("index"):
                self._add_choice(choice)

    def reply(self) -> dict[str, JSON]:
        """The whole reply; without a choice where no chunk had one."""
        message = {name: "".join(parts) for name, parts in self._texts.items()}
        choice = {**self._choice, "message": {"content": None, **message}}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        return {**self._rest, "choices": [choice] if self._has_choice else []}

    def _add_choice(self, choice: Mapping[str, Any]) -> None:
        self._has_choice = True
        for name in ("finish_reason", "error"):
            if choice.get(name):
                self._choice[name] = choice[name]
        if isinstance(logprobs := choice.get("logprobs"), dict) and isinstance(logprobs.get("content"), list):
            self._logprobs += logprobs["content"]
        delta = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        if not isinstance(delta, dict) or not isinstance(delta.get("content"), str | None):
            raise CallError(f"the stream has no text in choices[0].delta.content: {str(delta)[:200]}", lasting=False)
        reasoning = next((name for name in REASONING_FIELDS if delta.get(name)), "")
        for name in ("content", "refusal", reasoning):  # of the reasoning one field: some servers write it twice
            if isinstance(delta.get(name), str):
                self._texts.setdefault(name, []).append(delta[name])


def assemble(events: Iterable[ServerEvent]) -> dict[str, JSON]:
    """The whole reply of a stream. Raises CallError for one that tells a failure or ends before its reply does."""
    assembly = ReplyAssembly()
    for event in events:
        for chunk in _chunks_of(event):
            if chunk == DONE:
                return assembly.reply()
            assembly.add(chunk)
    if not assembly.is_finished:
        reason = f"the stream ended before the reply did, after {assembly.length} characters of it"
        raise CallError(reason, lasting=False)
    return assembly.reply()


def failure_in(content: Mapping[str, JSON]) -> CallError | None:
    """The failure that a part of a stream tells; None where it tells none."""
    error = content.get("error") or (content if content.get("object") == "error" else None)
    if not error:
        return None
    code = count_of(error.get("code")) if isinstance(error, dict) else None
    problem = error_of({"error": error}) or str(error)
    is_lasting = code is not None and 400 <= code < 500 and code not in PASSING
    return CallError(f"the server answered with an error: {problem}", is_lasting)


def _chunks_of(event: ServerEvent) -> Iterator[JSON]:
    """What an event holds: one chunk in all its lines, or one in each."""
    if event.name == "error":
        content = _parsed("\n".join(event.data))
        problem = content if isinstance(content, dict) and content.get("error") else {"error": content or event.data}
        yield problem
        return
    try:
        yield _parsed("\n".join(event.data))
    except ValueError:
        for line in event.data:
            try:
                yield _parsed(line)
            except ValueError as error:
                raise CallError(
                    f"the stream holds what is no JSON, or was cut: {line[-200:]}", lasting=False
                ) from error


def _parsed(text: str) -> JSON:
    return DONE if text.strip() == DONE else json.loads(text)
