"""The language of texts: Chinese characters against words of other scripts."""

import pytest

from harness.text.language import language_of


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["左膝关节置换术后"], "zh"),
        (["行CT及MRI检查"], "zh"),  # 4 characters, 2 words
        (["患者 COVID-19 PCR 阳性"], "zh"),  # 4 characters, 2 words
        (["What is gastritis?"], "en"),
        (["What does 你好 mean in English?"], "en"),  # 2 characters, 5 words
        (["東京の天気はどうですか"], "en"),  # Japanese: kana among the characters
        (["오늘 날씨가 좋다"], "en"),
        (["Qu’est-ce que la grippe ?"], "en"),
        (["12 + 3 = ?", "7 * 8"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_language_of_texts(texts: list[str], expected: str | None) -> None:
    assert language_of(texts) == expected
