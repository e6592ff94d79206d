"""Answers that look like a fault of the set-up rather than of the model: counted in every cell, with their cause.

A fault of at least 20 % of a cell's answers is said, and an answer that more than half of them repeat. Of faults that
imply each other (a reply that ends at its first token is empty, and cannot be read) the most telling is said: a further
one needs so many answers again that no fault before it accounts for.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.components.task import Task
from harness.records.anomalies import Anomaly, CellFault
from harness.records.derived_names import reported_name
from harness.records.inputs import JSON, Cell, Sample
from harness.records.outputs import Prediction
from harness.statistics.distributions import binomial_tail
from harness.suite.suite import Suite
from harness.summary.anomaly_causes import cell_settings, explain
from harness.summary.answered_cells import Answered
from harness.summary.cut_prompts import cut_prompts
from harness.summary.equal_answers import EqualAnswers
from harness.summary.usage_figures import ASTRAY
from harness.text.excerpts import shortened
from harness.text.normalise import normalise, option_letters, whole_question
from harness.text.refusals import is_refusal
from harness.text.replies import OPEN_OPTION, is_unreadable, without_reasoning

LEAST_SHARE = 5  # one of so many answers
EXCESS = 5  # a repeated answer is given too often by at least one of so many answers
CHANCE = 0.1  # the chance at most that an answer is repeated so often by guessing
EXAMPLES = 3
EXCERPT = 80  # characters of what is repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A fault that many answers of one cell share."""

    kind: CellFault
    items: tuple[Answered, ...]
    excerpt: str


class AnomalyDetection:
    """The anomalies of the cells that are added, of which each is added whole, and once.

    A floor asks no model. A probe says only what its task does not say already; to withdrawn facts no answer, or one
    for all, may be right.
    """

    def __init__(self, suite: Suite, tasks: Mapping[str, Task]) -> None:
        self._suite = suite
        self._tasks = tasks
        self._raised: list[Anomaly] = []
        self._equal = EqualAnswers(suite, tasks)

    def add(self, cell: Sequence[Answered]) -> None:
        """The answers of one cell."""
        predictions = [prediction for _, prediction in cell]
        task, variant = self._tasks[predictions[0].task], predictions[0].variant
        if not self._suite.answering()[variant].floor and task.version != "withdrawn":
            answers = [item for item in cell if item[1].error is None or _is_open(item[1])]
            self._raised += _of_cell(self._suite, task, Cell(task.name, variant), answers) if answers else ()
        self._equal.add(predictions)

    def anomalies(self) -> tuple[Anomaly, ...]:
        """Those of single cells in the order of the cells, then those of several."""
        cells = {(anomaly.task, anomaly.variant, anomaly.kind) for anomaly in self._raised}
        own = [a for a in self._raised if (self._tasks[a.task].origin, a.variant, a.kind) not in cells]
        return (*own, *self._equal.anomalies())


def _of_cell(suite: Suite, task: Task, cell: Cell, answers: Sequence[Answered]) -> list[Anomaly]:
    settings = cell_settings(suite, task, cell)
    explained = [(sign, explain(sign.kind, settings, [item[1] for item in sign.items])) for sign in signs(answers)]
    return [
        Anomaly(
            task=cell.task,
            variant=reported_name(cell.variant),
            kind=sign.kind,
            count=len(sign.items),
            answers=len(answers) if sign.kind == "open option" else sum(item[1].error is None for item in answers),
            excerpt=sign.excerpt,
            cause=cause.text,
            remedy=remedy.text,
            examples=tuple(sample.id for sample, _ in sign.items[:EXAMPLES]),
            statements=(cause.statement, remedy.statement),
        )
        for sign, (cause, remedy) in explained
    ]


def signs(answers: Sequence[Answered]) -> list[Sign]:
    """The faults that many of a cell's answers share; a machine's failure is no answer.

    Nor is one an answer whose option stays open, but so many of them are a fault of the way of asking.
    """
    undecided = tuple(item for item in answers if _is_open(item[1]))
    is_often_open = bool(undecided) and LEAST_SHARE * len(undecided) >= len(answers)
    raised = [Sign(kind="open option", items=undecided, excerpt="")] if is_often_open else []
    return raised + _of_answers([item for item in answers if item[1].error is None])


def _of_answers(answers: Sequence[Answered]) -> list[Sign]:
    raised: list[Sign] = []
    accounted: set[str] = set()  # the samples that a fault before accounts for
    generated = [item for item in answers if item[1].logprobs is None]  # options that were scored are no replies
    counts_tokens = any(prediction.tokens_in or prediction.tokens_out for _, prediction in generated)
    for kind, applies in _KINDS.items():
        if kind == "first token" and not counts_tokens:
            continue
        items = tuple(item for item in generated if applies(*item))
        rest = sum(sample.id not in accounted for sample, _ in items)
        if items and LEAST_SHARE * rest >= len(answers):
            raised.append(Sign(kind=kind, items=items, excerpt=_look(kind, items)))
            accounted |= {sample.id for sample, _ in items}
    raised += _of_the_server(answers)
    repeated = _repeated(answers)
    if repeated and 2 * sum(sample.id not in accounted for sample, _ in repeated.items) > len(answers):
        raised.append(repeated)
    return raised


# -- of single answers ------------------------------------------------------------------------------------------------


def _is_blank(sample: Sample, prediction: Prediction) -> bool:
    """No text; reasoning that a server keeps apart is none, wherever else it stands."""
    text = without_reasoning(prediction.text)[0] if prediction.reasoning.strip() else prediction.text
    return not text.strip()


def _stopped_at_once(sample: Sample, prediction: Prediction) -> bool:
    """At most one token, and no text of it; several calls for one answer are counted together and tell nothing."""
    return _is_blank(sample, prediction) and prediction.tokens_out <= 1 and not prediction.reasoning.strip()


def _is_cut(sample: Sample, prediction: Prediction) -> bool:
    """At the limit of tokens; a bare option letter that was read is whole even so."""
    return prediction.finish == "length" and not _is_bare_letter(sample, prediction)


def _is_bare_letter(sample: Sample, prediction: Prediction) -> bool:
    answer = prediction.reading.answer
    is_choice = bool(sample.options) and isinstance(answer, str) and bool(answer)
    return is_choice and normalise(prediction.text, punctuation="drop") == answer.casefold()


def _declines(sample: Sample, prediction: Prediction) -> bool:
    """A refusal, where none is expected."""
    reply = without_reasoning(prediction.text)[0]
    return is_refusal(reply) and not any(map(is_refusal, sample.targets))


def _is_unreadable(sample: Sample, prediction: Prediction) -> bool:
    return is_unreadable(prediction.reading.reason)


_KINDS: Mapping[CellFault, Callable[[Sample, Prediction], bool]] = {  # the most telling first
    "first token": _stopped_at_once,
    "empty": _is_blank,
    "cut": _is_cut,
    "refusal": _declines,
    "unreadable": _is_unreadable,
}


def _look(kind: CellFault, items: Sequence[Answered]) -> str:
    """What the answers look like, most often: the words of a refusal, why one cannot be read; nothing of no text."""
    if kind in ("first token", "empty"):
        return ""
    looks = Counter(
        prediction.text if kind == "refusal" else prediction.reading.reason or "" for _, prediction in items
    )
    return excerpt(looks.most_common(1)[0][0])


def _is_open(prediction: Prediction) -> bool:
    """Unknown, because the first tokens that its server lists do not tell the likeliest option."""
    return OPEN_OPTION in (prediction.error or "")


# -- of what a server tells of them -----------------------------------------------------------------------------------


def _of_the_server(answers: Sequence[Answered]) -> list[Sign]:
    """Prompts that it cut, be it one; and first tokens that are no option, where many of them are."""
    cut = {prediction.sample_id for prediction in cut_prompts([prediction for _, prediction in answers])}
    astray = tuple(item for item in answers if (item[1].elsewhere or 0.0) > ASTRAY)
    raised = []
    if cut:
        items = tuple(item for item in answers if item[1].sample_id in cut)
        raised.append(Sign(kind="cut prompts", items=items, excerpt=""))
    if astray and LEAST_SHARE * len(astray) >= len(answers):
        raised.append(Sign(kind="no option", items=astray, excerpt=""))
    return raised


# -- of answers together ----------------------------------------------------------------------------------------------


def _repeated(answers: Sequence[Answered]) -> Sign | None:
    """More than half the answers are one and the same, which is right for far fewer items, or for none.

    Where most items have that answer, it is no fault. Nor is what guessing among the expected answers would repeat so
    often: of two labels one always has half the answers.
    """
    readings = [_comparable(prediction.reading.answer) for _, prediction in answers]
    (answer, count), total = next(iter(Counter(filter(None, readings)).most_common(1)), ("", 0)), len(answers)
    if 2 * count <= total:
        return None
    expected = [_expected(sample) for sample, _ in answers]
    right = _most_that_fit(answer, answers, expected)
    if 2 * right > total or EXCESS * (count - right) < total:
        return None
    guess = max(right / total, 1 / len(set().union(*expected)))
    if binomial_tail(count, total, guess) >= CHANCE:
        return None
    items = tuple(item for reading, item in zip(readings, answers, strict=True) if reading == answer)
    return Sign(kind="same answer", items=items, excerpt=excerpt(items[0][1].reading.answer))


def _most_that_fit(answer: str, answers: Sequence[Answered], expected: Sequence[frozenset[str]]) -> int:
    """For how many items one answer is right; where no right answers are known, how many ask the same at most."""
    if any(target.strip() for sample, _ in answers for target in sample.targets):
        return sum(answer in targets for targets in expected)
    return Counter(expected).most_common(1)[0][1]


def _expected(sample: Sample) -> frozenset[str]:
    """The right answers of a sample in the form in which answers are compared; where none is known, its question."""
    if sample.options:
        return frozenset(option_letters(target).casefold() for target in sample.targets)
    targets = frozenset(_comparable_target(target) for target in sample.targets if target.strip())
    return targets or frozenset([whole_question(sample)])


def _comparable_target(target: str) -> str:
    """A target that holds fields is compared as an answer with fields."""
    try:
        fields = json.loads(target) if target.lstrip().startswith("{") else None
    except ValueError:
        fields = None
    return _comparable(fields if isinstance(fields, dict) else target)


def _comparable(answer: JSON) -> str:
    """An answer without differences of writing; empty for none."""
    if answer is None:
        return ""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, sort_keys=True)
    return normalise(text, punctuation="drop")


def excerpt(answer: JSON) -> str:
    """The beginning of an answer, in one line."""
    text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    return shortened(" ".join(text.split()), EXCERPT)
