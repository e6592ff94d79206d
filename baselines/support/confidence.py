"""What a step of a cascade can be sure by, checked before anything is asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from baselines.variants.prompting import Prompting
from baselines.variants.rag import Rag
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.inputs import Corpus, Sample
from harness.text.normalise import normalise

if TYPE_CHECKING:
    from harness.suite.suite import Suite

Confidence = Literal["margin", "logprob", "agreement", "retrieval"]
LOOKED_AT = 50  # train rows: enough to see whether a knowledge base was made of them
LONG = 6  # characters: shorter inputs stand in passages by chance
MANY = 0.2


def unfit(confidence: Confidence, step: Variant, task: Task, suite: "Suite") -> str | None:
    """Why a step's answers have no such confidence on this task; None if they have."""
    scored = any(task.answer.options(sample) for sample in task.data.test[:1])
    if not isinstance(step, Prompting):
        return "asks no model, so nothing tells how sure it is"
    if confidence == "retrieval":
        looks = isinstance(step, Rag) and not (step.closed_book or step.oracle)
        return None if looks else "looks nothing up; it must be a rag variant that retrieves"
    if confidence == "margin":
        return None if scored else "scores no options; that takes answer: {choice: {by: loglikelihood}}"
    if confidence == "agreement":
        return None if step.samples > 1 else "answers once; give it samples: 5, temperature: 0.7"
    if scored:
        return "scores options instead of generating text; use confidence: margin"
    if step.samples > 1:
        return "votes; use confidence: agreement"
    if not suite.models[step.model].tells_logprob:
        return f"asks {step.model}, which does not tell log-probabilities; use confidence: agreement or retrieval"
    return None


def searched(step: Variant) -> list[str]:
    """The knowledge base that a step looks things up in."""
    return [step.knowledge] if isinstance(step, Rag) and not step.closed_book else []


def holds_rows(corpus: Corpus, rows: Sequence[Sample]) -> bool:
    """Whether passages hold the inputs of rows word for word: then the rows' answers are found by looking them up."""
    inputs = [text for text in (normalise(row.input) for row in rows[:LOOKED_AT]) if len(text) >= LONG]
    if not inputs:
        return False
    texts = "\0".join(normalise(passage.text) for passage in corpus.passages)
    return sum(text in texts for text in inputs) > MANY * len(inputs)
