"""Runs from Python: the same refusals as the command line, tables, and the first screen for a notebook."""

import html
import re
from pathlib import Path
from typing import Any

import pytest

import harness
import harness.run as module
from harness.errors import HarnessError, StoreError
from harness.python import frames
from harness.run import run as main_path


def test_the_module_of_the_main_path_is_a_function_too() -> None:
    assert harness.run is module
    assert callable(harness.run)
    assert main_path is module.run
    assert harness.testing.assert_better.__name__ == "assert_better"
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'rum'"):
        _ = harness.rum


@pytest.mark.parametrize(
    ("suite", "options", "message"),
    [
        ("nothing.yaml", {}, "nothing.yaml"),
        ("bad.yaml", {}, "bad.yaml:1: modles: is not a known key (did you mean models?)"),
        ("bad.yaml", {"start": "scor"}, "start='scor': must be one of train, index, predict"),
        ("bad.yaml", {"language": "de"}, "language='de': must be one of en, zh"),
        ("bad.yaml", {"shard": "4/3"}, "--shard 4/3: shards are counted from 1"),
        ("bad.yaml", {"devices": "two"}, "--devices two: must be a number, 1 or more, or all"),
        ("bad.yaml", {"on": "ray"}, "bad.yaml:1: modles: is not a known key (did you mean models?)"),
    ],
)
def test_refusals(suite: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("modles: {}\n", encoding="utf-8")
    with pytest.raises(HarnessError) as refused:
        harness.run(tmp_path / suite, **options)
    assert message in "\n".join(refused.value.lines)


def test_an_option_that_there_is_not_is_named() -> None:
    with pytest.raises(
        TypeError, match=r"harness\.run has no option shards; it has out, start, .*, shard, on, devices$"
    ):
        harness.run("suite.yaml", shards="1/3")


def test_a_run_is_read_again(known_run: Any, tmp_path: Path) -> None:
    again = harness.load(str(known_run.folder))
    assert again.summary == known_run.summary
    assert again.decision.variant == "all"
    assert repr(again) == f"Run({str(known_run.folder)!r}): choose all"
    assert again.report.is_file()
    assert again._folder.read_run()["command"].startswith("harness.run('")
    with pytest.raises(StoreError, match="no run here"):
        harness.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "rows", "column", "values"),
    [
        ("figures", 4 * 7, "figure", {"t.accuracy", "t.errors", "t.f1"}),
        ("scores", 4 * 100 * 3, "variant", {"none", "some", "most", "all"}),
        ("predictions", 4 * 100, "answer", {"a", "b", "x"}),
        ("samples", 100, "targets", {("a",), ("b",)}),
        ("usage", 4, "samples", {100}),
        ("costs", 4, "approach", {"prompting"}),
        ("comparisons", None, "kind", {"reference", "runner-up", "pair"}),
    ],
)
def test_tables(name: str, rows: int | None, column: str, values: set[Any], known_run: Any) -> None:
    frame = known_run.frame(name)
    assert values <= set(frame[column])
    if name != "figures":
        assert values == set(frame[column])
        assert rows in (None, len(frame))


def test_tables_that_cannot_be(known_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HarnessError, match=r"there is no such table \(did you mean scores\?\)"):
        known_run.frame("score")
    monkeypatch.setattr(frames, "is_installed", lambda module: False)
    with pytest.raises(HarnessError, match=r"run.frame needs pandas: pip install 'domain-harness\[notebook\]'"):
        known_run.frame("scores")


def test_a_notebook_shows_the_first_screen(known_run: Any) -> None:
    """In a frame without scripts or links, because those of a srcdoc would open the notebook itself in the frame."""
    shown = known_run._repr_html_()
    frame = re.fullmatch(
        r'<iframe sandbox [^<>]*srcdoc="([^"]*)"[^<>]*></iframe><p>Report: <code>[^<]*</code></p>', shown
    )
    assert frame, shown[:300]
    page = html.unescape(frame[1])
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "<a " not in page
    assert "all" in page
    assert len(shown) < 200_000
