"""Leakage: equal and near-equal texts by hand-worked tables, and the index against comparing every pair."""

import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from harness.records.figures import Overlap, Twin
from harness.text.near_duplicates import leaked_answers, overlap, overlaps
from tests.shared.altered_texts import material
from tests.shared.paths import ROOT

LONG = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏闰余成岁"  # 28 characters, all different


def kinds(item: str, *rows: str) -> list[tuple[str, str]]:
    return [(twin.kind, twin.place) for twin in overlaps([("i", item)], [(f"r{n}", row) for n, row in enumerate(rows)])]


@pytest.mark.parametrize(
    ("item", "row", "kind"),
    [
        ("左侧甲状腺切除术", "左侧甲状腺切除术", "exact"),
        ("左侧甲状腺切除术", "右侧甲状腺切除术", None),
        ("左侧甲状腺切除术", "左侧甲状腺切除术。", "normalised"),
        ("（左侧）甲状腺切除术", "左侧甲状腺切除术", "normalised"),
        ("床旁锥颅，脑室引流术", "床旁锥颅,脑室引流术", "normalised"),
        ("左、右心导管检查", "左右心导管检查", "normalised"),
        ("脑室—腹腔分流术", "脑室腹腔分流术", "normalised"),
        ("经鼻-蝶入路_切除", "经鼻蝶入路切除", "normalised"),
        ("ＬＣ", "LC", "normalised"),
        ("ＣＴ　检查", "ct检查", "normalised"),
        ("Straße", "STRASSE", "normalised"),
        ("Is it?  a\ntest", "is it a test", "normalised"),
        ("减压           术", "减压术", "normalised"),
        ("E-mail box", "email-box", "normalised"),
        ("①期", "1期", "normalised"),
        # marks and spaces at a number belong to it
        ("剂量1.5毫克", "剂量15毫克", None),
        ("腰3-4椎间盘", "腰34椎间盘", None),
        ("腰3 4椎间盘", "腰34椎间盘", None),
        ("血压下降5%", "血压下降5", None),
        ("剂量５毫克。", "剂量5毫克", "normalised"),
        ("第 5 腰椎", "第5腰椎", "normalised"),
        # short
        ("A", "A", "exact"),
        ("A", "a", "normalised"),
        ("A", "B", None),
        ("左", "右", None),
        ("肺癌", "肺炎", None),
        # nothing to compare
        ("", "", None),
        ("？", "？", None),
        (" …", "。", None),
        ("", "左侧", None),
        ("左侧", "", None),
        # symbols are no punctuation
        ("👍", "👍", "exact"),
        ("👍", "👎", None),
        ("👍!", "👍", "normalised"),
        ("👩‍⚕️好", "👩‍⚕️ 好", "normalised"),
        ("A+", "A", None),
        ("\ud800左侧", "\ud800左侧。", "normalised"),  # half a surrogate pair
        ("\ud800左侧", "\ud800右侧", None),
    ],
)
def test_equal_texts(item: str, row: str, kind: str | None) -> None:
    assert kinds(item, row) == ([(kind, "r0")] if kind else [])
    assert kinds(item, "别的一行", row, "又一行") == ([(kind, "r1")] if kind else [])


@pytest.mark.parametrize(
    ("item", "row", "similarity"),
    [
        # A text of L different characters has L + 2 trigrams with its edges, and every character stands in 3 of them.
        # One other character: L - 1 shared of L + 5. L = 25: 24 / 30; L = 24: 23 / 29 = 0.793
        (LONG[:25], "左" + LONG[1:25], 24 / 30),
        (LONG[:25], LONG[:12] + "左" + LONG[13:25], 24 / 30),
        (LONG[:25], LONG[:24] + "左", 24 / 30),
        (LONG[:24], "左" + LONG[1:24], None),
        (LONG[:24], LONG[:23] + "左", None),
        # One more character: 2 trigrams break, 3 come: L shared of L + 2 + 3. L = 20: 20 / 25; L = 19: 19 / 24 = 0.792
        (LONG[:20], LONG[:9] + "左" + LONG[9:20], 20 / 25),
        (LONG[:20], LONG[:20] + "左", 20 / 25),
        (LONG[:19], LONG[:19] + "左", None),
        # Marks and width do not count: as above
        (LONG[:20], "（" + LONG[:9] + "左" + LONG[9:20] + "）。", 20 / 25),
        # aaaa: ^^a ^aa aaa aa$ a$$, as aaaaa has: a set does not count
        ("aaaa", "aaaaa", 1.0),
        # ab: ^^a ^ab ab$ b$$; abab adds aba bab: 4 / 6
        ("ab", "abab", None),
    ],
)
def test_near_texts(item: str, row: str, similarity: float | None) -> None:
    twins = overlaps([("i", item)], [("r", row)])
    assert twins == (
        [Twin(sample_id="i", place="r", kind="near", similarity=similarity, item=item, row=row)] if similarity else []
    )


def test_the_threshold_is_the_callers() -> None:
    row = "左" + LONG[1:25]  # 24 / 30 = 0.8, see above
    assert overlaps([("i", LONG[:25])], [("r", row)], near=0.81) == []
    assert [twin.similarity for twin in overlaps([("i", "ab")], [("r", "abab")], near=0.6)] == [4 / 6]
    assert [twin.kind for twin in overlaps([("i", "aaaa")], [("r", "aaaaa")], near=1.0)] == ["near"]


@pytest.mark.parametrize("near", [0.0, -0.1, 1.01, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(near: float) -> None:
    with pytest.raises(ValueError, match="near is"):
        overlaps([], [], near)
    with pytest.raises(ValueError, match="near is"):
        leaked_answers([], [], near)


def test_one_twin_an_item_the_strongest_the_first() -> None:
    one = LONG[:24] + "左"  # of LONG[:25]: 24 / 30
    more = LONG[:25] + "左"  # 25 / 30
    assert kinds(LONG[:25], one, more, LONG[:25] + "。", LONG[:25], LONG[:25]) == [("exact", "r3")]
    assert kinds(LONG[:25], one, more, LONG[:25] + "。", "“" + LONG[:25] + "”") == [("normalised", "r2")]
    assert kinds(LONG[:25], one, more, more + "。") == [("near", "r1")]
    assert kinds(LONG[:25], one, LONG[:24] + "右") == [("near", "r0")]


def test_items_stay_in_order_and_equal_items_each_have_a_twin() -> None:
    items = [("3", "乙。"), ("1", "甲"), ("2", "丙"), ("0", "乙")]
    assert [(twin.sample_id, twin.kind, twin.row) for twin in overlaps(items, [("r", "甲"), ("s", "乙")])] == [
        ("3", "normalised", "乙"),
        ("1", "exact", "甲"),
        ("0", "exact", "乙"),
    ]
    assert overlaps([], [("r", "甲")]) == overlaps(items, []) == []


def every_pair(items: list[tuple[str, str]], rows: list[tuple[str, str]], near: float) -> list[Twin]:
    """What `overlaps` finds for plain texts, by comparing all of them."""

    def cut(text: str) -> set[str]:
        text = f"^^{text}$$"
        return {a + b + c for a, b, c in zip(text, text[1:], text[2:], strict=False)}

    sets, twins = [cut(text) for _, text in rows], []
    for sample_id, item in items:
        own = cut(item)
        best = max(range(len(rows)), key=lambda n: (rows[n][1] == item, len(own & sets[n]) / len(own | sets[n]), -n))
        similarity = len(own & sets[best]) / len(own | sets[best])
        if similarity >= near:
            kind = "exact" if rows[best][1] == item else "near"
            twins.append(
                Twin(
                    sample_id=sample_id,
                    place=rows[best][0],
                    kind=kind,
                    similarity=similarity,
                    item=item,
                    row=rows[best][1],
                )
            )
    return twins


@pytest.mark.parametrize(
    ("near", "length", "size"),
    [(0.8, (20, 60), 500), (0.8, (200, 300), 200), (0.5, (8, 30), 600), (0.3, (5, 20), 400), (0.95, (100, 400), 200)],
)
def test_the_index_finds_what_comparing_every_pair_finds(near: float, length: tuple[int, int], size: int) -> None:
    items, rows = material(7, size, length, share=(1 - near) / 2)
    expected, found = every_pair(items, rows, near), overlaps(items, rows, near)
    assert len(expected) > size / 10
    assert found == expected  # the right row of several, and none overlooked


def test_the_order_of_rows_changes_no_count() -> None:
    items, rows = material(3, 300, (10, 40))
    rows += [("e", items[0][1]), ("n", items[1][1] + "。")]
    counts = Counter((twin.sample_id, twin.kind, twin.similarity) for twin in overlaps(items, rows))
    random.Random(1).shuffle(rows)
    assert Counter((twin.sample_id, twin.kind, twin.similarity) for twin in overlaps(items, rows)) == counts
    assert {"exact", "normalised", "near"} == {kind for _, kind, _ in counts}
    assert max(Counter(sample_id for sample_id, _, _ in counts).values()) == 1


def test_every_process_finds_the_same() -> None:
    code = (
        "from tests.shared.altered_texts import material\nfrom harness.text.near_duplicates import leaked_answers, overlaps\n"
        "items, rows = material(5, 200, (8, 30))\n"
        "print(overlaps(items, rows, 0.5), leaked_answers([(i, t[:2], [t[-2:]]) for i, t in items], rows * 2, 0.5))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(printed) == 1
    assert "near" in printed.pop()


@pytest.mark.parametrize(
    ("question", "answers", "passage", "kind"),
    [
        ("左膝换关节", ["左膝置换术"], "左膝换关节：左膝置换术", "exact"),
        ("左膝换关节", ["左膝置换术"], "标准词是左膝置换术，原始词是左膝换关节。", "exact"),
        ("左膝换关节", ["别的", "左膝置换术"], "左膝换关节\t左膝置换术", "exact"),
        ("左膝 换关节", ["左膝置换术"], "左膝换关节：左膝置换术", "normalised"),
        ("左膝换关节", ["ＣＴ（左膝）"], "左膝换关节 ct左膝", "normalised"),
        # the question or an answer alone
        ("左膝换关节", ["左膝置换术"], "左膝换关节的护理", None),
        ("左膝换关节", ["左膝置换术"], "左膝置换术", None),
        ("左膝换关节", [], "左膝换关节：左膝置换术", None),
        ("左膝换关节", ["", "。"], "左膝换关节：左膝置换术。", None),
        ("", ["左膝置换术"], "左膝置换术", None),
        # whoever repeats the question is right
        ("包皮环切术", ["包皮环切术"], "包皮环切术：包皮环切术", None),
        ("包皮环切术", ["别的", "包皮环切术。"], "包皮环切术：别的", None),
        # an answer within the question must stand beside it
        ("左侧甲状腺切除术", ["甲状腺切除术"], "左侧甲状腺切除术", None),
        ("左侧甲状腺切除术", ["甲状腺切除术"], "左侧甲状腺切除术，左侧甲状腺切除术", None),
        ("左侧甲状腺切除术", ["甲状腺切除术"], "甲状腺切除术，又名左侧甲状腺切除术", "exact"),
        # a question within the answer too
        ("肾囊肿", ["肾囊肿切除术"], "肾囊肿切除术", None),
        ("肾囊肿", ["肾囊肿切除术"], "肾囊肿：肾囊肿切除术", "exact"),
        ("肾囊肿", ["肾囊肿切除术"], "肾囊肿切除术治肾囊肿", "exact"),
        ("甲乙丙", ["丙丁戊"], "甲乙丙丁戊", None),
        # another number is another answer
        ("每日几毫升", ["5"], "每日几毫升？5毫升", "exact"),
        ("每日几毫升", ["5"], "每日几毫升？5。", "exact"),
        ("每日几毫升", ["5"], "每日几毫升？15毫升", None),
        ("每日几毫升", ["5"], "每日几毫升？50毫升", None),
        ("每日几毫升", ["5"], "每日几毫升？1.5毫升", None),
        ("每日几毫升", ["5"], "每日几毫升？5.1毫升", None),
        ("3岁可用", ["可以"], "13岁可用。可以", None),
        # L = 20 + 8, one other: 27 / 33 together; the question adds 22 trigrams, 19 of them there; the answer all its 10
        (LONG[:20], [LONG[20:]], LONG[:2] + "左" + LONG[3:], "near"),
        (LONG[:20], ["别的", LONG[20:]], LONG[:2] + "左" + LONG[3:], "near"),
        # 24 / 30 together, but one of the two is missing
        (LONG[:24], [LONG[24:26]], LONG[:24], None),
        (LONG[:2], [LONG[2:26]], LONG[2:26], None),
        # 28 / 34 together, but the answer is another
        (LONG, ["左"], LONG + "右", None),
    ],
)
def test_held(question: str, answers: list[str], passage: str, kind: str | None) -> None:
    for before in ([], [("o", "别的一篇")]):
        twins = leaked_answers([("i", question, answers)], [*before, ("p", passage)])
        similarity = 27 / 33 if kind == "near" else 1.0
        assert twins == (
            [Twin(sample_id="i", place="p", kind=kind, similarity=similarity, item=question, row=passage)]
            if kind
            else []
        )


def test_held_reports_the_strongest_passage_the_first() -> None:
    items = [
        ("2", "甲乙", ["丙丁", "戊己"]),
        ("1", "庚辛", ["戊己"]),
        ("0", "甲 乙", ["戊己"]),
        ("9", "壬癸", ["戊己"]),
    ]
    passages = [("a", "甲乙(丙丁)"), ("b", "甲,乙:戊己"), ("c", "甲乙:戊己"), ("d", "庚,辛:戊己"), ("e", "庚-辛戊己")]
    assert [(twin.sample_id, twin.place, twin.kind, twin.item) for twin in leaked_answers(items, passages)] == [
        ("2", "a", "exact", "甲乙"),
        ("1", "d", "normalised", "庚辛"),
        ("0", "b", "normalised", "甲 乙"),
    ]


def test_held_finds_what_searching_every_passage_finds() -> None:
    chance = random.Random(4)

    def text(*length: int) -> str:
        return "".join(chance.choices("甲乙丙丁", k=chance.randint(*length)))

    items = [(f"i{n}", text(1, 5), [text(1, 3) for _ in range(2)]) for n in range(150)]
    passages = [(f"p{n}", text(3, 12)) for n in range(60)]

    def starts(passage: str, part: str) -> list[int]:
        return [at for at in range(len(passage)) if passage.startswith(part, at)]

    def leaks(question: str, answer: str, passage: str) -> bool:
        asked = [set(range(at, at + len(question))) for at in starts(passage, question)]
        told = [set(range(at, at + len(answer))) for at in starts(passage, answer)]
        return any(any(not a & t for a in asked) and not any(t <= a for a in asked) for t in told)

    expected = {
        sample_id: next(
            (p for p, passage in passages if any(leaks(question, answer, passage) for answer in answers)), ""
        )
        for sample_id, question, answers in items
        if question not in answers
    }
    found = {twin.sample_id: twin.place for twin in leaked_answers(items, passages) if twin.kind == "exact"}
    assert found == {sample_id: place for sample_id, place in expected.items() if place}
    assert 20 < len(found) < 140


def test_overlap_counts_all_and_keeps_some() -> None:
    twins = [
        Twin(sample_id=str(n), place="r", kind=kind, similarity=1.0, item="甲", row="甲")
        for n, kind in enumerate(["near", "exact", "near", "normalised", "near"])
    ]  # type: ignore[arg-type]
    assert overlap("norm", "train rows of norm", ["a", "b"], 9, twins, listed=2) == Overlap(
        task="norm",
        source="train rows of norm",
        models=("a", "b"),
        samples=9,
        exact=1,
        normalised=1,
        near=3,
        twins=tuple(twins[:2]),
    )
    assert overlap("norm", "knowledge icd9", [], 9, []) == Overlap(
        task="norm", source="knowledge icd9", models=(), samples=9, exact=0, normalised=0, near=0, twins=()
    )
    assert len(overlap("norm", "x", [], 30, twins * 5).twins) == 20
