"""Secrets in texts: what is one, and the name of its variable in its place, wherever a text is shown or stored."""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote, quote_plus

from harness.records.outputs import Completion

SECRET_WORDS = frozenset(  # a variable with such a word in its name holds a secret
    ("APIKEY", "TOKEN", "SECRET", "SECRETS", "PASSWORD", "PASSWD", "PASS", "PASSPHRASE", "PWD", "BEARER",
     "AUTHORIZATION", "CREDENTIAL", "CREDENTIALS")
)  # fmt: skip
KEY_WORDS = frozenset(("KEY", "KEYS", "AUTH", "COOKIE", "SESSION"))  # with these it does if its value looks like one
TOKENS_OF_TEXT = frozenset(("STOP", "PAD", "EOS", "BOS", "UNK", "SEP", "MASK"))  # STOP_TOKEN is no secret
SHORTEST = 8  # characters of a secret: a shorter one may be a word of any answer, such as EMPTY or ollama
SHORTEST_WORD = 16  # letters of a secret that has nothing but letters
JSON_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
SHORTEST_MENTION = 3  # characters of what is kept out of messages, which nobody scores


class Redaction:
    """Puts `${NAME}` in the place of the value of each secret, in whatever way a text may spell it.

    Values that are too short, or plain words, may stand in any answer by chance: they are kept out of messages only.
    """

    def __init__(self, secrets: Mapping[str, str], mentions: Mapping[str, str] | None = None) -> None:
        """`mentions` are values that are kept out of messages, but are no secrets that would change an answer."""
        certain = {name: value for name, value in secrets.items() if _is_unmistakable(value)}
        mentioned = {**(mentions or {}), **secrets}
        self._certain = _forms(certain)
        self._mentioned = _forms({n: value for n, value in mentioned.items() if len(value) >= SHORTEST_MENTION})
        self._encoded = [(form.encode(), name.encode()) for form, name in self._certain if not _is_number(form)]
        self._digits = [(_apart(form), name.encode()) for form, name in self._certain if _is_number(form)]

    def redact(self, text: str) -> str:
        """An answer, or any other text that is read further, without secrets."""
        return _replaced(text, self._certain)

    def redact_message(self, text: str) -> str:
        """A message for people, without anything that came from a variable."""
        return _replaced(text, self._mentioned)

    def redact_bytes(self, content: bytes) -> bytes:
        """A part of a file without secrets. Digits alone are replaced in texts only: elsewhere they are a number."""
        for form, name in self._encoded:
            content = content.replace(form, name)
        return JSON_TEXT.sub(self._redact_digits, content) if self._digits else content

    def _redact_digits(self, text: re.Match[bytes]) -> bytes:
        content = text[0]
        for form, name in self._digits:
            content = form.sub(name, content)
        return content

    def redact_completion(self, completion: Completion) -> Completion:
        """A completion without secrets in its text and its error; the same one where it has none."""
        text = self.redact(completion.text)
        error = None if completion.error is None else self.redact_message(completion.error)
        if text == completion.text and error == completion.error:
            return completion
        return replace(completion, text=text, error=error)


def is_secret(name: str, value: str) -> bool:
    """Whether what a variable or field of this name holds is a secret: OPENAI_API_KEY, apiKey, x-auth-token."""
    spelt = re.sub(r"(?<=[a-z\d])(?=[A-Z])|[^A-Za-z\d]+", "_", name).upper().replace("API_KEY", "APIKEY")
    words = set(spelt.split("_"))
    if words & TOKENS_OF_TEXT:
        return False
    return bool(words & SECRET_WORDS) or bool(words & KEY_WORDS and resembles_key(value))


def secret_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """Of variables with their values, those that hold a secret by their name."""
    return {name: value for name, value in variables.items() if is_secret(name, value)}


def resembles_key(value: str) -> bool:
    """Whether a value looks like a generated key, whatever the name of its variable is: long, letters and digits."""
    is_mixed = bool(re.search(r"[A-Za-z]", value) and re.search(r"\d", value))
    return len(value) >= 12 and is_mixed and bool(re.fullmatch(r"[\w.~+=-]+", value, re.ASCII))


def _is_unmistakable(value: str) -> bool:
    return len(value) >= (SHORTEST_WORD if value.isalpha() else SHORTEST)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[\d.eE+-]+", text))


def _apart(digits: str) -> re.Pattern[bytes]:
    """Finds digits that are no part of a longer number."""
    return re.compile(rb"(?<!\d)" + re.escape(digits.encode()) + rb"(?!\d)")


def _forms(secrets: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each way to spell each secret, with what stands in its place; the longest first."""
    forms: dict[str, str] = {}
    for name, value in secrets.items():
        in_addresses = [quote(value), quote(value, safe=""), quote_plus(value)]
        in_addresses += [re.sub(r"%..", lambda code: code[0].lower(), form) for form in in_addresses]
        escaped = [json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], *_as_python_writes(value)]
        for form in (value, *in_addresses, html.escape(value), *escaped):
            forms.setdefault(form, f"${{{name}}}")
    return sorted(forms.items(), key=lambda pair: -len(pair[0]))


def _as_python_writes(value: str) -> tuple[str, str]:
    """A value inside the text of a mapping or list, between either kind of quotation marks."""
    body = repr(f'"{value}')[2:-1]  # with a double mark in it Python takes single ones
    return body, body.replace("\\'", "'")


def _replaced(text: str, forms: list[tuple[str, str]]) -> str:
    for form, name in forms:
        text = text.replace(form, name)
    return text
