"""Which passages are right for an item, and what a second version of the knowledge changes."""

import random

import pytest
from pydantic import ValidationError

from baselines.knowledge.jsonl import Jsonl
from baselines.knowledge.parsing.gold import Gold, containing
from baselines.knowledge.texts import Texts
from harness.errors import DataError
from harness.records.inputs import Passage, Sample
from harness.text.normalise import fast_normalise, normalise

PASSAGES = [
    Passage(id="a", text="胃切除术", source="x.txt", title="外科"),
    Passage(id="b", text="双“J”管置入术", source="x.txt", title="外科"),
    Passage(id="c#1", text="阿司匹林每日100mg。", source="y.txt", title="内科", meta={"entry_id": "c"}),
    Passage(id="c#2", text="肾功能不全者减半。", source="y.txt", title="内科", meta={"entry_id": "c"}),
    Passage(id="d", text="胃切除术", source="y.txt", title="内科", meta={"also_ids": ["e"], "also_in": ["z.txt"]}),
]


def sample(*targets: str, options: tuple[str, ...] = (), **meta: object) -> Sample:
    return Sample(id="1", task="t", input="?", targets=targets, options=options, meta=meta)


@pytest.mark.parametrize(
    ("gold", "item", "expected"),
    [
        ({}, sample("胃切除术"), (0, 4)),
        ({}, sample(" 胃 切除术 "), (0, 4)),  # compared after normalise
        ({}, sample('双"J"管置入术'), (1,)),
        ({}, sample("胃切除"), ()),
        ({}, sample("胃切除术##双“J”管置入术"), ()),
        ({"separator": "##"}, sample("胃切除术## 双“J”管置入术##"), (0, 1, 4)),
        ({}, sample("双“J”管置入术", "胃切除术"), (0, 1, 4)),  # alternatives: all of them
        ({}, sample("B", options=("A", "双“J”管置入术")), (1,)),  # the text of the option, not its letter
        ({}, sample("AB", options=("胃切除术", "双“J”管置入术", "c")), (0, 1, 4)),
        ({}, sample("D", options=("胃切除术",)), ()),
        ({"by": "contains"}, sample("100MG"), (2,)),
        ({"by": "contains"}, sample("胃", "管"), (0, 1, 4)),
        ({"by": "contains", "separator": "/"}, sample("J/减半"), (1, 3)),
        ({"by": "contains"}, sample("。"), (2, 3)),
        ({"by": "contains"}, sample("没有"), ()),
        ({"by": "field", "field": "f"}, sample("减半", f="c"), (3,)),  # of the pieces, the one with the answer
        ({"by": "field", "field": "f"}, sample("一半", f="c"), (2, 3)),  # none has it: all
        ({"by": "field", "field": "f"}, sample("减半", f="c#1"), (2,)),
        ({"by": "field", "field": "f"}, sample("x", f=["a", "e"]), (0, 4)),  # e was merged into d
        ({"by": "field", "field": "f"}, sample("x", f="zz"), ()),
        ({"by": "field", "field": "f"}, sample("x", f=None), ()),
        ({"by": "field", "field": "f", "of": "source"}, sample("x", f="z.txt"), (4,)),
        ({"by": "field", "field": "f", "of": "source"}, sample("胃切除术", f="y.txt"), (4,)),
        ({"by": "field", "field": "f", "of": "title"}, sample("x", f="内科"), (2, 3, 4)),
    ],
)  # fmt: skip
def test_gold(gold, item, expected):
    assert Gold(**gold).find([item], PASSAGES) == [expected]


@pytest.mark.parametrize(
    ("gold", "item", "expected"),
    [
        ({}, sample("胃切除术"), [{"胃切除术": (0, 4)}]),  # two passages with one text are one right answer
        ({}, sample(" 胃 切除术 "), [{"胃 切除术": (0, 4)}]),
        ({}, sample("肝移植"), [{"肝移植": ()}]),  # wholly absent
        ({}, sample("双“J”管置入术", "胃切除术"), [{"双“J”管置入术": (1,)}, {"胃切除术": (0, 4)}]),
        ({}, sample("胃切除术", "胃 切除术"), [{"胃 切除术": (0, 4)}]),
        ({}, sample(""), []),
        ({}, sample(), []),
        ({"separator": "##"}, sample("胃切除术##肝移植"), [{"胃切除术": (0, 4), "肝移植": ()}]),  # covered in part
        ({"separator": "##"}, sample("胃切除术##胃切除术"), [{"胃切除术": (0, 4)}]),
        ({}, sample("AB", options=("胃切除术", "双“J”管置入术", "c")), [{"胃切除术": (0, 4), "双“J”管置入术": (1,)}]),
        ({}, sample("A", "B", options=("胃切除术", "肝")), [{"胃切除术": (0, 4)}, {"肝": ()}]),
        ({"by": "contains"}, sample("100MG"), [{"100MG": (2,)}]),
        ({"by": "contains"}, sample("。"), [{"。": (2, 3)}]),
        ({"by": "contains", "separator": "/"}, sample("J/没有"), [{"J": (1,), "没有": ()}]),
        ({"by": "field", "field": "f"}, sample("减半", f="c"), [{"减半": (3,)}]),
        ({"by": "field", "field": "f"}, sample("一半", f="c"), [{"c": (2, 3)}]),  # any piece of the entry
        ({"by": "field", "field": "f"}, sample("减半", "一半", f="c"), [{"减半": (3,)}]),
        ({"by": "field", "field": "f"}, sample("减半", f=["c", "b"]), [{"减半": (3,), "b": (1,)}]),
        ({"by": "field", "field": "f"}, sample("x", f=["a", "e"]), [{"a": (0, 4)}]),  # equal texts
        ({"by": "field", "field": "f"}, sample("x", f=["d", "e"]), [{"d": (4,)}]),  # one passage of two names
        ({"by": "field", "field": "f"}, sample("x", f=["a", "b"]), [{"a": (0,), "b": (1,)}]),
        ({"by": "field", "field": "f"}, sample("x", f=["a", "zz"]), [{"a": (0,), "zz": ()}]),  # one entry is not there
        ({"by": "field", "field": "f"}, sample("x", f="zz"), [{"zz": ()}]),
        ({"by": "field", "field": "f"}, sample("x", f=None), []),  # not known
        ({"by": "field", "field": "f", "of": "source"}, sample("胃切除术", f="y.txt"), [{"胃切除术": (4,)}]),
    ],
)  # fmt: skip
def test_right_answers(gold, item, expected):
    (alternatives,) = Gold(**gold).answers([item], PASSAGES)
    assert [{answer.text: answer.passages for answer in answers} for answers in alternatives] == expected


def test_a_column_that_no_sample_has():
    knowledge = Texts(path="a", gold={"by": "field", "field": "contxt"})
    with pytest.raises(
        DataError, match=r"gold: field: the rows of task t have no column 'contxt' \(did you mean context\?\)"
    ):
        knowledge.check([sample("x", context="a")])
    knowledge.check([sample("x", contxt="a")])
    assert knowledge.gold.find([sample("x", context="a")], PASSAGES) == [()]  # another task's rows: not known


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"by": "field"}, "by: field needs field"),
        ({"field": "x"}, "belong to by: field, not to by: text"),
        ({"by": "contains", "of": "title"}, "belong to by: field"),
        ({"separator": " "}, 'separator must be a mark such as "##"'),
    ],
)
def test_gold_options_that_do_not_fit(given, reason):
    with pytest.raises(ValidationError, match=reason):
        Gold(**given)


def test_plain_is_normalise():
    draw = random.Random(5)
    alphabet = "中文ABc `´“”。，．10⁵½①²㎝　 \t\n\u200b\u00adé\u0301…-－ﬁ龥Ⅳ々ー１(（"
    for _ in range(20_000):
        text = "".join(draw.choices(alphabet, k=draw.randrange(1, 14)))
        assert fast_normalise(text) == normalise(text), text
    long = "Long ASCII `text` with  spaces" * 20 + "½" * 40
    assert fast_normalise(long) == normalise(long)


def test_containing_finds_what_a_loop_finds():
    draw = random.Random(6)
    texts = ["".join(draw.choices("abc中文", k=draw.randrange(30))) for _ in range(700)]
    terms = {"".join(draw.choices("abc中文", k=draw.randrange(1, 6))) for _ in range(200)} | {"zz", "z"}
    assert containing(terms, texts) == {
        term: tuple(place for place, text in enumerate(texts) if term in text) for term in terms
    }


OLD = "1\t甲术\n2\t乙术\n3\t丙术\n4\t丁术\n5\t丙术\n7\t庚术\n"
NEW = "1\t甲术\n2\t乙手术\n3\t丙新术\n5\t丙术\n6\t戊术\n7\t辛术\n8\t庚术\n"  # 2 changed; 3 too, but 5 still says it; 4 withdrawn; 6 added


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "old.txt").write_text(OLD, encoding="utf-8")
    (tmp_path / "new.txt").write_text(NEW, encoding="utf-8")

    def make(**parameters: object) -> Texts:
        return Texts(path=str(tmp_path / "old.txt"), update=str(tmp_path / "new.txt"), column=1, **parameters)

    return make


@pytest.mark.parametrize(
    ("item", "targets", "stale"),
    [
        (sample("甲术"), None, None),
        (sample("乙术"), ("乙手术",), ["乙术"]),
        (sample("丙术"), None, None),
        (sample("丁术"), "withdrawn", None),
        (sample("不在库中"), None, None),
        (sample("甲术##乙术"), ("甲术##乙手术",), ["甲术##乙术"]),
        (sample("甲术##丁术"), "withdrawn", None),
        (sample("庚术"), ("辛术",), ["庚术"]),  # the entry has a new name; that another took the old one is no matter
        (sample("甲术", "丁术"), ("甲术",), ["丁术"]),  # one of two right answers still holds
        (sample("A", options=("甲术", "乙术")), None, None),
        (sample("B", options=("甲术", "乙术")), "withdrawn", None),  # no letter follows from a new text
        (sample("丁术", now="戊术"), ("戊术",), ["丁术"]),
        (sample("甲术", now="甲术"), ("甲术",), []),  # named by the author, so it counts
        (sample("乙术", now=["己术", "乙术"]), ("己术", "乙术"), []),
        (sample("乙术", now=" "), ("乙手术",), ["乙术"]),
    ],
)
def test_affected_by_own_ids(lists, item, targets, stale):
    knowledge = lists(id_column=0, gold={"separator": "##"}, **({"updated": "now"} if "now" in item.meta else {}))
    changes = knowledge.changes([item])
    if targets is None:
        assert (changes.affected, changes.withdrawn) == ([], [])
    elif targets == "withdrawn":
        assert (changes.affected, changes.withdrawn) == ([], [item])
        assert knowledge.withdrawn([item]) == [item]
    else:
        ((before, after),) = knowledge.affected([item])
        assert (before, after.id, after.targets) == (item, item.id, targets)
        assert after.meta == {**item.meta, "stale": stale}


def test_without_ids_a_change_is_a_withdrawal(lists):
    knowledge = lists()
    items = [sample("甲术"), sample("乙术"), sample("丙术"), sample("丁术")]
    assert knowledge.affected(items) == []
    assert [item.targets[0] for item in knowledge.withdrawn(items)] == ["乙术", "丁术"]


def test_updated_must_be_a_column(lists):
    with pytest.raises(DataError, match=r"updated: the rows of task t have no column 'nwo' \(did you mean now\?\)"):
        lists(updated="nwo").check([sample("甲术", now="x")])
    assert [p.text for p in lists().read_update().passages][-1] == "庚术"
    with pytest.raises(ValidationError, match="updated needs update"):
        Texts(path="a", updated="x")
    with pytest.raises(ValidationError, match="path and update must be different"):
        Texts(path="a", update="./a")


@pytest.mark.parametrize(
    ("gold", "item", "outcome"),
    [
        ({"by": "contains"}, sample("100mg"), "holds"),  # the passage changed, the answer in it did not
        ({"by": "contains"}, sample("每日一次"), "gone"),
        ({"by": "field", "field": "doc"}, sample("100mg", doc="asa"), "holds"),
        ({"by": "field", "field": "doc"}, sample("每日一次", doc="asa"), "gone"),
        ({"by": "field", "field": "doc"}, sample("一天一回", doc="asa"), "gone"),  # stands nowhere literally; entry changed
        ({"by": "field", "field": "doc"}, sample("一天一回", doc="same"), "holds"),
        ({"by": "field", "field": "doc"}, sample("每日一次", doc="same"), "holds"),
    ],
)  # fmt: skip
def test_affected_by_what_stands_in_an_entry(tmp_path, gold, item, outcome):
    versions = {"old": "阿司匹林100mg。每日一次。", "new": "阿司匹林100mg。每日两次。"}
    for name, text in versions.items():
        lines = f'{{"id": "asa", "text": "{text}"}}\n{{"id": "same", "text": "不变。"}}\n'
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    knowledge = Jsonl(path=str(tmp_path / "old.jsonl"), update=str(tmp_path / "new.jsonl"), split="sentence", gold=gold)
    changes = knowledge.changes([item])
    assert (changes.affected, changes.withdrawn) == ([], [item] if outcome == "gone" else [])


def test_a_changed_sentence_takes_the_place_of_the_old_one(tmp_path):
    (tmp_path / "old.jsonl").write_text('{"id": "a", "text": "一句。二句。"}', encoding="utf-8")
    (tmp_path / "new.jsonl").write_text('{"id": "a", "text": "一句。新二句。"}', encoding="utf-8")
    knowledge = Jsonl(path=str(tmp_path / "old.jsonl"), update=str(tmp_path / "new.jsonl"), split="sentence")
    ((_, after),) = knowledge.affected([sample("二句。")])
    assert after.targets == ("新二句。",)


def test_no_update_no_change(lists, tmp_path):
    knowledge = Texts(path=str(tmp_path / "old.txt"), column=1)
    assert (knowledge.affected([sample("乙术")]), knowledge.withdrawn([sample("乙术")]), knowledge.read_update()) == (
        [],
        [],
        None,
    )
