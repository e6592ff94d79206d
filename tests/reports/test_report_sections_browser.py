"""Floors, retrieval, cascades and probes in a real browser: what a count opens, and that nothing leaves the screen."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.runtime.run_folder import RunFolder
from tests.shared.browsing import DESK, PHONE, count, item_labels

pytestmark = pytest.mark.browser


# Counted in grounded.py.
@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("rag, hit and wrong", ["n08", "n12", "n16", "n24", "n28"]),
        ("rag, miss and wrong", ["n05", "n10", "n20", "n25", "n30"]),
        ("rag, not shown", ["n04"]),
        ("rag, miss and right", ["n15"]),
        ("rag, unknown", ["n07"]),
        ("oracle, hit and wrong", ["n06", "n12", "n18", "n24", "n30"]),
        ("cascade, not shown", ["n04"]),
    ],
)
def test_a_count_opens_its_items(
    open_page: Callable[..., Any], grounded_folder: RunFolder, label: str, expected: list[str]
) -> None:
    page = open_page(grounded_folder)
    link = page.get_by_role("link", name=f"{label}: show the")
    assert link.inner_text() == str(len(expected))
    link.click()
    page.locator("#count", has_text=f"{len(expected)} of 57 items").wait_for()
    assert item_labels(page) == [f"norm {item}" for item in expected]
    variant, kind = label.split(", ")
    assert page.locator("select[name=retrieval]").input_value() == kind
    assert page.locator("#items .variant-name").all_inner_texts() == [variant]  # only this variant's answers
    assert page.evaluate("document.activeElement.id") == "items"


def test_more_than_the_examples_are_shown(open_page: Callable[..., Any], grounded_folder: RunFolder) -> None:
    page = open_page(grounded_folder)
    page.get_by_role("link", name="oracle, hit and right: show the 25 items").focus()
    page.keyboard.press("Enter")
    page.locator("#count", has_text="25 of 57 items").wait_for()


def test_the_same_count_again_leads_there_again(open_page: Callable[..., Any], grounded_folder: RunFolder) -> None:
    page = open_page(grounded_folder)
    link = page.get_by_role("link", name="rag, hit and wrong: show the")
    link.click()
    page.locator("#count", has_text="5 of 57 items").wait_for()
    page.evaluate("scrollTo(0, 0)")
    link.click()
    page.wait_for_function("Math.abs(document.getElementById('samples').getBoundingClientRect().top) < 60")


def test_the_old_answers_behind_a_stale_figure(open_page: Callable[..., Any], grounded_folder: RunFolder) -> None:
    page = open_page(grounded_folder)
    page.locator("#freshness tr", has_text="lora").get_by_role("link").first.click()
    page.locator("#count", has_text="10 of 57 items").wait_for()  # 10 of 12
    assert item_labels(page)[0] == "norm@icd-after n03"


def test_retrieval_and_outcome_meet_in_one_answer(open_page: Callable[..., Any], grounded_folder: RunFolder) -> None:
    page = open_page(grounded_folder, "#task=norm&retrieval=miss+and+wrong&outcome=right")
    assert count(page) == "0 of 57 items"  # an answer is not wrong and right at once, whatever the others are


def test_passages_ranks_and_route(open_page: Callable[..., Any], grounded_folder: RunFolder) -> None:
    page = open_page(grounded_folder, "#sample=norm/n08")
    page.locator("article.item").wait_for()
    rag = page.get_by_role("region", name="rag", exact=True)
    assert "gold at rank 3 · 2 passages left out (hit and wrong)" in rag.inner_text()
    rag.get_by_text("Retrieved passages (3)").click()
    gold = rag.locator(".passages li").nth(2)
    assert (
        " ".join(gold.inner_text().split())
        == "3 第十三章 gold 干眼症：标准词 rank 3 · score 0.6 · source icd.txt · id icd:8"
    )
    assert rag.locator(".passage-tag").count() == 1
    cascade = page.get_by_role("region", name="cascade").locator(".route li")
    assert cascade.all_inner_texts() == ["few-shot passed on: confidence 0.3 below 0.5", "rag answered"]
    assert "gold passages were given" in page.get_by_role("region", name="oracle").inner_text()


def test_a_passage_that_was_cut_says_so(open_page: Callable[..., Any], grounded_folder: RunFolder) -> None:
    rag = open_page(grounded_folder, "#sample=norm/n04").get_by_role("region", name="rag", exact=True)
    rag.get_by_text("Retrieved passages (1)").click()
    assert rag.locator(".passage-tag").all_inner_texts() == ["cut"]


def test_no_retrieval_filter_without_retrieval(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#retrieval=hit+and+wrong")
    assert page.locator("select[name=retrieval]").count() == 0
    assert count(page) == "36 of 36 items"


@pytest.mark.parametrize("view", [PHONE, DESK], ids=["phone", "desk"])
def test_tables_scroll_and_the_page_does_not(
    open_page: Callable[..., Any], grounded_folder: RunFolder, view: dict[str, int]
) -> None:
    page = open_page(grounded_folder, view=view)
    for name in ("results", "freshness", "retrieval", "cascades", "cost"):
        section = page.locator(f"#{name}")
        assert section.evaluate("e => e.getBoundingClientRect().right") <= view["width"]
        for region in section.locator(".scroll").all():
            assert region.get_attribute("tabindex") == "0"  # so that a keyboard can scroll it
        for bar in section.locator(".causes, .steps").all():  # a bar is seen whole, also while its table scrolls
            box = bar.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= view["width"]
    page.evaluate("document.querySelectorAll('.scroll').forEach(e => { e.scrollLeft = 60; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    bar = page.locator(".causes").first.bounding_box()
    assert bar["x"] >= 0
