"""A suite described without a model: what stands where, what no query finds, and the prompts as they would be sent."""

import subprocess
import sys
from pathlib import Path

from harness.records.inputs import Message
from harness.stages.describe_suite import GoldCoverage, describe_suite
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from tests.shared.paths import ROOT

SUITE = """
    models: {m: {scripted: {default: a}}}
    knowledge: {k: {files: {path: k.md, gold: contains}}}
    tasks: {t: {data: {csv: {path: d.csv, train: e.csv}}, prompt: "{{ input }}", metrics: {e: exact_match}}}
    variants:
      v: {prompting: {model: m}}
      r: {rag: {model: m, knowledge: k, k: 1, prompt: "{% for p in passages %}{{ p.title }}: {{ p.text }}{% endfor %} {{ question }}"}}
      f: {floor: {by: nearest}}
    """


def test_what_is_known_before_a_run(write_suite):
    path = write_suite(
        SUITE,
        k__md="# Fever\nrest\n# Cough\ntea with honey\n",
        d__csv="input,target\ncough,tea\nfever,rest\nfever,sleep\n",
        e__csv="input,target\nCough,tea\n",
    )
    suite = load_suite(path)
    description = describe_suite(suite, prepare(suite))
    (task,) = description.tasks
    # fever asks twice, with another answer; "cough" differs from train's "Cough" in writing only
    assert (task.unit, task.duplicates, task.conflicts, task.in_train) == ("characters", 1, 1, 0)
    assert (task.answers, dict(task.commonest)) == (3, {"tea": 1, "rest": 1, "sleep": 1})
    (knowledge,) = description.knowledge
    assert (knowledge.form, knowledge.split, knowledge.passages, knowledge.titled) == (
        "files",
        "at headings of Markdown",
        2,
        2,
    )
    assert (knowledge.lengths.min, knowledge.lengths.max) == (4, 14)  # rest, tea with honey
    assert knowledge.coverage == (GoldCoverage(task="t", judged=3, absent=1),)  # sleep stands nowhere
    assert "1 of 3 items (33 %) have their answer in no passage" in knowledge.coverage[0].sentence()
    assert [(own.source, own.exact, own.normalised) for own in description.overlaps][:1] == [("examples of t", 0, 1)]
    assert {first.variant: (first.prompt, first.note) for first in description.prompts} == {
        "v": ((Message("user", "cough"),), ""),
        "r": ((Message("user", "Cough: tea with honey cough"),), ""),
        "f": ((), "asks no model"),
    }


def test_nothing_heavy_is_opened():
    """The quickstart has a local model and two that are trained; torch is never imported."""
    code = (
        "import sys\nfrom harness.cli import app\n"
        "try: app(['data', 'describe', 'suites/quickstart'])\nexcept SystemExit as stop: assert not stop.code, stop.code\n"
        "print('HEAVY', [name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "HEAVY []" in result.stdout
    assert "first prompt of norm × lora+rag, to lora-asked:" in result.stdout


def test_a_bare_file(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from harness.cli import app

    file = tmp_path / "d.csv"
    file.write_text("question,label\n" + "\n".join(f"q{number // 2},l{number % 3}" for number in range(60)))
    output = CliRunner().invoke(app, ["data", "describe", str(file)]).output
    assert "rows that ask what an earlier row asks: 30" in output
    assert "right answers: labels" in output
