"""The items of a run packed for the page: compressed, each long text once, and never as markup."""

import base64
import gzip
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Literal

from harness.errors import StoreError
from harness.records.figures import MetricInfo
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction, Score
from harness.records.summary import Summary
from harness.statistics.retrieval_outcomes import retrieval_outcome
from reports.facts import numbers
from reports.facts.answer_path import retrieval_note, route_reasons, timing_note
from reports.facts.metric_columns import metric_columns, metric_info, variant_names

EXACT = 2**53 - 1  # whole numbers that a browser holds without rounding
ScoreOutcome = Literal["right", "partly", "wrong", "unknown", "neutral"]


def pack(finished: FinishedRun) -> str:
    """Gzipped JSON as base64, which can hold no tag. Equal runs give equal text.

    Raises StoreError when a prediction answers an item that the run does not have.
    """
    content = json.dumps(_shown(payload(finished)), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(content.encode(), compresslevel=6, mtime=0)).decode("ascii")


def payload(finished: FinishedRun) -> dict[str, JSON]:
    """The same content before compression: texts by number, metrics, and one record per item with its answers."""
    summary, texts = finished.summary, NumberedTexts()
    scores: dict[tuple[str, str, str], list[list[JSON]]] = defaultdict(list)
    metrics = {column.key: column.info for column in metric_columns(summary)}
    deciding = {(cell.task, cell.variant): cell.metric for cell in summary.retrieved}
    deciding_scores: dict[tuple[str, str, str], Score] = {}  # by which looked-up answers are right or wrong
    for score in finished.scores:
        info = metrics.get((score.task, score.metric)) or metric_info(summary, score.task, score.metric)
        if deciding.get((score.task, score.variant)) == score.metric:
            deciding_scores[score.task, score.sample_id, score.variant] = score
        scores[score.task, score.sample_id, score.variant].append(_score(score, info))
    items: dict[tuple[str, str], dict[str, JSON]] = {
        (sample.task, sample.id): _item(sample, texts) | {"answers": []} for sample in finished.samples
    }
    for prediction in finished.predictions:
        key = (prediction.task, prediction.sample_id)
        if key not in items:
            raise StoreError(f"item {prediction.task}/{prediction.sample_id} was answered but is not in samples.jsonl")
        answer = _answer(prediction, scores[*key, prediction.variant], texts)
        if (prediction.task, prediction.variant) in deciding and prediction.retrieval is not None:
            answer["retrieved"] = _outcome(prediction, deciding_scores.get((*key, prediction.variant)), summary)
        items[key]["answers"].append(answer)
    return {
        "texts": texts.texts,
        "variants": list(answering_variants(summary, finished.predictions).items()),
        "metrics": list(metrics),  # (task, metric), the first of a task being the one it is judged by
        "items": list(items.values()),
    }


def answering_variants(summary: Summary, predictions: Iterable[Prediction]) -> dict[str, tuple[str, ...]]:
    """The variants whose answers can be read; one that pools several seeds stands for all of them."""
    answered = {prediction.variant: None for prediction in predictions}
    pooled: dict[str, dict[str, None]] = {}
    for seeds in summary.seeds:
        pooled.setdefault(seeds.variant, {}).update((name, None) for name, _ in seeds.members if name in answered)
    variants = dict.fromkeys([*variant_names(summary), *answered])
    members = {variant: (variant,) if variant in answered else tuple(pooled.get(variant, ())) for variant in variants}
    return {variant: names for variant, names in members.items() if names}


class NumberedTexts:
    """Long texts by number: few-shot examples and passages come back in many prompts."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The text's place in `texts`, where it is put at its first appearance."""
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]


def score_outcome(value: float | None, info: MetricInfo) -> ScoreOutcome:
    """Right is the good end of the metric's range, wrong the bad end, partly what lies between."""
    if value is None:
        return "unknown"
    if info.better == "neither":
        return "neutral"
    if value >= info.high:
        return "right" if info.better == "higher" else "wrong"
    if value <= info.low:
        return "wrong" if info.better == "higher" else "right"
    return "partly"


def _item(sample: Sample, texts: NumberedTexts) -> dict[str, JSON]:
    return _without_empty(
        task=sample.task,
        id=sample.id,
        input=texts.number(sample.input),
        targets=sample.targets,
        options=sample.options,
        history=sample.history,
        meta=dict(sample.meta),
    )


def _answer(prediction: Prediction, scores: list[list[JSON]], texts: NumberedTexts) -> dict[str, JSON]:
    reading = prediction.reading
    return _without_empty(
        variant=prediction.variant,
        messages=[[message.role, texts.number(message.content)] for message in prediction.messages],
        rendered=[texts.number(piece) for piece in rendered_pieces(prediction)],
        text=prediction.text,
        answer=reading.answer,
        lenient=reading.lenient if reading.lenient != reading.answer else None,
        unread=reading.reason,
        finish=None if prediction.finish == "stop" else prediction.finish,
        error=prediction.error,
        notes=prediction.notes,
        lookup=None if prediction.retrieval is None else retrieval_note(prediction.retrieval),
        route=route_reasons(prediction.route),
        passages=[_passage(passage, texts) for passage in prediction.passages],
        logprobs=None if prediction.logprobs is None else [round(logprob, 3) for logprob in prediction.logprobs],
        tokens=[prediction.tokens_in, prediction.tokens_out],
        seconds=round(prediction.seconds, 3),
        timing=timing_note(prediction),
        elsewhere=None if prediction.elsewhere is None else numbers.share(prediction.elsewhere),
        reasoning=[texts.number(prediction.reasoning)] if prediction.reasoning.strip() else None,
        scores=scores,
    )


def rendered_pieces(prediction: Prediction) -> list[str]:
    """The text that the model read, in pieces: the template's own, and the turns, which come back in many prompts."""
    text = prediction.rendered or ""
    pieces, position = [], 0
    for message in prediction.messages:
        content = message.content.strip()
        place = text.find(content, position) if content else -1
        if place >= 0:
            pieces += [text[position:place], content]
            position = place + len(content)
    return [piece for piece in (*pieces, text[position:]) if piece]


def _outcome(prediction: Prediction, score: Score | None, summary: Summary) -> str:
    """Whether a gold passage was shown and whether the answer is right, by the metric that decides in `Retrieved`."""
    if score is None:
        return "unknown"
    return retrieval_outcome(prediction, score.value, metric_info(summary, score.task, score.metric))


def _passage(passage: JSON, texts: NumberedTexts) -> dict[str, JSON]:
    return {
        key: [texts.number(value)] if key == "text" and isinstance(value, str) else value
        for key, value in passage.items()
    }


def _score(score: Score, info: MetricInfo) -> list[JSON]:
    figure = None if score.value is None else numbers.with_unit(score.value, info).replace(".0 %", " %")
    return [score.metric, score_outcome(score.value, info), figure, score.reason, score.error]


def _shown(content: JSON) -> JSON:
    """What a browser can parse and shows unchanged: a number that is none, or that it would round, as text."""
    if isinstance(content, float):
        return content if math.isfinite(content) else str(content)
    if isinstance(content, int):
        return content if abs(content) <= EXACT else str(content)
    if isinstance(content, Mapping):
        return {key: _shown(value) for key, value in content.items()}
    return [_shown(value) for value in content] if isinstance(content, list | tuple) else content


def _without_empty(**fields: JSON) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value is not None and value not in ((), [], {})}
