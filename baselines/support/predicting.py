"""Asks a model the prompts of a task, by options or by generation, and makes predictions of its completions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from harness.components.answer import Answer
from harness.components.calls import Calls
from harness.components.model import Model
from harness.components.task import Task
from harness.errors import HarnessError
from harness.records.inputs import Generation, Prompt, Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.text.reasoning import REASONING_TOKENS
from harness.text.replies import after_marker, lack_of_answer, without_reasoning

ReadReply = Callable[[Sample, str], Reading]
NO_REASON = "the call failed without a reason"


def complete(
    calls: Calls, model: str, task: Task, samples: Sequence[Sample], prompts: Sequence[Prompt], generation: Generation
) -> list[Completion]:
    """One completion a sample: the likeliest option where the task has options to choose from, else generated text."""
    options = [task.answer.options(sample) for sample in samples]
    if any(options) and task.answer.is_first_token:
        return calls.first_token(model, prompts, options)
    if any(options):
        return calls.score_options(model, prompts, options)
    return calls.generate(model, prompts, generation)


def for_model(generation: Generation, model: Model, is_total: bool) -> Generation:
    """The options as a model can keep them: one that cannot tell reasoning from answer has one limit for both.

    `is_total`: the limit was given with the reasoning in mind.
    """
    if model.bounds_answers:
        return generation
    most, reasons = generation.reasoning_tokens, generation.marker is not None or model.is_set_to_reason
    if most is None:
        most = REASONING_TOKENS if reasons and not is_total else 0
    return replace(generation, max_tokens=generation.max_tokens + most, marker=None, reasoning_tokens=None)


def reasoning_mistakes(generation: Generation, name: str, models: Mapping[str, Model]) -> list[str]:
    """What of the options a model cannot keep when it reasons before it answers."""
    model, problems = models.get(name), []
    if model is None:
        return []  # an unknown name is told where references are checked
    reasons = generation.marker is not None or generation.reasoning_tokens is not None or model.is_set_to_reason
    if reasons and generation.stop and not model.bounds_answers:
        problems.append(
            f"model {name} is behind a server, whose stop strings would cut its reasoning too; leave out "
            "generation.stop, or the reasoning"
        )
    window = _window(name, models)
    if generation.reasoning_tokens is not None and window is not None:
        tokens = generation.reasoning_tokens + generation.max_tokens
        if tokens >= window:
            problems.append(
                f"reasoning_tokens and max_tokens are {tokens} together, but model {name} has room for {window} with "
                "the prompt; lower them"
            )
    return problems


def root_of(name: str, models: Mapping[str, Model]) -> Model:
    """The model itself, or the one at the end of the chain that it is made of; nothing is bound yet."""
    while (base := models[name].base_name) is not None and base in models:
        name = base
    return models[name]


def _window(name: str, models: Mapping[str, Model]) -> int | None:
    """The context length of a model or of what it is made of; None where that is not known here."""
    root = root_of(name, models)
    try:
        return root.context_length() if root.is_here() else None
    except HarnessError:  # told where models are checked
        return None


def predict(
    calls: Calls,
    samples: Sequence[Sample],
    prompts: Sequence[Prompt],
    completions: Sequence[Completion],
    read: ReadReply,
) -> list[Prediction]:
    """Predictions of the current cell from completions. A failed completion has an error and is not read."""
    errors = [completion.error or (NO_REASON if completion.finish == "error" else None) for completion in completions]
    return [
        Prediction(
            sample_id=sample.id,
            task=sample.task,
            variant=calls.cell.variant,
            messages=prompt,
            text=completion.text,
            reading=_reading(read, sample, completion) if errors[index] is None else Reading(),
            finish=completion.finish,
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            seconds=completion.seconds,
            logprobs=completion.logprobs,
            confidence=confidence_of(completion),
            error=errors[index],
            rendered=completion.rendered,
            reasoning=completion.reasoning,
            elsewhere=completion.elsewhere,
            serving=completion.serving,
        )
        for index, (sample, prompt, completion) in enumerate(zip(samples, prompts, completions, strict=True))
    ]


def _reading(read: ReadReply, sample: Sample, completion: Completion) -> Reading:
    """What a reply says; of one that is nothing but reasoning, why it says nothing."""
    reason = lack_of_answer(
        completion.text, completion.reasoning, completion.tokens_out, is_cut=completion.finish == "length"
    )
    return read(sample, completion.text) if reason is None else Reading(reason=reason)


def confidence_of(completion: Completion) -> dict[str, float]:
    """How sure the model was: the lead of its likeliest option, the log-probability of its own text."""
    confidence = {}
    if completion.logprobs and len(completion.logprobs) > 1:
        second, first = sorted(completion.logprobs)[-2:]
        confidence["margin"] = first - second
    if completion.logprob is not None:
        confidence["logprob"] = completion.logprob
    return confidence


def after_reasoning(answer: Answer, marker: str) -> ReadReply:
    """A reader for chain of thought: the answer is what follows the last marker outside reasoning blocks."""

    def read(sample: Sample, reply: str) -> Reading:
        text, reason = without_reasoning(reply)
        if reason is not None:
            return Reading(reason=reason)
        conclusion, reason = after_marker(text, marker)
        if reason is not None:
            lenient = answer.read(sample, text)
            return Reading(None, reason, lenient.lenient or lenient.answer)
        return answer.read(sample, conclusion)

    return read


def with_notes(prediction: Prediction, *notes: str) -> Prediction:
    """The prediction with further notes for its reader."""
    return replace(prediction, notes=(*prediction.notes, *notes))
