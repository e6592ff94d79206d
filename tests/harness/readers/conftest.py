"""Small files written by the test itself, and the real data where it lies beside the repository."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.components.dataset import Dataset
from harness.components.reader import Reader
from harness.components.registry import find
from tests.shared.paths import REAL_DATA

Write = Callable[[str, "str | bytes"], str]
Read = Callable[..., Dataset]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into the test's folder; returns its path."""

    def _write(name: str, content: str | bytes) -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return str(file)

    return _write


@pytest.fixture
def read() -> Read:
    """Read with a reader by its YAML name and parameters, seed 42."""

    def _read(name: str, /, **parameters: object) -> Dataset:
        reader = find("reader", name).model_validate(parameters)
        assert isinstance(reader, Reader)
        return reader.read("task", 42)

    return _read


@pytest.fixture
def shared() -> Path:
    """The real data; the test is skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"real data is absent: {REAL_DATA}")
    return REAL_DATA
