"""The viewer's own pages: the list of runs, a run without a report, and what cannot be shown."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from harness.records.inputs import Language
from harness.records.run_overviews import RunOverview
from reports.viewer.run_cards import RunCard, run_card
from reports.wording import NAMES, say, speaking, spoken_language

ASSETS = {  # file name → where it lies, its type
    "report.css": ("reports.assets", "text/css"),
    "theme.js": ("reports.assets", "text/javascript"),
    "viewer.css": ("reports.viewer.assets", "text/css"),
    "viewer.js": ("reports.viewer.assets", "text/javascript"),
}
COMMAND = "harness view"


def asset(name: str) -> bytes:
    """A style or script of the viewer's pages."""
    package, _ = ASSETS[name]
    return _source(package, name).encode()


def list_page(runs: Sequence[RunOverview], root: Path, language: Language, suffix: str) -> str:
    """All runs. `suffix` is what the addresses of reports end with, e.g. "?lang=zh"."""
    with speaking(language):
        heading = say("viewer.heading", place=str(root))
        cards = [run_card(run) for run in runs]
        is_live = any(run.state == "running" for run in runs)
        return _page("list.html.j2", heading, cards=cards, suffix=suffix, is_live=is_live)


def run_page(run: RunOverview, reason: str, language: Language, suffix: str) -> str:
    """A run that has no report, or none that can be made for this reason."""
    with speaking(language):
        card: RunCard = run_card(run)
        is_live = run.state == "running"
        return _page("run.html.j2", card.name, card=card, suffix=suffix, is_live=is_live, reason=reason)


def message_page(sentence: str, language: Language) -> str:
    """A page of one sentence."""
    with speaking(language):
        return _page("message.html.j2", sentence, suffix="", is_live=False)


def _page(template: str, heading: str, **facts: object) -> str:
    environment = Environment(
        loader=FunctionLoader(lambda name: _source("reports.viewer.assets", name)),
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {"say": say}
    return environment.get_template(template).render(
        heading=heading,
        language=spoken_language(),
        languages=NAMES,
        gone=say("viewer.gone", command=COMMAND),
        **facts,
    )


def _source(package: str, name: str) -> str:
    parent, _, folder = package.rpartition(".")
    return files(parent).joinpath(folder, name).read_text(encoding="utf-8")
