"""The freshness probe: who notices that a fact has changed, and who keeps saying the old one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.runtime.run_folder import RunFolder

Write = Callable[..., Path]
Run = Callable[..., RunFolder]

SUITE = """
    name: fresh
    models:
      memory: {scripted: {rules: [{match: 甲, reply: 甲切除术}, {match: 乙, reply: 乙切除术}, {match: 丙, reply: 丙切除术}]}}
      reader: {scripted: {rules: [{match: '\\[1\\] (\\S+)', reply: '\\1'}], default: 不知道}}
    knowledge:
      codes: {texts: {path: old.csv, update: new.csv, column: name, id_column: code}}
    tasks:
      norm:
        data: {tsv: {path: test.tsv, train: train.tsv}}
        metrics: {accuracy: exact_match}
    variants:
      tuned: {prompting: {model: memory}}
      rag: {rag: {model: reader, knowledge: codes, k: 1}}
"""
FILES = {
    "old__csv": "code,name\n1,甲切除术\n2,乙切除术\n3,丙切除术\n",
    "new__csv": "code,name\n1,甲微创切除术\n3,丙切除术\n4,丁切除术\n",  # 甲 changed, 乙 withdrawn, 丁 added
    "test__tsv": "input\ttarget\n甲切了\t甲切除术\n乙切了\t乙切除术\n丙切了\t丙切除术\n",
    "train__tsv": "input\ttarget\n甲切\t甲切除术\n",
}


@pytest.fixture
def folder(write_suite: Write, run_suite: Run) -> RunFolder:
    return run_suite(write_suite(SUITE, **FILES))


def means(folder: RunFolder) -> dict[tuple[str, str, str], float | None]:
    return {(r.task, r.variant, r.metric): r.mean for r in folder.summary().results}


def test_the_affected_questions_are_asked_under_both_versions(folder: RunFolder) -> None:
    found = means(folder)
    assert found["norm", "tuned", "accuracy"] == found["norm", "rag", "accuracy"] == 1.0
    probed = {(task, variant): mean for (task, variant, metric), mean in found.items() if metric == "accuracy"}
    assert probed["norm@codes-before", "rag"] == probed["norm@codes-before", "tuned"] == 1.0
    assert probed["norm@codes-after", "rag"] == 1.0  # 甲微创切除术
    assert probed["norm@codes-after", "tuned"] == 0.0
    stale = {(task, variant): mean for (task, variant, metric), mean in found.items() if metric == "stale"}
    assert stale == {
        ("norm@codes-after", "rag"): 0.0, ("norm@codes-after", "tuned"): 1.0,
        ("norm@codes-withdrawn", "rag"): 0.0, ("norm@codes-withdrawn", "tuned"): 1.0,
    }  # fmt: skip


def test_probes_are_not_in_the_headline_and_cost_no_call_twice(folder: RunFolder) -> None:
    assert folder.summary().headline == ("norm.accuracy",)
    calls = {(cell["task"], cell["variant"]): cell["calls"] for cell in folder.read_run()["cells"]}
    assert calls["norm@codes-after", "tuned"] == calls["norm@codes-withdrawn", "tuned"] == 0  # asked before


def test_the_predictions_of_a_probe_show_the_second_version(folder: RunFolder) -> None:
    after = [p for p in folder.predictions() if (p.task, p.variant) == ("norm@codes-after", "rag")]
    assert [[passage["text"] for passage in p.passages] for p in after] == [["甲微创切除术"]]
    sample = next(s for s in folder.samples() if s.task == "norm@codes-after")
    assert (sample.targets, sample.meta["stale"]) == (("甲微创切除术",), ["甲切除术"])


def test_scoring_again_needs_no_model(folder: RunFolder, write_suite: Write, run_suite: Run) -> None:
    before = folder.scores()
    run_suite(write_suite(SUITE, **FILES), start="score")
    assert folder.scores() == before
