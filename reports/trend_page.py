"""The page of a suite's trend: one file that opens anywhere, offline."""

from jinja2 import Environment
from markupsafe import Markup

from harness.records.inputs import Language
from harness.records.trends import Trend
from reports.facts.trend_overview import counted_nights, fault_sentence, order_sentences, overview
from reports.facts.trend_payload import trend_payload
from reports.facts.trend_sections import trend_sections
from reports.page_assets import embedded_files, embedded_json, page_environment, script_phrases
from reports.wording import LANGUAGES, NAMES, say, speaking, spoken_language

STYLES = ("report.css", "tables.css", "charts.css", "trend.css")
EARLY_SCRIPTS = ("theme.js", "language.js")  # before the first paint
SCRIPTS = ("elements.js", "trend_chart.js", "trend.js")


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
            phrases=script_phrases("trend_chart"),
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
