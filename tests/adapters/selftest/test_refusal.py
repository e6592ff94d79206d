"""A run refuses the models whose proofs failed, by name, before it trains or asks; all others go on."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.export.export import TunedEntry, export_merged
from adapters.methods.lora import Lora
from harness.cli import app
from harness.components.display import Display
from harness.errors import SuiteError
from harness.models.huggingface import HuggingFace
from harness.records.proofs import ProofRecord, SelfTestRecord
from harness.runtime.run_folder import RunFolder
from harness.selftest import refusal
from harness.selftest.combination import combination_on
from harness.selftest.memo import remember
from harness.selftest.proof import all_proofs
from harness.selftest.tiny_models import TinyModels
from harness.stages.prepare import prepare
from harness.stages.prove import prove, prove_judges
from harness.suite.parser import load_suite

SUITE = """\
name: letters
models:
  base: {huggingface: {path: "FOLDER", dtype: float32, device: cpu, format: plain, delimiter: ""}}
  lora: {tuned: {base: base, method: {lora: {r: 2}}, on: [letters], max_steps: 1}}
  dora: {tuned: {base: base, method: {lora: {r: 2, dora: true}}, on: [letters], max_steps: 1}}
  narrow: {tuned: {base: base, method: {bottleneck: {width: 4}}, on: [letters], max_steps: 1}}
  soft: {tuned: {base: base, method: {prompt: {tokens: 2, encoder: mlp}}, on: [letters], max_steps: 1}}
  chained: {tuned: {base: lora, method: {bottleneck: {width: 4}}, on: [letters], max_steps: 1}}
  small: {quantised: {base: lora}}
  mine: {adapter: {base: base, path: ./adapter, other_name: true}}
  robot: {scripted: {default: A}}
tasks:
  letters:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 词, target: 字}}
    prompt: "{{ input }} "
    generation: {max_tokens: 2}
    metrics: METRICS
variants:
  VARIANTS
"""
ROWS = {
    "train__tsv": "词\t字\n" + "".join(f"w{i:02d}\t{'AB'[i % 2]}\n" for i in range(8)),
    "test__tsv": "词\t字\nx1\tA\nx2\tB\n",
}
Make = Callable[..., Path]
Fail = Callable[..., SelfTestRecord]


@pytest.fixture
def fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Let the self-test of this installation have failed for subjects."""

    def apply(*subjects: str, reason: str = "it differs") -> SelfTestRecord:
        today = all_proofs(TinyModels(Path(), "cpu"))
        assert {*subjects} <= {proof.subject for proof in today}
        proofs = [
            ProofRecord(name=proof.name, subject=proof.subject, passed=False, reason=reason)
            if proof.subject in subjects
            else ProofRecord(name=proof.name, subject=proof.subject, passed=True)
            for proof in today
        ]
        record = SelfTestRecord(
            combination=combination_on("cpu"), when="2026-11-02T10:00:00+00:00", proofs=tuple(proofs)
        )
        monkeypatch.setenv("HARNESS_SELFTEST", str(tmp_path / "memo"))
        remember(record)
        return record

    return apply


@pytest.fixture
def suite(write_suite: Make, make_folder: Callable[..., Path], tmp_path: Path) -> Make:
    """Write a suite with one variant for each of the models named."""

    def write(*models: str, metrics: str = "{accuracy: exact_match}") -> Path:
        variants = "\n  ".join(f"{name}: {{prompting: {{model: {name}}}}}" for name in models)
        text = SUITE.replace("FOLDER", str(make_folder())).replace("VARIANTS", variants).replace("METRICS", metrics)
        (tmp_path / "suite").mkdir(exist_ok=True)
        Lora(r=2).save(
            Lora(r=2).prepare(HuggingFace(path=str(make_folder()), dtype="float32", device="cpu").load()),
            tmp_path / "suite" / "adapter",
        )
        return write_suite(text, **ROWS)

    return write


def refused(path: Path, start: str = "train") -> list[str]:
    """The models that a run would refuse, from its lines."""
    loaded = load_suite(path)
    prepare(loaded)
    try:
        prove(loaded, start, Display())
    except SuiteError as error:
        return [line.partition(":")[0].removeprefix("models.") for line in str(error).splitlines()]
    return []


ASKED = ("base", "lora", "dora", "narrow", "soft", "chained", "small", "mine", "robot")


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ("lora", ["lora", "dora", "chained", "small", "mine"]),  # the adapter was made by PEFT's LoRA
        ("lora (dora: true)", ["dora", "mine"]),  # what an adapter made elsewhere is in detail is not looked at
        ("lora, merged", ["chained", "small"]),  # merged before they are made
        ("bottleneck", ["narrow", "chained"]),
        ("prompt", ["soft"]),
        ("prompt (encoder: mlp)", ["soft"]),
        ("prompt (encoder: lstm)", []),
        ("prefix", []),
        ("full, merged", []),
        ("tuned", ["lora", "dora", "narrow", "soft", "chained", "small"]),
        ("huggingface", ["base", "lora", "dora", "narrow", "soft", "chained", "small", "mine"]),
    ],
)
def test_what_rests_on_a_failure_is_refused(failed: str, expected: list[str], fail: Fail, suite: Make) -> None:
    fail(failed)
    assert sorted(refused(suite(*ASKED))) == sorted(expected)


@pytest.mark.parametrize(
    ("variants", "expected"),
    [
        ("free: {prompting: {model: base}}", []),
        ("held: {prompting: {model: base, constrained: true}}", ["base"]),
        ("free: {prompting: {model: base}}, held: {prompting: {model: lora, constrained: true}}", ["lora"]),
        ("held: {prompting: {model: narrow, constrained: true}}, free: {prompting: {model: narrow}}", ["narrow"]),
    ],
)
def test_only_what_is_asked_constrained_rests_on_that(
    variants: str, expected: list[str], fail: Fail, write_suite: Make, make_folder: Callable[..., Path]
) -> None:
    pytest.importorskip("llguidance", reason="constrained replies need llguidance: pip install llguidance")
    fail("constrained")
    text = SUITE.replace("FOLDER", str(make_folder())).replace("variants:\n  VARIANTS", f"variants: {{{variants}}}")
    text = text.replace("METRICS", "{fields: json_fields}\n    answer: {json: {fields: [字]}}")
    text = text.replace("  mine: {adapter: {base: base, path: ./adapter, other_name: true}}\n", "")
    rows = {name: table.replace("\tA", '\t{"字": "A"}').replace("\tB", '\t{"字": "B"}') for name, table in ROWS.items()}
    assert refused(write_suite(text, **rows)) == expected


@pytest.mark.parametrize(
    ("asked", "expected"), [(("base", "narrow"), []), (("chained",), ["lora", "chained"]), (("robot",), [])]
)
def test_only_what_a_run_asks_or_makes_counts(
    asked: tuple[str, ...], expected: list[str], fail: Fail, suite: Make
) -> None:
    fail("lora")
    assert sorted(refused(suite(*asked))) == sorted(expected)
    assert refused(suite(*asked), "summarize") == []


def test_the_line_names_what_failed_under_what_and_the_remedy(fail: Fail, suite: Make, tmp_path: Path) -> None:
    record = fail("lora", reason="'hi' generated in a batch: 'b' instead of 'a'")
    result = CliRunner().invoke(app, ["run", str(suite("base", "lora")), "--out", str(tmp_path / "run")])
    assert result.exit_code == 2
    (line,) = [line for line in result.output.splitlines() if line.startswith("error: ")]
    versions = ", ".join(f"{name} {record.combination[name]}" for name in ("torch", "transformers", "peft"))
    assert line == (
        f"error: models.lora: lora failed the self-test under {versions} on cpu: padding and batch change no answer and "
        "no log-probability: 'hi' generated in a batch: 'b' instead of 'a'; install the versions of constraints.txt, or "
        "take another method; `harness selftest` runs all proofs again"
    )
    assert not (tmp_path / "run").exists()  # nothing was trained or written
    assert not (tmp_path / "cache" / "trained").exists()


def test_a_run_without_what_failed_goes_on_and_tells_it(
    fail: Fail, suite: Make, run_suite: Callable[..., RunFolder]
) -> None:
    record = fail("lora", "prefix", reason="it <differs>")
    folder = run_suite(suite("base", "narrow"))
    stated = folder.read_run()
    assert stated["status"] == "complete"
    assert stated["selftest"] == json.loads(json.dumps([asdict(record)]))
    page = (folder.path / "report.html").read_text(encoding="utf-8")
    assert "Self-test" in page
    assert "lora: padding and batch change no answer and no log-probability: it &lt;differs&gt;" in page
    assert "prefix: generating equals plain forwards: it &lt;differs&gt;" in page
    again = run_suite(suite("base", "narrow"), start="score")
    assert again.read_run()["selftest"] == stated["selftest"]


@pytest.mark.parametrize("asked", [("robot",)])
def test_models_without_a_network_here_never_start_it(
    asked: tuple[str, ...], suite: Make, run_suite: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> SelfTestRecord:
        raise AssertionError("the self-test was started")

    monkeypatch.setattr(refusal, "remembered_self_test", never)
    folder = run_suite(suite(*asked))
    assert "selftest" not in folder.read_run()
    assert "Self-test" not in (folder.path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "model",
    [
        "{scripted: {default: A}}",
        "{openai: {model: m, url: 'http://127.0.0.1:9/v1'}}",
        "{ollama: {model: m, host: 'http://127.0.0.1:9'}}",
        "{sentence_transformers: {path: ./vectors}}",
        "{cross_encoder: {path: ./ranks}}",
    ],
)
def test_kinds_of_models_that_rest_on_no_proof(model: str, write_suite: Make) -> None:
    text = (
        SUITE.replace("FOLDER", "./none")
        .replace("VARIANTS", "v: {prompting: {model: robot}}")
        .replace("METRICS", "{a: exact_match}")
    )
    loaded = load_suite(
        write_suite(text.replace("{scripted: {default: A}}", "{scripted: {default: A}}\n  it: " + model), **ROWS)
    )
    assert loaded.models["it"].rests_on() == ()


def test_a_judge_in_this_process_is_proven_before_it_is_calibrated(fail: Fail, suite: Make) -> None:
    fail("huggingface")
    path = suite("robot", metrics="{quality: {judge: {model: base, rubric: clinical}}}")
    with pytest.raises(SuiteError, match=r"models\.base: huggingface failed the self-test"):
        prove_judges(load_suite(path), Display())
    prove_judges(load_suite(suite("robot")), Display())


@pytest.mark.parametrize(("failed", "is_refused"), [("lora, merged", True), ("lora", True), ("bottleneck", False)])
def test_merging_for_export_rests_on_its_own_proof(
    failed: str, is_refused: bool, fail: Fail, suite: Make, run_suite: Callable[..., RunFolder], tmp_path: Path
) -> None:
    path = suite("base", "lora")
    run_suite(path)
    fail(failed)
    loaded = load_suite(path)
    prepare(loaded)
    entry = TunedEntry("lora", loaded.models["lora"], loaded.name, loaded.path)  # type: ignore[arg-type]
    if is_refused:
        with pytest.raises(SuiteError, match=rf"models\.lora: {failed} failed the self-test"):
            export_merged(entry, tmp_path / "merged")
        assert not (tmp_path / "merged").exists()
    else:
        assert "config.json" in export_merged(entry, tmp_path / "merged").files
