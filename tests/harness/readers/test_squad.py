"""SQuAD-style JSON as task data and as knowledge: the same passages by the same ids, mistakes told by their line."""

import json

import pytest

from baselines.knowledge.squad import Squad
from harness.errors import DataError
from harness.records.inputs import Sample


def question(text: str, *answers: str, **more: object) -> dict[str, object]:
    found = [{"text": answer, "answer_start": 0} for answer in answers]
    return {"question": text, "id": text, "answers": found, **more}


DATA = {
    "version": "1",
    "data": [
        {
            "title": "胃",
            "paragraphs": [
                {"context": "胃在上腹。", "id": "p1", "qas": [question("在哪?", "上腹", "上腹", "腹", level=2)]},
                {"context": "胃出血。", "qas": [question("怎么?", "出血"), question("然后?", "不在文中")]},
            ],
        },
        {"paragraphs": [{"context": "无题。", "qas": [question("题?", "无")]}]},
    ],
}


def test_a_sample_a_question(write, read):
    path = write("q.json", json.dumps(DATA, ensure_ascii=False, indent=1))
    samples = read("squad", path=path).test
    assert [(s.id, s.input, s.targets, s.meta["context_id"], s.meta["title"]) for s in samples] == [
        ("在哪?", "在哪?", ("上腹", "腹"), "p1", "胃"),
        ("怎么?", "怎么?", ("出血",), "胃#2", "胃"),
        ("然后?", "然后?", ("不在文中",), "胃#2", "胃"),
        ("题?", "题?", ("无",), "q#1", ""),
    ]
    assert samples[0].meta == {"context": "胃在上腹。", "context_id": "p1", "title": "胃", "level": 2}


def test_the_knowledge_has_the_same_ids(write, read):
    path = write("q.json", json.dumps(DATA))
    knowledge = Squad(path=path, gold={"by": "field", "field": "context_id"})
    corpus = knowledge.read()
    assert [(p.id, p.title, p.text) for p in corpus.passages] == [
        ("p1", "胃", "胃在上腹。"),
        ("胃#2", "胃", "胃出血。"),
        ("q#1", "", "无题。"),
    ]
    assert knowledge.gold_places(read("squad", path=path).test, corpus) == [(0,), (1,), (1,), (2,)]
    cut = Squad(path=path, split={"by": "tokens", "size": 3}, gold={"by": "field", "field": "context_id"})
    pieces = cut.read()
    assert [(p.id, p.text) for p in pieces.passages][:2] == [("p1#1", "胃在上"), ("p1#2", "腹。")]
    assert cut.gold_places(
        [Sample(id="1", task="t", input="?", targets=("腹",), meta={"context_id": "p1"})], pieces
    ) == [(1,)]


def test_equal_contexts_keep_both_ids(write, read):
    data = {"data": [{"paragraphs": [{"context": "甲", "id": i, "qas": [question(i, "甲")]} for i in ("a", "b")]}]}
    path = write("q.json", json.dumps(data))
    knowledge = Squad(path=path, gold={"by": "field", "field": "context_id"})
    assert knowledge.gold_places(read("squad", path=path).test, knowledge.read()) == [(0,), (0,)]


def test_splits_and_limits_work_as_everywhere(write, read):
    path = write("q.json", json.dumps(DATA))
    more = {"data": [{"paragraphs": [{"context": "x", "qas": [question("t?", "x")]}]}]}
    data = read("squad", path=path, train=write("t.json", json.dumps(more)), limit=2)
    assert ([s.id for s in data.test], [s.id for s in data.train]) == (["在哪?", "怎么?"], ["t?"])
    divided = read("squad", path=path, split={"train": "0:2", "test": "2:"})
    assert ([s.id for s in divided.train], [s.id for s in divided.test]) == (["在哪?", "怎么?"], ["然后?", "题?"])


def broken(**changes: object) -> str:
    """A file whose second question (line 19 of it) is changed."""
    item = {**question("二", "b"), **changes}
    paragraph = {"context": '一 "question": 二', "qas": [question("一", "a"), item]}
    return json.dumps({"data": [{"paragraphs": [paragraph]}]}, ensure_ascii=False, indent=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (broken(answers=[]), ":19: '二' has no answer; on_bad_row: skip leaves such questions out"),
        (broken(answers=[], is_impossible=True), ":19: '二' has no answer (is_impossible: it is meant to have none)"),
        (broken(answers=[7]), ":19: answers[0] is a number, not an object with text"),
        (broken(answers=[{"txt": "b"}]), ":19: there is no 'text'"),
        (broken(answers="b"), ":19: 'answers' is the text b where a list is expected"),
        (broken(question=""), ":19: 'question' is empty"),
        (broken(question=None), ":19: 'question' is empty"),
        (broken(id="一"), ":19: id '一' is also at "),
        ('{"data": [{"paragraphs": [{"context": "", "qas": []}]}]}', ":1: data[0].paragraphs[0]: 'context' is empty"),
        ('{"data": [{"paragraphs": [{"qas": []}]}]}', ":1: data[0].paragraphs[0]: there is no 'context'"),
        ('{"data": [{"paragraphs": ["x"]}]}', ":1: data[0].paragraphs[0]: is a text, not an object with context"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": 1}]}]}', ":1: data[0].paragraphs[0]: qas is a number"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": [1]}]}]}', ":1: data[0].paragraphs[0].qas[0]: is a number"),
        ('{"data": ["x"]}', ":1: data[0]: is no object with a list of paragraphs"),
        ('{"data": []}', ": holds no rows"),
        ('{"rows": []}', ":1: not SQuAD-style JSON: expected"),
        ("[]x", ":1: not JSON: Extra data (column 3)"),
        ('{"data":\n[}', ":2: not JSON: "),
    ],
)
def test_mistakes_are_told_by_their_line(write, read, content, message):
    path = write("q.json", content)
    with pytest.raises(DataError) as error:
        read("squad", path=path)
    assert str(error.value).startswith(path + message), error.value


def test_bad_questions_and_contexts_may_be_left_out(write, read):
    path = write("q.json", broken(answers=[]))
    data = read("squad", path=path, on_bad_row="skip")
    assert ([s.id for s in data.test], len(data.skipped)) == (["一"], 1)
    path = write("r.json", '{"data": [{"paragraphs": [{"context": ""}, {"context": "a"}]}]}')
    with pytest.raises(DataError, match=r"r\.json:1: data\[0\]\.paragraphs\[0\]: 'context' is empty \(on_bad_document"):
        Squad(path=path).read()
    corpus = Squad(path=path, on_bad_document="skip").read()
    assert ([p.text for p in corpus.passages], len(corpus.skipped)) == (["a"], 1)


@pytest.mark.parametrize(
    ("name", "contexts", "questions", "blank"), [("cmrc2018_trial", 256, 1002, 2), ("cmrc2018_dev", 848, 3219, 0)]
)
def test_real_cmrc(shared, read, name, contexts, questions, blank):
    path = str(shared / "cmrc2018" / "squad-style-data" / f"{name}.json")
    knowledge = Squad(path=path, gold={"by": "field", "field": "context_id"})
    corpus = knowledge.read()
    assert (len(corpus.passages), corpus.merged) == (contexts, 0)
    data = read("squad", path=path, on_bad_row="skip")
    assert (len(data.test), len(data.skipped)) == (questions - blank, blank)
    found = knowledge.gold_places(data.test, corpus)
    assert {len(places) for places in found} == {1}
    for sample, (place,) in zip(data.test, found, strict=True):
        assert corpus.passages[place].text == sample.meta["context"].strip()
    if blank:
        with pytest.raises(DataError, match=r"cmrc2018_trial\.json:9737: 'question' is empty"):
            read("squad", path=path)
