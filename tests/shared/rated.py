"""A run whose answers people rate: three items, three variants of which one shows passages, and judges by script."""

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from harness.components.display import Display
from harness.records.inputs import JSON
from harness.records.rating_sheets import RatingSheet
from harness.run import run
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.parser import load_suite
from reports.html import render

NASTY = '</script><img src=x onerror="document.title = 1"> 请尽快就医。'
QUESTIONS = ("布洛芬与阿司匹林能否同服？", "氨氯地平是什么药？", "阿莫西林的成人剂量？")
KNOWLEDGE = "布洛芬可能削弱阿司匹林的作用。\n氨氯地平：钙通道阻滞剂。\n阿莫西林：成人每 8 小时 500 mg。\n"
DIMENSIONS = ("faithful", "complete", "no_invention", "safe")
SCORES = json.dumps({name: {"reason": "依据", "score": 4} for name in DIMENSIONS}, ensure_ascii=False)
SUITE: dict[str, JSON] = {
    "name": "clinic",
    "models": {
        "m": {"scripted": {"default": "建议心内科就诊。"}},
        "n": {"scripted": {"default": NASTY}},
        "o": {"scripted": {"default": "建议心内科就诊。"}},
        "judge": {"scripted": {"default": SCORES}},
    },
    "knowledge": {"k": {"texts": {"path": "k.txt"}}},
    "tasks": {
        "advice": {
            "data": {"jsonl": {"path": "data.jsonl"}},
            "prompt": "ask.j2",
            "metrics": {
                "quality": {"judge": {"model": "judge", "rubric": "clinical"}},
                "better": {"pairwise": {"model": "judge", "rubric": "clinical"}},
            },
        }
    },
    "variants": {
        "zero-shot": {"prompting": {"model": "m"}},
        "lexical-rag": {"rag": {"model": "n", "knowledge": "k", "k": 1}},
        "tuned-twin": {"prompting": {"model": "o"}},
    },
    "compare": {"reference": "zero-shot"},
    "latency": {"items": 0},
}
FILES = {
    "data.jsonl": "".join(
        json.dumps({"input": text, "target": "见说明书。"}, ensure_ascii=False) + "\n" for text in QUESTIONS
    ),
    "k.txt": KNOWLEDGE,
    "ask.j2": "请回答患者的问题：\n{{ input }}",
}


def rated_run(folder: Path) -> RunFolder:
    """The suite, run to its end in a folder, with its calls in `cache` below it."""
    path = folder / "suite.yaml"
    for name, text in {**FILES, path.name: json.dumps(SUITE, ensure_ascii=False)}.items():
        (folder / name).write_text(text, encoding="utf-8")
    suite, run_folder = load_suite(path), RunFolder(folder / "run")
    with closing(Cache(folder / "cache" / "calls.sqlite")) as cache:
        run(suite, run_folder, Context(suite.models, cache, Display(), suite.seed), render)
    return run_folder


def ratings_of(sheet: RatingSheet, given: Mapping[str, Mapping[str, JSON]], path: Path, **head: JSON) -> Path:
    """A file as the page saves it; `head` changes its first line."""
    first = {
        "harness_ratings": 1, "run": sheet.run, "sheet": sheet.sheet, "rater": "", "sitting": "1-2-3",
        "saved": "2026-05-01T10:00:00.000Z", "pairwise": sheet.pairwise, "rubric": sheet.rubric, "low": sheet.low,
        "high": sheet.high, "whole": sheet.whole, "dimensions": [dimension.name for dimension in sheet.dimensions],
        "entries": sum(len(question.entries) for question in sheet.questions), "rated": len(given), **head,
    }  # fmt: skip
    lines = [first, *({"entry": key, **rating} for key, rating in given.items())]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path
