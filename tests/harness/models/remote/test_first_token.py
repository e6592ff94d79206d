"""Options read from the likeliest first tokens that a server lists: hand-computed shares, bounds, and bad lists."""

import math
from typing import Any

import pytest

from harness.models.remote.call_error import CallError
from harness.models.remote.first_token import listed_tokens, read_first_token
from harness.records.outputs import Completion
from harness.text.option_forms import written_option

ABCD = ("A", "B", "C", "D")
REPLY = Completion(text="A", tokens_in=25, tokens_out=1)


def listed(probabilities: dict[str, float]) -> list[tuple[str, float]]:
    return [(token, math.log(share)) for token, share in probabilities.items()]


@pytest.mark.parametrize(
    ("token", "option"),
    [
        ("A", "A"), (" A", "A"), ("▁A", "A"), ("ĠA", "A"), ("\nB", "B"), ("a", "A"), (" c", "C"), ("▁d", "D"),
        ("Ａ", "A"), (" ｂ", "B"), ("A.", "A"), ("B)", "B"), ("C：", "C"), ("D、", "D"), ("A:", "A"), ("A\n", "A"),
        ("(A", "A"), ("（B）", "B"), ("**C", "C"), ("**D**", "D"), ('"A', "A"), ("[B]", "B"), ("【C】", "C"),
        ("An", None), ("AB", None), ("A型", None), ("A1", None), ("A+", None), ("B-", None), ("C'", None),
        ("'d", None), ("’d", None), ("E", None), ("e", None), ("", None), (" ", None), ("答案", None), ("1", None),
        ("_A", None), ("-A", None), ("/B", None), (".C", None), ("�", None), ("The", None), ("<A>", None),
    ],
)  # fmt: skip
def test_tokens_that_are_a_form_of_an_option(token: str, option: str | None) -> None:
    assert written_option(token, ABCD) == option


@pytest.mark.parametrize(
    ("tokens", "best", "shares", "elsewhere"),
    [
        # 0.6 + 0.2 of A, 0.1 of B; B's least likely form is far above what is not listed
        ({"A": 0.6, " A": 0.2, "B": 0.1, "x": 0.099}, "A", (0.8 / 0.9, 0.1 / 0.9), 0.1),
        # the small letter alone: 0.5 against 0.25 + 0.05 = 0.3
        ({"b": 0.5, "A": 0.25, "a": 0.05, "The": 0.2}, "B", (0.3 / 0.8, 0.5 / 0.8), 0.2),
        # full width and longer tokens add up: 0.3 + 0.3 against 0.35
        ({"B": 0.35, "Ａ": 0.3, "A.": 0.3, "x": 0.049}, "A", (0.6 / 0.95, 0.35 / 0.95), 0.05),
        # B is not listed: it has at most the 0.01 of the last one, and counts with that
        ({"A": 0.7, "x": 0.2, "y": 0.01}, "A", (0.7 / 0.71, 0.01 / 0.71), 0.3),
        # nor A: but all that is not listed together is 0.001
        ({"B": 0.5, "x": 0.499}, "B", (0.001 / 0.501, 0.5 / 0.501), 0.5),
        # almost everything elsewhere, and yet B leads by far: the three unlisted forms share 1e-9
        ({"x": 0.97, "B": 0.02, "A": 0.01 - 1e-9}, "B", (1 / 3, 2 / 3), 0.97),
    ],
)
def test_shares_by_hand(tokens: dict[str, float], best: str, shares: tuple[float, ...], elsewhere: float) -> None:
    completion = read_first_token(REPLY, listed(tokens), ("A", "B"))
    assert (completion.text, completion.finish, completion.tokens_in) == (best, "stop", 25)
    assert [math.exp(value) for value in completion.logprobs or ()] == pytest.approx(shares, abs=1e-6)
    assert sum(math.exp(value) for value in completion.logprobs or ()) == pytest.approx(1)
    assert completion.elsewhere == pytest.approx(elsewhere, abs=1e-6)
    whole = 1 - elsewhere + (0.01 if "y" in tokens else 0.001 if tokens.keys() == {"B", "x"} else 0)
    assert completion.logprob == pytest.approx(math.log(max(shares) * whole), abs=1e-5)


@pytest.mark.parametrize(
    ("tokens", "second", "possible"),
    [
        # B is not listed: 8 forms of at most 0.01 each could be more than A's 0.05
        ({"x": 0.5, "A": 0.05, "y": 0.01}, "B", "8 %"),
        # B is listed once: 7 more forms of at most 0.02: 0.1 + 0.14 > 0.2
        ({"x": 0.4, "A": 0.2, "B": 0.1, "y": 0.02}, "B", "24 %"),
        # what is not listed is 0.05 together, which is more than A has
        ({"x": 0.9, "A": 0.04, "y": 0.01}, "B", "5 %"),
        # no option is listed at all
        ({"The\x1b[2J\n": 0.6, "I": 0.3, "x": 0.05}, "B", "5 %"),
        # the forms of A that are not listed count, too: B 0.2 leads, A has 0.19 and up to 7 × 0.01 more
        ({"x": 0.3, "B": 0.2, "A": 0.19, "y": 0.01}, "A", "26 %"),
    ],
)
def test_an_item_whose_pick_could_change_is_unknown(tokens: dict[str, float], second: str, possible: str) -> None:
    completion = read_first_token(REPLY, listed(tokens), ("A", "B"))
    assert (completion.text, completion.finish, completion.logprobs, completion.tokens_in) == ("", "error", None, 25)
    assert f", {second} may have up to {possible} with spellings that are not listed (the likeliest token is “" in str(
        completion.error
    )
    assert "\n" not in str(completion.error)


def test_only_what_could_win_makes_an_item_unknown() -> None:
    tokens = {"A": 0.5, "B": 0.3, "x": 0.1, "y": 0.01}
    assert read_first_token(REPLY, listed(tokens), ABCD).text == "A"  # C and D: 8 × 0.01 each


def entries(*pairs: tuple[Any, Any]) -> list[dict[str, Any]]:
    """As Ollama writes the tokens of a reply's first position, and OpenAI the same under `content`."""
    return [{"token": "A", "logprob": -0.1, "top_logprobs": [{"token": t, "logprob": p} for t, p in pairs]}]


@pytest.mark.parametrize(
    "positions",
    [
        None, [], {}, "A", [None], [{}], [{"token": "A", "logprob": -0.1}], [{"top_logprobs": None}], entries(),
        entries(("A", math.nan)), entries(("A", None)), entries(("A", "−0.1")), entries(("A", True)),
        entries(("A", 0.5)), entries(("A", -0.1), ("B", math.inf)), entries((None, -0.1)), entries((65, -0.1)),
        entries(("A", -0.1), ("B", -0.1)), [{"top_logprobs": ["A"]}], [{"top_logprobs": {"A": -0.1}}],
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_right_is_a_failure(positions: Any) -> None:
    with pytest.raises(CallError, match=r"the server lists|probabilities of the first tokens") as error:
        listed_tokens(positions)
    assert error.value.lasting


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((("A", -0.1), ("B", -3.0)), [("A", -0.1), ("B", -3.0)]),
        ((("A", 1e-7), ("B", -20)), [("A", 0.0), ("B", -20.0)]),  # rounding of float32
        ((("A", 0), ("B", -9999.0)), [("A", 0.0), ("B", -9999.0)]),  # OpenAI's word for impossible
        ((("A", -0.0), ("B", -math.inf)), [("A", 0.0), ("B", -math.inf)]),
    ],
)
def test_a_list_as_it_is_read(pairs: tuple[tuple[str, float], ...], expected: list[tuple[str, float]]) -> None:
    tokens = listed_tokens(entries(*pairs))
    assert tokens == expected
    completion = read_first_token(REPLY, tokens, ("A", "B"))
    assert completion.text == "A"
    assert all(map(math.isfinite, completion.logprobs or ()))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_list_that_is_shorter_than_asked_bounds_by_its_own_last(length: int) -> None:
    tokens = list({"A": 0.6, "B": 0.2, "x": 0.1, "y": 0.05, "z": 0.02}.items())[:length]
    # 1: what is not listed is 0.4 < 0.6 together; 2: B 0.2 + 0.2 < 0.6; 5: B 0.2 + 7 × 0.02 < 0.6
    assert read_first_token(REPLY, listed(dict(tokens)), ("A", "B")).text == "A"


@pytest.mark.parametrize(
    ("reply", "tokens"),
    [
        (Completion(text="", reasoning="Let me think"), {"A": 0.9, "B": 0.05}),
        (REPLY, {"<think>": 0.9, "A": 0.08, "B": 0.01}),
        (REPLY, {"[THINK]": 0.99, "A": 0.005}),
        (REPLY, {"<|channel>thought": 0.7, "A": 0.2, "B": 0.05}),
    ],
)
def test_a_reply_that_begins_with_reasoning_has_no_letter_first(reply: Completion, tokens: dict[str, float]) -> None:
    with pytest.raises(CallError, match="reasons before it answers, so its first token is no answer"):
        read_first_token(reply, listed(tokens), ("A", "B"))
