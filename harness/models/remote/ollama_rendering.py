"""What Ollama makes of a prompt's messages: rendered by the server without running the model, or told by its counts."""

import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from harness.errors import HarnessError, ModelError
from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_model import ServedModel
from harness.models.remote.rendering import first_of_each_structure, in_words, missing_turns, turn_excerpt
from harness.models.remote.server_reply import count_of
from harness.records.inputs import JSON, Message, Prompt, Role
from harness.text.turn_template import TurnTemplate

REMEDY = (
    "make a model whose Modelfile has a TEMPLATE with all messages (ollama create), or set template: chatml, or the "
    "one that the model was trained with, on the model"
)
KINDS: dict[Role, str] = {"system": "the system text", "user": "earlier questions", "assistant": "earlier answers"}

Body = Callable[[Prompt], Mapping[str, JSON]]  # the request to /api/chat that a prompt becomes, of a single token


class RenderedPrompts:
    """The prompts of one model as the server renders them, each asked for once."""

    def __init__(self, served: ServedModel, body: Body) -> None:
        self._served, self._name, self._body = served, served.name, body
        self._texts: dict[Prompt, str] = {}
        self._checked: set[tuple[Role, ...]] = set()
        self._lock = threading.Lock()
        self.renders = True  # whether the server renders without answering: versions before do not know how

    def text(self, prompt: Prompt) -> str | None:
        """The text that the model continues; None where the server does not tell. Raises CallError."""
        if not self.renders:
            return None
        with self._lock:
            if prompt not in self._texts:
                reply = self._served.server.reply("/api/chat", {**self._body(prompt), "_debug_render_only": True})
                information = reply.get("_debug_info")
                text = information.get("rendered_template") if isinstance(information, dict) else None
                if not isinstance(text, str):
                    self.renders = False
                    return None
                self._texts[prompt] = text
            return self._texts[prompt]

    def check(self, prompts: Sequence[Prompt]) -> None:
        """Raise ModelError for a template that leaves out a turn of the first prompt of any structure; or CallError."""
        self.check_rendered(prompts)
        for roles, prompt in first_of_each_structure(prompts).items():
            if roles not in self._checked:
                self._compare_counts(in_words(prompt))
                self._checked.add(roles)

    def check_rendered(self, prompts: Sequence[Prompt]) -> None:
        """The same as far as the server renders prompts without answering them."""
        for roles, prompt in first_of_each_structure(prompts).items():
            if roles not in self._checked and self._is_rendered(prompt):
                self._checked.add(roles)

    def _is_rendered(self, prompt: Prompt) -> bool:
        """Whether the server rendered a prompt; then with all its turns. Raises ModelError for one that is left out."""
        words, rendered = in_words(prompt), ""
        for turns in (prompt, words):
            text = self.text(turns)
            if text is None:
                return False
            rendered = text
            if missing := missing_turns(turns, text):
                place = turns.index(missing[0])
                raise ModelError(_leaves_out(f"model {self._name}: its template in Ollama", prompt[place], REMEDY))
        are_joined = any(f"{turn.content}{following.content}" in rendered for turn, following in pairwise(words))
        if are_joined and not self._served.has_template:
            raise ModelError(
                f"model {self._name}: its template in Ollama joins the turns of a prompt with nothing between them, so "
                f"that the model cannot tell them apart; {REMEDY}"
            )
        return True

    def _compare_counts(self, words: Prompt) -> None:
        """Of a server that does not render: a prompt whose turns are longer must have more tokens."""
        kinds = {role: [place for place, turn in enumerate(words[:-1]) if turn.role == role] for role in KINDS}
        short = self._tokens(words) if any(kinds.values()) else None
        for role, title in KINDS.items():
            turns = kinds[role]
            if short is None or not turns:
                continue
            doubled = [
                Message(turn.role, f"{turn.content} {turn.content}") if place in turns else turn
                for place, turn in enumerate(words)
            ]
            tokens = self._tokens(tuple(doubled))
            if tokens is not None and tokens - short < len(turns):
                raise ModelError(
                    f"model {self._name}: its template in Ollama leaves out {title}, which the model would never read: "
                    f"with longer ones a prompt of {short} tokens has {tokens}; {REMEDY}"
                )

    def _tokens(self, prompt: Prompt) -> int | None:
        """The tokens of a prompt as the server counts them, by a reply of one."""
        return count_of(self._served.server.reply("/api/chat", self._body(prompt)).get("prompt_eval_count")) or None


def refuse_missing(prompt: Prompt, rendered: str) -> None:
    """Raise CallError for a prompt of which a turn is missing although others of its kind are shown whole."""
    if missing := missing_turns(prompt, rendered):
        remedy = "mend the template, or set template on the model"
        raise CallError(_leaves_out("the model's template", missing[0], remedy), lasting=True, blame="prompt")


def refuse_template(template: TurnTemplate, name: str, prompts: Sequence[Prompt]) -> None:
    """Raise ModelError for a stated template that fails on a turn of the first prompt of any structure, or drops it."""
    for prompt in first_of_each_structure(prompts).values():
        words = in_words(prompt)
        for turns in (prompt, words):
            try:
                missing = missing_turns(turns, template.render(turns))
            except HarnessError as error:
                raise ModelError(f"model {name}: its template cannot be used: {error}") from error
            if missing:
                place = turns.index(missing[0])
                raise ModelError(_leaves_out(f"model {name}: its template", prompt[place], "mend the template"))


def _leaves_out(template: str, turn: Message, remedy: str) -> str:
    return f"{template} leaves out {turn_excerpt(turn)}, which the model would never read; {remedy}"
