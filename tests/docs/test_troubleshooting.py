"""Every message that docs/troubleshooting.md quotes still stands in the code, word for word."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.shared.paths import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = [
    message for line in PAGE.splitlines() if line.startswith("**`") for message in re.findall(r"\*\*`(.+?)`\*\*", line)
]
PACKAGES = ("harness", "baselines", "adapters", "reports")


def literals() -> Iterator[str]:
    """The texts of the product; what is put in when it runs is `…`."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def plain(text: str) -> str:
    return re.sub(r"…+", "…", " ".join(text.split()))


@pytest.fixture(scope="module")
def product() -> str:
    return "\n".join(map(plain, literals()))


def stands_in(message: str, product: str) -> bool:
    return plain(message).strip("…") in product


@pytest.mark.parametrize(
    ("message", "expected"),
    [("model … is lost; name it", True), ("model … is lost; find it", False), ("is lost", True), ("…: model …", False)],
)
def test_a_message_is_found_as_it_is_written(message: str, expected: bool) -> None:
    assert stands_in(message, plain("model …… is lost;\n name it")) is expected


def test_every_quoted_message_stands_in_the_code(product: str) -> None:
    assert len(QUOTED) > 40
    gone = [message for message in QUOTED if not stands_in(message, product)]
    assert not gone, "no text of the code has these; mend docs/troubleshooting.md:\n" + "\n".join(gone)
