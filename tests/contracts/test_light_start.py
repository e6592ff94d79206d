"""`harness check` of a small suite imports what the suite names and nothing else, so that it answers at once.

Seconds depend on the machine and on what else it does; what is imported does not.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared.reciting_model import save_reciting

PLAIN = """\
name: plain
models:
  robot: {scripted: {rules: [], default: "yes"}}
tasks:
  asked: {data: {tsv: {path: rows.tsv, input: question, target: answer}}, prompt: "{{ input }}", metrics: {accuracy: exact_match}}
variants:
  base: {prompting: {model: robot}}
"""
RETRIEVING = """\
knowledge:
  terms: {texts: {path: terms.txt}}
"""
RAG = """\
  rag: {rag: {model: robot, knowledge: terms}}
"""
NEVER = (
    "numpy", "scipy", "jieba", "filelock", "reports", "adapters", "harness.regression.comparison", "harness.summary",
    "harness.records.run_evidence", "harness.statistics.power", "baselines.knowledge.parsing.text_spans",
)  # fmt: skip
UNNAMED = ("baselines.knowledge", "baselines.retrievers", "baselines.variants.rag", "harness.models.huggingface",
           "harness.models.openai", "harness.metrics.rouge", "harness.readers.xlsx", "harness.judging")  # fmt: skip
COMMAND = """\
import sys
from harness.cli import main
try:
    main()
finally:
    print("IMPORTED", *sys.modules)
"""


def _imported(folder: Path, suite: str) -> set[str]:
    """The modules that a process has imported once it has checked a suite."""
    (folder / "suite.yaml").write_text(suite, encoding="utf-8")
    (folder / "rows.tsv").write_text("question\tanswer\nis it?\tyes\n", encoding="utf-8")
    (folder / "terms.txt").write_text("yes\nno\n", encoding="utf-8")
    command = [sys.executable, "-c", COMMAND, "check", str(folder / "suite.yaml")]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert "no mistakes" in result.stdout
    return set(result.stdout.rpartition("IMPORTED ")[2].split())


def _within(imported: set[str], packages: tuple[str, ...]) -> list[str]:
    return sorted(name for name in imported if any(f"{name}.".startswith(f"{package}.") for package in packages))


@pytest.mark.parametrize(
    ("suite", "unwanted"),
    [(PLAIN, (*NEVER, *UNNAMED)), (PLAIN.replace("tasks:", f"{RETRIEVING}tasks:") + RAG, NEVER)],
    ids=["prompting", "retrieval"],
)
def test_check_imports_what_the_suite_names(tmp_path: Path, suite: str, unwanted: tuple[str, ...]) -> None:
    assert _within(_imported(tmp_path, suite), unwanted) == []


def test_a_local_model_is_checked_without_the_libraries_that_run_it(tmp_path: Path) -> None:
    """Its weights are at hand: what nothing asks of them is not read, which took some seconds."""
    model = save_reciting(tmp_path / "network", {"is it?": "yes"}, None)
    suite = PLAIN.replace(
        '{scripted: {rules: [], default: "yes"}}', f"{{huggingface: {{path: {model}, format: plain}}}}"
    )
    suite += "  examples: {prompting: {model: robot, chain_of_thought: true}}\n"
    assert _within(_imported(tmp_path, suite), ("torch", "transformers", "tokenizers")) == []
