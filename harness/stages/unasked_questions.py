"""Questions of a task that nobody was asked yet, so that no server answers them out of its prompt cache."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, count

from harness.components.task import Task
from harness.errors import HarnessError
from harness.records.inputs import Sample

STEP = 0.618  # of a text's length, from one cut to the next: no two of them are near each other for long
IDLE = 32  # turns without a new question after which none is expected
_SPACE = re.compile(r"\s+")


def unasked_questions(task: Task, examples: Sequence[Sample], seed: int) -> Iterator[Sample]:
    """Validation rows, then train rows, drawn by the seed; behind them test items that begin elsewhere in their text.

    None asks, word for word, what a test item asks, one of `examples`, or one before it.
    """
    draw = random.Random(f"{seed} latency {task.name}")
    validation, train, test = (
        draw.sample(rows, len(rows)) for rows in (task.data.validation, task.data.train, task.data.test)
    )
    follows = all(sample.history for sample in test)  # a row without earlier turns would be asked in less time
    questions = {_question(task, sample) for sample in (*task.data.test, *examples)} | {""}
    for sample in chain(validation, train):
        if follows and not sample.history:
            continue
        if (question := _question(task, sample)) not in questions:
            questions.add(question)
            yield sample
    idle = 0  # turns in a row that gave nothing new
    for turn in count(1):
        idle += 1
        for sample in test:
            turned = replace(sample, id=f"{sample.id} {turn}", input=turned_text(sample.input, turn))
            if (question := _question(task, turned)) not in questions:
                questions.add(question)
                idle = 0
                yield turned
        if idle == IDLE:
            return


def turned_text(text: str, turn: int) -> str:
    """The text begun at another place, its beginning behind its end: as long, of the same words, with a new start.

    It is cut between words where it has several, else between characters; one character is said more often.
    """
    cut = int(len(text) * (turn * STEP % 1))
    spaces = [match for match in _SPACE.finditer(text) if match.start() > 0 and match.end() < len(text)]
    if spaces:
        space = min(spaces, key=lambda match: abs(match.start() - cut))
        return f"{text[space.end() :]} {text[: space.start()]}"
    if len(text) < 2:
        return " ".join([text] * (turn + 1)).strip()
    cut = max(1, cut)
    return text[cut:] + text[:cut]


def _question(task: Task, sample: Sample) -> str:
    """What is sent for a row; empty where its columns do not make a question."""
    try:
        return task.ask(sample).content
    except HarnessError:
        return ""
