"""Which confidences the steps of a cascade have, checked before any model is asked."""

from collections.abc import Mapping, Sequence
from typing import Literal

from baselines.variants.prompting import Prompting
from baselines.variants.rag import Rag
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.inputs import PassageSet, Sample
from harness.text.normalise import normalise
from harness.text.passage_texts import wordings

Confidence = Literal["margin", "logprob", "agreement", "retrieval"]
CHECKED_ROWS = 50  # train rows: enough to see whether a knowledge base was made of them
MIN_LENGTH = 6  # characters: shorter inputs stand in passages by chance
MAX_SHARE = 0.2  # of the checked rows that may stand in the passages


def unfit_reason(confidence: Confidence, step: Variant, task: Task, models: Mapping[str, Model]) -> str | None:
    """Why a step's answers have no such confidence on this task; None if they have."""
    reasons = (_reason(confidence, own, task, models) for own in step.alternatives())
    return next((reason for reason in reasons if reason is not None), None)


def _reason(confidence: Confidence, step: Variant, task: Task, models: Mapping[str, Model]) -> str | None:
    scored = any(task.answer.options(sample) for sample in task.data.test[:1])
    if not isinstance(step, Prompting):
        return "asks no model, so nothing tells how sure it is"
    if confidence == "retrieval":
        return (
            None
            if isinstance(step, Rag) and step.retrieves
            else "looks nothing up; it must be a rag variant that retrieves"
        )
    if confidence == "margin":
        return None if scored else f"scores no options; that takes answer: {_choice(models[step.model])}"
    if confidence == "agreement":
        return None if step.samples > 1 else "answers once; give it samples: 5, temperature: 0.7"
    if task.answer.is_first_token:
        return None
    if scored:
        return "scores options instead of generating text; use confidence: margin"
    if step.samples > 1:
        return "votes; use confidence: agreement"
    model = models[step.model]
    if model.tells_logprob:
        return None
    reason = f"asks {step.model}, which does not tell log-probabilities; use confidence: agreement or retrieval"
    is_choice = bool(task.data.test[0].options) and model.tells_first_token
    return f"{reason}, or answer: {{choice: {{by: first_token}}}}" if is_choice else reason


def _choice(model: Model) -> str:
    """The kind of answer for which a model tells how likely each option is."""
    way = "first_token" if model.tells_first_token and not model.scores_options else "loglikelihood"
    return f"{{choice: {{by: {way}}}}}"


def searched_knowledge(step: Variant) -> list[str]:
    """The knowledge bases that a step's passages come from."""
    rags = [own for own in step.alternatives() if isinstance(own, Rag) and not own.closed_book]
    return list(dict.fromkeys(own.knowledge for own in rags))


def contains_rows(passage_set: PassageSet, rows: Sequence[Sample]) -> bool:
    """Whether passages contain rows' inputs, or have them as names: then retrieval finds the rows' own answers."""
    names = {normalise(name) for passage in passage_set.passages for name in passage.learned_names}
    if sum(normalise(row.input) in names for row in rows) > MAX_SHARE * len(rows):
        return True
    inputs = [text for text in (normalise(row.input) for row in rows[:CHECKED_ROWS]) if len(text) >= MIN_LENGTH]
    if not inputs:
        return False
    texts = "\0".join(normalise(text) for passage in passage_set.passages for text in wordings(passage))
    return sum(text in texts for text in inputs) > MAX_SHARE * len(inputs)
