"""Every sentence of the report exists in every language, is said somewhere, and is translated."""

from pathlib import Path

import pytest

from harness.records.inputs import Language
from reports.section import find_sections
from reports.wording import LANGUAGES, catalogue, speaking
from tests.shared.catalogue_rules import (
    Catalogue,
    differences,
    keys_in_python,
    keys_in_templates,
    malformed,
    merged,
    missing,
    untranslated,
    unused,
)
from tests.shared.paths import ROOT
from tests.shared.unspoken import prose_in_module, prose_in_template

REPORTS = ROOT / "reports"
SAID = merged(keys_in_python(sorted(REPORTS.rglob("*.py"))), keys_in_templates(sorted(REPORTS.rglob("*.j2"))))
STATED = keys_in_python(
    sorted((ROOT / "harness").rglob("*.py")), speakers=("Statement", "phrase", "state"), counters=()
)
SCRIPTS = "\n".join(file.read_text(encoding="utf-8") for file in sorted((REPORTS / "assets").rglob("*.js")))
REPORT_MODULES = [  # the viewer prints as commands do; other tools read what is exported
    file for file in sorted(REPORTS.rglob("*.py")) if not {"viewer", "export"} & set(file.parts)
]
SECTIONS = [section.name for section in find_sections()]


def test_all_languages_have_the_same_sentences_with_the_same_values() -> None:
    assert differences({language: catalogue(language) for language in LANGUAGES}) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_can_be_said(language: str) -> None:
    assert malformed(catalogue(language)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_section_is_named_without_values(language: Language) -> None:
    with speaking(language):
        assert all(section.title and section.heading and section.label is not None for section in find_sections())


def test_what_is_said_exists() -> None:
    assert missing(SAID, catalogue("en")) == []


def test_what_a_summary_may_state_exists() -> None:
    assert missing(STATED, catalogue("en")) == []


def test_what_exists_is_said() -> None:
    assert unused(merged(SAID, STATED), SECTIONS, SCRIPTS, catalogue("en")) == []


@pytest.mark.parametrize("file", sorted(REPORTS.rglob("*.j2")), ids=lambda file: file.name)
def test_a_template_says_nothing_itself(file: Path) -> None:
    assert prose_in_template(file) == []


@pytest.mark.parametrize("file", REPORT_MODULES, ids=lambda file: file.name)
def test_a_module_says_nothing_itself(file: Path) -> None:
    assert prose_in_module(file) == []


def test_chinese_is_no_english() -> None:
    assert untranslated(catalogue("en"), catalogue("zh")) == []


GOOD: Catalogue = {
    "cost": {"title": "Cost", "total": "{amount} in all", "part": {"one": "{count} part", "other": "{count} parts"}}
}


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"cost": GOOD["cost"], "more": {}}, "more.toml is only in zh"),
        ({"cost": {"title": "成本", "total": "共 {amount}"}}, "cost.part is only in en"),
        (
            {"cost": {**GOOD["cost"], "total": "共 {sum}"}},
            "cost.total: the values of en and zh differ",
        ),
        (
            {"cost": {**GOOD["cost"], "part": {"other": "几部分"}}},
            "cost.part: the values of en and zh differ",
        ),
    ],
)
def test_a_language_that_lacks_something_is_noticed(other: Catalogue, complaint: str) -> None:
    assert differences({"en": GOOD, "zh": other}) == [complaint]


def test_languages_may_count_in_their_own_way() -> None:
    chinese: Catalogue = {"cost": {"title": "成本", "total": "共 {amount}", "part": {"other": "{count} 个部分"}}}
    assert differences({"en": GOOD, "zh": chinese}) == []


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("{amount", "cost.total: expected '}' before end of string"),
        ({"one": "{count} part"}, "cost.total is a table of one"),
        ({"few": "{count} parts", "other": "{count} parts"}, "cost.total is a table of few, other"),
    ],
)
def test_an_entry_that_cannot_be_said_is_noticed(entry: str | dict[str, str], complaint: str) -> None:
    assert malformed({"cost": {"total": entry}}) == [complaint]


@pytest.mark.parametrize(
    ("name", "source", "complaints"),
    [
        ("a.py", 'say("cost.total", amount=1)', []),
        ("a.py", 'say("cost.totl", amount=1)', ["cost.totl (a.py:1)"]),
        ("a.py", 'say("cost.total" if several else "cost.sum")', ["cost.sum (a.py:1)"]),
        ("a.py", 'KEYS = {"hit": "cost.hit"}', ["cost.hit (a.py:1)"]),
        ("a.py", 'say(f"cost.{name}")', []),
        ("a.py", 'say(f"cost.verdict_{verdict}")', ["cost.verdict_{…} (a.py:1)"]),
        ("a.py", 'counted(3, "part")', ["nouns.part (a.py:1)"]),
        ("a.py", 'open("cost.html")', []),
        ("a.html.j2", '<p>\n{{ say_markup("cost.totl") }}', ["cost.totl (a.html.j2:2)"]),
        ("a.html.j2", '{{ say("cost.total" if facts else "cost.sum") }}', ["cost.sum (a.html.j2:1)"]),
        ("a.html.j2", '{{ say("cost.verdict_" ~ verdict) }}', ["cost.verdict_{…} (a.html.j2:1)"]),
        ("a.html.j2", '{{ 3 | counted("part") }}', ["nouns.part (a.html.j2:1)"]),
    ],
)
def test_a_sentence_that_does_not_exist_is_noticed(
    name: str, source: str, complaints: list[str], tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_text(source, encoding="utf-8")
    keys = keys_in_python([file]) if name.endswith(".py") else keys_in_templates([file])
    assert missing(keys, GOOD) == complaints


def test_a_statement_that_does_not_exist_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "decision.py"
    file.write_text('Statement("cost.choose", {"variant": name})\nStatement(f"cost.because_{kind}")', encoding="utf-8")
    complaints = missing(keys_in_python([file], speakers=("Statement",)), GOOD)
    assert complaints == ["cost.because_{…} (decision.py:2)", "cost.choose (decision.py:1)"]


@pytest.mark.parametrize(
    ("name", "source", "has_prose"),
    [
        ("a.html.j2", '<th scope="col">Variant</th>', True),
        ("a.html.j2", '<p aria-label="{{ name }}: its steps"></p>', True),
        ("a.html.j2", '<td>{{ "the last" if best is none else best }}</td>', True),
        (
            "a.html.j2",
            '<td{% if best %} class="best one"{% endif %}>{{ say("cost.total") }} {{ "–" if low }}</td>',
            False,
        ),
        (
            "a.html.j2",
            '{% if row.name == "hit and right" %}<code>run</code>{{ count | counted("item") }}{% endif %}',
            False,
        ),
        ("a.py", 'f"{variant} beats {rival}"', True),
        ("a.py", 'f"{text}, nothing is known"', True),
        ("a.py", 'f"On {task}, {sentence}"', True),
        ("a.py", 'print("No figure may decide anything here.")', True),
        (
            "a.py",
            '"""What this is for."""\nf"#{address}"\nf"{value} %"\nsay(f"nouns.{noun}")\nOUTCOME = "hit and right"',
            False,
        ),
        ("a.py", 'raise KeyError(f"{name} is not in the file")', False),
    ],
)
def test_prose_outside_the_catalogue_is_noticed(name: str, source: str, has_prose: bool, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(source, encoding="utf-8")
    assert bool((prose_in_module if name.endswith(".py") else prose_in_template)(file)) == has_prose


SCRIPT = 'say("next_item", kind === "lost" ? say(`${kind}_cell`) : "")'


def test_what_nothing_says_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text('say("cost.total")\nsay(f"nouns.{noun}")\ncounted(2, "long part")', encoding="utf-8")
    entries: Catalogue = {
        "cost": {"title": "Cost", "heading": "Cost", "total": "all", "left": "left"},
        "explorer": {"next_item": "next", "last_item": "last", "lost_cell": "lost", "extra_cell": "extra"},
        "nouns": {"long_part": {"other": "{count} long parts"}, "short_part": {"other": "{count} short parts"}},
    }
    complaints = unused(keys_in_python([file]), ["cost"], SCRIPT, entries)
    assert complaints == ["cost.left", "explorer.last_item", "explorer.extra_cell", "nouns.short_part"]


@pytest.mark.parametrize(
    ("source", "complaints"),
    [
        ('say(f"cost.{kind}_{unit}")', ["cost.per_item", "cost.per_day"]),  # nothing is of a kind "per"
        ('say(f"cost.{kind}_{unit}", kinds=("per", "in"), units=("Item", ))', ["cost.per_day"]),
        ('say(f"cost.per_{unit}", units=["day"])', ["cost.per_item"]),
        ('{"key": f"cost.per_{unit}", "values": {}}["item"]\nday: int', []),
        ('say(f"{file}.{kind}", "cost", "per_day")', ["cost.per_item", "cost.per_day"]),
    ],
)
def test_a_pattern_says_only_what_its_parts_may_be(source: str, complaints: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(source, encoding="utf-8")
    assert unused(keys_in_python([file]), [], "", {"cost": {"per_item": "an item", "per_day": "a day"}}) == complaints


@pytest.mark.parametrize(
    ("text", "is_noticed"),
    [
        ("Cost in all", True),
        ("{amount} <b>in</b> all", True),
        ("{low} to {high}", True),
        ("nDCG@{k}", False),
        ("{count} MiB", False),
        ("p = {p}", False),
        ("<b>{name}</b>", False),
        ("<code>harness run</code>", False),
    ],
)
def test_english_in_the_chinese_catalogue_is_noticed(text: str, is_noticed: bool) -> None:
    catalogues: Catalogue = {"cost": {"total": text, "part": {"one": text, "other": "几部分"}}}
    assert bool(untranslated(catalogues, {"cost": {"total": text, "part": {"other": "几部分"}}})) == is_noticed
