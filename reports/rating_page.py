"""The page on which people rate answers: one file that opens anywhere, offline, and tells nothing of whose they are."""

from dataclasses import asdict

from harness.records.inputs import Language
from harness.records.rating_sheets import RatingSheet
from reports.page_assets import embedded_files, embedded_json, page_environment, script_phrases
from reports.wording import say, speaking

STYLES = ("report.css", "rating.css")
EARLY_SCRIPTS = ("theme.js",)  # before the first paint
SCRIPTS = ("elements.js", "exports.js", "rating_state.js", "rating_parts.js", "rating.js")


def render_rating(sheet: RatingSheet, language: Language) -> str:
    """The page as text, in every language; `language` is the one that is shown first. Equal sheets give equal pages."""
    environment = page_environment()
    environment.globals |= {"say": say}
    with speaking(language):
        return environment.get_template("rating.html.j2").render(
            title=say("rating.heading"),
            language=language,
            phrases=script_phrases("rating"),
            sheet=embedded_json(asdict(sheet)),
            **embedded_files(STYLES, EARLY_SCRIPTS, SCRIPTS),
        )
