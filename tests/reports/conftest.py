"""Run folders written by hand, so that every expected number can be counted on paper."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records.figures import Comparison, MetricInfo, Result, Usage
from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from tests.shared import grounded, judged, nasty, trained
from tests.shared.browsing import browser as browser
from tests.shared.browsing import open_page as open_page

TERMS = (
    ("左膝关节置换术后疼痛", "膝关节疼痛"),
    ("右侧肩袖部分撕裂", "肩袖损伤"),
    ("双眼干涩伴视疲劳", "干眼症"),
    ("反复上腹隐痛三月", "上腹痛"),
    ("阵发性室上性心动过速射频消融术后", "室上性心动过速"),
    ("腰椎间盘突出伴左下肢放射痛", "腰椎间盘突出##坐骨神经痛"),
)
EXAM = ("下列哪一项最能提示缺铁性贫血？", ("血清铁蛋白降低", "血清铁升高", "总铁结合力降低", "转铁蛋白饱和度升高"))
SUITE = """name: clinical-terms
seed: 42
tasks:
  norm: {data: {tsv: {path: val.tsv}}, prompt: norm.j2, metrics: {accuracy: exact_match, terms: term_set}}
compare: {reference: zero-shot, headline: [norm.accuracy, exam.accuracy]}
"""
EXACT = MetricInfo(component="exact_match", settings={"normalise": True}, low=0.0, high=1.0, better="higher")
TERM_SET = MetricInfo(component="term_set", settings={"separator": "##"}, low=0.0, high=1.0, better="higher")
CHOICE = MetricInfo(component="choice", settings={}, low=0.0, high=1.0, better="higher")
EDITS = MetricInfo(component="edit_distance", settings={}, low=0.0, high=100.0, better="lower")


def norm_right(variant: str, i: int) -> float | None:
    """zero-shot: even i; few-shot-nearest: not a multiple of 3; rag: not a multiple of 5, failed at 7 and 14."""
    if variant == "rag" and i in (7, 14):
        return None
    return float({"zero-shot": i % 2 == 0, "few-shot-nearest": i % 3 != 0, "rag": i % 5 != 0}[variant])


def exam_right(variant: str, i: int) -> float:
    """zero-shot: 1 to 3; few-shot-nearest: 1 to 4; rag: all but 1."""
    return float({"zero-shot": i <= 3, "few-shot-nearest": i <= 4, "rag": i != 1}[variant])


VARIANTS = ("zero-shot", "few-shot-nearest", "rag")


def result(task: str, variant: str, metric: str, known: int, samples: int, *figures: float | None) -> Result:
    mean, low, high = figures
    return Result(
        task=task, variant=variant, metric=metric, samples=samples, known=known, mean=mean, low=low, high=high
    )


def comparison(
    task: str,
    metric: str,
    variant: str,
    samples: int,
    figures: tuple[float, float, float],
    p: float,
    counts: tuple[int, int, int],
    verdict: str,
    detectable: float | None,
    needed: int | None,
) -> Comparison:
    (difference, low, high), (wins, losses, ties) = figures, counts
    return Comparison(
        task=task,
        metric=metric,
        variant=variant,
        reference="zero-shot",
        samples=samples,
        difference=difference,
        low=low,
        high=high,
        p=p,
        p_adjusted=p,
        test="exact McNemar",
        wins=wins,
        losses=losses,
        ties=ties,
        verdict=verdict,
        detectable=detectable,
        needed=needed,
    )


@pytest.fixture(scope="session")
def summary() -> Summary:
    """Means counted from `norm_right` and `exam_right`; intervals and tests are made up."""
    results = (
        result("norm", "zero-shot", "accuracy", 30, 30, 15 / 30, 0.332, 0.668),
        result("norm", "few-shot-nearest", "accuracy", 30, 30, 20 / 30, 0.488, 0.808),
        result("norm", "rag", "accuracy", 28, 30, 22 / 28, 0.605, 0.898),
        result("norm", "zero-shot", "terms.precision", 30, 30, 0.61, 0.46, 0.75),
        result("norm", "few-shot-nearest", "terms.precision", 30, 30, 0.70, 0.55, 0.83),
        result("norm", "rag", "terms.precision", 28, 30, 0.80, 0.64, 0.92),
        result("norm", "zero-shot", "terms", 30, 30, 0.633, 0.48, 0.77),
        result("norm", "few-shot-nearest", "terms", 30, 30, 0.667, 0.51, 0.82),
        result("norm", "rag", "terms", 28, 30, 0.786, 0.62, 0.91),
        result("norm", "zero-shot", "edits", 30, 30, 3.2, 2.1, 4.4),
        result("norm", "few-shot-nearest", "edits", 30, 30, 2.9, 1.9, 4.0),
        result("norm", "rag", "edits", 28, 30, 1.4, 0.7, 2.2),
        result("exam", "zero-shot", "accuracy", 6, 6, 3 / 6, 0.188, 0.812),
        result("exam", "few-shot-nearest", "accuracy", 6, 6, 4 / 6, 0.300, 0.903),
        result("exam", "rag", "accuracy", 6, 6, 5 / 6, 0.437, 0.970),
    )
    comparisons = (
        # few-shot-nearest: 20/30 - 15/30; rag on the 28 items it knows: 22/28 - 14/28
        comparison(
            "norm",
            "accuracy",
            "few-shot-nearest",
            30,
            (5 / 30, -0.067, 0.4),
            0.267,
            (10, 5, 15),
            "inconclusive",
            0.31,
            137,
        ),
        comparison("norm", "accuracy", "rag", 28, (8 / 28, 0.071, 0.5), 0.0386, (11, 3, 14), "better", 0.29, 52),
        comparison("norm", "terms", "rag", 28, (0.153, 0.02, 0.29), 0.031, (9, 3, 16), "better", 0.2, 60),
        comparison(
            "norm", "edits", "few-shot-nearest", 30, (-0.3, -1.5, 0.9), 0.6, (8, 7, 15), "inconclusive", 1.7, None
        ),
        comparison("norm", "edits", "rag", 28, (-1.8, -2.9, -0.7), 0.0004, (14, 3, 11), "better", 1.5, 20),
        comparison(
            "exam", "accuracy", "few-shot-nearest", 6, (1 / 6, -0.17, 0.5), 1.0, (1, 0, 5), "inconclusive", 0.9, 47
        ),
        comparison("exam", "accuracy", "rag", 6, (2 / 6, -0.33, 1.0), 0.625, (3, 1, 2), "inconclusive", 0.9, 36),
    )
    usage = tuple(
        Usage(
            task=task,
            variant=variant,
            samples=samples,
            failed=2 if (task, variant) == ("norm", "rag") else 0,
            unread=unread,
            truncated=0,
            tokens_in=samples * tokens,
            tokens_out=samples * 9,
            seconds=samples * 0.21,
            prompts=f"{digest}e5b8a1d0",
        )
        for task, samples, tokens, variant, unread, digest in (
            ("norm", 30, 96, "zero-shot", 1, "4f1c2a9d"),
            ("norm", 30, 412, "few-shot-nearest", 0, "81be0c73"),
            ("norm", 30, 655, "rag", 0, "c02d9e5f"),
            ("exam", 6, 120, "zero-shot", 0, "5d7e1a44"),
            ("exam", 6, 530, "few-shot-nearest", 0, "90aa3b1c"),
            ("exam", 6, 700, "rag", 0, "e81f6d20"),
        )
    )
    metrics = {"norm.accuracy": EXACT, "norm.terms": TERM_SET, "norm.edits": EDITS, "exam.accuracy": CHOICE}
    return Summary(
        name="clinical-terms",
        reference="zero-shot",
        headline=("norm.accuracy", "exam.accuracy"),
        metrics=metrics,
        results=results,
        comparisons=comparisons,
        usage=usage,
        warnings=("norm × rag: 2 of 30 items have no value; compare on the 28 known ones",),
    )


def norm_records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    samples, predictions, scores = [], [], []
    for i in range(1, 31):
        question, target = TERMS[i % 6]
        samples.append(
            Sample(
                id=f"n{i:02}",
                task="norm",
                input=question,
                targets=(target,),
                meta={"科室": "骨科" if i % 2 else "内科", "row": i},
            )
        )
        for variant in VARIANTS:
            right = norm_right(variant, i)
            wrong = TERMS[(i + 1) % 6][1]
            predictions.append(norm_prediction(samples[-1], variant, target if right else wrong, right is None))
            reason = None if right in (None, 1.0) else f"expected {target}, got {wrong}"
            error = "connection refused after 3 attempts" if right is None else None
            # wrong answers of zero-shot are partly right at i = 1, 5, 9, …, 29: 8 items
            partly = 0.5 if variant == "zero-shot" and i % 4 == 1 else right
            scores += [
                Score(
                    sample_id=f"n{i:02}",
                    task="norm",
                    variant=variant,
                    metric="accuracy",
                    value=right,
                    reason=reason,
                    error=error,
                ),
                Score(
                    sample_id=f"n{i:02}",
                    task="norm",
                    variant=variant,
                    metric="terms",
                    value=partly,
                    reason=None,
                    error=error,
                ),
                Score(
                    sample_id=f"n{i:02}",
                    task="norm",
                    variant=variant,
                    metric="terms.precision",
                    value=partly,
                    reason=None,
                    error=error,
                ),
                Score(
                    sample_id=f"n{i:02}",
                    task="norm",
                    variant=variant,
                    metric="edits",
                    value=None if right is None else 4 * (1 - right),
                    reason=None,
                    error=error,
                ),
            ]
    return samples, predictions, scores


def norm_prediction(sample: Sample, variant: str, answer: str, failed: bool) -> Prediction:
    ask = "把下面的原始诊断改写为标准词，只输出标准词。\n\n原始词：{}\n标准词："
    messages = [Message("system", "你是一名病案编码员。")]
    if variant == "few-shot-nearest":
        for question, target in TERMS[:3]:
            messages += [Message("user", ask.format(question)), Message("assistant", target)]
    messages.append(Message("user", ask.format(sample.input)))
    passages = tuple({"text": f"{name}：{term}", "score": 0.71, "source": "icd.txt"} for term, name in TERMS[:2])
    if failed:
        return Prediction(
            sample_id=sample.id,
            task=sample.task,
            variant=variant,
            messages=tuple(messages),
            text="",
            reading=Reading(),
            finish="error",
            error="connection refused after 3 attempts",
        )
    return Prediction(
        sample_id=sample.id,
        task=sample.task,
        variant=variant,
        messages=tuple(messages),
        text=f"标准词：{answer}。",
        reading=Reading(answer, lenient=f"{answer}。" if variant == "zero-shot" else answer),
        finish="stop",
        tokens_in=96,
        tokens_out=9,
        seconds=0.21,
        passages=passages if variant == "rag" else (),
        notes=("a tie among votes",) if variant == "rag" and sample.id == "n05" else (),
    )


def exam_records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    question, options = EXAM
    samples = [Sample(id=f"e{i}", task="exam", input=question, targets=("A",), options=options) for i in range(1, 7)]
    predictions, scores = [], []
    for i, sample in enumerate(samples, 1):
        for variant in VARIANTS:
            right = exam_right(variant, i)
            letter = "A" if right else "C"
            predictions.append(
                Prediction(
                    sample_id=sample.id,
                    task="exam",
                    variant=variant,
                    messages=(Message("user", question),),
                    text="",
                    reading=Reading(letter),
                    finish="stop",
                    tokens_in=120,
                    tokens_out=1,
                    seconds=0.05,
                    logprobs=(-0.31, -2.4, -1.9, -3.3) if right else (-2.1, -2.4, -0.4, -3.3),
                )
            )
            scores.append(
                Score(
                    sample_id=sample.id,
                    task="exam",
                    variant=variant,
                    metric="accuracy",
                    value=right,
                    reason=None if right else "expected A, got C",
                )
            )
    return samples, predictions, scores


RUN = {
    "format": 1,
    "suite": {
        "name": "clinical-terms",
        "path": "suites/terms/suite.yaml",
        "text": SUITE,
        "prompts": {"norm.j2": "原始词：{{ input }}\n标准词："},
    },
    "seed": 42,
    "status": "finished",
    "started": "2026-11-22T09:37:05+00:00",
    "finished": "2026-11-22T09:41:12+00:00",
    "harness": "0.1.0",
    "packages": {"torch": "2.13.0", "transformers": "5.23.0", "numpy": "2.4.6"},
    "commit": {"hash": "7be31f64c0ffee00", "dirty": True},
    "hardware": {
        "cpu": "made-up CPU",
        "cores": 2,
        "memory_gib": 23.4,
        "accelerators": [],
        "python": "3.11.9",
        "platform": "Linux x86_64",
    },
    "command": "harness run suites/terms/suite.yaml",
    "data": {
        "norm": {
            "files": [{"path": "val.tsv", "sha256": "9f86d081884c7d65" * 4}],
            "rows": {"train": 120, "validation": 0, "test": 30},
            "skipped": [],
        }
    },
    "models": {
        "base": {
            "component": "scripted",
            "settings": {"path": "replies.json"},
            "identity": {"component": "scripted", "weights": "sha256:2c26b46b68ffc68f", "dtype": "bfloat16"},
            "description": "made up",
        }
    },
    "tasks": {
        "norm": {
            "answer": {"component": "text", "settings": {}},
            "metrics": {"terms": {"component": "term_set", "settings": {"separator": "##"}}},
        }
    },
    "variants": {
        "zero-shot": {"component": "prompting", "settings": {"model": "base"}},
        "rag": {"component": "rag", "settings": {"model": "base", "k": 5, "retriever": "hybrid"}},
    },
    "cells": [{"task": "norm", "variant": "zero-shot", "samples": 30, "calls": 30, "cached": 12, "failed": 0}],
    "warnings": [],
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, summary: Summary) -> RunFolder:
    """Three variants on 30 term items and 6 exam items."""
    norm, exam = norm_records(), exam_records()
    return build_folder(tmp_path_factory.mktemp("run"), summary, *(a + b for a, b in zip(norm, exam, strict=True)))


@pytest.fixture(scope="session")
def grounded_summary() -> Summary:
    """Floors, retrieval, a cascade and a freshness probe; see grounded.py for the counts."""
    return grounded.summary()


@pytest.fixture(scope="session")
def grounded_folder(tmp_path_factory: pytest.TempPathFactory, grounded_summary: Summary) -> RunFolder:
    """The run behind `grounded_summary`."""
    return build_folder(tmp_path_factory.mktemp("grounded"), grounded_summary, *grounded.records(), grounded.RUN)


@pytest.fixture(scope="session")
def trained_summary() -> Summary:
    """Sizes, seeds, forgetting and leakage; see trained.py for the counts."""
    return trained.summary()


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory, trained_summary: Summary) -> RunFolder:
    """The run behind `trained_summary`."""
    return build_folder(tmp_path_factory.mktemp("trained"), trained_summary, *trained.records(), trained.RUN)


@pytest.fixture(scope="session")
def judged_summary() -> Summary:
    """Judges, a ranking, human scores and confusions; see judged.py for the counts."""
    return judged.summary()


@pytest.fixture(scope="session")
def judged_folder(tmp_path_factory: pytest.TempPathFactory, judged_summary: Summary) -> RunFolder:
    """The run behind `judged_summary`."""
    return build_folder(tmp_path_factory.mktemp("judged"), judged_summary, *judged.records(), judged.RUN)


@pytest.fixture(scope="session")
def nasty_folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """One variant, no reference; text that tries to become markup in every field."""
    return build_folder(tmp_path_factory.mktemp("nasty"), nasty.summary(), *nasty.records(), nasty.RUN)


def build_folder(
    path: Path,
    summary: Summary,
    samples: list[Sample],
    predictions: list[Prediction],
    scores: list[Score],
    run: dict[str, object] = RUN,
) -> RunFolder:
    folder = RunFolder(path)
    folder.write_run(run)
    folder.write_samples(samples)
    folder.write_predictions(predictions)
    folder.write_scores(scores)
    folder.write_summary(summary)
    return folder


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., RunFolder]:
    return lambda *records: build_folder(tmp_path, *records)
