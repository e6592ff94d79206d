"""Which of pydantic's errors tell what is wrong, where a value may have one of several forms."""

from collections.abc import Sequence

from pydantic_core import ErrorDetails


def telling_errors(errors: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """The errors without those that only say that a mapping is no text, where another says what is wrong inside it."""
    return [error for error in errors if not _is_of_another_form(error, errors)]


def _is_of_another_form(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    if error["type"] != "string_type" or not isinstance(error.get("input"), dict):
        return False
    place = error["loc"][:-1]  # pydantic counts the form, e.g. "str", as a part of the place
    return any(other is not error and other["loc"][: len(place)] == place and len(place) > 0 for other in errors)


def alternatives(reasons: Sequence[str]) -> str:
    """What the forms that a value may have say against it, as one sentence."""
    heads = [head or tail for head, _, tail in (reason.rpartition(", not ") for reason in reasons)]
    value = reasons[-1].removeprefix(heads[-1])
    return " or ".join([heads[0], *(head.removeprefix("must be ") for head in heads[1:])]) + value
