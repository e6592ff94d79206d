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
from harness.suite.suite import Suite
from harness.summary.cut_prompts import counted_tokens, sent_text
from harness.text.replies import ONLY_REASONING, UNCLOSED, missing_marker

Explanation = tuple[str, str]  # the likely cause, the remedy
LOOK = "look at some of the prompts as they were sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSettings:
    """What the answers of a cell depend on, as far as a cause can lie there."""

    generation: Generation
    answer: str  # the kind of answer as a suite names it
    is_plain: bool  # the model is sent running text, not turns
    is_trained: bool  # the run trained the model

    @property
    def stops(self) -> str:
        """The stop strings as a suite writes them."""
        return json.dumps(list(self.generation.stop), ensure_ascii=False)


def cell_settings(suite: Suite, task: Task, cell: Cell) -> CellSettings:
    """The settings of a task asked by a variant."""
    model = _model(suite, cell.variant)
    root = None if model is None else model.root()
    return CellSettings(
        generation=suite.answering()[cell.variant].generation(task),
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
            return (
                "the model takes the question for something that it must not or cannot answer",
                "say in the system turn what the task is for and that an answer is wanted, or take another model; "
                "where passages are shown, look whether they hold the answer",
            )
        case "unreadable":
            return _did_not_keep_the_form(settings, predictions)
        case "cut prompts":
            return _lost_a_part(predictions)
        case "no option":
            return _began_otherwise(predictions)
        case "open option":
            return (
                "the first token is spread over so many spellings and other words that the few which the server lists "
                "do not tell the likeliest option, as often with small models",
                "take a larger model, ask for the bare letter, show it by worked examples (shots), or let the model "
                "write its answer (choice: {by: generation}); a model in this process knows all its tokens "
                "(huggingface, by: first_token or loglikelihood)",
            )
        case "same answer":
            return _ignored_the_question(settings, predictions)


def _ended_at_once(settings: CellSettings) -> Explanation:
    again = (
        "; a trained model must then be trained again, because it has learnt the old end" if settings.is_trained else ""
    )
    if settings.generation.stop:
        plain = ", for instance the white space of the delimiter in format: plain" if settings.is_plain else ""
        return (
            f"the first thing that the model writes is a stop string ({settings.stops}){plain}, or its end token",
            "end the prompt with what the model would write first (the template, or delimiter in format: plain), or "
            f"take it out of stop{again}",
        )
    return (
        "the first thing that the model writes is its end token: the prompt looks finished to it, for instance by a "
        "chat template that opens no turn for the answer",
        f"look at how the prompt ends, and ask a base model in format: plain{again}",
    )


def _left_empty(predictions: Sequence[Prediction]) -> Explanation:
    in_reasoning = [p for p in predictions if p.finish == "length" and p.reasoning.strip()]
    if 2 * len(in_reasoning) > len(predictions):
        return (
            "the replies were cut inside their reasoning, which the server keeps apart, before an answer began",
            "raise reasoning_tokens of the task or the variant: max_tokens is for the answer; or switch reasoning off",
        )
    return (
        "tokens were generated, but none of them is text of the answer: reasoning that is kept apart, special "
        "tokens only, or a stop string at the beginning",
        "switch reasoning off or give it more tokens (reasoning_tokens), and look at how the prompt ends",
    )


def _lost_a_part(predictions: Sequence[Prediction]) -> Explanation:
    """In figures: the counts, and how long the texts are that have them."""
    counts = sorted(round(counted_tokens(prediction)) for prediction in predictions)
    lengths = sorted(len(sent_text(prediction)) for prediction in predictions)
    return (
        f"the server counted {_span(counts)} tokens for texts of {_span(lengths)} characters, which have more: it cut "
        "the prompts at its context and did not say so; what was cut off was never read",
        "give the server a longer context (num_ctx of ollama:, --ctx-size of llama.cpp, --max-model-len of vLLM), or "
        "shorten the prompts",
    )


def _span(ascending: Sequence[int]) -> str:
    low, high = ascending[0], ascending[-1]
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _began_otherwise(predictions: Sequence[Prediction]) -> Explanation:
    mean = sum(prediction.elsewhere or 0.0 for prediction in predictions) / len(predictions)
    return (
        f"the reply would begin with something else than an option: probability {100 * mean:.1f} % on average, so that "
        "the pick is a choice among unlikely beginnings",
        "ask for the bare letter, show it by worked examples (shots), switch reasoning off, or let the model answer in "
        "words (choice: {by: generation})",
    )


def _ran_on(settings: CellSettings, predictions: Sequence[Prediction]) -> Explanation:
    limit = settings.generation.max_tokens
    if _most_have(predictions, UNCLOSED, ONLY_REASONING, _lack_of_marker(settings)):
        return (
            "reasoning took all tokens that it may have, before there was an answer",
            "raise reasoning_tokens of the task or the variant (behind a server max_tokens), or switch reasoning off",
        )
    if settings.is_plain and not settings.generation.stop:
        return (
            "a model in format: plain goes on with the text, and no stop string says where the answer ends",
            f'give the task stop strings (["\\n"] for answers of one line), or raise max_tokens ({limit})',
        )
    return (
        f"the answers are longer than max_tokens: {limit}, or the model does not know where to end them",
        "raise max_tokens, give stop strings, or say in the prompt how long an answer may be",
    )


def _lack_of_marker(settings: CellSettings) -> str:
    """How a reply is read that never came to the marker; empty where no marker is asked for."""
    return missing_marker(settings.generation.marker) if settings.generation.marker else ""


def _most_have(predictions: Sequence[Prediction], *reasons: str) -> bool:
    """Whether more than half could not be read for one of the reasons."""
    reasoned = sum((prediction.reading.reason or None) in reasons for prediction in predictions)
    return 2 * reasoned > len(predictions)


def _did_not_keep_the_form(settings: CellSettings, predictions: Sequence[Prediction]) -> Explanation:
    if _most_have(predictions, _lack_of_marker(settings)):
        return (
            "the model does not write the marker that its answer must follow",
            "ask for the marker in words of your own (instruction, or the task's prompt), show it by worked examples "
            "(shots), or let the model answer without reasoning first",
        )
    if _most_have(predictions, UNCLOSED, ONLY_REASONING):
        return (
            "the replies end in their reasoning, before there is an answer: often the chat template opens a block that "
            "this model does not close, or closes by another tag",
            "name the model's tags by reasoning_tags, switch reasoning off, or mend the template's end",
        )
    if 2 * sum(prediction.reading.lenient is not None for prediction in predictions) > len(predictions):
        return (
            "the answers are there, but not in the form that is asked for",
            "show the form by worked examples (shots), or ask for the bare answer; the report shows the lenient "
            "reading beside it",
        )
    is_free = settings.answer == "json" and not settings.generation.strict
    hold = "hold the replies to it (constrained: true), " if is_free else ""
    return (
        f"the replies do not keep to the form that answer: {settings.answer} reads",
        f"{hold}describe the form in the prompt, show it by worked examples (shots), and look at some replies",
    )


def _ignored_the_question(settings: CellSettings, predictions: Sequence[Prediction]) -> Explanation:
    compare = "compare with the variant {floor: {by: majority}}"
    if len({prediction.messages for prediction in predictions}) == 1 and len(predictions) > 1:
        return (
            "the items are asked by one and the same prompt: a template leaves out what differs between them",
            "put {{ question }}, or the columns that differ, into the variant's prompt",
        )
    if predictions[0].logprobs is not None:
        return (
            "the model prefers this option whatever is asked",
            f"show worked examples (shots) in which all options occur, or ask in another form; {compare}",
        )
    if settings.is_trained:
        return (
            "the training has collapsed to one answer: a learning rate that is too high, too many epochs, or rows that "
            "hardly differ",
            f"lower learning_rate or epochs, look at the loss and at the train rows; {compare}",
        )
    return (
        "the model does not use the question: it repeats a worked example, its prompt, or the commonest answer",
        f"{LOOK}, and change the examples or the instruction; {compare}",
    )
