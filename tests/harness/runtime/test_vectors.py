"""Stored vectors: what is damaged counts as not stored, what cannot be of one model is one line."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from harness.errors import StoreError
from harness.runtime.vectors import Vectors

KEYS = ["a", "b", "c"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    vectors = Vectors(tmp_path / "vectors.sqlite")
    vectors.put({key: np.array([i, 1, 2], dtype=np.float32) for i, key in enumerate(KEYS)})
    vectors.close()
    return tmp_path / "vectors.sqlite"


@pytest.mark.parametrize(
    "value",
    [b"", b"\x01\x02\x03", b"\x00" * 4, np.array([np.nan] * 3, "f4").tobytes(), np.array([np.inf, 0, 0], "f4").tobytes(),
     "text", 5, 1.5],
    ids=["empty", "three bytes", "short", "NaN", "infinity", "text", "number", "fraction"],
)  # fmt: skip
def test_a_damaged_vector_is_computed_again(path: Path, value: object) -> None:
    database = sqlite3.connect(path)
    database.execute("UPDATE vectors SET value = ? WHERE key = 'b'", (value,))
    database.commit()
    database.close()
    vectors = Vectors(path)
    assert sorted(vectors.get(KEYS)) == ["a", "c"]
    vectors.put({"b": np.array([7, 7, 7], dtype=np.float32)})
    assert vectors.get(KEYS)["b"].tolist() == [7, 7, 7]
    vectors.close()


@pytest.mark.parametrize("shapes", [(3, 2), (1, 3, 3), (2, 2, 3)])
def test_vectors_of_several_lengths_are_one_line(path: Path, shapes: tuple[int, ...]) -> None:
    vectors = Vectors(path)
    with pytest.raises(
        StoreError, match=r"vectors\.sqlite: holds vectors of another length than the model gives; delete"
    ):
        vectors.stacked([np.zeros(length, dtype=np.float32) for length in shapes])
    assert vectors.stacked([]).shape == (0, 0)
    assert vectors.stacked([np.zeros(3, dtype=np.float32)] * 2).shape == (2, 3)
    vectors.close()


@pytest.mark.parametrize("content", [b"garbage" * 100, b"SQLite format 3\x00" + b"\xff" * 200, b"[]"])
def test_a_file_that_is_no_database_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "vectors.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="set HARNESS_CACHE to another folder"):
        Vectors(path).get(KEYS)
