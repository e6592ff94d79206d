"""Runs that are divided into shards, and the one run that is joined of their parts."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.registry import find
from harness.components.task import Task
from harness.errors import HarnessError
from harness.records.inputs import Generation, Sample
from harness.records.shards import Shard, parse_shard
from harness.regression.evidence import read_evidence
from harness.regression.history import read_histories
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_parts import read_parts
from harness.runtime.run_shelf import RunShelf
from harness.stages.item_shards import shard_numbers, sharded
from harness.text.templates import Template

SUITE = """\
name: divided
seed: 5
models:
  small: {scripted: {rules: [{match: "[02468]$", reply: a}, {match: "q7$", fail: the line broke}], default: b}}
  large: {scripted: {default: a}}
  judge: {scripted: {default: '{"score": 70, "reason": "fine"}'}}
tasks:
  t:
    data: {csv: {path: t.csv, input: q, target: a, group: g}}
    metrics: {accuracy: exact_match, quality: {judge: {model: judge, rubric: score100}}}
  u:
    data: {csv: {path: u.csv, input: q, target: a}}
    metrics: {accuracy: exact_match}
variants:
  base: {prompting: {model: large}}
  first: {prompting: {model: small}}
  both: {cascade: {of: [vote, first], confidence: agreement, thresholds: [0.5]}}
  vote: {prompting: {model: large, samples: 2, temperature: 0.7}}
compare: {reference: base, headline: [t.accuracy, u.accuracy]}
latency: {items: 0}
"""


def written(folder: Path) -> Path:
    """Of t, 20 items of which items 0 and 19 are one group; of u, 3 items."""
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    rows = [f"q{number},{'ab'[number % 2]},g{number % 19}" for number in range(20)]
    (folder / "t.csv").write_text("q,a,g\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "u.csv").write_text("q,a\n" + "".join(f"u{number},a\n" for number in range(3)), encoding="utf-8")
    return folder / "suite.yaml"


def call(*arguments: object, code: int = 0) -> str:
    """What a command prints, in one line."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def record_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))


def contents(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the suite, a whole run in `whole`, and its parts of three shards in `runs/divided/parts`."""
    folder = tmp_path_factory.mktemp("divided")
    written(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_CACHE", str(folder / "cache"))
        call("run", "suite.yaml", "--out", "whole", "-q")
        for number in (3, 1, 2):
            call("run", "suite.yaml", "--shard", f"{number}/3", "-q")
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, where commands are given."""
    shutil.copytree(made, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "copy" / "cache"))
    return tmp_path / "copy"


def task_of(name: str, groups: str) -> Task:
    """A task with an item for each sign: its group, or "." for none."""
    answer: Answer = find("answer", "text")()
    items = [Sample(id=str(place), task=name, input="q", targets=(), group=None if group == "." else group)
             for place, group in enumerate(groups)]  # fmt: skip
    data = Dataset(tuple(items))
    return Task(
        name=name, data=data, template=Template("?", "a test"), system=None, answer=answer, generation=Generation()
    )


@pytest.mark.parametrize(
    ("tasks", "of", "expected"),
    [
        (["....."], 1, [[1, 1, 1, 1, 1]]),
        (["....."], 2, [[1, 1, 1, 2, 2]]),  # ⌊0 2 4 6 8 / 5⌋ = 0 0 0 1 1
        ([".."], 5, [[1, 3]]),  # ⌊0 5 / 2⌋ = 0 2: shards 2, 4 and 5 have nothing
        ([".....", ".."], 2, [[1, 1, 1, 2, 2], [2, 1]]),  # five items stand before: the second task begins at shard 2
        (["aabb"], 2, [[1, 1, 2, 2]]),
        (["abab"], 2, [[1, 2, 1, 2]]),  # a group counts where its first item stands
        (["aaa."], 2, [[1, 1, 1, 2]]),  # before the last item stand three: ⌊3 · 2 / 4⌋ = 1
        ([".", ".", "."], 2, [[1], [2], [1]]),
    ],
)
def test_each_item_is_in_one_shard_with_its_group(tasks: list[str], of: int, expected: list[list[int]]) -> None:
    whole = {str(number): task_of(str(number), groups) for number, groups in enumerate(tasks)}
    assert list(shard_numbers(whole, of).values()) == expected
    for number in range(1, of + 1):
        part = sharded(whole, Shard(number, of))
        items = {name: [item.id for item in task.data.test] for name, task in part.items()}
        placed = {
            name: ids
            for name, own in zip(whole, expected, strict=True)
            if (ids := [str(place) for place, shard in enumerate(own) if shard == number])
        }
        assert items == placed
        assert all(part[name].data.whole_test == whole[name].data.test for name in part)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2/3", None),
        (" 1/1 ", None),
        ("0/3", "shards are counted from 1; name one of 1/3 to 3/3"),
        ("4/3", "name one of 1/3 to 3/3"),
        ("1/0", "there can be 1 to 1,000 shards, not 0"),
        ("1/1001", "there can be 1 to 1,000 shards, not 1,001"),
        ("3", "must be two numbers with a slash between, e.g. 1/3"),
        ("a/b", "must be two numbers"),
        ("-1/3", "must be two numbers"),
        ("1/3/5", "must be two numbers"),
        ("1.5/3", "must be two numbers"),
        ("", "must be two numbers"),
    ],
)
def test_what_a_shard_is_written_as(text: str, message: str | None) -> None:
    if message is None:
        assert str(parse_shard(text)) == text.strip()
        return
    with pytest.raises(HarnessError) as caught:
        parse_shard(text)
    assert message in str(caught.value)
    assert len(caught.value.lines) == 1


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_joined_parts_are_the_run_that_was_never_divided(place: Path, of: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores and items byte for byte; of the answers all but times. Of u, three items, no more than three shards have one."""
    shutil.rmtree("cache")
    for number in range(1, of + 1):
        call("run", "suite.yaml", "--shard", f"{number}/{of}", "--out", f"parts/{number}", "-q")
    if of == 2:  # joined in another folder, with its own copy of suite and data
        shutil.copytree(place, place / "elsewhere", ignore=shutil.ignore_patterns("runs", "cache"))
        monkeypatch.chdir(place / "elsewhere")
    before = contents(Path("parts"))
    assert "runs/divided" in call("merge", "parts", "--out", "joined", "--lang", "en").replace("joined", "runs/divided")
    for file in ("samples.jsonl", "scores.jsonl", "overlaps.jsonl"):
        assert Path("joined", file).read_bytes() == Path("whole", file).read_bytes(), file
    cells = [[(cell["task"], cell["variant"], cell["samples"], cell["calls"] + cell["cached"]) for cell in own["cells"]]
             for own in (record_of(Path("joined")), record_of(Path("whole")))]  # fmt: skip
    assert cells[0] == cells[1]
    joined, whole = record_of(Path("joined")), record_of(Path("whole"))
    for section in ("suite", "tasks", "variants", "models", "data", "knowledge", "judges", "packages", "hardware"):
        assert joined[section] == whole[section], section
    assert (joined["status"], "shard" in joined, [own["number"] for own in joined["parts"]]) == (
        "complete", False, list(range(1, of + 1)),
    )  # fmt: skip
    after = contents(Path("joined"))
    assert "These parts were joined before" in call("merge", "parts", "--out", "joined")
    assert contents(Path("joined")) == after
    assert contents(Path("parts")) == before
    assert not [file for file in Path().iterdir() if file.name.endswith(".joining")]


def edit(folder: Path, **changes: Any) -> None:
    (folder / "run.json").write_text(json.dumps({**record_of(folder), **changes}), encoding="utf-8")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def change(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"text":"b"', b'"text":"a"', 1))


def answer_otherwise(place: Path) -> None:
    """Shard 2 once more, by a model that was mended in between."""
    suite = (place / "suite.yaml").read_text(encoding="utf-8")
    shutil.copytree(place / "runs/divided/parts/2-of-3", place / "again")
    file = place / "again" / "predictions.jsonl"
    change(file)
    record = record_of(place / "again")
    own = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "bytes": file.stat().st_size}
    record["shard"]["files"]["predictions.jsonl"] = own
    edit(place / "again", shard=record["shard"])
    (place / "suite.yaml").write_text(suite, encoding="utf-8")


def rename(place: Path) -> None:
    suite = place / "suite.yaml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("divided", "other"), encoding="utf-8")
    call("run", "suite.yaml", "--shard", "2/3", "--out", "runs/divided/parts/4", "-q")


def change_text(place: Path) -> None:
    suite = place / "suite.yaml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("seed: 5", "seed: 6"), encoding="utf-8")


def change_section(section: str, **changes: Any) -> Callable[[Path], None]:
    def changed(place: Path) -> None:
        part = place / "runs/divided/parts/2-of-3"
        edit(part, **{section: {**record_of(part)[section], **changes}})

    return changed


PART = "runs/divided/parts/2-of-3"
REFUSALS: list[tuple[str, Callable[[Path], object], str]] = [
    ("a shard is missing", lambda place: shutil.rmtree(place / PART),
     "shard 2 of 3 is missing; name its part too, or make it: harness run suite.yaml --shard 2/3"),
    ("two are missing", lambda place: [shutil.rmtree(place / PART), shutil.rmtree(place / PART.replace("2-", "1-"))],
     "shards 1, 2 of 3 are missing; name their parts too, or make them: harness run suite.yaml --shard 1/3"),
    ("no part", lambda place: shutil.copytree(place / "whole", place / "runs/divided/parts/x"),
     "runs/divided/parts/x is no part but a run by itself; name folders that harness run --shard made"),
    ("no run", lambda place: (place / PART / "run.json").unlink() or (place / PART / "run.json").mkdir(),
     f"{PART}: not a run folder"),
    ("its record was cut", lambda place: (place / PART / "run.json").write_text("{"),
     f"{PART}/run.json is no whole JSON: it was cut or changed"),
    ("not finished", lambda place: edit(place / PART, status="interrupted"),
     f"{PART}: shard 2 of 3 is not finished (status interrupted); to go on:"),
    ("a file was cut", lambda place: cut(place / PART / "predictions.jsonl"),
     f"{PART}/predictions.jsonl is cut: it has"),
    ("a file is missing", lambda place: (place / PART / "samples.jsonl").unlink(),
     f"{PART}/samples.jsonl is missing; copy the part again, or run shard 2 of 3 again"),
    ("a file was changed", lambda place: change(place / PART / "predictions.jsonl"),
     f"{PART}/predictions.jsonl was changed after it was finished"),
    ("the seal was lost", change_section("shard", files={}), "its seal names no samples.jsonl and no predictions.jsonl; run shard 2 of 3 again"),
    ("another number", lambda place: call("run", "suite.yaml", "--shard", "1/2", "-q"),
     "is shard 1 of 3, runs/divided/parts/1-of-2 shard 1 of 2; join those of one division"),
    ("another suite", rename, "runs/divided/parts/4 is of suite other,"),
    ("the same shard twice", lambda place: answer_otherwise(place) or shutil.move("again", "runs/divided/parts/x"),
     "first answered item t:10 of t otherwise than in"),
    ("other weights", change_section("models", small={"digest": "other"}), f"{PART}: models.small is not what it is in"),
    ("other data", change_section("shard", division="other"), f"{PART} divides other items than"),
    ("another seed", lambda place: edit(place / PART, seed=6), f"{PART} has another seed, or other limits, than"),
    ("other packages", change_section("packages", numpy="1.0"), "numpy 1.0 instead of"),
    ("the suite was changed", change_text, "suite.yaml is not the suite of the parts: its text or a prompt was changed"),
    ("the suite is gone", lambda place: (place / "suite.yaml").unlink(), "suite.yaml is not here, the suite of the parts"),
    ("its data were changed", lambda place: (place / "u.csv").write_text("q,a\nu0,a\n"), "its items are not those that"),
    ("something else lies there", lambda place: (place / "out").mkdir() or (place / "out/x").touch(), "out is not empty"),
]  # fmt: skip


@pytest.mark.parametrize(("break_it", "message"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_what_does_not_belong_together_is_refused(
    place: Path, break_it: Callable[[Path], object], message: str
) -> None:
    """In one line, before anything is written."""
    break_it(place)
    result = CliRunner().invoke(app, ["merge", "runs/divided/parts", "--out", "out"])
    assert result.exit_code == 2, result.output
    (line,) = [line for line in result.stderr.splitlines() if "note" not in line]
    assert message in line
    assert not (place / "out" / "run.json").exists()
    assert not (place / ".out.joining").exists()


def test_all_faults_of_all_parts_are_said_at_once(place: Path) -> None:
    cut(place / PART / "predictions.jsonl")
    (place / PART.replace("2-", "1-") / "samples.jsonl").unlink()
    with pytest.raises(HarnessError) as caught:
        read_parts([Path("runs/divided")])
    assert [line.split(" ")[0] for line in caught.value.lines] == [
        "runs/divided/parts/1-of-3/samples.jsonl", f"{PART}/predictions.jsonl",
    ]  # fmt: skip


def test_a_copy_of_a_part_is_taken_once_and_versions_may_differ_where_it_is_wished(place: Path) -> None:
    shutil.copytree(PART, "copy")
    change_section("packages", numpy="1.0")(place)
    change_section("packages", numpy="1.0")(place)
    shutil.copytree(PART, "copy", dirs_exist_ok=True)
    printed = call("merge", "copy", "runs/divided/parts", "--different-versions", "--out", "joined")
    assert "a copy of copy, with the same answers; taken once" in printed
    joined = record_of(Path("joined"))
    assert len(joined["parts"]) == 3
    assert joined["packages"]["numpy"] == f"{record_of(Path('whole'))['packages']['numpy']} / 1.0"
    assert Path("joined/scores.jsonl").read_bytes() == Path("whole/scores.jsonl").read_bytes()


def test_a_part_is_no_run_to_anybody(place: Path) -> None:
    """Who wants figures of it is told what joins it; lists show what it is."""
    for use in (lambda: read_evidence(Path(PART)), lambda: read_evidence(Path("runs/divided"))):
        with pytest.raises(HarnessError, match="harness merge runs/divided/parts"):
            use()
    assert "harness merge runs/divided/parts/*-of-3" in call("report", PART, code=2)
    assert {run.state for run in RunShelf(Path("runs")).overviews()} == {"part"}
    assert "finished shard 2 of 3" in call("status", PART)
    (history,), _ = read_histories(Path("runs/divided"))
    assert {own.reason for own in history.left_out} == {"part"}
    assert "neither goes on nor replaces" in call("run", "suite.yaml", "--out", PART, code=2)
    assert "has no stage score" in call("run", "suite.yaml", "--shard", "2/3", "--from", "score", code=2)


def test_a_limited_run_is_divided_as_well_and_its_shards_are_planned(place: Path) -> None:
    limits = ("--limit", "6", "--only", "first", "--task", "t")
    for number in (1, 2):
        call("run", "suite.yaml", *limits, "--shard", f"{number}/2", "-q")
    call("merge", "runs/divided/limited/parts", "--out", "joined")
    call("run", "suite.yaml", *limits, "--out", "limited", "-q")
    assert Path("joined/scores.jsonl").read_bytes() == Path("limited/scores.jsonl").read_bytes()
    assert record_of(Path("joined"))["limited"] == record_of(Path("limited"))["limited"]
    planned = json.loads(CliRunner().invoke(app, ["run", "suite.yaml", "--shard", "2/2", "--dry-run", "--json"]).stdout)
    assert {cell["task"]: cell["items"] for cell in planned["cells"]} == {
        "t": 10,
        "u": 1,
    }  # items 0 and 19 are one group


def test_what_was_answered_before_is_not_asked_again(place: Path) -> None:
    """A shard that was killed goes on from the cache, as a run does."""
    call("run", "suite.yaml", "--shard", "2/3", "-q")
    cells = record_of(Path(PART))["cells"]
    assert sum(cell["calls"] for cell in cells) == sum(cell["failed"] for cell in cells)
    assert RunFolder(Path(PART)).read_run()["status"] == "part"
