"""Names that mean something to JavaScript mean nothing to the page: every item has its outcome."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.runtime.run_folder import RunFolder
from tests.shared.browsing import count

pytestmark = pytest.mark.browser

SUITE = """\
name: names
models: {robot: {scripted: {default: 绿}}}
tasks:
  TASK:
    data: {jsonl: {path: t.jsonl, input: q, target: a}}
    metrics: {METRIC: exact_match, second: contains}
variants:
  VARIANT: {prompting: {model: robot}}
  other: {prompting: {model: robot, system: 好}}
"""
ROWS = '{"q": "草", "a": "绿", "COLUMN": "own"}\n{"q": "天", "a": "蓝", "COLUMN": {"toString": [1, {"then": 2}]}}\n'
NAMES = ["constructor", "__proto__", "toString", "hasOwnProperty", "length", "then", "0", "valueOf"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_javascript(
    write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder], open_page: Callable[..., Any], name: str
) -> None:
    text = SUITE
    for place in ("TASK", "METRIC", "VARIANT"):
        text = text.replace(place, f'"{name}"')
    page = open_page(run_suite(write_suite(text, t__jsonl=ROWS.replace("COLUMN", name))))
    for outcome, items in (("", 2), ("right", 1), ("wrong", 1), ("unknown", 0)):
        page.select_option("select[name=outcome]", outcome)
        assert count(page) == f"{items} of 2 items"
    page.select_option("select[name=outcome]", "")
    page.select_option("select[name=variant]", name)
    page.select_option("select[name=metric]", f"{name}.{name}")
    assert page.locator("#items .cell.right").count() == 1
    page.keyboard.press("j")
    page.locator("#items").focus()
    page.keyboard.press("j")
    page.locator("details.inner summary", has_text="Other columns").first.click()
    assert page.locator("dl.fields dt").first.inner_text() == name
