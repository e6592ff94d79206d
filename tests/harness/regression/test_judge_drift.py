"""Judges that are asked about the same stored answers again: through HTTP, the product's own judging, and no cache."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.components.display import Display
from harness.errors import StoreError
from harness.records.judge_anchors import JudgeStanding
from harness.regression.anchors import ANCHORS, draw_anchors, read_anchors, write_anchors
from harness.regression.evidence import read_evidence
from harness.regression.judge_drift import judge_standing
from harness.regression.policy import DriftOptions
from harness.runtime.run_folder import RunFolder
from tests.shared.commands import run_command
from tests.shared.engines import Answer, Body
from tests.shared.ollama_stand_in import StandIn, steady

ITEMS = 12  # a loss on all of them: p = 2 / 2^12 = 0.00049
METRICS = {"quality": {"judge": {"model": "judge", "rubric": "score100"}}, "better": {"pairwise": {"model": "judge"}}}


class Mood:
    """A judge whose verdicts can be changed while its server goes on."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, body: Body) -> str:
        return self.answer(body)


@pytest.fixture
def judged(tmp_path: Path, stand_in: Callable[..., StandIn]) -> Callable[[Answer], tuple[Mood, Path]]:
    """A run in which the judge said so, kept as a baseline, and the judge."""

    def run(answer: Answer, metrics: Mapping[str, Any] = METRICS) -> tuple[Mood, Path]:
        mood = Mood(answer)
        server = stand_in(mood)
        rows = [json.dumps({"input": f"question {i}", "target": "right"}) for i in range(ITEMS)]
        (tmp_path / "data.jsonl").write_text("\n".join(rows))
        suite = {
            "name": "drift",
            "language": "en",
            "models": {
                "judge": {"ollama": {"model": "judge", "host": server.place}},
                "good": {"scripted": {"default": "a good answer"}},
                "bad": {"scripted": {"default": "a bad answer"}},
            },
            "tasks": {"t": {"data": {"jsonl": {"path": "data.jsonl"}}, "metrics": dict(metrics)}},
            "variants": {"good": {"prompting": {"model": "good"}}, "bad": {"prompting": {"model": "bad"}}},
            "compare": {"reference": "bad"},
            "latency": {"items": 0},
        }
        (tmp_path / "suite.yaml").write_text(yaml.safe_dump(suite))
        done = run_command("run", "suite.yaml", "--out", "run", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return mood, tmp_path

    return run


def standing(place: Path) -> JudgeStanding:
    run = read_evidence(place / "run")
    return judge_standing(draw_anchors(RunFolder(place / "run")), (run, run), DriftOptions(), Display())


def test_a_judge_that_stays_moved_nothing_and_one_that_moved_is_demoted(judged: Any, tmp_path: Path) -> None:
    mood, place = judged(steady(0.8, "first"))  # the verdict on two answers flips with the order: a tie
    anchors = draw_anchors(RunFolder(place / "run"))
    quality = [own for own in anchors if own.metric == "quality"]
    assert [own.answers[0].variant for own in quality[:4]] == ["bad", "good", "bad", "good"]
    assert quality[0].question.startswith("question ")
    assert {(own.score, own.flipped) for own in anchors if own.metric == "better"} == {(0.5, True)}
    own = standing(place)
    assert not own.moved
    assert "the same 12 stored answers had 80 and have 80 (p 1)" in " ".join(note.text for note in own.notes)
    assert "12 and 12 verdicts changed with the order" in " ".join(note.text for note in own.notes)
    mood.answer = steady(0.7, "tie")  # ten points less on each answer; no verdict flips any more
    own = standing(place)
    assert set(own.moved) == {"t.quality", "t.better"}
    assert (
        own.moved["t.quality"].text == "the judge has moved: the same 12 stored answers had 80 and have 70 (p 0.00049)"
    )
    assert "12 and 0 verdicts changed with the order (p 0.00049)" in own.moved["t.better"].text


def test_the_gate_asks_again_past_the_cache(judged: Any, tmp_path: Path) -> None:
    """The whole path: accept, a night served from the cache, a judge that moved meanwhile, one that is gone."""
    mood, place = judged(steady(0.8, "tie"), {"quality": METRICS["quality"]})
    accepted = run_command("baseline", "accept", "run", "--into", "base", "--who", "me", cwd=place)
    assert accepted.returncode == 0, accepted.stderr
    assert "12 judged answers are kept" in accepted.stdout
    assert len(read_anchors(place / "base")) == ITEMS
    gate = ("gate", "run", "--baseline", "base")
    assert run_command(*gate, cwd=place).returncode == 0
    mood.answer = steady(0.5, "tie")
    moved = run_command(*gate, "--markdown", "-", cwd=place)
    assert moved.returncode == 4
    assert "the judge has moved: the same 12 stored answers had 80 and have 50" in moved.stdout
    (place / "gate.yaml").write_text("judge_drift: {ask: false}\n")
    assert run_command(*gate, "--policy", "gate.yaml", cwd=place).returncode == 0
    mood.answer = lambda body: "no verdict at all"
    gone = run_command(*gate, cwd=place)
    assert gone.returncode == 0
    assert "is not known" in " ".join(gone.stdout.split())


def test_a_broken_line_is_named_and_without_anchors_the_file_goes(tmp_path: Path) -> None:
    (tmp_path / ANCHORS).write_text('{"task": "t"}\n')
    with pytest.raises(StoreError, match=r"anchors\.jsonl:1: no anchor .*accept the baseline again"):
        read_anchors(tmp_path)
    assert write_anchors(None, tmp_path) == 0
    assert read_anchors(tmp_path) == []
