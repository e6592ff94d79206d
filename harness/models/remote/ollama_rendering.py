"""What Ollama makes of a prompt's messages: rendered by the server without running the model, or told by its counts."""

import threading
from collections.abc import Callable, Mapping, Sequence

from harness.errors import ModelError
from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_server import OllamaServer
from harness.models.remote.rendering import first_of_each_structure, in_words, missing_turns, turn_excerpt
from harness.models.remote.server_reply import count_of
from harness.records.inputs import JSON, Prompt, Role

REMEDY = (
    "make a model whose Modelfile has a TEMPLATE with all messages (ollama create), or set template: chatml, or the "
    "one that the model was trained with, on the model"
)
KINDS: dict[Role, str] = {"system": "the system text", "user": "earlier questions", "assistant": "earlier answers"}

Body = Callable[[Prompt], Mapping[str, JSON]]  # the request to /api/chat that a prompt becomes, of a single token


class Renderings:
    """The prompts of one model as the server renders them, each asked for once."""

    def __init__(self, server: OllamaServer, name: str, body: Body) -> None:
        self._server, self._name, self._body = server, name, body
        self._texts: dict[Prompt, str] = {}
        self._checked: set[tuple[Role, ...]] = set()
        self._lock = threading.Lock()
        self.is_told = True  # whether the server renders without answering: versions before do not know how

    def text(self, prompt: Prompt) -> str | None:
        """The text that the model continues; None where the server does not tell. Raises CallError."""
        if not self.is_told:
            return None
        with self._lock:
            if prompt in self._texts:
                return self._texts[prompt]
        reply = self._server.reply("/api/chat", {**self._body(prompt), "_debug_render_only": True})
        told = reply.get("_debug_info")
        text = told.get("rendered_template") if isinstance(told, dict) else None
        if not isinstance(text, str):
            self.is_told = False
            return None
        with self._lock:
            self._texts[prompt] = text
        return text

    def check(self, prompts: Sequence[Prompt]) -> None:
        """Raise ModelError for a template that leaves out a turn of the first prompt of any structure; or CallError."""
        for roles, prompt in first_of_each_structure(prompts).items():
            if roles not in self._checked:
                self._check(prompt)
                self._checked.add(roles)

    def _check(self, prompt: Prompt) -> None:
        words = in_words(prompt)
        for turns in (prompt, words):
            text = self.text(turns)
            if text is None:
                self._compare_counts(words)
                return
            if missing := missing_turns(turns, text):
                place = turns.index(missing[0])
                raise ModelError(
                    f"model {self._name}: its template in Ollama leaves out {turn_excerpt(prompt[place])}, which the "
                    f"model would never read; {REMEDY}"
                )
        if any(f"{turn.content}{following.content}" in text for turn, following in zip(words, words[1:], strict=False)):
            raise ModelError(
                f"model {self._name}: its template in Ollama joins the turns of a prompt with nothing between them, so "
                f"that the model cannot tell them apart; {REMEDY}"
            )

    def _compare_counts(self, words: Prompt) -> None:
        """Of a server that does not render: a turn of the prompt must add tokens to it."""
        whole = self._tokens(words)
        for role, title in KINDS.items():
            rest = tuple(turn for turn in words[:-1] if turn.role != role)
            fewer = len(words) - 1 - len(rest)
            if whole is None or not fewer:
                continue
            tokens = self._tokens((*rest, words[-1]))
            if tokens is not None and whole - tokens < fewer:
                raise ModelError(
                    f"model {self._name}: its template in Ollama leaves out {title}: a prompt has {whole} tokens with "
                    f"{'it' if role == 'system' else 'them'} and {tokens} without; {REMEDY}"
                )

    def _tokens(self, prompt: Prompt) -> int | None:
        """The tokens of a prompt as the server counts them, by a reply of one."""
        return count_of(self._server.reply("/api/chat", self._body(prompt)).get("prompt_eval_count")) or None


def refuse_missing(prompt: Prompt, rendered: str) -> None:
    """Raise CallError for a prompt of which a turn is missing although others of its kind are shown whole."""
    if missing := missing_turns(prompt, rendered):
        raise CallError(
            f"the model's template leaves out {turn_excerpt(missing[0])}: what it would have answered is no answer to "
            "the prompt; mend the template, or set template on the model",
            lasting=True,
        )

