"""What lm-evaluation-harness asks of a model for one document: plain data, which stands in a sample's `meta`."""

from dataclasses import dataclass
from typing import Literal

KEY = "lm_eval"  # of `meta`: where it stands
RequestKind = Literal["loglikelihood", "loglikelihood_rolling", "generate_until"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LmEvalRequest:
    """One request. Its prompt is the item's own, with another question or none where the request has its own."""

    kind: RequestKind
    continuation: str = ""  # whose likelihood is asked behind running text; without a prompt, the whole text
    chat_continuation: str = ""  # the same behind a chat template, which needs no delimiter
    question: str | None = None  # in place of the item's
    is_unconditional: bool = False  # asked without any prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class LmEvalItem:
    """One document of a task of lm-eval, and what joins the parts of its prompt in running text."""

    document: int  # its place among those of the task, from 0
    choices: tuple[str, ...]  # of a multiple choice
    requests: tuple[LmEvalRequest, ...]
    description: str  # before all examples
    description_joint: str  # between a system text and the description
    question_joint: str  # between an example's question and its answer
    example_joint: str  # behind an example
    examples: str | None  # all examples as running text, where the joints do not tell it
    ending: str  # behind the question in running text
    prefix: str  # with which the answer begins
