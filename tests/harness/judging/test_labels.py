"""Labels of people: every form in which they come, and every mistake with its place and its remedy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from harness.errors import DataError
from harness.judging.people.labels import Labels, check_scale, read_labels

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def go(name: str, content: Any) -> Path:
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1)
        path.write_bytes(text.encode("utf-8"))
        return path

    return go


def lines(*rows: Any) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n"


# (file, content, annotators, of each item (id, question, answer, reference, scores, variant))
SCORED = [
    ("a.csv", "question,answer,score\n问,答,85\n问2,,0\n", ("",),
     [(None, "问", "答", None, (85.0,), None), (None, "问2", "", None, (0.0,), None)]),
    ("bom.csv", "\ufeffid,variant,question,answer,reference,score_anna,score_ben\n7,lora,问,答,对,85.5,\n", ("anna", "ben"),
     [("7", "问", "答", "对", (85.5, None), None)]),
    ("a.tsv", "instruction\tinput\tresponse\toutput\tannotator1\tannotator2\n做\t此\t答\t对\t1\t2\n", ("annotator1", "annotator2"),
     [(None, "做\n\n此", "答", "对", (1.0, 2.0), None)]),
    ("a.jsonl", lines({"question": "问", "answer": "答", "target": "对", "scores": {"x": 1, "y": None}},
                      {"question": "问", "answer": "答", "target": " ", "scores": {"y": "3", "z": 4}}), ("x", "y", "z"),
     [(None, "问", "答", "对", (1.0, None, None), None), (None, "问", "答", None, (None, 3.0, 4.0), None)]),
    ("a.json", [{"idx": 3, "instruction": "", "input": "问", "answer": True, "score": 1}], ("",),
     [("3", "问", "true", None, (1.0,), None)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "annotators", "items"), SCORED, ids=[row[0] for row in SCORED])
def test_scores(write: Write, name: str, content: Any, annotators: tuple[str, ...], items: list[Any]) -> None:
    found = read_labels(write(name, content))
    assert found.annotators == annotators
    assert [(one.id, one.question, one.answer, one.reference, one.scores) for one in found.scored] == [
        row[:5] for row in items
    ]
    assert found.pairs == ()


def test_a_workbook_is_read_like_any_table(tmp_path: Path) -> None:
    """Whole numbers have no decimal point in a cell, an empty cell is no score, and a place is the sheet's row."""
    book = Workbook()
    for row in (
        ("id", "question", "answer", "score_anna", "score_ben"),
        (1, "问", "答", 4, 3.5),
        (2, "问2", None, 1, None),
    ):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    found = read_labels(tmp_path / "a.xlsx")
    assert (found.annotators, [one.scores for one in found.scored]) == (("anna", "ben"), [(4.0, 3.5), (1.0, None)])
    assert [one.place.rpartition("/")[2] for one in found.scored] == ["a.xlsx:2", "a.xlsx:3"]


@pytest.mark.parametrize("name", ["old.xls", "renamed.xlsx"])
def test_what_is_no_workbook_is_named_with_the_remedy(write: Write, name: str) -> None:
    with pytest.raises(DataError, match=rf"{name}: not an xlsx workbook .*; save an .xls or a renamed CSV as .xlsx"):
        read_labels(write(name, "question,answer,score\n问,答,85\n"))


def test_the_variant_and_the_place_are_kept(write: Write) -> None:
    (one,) = read_labels(write("v.csv", "id,variant,question,answer,score\ns1,lora,问,答,5\n")).scored
    assert (one.id, one.variant) == ("s1", "lora")
    assert one.place.endswith("v.csv:2")
    two = read_labels(
        write("one_line.json", '[{"question":"a","answer":"b","score":1},{"question":"c","answer":"d","score":2}]')
    )
    assert [one.place.rpartition("/")[2] for one in two.scored] == ["one_line.json: entry 1", "one_line.json: entry 2"]


def test_the_column_of_the_answers_can_be_named(write: Write) -> None:
    path = write("a.csv", "question,first,second,model 1,score\n问,x,y,答,5\n")
    (one,) = read_labels(path, answer="model 1").scored
    assert (one.answer, one.scores) == ("答", (5.0,))


VERDICTS = [
    *[(word, "first") for word in ("first", "First", "A", "a", "1", "1.0")],
    *[(word, "second") for word in ("second", "B", "2", " 2 ")],
    *[(word, "tie") for word in ("tie", "Tie", "C", "0", "0.0", "平局")],
    ("", None),
]


@pytest.mark.parametrize(("written", "verdict"), VERDICTS)
def test_verdicts(write: Write, written: str, verdict: str | None) -> None:
    rows = f"question,first,second,verdict\n问,甲,乙,{written}\n问,甲,乙,B\n"
    found = read_labels(write("p.csv", rows))
    assert found.pairs[0].verdicts == (verdict,)
    assert (found.pairs[0].first, found.pairs[0].second, found.scored) == ("甲", "乙", ())


PAIRS = [
    ({"question": "问", "answer_a": "甲", "answer_b": "乙", "label": "A"}, ("",), ("first",)),
    ({"instruction": "问", "response1": "甲", "response2": "乙", "annotator1": 2, "annotator2": 0}, ("annotator1", "annotator2"), ("second", "tie")),
    ({"question": "问", "first": "甲", "second": "乙", "verdict_x": "B", "verdict_y": None}, ("x", "y"), ("second", None)),
    ({"question": "问", "first": "甲", "second": "乙", "labels": {"x": 1, "y": 2.0}}, ("x", "y"), ("first", "second")),
]  # fmt: skip


@pytest.mark.parametrize(("row", "annotators", "verdicts"), PAIRS)
def test_forms_of_pairs(write: Write, row: Any, annotators: tuple[str, ...], verdicts: tuple[Any, ...]) -> None:
    found = read_labels(write("p.jsonl", lines(row)))
    assert (found.annotators, found.pairs[0].verdicts) == (annotators, verdicts)


# (file, content, what the message says)
MISTAKES = [
    ("a.csv", "question,answer,score\n问,答,85\n问,答,八十分\n问,答,nan\n", ["a.csv:3: 'score': 八十分 is no number; write one", "a.csv:4: 'score': nan is no number"]),
    ("a.csv", "question,answer,score\n,答,85\n", ["a.csv:2: 'question' is empty"]),
    ("a.csv", "question,answer,score\n问,答,\n", ["a.csv: no row holds a score; write it in a column score, score_NAME"]),
    ("a.csv", "question,answer\n问,答\n", ["a.csv: no row holds a score"]),
    ("a.csv", "question,score\n问,1\n", ["there is no column answer or response; there is: question, score; or name it with --answer COLUMN"]),
    ("a.csv", "answer,score\n问,1\n", ["there is no column question or instruction"]),
    ("a.csv", "question,answer,response,score\n问,a,b,1\n", ["columns answer and response mean the same; keep one"]),
    ("a.csv", "question,answer,score,score_x\n问,a,1,2\n", ["a.csv:2: score and score_x may mean the same"]),
    ("a.csv", "question,answer,score_x,score_mean\n问,a,1,2\n", ["'score_mean' looks like a summary of annotators"]),
    ("a.csv", "question,answer,annotator,score\n问,a,x,1\n", ["'annotator': there is one row a rating; put what all annotators say of an item in one row"]),
    ("a.csv", "id,question,answer,score\n1,问,a,1\n1,问,a ,2\n", ["a.csv:3: labels the same answer to 1 as", "put all its scores in one row"]),
    ("a.csv", "question,answer,score\n", ["a.csv: holds no row"]),
    ("a.csv", "question,answer,score\n问,答\n", ["a.csv:2: 2 fields where the header has 3"]),
    ("a.json", [{"question": "问", "answer": "答", "score": True}], ["'score': True is no number"]),
    ("a.json", [{"question": "问", "answer": None, "score": 1}], ["there is no 'answer'; an empty answer is written as an empty text"]),
    ("a.json", [{"question": "问", "answer": "答", "scores": [1, 2]}], ["'scores' holds a list where {annotator: score} is expected"]),
    ("a.json", "[1, 2", ["a.json:1: not JSON"]),
    ("a.json", [85, 90], ["is a bare list; name the answers that it scores with --items FILE --answer COLUMN"]),
    ("p.csv", "question,first,second,verdict\n问,甲,乙,better\n", ["p.csv:2: 'verdict': better is no verdict; write first, second or tie"]),
    ("p.csv", "question,first,second,verdict\n问,甲,乙,0.5\n", ["0.5 is no verdict"]),
    # 1 and 0 without 2: were 0 read as a tie, every lost pair would become one
    ("p.csv", "question,first,second,verdict\n问,甲,乙,1\n问,甲,乙,0\n", ["0 means a tie here", "write first, second and tie"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "messages"), MISTAKES, ids=[row[2][0][:45] for row in MISTAKES])
def test_mistakes(write: Write, name: str, content: Any, messages: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(write(name, content))
    for message in messages:
        assert message in str(caught.value)
    assert all(name in line for line in str(caught.value).splitlines())


def test_only_the_first_of_very_many_mistakes_are_told(write: Write) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(write("a.csv", "question,answer,score\n" + "问,答,?\n" * 50))
    told = str(caught.value).splitlines()
    assert (len(told), told[-1]) == (21, "and 30 more such lines")


def test_a_score_off_the_scale_is_refused_with_the_scale(write: Write) -> None:
    labels = read_labels(write("a.csv", "question,answer,score_x,score_y\n问,答,5,6\n问,答,1,0.5\n问,答,1,\n"))
    with pytest.raises(DataError) as caught:
        check_scale(labels, 1, 5)
    first, second = str(caught.value).splitlines()
    assert "a.csv:2: score 6 of y is outside the rubric's scale, 1 to 5" in first
    assert "a.csv:3: score 0.5 of y" in second
    check_scale(labels, 0, 6)


ITEMS = [{"instruction": f"问{n}", "input": "", "output": f"对{n}", "m 1": f"\n答{n}"} for n in range(3)]


def test_a_bare_list_belongs_to_items_of_the_same_number(write: Write) -> None:
    items = write("items.json", ITEMS)
    found = read_labels(write("s.json", [0, None, 50.5]), items, "m 1")
    assert [(one.question, one.answer, one.reference, one.scores) for one in found.scored] == [
        ("问0", "\n答0", "对0", (0.0,)), ("问1", "\n答1", "对1", (None,)), ("问2", "\n答2", "对2", (50.5,)),
    ]  # fmt: skip
    assert found.scored[2].place.endswith("s.json: entry 3")


@pytest.mark.parametrize(
    ("scores", "answer", "message"),
    [
        ([1, 2], "m 1", "2 scores for 3 items"),
        ([1, 2, 3, 4], "m 1", "there are too many, so positions cannot be trusted"),
        ([1, 2, "x"], "m 1", "entry 3: 'score': x is no number"),
        ([1, 2, 3], "m 2", "there is no column 'm 2' for the answers; there is: instruction, input, output, m 1"),
        ([1, 2, 3], None, "there is no column answer or response"),
        ([{"question": "q", "answer": "a", "score": 1}], "answer", "holds rows of its own"),
    ],
)
def test_mistakes_of_a_bare_list(write: Write, scores: Any, answer: str | None, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read_labels(write("s.json", scores), write("items.json", ITEMS), answer)
    assert message in str(caught.value)


def test_digests_tell_files_apart(write: Write) -> None:
    def one(score: int) -> Labels:
        return read_labels(write("a.csv", f"question,answer,score\n问,答,{score}\n"))

    assert one(1).digest == one(1).digest != one(2).digest
    assert len(one(1).digest) == 64


# -- real data --------------------------------------------------------------------------------------------------------


def test_pandalm_as_it_is(shared_data: Path) -> None:
    found = read_labels(shared_data / "pandalm" / "testset-v1.json")
    assert (len(found.pairs), found.annotators) == (999, ("annotator1", "annotator2", "annotator3"))
    assert found.pairs[0].verdicts == ("second", "second", "second")
    assert (found.pairs[0].id, found.pairs[0].second) == ("0", "If you have any questions, please let me know.")
    assert found.pairs[0].question.endswith("please let me know.")
    # annotator1 of the file: 427 times 1, 475 times 2, 97 times 0
    said = [one.verdicts[0] for one in found.pairs]
    assert [said.count(verdict) for verdict in ("first", "second", "tie")] == [427, 475, 97]


SCORES = [("gpt4-model-1-response", 74.09), ("gpt4-model-2-response", 56.57), ("llama3-8b-model-1-response", 77.05)]


@pytest.mark.parametrize(("name", "mean"), SCORES)
def test_stored_scores(shared_data: Path, name: str, mean: float) -> None:
    folder = shared_data / "instruction"
    column = "model 1 response" if "model-1" in name else "model 2 response"
    found = read_labels(folder / "scores" / f"{name}.json", folder / "eval-example-data.json", column).scored
    scores = [score for one in found for score in one.scores if score is not None]
    assert (len(scores), sum(scores) / len(scores)) == (100, pytest.approx(mean, abs=1e-9))
    items = json.loads((folder / "eval-example-data.json").read_text(encoding="utf-8"))
    assert [one.answer for one in found] == [item[column] for item in items]
    assert [one.reference for one in found] == [item["output"].strip() for item in items]


def test_99_scores_for_100_items_are_refused(shared_data: Path) -> None:
    folder = shared_data / "instruction"
    with pytest.raises(DataError) as caught:
        read_labels(
            folder / "scores" / "llama3-8b-model-2-response.json", folder / "eval-example-data.json", "model 2 response"
        )
    message = str(caught.value)
    assert "llama3-8b-model-2-response.json: 99 scores for 100 items" in message
    assert message.endswith(
        "a score is missing somewhere, so positions cannot be trusted; give each score its item's id"
    )
