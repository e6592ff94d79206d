"""The decision in a real browser: what fits on the first screen, what explains itself, what is printed, in both languages."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.runtime.run_folder import RunFolder
from reports.html import render
from tests.shared import decided
from tests.shared.browsing import CONTRAST, DESK, PHONE
from tests.shared.explained import unexplained

pytestmark = pytest.mark.browser

LAPTOP = {"width": 1280, "height": 800}
FIXTURES = ["folder", "grounded_folder", "trained_folder", "judged_folder"]


@pytest.fixture(scope="module")
def decided_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunFolder]:
    """The folder of a situation, with its page in English first."""
    folders: dict[str, RunFolder] = {}

    def folder_of(situation: str) -> RunFolder:
        if situation not in folders:
            folders[situation] = RunFolder(tmp_path_factory.mktemp("decided"))
            with decided.sentences():
                folders[situation].write_report(render(decided.decided_run(situation), language="en"))
        return folders[situation]

    return folder_of


@pytest.fixture
def open_situation(open_page: Callable[..., Any], decided_folder: Callable[[str], RunFolder]) -> Callable[..., Any]:
    return lambda situation, **options: open_page(decided_folder(situation), **options)


DAILY = ("choose", "undecided", "two hundred", "hostile")
WATCHED = [name if name in DAILY else pytest.param(name, marks=pytest.mark.nightly) for name in decided.SITUATIONS]


@pytest.mark.parametrize("situation", WATCHED)
@pytest.mark.parametrize("view", [PHONE, pytest.param(DESK, marks=pytest.mark.nightly)], ids=["phone", "desk"])
def test_nothing_leaves_the_screen(open_situation: Callable[..., Any], situation: str, view: dict[str, int]) -> None:
    page = open_situation(situation, view=view)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    assert page.title() == "clinical-terms – report"
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("situation", ["choose", "choose simplest", "undecided", "infeasible"])
def test_it_reads(open_situation: Callable[..., Any], situation: str, scheme: str) -> None:
    page = open_situation(situation, scheme=scheme)
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("situation", ["choose", "trade-off", "infeasible", "two hundred"])
def test_the_answer_fits_on_one_screen(open_situation: Callable[..., Any], situation: str, language: str) -> None:
    page = open_situation(situation, view=LAPTOP)
    if language == "zh":
        page.locator("button[data-language=zh]").click()
    assert page.locator(".answer").evaluate("e => e.getBoundingClientRect().bottom") <= LAPTOP["height"]


@pytest.mark.parametrize("situation", WATCHED)
def test_every_number_explains_itself(open_situation: Callable[..., Any], situation: str) -> None:
    assert unexplained(open_situation(situation)) == []


@pytest.mark.parametrize("name", FIXTURES)
def test_every_number_of_every_section_explains_itself(
    open_page: Callable[..., Any], request: pytest.FixtureRequest, name: str
) -> None:
    page = open_page(request.getfixturevalue(name))
    assert unexplained(page) == []
    page.locator("button[data-language=zh]").click()
    assert unexplained(page) == []


def test_a_number_without_an_explanation_is_noticed(open_situation: Callable[..., Any]) -> None:
    page = open_situation("choose")
    page.evaluate(
        "document.querySelectorAll('#efficiency thead [data-explain]').forEach(e => e.removeAttribute('data-explain'))"
    )
    assert any("efficiency" in line for line in unexplained(page))


def tip(page: Any) -> Any:
    return page.locator("#explanation")


def test_an_explanation_is_shown_where_one_points(open_situation: Callable[..., Any]) -> None:
    page = open_situation("choose")
    page.locator("#efficiency .spending tbody tr").nth(5).locator("td").nth(
        3
    ).hover()  # p50 of lora, below two rows of heads
    assert tip(page).is_visible()
    assert tip(page).inner_text().startswith("Half of the requests are answered within this time")
    page.locator("#efficiency h2").first.hover()
    page.mouse.move(0, 0)
    page.locator(".pair.better").first.hover()
    assert tip(page).inner_text().startswith("lora+rag is better than")
    page.keyboard.press("Escape")
    assert not tip(page).is_visible()


def test_the_keyboard_reaches_each_cell(open_situation: Callable[..., Any]) -> None:
    page = open_situation("choose")
    table = page.locator("#pairs table")
    assert table.locator("[tabindex='0']").count() == 1  # one stop of the Tab key
    table.locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert tip(page).inner_text().startswith("lora+rag is better than rag")
    page.keyboard.press("ArrowDown")
    assert tip(page).inner_text().startswith("lora and rag are not told apart")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "explanation"
    assert table.locator("[tabindex='0']").count() == 1


def test_a_tap_explains(browser: Any, decided_folder: Callable[[str], RunFolder]) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto((decided_folder("choose").path / "report.html").as_uri())
    page.locator(".certainty").tap()
    assert tip(page).inner_text().startswith("The difference that decides was confirmed")
    box = tip(page).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    page.locator("h1").tap()
    assert not tip(page).is_visible()
    context.close()


def test_the_language_is_switched_in_place(open_situation: Callable[..., Any]) -> None:
    page = open_situation("choose")
    page.locator("#pairs").scroll_into_view_if_needed()
    page.evaluate("document.querySelector('#pairs').scrollIntoView()")
    page.evaluate("document.querySelectorAll('#method details').forEach(part => { part.open = true; })")
    before = page.locator("#pairs").evaluate("e => e.getBoundingClientRect().top")
    page.evaluate("document.querySelector('button[data-language=zh]').click()")
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert abs(page.locator("#pairs").evaluate("e => e.getBoundingClientRect().top") - before) < 2
    assert page.locator("#method details:not([open])").count() == 0
    assert page.evaluate("document.activeElement.dataset.language") == "en"
    assert page.locator("#theme .choice").inner_text() == "自动"
    page.locator("#theme").click()
    assert page.locator("#theme .choice").inner_text() == "浅色"
    page.locator(".pair.better").first.hover()
    assert tip(page).inner_text().startswith("lora+rag 优于")
    page.locator("button[data-language=en]").click()
    assert page.locator("#theme .choice").inner_text() == "light"
    page.reload()
    assert page.evaluate("document.documentElement.lang") == "en"  # the last choice is kept
    page.evaluate("localStorage.clear()")


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@pytest.mark.parametrize("situation", WATCHED)
@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.nightly), "zh"])
def test_the_decision_is_printed_on_two_pages(
    open_situation: Callable[..., Any], situation: str, language: str
) -> None:
    page = open_situation(situation)
    if language == "zh":
        page.locator("button[data-language=zh]").click()
    assert pages_of(page.pdf(prefer_css_page_size=True)) == 2
    page.emulate_media(media="print")
    shown = page.evaluate(
        "[...document.querySelectorAll('main > section')].filter(s => s.getClientRects().length).map(s => s.id)"
    )
    assert set(shown) <= {"recommendation", "approaches", "efficiency"}
    assert "recommendation" in shown


def test_everything_is_printed_where_it_is_asked_for(open_situation: Callable[..., Any]) -> None:
    page = open_situation("choose")
    page.evaluate("window.print = () => {}")
    page.get_by_role("button", name="Print everything").click()
    assert pages_of(page.pdf(prefer_css_page_size=True)) > 3
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert pages_of(page.pdf(prefer_css_page_size=True)) == 2


def test_old_runs_are_printed_whole(open_page: Callable[..., Any], folder: RunFolder, tmp_path: Path) -> None:
    page = open_page(folder)
    page.emulate_media(media="print")
    assert page.locator("#results").is_visible()
    assert page.locator("#cost").is_visible()
    assert page.locator("button[data-print]").count() == 0


def test_a_wide_table_shows_that_it_goes_on(open_page: Callable[..., Any], judged_folder: RunFolder) -> None:
    page = open_page(judged_folder, view=LAPTOP)
    scroll = page.locator("#results .scroll").last
    assert scroll.evaluate("e => e.scrollWidth > e.clientWidth")
    assert "linear-gradient" in scroll.evaluate("e => getComputedStyle(e).backgroundImage")
    first = scroll.locator("tbody th").first
    before = first.bounding_box()["x"]
    scroll.evaluate("e => { e.scrollLeft = 200; }")
    assert abs(first.bounding_box()["x"] - before) < 2  # its first column stays
