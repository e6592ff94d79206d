"""Normal forms of text, switch by switch."""

import pytest

from harness.text.normalise import as_text, normalise, option_letters

OFF = {"nfkc": False, "punctuation": "keep", "case": False, "whitespace": False}


@pytest.mark.parametrize(
    ("text", "switches", "expected"),
    [
        ("Ａ①㎝ m²", {**OFF, "nfkc": True}, "A1cm m2"),
        ("Ａ，b", OFF, "Ａ，b"),
        ("甲，乙。（丙）【丁】《戊》…—", {**OFF, "punctuation": "unify"}, '甲,乙.(丙)[丁]"戊"...-'),
        ("甲、乙；“丙”", {**OFF, "punctuation": "drop"}, "甲乙丙"),
        ("1.5、12：30；-5%，a/b+c", {**OFF, "punctuation": "drop"}, "1.5,12:30-5%a/b+c"),
        ("1.5。", {**OFF, "punctuation": "drop"}, "1.5"),
        ("CT Ⅱ", {**OFF, "case": True}, "ct ⅱ"),
        (" 胃  镜 \n is  a test\u200b ", {**OFF, "whitespace": True}, "胃镜is a test"),
        ("\u200e胃\u202e炎\u2066 \u061c", {**OFF, "whitespace": True}, "胃炎"),  # direction marks
        ("葛\U000e0100 ❤\ufe0f", {**OFF, "whitespace": True}, "葛❤"),  # variation selectors
        ("a\x00b\x1b c\x85d", {**OFF, "whitespace": True}, "ab c d"),  # control characters
        ("ㅤ胃\u034f炎\u180e", {**OFF, "whitespace": True}, "胃炎"),
        ("\u200e胃", OFF, "\u200e胃"),
        ("\u0661\u200f\u0662", {}, "\u0661\u0662"),
        ("काला", {}, "काला"),
        ("左侧 Ｃ５－Ｃ６ 椎间盘", {}, "左侧c5-c6椎间盘"),
        ("", {}, ""),
    ],
)
def test_normalise(text: str, switches: dict[str, object], expected: str) -> None:
    assert normalise(text, **switches) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # what would make another number is kept
        (".5mg", "5mg", False),
        ("剂量.5mg", "剂量5mg", False),
        ("(.5mg)", "5mg", False),
        (",5mg", "5mg", False),
        ("．5mg", "5mg", False),
        (".\u200b5mg", "5mg", False),
        ("1.5", "15", False),
        ("1,5", "15", False),
        ("3;(5)", "35", False),
        ("1.）2", "12", False),
        ("12:30", "1230", False),
        ("10⁵", "105", False),
        ("10⁹/L", "109/L", False),
        ("10⁻³", "10-3", False),
        ("10₂", "102", False),
        ("1½片", "11/2片", False),
        ("5①", "51", False),
        ("-5", "5", False),
        ("－5", "5", False),
        ("+5", "5", False),
        ("5%", "5", False),
        ("<5", "5", False),
        ("3~5", "35", False),
        ("100,200", "100200", False),
        ("1,0000", "10000", False),
        ("0,005", "0005", False),
        ("1.000", "1000", False),
        # two writings of one number are one
        ("1,000", "1000", True),
        ("1，000,000.5", "1000000.5", True),
        ("12,050 ml", "12050ml", False),  # white space is not overlooked between ASCII characters
        ("12,050 ml", "12050 ml", True),
        ("10⁵", "10^5", True),
        ("½片", "1/2片", True),
        ("１．５", "1.5", True),
        ("−5", "-5", True),
        ("5％", "5%", True),
        ("kg/m²", "kg/m2", True),  # a unit, not a number
        ("维生素B₁₂", "维生素B12", True),
        # marks beside a number that are none of its own
        ("胃炎，3天", "胃炎3天", True),
        ("胃炎,3天", "胃炎, 3天", True),
        ("胃炎。3天", "胃炎 3天", True),
        ("（胃炎），3天", "胃炎 3天", True),
        ("约…5mg", "约5mg", True),
        ("5mg。", "5mg", True),
        ("1.胃炎", "1、胃炎", True),
        ("（5）", "5", True),
    ],
)
def test_no_dropped_mark_makes_another_number(one: str, other: str, same: bool) -> None:
    assert (normalise(one, punctuation="drop") == normalise(other, punctuation="drop")) is same


def test_full_width_digits_stay_apart() -> None:
    assert normalise("１ ２", nfkc=False) == "１ ２"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("甲 ", "甲 "),
        (None, ""),
        (3, "3"),
        (1.50, "1.5"),
        (True, "true"),
        (["乙", "甲"], '["乙", "甲"]'),
        ({"b": 1, "a": None}, '{"a": null, "b": 1}'),
        ("\ud800", "?"),
    ],
)
def test_json_values_become_text(value: object, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(("text", "letters"), [("B", "B"), ("c、Ａ", "AC"), ("AA", "A"), ("、", "")])
def test_option_letters(text: str, letters: str) -> None:
    assert option_letters(text) == letters
