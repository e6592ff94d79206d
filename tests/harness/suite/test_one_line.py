"""What a suite, its files or the machine hold that nothing can be made of ends in one line and exit 2."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.runtime.digests import file_digest
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from tests.shared.commands import run_command

SUITE = """\
name: small
models:
  robot: {scripted: {default: 对}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, input: 词, target: 标准}}
    prompt: "{{ input }}?"
    metrics: {accuracy: exact_match}
variants:
  plain: {rag: {model: robot, knowledge: notes}}
knowledge:
  notes: {files: {path: docs}}
"""
ROWS = "词\t标准\n甲\t对\n乙\t错\n"
LONG, LONGER = "n" * 300, "p" * 10_000
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _notes(tmp_path: Path) -> None:
    (tmp_path / "suite/docs").mkdir(parents=True)
    (tmp_path / "suite/docs/a.md").write_text("甲", encoding="utf-8")


@pytest.fixture
def line(write_suite: Write) -> Callable[[str], str]:
    """The only line that a suite ends in, when it is loaded and its data is read."""

    def read(text: str, **files: str) -> str:
        path = write_suite(text, **{"test__tsv": ROWS, **files})
        with pytest.raises(HarnessError) as caught:
            prepare(load_suite(path))
        (only,) = str(caught.value).splitlines()
        return only

    return read


PLACES = {
    "tsv": "path: test.tsv",
    "train": "input: 词",
    "files": "path: docs",
    "huggingface": "{scripted: {default: 对}}",
    "reader folder": "{tsv: {path: test.tsv, input: 词, target: 标准}}",
}
WRITTEN = {
    "tsv": "path: {}",
    "train": "train: {}, input: 词",
    "files": "path: {}",
    "huggingface": "{{huggingface: {{path: {}}}}}",
    "reader folder": "{{ceval: {{path: {}}}}}",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (LONG, "cannot be reached: File name too long"),
        (LONGER, "cannot be reached: File name too long"),
        (f"docs/{LONG}/b.tsv", "cannot be reached: File name too long"),
        ('"a\\0b"', "'a\\0b' cannot be reached: its name holds a NUL character"),
        ("~nobody_here/a.tsv", "'~nobody_here/a.tsv' names a home folder that is not here; write it out"),
        ("~nobody_here", "names a home folder that is not here; write it out"),
        ("/dev/zero", "/dev/zero is a pipe, a device or a socket; name a file or a folder"),
        ("/dev/null", "/dev/null is a pipe, a device or a socket; name a file or a folder"),
    ],
    ids=lambda value: value[:30].replace("\0", "NUL"),
)
def test_paths_that_nothing_can_be_read_from(line: Callable[[str], str], place: str, path: str, reason: str) -> None:
    message = line(SUITE.replace(PLACES[place], WRITTEN[place].format(path)))
    assert message.startswith("suite.yaml:")
    assert reason in message
    assert len(message) < 500


@pytest.mark.parametrize("kind", ["data", "knowledge", "suite", "prompt"])
def test_a_pipe_is_not_waited_for(write_suite: Write, kind: str) -> None:
    path = write_suite(SUITE.replace('"{{ input }}?"', "norm.j2"), test__tsv=ROWS, norm__j2="{{ input }}")
    name = {"data": "test.tsv", "knowledge": "docs", "suite": "suite.yaml", "prompt": "norm.j2"}[kind]
    (path.parent / name).rename(path.parent / "moved")
    os.mkfifo(path.parent / name)
    for command in ("check", "run"):
        result = run_command(command, str(path), cwd=path.parent)
        assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr


@pytest.mark.parametrize("name", [LONG, '"a\\0b"', '"a\\eb"', '"a\\x7fb"', "名" * 70], ids=range(5))
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: small", "name: {}"),
        ("  norm:", "  {}:"),
        ("  plain:", "  {}:"),
        ("robot", "{}"),
        ("notes", "{}"),
        ("accuracy", "{}"),
    ],
)
def test_names_that_no_folder_could_have(write_suite: Write, name: str, old: str, new: str) -> None:
    path = write_suite(SUITE.replace(old, new.format(name)), test__tsv=ROWS)
    with pytest.raises(HarnessError) as caught:
        load_suite(path)
    expected = "has at most 200 bytes, not " if len(name) > 60 else "is more than dots and has no spaces"
    assert expected in str(caught.value).splitlines()[0]


def test_a_long_name_that_a_folder_can_have(write_suite: Write) -> None:
    assert load_suite(write_suite(SUITE.replace("small", "名" * 66), test__tsv=ROWS)).name == "名" * 66


ENCODINGS = ["undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7", "base64", "rot13", "hex",
             '"a\\0b"', '""', LONG]  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS, ids=range(len(ENCODINGS)))
@pytest.mark.parametrize("place", ["path: test.tsv", "path: docs"])
def test_encodings_that_stand_for_no_characters(line: Callable[[str], str], place: str, encoding: str) -> None:
    assert "is not a known encoding; examples: utf-8" in line(SUITE.replace(place, f"{place}, encoding: {encoding}"))


# (what is replaced, by what, the line)
MISTAKES = [
    ("target: 标准", 'target: 标准, target_separator: ""', "6: tasks.norm.data.tsv: target_separator: must be at least one character, e.g. \"##\"; leave it out for one answer"),
    ("path: docs", "path: docs, pattern: /etc/*.md", "12: knowledge.notes.files.pattern: '/etc/*.md' must be of names below path, e.g. \"guides/*.md\""),
    ("path: docs", "path: docs, pattern: ../*.md", "12: knowledge.notes.files.pattern: '../*.md' must be of names below path, e.g. \"guides/*.md\""),
    ("path: docs", "path: docs, pattern: ''", "12: knowledge.notes.files.pattern: '' must be of names below path, e.g. \"guides/*.md\""),
    ("path: docs", "path: docs, pattern: '**a'", "12: knowledge.notes.files.pattern: '**a': ** is a whole folder name, e.g. \"**/*.md\""),
    ("path: docs", "path: docs, pattern: 'a/***'", "12: knowledge.notes.files.pattern: 'a/***': ** is a whole folder name, e.g. \"**/*.md\""),
    ("path: docs", 'path: docs, pattern: "a\\0*"', "12: knowledge.notes.files.pattern: 'a\\0*' can be the name of no file"),
    ("default: 对", r"rules: [{match: (甲), reply: '\q'}]", r"3: models.robot.scripted.rules.0: reply: bad escape \q at position 0; \1 is the first group of match, and a backslash of the text itself is written twice"),
    ("default: 对", r"rules: [{match: (甲), reply: '\2'}]", r"3: models.robot.scripted.rules.0: reply: invalid group reference 2 at position 1; \1 is the first group of match, and a backslash of the text itself is written twice"),
    ("default: 对", r"rules: [{match: (甲), reply: '\g<名>'}]", r"3: models.robot.scripted.rules.0: reply: unknown group name '名'; \1 is the first group of match, and a backslash of the text itself is written twice"),
    ("default: 对", "rules: [{match: 'a{99999999999}'}]", "3: models.robot.scripted.rules.0.match: not a regular expression: the repetition number is too large"),
    ("default: 对", f"rules: [{{match: '{'(' * 5000}{')' * 5000}'}}]", "3: models.robot.scripted.rules.0.match: not a regular expression: it is nested too deeply"),
    ("{scripted: {default: 对}}", "harness.components.model.Model", "3: models.robot: model 'harness.components.model.Model' is abstract: Model does not define identity, generate; name a class that does"),
    ("tsv", "harness.readers.parsing.column_mapping.TableReader", "6: tasks.norm.data: reader 'harness.readers.parsing.column_mapping.TableReader' is abstract: TableReader does not define rows; name a class that does"),
    ("exact_match", "harness.components.metric.Metric", "8: tasks.norm.metrics.accuracy: metric 'harness.components.metric.Metric' is abstract: Metric does not define score or score_batch; name a class that does"),
    ("    metrics", "    answer: harness.components.answer.Answer\n    metrics", "8: tasks.norm.answer: answer 'harness.components.answer.Answer' is abstract: Answer does not define read; name a class that does"),
    ("notes}", "notes, retriever: harness.components.retriever.Retriever}", "10: variants.plain.rag.retriever: retriever 'harness.components.retriever.Retriever' is abstract: Retriever does not define index; name a class that does"),
    ("files", "baselines.knowledge.parsing.folder.DocumentFolder", "12: knowledge.notes: knowledge 'baselines.knowledge.parsing.folder.DocumentFolder' is abstract: DocumentFolder does not define document; name a class that does"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES, ids=[row[2][:60].replace("\0", "") for row in MISTAKES])
def test_mistakes_that_were_tracebacks(line: Callable[[str], str], old: str, new: str, expected: str) -> None:
    assert line(SUITE.replace(old, new, 1)) == f"suite.yaml:{expected}"


ABSTRACT = '''
    """A base of a user's own, and a class made of it."""
    from harness.components.metric import Metric

    class Half(Metric):
        """Leaves the score to others."""

    class Whole(Half):
        """Always right."""

        def score(self, sample, prediction):
            return 1.0
'''


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("Half", "is abstract: Half does not define score or score_batch; name a class that does"),
        ("Whol", "module own_halves has no Whol (did you mean Whole?)"),
        ("Nothing", "module own_halves has no Nothing (known: Whole)"),  # neither Half nor the imported Metric
    ],
)
def test_abstract_classes_are_not_proposed(line, monkeypatch, named: str, reason: str) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_halves", raising=False)
    assert reason in line(SUITE.replace("exact_match", f"own_halves.{named}"), own_halves__py=ABSTRACT)


@pytest.mark.parametrize(
    ("reader", "row"),
    [
        ("jsonl", '{"词": "甲", "标准": "对", "m": DEEP}'),
        ("json", '[{"词": "甲", "标准": "对", "m": DEEP}]'),
        ("squad", '{"data": [{"paragraphs": [{"context": "c", "qas": [{"question": "q", "answers": [{"text": "t"}], "m": DEEP}]}]}]}'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("depth", [101, 400, 900])
@pytest.mark.parametrize("kind", ["[]", '{"a":}'])
def test_deep_nesting_is_one_line(line, reader: str, row: str, depth: int, kind: str) -> None:
    deep = kind[:-1] * depth + ("1" if kind != "[]" else "") + kind[-1] * depth
    columns = "" if reader == "squad" else ", input: 词, target: 标准"
    text = SUITE.replace(
        "{tsv: {path: test.tsv, input: 词, target: 标准}}", f"{{{reader}: {{path: deep.json{columns}}}}}"
    )
    message = line(text, deep__json=row.replace("DEEP", deep))
    assert "is nested more than 100 deep; flatten it, or write it as text" in message or "recursion" in message


def test_nesting_that_can_be_kept_is_kept(write_suite: Write) -> None:
    row = {"词": "甲", "标准": "对", "m": json.loads("[" * 90 + "]" * 90)}
    text = SUITE.replace("{tsv: {path: test.tsv", "{jsonl: {path: deep.jsonl")
    path = write_suite(text, deep__jsonl=json.dumps(row))
    assert prepare(load_suite(path))["norm"].data.test[0].meta["m"] == row["m"]


# -- the machine -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cache", ["~nobody_here/x", "/dev/null/x", LONG])
def test_a_cache_that_cannot_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: str) -> None:
    monkeypatch.setenv("HARNESS_CACHE", cache)
    file = tmp_path / "weights"
    file.write_text("w")
    with pytest.raises(HarnessError) as caught:
        file_digest(file)
    assert "\n" not in str(caught.value)


def test_a_full_disk_while_digesting_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    (tmp_path / "digests").symlink_to("/dev/full")  # a memo below it can never be written
    (tmp_path / "weights").write_text("w")
    with pytest.raises(HarnessError, match=r"cannot write .*digests: .*; free some space, or set HARNESS_CACHE"):
        file_digest(tmp_path / "weights")


@pytest.mark.parametrize("out", [LONG, f"a/{LONGER}", "/dev/null/run"], ids=["long", "longer", "below a device"])
def test_a_folder_that_cannot_be_made(write_suite: Write, tmp_path: Path, out: str) -> None:
    path = write_suite(SUITE, test__tsv=ROWS)
    result = run_command("run", str(path), "--out", out, cwd=tmp_path)
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr


LOCKED_OUT = """
import os, sys
from typer.testing import CliRunner
from harness.cli import app
CliRunner().invoke(app, ["run", "good.yaml", "--out", "good"])  # imports what another user may not be able to read
os.environ["HARNESS_CACHE"] += "/mine"
if os.getuid() == 0:
    os.setuid(65534)
result = CliRunner().invoke(app, sys.argv[1:])
sys.stderr.write(result.stderr if isinstance(result.exception, SystemExit) else repr(result.exception))
sys.exit(result.exit_code)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("path: test.tsv", "path: locked/test.tsv"),
        pytest.param("path: docs", "path: locked/docs", marks=pytest.mark.nightly),
        ("path: docs", "path: locked"),
        pytest.param('"{{ input }}?"', "locked/norm.j2", marks=pytest.mark.nightly),
        ("{scripted: {default: 对}}", "{huggingface: {path: ./locked/model}}"),
    ],
)
def test_a_folder_without_permission(old: str, new: str) -> None:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # a folder of the test's own is closed to other users
    try:
        folder.chmod(0o755)
        (folder / "suite.yaml").write_text(SUITE.replace(old, new), encoding="utf-8")
        (folder / "good.yaml").write_text(SUITE, encoding="utf-8")
        (folder / "test.tsv").write_text(ROWS, encoding="utf-8")
        (folder / "cache").mkdir()
        (folder / "cache").chmod(0o777)
        for name in ("docs", "locked"):
            (folder / name).mkdir()
            (folder / name / "a.md").write_text("甲", encoding="utf-8")
        (folder / "locked").chmod(0)
        for command in ("plan", "run"):
            result = subprocess.run(
                [sys.executable, "-c", LOCKED_OUT, command, "suite.yaml"], cwd=folder, timeout=60,
                env={**os.environ, "HARNESS_CACHE": str(folder / "cache")}, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert result.returncode == 2, result.stderr
            mistakes = result.stderr.splitlines()  # an environment that this user may not read adds its own line
            (mistake,) = [line for line in mistakes if "which are not installed" not in line]
            assert "Permission denied" in mistake
    finally:
        (folder / "locked").chmod(0o755)
        shutil.rmtree(folder)


SURROGATES = {
    "reason": "return Mark(1.0, 'a\\ud83db')",
    "part": "return {'': Mark(1.0), 'p\\udc80': Mark(0.5, 'x')}",
    "reason of a part": "return {'': Mark(1.0), 'p': Mark(0.5, '\\udfff')}",
    "no text": "return Mark(1.0, {'a': '\\ud83d'})",
}


@pytest.mark.parametrize("name", SURROGATES)
def test_half_a_character_in_a_metrics_reason_is_a_question_mark(write_suite: Write, tmp_path: Path, name: str) -> None:
    own = (
        "from harness.components.metric import Mark, Metric\n\n\n"
        'class Mine(Metric):\n    """Gives reasons."""\n\n    def parts(self):\n        return None\n\n'
        f"    def score(self, sample, prediction):\n        {SURROGATES[name]}\n"
    )
    path = write_suite(SUITE.replace("exact_match", "own_reasons.Mine"), test__tsv=ROWS, own_reasons__py=own)
    result = run_command("run", str(path), "--out", "out", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "?" in (tmp_path / "out/scores.jsonl").read_text(encoding="utf-8")
