"""The items of a run as data for the page: everything about some of them, each long text once, never as markup."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from reports.facts.approach_names import approach_of
from reports.facts.item_texts import NumberedTexts, rendered_parts
from reports.facts.metric_columns import Key, metric_info, variant_names
from reports.wording import LANGUAGES, speaking

EXACT = 2**53 - 1  # whole numbers that a browser holds without rounding
ScoreOutcome = Literal["right", "partly", "wrong", "unknown", "neutral"]
ItemKey = tuple[str, str]  # task, id of the sample


class ItemRecords:
    """A run's answers and scores by item. Made once; then any of its items can be packed without the others.

    Raises StoreError when a prediction answers an item that the run does not have.
    """

    def __init__(self, finished: FinishedRun) -> None:
        self.summary = finished.summary
        self.samples = list({(sample.task, sample.id): sample for sample in finished.samples}.values())
        self.variants = answering_variants(self.summary, finished.predictions)
        answered = {prediction.variant for prediction in finished.predictions}
        members = dict.fromkeys(name for names in self.variants.values() for name in names)
        self.columns = tuple(name for name in members if name in answered)
        self.deciding = {(cell.task, cell.variant): cell.metric for cell in self.summary.retrieved}
        self._predictions: dict[ItemKey, dict[str, Prediction]] = {
            (sample.task, sample.id): {} for sample in self.samples
        }
        for prediction in finished.predictions:
            key = prediction.task, prediction.sample_id
            if key not in self._predictions:
                raise StoreError(
                    f"item {prediction.task}/{prediction.sample_id} was answered but is not in samples.jsonl"
                )
            self._predictions[key][prediction.variant] = prediction
        self._scales: dict[Key, MetricInfo] = {}
        self._figures: dict[tuple[str, str, float | None], tuple[ScoreOutcome, str | None]] = {}
        self._scores: dict[tuple[str, str, str], list[Score]] = defaultdict(list)
        for score in finished.scores:
            self._scores[score.task, score.sample_id, score.variant].append(score)

    def answers(self, sample: Sample) -> Mapping[str, Prediction]:
        """The predictions for an item, by variant."""
        return self._predictions[sample.task, sample.id]

    def scores(self, prediction: Prediction) -> list[Score]:
        """What the metrics gave a prediction."""
        return self._scores.get((prediction.task, prediction.sample_id, prediction.variant), [])

    def scale(self, task: str, metric: str) -> MetricInfo:
        """How the values of a metric are to be read."""
        if (task, metric) not in self._scales:
            self._scales[task, metric] = metric_info(self.summary, task, metric)
        return self._scales[task, metric]

    def figure(self, score: Score) -> tuple[ScoreOutcome, str | None]:
        """How right a value is, and how it is written; metrics give most answers one of few values."""
        key = score.task, score.metric, score.value
        if key not in self._figures:
            info = self.scale(score.task, score.metric)
            value = score.value if score.value is None or math.isfinite(score.value) else None
            text = None if value is None else numbers.with_unit(value, info).replace(".0 %", " %")
            self._figures[key] = score_outcome(value, info), text
        return self._figures[key]

    def retrieval(self, prediction: Prediction) -> str | None:
        """Whether a gold passage was shown and whether the answer is right, by the metric that decides in `Retrieved`.

        None where nothing was looked up.
        """
        metric = self.deciding.get((prediction.task, prediction.variant))
        if metric is None or prediction.retrieval is None:
            return None
        info = self.scale(prediction.task, metric)
        value = next((score.value for score in self.scores(prediction) if score.metric == metric), None)
        return retrieval_outcome(prediction, value, info)


def items_payload(records: ItemRecords, first: int, last: int) -> dict[str, JSON]:
    """The items number `first` to `last`, both included, from 0 on, and the texts that they name by number."""
    texts = NumberedTexts()
    return {
        "items": [_item(sample, records, texts) for sample in records.samples[first : last + 1]],
        "texts": texts.texts,
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


def _item(sample: Sample, records: ItemRecords, texts: NumberedTexts) -> dict[str, JSON]:
    answers = records.answers(sample)
    return _without_empty(
        task=sample.task,
        id=sample.id,
        input=texts.number(sample.input),
        targets=sample.targets,
        options=sample.options,
        history=sample.history,
        group=sample.group,
        meta=_make_portable(dict(sample.meta)),
    ) | {"answers": [_answer(answers[name], sample, records, texts) for name in records.columns if name in answers]}


def _answer(prediction: Prediction, sample: Sample, records: ItemRecords, texts: NumberedTexts) -> dict[str, JSON]:
    reading = prediction.reading
    is_known = approach_of(records.summary, prediction.variant) != "made elsewhere"  # what it took
    is_whole = isinstance(reading.answer, str) and reading.answer == prediction.text
    passages = [passage["text"] for passage in prediction.passages if isinstance(passage.get("text"), str)]
    repeated = (sample.input, *passages)
    return _without_empty(
        variant=prediction.variant,
        messages=[[message.role, texts.pieces(message.content, repeated)] for message in prediction.messages],
        rendered=[
            [part] if isinstance(part, int) else texts.number(part) for part in rendered_parts(prediction)
        ],  # a message by its place, in brackets
        text=prediction.text,
        whole=is_whole or None,
        answer=None if is_whole else _make_portable(reading.answer),
        lenient=_make_portable(reading.lenient) if reading.lenient != reading.answer else None,
        unread=reading.reason,
        finish=None if prediction.finish == "stop" else prediction.finish,
        error=prediction.error,
        notes=prediction.notes,
        lookup=_lookup(prediction, texts),
        route=_route(prediction, texts),
        retrieved=records.retrieval(prediction),
        passages=[_passage(passage, texts) for passage in prediction.passages],
        logprobs=None if prediction.logprobs is None else [_rounded(logprob) for logprob in prediction.logprobs],
        tokens=[prediction.tokens_in, prediction.tokens_out] if is_known else None,
        seconds=_rounded(prediction.seconds) if is_known else None,
        timing=_timing(prediction, texts),
        elsewhere=None if prediction.elsewhere is None else numbers.share(prediction.elsewhere),
        reasoning=[texts.number(prediction.reasoning)] if prediction.reasoning.strip() else None,
        scores=[_score(score, records) for score in records.scores(prediction)],
    )


def _lookup(prediction: Prediction, texts: NumberedTexts) -> JSON:
    trace = prediction.retrieval
    return None if trace is None else _in_all(texts, lambda: [retrieval_note(trace)])[0]


def _timing(prediction: Prediction, texts: NumberedTexts) -> JSON:
    return None if prediction.serving is None else _in_all(texts, lambda: [timing_note(prediction) or ""])[0]


def _route(prediction: Prediction, texts: NumberedTexts) -> list[JSON]:
    if not prediction.route:
        return []
    steps = _in_all(texts, lambda: [reason for _, reason in route_reasons(prediction.route)])
    return [[step.variant, reasons] for step, reasons in zip(prediction.route, steps, strict=True)]


def _in_all(texts: NumberedTexts, sentences: Callable[[], Sequence[str]]) -> list[JSON]:
    """For each of these sentences, its number in every language."""
    spoken: dict[str, list[int]] = {}
    for language in LANGUAGES:
        with speaking(language):
            spoken[language] = [texts.number(sentence) for sentence in sentences()]
    return [dict(zip(spoken, numbers_of, strict=True)) for numbers_of in zip(*spoken.values(), strict=True)]


def _passage(passage: JSON, texts: NumberedTexts) -> dict[str, JSON]:
    return {
        key: [texts.number(value)] if key == "text" and isinstance(value, str) else _make_portable(value)
        for key, value in passage.items()
    }


def _score(score: Score, records: ItemRecords) -> list[JSON]:
    return [score.metric, *records.figure(score), score.reason, score.error]


def _rounded(value: float) -> JSON:
    return _make_portable(round(value, 3))


def _make_portable(content: JSON) -> JSON:
    """What a browser can parse and shows unchanged: a number that is none, or that it would round, as text."""
    if isinstance(content, float):
        return content if math.isfinite(content) else str(content)
    if isinstance(content, int):
        return content if abs(content) <= EXACT else str(content)
    if isinstance(content, Mapping):
        return {key: _make_portable(value) for key, value in content.items()}
    return [_make_portable(value) for value in content] if isinstance(content, list | tuple) else content


def _without_empty(**fields: JSON) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value is not None and value not in ((), [], {})}
