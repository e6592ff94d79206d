"""The page of a suite's trend: one file that opens anywhere, offline."""

from collections.abc import Mapping

from jinja2 import Environment
from markupsafe import Markup

from harness.records.inputs import JSON, Language
from harness.records.trends import Trend
from reports.facts.trend_overview import counted_nights, fault_sentence, order_sentences, overview
from reports.facts.trend_payload import trend_payload
from reports.facts.trend_sections import trend_sections
from reports.page_assets import embedded_files, embedded_json, page_environment
from reports.wording import LANGUAGES, NAMES, catalogue, say, speaking, spoken_language

STYLES = ("report.css", "tables.css", "charts.css", "trend.css")
EARLY_SCRIPTS = ("theme.js", "language.js")  # before the first paint
SCRIPTS = ("elements.js", "trend_chart.js", "trend.js")
OF_LONG_TEXTS = ("show_all", "show_less", "empty")  # what elements.js says wherever it is used


def render_trend(trend: Trend, language: Language = "en") -> str:
    """The page as text, in every language; `language` is the one that is shown first. Equal trends give equal pages."""
    environment = page_environment()
    environment.globals |= {"say": say}
    bodies = {}
    for spoken in sorted(LANGUAGES, key=lambda candidate: candidate != language):
        with speaking(spoken):
            bodies[spoken] = Markup(_body(trend, environment))
    with speaking(language):
        return environment.get_template("trend.html.j2").render(
            title=say("trend.heading", suite=trend.suite),
            language=language,
            bodies=bodies,
            phrases=embedded_json({spoken: _phrases(spoken) for spoken in LANGUAGES}),
            payload=embedded_json(trend_payload(trend)),
            **embedded_files(STYLES, EARLY_SCRIPTS, SCRIPTS),
        )


def _body(trend: Trend, environment: Environment) -> str:
    alarms = [sentence for sentence in (fault_sentence(trend), *order_sentences(trend)) if sentence]
    return environment.get_template("trend_body.html.j2").render(
        suite=trend.suite,
        facts=counted_nights(trend),
        language=spoken_language(),
        languages=NAMES,
        alarms=alarms,
        sentences=overview(trend),
        sections=trend_sections(trend),
    )


def _phrases(language: Language) -> Mapping[str, JSON]:
    """What the scripts say, where elements.js looks for it."""
    entries = catalogue(language)
    return {"explorer": {name: entries["explorer"][name] for name in OF_LONG_TEXTS} | dict(entries["trend_chart"])}
