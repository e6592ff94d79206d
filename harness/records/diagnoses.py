"""What was found of one part of the machine or the installation."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One part, its state, and what to do about it."""

    subject: str
    state: State
    text: str
    remedy: str = ""  # a command, or what to set; empty where nothing is to be done
    is_essential: bool = False  # whether every run needs it
