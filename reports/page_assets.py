"""The files that a page is made of, and the digests by which its content security policy admits them."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from harness.records.inputs import JSON
from reports.wording import LANGUAGES, catalogue

OF_LONG_TEXTS = ("show_all", "show_less", "empty")  # what elements.js says wherever it is used


def read_asset(name: str) -> str:
    """A file of `assets`, or, as "package/file", of a package of sections."""
    package, _, file = name.rpartition("/")
    folder = files(package) if package else files("reports").joinpath("assets")
    return folder.joinpath(file).read_text(encoding="utf-8")


def page_environment() -> Environment:
    """How the templates of a page are filled: texts are escaped, and a value that is not there is an error."""
    return Environment(
        loader=FunctionLoader(read_asset),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def embedded_files(styles: Sequence[str], early: Sequence[str], late: Sequence[str] = ()) -> Mapping[str, JSON]:
    """What a template embeds: style sheets, scripts before the first paint and at the end, and the digests of each."""
    style, *scripts = ("".join(map(read_asset, names)) for names in (styles, early, late))
    return {
        "style": Markup(style),
        "early": Markup(scripts[0]),
        "late": Markup(scripts[1]),
        "style_hash": csp_digest(style),
        "script_hashes": tuple(map(csp_digest, scripts)),
    }


def embedded_json(content: JSON) -> Markup:
    """JSON that can stand in an element: no text of a run can close it."""
    return Markup(json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def script_phrases(section: str) -> Markup:
    """What a page's scripts say, in each language: a section of the catalogue, and what elements.js looks for."""
    return embedded_json({spoken: _phrases(catalogue(spoken), section) for spoken in LANGUAGES})


def _phrases(entries: Mapping[str, JSON], section: str) -> dict[str, JSON]:
    return {"explorer": {name: entries["explorer"][name] for name in OF_LONG_TEXTS} | dict(entries[section])}


def csp_digest(text: str) -> str:
    """The digest by which the content security policy admits exactly this script or style, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
