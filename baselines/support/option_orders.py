"""The options of a choice in every rotation: an answer that moves with their order is no answer. MMBench 2023, 4.3."""

import math
from collections.abc import Sequence
from dataclasses import replace

from baselines.support.predicting import confidence_of, with_notes
from harness.components.task import Task
from harness.records.inputs import Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.statistics.option_shares import log_sum, option_shares
from harness.statistics.serving_times import joint_serving
from harness.text.normalise import option_letters
from harness.text.replies import MOVED
from harness.text.templates import LETTERS


def rotations(sample: Sample) -> list[Sample]:
    """The sample with its options in each rotation, its own first; the right letters move with them."""
    count = len(sample.options)
    return [
        replace(
            sample,
            options=sample.options[first:] + sample.options[:first],
            targets=tuple(_shifted(option_letters(target), -first, count) for target in sample.targets),
        )
        for first in range(count)
    ]


def agreed(turns: Sequence[Prediction]) -> Prediction:
    """One prediction of those on all rotations of a sample, in letters of its own order, at the cost of all.

    Its answer is the one that all give. Probabilities of options are the means of the rotations'. Where a rotation
    failed it is a failure, unless the others differ already.
    """
    count = len(turns)
    answers = [_moved(turn.reading.answer, first, count) for first, turn in enumerate(turns)]
    lenient = {_moved(turn.reading.lenient, first, count) for first, turn in enumerate(turns) if turn.error is None}
    failures = [turn.error for turn in turns if turn.error is not None]
    read = {answer for answer, turn in zip(answers, turns, strict=True) if turn.error is None}
    account = ", ".join("failed" if turn.error else answer or "?" for answer, turn in zip(answers, turns, strict=True))
    if failures and len(read) < 2:
        error = f"{len(failures)} of {count} orders of the options failed: {failures[0]}"
        return with_notes(_with_cost(replace(turns[0], error=error, reading=Reading()), turns))
    reading = Reading(answers[0], None, answers[0])
    if len(read) > 1 or None in read:
        reason = next((turn.reading.reason for turn in turns if turn.reading.reason), None)
        moved = f"{MOVED}: {account}"
        reading = Reading(None, reason if read == {None} else moved, lenient.pop() if len(lenient) == 1 else None)
    whole = replace(_averaged(turns), reading=reading, error=None)
    return with_notes(_with_cost(whole, turns), f"in {count} orders of the options: {account}")


def orders_problem(task: Task) -> str | None:
    """Why the options of a task cannot be put in other orders; None if they can."""
    for sample in task.data.test:
        if not sample.options:
            return "circular: true puts options in other orders, and the task has none"
        orders = rotations(sample)
        if len({task.prompt(order) for order in orders}) < len({order.options for order in orders}):
            return (
                f"circular: the prompt of sample {sample.id} does not follow the order of its `options`; use them in it"
            )
    return None


def _moved(letters: str | None, by: int, count: int) -> str | None:
    return None if letters is None else _shifted(letters, by, count)


def _shifted(letters: str, by: int, count: int) -> str:
    """Letters of options as they are called `by` places further on."""
    return "".join(sorted(LETTERS[(LETTERS.index(letter) + by) % count] for letter in letters))


def _averaged(turns: Sequence[Prediction]) -> Prediction:
    """The first prediction with the means of what all tell of their probabilities; without what not all tell."""
    first_turn, count = next(turn for turn in turns if turn.error is None), len(turns)
    logprobs: tuple[float, ...] | None = None
    if all(turn.logprobs is not None for turn in turns):
        rows = [option_shares(turn.logprobs or ()).logprobs for turn in turns]
        columns = [[row[(place - first) % count] for first, row in enumerate(rows)] for place in range(count)]
        logprobs = tuple(log_sum(column) - math.log(count) for column in columns)
    logprob = _mean([turn.confidence.get("logprob") for turn in turns])
    return replace(
        first_turn,
        logprobs=logprobs,
        elsewhere=_mean([turn.elsewhere for turn in turns]),
        confidence=confidence_of(Completion(text="", logprobs=logprobs, logprob=logprob)),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """None where a value is missing."""
    present = [value for value in values if value is not None]
    return math.fsum(present) / len(values) if len(present) == len(values) else None


def _with_cost(prediction: Prediction, turns: Sequence[Prediction]) -> Prediction:
    return replace(
        prediction,
        tokens_in=sum(turn.tokens_in for turn in turns),
        tokens_out=sum(turn.tokens_out for turn in turns),
        seconds=sum(turn.seconds for turn in turns),
        serving=joint_serving(turns),
    )
