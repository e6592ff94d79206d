"""The makings of tiny real models: those of the self-test, and a prompt for them."""

from harness.records.inputs import Message, Prompt
from harness.selftest.tiny_models import CHATML, LINES, SPECIALS, WINDOW, readable, save_tokenizer, sizes

__all__ = ["CHATML", "LINES", "SPECIALS", "WINDOW", "readable", "save_tokenizer", "sizes", "user"]


def user(text: str) -> Prompt:
    return (Message("user", text),)
