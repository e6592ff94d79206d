"""The viewer's pages in a real browser: the list, a run that goes on, and the report that comes of it."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.runtime.progress_file import PROGRESS
from tests.shared.browsing import CONTRAST, DESK, PHONE
from tests.shared.paths import ROOT
from tests.shared.shelved import half_written, made_run, run_record
from tests.shared.viewing import viewing

pytestmark = pytest.mark.browser


@pytest.fixture
def open_view(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address of a viewer; afterwards there must have been no error, and no request to anywhere else."""
    contexts, problems, requests = [], [], []

    def visit(address: str, view: dict[str, int] = DESK, scheme: str = "light", locale: str = "en-GB") -> Any:
        contexts.append(browser.new_context(viewport=view, color_scheme=scheme, locale=locale, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert [problem for problem in problems if "ERR_CONNECTION_REFUSED" not in problem] == []
    assert [url for url in requests if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))] == []


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made_run(tmp_path / "runs" / "terms" / "one", started="2026-11-22T09:00:00+00:00")
    half_written(tmp_path / "runs" / "terms" / "two", "run.json")
    made_run(tmp_path / "runs" / "other", name="reports", decision=None, started="2026-11-23T09:00:00+00:00")
    return tmp_path / "runs"


def test_from_the_list_to_a_report_and_back(root: Path, open_view: Callable[..., Any]) -> None:
    with viewing(root) as server:
        page = open_view(server.address)
        assert page.locator("article.run h2 a").all_inner_texts() == ["reports", "clinic", "two"]
        page.get_by_role("link", name="clinic").click()
        page.wait_for_url(re.compile("/runs/terms/one/$"))
        assert page.title() == "clinic – report"
        assert "Deploy lora" in page.locator("main").inner_text()
        page.go_back()
        page.get_by_role("link", name="two").click()
        assert "This run cannot be read" in page.locator("main").inner_text()
        page.get_by_role("link", name="All runs").click()
        page.wait_for_url(server.address)


def test_the_filter(root: Path, open_view: Callable[..., Any]) -> None:
    with viewing(root) as server:
        page = open_view(server.address)
        field = page.get_by_role("searchbox")
        field.fill("terms/one lora")
        assert page.locator("article.run:visible h2 a").all_inner_texts() == ["clinic"]
        field.fill("nothing like this")
        assert page.get_by_text("No run matches this filter.").is_visible()
        field.fill("")
        assert page.locator("article.run:visible").count() == 3


def test_a_run_that_goes_on_is_followed_to_its_report(root: Path, open_view: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    folder = made_run(root / "now", name="live", status="running", started="2026-11-29T09:00:00+00:00", decision=None)
    (folder.path / "summary.json").unlink()
    progress = folder.path / PROGRESS
    with viewing(root) as server, folder.locked():
        page = open_view(f"{server.address}")
        run = page.locator("article.run").first
        expect(run.locator(".state")).to_have_text("running")
        page.get_by_role("searchbox").focus()
        for done in (3, 7):
            state = {
                "work": "norm × lora",
                "done": done,
                "total": 8,
                "rate": 41.0,
                "pieces": 2,
                "finished": 1,
                "left": 4,
            }
            progress.write_text(json.dumps(state))
            expect(run).to_contain_text("Asking: norm × lora", timeout=10_000)
            expect(run).to_contain_text(f"cell 2 of 2, {done} of 8, 41 tokens/s, about 4.0 s left", timeout=10_000)
            assert run.locator("progress").get_attribute("value") == str(done)
        assert page.evaluate("document.activeElement.id") == "filter"  # what did not change was left alone
        state |= {"reason": "0 of 600 s: server gone"}
        progress.write_text(json.dumps(state))
        expect(run).to_contain_text("Waiting: 0 of 600 s: server gone", timeout=10_000)
        alone = open_view(f"{server.address}runs/now/")
        expect(alone.locator("main")).to_contain_text("This page shows the report as soon as there is one.")
        folder.write_summary(made_run(root.parent / "source", name="live").summary())
        folder.write_run(run_record(name="live", started="2026-11-29T09:00:00+00:00"))
        expect(alone).to_have_title("live – report", timeout=30_000)
        expect(run).to_contain_text("Deploy lora", timeout=15_000)
        expect(run.locator("progress")).to_have_count(0)


def test_a_new_run_appears_and_a_filter_stays(root: Path, open_view: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    with viewing(root) as server:
        page = open_view(server.address)
        page.get_by_role("searchbox").fill("fresh")
        made_run(root / "later", name="fresh", started="2026-12-01T09:00:00+00:00")
        expect(page.locator("article.run:visible h2 a")).to_have_text(["fresh"], timeout=20_000)
        expect(page.locator(".tools .count")).to_have_text("4 runs")


def test_a_viewer_that_has_ended_is_said(root: Path, open_view: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    command = [sys.executable, "-c", "from harness.cli import main; main()", "view", str(root), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    match = re.search(r"http://\S+", process.stdout.readline())
    assert match is not None
    page = open_view(match[0])
    gone = page.get_by_text("The viewer has ended. Start harness view again to go on.")
    expect(gone).to_be_hidden()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 0
    process.stdout.close()
    expect(gone).to_be_visible(timeout=20_000)


@pytest.mark.parametrize(("locale", "language"), [("zh-CN", "zh"), ("en-US", "en"), ("de-DE", "en")])
def test_the_language_of_the_browser(locale: str, language: str, root: Path, open_view: Callable[..., Any]) -> None:
    with viewing(root) as server:
        page = open_view(server.address, locale=locale)
        assert page.evaluate("document.documentElement.lang") == language


def test_a_language_that_was_chosen_goes_along(root: Path, open_view: Callable[..., Any]) -> None:
    with viewing(root) as server:
        page = open_view(server.address)
        page.get_by_role("link", name="中文").click()
        page.get_by_role("link", name="clinic").click()
        page.wait_for_url(re.compile(r"lang=zh$"))
        assert page.evaluate("document.documentElement.lang") == "zh"
        assert page.locator("div.body").get_attribute("lang") == "zh"
        page.get_by_role("button", name="English").click()  # the page's own switch has the last word
        assert page.evaluate("document.documentElement.lang") == "en"
        page.reload()
        assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("view", [DESK, PHONE])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_legible_and_no_wider_than_the_screen(
    scheme: str, view: dict[str, int], language: str, root: Path, open_view: Callable[..., Any]
) -> None:
    made_run(root / ("very-long-name-" * 12), name="a" * 150)
    with viewing(root) as server:
        page = open_view(f"{server.address}?lang={language}", view, scheme)
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_names_run_nothing(tmp_path: Path, open_view: Callable[..., Any]) -> None:
    name = "</title><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    made_run(tmp_path / "runs" / name.replace("/", ""), name=name)
    with viewing(tmp_path / "runs") as server:
        page = open_view(server.address)
        assert page.title().startswith("Runs below")
        page.locator("article.run h2 a").click()
        page.wait_for_url(re.compile("/runs/"))
        page.wait_for_load_state()
        assert page.title() == f"{name} – report"


def test_five_hundred_runs(tmp_path: Path, open_view: Callable[..., Any]) -> None:
    first = made_run(tmp_path / "runs" / "000").path
    for number in range(1, 500):
        shutil.copytree(first, tmp_path / "runs" / f"{number:03}")
    with viewing(tmp_path / "runs") as server:
        page = open_view(server.address)
        assert page.locator("article.run").count() == 500
        page.get_by_role("searchbox").fill("499")
        assert page.locator("article.run:visible").count() == 1


def test_items_of_a_large_run_are_asked_for(
    root: Path, open_view: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that holds the matrix alone, as of a run that is too large for one file."""
    from playwright.sync_api import expect

    from reports.facts import item_packing

    monkeypatch.setattr(item_packing, "MOST_PACKED", 1)
    with viewing(root) as server:
        page = open_view(f"{server.address}runs/terms/one/")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.address}runs/terms/one/?lang=zh#items")
        page.locator("#items [role=gridcell]").first.click()
        expect(page.locator("#item")).to_contain_text("疼痛", timeout=20_000)
        assert f"{server.address}runs/terms/one/items/0-0" in asked
