"""The error tree: what the user can mend is told in one line; anything else is a bug and shows its traceback.

HarnessError                 the user's set-up or input: printed as one line on stderr, exit status 2
├── SuiteError               mistakes in a suite file: all of them, one line each
├── DataError                a data file or one of its rows: names file and line
├── ModelError               a model that cannot be found, loaded or reached
│   ├── NotFiniteError       a model that gave NaN or infinity where a number is needed
│   ├── PromptError          a prompt that a model's chat template does not show whole
│   └── InterruptionError    what answers went away during a run: exit status 1, the run goes on later
│       ├── ServerGoneError  a server that stopped answering
│       └── DeviceGoneError  a GPU that failed, or whose memory ran out
└── StoreError               the run folder or the cache cannot be read or written

A single failed model call is not an exception: it is a Completion whose finish is "error" (failure is data).
"""

import difflib
import unicodedata
from collections.abc import Iterable


class HarnessError(Exception):
    """Something the user can mend. Each line names the place, what is wrong and what would be right."""

    def __init__(self, *mistakes: str) -> None:
        self.lines = tuple(map(one_line, mistakes))
        super().__init__("\n".join(self.lines))


class SuiteError(HarnessError):
    """One or more mistakes in a suite file, one line each."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        super().__init__(*mistakes)

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The lines."""
        return self.lines


class DataError(HarnessError):
    """A data file that cannot be read as asked: `file:line: reason`."""


class ModelError(HarnessError):
    """A model that cannot be found, loaded or reached."""


class NotFiniteError(ModelError):
    """A model gave NaN or infinity where a number is needed."""


class PromptError(ModelError):
    """One prompt cannot be shown by a chat template that shows others."""


class InterruptionError(ModelError):
    """What answers or trains went away in the middle of a run: the run is interrupted, not failed."""


class ServerGoneError(InterruptionError):
    """A server stopped answering in the middle of a run and did not come back in time: interrupted, not failed."""


class DeviceGoneError(InterruptionError):
    """A device failed, or had no memory left, in the middle of a run."""


class StoreError(HarnessError):
    """A run folder or cache that cannot be read or written."""


def one_line(text: str) -> str:
    """A text whose values may hold anything, as one line: signs that break a line or steer a terminal are escaped."""
    return "".join(ascii(sign)[1:-1] if unicodedata.category(sign) in _UNSHOWN else sign for sign in text)


_UNSHOWN = {"Cc", "Cs", "Zl", "Zp"}  # control signs, halves of surrogate pairs, separators of lines and paragraphs


def nearest(name: str, valid: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest valid one, or all of them when none is near."""
    valid = sorted(valid)
    close = difflib.get_close_matches(name, valid, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(valid)}" if valid else "none is defined"


def reason_of(error: Exception) -> str:
    """What a foreign exception about a path says, in one line."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return "its name holds a NUL character" if "null" in str(error) else " ".join(str(reason).split())


def shown_path(path: object) -> str:
    """A path for a message: one that is too long to be read is shortened in the middle."""
    text = str(path).replace("\0", "\\0")
    return text if len(text) <= 200 else f"{text[:90]}…{text[-90:]} ({len(text):,} characters)"
