"""Where texts are cut: inputs beside the pieces, and nothing lost or repeated on random texts."""

import random

import pytest
from pydantic import TypeAdapter, ValidationError

from baselines.knowledge.parsing.splitting import SplitOption, Splitting
from baselines.knowledge.parsing.text_spans import sections


def split(text: str, by: str, size: int | None = None, overlap: int = 0) -> list[str]:
    return Splitting(by=by, size=size, overlap=overlap).pieces(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("患者咳嗽。发热三天！怎么办？", ["患者咳嗽。", "发热三天！", "怎么办？"]),
        ("血压正常；心率快。", ["血压正常；", "心率快。"]),
        ("他说：“你好。”然后走了。", ["他说：“你好。”", "然后走了。"]),
        ("（见图3。）下一句。", ["（见图3。）", "下一句。"]),
        ("他在《你好。再见》里说过。完了。", ["他在《你好。再见》里说过。", "完了。"]),
        ("体温37.5度。用药1.5g。", ["体温37.5度。", "用药1.5g。"]),
        ("1.咳嗽。2.发热。", ["1.咳嗽。", "2.发热。"]),  # the numbers stay with their items
        ("真的吗？！是的……好。", ["真的吗？！", "是的……", "好。"]),
        ('他说"好。"她走了。', ['他说"好。"', "她走了。"]),
        ('走了。"好"他说。', ["走了。", '"好"他说。']),  # here the quote opens
        ("第一句.第二句.", ["第一句.", "第二句."]),
        ("真的?是.", ["真的?", "是."]),
        ("主诉：咳嗽\n现病史：发热", ["主诉：咳嗽", "现病史：发热"]),  # CJK, no blank line: a paragraph a line
        ("He left. She stayed! Why?", ["He left.", "She stayed!", "Why?"]),
        ("Dose 1.5 mg. Then stop.", ["Dose 1.5 mg.", "Then stop."]),
        ("Dr. Smith saw J. R. Jones. He left.", ["Dr. Smith saw J. R. Jones.", "He left."]),
        ("Drugs, e.g. Aspirin, i.e. ASA. Done.", ["Drugs, e.g. Aspirin, i.e. ASA.", "Done."]),
        ("See Fig. 3. It grows. No. 5 left. I said no. Then none.", ["See Fig. 3.", "It grows.", "No. 5 left.", "I said no.", "Then none."]),
        ("1. Rest.\n2. Drink.", ["1. Rest.", "2. Drink."]),
        ("Take 5 g. Then wait.", ["Take 5 g.", "Then wait."]),
        ('He said "go." Then "stop."', ['He said "go."', 'Then "stop."']),
        ("(He left.) She stayed.", ["(He left.)", "She stayed."]),
        ("It was bad etc. and more. End.", ["It was bad etc. and more.", "End."]),
        ("wrapped\nline. Next\none.", ["wrapped\nline.", "Next\none."]),
        ("Wait... what? Yes... No.", ["Wait... what?", "Yes...", "No."]),
        ("see a.b/c?d=1 now. Ok.", ["see a.b/c?d=1 now.", "Ok."]),
        ("one\n\ntwo", ["one", "two"]),
        ("no mark", ["no mark"]),
        ("", []),
        (" \n\n ", []),
    ],
)  # fmt: skip
def test_sentences(text, expected):
    assert split(text, "sentence") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\ntwo\n\nthree\n \n\nfour", ["one\ntwo", "three", "four"]),
        ("一\n二\n\n三", ["一\n二", "三"]),  # blank lines decide where there are any
        ("一段。\n二段。\n三段。", ["一段。", "二段。", "三段。"]),
        ("　　一段\n接着。\n　　二段。", ["一段\n接着。", "二段。"]),  # ideographic indentation
        ("a wrapped\nEnglish line", ["a wrapped\nEnglish line"]),
        ("\n\na\n\n", ["a"]),
    ],
)
def test_paragraphs(text, expected):
    assert split(text, "paragraph") == expected


@pytest.mark.parametrize(
    ("text", "by", "size", "overlap", "expected"),
    [
        # tokens: 患 者 covid19 ， ok = 5
        ("患者covid19，ok", "tokens", 2, 0, ["患者", "covid19，", "ok"]),
        ("一二三四五六", "tokens", 4, 2, ["一二三四", "三四五六"]),  # the last window reaches the end: no 五六 alone
        ("一二三四五六七", "tokens", 4, 2, ["一二三四", "三四五六", "五六七"]),
        ("一二三", "tokens", 4, 3, ["一二三"]),
        ("a b c", "tokens", None, 0, ["a b c"]),  # 200
        ("甲。乙乙。丙。", "sentence", 5, 0, ["甲。乙乙。", "丙。"]),  # 2 + 3 = 5 tokens, + 2 > 5
        ("甲。乙乙。丙。", "sentence", 5, 3, ["甲。乙乙。", "乙乙。丙。"]),
        ("甲。乙乙。丙丙丙。", "sentence", 5, 3, ["甲。乙乙。", "丙丙丙。"]),  # 3 + 4 > 5: no room for an overlap
        ("甲甲甲甲。乙。", "sentence", 3, 0, ["甲甲甲", "甲。", "乙。"]),  # 5 tokens cut at 3; 甲 。 + 乙 。 = 4 > 3
        ("甲。\n\n乙。丙。丁丁丁。", "paragraph", 6, 0, ["甲。\n\n乙。丙。", "丁丁丁。"]),  # 8 tokens: cut by sentences
        ("a b.\n\nc d.", "paragraph", 6, 0, ["a b.\n\nc d."]),
    ],
)
def test_sizes_are_counted_in_tokens(text, by, size, overlap, expected):
    assert split(text, by, size, overlap) == expected


def test_nothing_is_lost_or_repeated():
    draw = random.Random(7)
    alphabet = "中文患者。！？；…，、：“”‘’《》（）ab1 2.5Dr.e.g. !?\"'\n\n\t　𠀀é-_•\u200b"
    for _ in range(1000):
        text = "".join(draw.choices(alphabet, k=draw.randrange(60)))
        for by, size in (
            ("none", None),
            ("sentence", None),
            ("paragraph", None),
            ("tokens", 3),
            ("sentence", 4),
            ("paragraph", 5),
        ):
            pieces = split(text, by, size)
            assert "".join("".join(pieces).split()) == "".join(text.split()), (text, by, size)
            assert all(pieces), (text, by)
            if size:
                assert all(len(split(piece, "tokens", 1)) <= size for piece in pieces), (text, by, size)


def test_overlap_repeats_only_what_stands_at_the_end():
    draw = random.Random(8)
    for _ in range(500):
        characters = [chr(0x4E00 + number) for number in range(40)]  # each once: a piece has one place in the text
        text = "".join(character + draw.choice(["", "。", " ", "\n\n"]) for character in characters).strip()
        for by in ("tokens", "sentence", "paragraph"):
            covered = 0
            for piece in split(text, by, 6, 3):
                begin = text.index(piece)
                assert len("".join(text[begin:covered].split())) <= 3
                assert not text[covered:begin].strip()
                assert begin + len(piece) > covered
                covered = begin + len(piece)
            assert covered == len(text)


def test_markdown_sections():
    text = "intro\n# A\n## B ##\nb1\n```\n# code\n```\n### C\n## D\nd\n# E\n"
    assert [(title, body.strip()) for title, body in sections(text)] == [
        ("", "intro"),
        ("A > B", "b1\n```\n# code\n```"),
        ("A > B", "C"),  # nothing under it: it is itself the text
        ("A > D", "d"),
        ("", "E"),
    ]
    assert sections("#no heading\n") == [("", "#no heading\n")]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"by": "sentence", "overlap": 2}, "overlap needs a size when the text is split by sentence"),
        ({"by": "tokens", "size": 5, "overlap": 5}, r"overlap must be less than size \(5\)"),
        ({"by": "tokens", "overlap": 200}, r"overlap must be less than size \(200\)"),
        ({"size": 5}, "size and overlap need by:"),
        ({"buy": "tokens"}, r"buy is not one of its options \(did you mean by\?\)"),
        ("sentences", "'none', 'headings', 'paragraph', 'sentence' or 'tokens'"),
    ],
)
def test_options_that_do_not_fit(given, reason):
    with pytest.raises(ValidationError, match=reason):
        TypeAdapter(SplitOption).validate_python(given)


def test_short_form():
    option = TypeAdapter(SplitOption)
    assert option.validate_json('"sentence"', strict=True) == Splitting(by="sentence")
    assert option.validate_json('{"by": "tokens", "size": 9}', strict=True) == Splitting(by="tokens", size=9)
    assert {"enum", "$ref"} <= {key for form in option.json_schema()["anyOf"] for key in form}
