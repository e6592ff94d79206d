"""A section is one file and one template: what lies in a folder of sections is on the page and in the terminal."""

import importlib
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.records.summary import Summary
from reports.html import render
from reports.section import PACKAGES, find_sections
from reports.terminal import print_summary
from tests.shared.finished import finished
from tests.shared.paths import ROOT
from tests.shared.spoken import body_of

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


TIDES = """
from reports.section import Section
from reports.wording import say


class Tides(Section):
    order = 96

    def build(self, finished):
        return finished.run.get("tides")

    def sentences(self, finished):
        tides = finished.run.get("tides", ())
        return [say("sea_sections:tides.count", n=len(tides), count=len(tides))] if tides else []
"""
SEA = {
    "__init__.py": "",
    "tides.py": TIDES,
    "tides.html.j2": '<p>{{ say("sea_sections:tides.shown", first=facts[0]) }}</p>',
    "catalogue/en/tides.toml": """title = "Tides"
heading = "Tides: how high was the water?"
label = "tides"
shown = "The first was {first} m."
count = {one = "There was {count} tide.", other = "There were {count} tides."}
""",
    "catalogue/zh/tides.toml": """title = "潮汐"
heading = "潮汐：水有多高？"
count = {other = "共有 {count} 次潮汐。"}
""",
}


@pytest.fixture
def sea(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Our sections and those of a package that has a catalogue of its own."""
    for name, text in SEA.items():
        file = tmp_path / "sea_sections" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return (*PACKAGES, "sea_sections")


def test_a_package_of_sections_brings_its_own_sentences(summary: Summary, sea: tuple[str, ...]) -> None:
    run = finished(summary, {"suite": {}, "tides": [3.5, 4.1]})
    page = render(run, sea)
    english, chinese = body_of(page, "en"), body_of(page, "zh")
    assert '<h2 id="tides-title">Tides: how high was the water?</h2>\n<p>The first was 3.5 m.</p>' in english
    assert '<a href="#tides">潮汐</a>' in chinese  # the address is the same in every language
    assert (
        '<h2 id="tides-title">潮汐：水有多高？</h2>\n<p>The first was 3.5 m.</p>' in chinese
    )  # what it lacks: in English
    for language, line in (("en", "tides: There were 2 tides."), ("zh", "tides：共有 2 次潮汐。")):
        buffer = io.StringIO()
        print_summary(run, Console(file=buffer, width=120), sea, language=language)
        assert line in buffer.getvalue()


def test_sections_are_in_order_and_differ() -> None:
    sections = find_sections()
    orders = [section.order for section in sections]
    assert orders == sorted(set(orders))
    assert len({section.anchor for section in sections}) == len(sections)
    assert [section.title for section in sections] == [
        "Anomalies", "Recommendation", "Approaches", "Efficiency", "Results", "Pairs", "Differences", "Effects", "By part",
        "Groups of tasks", "Retrieval", "Cascades", "Freshness", "Searches", "Learning curve", "Forgetting", "Leakage", "Training", "Seeds",
        "Judges", "People", "Rankings", "Confusions", "Trade-offs", "Renderings", "Cost", "Items", "Method",
    ]  # fmt: skip


def test_no_section_styles_what_another_made() -> None:
    """A class that is styled by itself belongs to one style sheet: all stand on one page, but those of pages of their own."""
    owners: dict[str, set[str]] = {}
    reports = ROOT / "reports"
    for sheet in (*(reports / "assets").glob("*.css"), *(reports / "sections").glob("*.css")):
        if sheet.name in ("rating.css", "trend.css"):
            continue
        text = re.sub(r"/\*.*?\*/|@media[^{]*{", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        for selectors in re.findall(r"([^{}]+){", text):
            for name in re.findall(r"(?:^|,)\s*\.([\w-]+)\s*(?=,|$)", selectors.strip()):
                owners.setdefault(name, set()).add(sheet.name)
    assert {name: sorted(sheets) for name, sheets in owners.items() if len(sheets) > 1} == {}
