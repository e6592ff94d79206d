"""The page on which people rate answers: one file that opens anywhere, offline, and tells nothing of whose they are."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from markupsafe import Markup

from harness.records.inputs import JSON, Language
from harness.records.rating_sheets import RatingSheet
from reports.page_assets import csp_digest, page_environment, read_asset
from reports.wording import LANGUAGES, catalogue, say, speaking

STYLES = ("report.css", "rating.css")
EARLY_SCRIPTS = ("theme.js",)  # before the first paint
SCRIPTS = ("elements.js", "exports.js", "rating_state.js", "rating_parts.js", "rating.js")
OF_LONG_TEXTS = ("show_all", "show_less", "empty")  # what elements.js says wherever it is used


def render_rating(sheet: RatingSheet, language: Language) -> str:
    """The page as text, in every language; `language` is the one that is shown first. Equal sheets give equal pages."""
    style = "".join(map(read_asset, STYLES))
    early, late = "".join(map(read_asset, EARLY_SCRIPTS)), "".join(map(read_asset, SCRIPTS))
    environment = page_environment()
    environment.globals |= {"say": say}
    with speaking(language):
        return environment.get_template("rating.html.j2").render(
            title=say("rating.heading"),
            language=language,
            style=Markup(style),
            early=Markup(early),
            late=Markup(late),
            style_hash=csp_digest(style),
            script_hashes=(csp_digest(early), csp_digest(late)),
            phrases=_data({spoken: _phrases(spoken) for spoken in LANGUAGES}),
            sheet=_data(asdict(sheet)),
        )


def _phrases(language: Language) -> Mapping[str, JSON]:
    """What the scripts say, where elements.js looks for it."""
    entries = catalogue(language)
    return {"explorer": {name: entries["explorer"][name] for name in OF_LONG_TEXTS} | dict(entries["rating"])}


def _data(content: JSON) -> Markup:
    """JSON that can stand in an element: no text of an answer can close it."""
    return Markup(json.dumps(content, ensure_ascii=False).replace("<", "\\u003c"))
