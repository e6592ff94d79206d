"""Prompts that a server cut: by counts that are too low for their texts, or that do not grow with them."""

import pytest

from harness.records.inputs import Message
from harness.records.outputs import Prediction, Reading, Serving, Step
from harness.summary.cut_prompts import cut_prompts, least_tokens

SERVED = Serving()


def prompts(counts: list[int], texts: list[str], serving: Serving | None = SERVED) -> list[Prediction]:
    return [
        Prediction(
            sample_id=f"s{place}", task="t", variant="v", messages=(Message("user", text),), text="x",
            reading=Reading("x"), tokens_in=count, serving=serving,
        )
        for place, (count, text) in enumerate(zip(counts, texts, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("x" * 120, 10),  # 120 / 12
        ("甲" * 120, 30),  # 120 / 4
        ("x" * 119 + " " + "甲" * 40, 119 / 12 + 10),
        ("=" * 3000, 0),  # one run of signs, which may be one token
        ("a" + " " * 3000 + "b", 3 / 12),
        ("ひらがな" * 10 + "한국어" * 10, 70 / 4),
    ],
)
def test_the_fewest_tokens_of_a_text(text: str, tokens: float) -> None:
    assert least_tokens(text) == pytest.approx(tokens)


def words(characters: int) -> str:
    return ("word " * characters)[:characters]


@pytest.mark.parametrize(
    ("counts", "texts", "cut"),
    [
        ([25, 30], [words(100), words(120)], 0),
        ([99, 25], [words(1200), words(100)], 1),  # 1,200 / 12 = 100 at least
        ([101, 25], [words(1200), words(100)], 0),
        ([49, 60, 70], ["甲乙" * 100, "甲" * 60, "甲" * 70], 1),  # 200 / 4 = 50 at least
        ([59], ["x" * 120 + "甲" * 200], 1),  # 10 + 50 = 60
        ([60], ["x" * 120 + "甲" * 200], 0),
        ([2050, 2050, 2050, 300], [words(9000), words(12000), words(15000), words(1200)], 3),  # 4 or more a token
        ([512, 512, 511, 100], [words(2100), words(2200), words(2400), words(400)], 3),  # a tenth longer, of one count
        ([512, 512, 512], [words(2100), words(2110), words(2120)], 0),  # as long as each other
        ([512, 512], [words(2100), words(3000)], 0),  # two may be chance
        ([40, 40, 40, 12], [words(100), words(120), words(130), words(30)], 0),  # short ones, of nearly one length
        ([40, 40, 40, 12], [words(100), words(200), words(400), words(30)], 3),
        ([4096, 4096, 4096, 4096], ["甲" * 5000, "甲" * 6000, "甲" * 7000, "甲" * 8000], 4),
        ([500, 600, 700], [words(2000), words(2400), words(2800)], 0),
        ([0, 0, 0], [words(2000), words(4000), words(8000)], 0),  # a server that counts nothing
    ],
)
def test_cut_prompts(counts: list[int], texts: list[str], cut: int) -> None:
    assert len(cut_prompts(prompts(counts, texts))) == cut


@pytest.mark.parametrize(
    ("counts", "calls", "texts", "cut"),
    [
        ([495], 5, [words(1200)], 1),  # five votes of 99 tokens; 1,200 / 12 = 100 at least
        ([505], 5, [words(1200)], 0),
        ([396], 4, ["甲" * 400], 1),  # four orders of the options: 99 tokens, 100 at least
        ([1536, 1536, 1533, 300], 3, [words(2100), words(2200), words(2400), words(400)], 3),  # 512, 512, 511
        ([120, 120, 120, 36], 3, [words(100), words(120), words(130), words(30)], 0),  # 40 each: short ones
    ],
)
def test_answers_that_several_calls_came_to(counts: list[int], calls: int, texts: list[str], cut: int) -> None:
    assert len(cut_prompts(prompts(counts, texts, Serving(calls=calls)))) == cut


def test_local_models_and_cascades_are_left_out() -> None:
    """A local model refuses what does not fit; a cascade counts the tokens of several prompts."""
    assert not cut_prompts(prompts([1], [words(1200)], serving=None))
    (own,) = prompts([1], [words(1200)])
    routed = Prediction(
        sample_id="s", task="t", variant="c", messages=own.messages, text="x", reading=Reading("x"), tokens_in=1,
        serving=SERVED, route=(Step("a", None, None),),
    )  # fmt: skip
    assert not cut_prompts([routed])
