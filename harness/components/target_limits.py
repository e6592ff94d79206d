"""`max_tokens: auto`: how long answers may be, by how long the right answers of the train rows are."""

import math
from collections.abc import Callable, Sequence

from harness.components.fields import MOST_TOKENS
from harness.components.task import Task

SHARE = 0.99  # of the train rows, whose right answers are no longer than the length that the limit goes by
MARGIN = 1.25  # times that length, for other wordings
SPARE = 8  # tokens more: the end of the answer, a stop string, a first line break


def target_limit(task: Task, count: Callable[[str], int]) -> int:
    """The most tokens of an answer: a quarter and a few more than the 99th percentile of those of right answers.

    `count` counts the tokens of a text. The percentile is the nearest rank (Hyndman & Fan 1996, definition 1).
    """
    rows = (task.probe_of or task).data.train
    lengths = sorted(map(count, (task.answer.example(row) for row in rows)))
    return limit_of(lengths)


def limit_of(lengths: Sequence[int]) -> int:
    """The limit of sorted lengths in tokens."""
    length = lengths[math.ceil(SHARE * len(lengths)) - 1]
    return min(MOST_TOKENS, math.ceil(MARGIN * length) + SPARE)
