"""Asks a model a task's prompts in the way the task wants, and turns what comes back into predictions."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.components.answer import Answer
from harness.components.task import Task
from harness.records.inputs import Generation, Prompt, Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.runtime.context import Context
from harness.text.replies import after_marker, without_reasoning

Read = Callable[[Sample, str], Reading]
NO_REASON = "the call failed without a reason"


def ask(
    context: Context,
    model: str,
    task: Task,
    samples: Sequence[Sample],
    prompts: Sequence[Prompt],
    generation: Generation,
) -> list[Completion]:
    """One completion a sample: scored options where the task asks for likelihood, else generated text."""
    options = [task.answer.options(sample) for sample in samples]
    if any(options):
        return context.score_options(model, prompts, options)
    return context.generate(model, prompts, generation)


def predict(
    context: Context,
    samples: Sequence[Sample],
    prompts: Sequence[Prompt],
    completions: Sequence[Completion],
    read: Read,
) -> list[Prediction]:
    """Predictions of the context's cell from completions. A failed completion has an error and is not read."""
    errors = [completion.error or (NO_REASON if completion.finish == "error" else None) for completion in completions]
    return [
        Prediction(
            sample_id=sample.id,
            task=sample.task,
            variant=context.cell.variant,
            messages=prompt,
            text=completion.text,
            reading=read(sample, completion.text) if errors[index] is None else Reading(),
            finish=completion.finish,
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            seconds=completion.seconds,
            logprobs=completion.logprobs,
            confidence=_confidence(completion),
            error=errors[index],
        )
        for index, (sample, prompt, completion) in enumerate(zip(samples, prompts, completions, strict=True))
    ]


def _confidence(completion: Completion) -> dict[str, float]:
    """How sure the model was: by how much the likeliest option leads, how likely its own text was to it."""
    sure = {}
    if completion.logprobs and len(completion.logprobs) > 1:
        second, first = sorted(completion.logprobs)[-2:]
        sure["margin"] = first - second
    if completion.logprob is not None:
        sure["logprob"] = completion.logprob
    return sure


def after_reasoning(answer: Answer, marker: str) -> Read:
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
