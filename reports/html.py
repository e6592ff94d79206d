"""The report page: one file that opens anywhere, offline, and shows the evidence behind every figure."""

import json
import re
from collections.abc import Iterator, Sequence

from jinja2 import Environment
from markupsafe import Markup

from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Language
from harness.records.run_scopes import scope_in
from reports.facts import numbers
from reports.facts.item_counts import item_counts
from reports.facts.item_packing import pack
from reports.facts.limited_run import banner, mark
from reports.facts.metric_columns import direction_of, freshness_probes, general_tasks, variant_names
from reports.facts.moments import date_text, moment_of
from reports.facts.phrases import counted
from reports.page_assets import csp_digest, page_environment, read_asset
from reports.section import PACKAGES, Section, find_sections, style_of, template_of
from reports.wording import LANGUAGES, NAMES, catalogue, say, say_markup, speaking, spoken_language

STYLES = ("report.css", "tables.css", "charts.css")
EARLY_SCRIPTS = ("theme.js", "language.js", "printing.js", "explain.js")  # before the first paint
SCRIPTS = (
    "elements.js", "packed_items.js", "item_matrix.js", "selection.js", "item_texts.js", "difference.js",
    "matrix_grid.js", "answers.js", "item_pane.js", "exports.js", "explorer.js",
)  # fmt: skip
SPOKEN_BY_SCRIPTS = ("page", "explorer")  # files of the catalogue that the scripts of the page need


def render(finished: FinishedRun, packages: Sequence[str] = PACKAGES, language: Language | None = None) -> str:
    """The page as text, with the sections of these packages, in every language. Equal runs give equal pages.

    `language` is the one that is shown first; None: the one of the suite's prompts.
    """
    environment = report_environment()
    sections = find_sections(packages)
    first = language or language_of(finished)
    bodies = {}
    for spoken in sorted(LANGUAGES, key=lambda candidate: candidate != first):
        with speaking(spoken):
            bodies[spoken] = Markup(_body(environment, finished, sections))
    with speaking(first):
        title = say("page.document", name=_name(finished))
    return environment.get_template("page.html.j2").render(
        title=title,
        language=first,
        bodies=bodies,
        decided=finished.summary.decisions.decision is not None,
        payload=pack(finished),
        phrases=Markup(_phrases()),
        **_assets(sections),
    )


def render_first_screen(finished: FinishedRun, language: Language | None = None) -> str:
    """What the page shows first, as a page without scripts and links, for a frame inside another page."""
    environment, sections = report_environment(), find_sections()
    leading = [section for section in sections if section.leads]
    style = "".join([*map(read_asset, STYLES), *map(style_of, leading)])
    first = language or language_of(finished)
    with speaking(first):
        page = environment.get_template("first_screen.html.j2").render(
            name=finished.summary.name,
            banner=banner(finished),
            facts=" · ".join(_circumstances(finished)),
            language=first,
            alarms=[alarm for section in sections for alarm in section.alarms(finished)],
            cautions=[caution for section in sections for caution in section.cautions(finished)],
            contents=_contents(environment, finished, leading),
            style=Markup(style),
            style_hash=csp_digest(style),
        )
    return re.sub(r"(</?)a\b[^>]*>", r"\1span>", page).replace("data-explain=", "title=")


def _contents(environment: Environment, finished: FinishedRun, sections: Sequence[Section]) -> dict[Section, Markup]:
    """Each section that the run has, as it is shown."""
    return {
        section: Markup(environment.get_template(template_of(section)).render(facts=facts))
        for section in sections
        if (facts := section.build(finished))
    }


def _body(environment: Environment, finished: FinishedRun, sections: Sequence[Section]) -> str:
    """What a reader sees, in the language that is spoken."""
    contents = _contents(environment, finished, sections)
    return environment.get_template("body.html.j2").render(
        name=finished.summary.name,
        banner=banner(finished),
        harness=finished.run.get("harness"),
        facts=" · ".join(_circumstances(finished)),
        alarms=[alarm for section in contents for alarm in section.alarms(finished)],
        cautions=[(section, caution) for section in contents for caution in section.cautions(finished)],
        contents=contents,
        decided=finished.summary.decisions.decision is not None,
        language=spoken_language(),
        languages=NAMES,
    )


def _name(finished: FinishedRun) -> str:
    """What the run is called in a tab of the browser: a limited one is no other's equal there."""
    name = finished.summary.name
    return say("limited_run.title", name=name) if mark(scope_in(finished.run)) else name


def language_of(finished: FinishedRun) -> Language:
    """The language of the suite's prompts; English where they are in both, or none is known."""
    languages = {task.get("language") for task in (finished.run.get("tasks") or {}).values()}
    return "zh" if languages == {"zh"} else "en"


def _phrases() -> str:
    """What the scripts of the page say, in every language, as JSON that can stand in an element."""
    phrases = {language: {file: catalogue(language)[file] for file in SPOKEN_BY_SCRIPTS} for language in LANGUAGES}
    return json.dumps(phrases, ensure_ascii=False).replace("<", "\\u003c")


def _circumstances(finished: FinishedRun) -> Iterator[str]:
    """What was run, how much of it, and when."""
    run, summary = finished.run, finished.summary
    probes, general = freshness_probes(summary), general_tasks(summary)
    items = {task: count for task, count in item_counts(finished).items() if task not in probes and task not in general}
    yield counted(len(variant_names(summary)), "variant")
    yield counted(len(items), "task")
    yield counted(sum(items.values()), "item")
    if probes:
        yield counted(len({(probe.task, probe.knowledge) for probe in probes.values()}), "freshness probe")
    if general:
        yield counted(len(general), "general task")
    started, ended = moment_of(run.get("started")), moment_of(run.get("finished"))
    if ended is None:
        yield from [say("page.started", date=date_text(started))] if started else []
    elif started is None or (started.tzinfo is None) != (ended.tzinfo is None):
        yield date_text(ended)
    else:
        yield say("page.took", date=date_text(ended), duration=numbers.duration((ended - started).total_seconds()))
    if run.get("seed") is not None:
        yield say("page.seed", seed=run["seed"])


def _assets(sections: Sequence[Section]) -> dict[str, JSON]:
    """Styles and scripts: our own files, not a run's text, with the digests that admit them."""
    style = "".join([*map(read_asset, STYLES), *map(style_of, sections)])
    early, late = "".join(map(read_asset, EARLY_SCRIPTS)), "".join(map(read_asset, SCRIPTS))
    digests = {"style_hash": csp_digest(style), "script_hashes": (csp_digest(early), csp_digest(late))}
    return {"style": Markup(style), "early": Markup(early), "late": Markup(late), **digests}


def report_environment() -> Environment:
    """How the templates of the report, and of pages made of its parts, are filled."""
    environment = page_environment()
    environment.filters |= {"tied": _tied, "counted": counted}
    environment.globals |= {"direction": direction_of, "numbers": numbers, "say": say, "say_markup": say_markup}
    return environment


def _tied(text: str) -> str:
    """No line may end between a sign and its figure, or a figure and what it counts in Chinese. Markup stays markup."""
    for loose in ("95 % CI ", "95 % 置信区间 ", "p = ", "p < ", "p > ", " %"):
        text = text.replace(loose, loose.replace(" ", "\u00a0"))
    tied = re.sub(r"(?<=\d) (to|至) (?=[\d−])", "\u00a0\\1\u00a0", text)
    return type(text)(re.sub(r"(?<=\d) (?=[\u4e00-\u9fff])|(?<=第) (?=\d)", "\u00a0", tied))
