"""Makes predictions of a model's completions, and says what keeps it from reasoning before it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.components.answer import Answer
from harness.components.calls import Calls
from harness.components.completing import ReadReply, reading_of
from harness.components.model import Model
from harness.errors import HarnessError
from harness.records.inputs import Generation, Prompt, Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.text.replies import after_marker, without_reasoning

NO_REASON = "the call failed without a reason"


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
    if generation.reasoning_tokens is not None and (window := _window(name, models)) is not None:
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
            reading=reading_of(read, sample, completion) if errors[index] is None else Reading(),
            finish=completion.finish,
            tokens_in=completion.tokens_in,
            tokens_out=completion.tokens_out,
            seconds=completion.seconds,
            logprobs=completion.logprobs,
            greedy=completion.greedy,
            confidence=confidence_of(completion),
            error=errors[index],
            rendered=completion.rendered,
            reasoning=completion.reasoning,
            elsewhere=completion.elsewhere,
            serving=completion.serving,
        )
        for index, (sample, prompt, completion) in enumerate(zip(samples, prompts, completions, strict=True))
    ]


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
