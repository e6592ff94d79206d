"""What completions say, and the options of generation under which a model writes them."""

from collections.abc import Callable
from dataclasses import replace

from harness.components.model import Model
from harness.records.inputs import Generation, Sample
from harness.records.outputs import Completion, Reading
from harness.text.reasoning import REASONING_TOKENS
from harness.text.replies import lack_of_answer

ReadReply = Callable[[Sample, str], Reading]


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


def reading_of(read: ReadReply, sample: Sample, completion: Completion) -> Reading:
    """What a reply says; of one that is nothing but reasoning, why it says nothing."""
    reason = lack_of_answer(
        completion.text, completion.reasoning, completion.tokens_out, is_cut=completion.finish == "length"
    )
    return read(sample, completion.text) if reason is None else Reading(reason=reason)
