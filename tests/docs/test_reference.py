"""docs/reference/ is what the code says: every component, every parameter, every command."""

import re
import runpy

import pytest

from harness.components.registry import KINDS, components
from tests.shared.paths import ROOT

REFERENCE = runpy.run_path(str(ROOT / "docs" / "building" / "reference.py"))
FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return REFERENCE["pages"]()


def test_the_pages_are_those_that_the_code_gives(pages: dict[str, str]) -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    changed = sorted(name for name in {*stored, *pages} if stored.get(name) != pages.get(name, "").rstrip() + "\n")
    assert not changed, f"docs/reference/{', '.join(changed)}: no longer what the code says; run: {REFERENCE['REMEDY']}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_has_an_entry_and_every_parameter_a_row(kind: str, pages: dict[str, str]) -> None:
    text = pages[f"{REFERENCE['PAGES'][kind][0]}.md"]
    entries = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    shipped = dict(components(kind))
    assert set(entries) == set(shipped)
    for name, component in shipped.items():
        rows = set(re.findall(r"^\| `(\w+)` \|", entries[name], re.MULTILINE))
        assert rows == set(component.model_json_schema()["properties"] if component.model_fields else ()), name


def test_a_text_means_nothing_in_markdown() -> None:
    assert REFERENCE["_escaped"]("a_b <c> `d_e` [f]") == r"a\_b \<c\> `d_e` \[f\]"
