"""What mkdocs is told beyond mkdocs.yml: the pages that lie outside docs/, and links that are right in both places.

A page is read in the repository and on the site, which hold it in different places. Links are written for the
repository; here each one is turned into the site's. One that leads to no page ends the build (`mkdocs build --strict`).
"""

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?P<target>[^()\s]+)\)")
FENCE = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2\s*?$", re.DOTALL | re.MULTILINE)
FOREIGN = re.compile(r"[a-z][a-z0-9+.-]*:|#|//")
log = logging.getLogger("mkdocs.hooks.site")


def outside_pages() -> dict[str, str]:
    """The pages that lie outside docs/: their places in the repository, and on the site."""
    suites = sorted(path.parent.name for path in (ROOT / "suites").glob("*/README.md"))
    return {
        "README.md": "index.md",
        "README.zh.md": "zh/index.md",
        "CHANGELOG.md": "changelog.md",
        **{f"suites/{name}/README.md": f"suites/{name}.md" for name in suites},
    }


def place_on_site(place: str) -> str | None:
    """Where a file or folder of the repository is on the site, relative to its root; None where it is not."""
    if place.startswith("docs/") and (ROOT / place).is_file():
        return place.removeprefix("docs/")
    return outside_pages().get(place) or outside_pages().get(f"{place}/README.md")


def place_in_repository(uri: str) -> str:
    """Where a page of the site lies in the repository."""
    return next((place for place, page in outside_pages().items() if page == uri), f"docs/{uri}")


def with_links_of_site(markdown: str, uri: str) -> str:
    """A page with its links as the site needs them; what stands in code stays."""
    folder = posixpath.dirname(place_in_repository(uri))

    def linked(match: re.Match[str]) -> str:
        target, _, fragment = match["target"].partition("#")
        if FOREIGN.match(match["target"]):
            return match[0]
        goal = place_on_site(posixpath.normpath(posixpath.join(folder, target)))
        if goal is None:
            log.warning("%s: the link %s leads to no page of the site", place_in_repository(uri), match["target"])
            return match[0]
        place = posixpath.relpath(goal, posixpath.dirname(uri) or ".")
        return f"]({place}{'#' + fragment if fragment else ''})"

    parts, end = [], 0
    for fence in FENCE.finditer(markdown):
        parts += [LINK.sub(linked, markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, LINK.sub(linked, markdown[end:])])


def on_files(files: Any, config: Any) -> Any:
    """Adds the pages that lie outside docs/."""
    from mkdocs.structure.files import File

    for place, uri in outside_pages().items():
        files.append(File.generated(config, uri, content=(ROOT / place).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    return with_links_of_site(markdown, page.file.src_uri)


def on_page_context(context: Any, page: Any, config: Any, nav: Any) -> Any:
    """A Chinese page has the theme's words in Chinese; pages are written one after the other."""
    config.theme["language"] = "zh" if page.file.src_uri.startswith("zh/") else "en"
    return context
