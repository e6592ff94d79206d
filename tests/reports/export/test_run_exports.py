"""A finished run in the forms of other tools: tables, inspect logs, and what trackers are told."""

import csv
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError
from harness.records.figures import Comparison, Result, Usage
from harness.records.finished_run import FinishedRun
from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from reports.export.inspect_log import write_logs
from reports.export.mlflow_run import log_to_mlflow
from reports.export.run_tables import run_tables
from reports.export.table_files import inert_cell, write_csv, write_parquet
from reports.export.tracked_variants import tracked_variants
from reports.export.wandb_run import log_to_wandb
from tests.shared.finished import finished

SUITE = """\
name: terms
models: {m: {scripted: {default: "=1+1"}}}
tasks:
  norm:
    data: {jsonl: {path: rows.jsonl, input: q, target: a}}
    prompt: "{{ input }}"
    metrics: {accuracy: exact_match}
latency: {items: 0}
variants: {plain: {prompting: {model: m}}, twice: {prompting: {model: m, system: "短"}}}
"""
ROWS = [{"q": "膝退变", "a": "=1+1"}, {"q": "b", "a": "c"}]


@pytest.fixture
def terms() -> FinishedRun:
    """Two items, asked of one variant: one answered, one lost by a machine."""
    samples = [
        Sample(id="1", task="norm", input="膝退变", targets=("=1+1",), group="g", meta={"level": 3}),
        Sample(id="2", task="norm", input="b", targets=("c", "d"), options=("x", "y")),
    ]
    asked = (Message("system", "短"), Message("user", "膝退变"))
    predictions = [
        Prediction(sample_id="1", task="norm", variant="v", messages=asked, text="=1+1", reading=Reading("=1+1"), tokens_in=7,
                   tokens_out=2, seconds=0.5, passages=({"id": "p:1", "text": "t"},)),
        Prediction(sample_id="2", task="norm", variant="v", messages=asked[1:], text="", reading=Reading(None, "no answer"), error="out of power", finish="error"),
    ]  # fmt: skip
    scores = [
        Score(sample_id=number, task="norm", variant="v", metric=metric, value=value, reason=reason, error=error)
        for number, metric, value, reason, error in (
            ("1", "accuracy", 1.0, None, None), ("2", "accuracy", None, None, "out of power"),
            ("1", "f1.recall", 0.5, "half", None),
        )
    ]  # fmt: skip
    figures = {"task": "norm", "variant": "v", "samples": 2}
    summary = Summary(
        name="terms", reference="w", headline=("norm.accuracy",), metrics={},
        results=(Result(metric="accuracy", known=1, mean=1.0, low=0.2, high=1.0, **figures),
                 Result(metric="f1.recall", known=1, mean=0.5, low=None, high=None, **figures)),
        comparisons=(Comparison(task="norm", metric="accuracy", variant="v", reference="w", samples=1, difference=0.25),),
        usage=(Usage(failed=1, unread=0, truncated=0, tokens_in=7, tokens_out=2, seconds=0.5, prompts="ab", **figures),),
    )  # fmt: skip
    run = {
        "started": "2026-01-02T03:04:05+00:00", "suite": {"name": "terms"}, "seed": 42, "harness": "0.1.0",
        "variants": {"v": {"component": "Prompting", "settings": {"model": "m", "shots": 2, "system": None}}},
        "tasks": {"norm": {"metrics": {"accuracy": {"component": "ExactMatch", "settings": {"case": True}}},
                           "generation": {"max_tokens": 16, "temperature": 0.0, "stop": ["\n"]}}},
    }  # fmt: skip
    return finished(summary, run, samples, predictions, scores)


def test_a_row_an_item_and_variant_with_its_scores(terms: FinishedRun) -> None:
    items, figures, usage, comparisons = run_tables(terms)
    assert [table.name for table in (items, figures, usage, comparisons)] == [
        "items",
        "figures",
        "usage",
        "comparisons",
    ]
    first, second = items.rows
    assert {name: first[name] for name in ("task", "variant", "id", "group", "targets", "reply", "answer", "passages", "meta")} == {
        "task": "norm", "variant": "v", "id": "1", "group": "g", "targets": "=1+1", "reply": "=1+1", "answer": "=1+1",
        "passages": '["p:1"]', "meta": '{"level": 3}',
    }  # fmt: skip
    assert first["messages"] == '[{"role": "system", "content": "短"}, {"role": "user", "content": "膝退变"}]'
    assert (first["score.accuracy"], first["score.f1.recall"], first["reason.f1.recall"]) == (1.0, 0.5, "half")
    assert (second["reply"], second["score.accuracy"], second["reason.accuracy"]) == (None, None, "out of power")
    assert (second["targets"], second["options"], second["score.f1.recall"]) == ('["c", "d"]', '["x", "y"]', None)
    assert [row["is_headline"] for row in figures.rows] == [1, 0]
    assert comparisons.rows[0]["against"] == "reference"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+SUM(A1)", "'+SUM(A1)"), ("@x", "'@x"), ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("\t=1", "'\t=1"), ("-3.5", "-3.5"), ("+86 %", "+86 %"), ("-1,200", "-1,200"), (-3.5, -3.5), (None, None),
        ("膝=1", "膝=1"), ("a\0b", "ab"), ("-3-4", "'-3-4"),
    ],
)  # fmt: skip
def test_a_spreadsheet_computes_no_cell(cell: str | float | None, written: str | float | None) -> None:
    assert inert_cell(cell) == written


def test_csv_and_parquet_hold_the_same_tables(terms: FinishedRun, tmp_path: Path) -> None:
    tables = run_tables(terms)
    names = [*write_csv(tables, tmp_path), *write_parquet(tables, tmp_path)]
    assert sorted(names) == sorted(file.name for file in tmp_path.iterdir())
    assert (tmp_path / "items.csv").read_bytes().startswith(b"\xef\xbb\xbftask,variant,id")
    with (tmp_path / "items.csv").open(encoding="utf-8-sig", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["input"], first["reply"], first["score.accuracy"]) == ("膝退变", "'=1+1", "1.0")
    items = parquet.read_table(tmp_path / "items.parquet")
    assert items.column("reply").to_pylist() == ["=1+1", None]  # as it is: nothing computes a parquet
    assert items.column("score.accuracy").to_pylist() == [1.0, None]
    kinds = {field.name: str(field.type) for field in items.schema}
    assert (kinds["score.f1.recall"], kinds["tokens_in"], kinds["error"]) == ("double", "int64", "string")


def test_an_inspect_log_says_what_was_asked_answered_and_scored(terms: FinishedRun, tmp_path: Path) -> None:
    assert write_logs(terms, tmp_path) == ["norm_v.json"]
    log = json.loads((tmp_path / "norm_v.json").read_text(encoding="utf-8"))
    assert log["eval"]["model"] == "harness/m"
    assert log["eval"]["model_generate_config"] == {"max_tokens": 16, "temperature": 0.0, "stop_seqs": ["\n"]}
    assert log["results"]["completed_samples"] == 1
    assert log["results"]["scores"][0] == {
        "name": "accuracy", "scorer": "ExactMatch", "params": {"case": True}, "scored_samples": 1, "unscored_samples": 1,
        "metrics": {name: {"name": name, "value": value} for name, value in (("mean", 1.0), ("ci_low", 0.2), ("ci_high", 1.0))},
    }  # fmt: skip
    first, second = log["samples"]
    assert [turn["role"] for turn in first["messages"]] == ["system", "user", "assistant"]
    assert first["scores"]["accuracy"] == {"value": 1.0, "answer": "=1+1", "explanation": None}
    assert (second["error"]["message"], second["scores"], second["choices"]) == ("out of power", {}, ["x", "y"])
    assert log["stats"]["model_usage"] == {"harness/m": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}}


def test_trackers_are_told_figures_with_intervals(terms: FinishedRun) -> None:
    (variant,) = tracked_variants(terms)
    assert variant.metrics == {
        "norm.accuracy": 1.0, "norm.accuracy.ci_low": 0.2, "norm.accuracy.ci_high": 1.0, "norm.accuracy.known": 1,
        "norm.f1.recall": 0.5, "norm.f1.recall.known": 1, "norm.accuracy.difference": 0.25,
        "norm.usage.tokens_in": 7.0, "norm.usage.tokens_out": 2.0, "norm.usage.seconds": 0.5, "norm.usage.failed": 1.0,
        "norm.usage.unread": 0.0, "norm.usage.truncated": 0.0,
    }  # fmt: skip
    assert variant.params == {"component": "Prompting", "seed": "42", "model": "m", "shots": "2"}
    assert variant.tags["harness.run"] == "terms 2026-01-02T03:04:05+00:00"


# -- the commands --------------------------------------------------------------------------------------------------------


def invoke(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["export", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_the_commands_write_a_finished_run_and_replace_nothing(
    write_suite: object, run_suite: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_suite(SUITE, rows__jsonl="".join(json.dumps(row) + "\n" for row in ROWS))  # type: ignore[operator]
    folder = run_suite(path).path  # type: ignore[operator]
    for form, first in (("csv", "items.csv"), ("parquet", "items.parquet"), ("inspect", "norm_plain.json")):
        assert f"exports/terms/run/{form}/{first}" in invoke(form, str(folder)).replace("\n", "")
        assert "is not empty; choose another folder by --out" in invoke(form, str(folder), code=2)
    assert not list(tmp_path.rglob("*.partial"))
    assert "no run here; name a folder made by" in invoke("csv", str(tmp_path / "none"), code=2)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**record, "status": "predicted"}), encoding="utf-8")
    assert "run is not finished (predicted); first: " in invoke("csv", str(folder), "--out", "x", code=2)
    assert not Path("x").exists()


def test_a_tracker_that_is_not_installed_is_told_how_to_get(
    terms: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("mlflow", "wandb"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(HarnessError, match=r"mlflow is not installed: pip install 'domain-harness\[tracking\]'"):
        log_to_mlflow(terms, {}, None, None)
    with pytest.raises(HarnessError, match=r"wandb is not installed: pip install 'domain-harness\[tracking\]'"):
        log_to_wandb(terms, {}, tmp_path, None, False)


# -- the tools themselves ------------------------------------------------------------------------------------------------

READ_LOGS = """
import sys
from inspect_ai.log import read_eval_log
for place in sys.argv[1:]:
    log = read_eval_log(place)
    sample = log.samples[0]
    print(log.status, log.eval.task, log.eval.model, log.results.scores[0].metrics["mean"].value, len(log.samples),
          sample.output.completion, sample.scores["accuracy"].value, sample.input[-1].text, sample.target)
"""
READ_MLFLOW = """
from mlflow import MlflowClient
client = MlflowClient("sqlite:///mlflow.db", registry_uri="sqlite:///mlflow.db")
runs = client.search_runs([client.get_experiment_by_name("terms").experiment_id])
for run in sorted(runs, key=lambda run: run.info.run_name):
    files = sorted(file.path for file in client.list_artifacts(run.info.run_id))
    print(run.info.run_name.split()[0], run.info.status, run.data.metrics.get("norm.accuracy"), run.data.params.get("system"), files)
"""
READ_WANDB = """
import struct
import sys
from pathlib import Path
from wandb.proto import wandb_internal_pb2

def records(data, place=7, block=32768):  # the log format of LevelDB behind a header of 7 bytes
    whole = b""
    while place + 7 <= len(data):
        if block - place % block < 7:
            place += block - place % block
        _, length, kind = struct.unpack_from("<IHB", data, place)
        whole += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield wandb_internal_pb2.Record.FromString(whole)
            whole = b""

for place in sys.argv[1:]:
    for record in records(Path(place).read_bytes()):
        if record.WhichOneof("record_type") == "run":
            print(record.run.project, record.run.display_name, record.run.job_type)
        for item in record.summary.update:
            if "norm.accuracy" in (item.key, *item.nested_key):
                print("accuracy", item.value_json)
"""


def run_python(code: str, *arguments: str) -> str:
    """In a process of its own: these libraries warn about themselves, and warnings are errors here."""
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def needs(package: str) -> pytest.MarkDecorator:
    command = "pip install inspect-ai" if package == "inspect_ai" else "pip install 'domain-harness[tracking]'"
    return pytest.mark.skipif(find_spec(package) is None, reason=f"{package} is not installed: {command}")


@pytest.fixture
def folder(write_suite: object, run_suite: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = write_suite(SUITE, rows__jsonl="".join(json.dumps(row) + "\n" for row in ROWS))  # type: ignore[operator]
    return run_suite(path).path  # type: ignore[no-any-return, operator]


@pytest.mark.nightly
@needs("inspect_ai")
def test_inspect_reads_the_logs(folder: Path, terms: FinishedRun, tmp_path: Path) -> None:
    invoke("inspect", str(folder), "--out", "logs")
    write_logs(terms, tmp_path)  # with a failed item, passages and an unknown score
    places = [*sorted(map(str, Path("logs").iterdir())), str(tmp_path / "norm_v.json")]
    assert run_python(READ_LOGS, *places).splitlines() == [
        "success norm harness/m 0.5 2 =1+1 1.0 膝退变 ['=1+1']", "success norm harness/m 0.5 2 =1+1 1.0 膝退变 ['=1+1']",
        "success norm harness/m 1.0 2 =1+1 1.0 膝退变 ['=1+1']",
    ]  # fmt: skip


@pytest.mark.nightly
@needs("mlflow")
def test_mlflow_has_the_run_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    command = "from harness.cli import main; main()"
    assert "with 2 variants below it" in run_python(command, "export", "mlflow", str(folder))
    assert run_python(READ_MLFLOW).splitlines() == [
        "plain FINISHED 0.5 None []", "terms FINISHED None None ['report.html', 'run.json', 'summary.json']",
        "twice FINISHED 0.5 短 []",
    ]  # fmt: skip
    again = subprocess.run(
        [sys.executable, "-c", command, "export", "mlflow", str(folder)], capture_output=True, text=True, check=False
    )
    assert (again.returncode, "has this run already; delete it there" in again.stderr) == (2, True)


@pytest.mark.nightly
@needs("wandb")
def test_wandb_has_a_run_for_each_variant(folder: Path) -> None:
    run_python("from harness.cli import main; main()", "export", "wandb", str(folder), "--out", "w", "--project", "p")
    stores = sorted(map(str, Path("w").rglob("*.wandb")))
    said = run_python(READ_WANDB, *stores).splitlines()
    assert sorted({line for line in said if line.startswith("p ")}) == [
        "p plain variant",
        "p report report",
        "p twice variant",
    ]
    assert "accuracy 0.5" in said
