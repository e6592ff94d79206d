"""The cache keeps what was finished, under content, and says what is wrong when it cannot."""

import sqlite3
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.text.canonical import digest

DONE = Completion(text="答案：甲", finish="stop", tokens_in=12, tokens_out=3, seconds=0.25, logprobs=(-0.1, -2.5))


def test_a_completion_survives_closing(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    cache.put("model", {"key": DONE})
    cache.close()
    again = Cache(tmp_path / "calls.sqlite")
    assert again.get(["key", "other"]) == {"key": DONE}
    assert again.seconds("model") == 0.25
    assert again.seconds("other") is None
    again.close()


def test_more_keys_than_sqlite_takes_at_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    cache.put("model", {str(i): DONE for i in range(1200)})
    assert len(cache.get([str(i) for i in range(0, 1200, 2)])) == 600
    cache.close()


def test_reading_only_creates_nothing(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "folder" / "calls.sqlite", read_only=True)
    assert cache.get(["key"]) == {}
    cache.close()
    assert not (tmp_path / "folder").exists()


def test_a_full_disk_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    cache.put("model", {"first": DONE})
    cache._database.execute("PRAGMA max_page_count = 12")  # SQLite then behaves as on a full disk
    with pytest.raises(StoreError, match=r"disk is full; free some space and run the same command again"):
        cache.put("model", {f"{i}": Completion(text="长" * 3000) for i in range(100)})
    assert cache.get(["first"]) == {"first": DONE}
    cache.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite").write_text("not a database, but long enough to be taken for one" * 50)
    with pytest.raises(StoreError, match=r"calls\.sqlite: file is not a database; set HARNESS_CACHE to another folder"):
        Cache(tmp_path / "calls.sqlite")


def test_digest_ignores_the_order_of_keys_and_nothing_else() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert len({digest(x) for x in ({"a": 1}, {"a": "1"}, {"a": 1.5}, {"a": [1]}, {"A": 1}, {"a": True})}) == 6
    assert digest("a\ud800") != digest("a")  # a lone surrogate from a model is content too


def test_the_log_is_written_ahead(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    cache.put("model", {"key": DONE})
    mode = sqlite3.connect(tmp_path / "calls.sqlite").execute("PRAGMA journal_mode").fetchone()[0]
    cache.close()
    assert mode == "wal"
