"""What stands around an answer in a reply: reasoning that is no answer, and ways of writing that hide one."""

import re
import unicodedata

from harness.text.normalise import visible
from harness.text.reasoning import marker_pattern, split_reasoning

UNCLOSED = "the reasoning block is not closed: the reply ends before an answer"
ONLY_REASONING = "there is nothing but a reasoning block"
EMPTY = "the reply is empty"
MOVED = "the answer is not the same in every order of the options"
CUT_INSIDE = "the reply was cut inside its reasoning"
OPEN_OPTION = "which option is likeliest is not told"  # by the first tokens that a server lists


def without_reasoning(reply: str) -> tuple[str, str | None]:
    """The reply without `<think>…</think>` and the like and the white space around it; a reason if nothing is left."""
    outside, has_tags, is_closed = split_reasoning(reply)
    if not is_closed:
        return "", UNCLOSED
    text = outside.strip()
    return text, ONLY_REASONING if has_tags and not text else None


def is_unreadable(reason: str | None) -> bool:
    """Whether a reason for no answer lies in a reply's form: not where each could be read, and all together not."""
    return reason is not None and not reason.startswith(MOVED)


def lack_of_answer(text: str, reasoning: str, tokens: int, is_cut: bool) -> str | None:
    """Why a reply has no answer whose reasoning its server keeps apart; None where it has a text, or no reasoning."""
    if text.strip() or not reasoning.strip():
        return None
    if is_cut:
        return f"{CUT_INSIDE} after {tokens:,} tokens, before there was an answer; raise reasoning_tokens"
    return ONLY_REASONING


def after_marker(text: str, marker: str) -> tuple[str, str | None]:
    """What follows the last `marker`; a reason when there is nothing. Colons of both widths are one, and so is any
    white space.
    """
    markers = list(re.finditer(marker_pattern(marker), text))
    if not markers:
        return "", missing_marker(marker) if text else EMPTY
    answer = text[markers[-1].end() :].strip()
    if text[: markers[-1].start()].endswith("**"):  # **marker** answer, or **marker answer**
        answer = answer.removeprefix("**").removesuffix("**").strip()
    return answer, None if answer else f"nothing follows the marker “{marker}”"


def missing_marker(marker: str) -> str:
    """The reason of a reply without its marker."""
    return f"the marker “{marker}” is missing"


def has_marker(text: str, marker: str) -> bool:
    """Whether a text names the marker in any of the forms in which `after_marker` finds it."""
    return re.search(marker_pattern(marker), text) is not None


_ENCLOSED = re.compile(r"(?:NEGATIVE )?(?:CIRCLED|SQUARED|PARENTHESIZED) LATIN (?:CAPITAL|SMALL) LETTER ([A-Z])")
_LATEX = re.compile(r"\\(?:text|textbf|mathbf|mathrm|textrm)\s*\{([^{}]*)\}")
_NEXT_BOX = re.compile(r"\}([\s$]*(?:[,，、;；]|and|和|与)[\s$]*)\\boxed\s*\{")  # two boxes in a list are one
_BOXED = re.compile(r"\\boxed\s*\{([^{}]*)\}")
_DECORATION = re.compile(
    r"""\*+|```\w*(?=\n)|`+|__|\$|["'“”‘’「」『』]|^[ \t]*(?:#+|>|[-•](?=\s))[ \t]*|\\[()\[\]]""", re.MULTILINE
)
_BRACKETS = str.maketrans("【〔〖】〕〗{}", "[[[]]][]")


def plain(text: str) -> str:
    """A reply in plain writing: no Markdown, LaTeX, quotation marks or invisible characters; full-width and enclosed
    letters as ASCII, white space in runs of one.

    Not NFKC as a whole, which would make letters out of ℃ and Ⅴ.
    """
    text = _BOXED.sub(r" 答案:\1 ", _NEXT_BOX.sub(r"\1", _LATEX.sub(r"\1", visible(text))))
    text = re.sub(r"(?<=\w)'(?=\w)", "’", text)
    text = "".join(map(_plain_character, text))
    text = re.sub(r"n’t\b", " not", re.sub(r"\b([Cc])an’t\b", r"\1annot", text))
    text = _DECORATION.sub("", text).translate(_BRACKETS)
    return re.sub(r" ?\n\s*", "\n", re.sub(r"[^\S\n]+", " ", text)).strip()


def _plain_character(character: str) -> str:
    if character < "\u0080" or "\u3000" < character < "\uff00":  # ASCII and CJK: by far the most
        return character
    name = unicodedata.name(character, "")
    enclosed = _ENCLOSED.fullmatch(name)
    if enclosed:
        return enclosed[1]
    if name.startswith(("FULLWIDTH ", "MATHEMATICAL ")) or character.isspace():
        return unicodedata.normalize("NFKC", character)
    return character
