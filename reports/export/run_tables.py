"""A run as flat tables: an item and variant a row, a figure a row, a comparison a row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction, Score
from harness.records.run_scopes import LIMITED, scope_in

VALUE, REASON = "score.", "reason."  # before the name of a metric, in the columns of items
Row = dict[str, str | float | int | None]
ITEM_COLUMNS = (
    "task", "variant", "id", "group", "input", "targets", "options", "messages", "reply", "answer", "unread_because",
    "reasoning", "finish", "error", "passages", "notes", "tokens_in", "tokens_out", "seconds", "meta",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunTable:
    """Rows that all have the same columns, and the name of their file."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def run_tables(finished: FinishedRun) -> list[RunTable]:
    """items (predictions joined with their scores), figures, usage and comparisons."""
    tables = [_items(finished), _figures(finished), _usage(finished), _comparisons(finished)]
    limits = scope_in(finished.run).words()
    return [_marked(table, limits) for table in tables] if limits else tables


def _marked(table: RunTable, limits: str) -> RunTable:
    """The table of a limited run says in each row how it was limited."""
    rows = tuple({**row, LIMITED: limits} for row in table.rows)
    return RunTable(table.name, (*table.columns, LIMITED) if rows else (), rows)


def _items(finished: FinishedRun) -> RunTable:
    """A row for each item and variant; a column `score.METRIC` for each metric, empty where the value is unknown."""
    samples = {(sample.task, sample.id): sample for sample in finished.samples}
    scores: dict[tuple[str, str, str], list[Score]] = {}
    for score in finished.scores:
        scores.setdefault((score.task, score.variant, score.sample_id), []).append(score)
    metrics = dict.fromkeys(score.metric for score in finished.scores)
    columns = [prefix + metric for metric in metrics for prefix in (VALUE, REASON)]
    rows: list[Row] = []
    for prediction in finished.predictions:
        key = (prediction.task, prediction.variant, prediction.sample_id)
        row = _item(samples[prediction.task, prediction.sample_id], prediction)
        row |= dict.fromkeys(columns)
        for score in scores.get(key, ()):
            row |= {VALUE + score.metric: score.value, REASON + score.metric: score.error or score.reason}
        rows.append(row)
    filled = [name for name in columns if name.startswith(VALUE) or any(row[name] for row in rows)]
    return RunTable(
        "items", (*ITEM_COLUMNS, *filled), tuple({name: row[name] for name in (*ITEM_COLUMNS, *filled)} for row in rows)
    )


def _item(sample: Sample, prediction: Prediction) -> Row:
    return {
        "task": prediction.task,
        "variant": prediction.variant,
        "id": sample.id,
        "group": sample.group,
        "input": sample.input,
        "targets": sample.targets[0] if len(sample.targets) == 1 else as_text(list(sample.targets)),
        "options": as_text(list(sample.options)),
        "messages": as_text([{"role": turn.role, "content": turn.content} for turn in prediction.messages]),
        "reply": None if prediction.error else prediction.text,
        "answer": as_text(prediction.reading.answer),
        "unread_because": prediction.reading.reason,
        "reasoning": prediction.reasoning,
        "finish": prediction.finish,
        "error": prediction.error,
        "passages": as_text([passage.get("id") for passage in prediction.passages]),
        "notes": "; ".join(prediction.notes),
        "tokens_in": prediction.tokens_in,
        "tokens_out": prediction.tokens_out,
        "seconds": prediction.seconds,
        "meta": as_text(dict(sample.meta)),
    }


def as_text(value: JSON) -> str | None:
    """Text as it is, anything else as JSON; nothing for what is empty."""
    if value is None or value in ([], {}):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _figures(finished: FinishedRun) -> RunTable:
    summary = finished.summary
    rows = [
        {**asdict(result), "is_headline": int(str(FigureName.of(result)) in summary.headline)}
        for result in summary.results
    ]
    return _table("figures", rows)


def _usage(finished: FinishedRun) -> RunTable:
    rows = []
    for usage in finished.summary.usage:
        row = asdict(usage)
        timing = row.pop("timing") or {}
        rows.append({**row, "latency": timing.get("latency"), "cached_tokens": timing.get("cached_tokens")})
    return _table("usage", rows)


def _comparisons(finished: FinishedRun) -> RunTable:
    summary = finished.summary
    kinds: Mapping[str, Sequence[Comparison]] = {
        "reference": summary.comparisons, "runner-up": summary.leaders, "floor": summary.floors,
        "forgetting": summary.forgotten,
    }  # fmt: skip
    return _table(
        "comparisons",
        [{"against": kind, **asdict(comparison)} for kind, comparisons in kinds.items() for comparison in comparisons],
    )


def _table(name: str, rows: Sequence[Row]) -> RunTable:
    return RunTable(name, tuple(rows[0]) if rows else (), tuple(rows))
