"""The terminal shows the same figures at 80 columns, in any encoding, whatever the names hold."""

from dataclasses import replace

import pytest

from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from tests.shared.finished import printed


@pytest.mark.parametrize("width", [40, 80, 120, 240])
def test_no_line_is_wider_than_the_console(summary: Summary, width: int) -> None:
    text = printed(summary, width, "utf-8")
    assert max(map(len, text.splitlines())) <= width
    for figure in ("50.0 %", "28.6", "leading", "norm.terms"):
        assert figure in text


def test_same_table_as_the_page(summary: Summary) -> None:
    lines = [" ".join(line.replace("│", " ").split()) for line in printed(summary, 80, "utf-8").splitlines()]
    assert "zero-shot 50.0 % 33.2–66.8 50.0 % 18.8–81.2" in lines
    assert "few-shot-nearest 66.7 % 48.8–80.8 66.7 % 30.0–90.3" in lines
    assert "+16.7 inconclusive +16.7 inconclusive" in lines
    assert "28 of 30 known (93.3 %)" in lines
    assert any(line.startswith("better: On norm.accuracy, rag beats zero-shot by 28.6 points") for line in lines)
    assert any(line.startswith("warning: norm × rag: 2 of 30") for line in lines)


def test_floors_and_sections_in_few_lines(grounded_summary: Summary) -> None:
    text = printed(grounded_summary, 240, "utf-8")
    lines = [" ".join(line.replace("│", " ").split()) for line in text.splitlines()]
    for cell in ("reference below the floor", "floor +16.7 better", "floor −23.3 worse"):
        assert cell in lines
    for start in (
        "floor: zero-shot stays below the floor: nearest reaches 50.0 % without any model",
        "floor: few-shot looks worse than it, not confirmed",
        "freshness: After the change of icd, rag reaches 75.0 %",
        "retrieval: On norm, rag: of 11 wrong answers",
        "cascade: On norm, cascade answers 40.0 %",
    ):
        assert any(line.startswith(start) for line in lines), start
    assert "norm@icd" not in text
    assert "recall" not in text
    worse = replace(grounded_summary, floors=tuple(replace(c, verdict="worse") for c in grounded_summary.floors))
    assert printed(worse, 240, "utf-8").startswith("warning: No variant is worth deploying on norm.accuracy: all 5")
    assert max(map(len, printed(grounded_summary, 40, "utf-8").splitlines())) <= 40


def test_training_in_few_lines(trained_summary: Summary) -> None:
    lines = [" ".join(line.replace("│", " ").split()) for line in printed(trained_summary, 300, "utf-8").splitlines()]
    assert lines[1].startswith(
        "warning: Of the 60 test items of norm, some also stand elsewhere: 3 in train rows of norm"
    )
    assert lines[0].startswith("warning: Forgetting: full is worse than smollm2 by 17.0 points")
    assert "3 seeds, sd 5.0 points" in lines
    for start in (
        "curve: On norm.accuracy, lora is shown to be better than zero-shot and nearest from 200 rows on",
        "seeds: On norm.accuracy, qlora goes from 70.0 %",
        "forgetting: lora-800 shows no drop on general.accuracy",
    ):
        assert any(line.startswith(start) for line in lines), start
    assert not any("smollm2 61" in line for line in lines)  # models are in no table of variants
    assert max(map(len, printed(trained_summary, 40, "utf-8").splitlines())) <= 40


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_other_encodings_get_what_they_can_show(summary: Summary, encoding: str) -> None:
    named = replace(summary, warnings=("术语 × rag: …",))
    text = printed(named, 80, encoding)
    assert "33.2-66.8" in text
    assert "-0.3 inconclusive" in text
    assert ("术语" in text) is (encoding == "gbk")


def test_names_are_never_markup(nasty_folder: RunFolder, summary: Summary) -> None:
    assert "<b>" in printed(nasty_folder.summary(), 80, "utf-8")
    assert "[red]x[/nope]" in printed(replace(summary, warnings=("[red]x[/nope]",)), 80, "utf-8")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "gbk"])
@pytest.mark.parametrize("name", ["\x1b[31mred", "\x9b2J", "\x1b]0;title\x07", "\u202egnp.exe", "\u2066a"])
def test_what_a_terminal_would_obey_is_inert(summary: Summary, name: str, encoding: str) -> None:
    results = tuple(replace(result, variant=name) if result.variant == "rag" else result for result in summary.results)
    text = printed(replace(summary, results=results, warnings=(f"{name} says {name}",)), 120, encoding)
    obeyed = "\x1b\x9b\x07\u202e\u2066"
    assert not set(obeyed) & set(text)
    assert name.strip(obeyed) in text
