"""Why many answers of a cell share a fault, as far as its settings tell, and what to do about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from harness.components.fields import written
from harness.components.model import Model
from harness.components.task import Task
from harness.models.huggingface import HuggingFace
from harness.records.anomalies import CellFault
from harness.records.inputs import Cell, Generation
from harness.records.outputs import Prediction
from harness.records.sentences import Sentence
from harness.suite.suite import Suite
from harness.summary.anomaly_sentences import Explanation, explanation
from harness.summary.cut_prompts import counted_tokens, sent_text
from harness.text.replies import ONLY_REASONING, UNCLOSED, missing_marker
from harness.text.stating import state


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSettings:
    """What the answers of a cell depend on, as far as a cause can lie there."""

    generation: Generation
    answer: str  # the kind of answer as a suite names it
    is_plain: bool  # the model is sent running text, not turns
    is_trained: bool  # the run trained the model
    is_limited_by_targets: bool = False  # the most tokens follow from the train rows

    @property
    def stops(self) -> str:
        """The stop strings as a suite writes them."""
        return json.dumps(list(self.generation.stop), ensure_ascii=False)

    @property
    def limit(self) -> int | str:
        """The most tokens of an answer as a suite writes it."""
        return "auto" if self.is_limited_by_targets else self.generation.max_tokens


def cell_settings(suite: Suite, task: Task, cell: Cell) -> CellSettings:
    """The settings of a task asked by a variant."""
    model = _model(suite, cell.variant)
    root = None if model is None else model.root()
    generation = suite.answering()[cell.variant].generation(task)
    return CellSettings(
        generation=generation,
        is_limited_by_targets=task.is_limited_by_targets and generation.max_tokens == task.generation.max_tokens,
        answer=next(iter(written(task.answer))),
        is_plain=isinstance(root, HuggingFace) and root.format == "plain",
        is_trained=model is not None and bool(model.training_prompts()),
    )


def _model(suite: Suite, variant: str) -> Model | None:
    name = suite.usage.answering_model[variant]
    return None if name is None else suite.models[name]


def explain(kind: CellFault, settings: CellSettings, predictions: Sequence[Prediction]) -> Explanation:
    """The likely cause of a fault that these answers share, and the remedy."""
    match kind:
        case "first token":
            return _ended_at_once(settings)
        case "empty":
            return _left_empty(predictions)
        case "cut":
            return _ran_on(settings, predictions)
        case "refusal":
            return explanation("refusal", "refusal")
        case "unreadable":
            return _did_not_keep_the_form(settings, predictions)
        case "cut prompts":
            return _lost_a_part(predictions)
        case "no option":
            return _began_otherwise(predictions)
        case "open option":
            return explanation("open_option", "open_option")
        case "same answer":
            return _ignored_the_question(settings, predictions)


def _ended_at_once(settings: CellSettings) -> Explanation:
    """A trained model must be trained again, too: it has learnt the old end."""
    if settings.generation.stop:
        cause = "plain_stop_string" if settings.is_plain else "stop_string"
        remedy = "trained_stop_string" if settings.is_trained else "stop_string"
        return explanation(cause, remedy, stops=settings.stops)
    return explanation("end_token", "trained_end_token" if settings.is_trained else "end_token")


def _left_empty(predictions: Sequence[Prediction]) -> Explanation:
    in_reasoning = [p for p in predictions if p.finish == "length" and p.reasoning.strip()]
    if 2 * len(in_reasoning) > len(predictions):
        return explanation("cut_reasoning", "cut_reasoning")
    return explanation("no_text", "no_text")


def _lost_a_part(predictions: Sequence[Prediction]) -> Explanation:
    """In figures: the counts, and how long the texts are that have them."""
    counts = sorted(round(counted_tokens(prediction)) for prediction in predictions)
    lengths = sorted(len(sent_text(prediction)) for prediction in predictions)
    return explanation("cut_prompts", "cut_prompts", tokens=_span(counts), characters=_span(lengths))


def _span(ascending: Sequence[int]) -> str | Sentence:
    low, high = f"{ascending[0]:,}", f"{ascending[-1]:,}"
    return low if low == high else state("nouns.range", "{low} to {high}", low=low, high=high)


def _began_otherwise(predictions: Sequence[Prediction]) -> Explanation:
    mean = sum(prediction.elsewhere or 0.0 for prediction in predictions) / len(predictions)
    return explanation("no_option", "no_option", share=f"{100 * mean:.1f}")


def _ran_on(settings: CellSettings, predictions: Sequence[Prediction]) -> Explanation:
    if _most_have(predictions, UNCLOSED, ONLY_REASONING, _lack_of_marker(settings)):
        return explanation("long_reasoning", "long_reasoning")
    name = "endless_text" if settings.is_plain and not settings.generation.stop else "long_answers"
    return explanation(name, name, limit=settings.limit)


def _lack_of_marker(settings: CellSettings) -> str:
    """How a reply is read that never came to the marker; empty where no marker is asked for."""
    return missing_marker(settings.generation.marker) if settings.generation.marker else ""


def _most_have(predictions: Sequence[Prediction], *reasons: str) -> bool:
    """Whether more than half could not be read for one of the reasons."""
    reasoned = sum((prediction.reading.reason or None) in reasons for prediction in predictions)
    return 2 * reasoned > len(predictions)


def _did_not_keep_the_form(settings: CellSettings, predictions: Sequence[Prediction]) -> Explanation:
    if _most_have(predictions, _lack_of_marker(settings)):
        return explanation("no_marker", "no_marker")
    if _most_have(predictions, UNCLOSED, ONLY_REASONING):
        return explanation("open_reasoning", "open_reasoning")
    if 2 * sum(prediction.reading.lenient is not None for prediction in predictions) > len(predictions):
        return explanation("other_form", "other_form")
    is_free = settings.answer == "json" and not settings.generation.strict
    return explanation("no_form", "free_form" if is_free else "no_form", answer=settings.answer)


def _ignored_the_question(settings: CellSettings, predictions: Sequence[Prediction]) -> Explanation:
    if len({prediction.messages for prediction in predictions}) == 1 and len(predictions) > 1:
        return explanation("single_prompt", "single_prompt")
    if predictions[0].logprobs is not None:
        return explanation("preferred_option", "preferred_option")
    name = "collapse" if settings.is_trained else "unused_question"
    return explanation(name, name)
