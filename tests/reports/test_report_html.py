"""The page as a file: whole, closed, and free of markup that a model wrote."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files

import pytest

from harness.errors import StoreError
from harness.records.figures import MetricInfo
from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction, Reading
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from reports.facts.item_payload import score_outcome
from reports.html import render
from tests.shared.finished import unpacked, visible


@pytest.fixture(scope="module")
def page(folder: RunFolder) -> str:
    return visible(render(folder.finished()))


@pytest.fixture(scope="module")
def grounded_page(grounded_folder: RunFolder) -> str:
    return visible(render(grounded_folder.finished()))


def test_written_beside_the_run(folder: RunFolder) -> None:
    path = folder.write_report(render(folder.finished()))
    assert path == folder.path / "report.html"
    assert path.read_text(encoding="utf-8") == render(folder.finished())  # and the same run gives the same page


@pytest.mark.parametrize(
    "text",
    [
        "3 variants · 2 tasks · 36 items · 22 November 2026, 09:41 UTC, in 4 min · seed 42",
        "rag beats zero-shot by 28.6 points (95 % CI 7.1–50.0, p = 0.039, 28 of 30 items).",
        "zero-shot reference 50.0 % 33.2–66.8 50.0 % 18.8–81.2",
        "few-shot-nearest 66.7 % 48.8–80.8 +16.7 inconclusive 66.7 % 30.0–90.3 +16.7 inconclusive",
        "rag 78.6 % 60.5–89.8 +28.6 leading 28 of 30 known (93.3 %) 83.3 % 43.7–97.0 +33.3 inconclusive",
        "few-shot-nearest +16.7 −6.7 to 40.0 p = 0.27 won / lost / tied 10 / 5 / 15 30 items inconclusive about 140",
        "norm 30 items zero-shot 96 9 0.21 30 12 0 1 0 – 4f1c2a9d",
        "rag 655 9 0.21 – – 2 0 0 – c02d9e5f",
        "norm.edits edit_distance range 0 to 100, lower is better",
        "sha256 9f86d081884c7d65",
        "base scripted (path: replies.json) identity: component: scripted, weights: sha256:2c26b46b68ffc68f, dtype: bfloat16",
        "norm answer: text metrics: terms: term_set (separator: ##)",
        "norm.terms term_set (separator: ##) range 0 to 1, higher is better",
        "accelerators none",
        "7be31f64c0ffee00 with uncommitted changes",
        "accuracy: exact_match, terms: term_set",
        "原始词：{{ input }}",
        "norm × rag: 2 of 30 items have no value",
    ],
)
def test_the_page_says(page: str, text: str) -> None:
    assert text in page


@pytest.mark.parametrize(
    ("stages", "row"),
    [
        # as numbers.duration writes it: whole seconds from 10 on, minutes from 90 on, hours from 5,400 on
        ({"train": 61.4, "index": 0.312, "predict": 204.2}, "Stages train 61 s, index 0.3 s, predict 3 min Harness"),
        ({"train": 7200.0}, "Stages train 2.0 h Harness"),
        ({}, None),
        (None, None),  # as older versions wrote it
    ],
)
def test_the_time_of_the_stages(folder: RunFolder, stages: dict[str, float] | None, row: str | None) -> None:
    whole = folder.finished()
    page = visible(render(replace(whole, run={**whole.run, "stages": stages})))
    assert row in page if row else "Stages" not in page
    assert "Stages" not in visible(render(whole))


@pytest.mark.parametrize(
    "text",
    [
        "8 variants · 1 task · 30 items · 1 freshness probe · seed 42",
        "zero-shot reference 33.3 % 18.3–48.3 below the floor",
        "nearest floor 50.0 % 35.0–65.0",
        "zero-shot stays below the floor: nearest reaches 50.0 % without any model (zero-shot −16.7,",
        "rag: of 11 wrong answers, 5 had the gold passage in front of them (generation failed) and 5 never saw it (retrieval missed); neither dominates; 1 did not see it, though it was retrieved: no room or under the threshold.",
        "rag k = 5 17 56.7 % 5 16.7 % 1 3.3 % 5 16.7 % 1 3.3 % 1 3.3 % 1 3",
        "Variant recall@k recall@1 recall@10 MRR rag 79.3 % 64.3–94.3 29 of 30 known 37.9 %",
        "lora 91.7 % 76.7–100.0 8.3 % 0.0–23.3 83.3 % 68.3–98.3 100.0 % 85.0–100.0",
        "Threshold of logprob Tokens Seconds few-shot 12 40.0 % 100.0 % 0.5 1,320 1.20",
        "all items 30 100.0 % 82.8 % – 10,680 8.40 rag for all 30 100.0 % 62.1 % – 12,300 9.00",
        "rag 400 10 0.30 30 0 12 8,462 1 0 0",  # 12.4 s of retrieval, 8,462 texts embedded
        "icd Texts (path: icd.txt, column: 1) 8,432 passages; 399 identical passages merged skipped old.doc: a format that "
        "cannot be read skipped empty.pdf: no text icd.txt sha256 9f86d081884c7d65",
    ],
)
def test_the_page_says_of_what_was_looked_up(grounded_page: str, text: str) -> None:
    assert text in grounded_page


def test_sections_are_there_only_when_asked_for(folder: RunFolder, grounded_folder: RunFolder) -> None:
    names = ("freshness", "retrieval", "cascades")
    plain, grounded = render(folder.finished()), render(grounded_folder.finished())
    assert not any(f'id="{name}"' in plain for name in names)
    assert all(f'id="{name}"' in grounded for name in names)
    assert "Retrieval, this run" not in plain
    assert "freshness probe" not in visible(plain)


def test_warning_at_the_top_where_no_model_is_above_the_floor(
    make_folder: Callable[..., RunFolder], grounded_summary: Summary, grounded_folder: RunFolder
) -> None:
    worse = tuple(replace(found, verdict="worse") for found in grounded_summary.floors)
    page = visible(render(make_folder(replace(grounded_summary, floors=worse), [], [], []).finished()))
    alarm = "No variant is worth deploying on norm.accuracy: all 5 that ask a model stay below nearest"
    assert page.index(alarm) < page.index("On norm.accuracy, cascade beats zero-shot")
    assert alarm not in visible(render(grounded_folder.finished()))


def test_a_run_from_before_these_records_still_renders(
    make_folder: Callable[..., RunFolder], summary: Summary, folder: RunFolder
) -> None:
    old = make_folder(summary, folder.samples(), folder.predictions(), folder.scores())
    lines = (old.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()
    fields = ("retrieval", "route", "confidence")
    old.write_text(
        "predictions.jsonl",
        "\n".join(json.dumps({k: v for k, v in json.loads(line).items() if k not in fields}) for line in lines),
    )
    figures = json.loads((old.path / "summary.json").read_text(encoding="utf-8"))
    old.write_text(
        "summary.json", json.dumps({k: v for k, v in figures.items() if k not in ("floors", "retrieved", "routed")})
    )
    assert "rag beats zero-shot by 28.6 points" in visible(render(RunFolder(old.path).finished()))


def test_nothing_can_be_loaded(folder: RunFolder) -> None:
    page = render(folder.finished())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page).group(1)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http:" not in policy
    assert not re.search(r'(?:src|href|action)\s*=\s*"(?!#|data:)', page)
    assert not re.search(r"url\(|@import|https?://", page)


def test_untrusted_text_stays_text(nasty_folder: RunFolder) -> None:
    page = render(nasty_folder.finished())
    assert "<img" not in page
    assert page.count("<script") == 6  # two of ours, the phrases, and the items: matrix, shared texts and one chunk
    content = unpacked(page)
    nasty = content["items"][0]["id"]
    assert content["texts"][content["items"][0]["input"]] == nasty
    _, pieces = content["items"][0]["answers"][0]["messages"][0]
    assert "".join(content["texts"][piece] for piece in pieces) == f"  {nasty}\n\n\tend"


def test_scripts_never_write_markup() -> None:
    scripts = [file for file in files("reports").joinpath("assets").iterdir() if file.name.endswith(".js")]
    assert len(scripts) > 10
    for file in scripts:
        source = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source)


def test_items_hold_everything(folder: RunFolder) -> None:
    content = unpacked(render(folder.finished()))
    item = content["items"][6]  # n07, at which rag failed
    zero, few, rag = item["answers"]
    assert (item["task"], item["id"], item["targets"]) == ("norm", "n07", ["肩袖损伤"])
    assert zero["text"] == "标准词：干眼症。"
    assert (zero["answer"], zero["lenient"]) == ("干眼症", "干眼症。")
    assert zero["scores"][0] == ["accuracy", "wrong", "0 %", "expected 肩袖损伤, got 干眼症", None]
    assert "lenient" not in few  # equal readings are shown once
    assert len(few["messages"]) == 8
    assert rag["error"] == "connection refused after 3 attempts"
    assert rag["scores"][0] == ["accuracy", "unknown", None, None, "connection refused after 3 attempts"]
    assert len(set(content["texts"])) == len(content["texts"])


@pytest.mark.parametrize(
    ("value", "low", "high", "better", "expected"),
    [
        (1.0, 0, 1, "higher", "right"),
        (0.0, 0, 1, "higher", "wrong"),
        (0.5, 0, 1, "higher", "partly"),
        (None, 0, 1, "higher", "unknown"),
        (0.0, 0, 100, "lower", "right"),
        (100.0, 0, 100, "lower", "wrong"),
        (4.0, 0, 100, "lower", "partly"),
        (5.0, 1, 5, "higher", "right"),
        (12.0, 0, 1, "neither", "neutral"),
    ],
)
def test_outcome(value: float | None, low: float, high: float, better: str, expected: str) -> None:
    assert score_outcome(value, MetricInfo(component="", settings={}, low=low, high=high, better=better)) == expected


def test_answer_without_its_item_is_refused(make_folder: Callable[..., RunFolder], summary: Summary) -> None:
    stray = Prediction(
        sample_id="n99", task="norm", variant="rag", messages=(Message("user", "?"),), text="x", reading=Reading("x")
    )
    with pytest.raises(StoreError, match=r"item norm/n99 was answered but is not in samples\.jsonl"):
        render(make_folder(summary, [Sample(id="n01", task="norm", input="?", targets=("x",))], [stray], []).finished())


def test_page_of_an_empty_run(make_folder: Callable[..., RunFolder]) -> None:
    page = render(
        make_folder(
            Summary(name="empty", reference=None, headline=(), metrics={}, results=(), comparisons=(), usage=()),
            [],
            [],
            [],
            {"suite": {}},
        ).finished()
    )
    assert "0 variants · 0 tasks · 0 items" in visible(page)
