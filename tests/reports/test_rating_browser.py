"""The rating page in a real browser: rated by the keyboard, closed in between, saved, and read back."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.judging.people.gathered_ratings import gather, label_lines, tallies, variant_ratings
from harness.judging.people.labels import read_labels
from harness.judging.people.rated_task import rated_task
from harness.judging.people.rating_criteria import rating_criteria
from harness.judging.people.rating_files import read_ratings
from harness.judging.people.rating_sheet import SheetOptions, draw_sheet
from harness.records.finished_run import FinishedRun
from reports.rating_page import render_rating
from tests.shared.browsing import CONTRAST, DESK, PHONE
from tests.shared.rated import DIMENSIONS, NASTY, rated_run

pytestmark = pytest.mark.browser
Rating = Callable[..., Any]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return rated_run(tmp_path_factory.mktemp("rated")).finished()


@pytest.fixture
def open_rating(browser: Any, finished: FinishedRun, tmp_path: Path) -> Iterator[Rating]:
    """Opens a sheet's page; afterwards there must have been no error, and no request but for the file itself."""
    contexts, problems, requests = [], [], []

    def visit(rubric: str | None = None, view: dict[str, int] = DESK, scheme: str = "light", **options: Any) -> Any:
        task = rated_task(finished, None)
        criteria = rating_criteria(rubric, task.metrics, finished.run["rubrics"], options.get("pairwise", False))
        path = tmp_path / "rating.html"
        path.write_text(render_rating(draw_sheet(task, criteria, SheetOptions(**options)), "en"), encoding="utf-8")
        contexts.append(browser.new_context(viewport=view, color_scheme=scheme, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def saved(page: Any, path: Path) -> Path:
    with page.expect_download() as download:
        page.keyboard.press("s")
    download.value.save_as(path)
    return path


def test_scores_by_keyboard_outlast_a_reloaded_page_and_come_back(
    open_rating: Rating, finished: FinishedRun, tmp_path: Path
) -> None:
    """Nine answers of four dimensions: 5 for the nasty answer, 2 for the others; the page is reloaded after four."""
    page = open_rating(shows_reference=True)
    page.keyboard.type("李医生")
    press(page, "Enter")
    entries = []
    for number in range(9):
        entry = page.locator(".entry")
        entries.append(entry.get_attribute("data-entry"))
        is_nasty = page.locator(".answer .text").inner_text() == NASTY  # shown as text
        press(page, *["5" if is_nasty else "2"] * len(DIMENSIONS))
        if number == 0:
            press(page, "n")
            page.keyboard.type("3s 12")  # what is typed into the remark is no key of the page
            press(page, "Escape")
        if number == 3:
            path = saved(page, tmp_path / "part.jsonl")
            page.reload()
            assert page.locator(".entry").get_attribute("data-entry") == entries[-1]
        press(page, "Enter")
    assert len(set(entries)) == 9
    assert page.get_by_text("All is rated. Thank you.").is_visible()
    press(page, "ArrowLeft")
    whole = saved(page, tmp_path / "whole.jsonl")

    task, read = read_ratings([path], finished, None)
    assert [(own.rater, own.rated, own.total) for own in tallies(gather(read))] == [("李医生", 4, 9)]
    task, read = read_ratings([whole, path], finished, None)
    ratings = gather(read)
    assert [(own.rater, own.rated, own.total) for own in tallies(ratings)] == [("李医生", 9, 9)]
    means = {own.variant: own.mean for own in variant_ratings(task, ratings)}
    assert means == {"lexical-rag": 5.0, "zero-shot": 2.0, "tuned-twin": 2.0}
    (tmp_path / "labels.jsonl").write_text("\n".join(label_lines(task, ratings)), encoding="utf-8")
    labels = read_labels(tmp_path / "labels.jsonl")
    assert (labels.annotators, len(labels.scored)) == (("李医生",), 9)
    assert "3s 12" in (tmp_path / "labels.jsonl").read_text(encoding="utf-8")


def test_a_storage_that_looks_empty_for_a_moment_loses_no_rating(open_rating: Rating) -> None:
    """A busy browser may show a page an empty localStorage: the tab goes on, and what is kept there stays."""
    page = open_rating()
    page.keyboard.type("李医生")
    press(page, "Enter", *["2"] * len(DIMENSIONS), "Enter")
    entry = page.locator(".entry").get_attribute("data-entry")
    look = "() => Object.entries({ ...localStorage }).filter(([key]) => key.startsWith('rating:'))"
    kept = page.evaluate(look)
    page.add_init_script(
        "const read = Storage.prototype.getItem;"
        "Storage.prototype.getItem = function (key) { return this === localStorage ? null : read.call(this, key); };"
    )
    page.reload()
    assert page.locator(".entry").get_attribute("data-entry") == entry
    page.evaluate("sessionStorage.clear()")
    page.reload()
    assert page.locator("#rater").is_visible()  # all copies look empty
    assert page.evaluate(look) == kept


def test_of_two_answers_the_chosen_one_wins_on_whichever_side_it_stood(
    open_rating: Rating, finished: FinishedRun, tmp_path: Path
) -> None:
    page = open_rating(pairwise=True, view=PHONE, scheme="dark")
    orders, sides = [], set()
    for rater in ("a", "b", "c"):
        page.locator("#rater").fill(rater)
        press(page, "Enter")
        shown = []
        for _ in range(3):
            shown.append(page.locator(".entry").get_attribute("data-entry"))
            is_left = page.locator(".answer .text").first.inner_text() == NASTY
            sides.add(is_left)
            press(page, "1" if is_left else "2", "Enter")
        orders.append(tuple(shown))
        press(page, "ArrowLeft")
        saved(page, tmp_path / f"{rater}.jsonl")
        press(page, "Enter")
        page.once("dialog", lambda dialog: dialog.accept())
        page.locator("#restart").click()
    assert len(set(orders)) > 1
    assert sides == {True, False}
    task, read = read_ratings([tmp_path / f"{rater}.jsonl" for rater in "abc"], finished, None)
    means = {own.variant: (own.ratings, own.mean) for own in variant_ratings(task, gather(read))}
    assert means == {"lexical-rag": (9, 1.0), "zero-shot": (9, 0.0)}


@pytest.mark.parametrize(("view", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_a_typed_score_stays_on_the_scale_and_the_page_fits(
    open_rating: Rating, view: dict[str, int], scheme: str
) -> None:
    page = open_rating("score100", view=view, scheme=scheme)
    press(page, "Enter")
    first = page.locator(".entry").get_attribute("data-entry")
    page.keyboard.type("101")
    press(page, "Enter")
    assert page.locator(".entry").get_attribute("data-entry") == first  # refused
    page.locator("input.score").fill("85")
    press(page, "Enter")
    assert page.locator(".entry").get_attribute("data-entry") != first
    assert page.get_by_text("1 of 9 rated").is_visible()
    page.get_by_role("button", name="中文").click()
    assert page.get_by_text("已评 1 / 9").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    assert page.evaluate(CONTRAST) == []
