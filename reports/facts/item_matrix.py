"""The compact matrix of items by variants: what the page filters and sorts by, without a single whole text."""

import math

from harness.records.figures import MetricInfo
from harness.records.inputs import JSON
from harness.records.outputs import Prediction
from harness.statistics.retrieval_outcomes import OUTCOMES
from reports.facts import numbers
from reports.facts.item_payload import ItemRecords, score_outcome
from reports.facts.metric_columns import MetricColumn, metric_columns

EXCERPT = 72  # characters of a question that a row shows
ANSWERS_OF_A_CHUNK, ITEMS_OF_A_CHUNK = 2_400, 200
NO_ANSWER = "-"


def matrix_payload(records: ItemRecords) -> dict[str, JSON]:
    """Ids, excerpts and lengths of all items, and what each metric says of each answer, one letter a cell.

    `outcomes` holds, by metric and column, a letter for each item of the metric's task: r, p, w, u, n as score_outcome
    begins, "-" where there is no answer. `graded` holds the values of p and n in their order, and of r and w that lie
    beyond the end of the range, which are R and W.
    """
    tasks = list(dict.fromkeys(sample.task for sample in records.samples))
    metrics = metric_columns(records.summary)
    cells = [[_cells(records, metric, column) for column in records.columns] for metric in metrics]
    return {
        "variants": [[name, list(members)] for name, members in records.variants.items()],
        "columns": list(records.columns),
        "tasks": tasks,
        "task": [tasks.index(sample.task) for sample in records.samples],
        "ids": [sample.id for sample in records.samples],
        "excerpts": [" ".join(sample.input[: 4 * EXCERPT].split())[:EXCERPT] for sample in records.samples],
        "questions": [len(sample.input) for sample in records.samples],
        "metrics": [
            [metric.task, metric.metric] for metric in metrics
        ],  # the first of a task being what it is judged by
        "scales": [_scale(metric.info) for metric in metrics],
        "outcomes": [["".join(letter for letter, _ in column) for column in row] for row in cells],
        "graded": [[[value for _, value in column if value is not None] for column in row] for row in cells],
        "lengths": [_lengths(records, column) for column in records.columns],
        "retrieved": _retrieved(records),
        "chunk": chunk_size(records),
    }


def chunk_size(records: ItemRecords) -> int:
    """Items that are packed together: few enough to be unpacked at once when one of them is opened."""
    return max(1, min(ITEMS_OF_A_CHUNK, ANSWERS_OF_A_CHUNK // max(1, len(records.columns))))


def _cells(records: ItemRecords, metric: MetricColumn, variant: str) -> list[tuple[str, float | None]]:
    samples = (sample for sample in records.samples if sample.task == metric.task)
    return [_cell(records, metric, records.answers(sample).get(variant)) for sample in samples]


def _cell(records: ItemRecords, metric: MetricColumn, prediction: Prediction | None) -> tuple[str, float | None]:
    if prediction is None:
        return NO_ANSWER, None
    values = (score.value for score in records.scores(prediction) if score.metric == metric.metric)
    value = next(values, None)
    if value is None or not math.isfinite(value):
        return "u", None
    letter = score_outcome(value, metric.info)[0]
    if letter in "rw":
        return (letter, None) if metric.info.low <= value <= metric.info.high else (letter.upper(), _short(value))
    return letter, _short(value)


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _scale(info: MetricInfo) -> dict[str, JSON]:
    """How its values are written; an end that the scale does not have is None."""
    is_closed = numbers.is_closed(info)
    ends = [end if is_closed or abs(end) < numbers.ENDLESS else None for end in (info.low, info.high)]
    decimals = len(numbers.number(info.high, info).partition(".")[2]) if is_closed else None
    is_percent = numbers.is_percent(info)
    return {"low": ends[0], "high": ends[1], "better": info.better, "percent": is_percent, "decimals": decimals}


def _lengths(records: ItemRecords, variant: str) -> list[int]:
    """Characters of each reply; -1 where there is none."""
    answers = (records.answers(sample).get(variant) for sample in records.samples)
    return [-1 if answer is None else len(answer.text) for answer in answers]


def _retrieved(records: ItemRecords) -> list[str]:
    """By column, a digit for each item: the place among OUTCOMES; "-" where nothing was looked up. None: nowhere."""
    if not records.deciding:
        return []
    return [_outcome_digits(records, column) for column in records.columns]


def _outcome_digits(records: ItemRecords, variant: str) -> str:
    answers = (records.answers(sample).get(variant) for sample in records.samples)
    outcomes = (None if answer is None else records.retrieval(answer) for answer in answers)
    return "".join(NO_ANSWER if outcome is None else str(OUTCOMES.index(outcome)) for outcome in outcomes)
