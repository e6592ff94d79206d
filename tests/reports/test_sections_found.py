"""A section is one file and one template: what lies in a folder of sections is on the page and in the terminal."""

import importlib
import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.records.summary import Summary
from reports.html import render
from reports.section import PACKAGES, find_sections
from reports.terminal import print_summary
from tests.shared.finished import finished

WEATHER = """
from reports.section import Section


class Weather(Section):
    title = "Weather"
    heading = "Weather: was it cold?"
    order = 95
    label = "weather"

    def build(self, finished):
        return finished.run.get("weather")

    def sentences(self, finished):
        return [f"It was {degrees} degrees." for degrees in finished.run.get("weather", ())]

    def alarms(self, finished):
        return [f"Frost on {finished.summary.name}."] if min(finished.run.get("weather", [1])) < 0 else []
"""
TEMPLATE = "{% for degrees in facts %}<p>{{ degrees }} °C</p>{% endfor %}"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Our sections and those of a package that was written a moment ago."""
    folder = tmp_path / "more_sections"
    folder.mkdir()
    files = {
        "__init__.py": "",
        "weather.py": WEATHER,
        "weather.html.j2": TEMPLATE,
        "weather.css": ".frost { color: red; }",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return (*PACKAGES, "more_sections")


def test_a_new_section_is_on_the_page_and_in_the_terminal(summary: Summary, packages: tuple[str, ...]) -> None:
    run = finished(summary, {"suite": {}, "weather": [-3, 4]})
    page = render(run, packages)
    assert '<a href="#weather">Weather</a>' in page
    assert '<h2 id="weather-title">Weather: was it cold?</h2>\n<p>-3 °C</p><p>4 °C</p>' in page
    assert ".frost { color: red; }" in page
    assert "Frost on clinical-terms." in page
    assert page.index('id="differences"') < page.index('id="weather"') < page.index('id="cost"')
    buffer = io.StringIO()
    print_summary(run, Console(file=buffer, width=120), packages)
    assert "warning: Frost on clinical-terms." in buffer.getvalue()
    assert "weather: It was 4 degrees." in buffer.getvalue()


def test_a_section_without_facts_is_left_out(summary: Summary, packages: tuple[str, ...]) -> None:
    assert "#weather" not in render(finished(summary, {"suite": {}}), packages)


def test_sections_are_in_order_and_differ() -> None:
    sections = find_sections()
    orders = [section.order for section in sections]
    assert orders == sorted(set(orders))
    assert len({section.anchor for section in sections}) == len(sections)
    assert [section.title for section in sections] == [
        "Anomalies", "Recommendation", "Approaches", "Efficiency", "Results", "Pairs", "Differences", "Effects",
        "Retrieval", "Cascades", "Freshness", "Learning curve", "Forgetting", "Leakage", "Training", "Seeds",
        "Judges", "People", "Rankings", "Confusions", "Trade-offs", "Renderings", "Cost", "Items", "Method",
    ]  # fmt: skip
