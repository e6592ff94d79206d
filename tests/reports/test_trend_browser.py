"""The trend's page in a real browser: charts are drawn, values of a night are read, in both languages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.regression.history import read_histories
from harness.regression.trend import make_trend
from reports.trend_page import render_trend
from tests.shared.browsing import CONTRAST, DESK, PHONE
from tests.shared.night_runs import generated_nights

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    (history,), _ = read_histories(generated_nights(folder, 4, 8, 5))
    (folder / "trend.html").write_text(render_trend(make_trend(history, "runs/nights")), encoding="utf-8")
    return folder / "trend.html"


@pytest.fixture
def open_trend(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page; afterwards there must have been no error, and no request but for the file itself."""
    contexts, problems, requests = [], [], []

    def visit(view: dict[str, int] = DESK, scheme: str = "light") -> Any:
        contexts.append(browser.new_context(viewport=view, color_scheme=scheme, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_file.as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def test_values_of_a_night_are_read_by_pointer_and_keyboard(open_trend: Callable[..., Any]) -> None:
    page = open_trend()
    chart = page.locator("[data-chart='0']")
    assert chart.locator("path.curve").count() == 8
    box = chart.locator("svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + 60)
    assert "2026-01-04" in chart.locator(".reading .night").inner_text()
    assert chart.locator(".values-at li").count() == 5  # of eight lines, those in colour
    chart.locator("svg").focus()
    page.keyboard.press("ArrowLeft")
    assert "2026-01-03" in chart.locator(".reading .night").inner_text()
    assert "%" in chart.locator(".values-at li").first.inner_text()
    chart.locator(".line-choice[aria-pressed='false']").first.click()
    assert chart.locator(".line-choice[aria-pressed='true']").count() == 6


@pytest.mark.parametrize(("view", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_the_page_fits_and_can_be_read(open_trend: Callable[..., Any], view: dict[str, int], scheme: str) -> None:
    page = open_trend(view, scheme)
    page.locator("button[data-language=zh]").click()
    assert page.locator("html").get_attribute("lang") == "zh"
    assert page.locator("[data-chart='0'] path.curve").count() == 8
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    assert page.evaluate(CONTRAST) == []
