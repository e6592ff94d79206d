"""Merging keeps what filters look at: other metadata is another passage, sources and ids of merged ones are found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from baselines.grounding.search import meets_conditions
from baselines.knowledge.files import Files
from baselines.knowledge.jsonl import Jsonl
from baselines.knowledge.parsing.gold import Gold
from baselines.knowledge.texts import Texts
from harness.records.inputs import Passage, PassageSet, Sample

TABLE = "code\tname\tdept\n1\t胃切除术\t内科\n2\t胃切除术\t外科\n3\t肝切除术\t外科\n4\t胃切除术\t内科\n"


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Texts]:
    def make(content: str = TABLE, **parameters: object) -> Texts:
        (tmp_path / "k.tsv").write_text(content, encoding="utf-8")
        return Texts(path=str(tmp_path / "k.tsv"), column="name", **parameters)

    return make


def found(corpus: PassageSet, **wish: str) -> list[int]:
    return [place for place, yes in enumerate(meets_conditions(corpus, wish)) if yes]


def test_equal_texts_with_other_metadata_stay_apart(table: Callable[..., Texts]) -> None:
    corpus = table(id_column="code").read()
    assert [(p.id, p.text, p.meta["dept"], p.copies) for p in corpus.passages] == [
        ("1", "胃切除术", "内科", 2),
        ("2", "胃切除术", "外科", 1),
        ("3", "肝切除术", "外科", 1),
    ]
    assert (found(corpus, dept="外科"), found(corpus, dept="内科")) == ([1, 2], [0])
    assert Gold().find([Sample(id="s", task="t", input="?", targets=("胃切除术",))], corpus.passages) == [(0, 1)]


def test_one_id_with_two_values_of_a_column(table: Callable[..., Texts]) -> None:
    """As when a term has a line for each department: both are found, under names of their own."""
    knowledge = table(TABLE.replace("2\t胃", "1\t胃"), id_column="code", gold={"by": "field", "field": "f"})
    corpus = knowledge.read()
    assert [(p.id, p.meta["dept"]) for p in corpus.passages] == [("1", "内科"), ("k.tsv:2", "外科"), ("3", "外科")]
    assert (found(corpus, id="1", dept="外科"), found(corpus, id="1")) == ([1], [0, 1])
    assert knowledge.gold_places([Sample(id="s", task="t", input="?", targets=("x",), meta={"f": "1"})], corpus) == [
        (0, 1)
    ]


def test_a_new_text_with_two_values_of_a_column_is_one_successor(tmp_path: Path) -> None:
    for name, text in (("old", "乙术"), ("new", "乙手术")):
        lines = f"code\tname\tdept\n1\t{text}\t内科\n1\t{text}\t外科\n"
        (tmp_path / f"{name}.tsv").write_text(lines, encoding="utf-8")
    knowledge = Texts(
        path=str(tmp_path / "old.tsv"), update=str(tmp_path / "new.tsv"), column="name", id_column="code"
    )  # fmt: skip
    ((_, after),) = knowledge.affected([Sample(id="s", task="t", input="?", targets=("乙术",))])
    assert after.targets == ("乙手术",)


def test_the_order_of_keys_is_no_difference(tmp_path: Path) -> None:
    (tmp_path / "k.jsonl").write_text('{"text": "甲", "a": [1], "b": 2}\n{"b": 2, "a": [1], "text": "甲"}\n')
    assert [p.copies for p in Jsonl(path=str(tmp_path / "k.jsonl")).read().passages] == [2]


def test_a_filter_finds_the_sources_of_merged_passages(tmp_path: Path) -> None:
    for name, text in (("a.txt", "甲"), ("b.txt", "甲"), ("c.txt", "乙")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    corpus = Files(path=str(tmp_path)).read()
    assert [found(corpus, source=name) for name in ("a.txt", "b.txt", "c.txt", "d.txt")] == [[0], [0], [1], []]


def test_a_filter_finds_entries_and_merged_ids() -> None:
    parts = [
        Passage(id=f"c#{i}", text=str(i), meta={"entry_id": "c", "also_ids": ["e"] if i == 2 else []}) for i in (1, 2)
    ]
    corpus = PassageSet((*parts, Passage(id="d", text="丁", title="题", meta={"n": 3})))
    assert [found(corpus, id=name) for name in ("c", "c#2", "e", "d", "")] == [[0, 1], [1], [1], [2], []]
    assert (found(corpus, title="题"), found(corpus, n="3"), found(corpus, n="")) == ([2], [2], [0, 1])


def test_a_list_without_further_columns_merges_as_before(shared_data: Path) -> None:
    assert len(Texts(path=str(shared_data / "yidu-n7k/code.txt"), column=1).read().passages) == 9468
