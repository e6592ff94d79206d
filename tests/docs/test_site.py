"""Links of a page are right in the repository and on the site, and every page has a place in the navigation."""

import posixpath
import re
import runpy
from typing import Any

import pytest
import yaml

from tests.shared.paths import ROOT

SITE = runpy.run_path(str(ROOT / "docs" / "building" / "site.py"))
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / place for place in SITE["outside_pages"]())]


@pytest.mark.parametrize(
    ("uri", "written", "expected"),
    [
        ("suite.md", "[a](training.md#methods)", "[a](training.md#methods)"),
        ("suite.md", "[a](../README.md#start)", "[a](index.md#start)"),
        ("suite.md", "[a](#models) [b](https://a.b/c)", "[a](#models) [b](https://a.b/c)"),
        ("index.md", "[a](docs/suite.md)", "[a](suite.md)"),
        ("index.md", "[![p](docs/images/report.en.png)](docs/report.md)", "[![p](images/report.en.png)](report.md)"),
        ("zh/index.md", "[a](docs/zh/tutorial.md) [b](README.md)", "[a](tutorial.md) [b](../index.md)"),
        ("zh/tutorial.md", "[a](../tutorial.md)", "[a](../tutorial.md)"),
        ("suites/medical.md", "[a](../medical-terms)", "[a](medical-terms.md)"),
        ("suites/medical.md", "[`a`](../../docs/cost.md)", "[`a`](../cost.md)"),
        ("suite.md", "```\n[a](../README.md)\n```\n[b](../README.md)", "```\n[a](../README.md)\n```\n[b](index.md)"),
    ],
)
def test_a_link_is_turned_into_the_sites(uri: str, written: str, expected: str) -> None:
    assert SITE["with_links_of_site"](written, uri) == expected


def test_a_link_to_no_page_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    SITE["with_links_of_site"]("[a](../harness/run.py)", "suite.md")
    assert caplog.messages == ["docs/suite.md: the link ../harness/run.py leads to no page of the site"]


def test_every_link_leads_to_a_file_of_the_repository() -> None:
    lost = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^()\s]+)\)", SITE["FENCE"].sub("", page.read_text(encoding="utf-8")))
        if not SITE["FOREIGN"].match(target)
        and not (page.parent / target.partition("#")[0]).exists()
    ]  # fmt: skip
    assert not lost, "\n".join(lost)


def test_every_page_has_a_place_in_the_navigation() -> None:
    text = re.sub(r"!!python\S+", "", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    own = {page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.is_relative_to(ROOT / "docs")}
    listed = sorted(_pages(yaml.safe_load(text)["nav"]))
    assert listed == sorted({*own, *SITE["outside_pages"]().values()}), "mend nav in mkdocs.yml"
    assert not [page for page in listed if posixpath.isabs(page)]


def _pages(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    return [page for part in (entry.values() if isinstance(entry, dict) else entry) for page in _pages(part)]
