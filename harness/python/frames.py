"""The records of a run as tables for pandas, one row a record."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from harness.components.packages import is_installed
from harness.errors import HarnessError, nearest
from harness.records.figure_names import FigureName
from harness.records.figures import Comparison
from harness.records.finished_run import FinishedRun
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    import pandas as pd
    from _typeshed import DataclassInstance

Row = Mapping[str, Any]
INSTALL = "pip install 'domain-harness[notebook]'"


def frame_of(finished: FinishedRun, name: str) -> "pd.DataFrame":
    """A table of a run by its name. Raises HarnessError for another name, or without pandas."""
    if name not in TABLES:
        raise HarnessError(f"run.frame({name!r}): there is no such table ({nearest(name, TABLES)})")
    if not is_installed("pandas"):
        raise HarnessError(f"run.frame needs pandas: {INSTALL}")
    import pandas as pd

    return pd.DataFrame(list(TABLES[name](finished)))


def _shallow(record: "DataclassInstance", *left_out: str) -> dict[str, Any]:
    """The fields of a record as they are."""
    return {own.name: getattr(record, own.name) for own in fields(record) if own.name not in left_out}


def _figures(finished: FinishedRun) -> Iterator[Row]:
    summary = finished.summary
    for result in summary.results:
        name = str(FigureName.of(result))
        yield {
            **asdict(result),
            "coverage": result.known / result.samples if result.samples else None,
            "figure": name,
            "approach": summary.decisions.approaches.get(result.variant),
            "is_headline": name in summary.headline,
            "better": summary.metrics[name].better if name in summary.metrics else None,
        }


def _comparisons(finished: FinishedRun) -> Iterator[Row]:
    """With the reference, of leaders with runners-up, with the best floor, and of all pairs: each in its own family."""
    summary = finished.summary
    kinds: Mapping[str, tuple[Comparison, ...]] = {
        "reference": summary.comparisons,
        "runner-up": summary.leaders,
        "floor": summary.floors,
        "pair": summary.decisions.pairs,
    }
    for kind, comparisons in kinds.items():
        yield from ({"kind": kind, "figure": str(FigureName.of(own)), **asdict(own)} for own in comparisons)


def _prediction(prediction: Prediction, has_amounts: bool) -> Row:
    """A prediction with what was read of it; what answers made elsewhere took is not known."""
    reading = prediction.reading
    amounts = {
        name: getattr(prediction, name) if has_amounts else None for name in ("tokens_in", "tokens_out", "seconds")
    }
    return {
        "task": prediction.task,
        "variant": prediction.variant,
        "sample_id": prediction.sample_id,
        "answer": reading.answer,
        "lenient": reading.lenient,
        "unread": reading.reason,
        "error": prediction.error,
        **_shallow(prediction, "task", "variant", "sample_id", "reading", "error", *amounts, "messages"),
        **amounts,
        "messages": [(message.role, message.content) for message in prediction.messages],
    }


def _predictions(finished: FinishedRun) -> Iterator[Row]:
    approaches = finished.summary.decisions.approaches
    return (_prediction(own, approaches.get(own.variant) != "made elsewhere") for own in finished.predictions)


def _usage(finished: FinishedRun) -> Iterator[Row]:
    approaches = finished.summary.decisions.approaches
    for usage in finished.summary.usage:
        has_amounts = approaches.get(usage.variant) != "made elsewhere"
        yield _shallow(usage) | ({} if has_amounts else dict.fromkeys(("tokens_in", "tokens_out", "seconds")))


TABLES: Mapping[str, Callable[[FinishedRun], Iterator[Row]]] = {
    "figures": _figures,
    "summary": _figures,
    "comparisons": _comparisons,
    "scores": lambda finished: map(_shallow, finished.scores),
    "predictions": _predictions,
    "samples": lambda finished: map(_shallow, finished.samples),
    "usage": _usage,
    "costs": lambda finished: map(_shallow, finished.summary.decisions.costs),
}
