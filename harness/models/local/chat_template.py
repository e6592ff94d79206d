"""From messages to the text a causal language model continues: the model's own chat template, or plain text."""

import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Literal, Protocol

from harness.errors import ModelError, PromptError
from harness.records.inputs import Message, Prompt, Role
from harness.text.replies import without_reasoning

log = logging.getLogger("harness")
Format = Literal["chat", "plain"]

NAMES: dict[Role, str] = {"system": "system turn", "user": "question", "assistant": "earlier answer"}
PROBES: tuple[tuple[Role, ...], ...] = (
    ("user",), ("system", "user"), ("user", "assistant", "user"), ("system", "user", "assistant", "user"),
)  # fmt: skip
# For models without a template of their own: roles in words, turns apart by a blank line, as in text on the web.
SIMPLE_TEMPLATE = (
    "{% set names = {'system': 'System', 'user': 'User', 'assistant': 'Assistant'} %}"
    "{% for message in messages %}{{ names[message['role']] }}: {{ message['content'] }}\n\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
PLAIN_JOINT = "\n\n"  # between a finished exchange and the next, as lm-eval joins its examples
FIXED_DAY = date(2025, 1, 1)
DAY_PARTS = {f"%{code}": FIXED_DAY.strftime(f"%{code}") for code in "aAbBcdDeFfHIjmMpRSTuUVwWxXyYzZ"} | {
    f"%-{code}": FIXED_DAY.strftime(f"%{code}").lstrip("0") or "0" for code in "dmjHIMS"
}
# A macro, because transformers 5.23 hands templates no function, only plain data. The line break is the one that
# transformers drops after a block: the template behind it renders as it would alone.
STRFTIME_NOW = "{{% macro strftime_now(form) %}}{{{{ form{} }}}}{{% endmacro %}}\n".format(
    "".join(f"|replace({code!r}, {text!r})" for code, text in DAY_PARTS.items())
)


class Tokenizer(Protocol):
    """The part of transformers' tokenizers that is used here."""

    chat_template: Any

    def get_chat_template(self) -> str: ...

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any: ...


def as_chat(tokenizer: Tokenizer, prompt: Prompt, enable_thinking: bool = False) -> str:
    """The prompt in the tokenizer's template as it stands. Raises what the template raises, above all TemplateError."""
    # The tokenizer's own; of several, the default.
    template = _on_a_fixed_day(tokenizer.get_chat_template()) if tokenizer.chat_template else SIMPLE_TEMPLATE
    turns = prompt if tokenizer.chat_template else without_empty_system(prompt)
    text = tokenizer.apply_chat_template(
        [{"role": message.role, "content": message.content} for message in turns],
        chat_template=template, tokenize=False, add_generation_prompt=True, enable_thinking=enable_thinking,
    )  # fmt: skip
    return str(text)


def _on_a_fixed_day(template: str) -> str:
    """Templates that print today's date would ask another question each day: the day is fixed."""
    return STRFTIME_NOW + template if "strftime_now" in template else template


class ChatTurns:
    """Renders prompts by a tokenizer's template, so that the text of every turn stands in what the model reads."""

    def __init__(self, tokenizer: Tokenizer, name: str, enable_thinking: bool = False) -> None:
        self.tokenizer = tokenizer
        self.name = name  # the model's, for messages
        self.enable_thinking = enable_thinking
        self._moves: dict[tuple[Role, ...], frozenset[int]] = {}  # by the roles of a prompt: the places to be moved
        self._notes: set[str] = set()

    def render(self, prompt: Prompt) -> str:
        """The prompt up to where the assistant's reply begins.

        Raises ModelError where no prompt of these roles can be shown, PromptError where this one cannot.
        """
        roles = tuple(message.role for message in prompt)
        moves = self._moves_for(roles)
        try:
            text = self._render(move_turns(prompt, moves))
            lost = _lost(prompt, text)
            if lost:  # by what stands in them: another prompt of the same shape may be shown whole
                last = _last_question(roles)
                text = self._render(move_turns(prompt, moves | {place for place in lost if place < last}))
                lost = _lost(prompt, text)
        except ModelError as error:
            raise PromptError(str(error)) from error
        if lost:
            place = min(lost)
            start = " ".join(prompt[place].content.split())[:40]
            raise PromptError(
                f"model {self.name}: its chat template does not show the {NAMES[prompt[place].role]} that begins "
                f"“{start}” as it is written; mend the template, or set format: plain"
            )
        return text

    def check(self) -> None:
        """Raise ModelError if the template cannot show a question, alone or behind a system turn and an exchange."""
        if _computes_powers(str(self.tokenizer.chat_template or "")):
            raise ModelError(
                f"model {self.name}: its chat template computes a power (**), which may never end and which no "
                "template needs; mend the template"
            )
        for roles in PROBES:
            self._find_moves(roles)

    def _moves_for(self, roles: tuple[Role, ...]) -> frozenset[int]:
        """The places of the turns that the template drops or refuses in a prompt of these roles."""
        if roles not in self._moves:
            self._moves[roles] = self._find_moves(roles)
            self._tell(roles, self._moves[roles])
        return self._moves[roles]

    def _find_moves(self, roles: tuple[Role, ...]) -> frozenset[int]:
        """Found with words that no template contains, in the place of each turn's text."""
        probe = tuple(Message(role, f"Kxq{place}z") for place, role in enumerate(roles))
        refusal = ""
        for attempt in _attempts(roles):
            moves = attempt
            for _ in range(2):  # what is dropped is moved, and looked for again
                try:
                    lost = _lost(probe, self._render(move_turns(probe, moves)))
                except ModelError as error:
                    refusal = str(error)
                    break
                if not lost:
                    return moves
                moves |= frozenset(place for place in lost if place < _last_question(roles))
        raise ModelError(
            refusal
            or f"model {self.name}: its chat template leaves out the question; mend the template, or set format: plain"
        )

    def _render(self, prompt: Prompt) -> str:
        try:
            return as_chat(self.tokenizer, prompt, self.enable_thinking)
        except Exception as error:  # a template is a program: what it raises is the model's fault, not the harness's
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ModelError(
                f"model {self.name}: its chat template fails ({reason}); mend the template, or set format: plain"
            ) from error

    def _tell(self, roles: Sequence[Role], moves: Collection[int]) -> None:
        kinds = sorted({f"{NAMES[roles[place]]}s".replace("system turns", "system turn") for place in moves})
        note = f"model {self.name}: its chat template drops or refuses the {' and the '.join(kinds)}"
        if kinds and note not in self._notes:
            self._notes.add(note)
            log.warning("%s; their text is put at the start of the user turn that follows", note)


def _computes_powers(template: str) -> bool:
    """Whether `**` stands between two values: 9**(9**9) cannot even be interrupted. Behind ( or , it hands on names."""
    from jinja2 import Environment, TemplateSyntaxError

    try:
        tokens = [text for _, kind, text in Environment().lex(template) if kind not in ("whitespace", "data")]
    except TemplateSyntaxError:
        return False  # rendering says why
    return any(token == "**" and before not in ("(", ",") for before, token in pairwise(tokens))


def without_empty_system(prompt: Prompt) -> Prompt:
    """The prompt without a system turn that says nothing: it keeps a template from adding a text of its own."""
    return tuple(message for message in prompt if message.content or message.role != "system")


def move_turns(prompt: Prompt, places: Collection[int]) -> Prompt:
    """The prompt with the texts of some turns at the start of the next user turn that stays."""
    turns: list[Message] = []
    moved: list[Message] = []
    for place, message in enumerate(prompt):
        if place in places:
            moved += without_empty_system((message,))
        elif moved and message.role == "user":
            turns.append(Message("user", _joined([*moved, message])))
            moved = []
        else:
            turns.append(message)
    return (*turns, *moved)


def _joined(turns: Sequence[Message]) -> str:
    """Texts apart by a blank line, an answer directly under its question."""
    text = turns[0].content
    for before, turn in pairwise(turns):
        answers = turn.role == "assistant" and before.role == "user"
        text += ("\n" if answers else "\n\n") + turn.content
    return text


def _attempts(roles: Sequence[Role]) -> Iterator[frozenset[int]]:
    """What may have to be moved, the least first: nothing, the system turn, a turn before one of its kind, all."""
    system = frozenset(place for place, role in enumerate(roles) if role == "system")
    doubled = frozenset(place for place, (role, following) in enumerate(pairwise(roles)) if role == following)
    before = frozenset(range(max(0, _last_question(roles))))
    yield from dict.fromkeys((frozenset[int](), system, doubled, system | doubled, before))


def _last_question(roles: Sequence[Role]) -> int:
    return max((place for place, role in enumerate(roles) if role == "user"), default=-1)


def _lost(prompt: Prompt, text: str) -> frozenset[int]:
    """The places of the turns whose text does not stand in a rendering, white space aside.

    Templates of reasoning models leave out the reasoning of earlier answers; the answers must be there.
    """
    rendering = _dense(text)
    return frozenset(
        place
        for place, message in enumerate(prompt)
        if _dense(message.content) not in rendering
        and (message.role != "assistant" or _dense(without_reasoning(message.content)[0]) not in rendering)
    )


def _dense(text: str) -> str:
    return "".join(text.split())


def split_delimiter(delimiter: str) -> tuple[str, str]:
    """What of a delimiter ends the prompt, and the white space behind it, which begins the answer.

    Tokenizers merge white space with the first word of the answer, so the model writes it itself.
    """
    ending = delimiter.rstrip()
    return ending, delimiter[len(ending) :]


def as_plain(prompt: Prompt, delimiter: str) -> str:
    """The messages as running text: `question` + delimiter + `answer`, exchanges joined by a blank line.

    The text ends with the last question and what the delimiter has before its last white space (`split_delimiter`).
    """
    text = ""
    for index, message in enumerate(without_empty_system(prompt)):
        joint = "" if index == 0 else delimiter if message.role == "assistant" else PLAIN_JOINT
        text += joint + message.content
    return text + split_delimiter(delimiter)[0]
