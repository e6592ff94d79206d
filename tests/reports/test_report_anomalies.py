"""What speaks against the figures stands before them, on the page and in the terminal."""

from dataclasses import replace
from typing import Any

import pytest

from harness.checks.prompt_mismatch import REMEDY
from harness.records.anomalies import Anomaly, PromptMismatch
from harness.records.summary import Summary
from reports.html import render
from reports.section import find_sections
from tests.shared.finished import finished, printed, visible


def anomaly(variant: str, **changes: Any) -> Anomaly:
    settings: dict[str, Any] = {
        "task": "norm", "kind": "first token", "count": 990, "answers": 1000, "excerpt": "", "cause": "a stop string comes first",
        "remedy": "mend the prompt's end", "examples": ("n01", "n02"),
    }  # fmt: skip
    return Anomaly(variant=variant, **{**settings, **changes})


LEARNT = PromptMismatch(
    task="norm",
    variant="lora+rag",
    model="lora",
    difference="was trained on prompts without passages, and is asked with passages",
    remedy=REMEDY.text,
    statements=(REMEDY.statement,),
)
SAME = anomaly("rag", kind="same answer", count=6, answers=10, excerpt="gastritis", cause="it repeats itself")


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            {"anomalies": (anomaly("lora"),)},
            "anomaly: norm: answers stopped at the first token, without a text: lora (990 of 1,000). "
            "Likely cause: a stop string comes first. Remedy: mend the prompt's end.",
        ),
        (
            {"anomalies": (anomaly("lora"), anomaly("full", count=1000))},
            "anomaly: norm: answers stopped at the first token, without a text: lora (990 of 1,000) and full (1,000 of "
            "1,000). Likely cause: a stop string comes first. Remedy: mend the prompt's end.",
        ),
        (
            {"anomalies": (SAME,)},
            "anomaly: norm: answers are the same, though other answers are expected: rag (6 of 10), “gastritis”. "
            "Likely cause: it repeats itself. Remedy: mend the prompt's end.",
        ),
        (
            {"mismatches": (LEARNT, replace(LEARNT, variant="lora+oracle"))},
            "anomaly: norm: lora was trained on prompts without passages, and is asked with passages: lora+rag and "
            "lora+oracle. Remedy: ",
        ),
        (
            {"anomalies": (anomaly("rag", kind="cut prompts", count=3, answers=10),)},
            "anomaly: norm: prompts were cut by the server: rag (3 of 10). Likely cause: ",
        ),
        (
            {"anomalies": (anomaly("rag", kind="no option", count=3, answers=10),)},
            "anomaly: norm: first tokens are no option: rag (3 of 10). Likely cause: ",
        ),
        (
            {"anomalies": tuple(anomaly(name, kind="no effect", count=10, answers=10) for name in ("a", "b"))},
            "anomaly: norm: this setting had no effect: a (10 of 10) and b (10 of 10). Likely cause: ",
        ),
    ],
)
def test_the_terminal_begins_with_it(summary: Summary, found: dict[str, Any], line: str) -> None:
    text = " ".join(printed(replace(summary, **found), 100, "utf-8").split())
    assert text.startswith(line)


def test_the_page_begins_with_it(summary: Summary) -> None:
    page = render(finished(replace(summary, anomalies=(anomaly("lora"), SAME), mismatches=(LEARNT,))))
    main = page.partition('<main id="content">')[2]
    assert main.lstrip().startswith('<section id="anomalies"')
    text = visible(main)
    assert text.startswith(
        "Look at this before the figures norm: answers stopped at the first token, without a text lora"
    )
    assert "Likely cause it repeats itself Remedy mend the prompt's end For example n01 , n02" in text.replace(
        "&#39;", "'"
    )
    assert 'href="#sample=norm%2Fn01"' in main
    assert main.index("and is asked with passages") < main.index('id="results"')


def test_those_that_lead_stand_before_everything_else() -> None:
    assert [section.title for section in find_sections() if section.leads] == ["Anomalies", "Recommendation"]


def test_without_any_there_is_no_such_section(summary: Summary) -> None:
    assert "anomalies" not in render(finished(summary)).partition("</style>")[2]
    assert "anomaly" not in printed(summary, 100, "utf-8")


def test_markup_in_an_answer_is_shown_as_text(summary: Summary) -> None:
    page = render(
        finished(replace(summary, anomalies=(replace(SAME, excerpt="<img src=x onerror=alert(1)>", variant="<b>"),)))
    )
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
