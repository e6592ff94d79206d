"""Normal forms of text, switch by switch."""

import pytest

from harness.text import as_text, normalise, option_letters

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
        ("左侧 Ｃ５－Ｃ６ 椎间盘", {}, "左侧c5-c6椎间盘"),
        ("", {}, ""),
    ],
)
def test_normalise(text: str, switches: dict[str, object], expected: str) -> None:
    assert normalise(text, **switches) == expected


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
