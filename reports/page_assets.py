"""The files that a page is made of, and the digests by which its content security policy admits them."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined


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


def csp_digest(text: str) -> str:
    """The digest by which the content security policy admits exactly this script or style, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
