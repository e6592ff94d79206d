"""How an option's letter may be written as the first token of a reply, and which tokens are such a form."""

import re
import unicodedata
from collections.abc import Sequence

COUNTED_FORMS = 8  # of "A": "A", " A", "a", " a", "Ａ", "ａ", "A.", "A)", what a vocabulary may have of it at most
_MARKERS = str.maketrans({"▁": " ", "Ġ": " ", "Ċ": "\n"})  # how vocabularies spell white space
_FORM = re.compile(r"""\s*[(\[【《“"'*]{0,2}([^\W\d_])[.)\]】》”"*:,;、。\s]*""")
_CONTRACTION = re.compile(r"\s*['’][a-z]")  # what is left of "I'd" and "he's"


def written_option(token: str, options: Sequence[str]) -> str | None:
    """The option that a token is a form of; None if of none.

    White space, brackets, quotes and emphasis may stand before the letter, what ends it behind it: "(A", "A.", "A)",
    "A：". A letter that goes on in the token is another word: "An", "A-", "A+", "A1", "A型".
    """
    text = unicodedata.normalize("NFKC", token.translate(_MARKERS))
    match = None if _CONTRACTION.fullmatch(text) else _FORM.fullmatch(text)
    letter = match[1].upper() if match else None
    return letter if letter in options else None
