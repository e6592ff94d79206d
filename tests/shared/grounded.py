"""A run with floors, retrieval, a cascade and a freshness probe, by rules whose counts can be checked on paper.

norm has the items n01 … n30 (i = 1 … 30). Right are, of 30:
nearest: even i, 15. majority: multiples of 10, 3. zero-shot: multiples of 3, 10. few-shot: i % 5 in (0, 1), 12.
lora: i % 7 not in (0, 1), 30 − 4 − 5 = 21. oracle: not a multiple of 6, 25.
rag finds the gold passage unless 5 divides i (24 of 30): at rank 1 for odd i, 3 for even; 10, 20, 30 have it at rank 8
and 5, 15, 25 not at all. k is 5; for n04 only the first passage had room, so its gold one (rank 3) was found but not shown.
It is right at i = 15 and where neither 4 nor 5 divides i; n07 fails. Shown: 23, of which wrong 8 12 16 24 28 = 5,
unknown n07, right 23 − 5 − 1 = 17. Not shown: 15 right, 5 10 20 25 30 = 5 wrong, and n04.
cascade answers few-shot's 12 right ones itself and asks rag for i % 5 in (2, 3, 4), 18: 5 of them (4 8 12 24 28) wrong,
n07 unknown, 12 right; in all 24 of 29 right.
"""

from collections.abc import Iterator
from dataclasses import replace

from harness.records.figures import Comparison, MetricInfo, Result, Retrieved, Routed, Usage
from harness.records.inputs import JSON, Message, Sample
from harness.records.outputs import Prediction, Reading, RetrievalTrace, Score, Step
from harness.records.summary import Summary

VARIANTS = ("nearest", "majority", "zero-shot", "few-shot", "rag", "oracle", "lora", "cascade")
TERMS = (("左膝关节置换术后疼痛", "膝关节疼痛"), ("右侧肩袖部分撕裂", "肩袖损伤"), ("双眼干涩伴视疲劳", "干眼症"))
EXACT = MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better="higher")
STALE = MetricInfo(component="Stale", settings={}, low=0.0, high=1.0, better="lower")
RETRIEVAL = MetricInfo(component="Retrieval", settings={"at": [1, 5, 10]}, low=0.0, high=1.0, better="higher")
BEFORE, AFTER, WITHDRAWN = "norm@icd-before", "norm@icd-after", "norm@icd-withdrawn"
# items right before (of 12), right after, saying the old after, saying what was withdrawn (of 3)
FRESH = {
    "nearest": (6, 0, 6, 1),
    "majority": (1, 1, 0, 0),
    "zero-shot": (4, 3, 2, 1),
    "few-shot": (5, 3, 2, 1),
    "rag": (10, 9, 1, 0),
    "oracle": (9, 8, 0, 0),
    "lora": (11, 1, 10, 3),
    "cascade": (10, 7, 3, 0),
}
TOKENS = {"zero-shot": 60, "few-shot": 110, "rag": 410, "oracle": 150, "lora": 60}
SECONDS = {"zero-shot": 0.05, "few-shot": 0.1, "rag": 0.3, "oracle": 0.15, "lora": 0.05}


def gold_rank(i: int) -> int | None:
    if i % 5:
        return 1 if i % 2 else 3
    return None if i % 10 else 8


def right(variant: str, i: int) -> bool | None:
    if variant == "cascade":
        variant = "few-shot" if i % 5 in (0, 1) else "rag"
    if variant == "rag" and i == 7:
        return None
    return {
        "nearest": i % 2 == 0,
        "majority": i % 10 == 0,
        "zero-shot": i % 3 == 0,
        "few-shot": i % 5 in (0, 1),
        "rag": i == 15 or (i % 5 != 0 and i % 4 != 0),
        "oracle": i % 6 != 0,
        "lora": i % 7 not in (0, 1),
    }[variant]


def passages(i: int, is_oracle: bool) -> tuple[dict[str, JSON], ...]:
    term = TERMS[i % 3][1]
    gold = {"id": f"icd:{i}", "source": "icd.txt", "title": "第十三章", "text": f"{term}：标准词", "gold": True}
    if is_oracle:
        return ({"number": 1, **gold, "score": 1.0},)
    rank = gold_rank(i)
    retrieved_passages: list[dict[str, JSON]] = [
        {
            "id": f"icd:{900 + k}",
            "source": "icd.txt",
            "text": f"别的词条 {k}",
            "rank": k,
            "score": round(0.9 - k / 10, 2),
        }
        for k in range(1, 6)
    ]
    if rank is not None and rank <= 5:
        retrieved_passages[rank - 1] = {**gold, "rank": rank, "score": round(0.9 - rank / 10, 2)}
    if i == 4:  # one passage, cut
        retrieved_passages = [{**retrieved_passages[0], "text": "别的…", "cut": True}]
    if i in (8, 12):  # two left out
        retrieved_passages = retrieved_passages[:3]
    return tuple(
        {"number": number, **passage, "gold": bool(passage.get("gold"))}
        for number, passage in enumerate(retrieved_passages, 1)
    )


def answer_of(variant: str, sample: Sample, i: int) -> Prediction:
    """What one variant, which is no cascade, says."""
    ok = right(variant, i)
    answer = sample.targets[0] if ok else "别的词"
    message = (Message("user", f"原始词：{sample.input}\n标准词："),) if variant in TOKENS else ()
    tokens = TOKENS.get(variant, 0)
    prediction = Prediction(
        sample_id=sample.id, task="norm", variant=variant, messages=message, text=answer, reading=Reading(answer), finish="stop", tokens_in=max(0, tokens - 10), tokens_out=min(10, tokens),
        seconds=SECONDS.get(variant, 0.0), confidence={"logprob": 0.8 if i % 5 in (0, 1) else 0.3} if variant == "few-shot" else {},
    )  # fmt: skip
    if ok is None:
        prediction = replace(prediction, text="", reading=Reading(), finish="error", error="connection refused")
    if variant == "rag":
        cut, left_out = int(i == 4), {4: 4, 8: 2, 12: 2}.get(i, 0)
        prediction = replace(
            prediction,
            passages=passages(i, False),
            retrieval=RetrievalTrace(
                gold=(f"icd:{i}",), ranks=(gold_rank(i),), depth=100, k=5, left_out=left_out, cut=cut
            ),
        )
    if variant == "oracle":
        prediction = replace(
            prediction,
            passages=passages(i, True),
            retrieval=RetrievalTrace(gold=(f"icd:{i}",), ranks=None, depth=0, k=1),
        )
    return prediction


def cascaded(sample: Sample, i: int) -> Prediction:
    first = answer_of("few-shot", sample, i)
    if i % 5 in (0, 1):
        return replace(first, variant="cascade", route=(Step("few-shot", 0.8, 0.5),))
    last = answer_of("rag", sample, i)
    return replace(
        last, variant="cascade", route=(Step("few-shot", 0.3, 0.5), Step("rag", None, None)),
        tokens_in=first.tokens_in + last.tokens_in, tokens_out=first.tokens_out + last.tokens_out,
        seconds=first.seconds + last.seconds,
    )  # fmt: skip


def records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    samples, predictions, scores = [], [], []
    for i in range(1, 31):
        question, target = TERMS[i % 3]
        sample = Sample(id=f"n{i:02}", task="norm", input=question, targets=(target,))
        samples.append(sample)
        for variant in VARIANTS:
            prediction = cascaded(sample, i) if variant == "cascade" else answer_of(variant, sample, i)
            predictions.append(prediction)
            ok = right(variant, i)
            scores.append(
                Score(
                    sample_id=sample.id,
                    task="norm",
                    variant=variant,
                    metric="accuracy",
                    value=None if ok is None else float(ok),
                    reason=None,
                    error=prediction.error,
                )
            )
            scores += retrieval_scores(prediction)
    for task in (BEFORE, AFTER, WITHDRAWN):
        probe_samples, probe_predictions, probe_scores = probe_records(task)
        samples, predictions, scores = samples + probe_samples, predictions + probe_predictions, scores + probe_scores
    return samples, predictions, scores


def retrieval_scores(prediction: Prediction) -> Iterator[Score]:
    retrieval = prediction.retrieval
    if retrieval is None or retrieval.ranks is None:
        return
    rank = retrieval.ranks[0]
    values = {
        "retrieval": float(rank is not None and rank <= 5),
        "retrieval.recall@1": float(rank == 1),
        "retrieval.recall@10": float(rank is not None and rank <= 10),
        "retrieval.mrr": 0.0 if rank is None else 1 / rank,
    }
    for metric, value in values.items():
        yield Score(
            sample_id=prediction.sample_id,
            task="norm",
            variant=prediction.variant,
            metric=metric,
            value=None if prediction.error else value,
            reason=None,
            error=prediction.error,
        )


def probe_records(task: str) -> tuple[list[Sample], list[Prediction], list[Score]]:
    count = 3 if task == WITHDRAWN else 12
    samples = [
        Sample(
            id=f"n{i:02}",
            task=task,
            input=TERMS[i % 3][0],
            targets=("新词" if task == AFTER else "旧词",),
            meta={"stale": ["旧词"]},
        )
        for i in range(1, count + 1)
    ]
    predictions, scores = [], []
    for variant in VARIANTS:
        before, after, old, withdrawn = FRESH[variant]
        for i, sample in enumerate(samples, 1):
            good = i <= {BEFORE: before, AFTER: after, WITHDRAWN: 0}[task]
            stale = i > count - {BEFORE: 0, AFTER: old, WITHDRAWN: withdrawn}[task]
            answer = sample.targets[0] if good else "旧词" if stale else "别的词"
            predictions.append(
                Prediction(
                    sample_id=sample.id,
                    task=task,
                    variant=variant,
                    messages=(Message("user", sample.input),),
                    text=answer,
                    reading=Reading(answer),
                )
            )
            if task != WITHDRAWN:
                scores.append(
                    Score(sample_id=sample.id, task=task, variant=variant, metric="accuracy", value=float(good))
                )
            if task != BEFORE:
                scores.append(
                    Score(sample_id=sample.id, task=task, variant=variant, metric="stale", value=float(stale))
                )
    return samples, predictions, scores


def counted(scores: list[Score]) -> tuple[Result, ...]:
    """Means are counted; the intervals are made up."""
    cells: dict[tuple[str, str, str], list[float | None]] = {}
    for score in scores:
        cells.setdefault((score.task, score.variant, score.metric), []).append(score.value)
    results = []
    for (task, variant, metric), values in cells.items():
        valued = [value for value in values if value is not None]
        mean = sum(valued) / len(valued)
        results.append(
            Result(
                task=task,
                variant=variant,
                metric=metric,
                samples=len(values),
                known=len(valued),
                mean=mean,
                low=max(0.0, mean - 0.15),
                high=min(1.0, mean + 0.15),
            )
        )
    return tuple(results)


def against(
    reference: str, variant: str, difference: float, p: float, verdict: str, needed: int | None = None
) -> Comparison:
    """A comparison on norm.accuracy; its interval is 15 points to either side."""
    n = 29 if variant in ("rag", "cascade") else 30
    return Comparison(
        task="norm", metric="accuracy", variant=variant, reference=reference, samples=n, difference=difference,
        low=difference - 0.15, high=difference + 0.15, p=p, p_adjusted=p, test="exact McNemar", wins=9, losses=4,
        ties=n - 13, verdict=verdict, detectable=0.2, needed=needed,
    )  # fmt: skip


FLOORS = (
    against("nearest", "zero-shot", -5 / 30, 0.031, "worse"),  # 10/30 − 15/30
    against("nearest", "few-shot", -3 / 30, 0.41, "inconclusive", 205),  # 12/30 − 15/30
    against("nearest", "rag", 3 / 29, 0.028, "better"),  # (18 − 15)/29; at n07 nearest is wrong too
    against("nearest", "lora", 6 / 30, 0.012, "better"),
    against("nearest", "cascade", 9 / 29, 0.0021, "better"),
)
COMPARISONS = (
    against("zero-shot", "nearest", 5 / 30, 0.031, "better"),
    against("zero-shot", "majority", -7 / 30, 0.022, "worse"),
    against("zero-shot", "few-shot", 2 / 30, 0.6, "inconclusive", 480),
    against("zero-shot", "rag", 8 / 29, 0.004, "better"),
    against("zero-shot", "oracle", 15 / 30, 0.0004, "better"),
    against("zero-shot", "lora", 11 / 30, 0.002, "better"),
    against("zero-shot", "cascade", 14 / 29, 0.0005, "better"),
)


def usage(predictions: list[Prediction]) -> tuple[Usage, ...]:
    cells: dict[tuple[str, str], list[Prediction]] = {}
    for prediction in predictions:
        cells.setdefault((prediction.task, prediction.variant), []).append(prediction)
    return tuple(
        Usage(
            task=task, variant=variant, samples=len(answers), failed=sum(p.error is not None for p in answers), unread=0, truncated=0, tokens_in=sum(p.tokens_in for p in answers),
            tokens_out=sum(p.tokens_out for p in answers), seconds=sum(p.seconds for p in answers), prompts="4f1c2a9de5b8a1d0",
        )
        for (task, variant), answers in cells.items()
    )  # fmt: skip


def retrieved(variant: str, counts: tuple[int, int, int, int, int, int], cut: int, left_out: int) -> Retrieved:
    kinds = ("hit and right", "hit and wrong", "miss and right", "miss and wrong", "not shown", "unknown")
    return Retrieved(
        task="norm",
        variant=variant,
        metric="accuracy",
        samples=sum(counts),
        counts=dict(zip(kinds, counts, strict=True)),
        examples={},
        cut=cut,
        left_out=left_out,
    )


def summary() -> Summary:
    _, predictions, scores = records()
    results = counted(scores)
    metrics = {
        f"{r.task}.{r.metric}": STALE
        if r.metric == "stale"
        else RETRIEVAL
        if r.metric.startswith("retrieval")
        else EXACT
        for r in results
    }
    return Summary(
        name="clinical-terms, grounded",
        reference="zero-shot",
        headline=("norm.accuracy",),
        metrics=metrics,
        results=results,
        comparisons=COMPARISONS,
        usage=usage(predictions),
        floors=FLOORS,
        unaided=("nearest", "majority"),
        bounds=("oracle",),
        retrieved=(
            retrieved("rag", (17, 5, 1, 5, 1, 1), 1, 3),
            retrieved("oracle", (25, 5, 0, 0, 0, 0), 0, 0),
            # only the 18 that rag answered; of the 5 wrong ones n04 was not shown its passage
            retrieved("cascade", (12, 4, 0, 0, 1, 1), 1, 3),
        ),
        routed=(
            # 12 × 110 tokens; 18 × (110 + 410); 12 × 0.1 s; 18 × (0.1 + 0.3)
            Routed(
                task="norm",
                variant="cascade",
                step="few-shot",
                place=1,
                samples=12,
                total=30,
                metric="accuracy",
                mean=1.0,
                threshold=0.5,
                tokens=1320,
                seconds=1.2,
            ),
            Routed(
                task="norm",
                variant="cascade",
                step="rag",
                place=2,
                samples=18,
                total=30,
                metric="accuracy",
                mean=12 / 17,
                threshold=None,
                tokens=9360,
                seconds=7.2,
            ),
        ),
    )


RUN: dict[str, JSON] = {
    "suite": {"name": "clinical-terms", "path": "suite.yaml", "text": "name: clinical-terms\n", "prompts": {}},
    "status": "complete",
    "seed": 42,
    "variants": {
        "cascade": {"component": "Cascade", "settings": {"of": ["few-shot", "rag"], "confidence": "logprob"}},
    },
    "knowledge": {
        "icd": {
            "component": "Texts",
            "settings": {"path": "icd.txt", "column": 1},
            "files": [{"path": "icd.txt", "sha256": "9f86d081884c7d65" * 4}],
            "passages": 8432,
            "merged": 399,
            "skipped": ["old.doc: a format that cannot be read", "empty.pdf: no text"],
        }
    },
    "cells": [
        {
            "task": "norm",
            "variant": "zero-shot",
            "samples": 30,
            "calls": 30,
            "cached": 0,
            "embedded": 0,
            "retrieval_seconds": 0.0,
        },
        {
            "task": "norm",
            "variant": "rag",
            "samples": 30,
            "calls": 30,
            "cached": 0,
            "embedded": 8462,
            "retrieval_seconds": 12.4,
        },
    ],
}
