"""What the viewer answers to an address: the list, a run's report, its items, and nothing else."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_to_bytes

from harness.errors import StoreError
from harness.records.inputs import Language
from reports.viewer.report_desk import ReportDesk
from reports.viewer.run_cards import run_address
from reports.viewer.run_library import RunLibrary
from reports.viewer.viewer_pages import ASSETS, asset, list_page, message_page, run_page
from reports.wording import LANGUAGES, say, speaking

HTML = "text/html; charset=utf-8"
OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# A report admits its own scripts by their digests. Whatever else stands in one may ask no other machine.
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
OWN = {"X-Viewer-Page": "own"}  # by which a page that waits for its report tells that it still has to
ITEMS = re.compile(r"(\d{1,9})-(\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebReply:
    """What goes back to the browser."""

    status: int = 200
    content: bytes
    type: str = HTML
    policy: str = OWN_POLICY
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """Equal for equal content."""
        return f'"{hashlib.blake2b(self.content, digest_size=12).hexdigest()}"'


class Routes:
    """From an address to a reply. `language` None: each browser's own, and the suite's for reports."""

    def __init__(self, library: RunLibrary, desk: ReportDesk, language: Language | None = None) -> None:
        self.library = library
        self.desk = desk
        self.language = language

    @property
    def start(self) -> str:
        """The path to begin at: the list, or the only run."""
        runs = self.library.overviews() if self.library.is_run else ()
        return f"{run_address(runs[0].key)}{_suffix(self.language)}" if runs else "/"

    def reply(self, path: str, query: str, accepted: str) -> WebReply:
        """The reply to a request; `accepted` is its Accept-Language. Whatever the address holds, there is one."""
        wanted = parse_qs(query).get("lang", [self.language])[-1]
        stated = next((language for language in LANGUAGES if language == wanted), None)
        language = stated or _accepted_language(accepted)
        suffix = _suffix(stated)
        names = _names(path)
        if names == [""]:
            return _own(list_page(self.library.overviews(), self.library.root, language, suffix))
        if names is not None and len(names) == 2 and names[0] == "assets" and names[1] in ASSETS:
            return WebReply(content=asset(names[1]), type=f"{ASSETS[names[1]][1]}; charset=utf-8")
        if names is not None and len(names) > 1 and names[0] == "runs":
            reply = self._run(names[1:], language, suffix)
            if reply is not None:
                return reply
        return message("viewer.not_found", 404, language)

    def _run(self, names: Sequence[str], language: Language, suffix: str) -> WebReply | None:
        """Of a run's folder: its page, or some of its items."""
        *folders, last = names
        if last == "":
            key = "/".join(folders)
            return self._report(key, language, suffix)
        span = ITEMS.fullmatch(last)
        if span and folders and folders[-1] == "items":
            return self._items("/".join(folders[:-1]), int(span[1]), int(span[2]))
        key = "/".join(names)
        if self.library.overview(key) is not None:  # what the page asks for is relative to its address
            return WebReply(status=301, content=b"", headers={"Location": f"{run_address(key)}{suffix}"})
        return None

    def _items(self, key: str, first: int, last: int) -> WebReply | None:
        """Some of a run's items, as JSON, for a page that is too large to hold them."""
        if self.library.overview(key) is None:
            return None
        try:
            return WebReply(content=self.desk.items(key, first, last), type="application/json; charset=utf-8")
        except StoreError:
            return None

    def _report(self, key: str, language: Language, suffix: str) -> WebReply | None:
        run = self.library.overview(key)
        if run is None:
            return None
        reason = ""
        if run.summary is not None and run.state != "running":
            try:
                return WebReply(content=self.desk.page(key), policy=REPORT_POLICY)
            except StoreError as error:
                reason = str(error).rstrip(".")
        return _own(run_page(run, reason, language, suffix))


def message(key: str, status: int, language: Language = "en", **values: str) -> WebReply:
    """A page of one sentence of the catalogue's."""
    with speaking(language):
        sentence = say(key, **values)
    return _own(message_page(sentence, language), status)


def _suffix(language: Language | None) -> str:
    """What the address of a report ends with, for a language that was asked for."""
    return f"?lang={language}" if language else ""


def _own(page: str, status: int = 200) -> WebReply:
    return WebReply(status=status, content=page.encode("utf-8", "replace"), headers=OWN)


def _names(path: str) -> list[str] | None:
    """The names that an address is made of, each decoded once; None for one that could leave its folder."""
    if not path.startswith("/"):
        return None
    names = [os.fsdecode(unquote_to_bytes(name)) for name in path[1:].split("/")]
    return None if any(name in (".", "..") or "/" in name or "\0" in name for name in names) else names


def _accepted_language(header: str) -> Language:
    """The language that a browser names first, of those that there are."""
    for part in header.lower().split(","):
        for language in LANGUAGES:
            if part.strip().startswith(language):
                return language
    return "en"
