"""The whole path with the scripted model: figures, failures as data, stages alone, interruption, resume."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness.components.display import Display
from harness.components.metric import Mark, Marks, Metric
from harness.components.scoring import Scoring
from harness.errors import HarnessError, StoreError
from harness.models.scripted import Scripted
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import plan
from harness.stages.score_metric import score_metric
from harness.suite.parser import load_suite
from tests.shared.commands import run_command

SUITE = """\
name: colours
models:
  robot:
    scripted:
      rules: [{match: "草", reply: 绿}, {match: "天", reply: 蓝}, {match: "雪", fail: out of power}]
      default: 红
      seconds: 0
  wise: {scripted: {rules: [{match: "雪", reply: 白}, {match: "草", reply: 绿}, {match: "天", reply: 蓝}], default: 红}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    prompt: "{{ input }}是什么颜色？"
    metrics: {accuracy: exact_match}
variants:
  a: {prompting: {model: robot}}
  b: {prompting: {model: wise}}
compare: {reference: a}
"""
ROWS = "词\t色\n草\t绿\n天\t蓝\n雪\t白\n夜\t黑\n"
Write = Callable[..., Path]
Run = Callable[..., RunFolder]


def test_figures_coverage_and_comparison(write_suite: Write, run_suite: Run) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))
    summary = folder.summary()
    results = {result.variant: result for result in summary.results}
    # a: 绿 and 蓝 right, 红 for the night wrong, snow unknown → 2/3 of what is known; b: 3 of 4
    assert (results["a"].known, results["a"].mean) == (3, pytest.approx(2 / 3))
    assert (results["b"].known, results["b"].mean) == (4, 0.75)
    (comparison,) = summary.comparisons
    assert (comparison.samples, comparison.difference, comparison.ties) == (3, 0.0, 3)  # shared items only
    assert comparison.verdict == "inconclusive"
    assert summary.warnings == ("colour.accuracy, a: 1 of 4 samples are unknown (out of power)",)
    scores = {(score.variant, score.sample_id): score for score in folder.scores()}
    assert scores["a", "test:3"].value is None
    assert scores["a", "test:3"].error == "out of power"
    assert scores["a", "test:4"].value == 0.0
    assert folder.read_run()["status"] == "complete"


def test_the_time_of_each_stage_is_recorded_and_reported(write_suite: Write, run_suite: Run) -> None:
    path = write_suite(SUITE, test__tsv=ROWS)
    folder = run_suite(path)
    stages = folder.read_run()["stages"]
    assert list(stages) == ["train", "index", "predict", "latency", "score", "summarize"]
    assert all(seconds >= 0 for seconds in stages.values())
    page = (folder.path / "report.html").read_text(encoding="utf-8")
    assert re.search(
        r"<dt>Stages</dt><dd>train [\d.]+ s, index [\d.]+ s, predict [\d.]+ s, latency [\d.]+ s, score ", page
    )


def test_predictions_keep_the_messages_as_sent(write_suite: Write, run_suite: Run) -> None:
    first = run_suite(write_suite(SUITE, test__tsv=ROWS)).predictions()[0]
    assert (first.task, first.variant, first.text) == ("colour", "a", "绿")
    assert [(message.role, message.content) for message in first.messages] == [("user", "草是什么颜色？")]


def test_a_second_run_gives_the_same_bytes_without_a_call(write_suite: Write, run_suite: Run) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    one, two = run_suite(suite, "one"), run_suite(suite, "two")
    assert (one.path / "scores.jsonl").read_bytes() == (two.path / "scores.jsonl").read_bytes()
    assert [p.text for p in one.predictions()] == [p.text for p in two.predictions()]
    calls = {cell["variant"]: (cell["calls"], cell["cached"]) for cell in two.read_run()["cells"]}
    assert calls == {"a": (1, 3), "b": (0, 4)}  # only the failure is tried again


def test_two_models_never_share_answers(write_suite: Write, run_suite: Run) -> None:
    run_suite(write_suite(SUITE, test__tsv=ROWS), "one")
    folder = run_suite(write_suite(SUITE.replace("default: 红", "default: 黑"), test__tsv=ROWS), "two")
    assert {p.text for p in folder.predictions() if p.sample_id == "test:4"} == {"黑"}


def test_scores_can_be_made_again_with_other_metrics(write_suite: Write, run_suite: Run) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))
    before = (folder.path / "predictions.jsonl").stat().st_mtime_ns
    run_suite(write_suite(SUITE.replace("accuracy: exact_match", "found: contains"), test__tsv=ROWS), start="score")
    assert {score.metric.partition(".")[0] for score in folder.scores()} == {"found"}
    assert (folder.path / "predictions.jsonl").stat().st_mtime_ns == before


def test_scoring_without_predictions_says_what_to_do(write_suite: Write, run_suite: Run) -> None:
    with pytest.raises(StoreError, match="not a run folder"):
        run_suite(write_suite(SUITE, test__tsv=ROWS), start="score")


# Set-up mistakes that only the data shows: (what is replaced, by what, rows, the message).
MISTAKES = [
    ("", "", "词\t色\n", "test.tsv"),
    ("target: 色", "target: 颜色", ROWS, "test.tsv"),
    ("test.tsv", "tset.tsv", ROWS, "tset.tsv"),
    ("{{ input }}", "{{ inptu }}", ROWS, "'inptu' is undefined (there is: input, options)"),
    ("{model: wise}", "{model: wise, shots: 2}", ROWS, "shots: 2 examples are asked for but train has 0 rows"),
    ("scripted: {rules: [{match: \"雪\", reply: 白}", "huggingface: {path: ./no/such/model} #", ROWS, "does not exist"),
    ("scripted: {rules: [{match: \"雪\", reply: 白}", "huggingface: {path: '/no/such/model.gguf'} #", ROWS, "does not exist"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "rows", "message"), MISTAKES, ids=[row[3][:30] for row in MISTAKES])
def test_mistakes_that_the_data_shows(
    write_suite: Write, run_suite: Run, old: str, new: str, rows: str, message: str
) -> None:
    assert old in SUITE
    text = SUITE.replace(old, new) if old else SUITE
    if "#" in new:
        text = "\n".join(line.split(" #")[0] + ("}" if " #" in line else "") for line in text.splitlines())
    with pytest.raises(HarnessError) as caught:
        run_suite(write_suite(text, test__tsv=rows))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2  # one line for each variant concerned


CHANGES = [
    ("b: {prompting: {model: wise}}", "c: {prompting: {model: wise}}", ROWS, "variant b, variant c"),
    ("{model: wise}", "{model: wise, system: 好}", ROWS, "variant b"),
    ("是什么颜色", "的颜色", ROWS, "task colour"),
    ("  colour:", "  colours:", ROWS, "task colour, task colours"),
    ("name: colours", "name: others", ROWS, "suite colours is not others"),
    ("name: colours", "name: colours", ROWS.replace("黑", "灰"), "the data"),
    ("name: colours", "name: colours", "词\t色\n天\t蓝\n草\t绿\n雪\t白\n夜\t黑\n", "the data"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "rows", "what"), CHANGES, ids=[row[3] + str(i) for i, row in enumerate(CHANGES)]
)
def test_old_predictions_are_not_scored_against_a_changed_suite(
    write_suite: Write, run_suite: Run, old: str, new: str, rows: str, what: str
) -> None:
    run_suite(write_suite(SUITE, test__tsv=ROWS))
    assert old in SUITE
    with pytest.raises(StoreError, match=f"changed since its predictions were made: {what}; run without --from"):
        run_suite(write_suite(SUITE.replace(old, new), test__tsv=rows), start="score")


@pytest.mark.parametrize(
    ("section", "name", "parameter", "now", "is_taken"),
    [
        ("variants", "b", "constrained", "", True),
        ("variants", "b", "max_tokens", "", True),
        ("variants", "b", "shots", "", True),
        ("models", "wise", "reasoning_tags", "", True),
        ("variants", "b", "system", "system: 好", False),  # younger than the record, and not at its default
        ("variants", "b", "max_tokens", "max_tokens: 3", False),
    ],
)
def test_a_parameter_that_is_younger_than_the_run_had_its_default(
    section: str, name: str, parameter: str, now: str, is_taken: bool, write_suite: Write, run_suite: Run
) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))
    record = folder.read_run()
    del record[section][name]["settings"][parameter]
    folder.write_run(record)
    suite = write_suite(SUITE.replace("{model: wise}", f"{{model: wise, {now}}}" if now else "{model: wise}"),
                        test__tsv=ROWS)  # fmt: skip
    if is_taken:
        run_suite(suite, start="score")
        return
    with pytest.raises(StoreError, match=f"changed since its predictions were made: variant {name}"):
        run_suite(suite, start="score")


def test_a_restart_leaves_nothing_of_the_old_run(
    write_suite: Write, run_suite: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.models.scripted import Scripted

    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))

    def killed(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(Scripted, "generate", killed)
    with pytest.raises(SystemExit):
        run_suite(write_suite(SUITE.replace("红", "黄"), test__tsv=ROWS))
    left = {path.name for path in folder.path.iterdir() if not path.name.startswith(".")}
    assert left == {"run.json", "samples.jsonl", "overlaps.jsonl"}
    assert folder.read_run()["status"] == "interrupted"


def test_scoring_again_needs_no_model(write_suite: Write, run_suite: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))
    for call in ("check", "identity", "generate"):  # as if the weights had gone since
        monkeypatch.setattr(Scripted, call, lambda *_: pytest.fail("asked"))
    run_suite(write_suite(SUITE.replace("accuracy: exact_match", "accuracy: contains"), test__tsv=ROWS), start="score")
    assert len(folder.scores()) == 8


def test_run_json_says_which_metrics_made_the_scores(write_suite: Write, run_suite: Run) -> None:
    run_suite(write_suite(SUITE, test__tsv=ROWS))
    folder = run_suite(
        write_suite(SUITE.replace("accuracy: exact_match", "found: contains"), test__tsv=ROWS), start="score"
    )
    assert list(folder.read_run()["tasks"]["colour"]["metrics"]) == ["found"]
    assert "found: contains" in folder.read_run()["suite"]["text"]


def test_two_runs_do_not_share_a_folder(write_suite: Write, run_suite: Run, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create()
    with folder.locked(), pytest.raises(StoreError, match="another run is writing to"):
        run_suite(write_suite(SUITE, test__tsv=ROWS))


def test_a_run_folder_that_cannot_be_read_stops_no_further_run(write_suite: Write, tmp_path: Path) -> None:
    broken = tmp_path / "runs" / "colours" / "9999"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{}")
    assert run_command("run", str(write_suite(SUITE, test__tsv=ROWS)), cwd=tmp_path).returncode == 0
    result = run_command("report", str(broken), cwd=tmp_path)
    assert result.returncode == 2
    assert "was not written by `harness run`; delete the folder" in result.stderr


class Strange(Metric):
    """Returns what no metric should."""

    def score(self, sample: Sample, prediction: Prediction) -> Marks:
        marks: dict[str, Any] = {
            "草": float("nan"), "天": Mark(float("inf")), "雪": None, "夜": 1, "大": 10**400, "高": -1e155,
            "数": Mark(0.5, counts={"n": float("nan")}),
        }  # fmt: skip
        return marks[sample.input]  # type: ignore[no-any-return]


def test_a_metric_that_gives_no_number_is_unknown(scoring: Callable[..., Scoring]) -> None:
    samples = [Sample(id=str(i), task="t", input=word, targets=("x",)) for i, word in enumerate("草天雪大高数夜")]
    predictions = [
        Prediction(sample_id=s.id, task="t", variant="v", messages=(), text="x", reading=Reading("x")) for s in samples
    ]
    scores = score_metric(Strange(), samples, predictions, scoring("odd"))
    assert [score.value for score in scores] == [*[None] * 6, 1.0]
    assert [score.error or score.reason for score in scores[:6]] == [
        "the metric returned nan", "the metric returned inf", "the metric gave no value",
        f"the metric returned 1{'0' * 39}", "the metric returned -1e+155", "the metric returned nan",
    ]  # fmt: skip


# -- the command --------------------------------------------------------------------------------------------------


def test_the_command_prints_table_and_report_last(write_suite: Write, tmp_path: Path) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    result = run_command("run", str(suite), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "75.0" in result.stdout
    page = result.stdout.rstrip().splitlines()[-1].removeprefix("Report: ")
    assert (tmp_path / page).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_plan_changes_nothing_and_counts(write_suite: Write, tmp_path: Path) -> None:
    suite = write_suite(SUITE, test__tsv=ROWS)
    before = sorted(tmp_path.rglob("*"))
    assert "8 calls to compute" in run_command("plan", str(suite), cwd=tmp_path).stdout
    assert sorted(tmp_path.rglob("*")) == before
    run_command("run", str(suite), cwd=tmp_path)
    assert "1 call to compute" in run_command("plan", str(suite), cwd=tmp_path).stdout  # the failed one


# Cells that make equal calls: c asks what a asks, of a model of the same content; d asks what b asks, in another task
# too; e samples. Task twice has the rows of once and one more, two of them alike; chosen is scored by likelihood.
SHARED = """\
name: shared
models:
  robot: {scripted: {rules: [{match: "草", reply: 绿}], default: 蓝}}
  twin: {scripted: {rules: [{match: "草", reply: 绿}], default: 蓝}}
  wise: {scripted: {default: 白}}
tasks:
  once:
    data: {tsv: {path: once.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
  twice:
    data: {tsv: {path: twice.tsv, train: once.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
  chosen:
    data: {jsonl: {path: chosen.jsonl, input: q, target: a, options: o}}
    answer: choice
    metrics: {accuracy: choice}
variants:
  a: {prompting: {model: robot}}
  b: {prompting: {model: wise, system: 好}}
  c: {prompting: {model: twin}}
  d: {prompting: {model: wise, system: "{{ '好' }}"}}
compare: {reference: a}
"""
SHARED_FILES = {
    "once__tsv": "词\t色\n草\t绿\n天\t蓝\n",
    "twice__tsv": "词\t色\n草\t绿\n天\t蓝\n雪\t白\n雪\t白\n",
    "chosen__jsonl": '{"q": "草", "a": "A", "o": ["绿", "蓝"]}\n{"q": "天", "a": "B", "o": ["绿", "蓝"]}\n',
}
SAMPLED = "compare:", "  e: {prompting: {model: robot, samples: 3, temperature: 1}}\ncompare:"


def counts_of_plan(path: Path, cache: Path) -> dict[tuple[str, str], tuple[int, int]]:
    suite, calls = load_suite(path), Cache(cache / "calls.sqlite", read_only=True)
    try:
        planned = plan(suite, DryContext(suite.models, calls, Display(), suite.seed)).cells
    finally:
        calls.close()
    return {(entry.cell.task, entry.cell.variant): (entry.counts.calls, entry.counts.cached) for entry in planned}


@pytest.mark.parametrize("known", [(), ("b: ",), ("a: ", "b: ", "c: ")], ids=["nothing", "b", "a b c"])
def test_the_plan_says_what_the_run_then_computes(
    write_suite: Write, run_suite: Run, tmp_path: Path, known: tuple[str, ...]
) -> None:
    if known:  # the calls of some variants are in the cache
        lines = SHARED.splitlines(keepends=True)
        some = "".join(line for line in lines if "prompting" not in line or line.strip().startswith(known))
        run_suite(write_suite(some.replace("reference: a", f"reference: {known[0][0]}"), **SHARED_FILES), "before")
    suite = write_suite(SHARED, **SHARED_FILES)
    planned = counts_of_plan(suite, tmp_path / "cache")
    cells = run_suite(suite).read_run()["cells"]
    assert planned == {(cell["task"], cell["variant"]): (cell["calls"], cell["cached"]) for cell in cells}
    # a: 2 words, then 雪 only (the words and the second 雪 are known), then 2 questions; c: nothing new; b and d alike
    first = {"once": (2, 0), "twice": (1, 3), "chosen": (2, 0)}
    again = {"once": (0, 2), "twice": (0, 4), "chosen": (0, 2)}
    new = {"": "ab", "b": "a", "abc": ""}["".join(name[0] for name in known)]
    assert planned == {
        (task, variant): (first if variant in new else again)[task] for variant in "abcd" for task in first
    }
    assert set(counts_of_plan(suite, tmp_path / "cache").values()) == set(again.values())


def test_the_plan_counts_every_sample_of_a_vote(write_suite: Write, run_suite: Run, tmp_path: Path) -> None:
    suite = write_suite(SHARED.replace(*SAMPLED).replace("  chosen:", "  skipped:"), **SHARED_FILES)
    text = suite.read_text(encoding="utf-8")
    begin, end = text.index("  skipped:"), text.index("variants:")
    suite.write_text(text[:begin] + text[end:], encoding="utf-8")
    planned = counts_of_plan(suite, tmp_path / "cache")
    assert planned["once", "e"] == (6, 0)  # 2 words, 3 samples each; none is the greedy answer of a
    assert planned["twice", "e"] == (3, 9)  # 雪 three times; the second 雪 and both words are known
    cells = run_suite(suite).read_run()["cells"]
    assert planned == {(cell["task"], cell["variant"]): (cell["calls"], cell["cached"]) for cell in cells}


class Counter(BaseHTTPRequestHandler):
    """A hub and a package index that have nothing and count who asks."""

    def do_GET(self) -> None:
        self.server.requests.append(self.path)  # type: ignore[attr-defined]
        self.send_error(404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Nothing on stderr."""


@pytest.fixture
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Counter) as server:
        server.requests = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["owner/name", "pypi:tiny-weights==1.0/tiny.gguf"])
def test_the_plan_downloads_nothing(
    write_suite: Write, tmp_path: Path, elsewhere: ThreadingHTTPServer, path: str
) -> None:
    start, end = SUITE.index("  wise:"), SUITE.index("tasks:")
    text = SUITE[:start] + f"  wise: {{huggingface: {{path: '{path}', dtype: float32, device: cpu}}}}\n" + SUITE[end:]
    suite = write_suite(text, test__tsv=ROWS)
    place = f"http://127.0.0.1:{elsewhere.server_address[1]}"
    online = {
        "HF_HUB_OFFLINE": "0", "HF_ENDPOINT": place, "HF_HOME": str(tmp_path / "hub"), "NO_PROXY": "127.0.0.1",
        "PIP_INDEX_URL": f"{place}/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "",
        "PIP_NO_CACHE_DIR": "1",
    }  # fmt: skip
    before = sorted(tmp_path.rglob("*"))
    result = run_command("plan", str(suite), cwd=tmp_path, **online)
    assert result.returncode == 0, result.stderr
    assert "8 calls to compute: no call of this model timed yet" in result.stdout
    assert elsewhere.requests == []  # type: ignore[attr-defined]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml"], "error: nowhere.yaml: cannot be read"),
        (["report", "."], "error: .: no run here"),
        (["list", "metrics"], "error: 'metrics' is not a kind of component (did you mean metric?)"),
        (
            ["run", "suite/suite.yaml", "--from", "scores"],
            "error: --from scores: must be one of train, index, predict, latency, score",
        ),
        (["run", "suite/suite.yaml", "--out", "suite/test.tsv"], "is a file; choose another place with --out"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    write_suite: Write, tmp_path: Path, arguments: list[str], message: str
) -> None:
    write_suite(SUITE, test__tsv=ROWS)
    result = run_command(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr


def test_a_read_only_folder_is_one_line(
    write_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_suite: Run
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)  # file modes do not stop a root user
    with pytest.raises(StoreError, match=r"cannot write .*run: Read-only file system; choose another with --out"):
        run_suite(write_suite(SUITE, test__tsv=ROWS))


def test_a_full_disk_keeps_the_old_file(write_suite: Write, run_suite: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = run_suite(write_suite(SUITE, test__tsv=ROWS))
    before = (folder.path / "scores.jsonl").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left on device; free some space and run the same command again"):
        folder.write_scores([])
    assert (folder.path / "scores.jsonl").read_bytes() == before


SLOW = SUITE.replace("seconds: 0", "seconds: 0.2\n      batch_size: 1").replace(
    "b: {prompting: {model: wise}}", "b: {prompting: {model: robot, system: 好}}"
)
MANY = "词\t色\n" + "".join(f"草{i}\t绿\n" for i in range(12))


def start(suite: Path, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from harness.cli import main; main()", "run", str(suite)]
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs inherit "ignored"
    )  # fmt: skip


def wait_for_calls(cache: Path, count: int) -> int:
    for _ in range(600):
        if cache.exists():
            try:
                found = sqlite3.connect(cache).execute("SELECT count(*) FROM calls").fetchone()[0]
            except sqlite3.Error:
                found = 0
            if found >= count:
                return int(found)
        time.sleep(0.05)
    raise AssertionError("the run made no calls")


def test_kill_9_then_the_same_command(write_suite: Write, tmp_path: Path, run_suite: Run) -> None:
    suite = write_suite(SLOW, test__tsv=MANY)
    process = start(suite, tmp_path)
    wait_for_calls(tmp_path / "cache" / "calls.sqlite", 5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    finished = wait_for_calls(tmp_path / "cache" / "calls.sqlite", 5)
    assert finished < 24
    result = run_command("run", str(suite), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    (resumed,) = (tmp_path / "runs" / "colours").iterdir()  # the unfinished folder was taken up again
    cells = RunFolder(resumed).read_run()["cells"]
    assert sum(cell["calls"] for cell in cells) == 24 - finished
    assert sum(cell["cached"] for cell in cells) == finished
    (tmp_path / "cache" / "calls.sqlite").rename(tmp_path / "other.sqlite")
    whole = run_suite(suite, "uninterrupted")
    assert (whole.path / "scores.jsonl").read_bytes() == (resumed / "scores.jsonl").read_bytes()


def test_ctrl_c_says_how_to_go_on(write_suite: Write, tmp_path: Path) -> None:
    process = start(write_suite(SLOW, test__tsv=MANY), tmp_path)
    wait_for_calls(tmp_path / "cache" / "calls.sqlite", 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command to go on" in errors
    assert "Traceback" not in errors
    (folder,) = (tmp_path / "runs" / "colours").iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "interrupted"
