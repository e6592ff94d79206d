"""A real browser for the page's tests: opened once, and every page checked for errors and requests."""

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.runtime.run_folder import RunFolder
from reports.html import render

BROWSERS = ("chromium-headless-shell", "chromium")  # the shell has no window: a page costs it a quarter of the time
ARGS = (
    "--no-sandbox --disable-gpu --disable-quic --disable-background-networking --no-first-run "
    "--disable-component-update --disable-sync"
)
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

CONTRAST = """() => {
  const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.getClientRects().length || element.disabled || element.closest("script, noscript")) continue;
    const style = getComputedStyle(element);
    const colour = numbers(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const [high, deep] = [light(colour), light(ground(element))].sort((a, b) => b - a);
    if ((high + 0.05) / (deep + 0.05) < 4.5) low.push(`${element.className} ${element.textContent.slice(0, 30)}`);
  }
  return low;
}"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"no {' or '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=ARGS.split())
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a run's page; afterwards there must have been no error, and no request but for the file itself."""
    from playwright.sync_api import expect

    contexts, problems, requests = [], [], []

    def visit(
        folder: RunFolder, fragment: str = "", view: dict[str, int] = DESK, scheme: str = "light", language: str = "en"
    ) -> Any:
        path = folder.path / "report.html"
        if not path.exists():
            folder.write_report(render(folder.finished()))
        contexts.append(browser.new_context(viewport=view, color_scheme=scheme, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{path.as_uri()}{fragment}")
        expect(page.locator("#count")).not_to_have_text(re.compile("Unpacking|正在解压"), timeout=30_000)
        if page.evaluate("document.documentElement.lang") != language:
            page.locator(f"button[data-language={language}]").evaluate("button => button.click()")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def count(page: Any) -> str:
    return page.locator("#count").inner_text()


def item_labels(page: Any) -> list[str]:
    """The items of the matrix whose rows exist, from the top: those in sight and a few more."""
    return page.locator("#items [data-item]").evaluate_all("rows => rows.map(row => row.getAttribute('aria-label'))")


def cells(page: Any, item: str) -> list[str]:
    """The row of an item in the matrix: what each cell says, variant by variant."""
    row = page.locator(f'#items [data-item="{item}"] .cell')
    return row.evaluate_all("cells => cells.map(cell => cell.getAttribute('aria-label'))")
