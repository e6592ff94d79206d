"""Judges, rankings and confusions in a real browser: they fit a phone, read by night, and unfold."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.runtime.run_folder import RunFolder
from tests.shared.browsing import CONTRAST, DESK, PHONE

pytestmark = pytest.mark.browser
SECTIONS = ("judges", "rankings", "people", "confusions")


@pytest.mark.parametrize(("view", "scheme"), [(PHONE, "dark"), (PHONE, "light"), (DESK, "dark")])
def test_sections_fit_and_can_be_read(
    open_page: Callable[..., Any], judged_folder: RunFolder, view: dict[str, int], scheme: str
) -> None:
    page = open_page(judged_folder, view=view, scheme=scheme)
    page.evaluate("document.querySelectorAll('main details').forEach(part => { part.open = true; })")
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    assert page.evaluate(CONTRAST) == []
    for name in SECTIONS:
        section = page.locator(f"#{name}")
        assert section.evaluate("e => e.getBoundingClientRect().right") <= view["width"]
        for region in section.locator(".scroll").all():
            assert region.get_attribute("tabindex") == "0"  # so that a keyboard can scroll it
    cells = page.locator("#confusions .heat").first.locator("tbody td:not(.sum)")
    assert cells.count() == 6 * 7
    grounds = cells.evaluate_all("cells => cells.map(cell => getComputedStyle(cell).backgroundColor)")
    assert len(set(grounds)) == 5  # shades 0, 2, 3, 4 and 5: of 0, 10 … 20, 30 … 40, 50 … 70 and 100 %


def test_what_may_not_decide_is_grey_and_says_why(open_page: Callable[..., Any], judged_folder: RunFolder) -> None:
    page = open_page(judged_folder)
    muted = page.locator(".note").first.evaluate("e => getComputedStyle(e).color")
    figures = page.locator("td.demoted .value")
    assert figures.count() == 5
    assert set(figures.evaluate_all("some => some.map(one => getComputedStyle(one).color)")) == {muted}
    assert page.locator("td.demoted .mark").count() == 0
    assert page.locator("#results .demoted-note").inner_text() == (
        "† report.style may not decide: gemma3: its κ against people is 0.21, less than 0.4."
    )
    page.get_by_role("link", name="See Judges").first.click()
    assert page.evaluate("location.hash") == "#judges"


def test_a_judge_unfolds(open_page: Callable[..., Any], judged_folder: RunFolder) -> None:
    page = open_page(judged_folder, view=PHONE)
    trusted, doubted = page.locator(".judge.trusted").first, page.locator(".judge.doubted")
    assert doubted.get_by_text("Against people", exact=True).is_visible()  # what is doubted is open
    assert not trusted.get_by_text("Against people", exact=True).is_visible()
    trusted.locator("summary").click()
    assert trusted.get_by_text("Against people", exact=True).is_visible()
    assert trusted.locator(".agreement .whisker").bounding_box()["width"] > 200


def test_a_long_reason_folds_and_keeps_its_lines(open_page: Callable[..., Any], judged_folder: RunFolder) -> None:
    page = open_page(judged_folder, "#sample=report/r01")
    reply = page.locator(".reply").first
    long, panel = reply.locator(".reason .text").nth(0), reply.locator(".reason .text").nth(1)
    folded = long.bounding_box()["height"]
    reply.get_by_role("button", name="Show all 254 characters").click()
    assert long.bounding_box()["height"] > 1.5 * folded
    assert panel.inner_text().splitlines()[0] == "qwen3: 语言规范，条理清楚。"
    assert reply.locator(".reason", has_text="tied with rag").evaluate("e => e.tagName") == "SPAN"  # short ones as ever
