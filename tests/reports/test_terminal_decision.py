"""The terminal begins with what to deploy, in either language, without a p-value; what is older prints as before."""

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from harness.records.decisions import Statement
from harness.records.deployment_terms import DeploymentTerms
from harness.records.inputs import Language
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from harness.summary.decision import decide
from reports.facts.statement_text import first_ones, sentence
from reports.terminal import print_place, print_summary
from reports.wording import speaking
from tests.shared.finished import finished, printed
from tests.shared.nasty import NASTY
from tests.shared.situations import situation

TERMS = DeploymentTerms(margins={"norm.accuracy": 0.02})
TWO = {"zero": 0.6, "rag": 0.8}
SITUATIONS: dict[str, Summary] = {
    "choose": situation(TWO, worse=[("zero", "rag")]),
    "simplest": situation({"zero": 0.79, "rag": 0.8}, costs={"zero": {"p50": 0.2}, "rag": {"p50": 2.0}}),
    "undecided": situation({"zero": 0.7, "rag": 0.8}, costs={"zero": {"p50": 0.2}, "rag": {"p50": 2.0}}),
    "floor": situation({"nearest": 0.9, **TWO}, floor="nearest", below_floor=["zero", "rag"]),
    "no figure": situation({"zero": 0.6}, demoted={"norm.accuracy": "its judge is below trust"}),
    "no candidate": situation({"nearest": 0.9}),
    "low coverage": situation(TWO, worse=[("zero", "rag")], coverage={"rag": 100}),
}


def decided(name: str) -> Summary:
    summary = SITUATIONS[name]
    return replace(summary, decisions=replace(summary.decisions, decision=decide(summary, TERMS)))


def in_language(summary: Summary, language: Language, width: int = 100, encoding: str = "utf-8") -> str:
    buffer = io.BytesIO()
    file = io.TextIOWrapper(buffer, encoding=encoding, errors="strict")
    console = Console(file=file, width=width, force_terminal=False)
    print_summary(finished(summary), console, language=language)
    file.flush()
    return buffer.getvalue().decode(encoding)


def first_lines(text: str) -> str:
    """What stands before the first empty line, as one."""
    return " ".join(text.split("\n\n")[0].split())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("choose", [
            "recommendation (sure): Deploy rag: it is better than every other variant that could be deployed.",
            "why:", "rag reaches 80.0 % on norm.accuracy.",
        ]),
        ("simplest", ["recommendation (likely): rag or zero: no difference on norm.accuracy could be detected. zero is faster: deploy zero."]),
        ("undecided", ["recommendation (cannot tell): Undecided between rag and zero on norm.accuracy:"]),
        ("floor", ["recommendation (sure): No variant is shown to beat the floor nearest on norm.accuracy: deploy nearest, or try a stronger model.", "what would change it:"]),
        ("no figure", ["recommendation (cannot tell): Not trustworthy yet: no figure may decide", "left out:", "its judge is below trust"]),
        ("no candidate", ["recommendation (cannot tell): No choice: nothing here could be deployed."]),
        ("low coverage", ["recommendation (cannot tell): Not trustworthy yet: rag leads on norm.accuracy", "left out: rag has a value for only 33.3 % of the items of norm.accuracy."]),
    ],
)  # fmt: skip
def test_the_decision_comes_first(name: str, expected: Sequence[str]) -> None:
    lines = first_lines(in_language(decided(name), "en"))
    assert lines.startswith(expected[0])
    for part in expected:
        assert part in lines


@pytest.mark.parametrize("name", list(SITUATIONS))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_p_value_in_the_first_lines(name: str, language: Any) -> None:
    assert not re.search(r"\bp\s*[=<>]|p-value|p 值|significan|显著", first_lines(in_language(decided(name), language)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("choose", ["推荐（确定）：部署 rag", "理由："]),
        ("floor", ["推荐（确定）：在 norm.accuracy 上，没有证据表明有变体胜过基线 nearest：部署 nearest，或换用更强的模型。", "什么会改变结论："]),
        ("low coverage", ["推荐（无法判断）：", "未予采信："]),
    ],
)  # fmt: skip
def test_the_decision_in_chinese(name: str, expected: Sequence[str]) -> None:
    text = in_language(decided(name), "zh", width=400)
    for part in expected:
        assert part in text.split("\n\n")[0]
    for english in ("recommendation", "better", "worse", "warning", "Headline", "reference", "floor"):
        assert english not in text


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_console_without_chinese_is_told_in_english(encoding: str) -> None:
    assert in_language(decided("choose"), "zh", encoding=encoding).startswith("recommendation (sure): Deploy rag")


def test_a_chinese_console_is_told_in_chinese() -> None:
    assert in_language(decided("choose"), "zh", encoding="gbk").startswith("推荐（确定）：部署 rag")


def test_a_run_of_an_older_version_prints_as_before(summary: Summary) -> None:
    text = printed(summary, 120, "utf-8")
    assert "recommendation" not in text
    assert text.startswith(("warning: norm × rag: 2 of 30", "better: On norm.accuracy"))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_console(width: int) -> None:
    assert max(map(len, in_language(decided("floor"), "en", width).splitlines())) <= width


def test_hostile_names_in_the_first_lines() -> None:
    summary = decided("choose")
    decision = summary.decisions.decision
    assert decision is not None
    headline = replace(decision.headline, values={"variant": f"\x1b[31m[red]{NASTY}\u202e"})
    named = replace(summary, decisions=replace(summary.decisions, decision=replace(decision, headline=headline)))
    text = in_language(named, "en", width=400)
    assert not set("\x1b\u202e") & set(text)
    assert f"[31m[red]{NASTY}" in text


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "\nReport: a/report.html\n"), ("zh", "\n报告：a/report.html\n")]
)
def test_where_the_page_is(language: Any, expected: str) -> None:
    file = io.StringIO()
    print_place(Path("a") / "report.html", Console(file=file, width=20), language)
    assert file.getvalue() == expected


def test_no_more_names_and_lines_than_are_read() -> None:
    names = [f"v{number}" for number in range(200)]
    summary = decided("choose")
    rivals = Statement("decision.choose_leading", {"variant": "rag", "rivals": names})
    assert "v0, v1, v2, v3, v4, v5, v6 and 193 others, which" in sentence(rivals, summary)
    with speaking("zh"):
        assert "v6 和 另外 193 个" in sentence(rivals, summary)
    lines = [Statement("decision.no_value", {"variant": name, "figure": "norm.accuracy"}) for name in names]
    told = [sentence(line, summary) for line in first_ones(lines)]
    assert len(told) == 12
    assert told[-1] == "189 more stand in summary.json."
    assert list(first_ones(lines[:12])) == lines[:12]


def test_why_a_figure_may_not_decide_is_said_in_chinese() -> None:
    recorded = Path(__file__).parents[1] / "recorded" / "run-retrieval"
    summary = RunFolder(recorded).finished().summary
    assert summary.decisions.decision is not None
    demoted = [part for part in summary.decisions.decision.distrusted if part.key == "decision.demoted"]
    with speaking("zh"):
        said = " ".join(sentence(part, summary) for part in demoted)
    assert "没有与人工对照校准" in said
    assert "not calibrated" not in said
