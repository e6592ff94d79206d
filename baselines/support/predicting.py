"""Asks a model the prompts of a task, by likelihood or by generation, and makes predictions of its completions."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.components.answer import Answer
from harness.components.calls import Calls
from harness.components.task import Task
from harness.records.inputs import Generation, Prompt, Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.text.replies import after_marker, without_reasoning

ReadReply = Callable[[Sample, str], Reading]
NO_REASON = "the call failed without a reason"


def complete(
    calls: Calls, model: str, task: Task, samples: Sequence[Sample], prompts: Sequence[Prompt], generation: Generation
) -> list[Completion]:
    """One completion a sample: scored options where the task asks for likelihood, else generated text."""
    options = [task.answer.options(sample) for sample in samples]
    if any(options):
        return calls.score_options(model, prompts, options)
    return calls.generate(model, prompts, generation)


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
