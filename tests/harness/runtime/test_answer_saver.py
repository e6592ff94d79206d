"""How answers reach the cache: none waits longer than storing takes, and none is lost when a batch ends."""

from pathlib import Path

import pytest

from harness.records.inputs import Generation, Message
from harness.records.outputs import Completion
from harness.runtime import answer_saver
from harness.runtime.answer_saver import AnswerSaver
from harness.runtime.cache import Cache
from harness.runtime.call_keys import KEY_VERSION, call_keys, key_options
from harness.text.canonical import digest

STORING = 0.125  # seconds


class Clock:
    """Time that passes when told, and while something is stored."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    own, put = Clock(), Cache.put

    def slow(self: Cache, model: str, completions: dict[str, Completion]) -> None:
        own.now += STORING
        put(self, model, completions)

    monkeypatch.setattr(answer_saver, "time", own)
    monkeypatch.setattr(Cache, "put", slow)
    return own


@pytest.mark.parametrize(
    ("gap", "stored"),
    [
        (2.0, [1, 2, 3, 4]),  # slow answers: each at once
        (0.0, [1, 1, 1, 1]),  # fast ones wait for the end of the batch, or for a second
        (0.625, [1, 1, 3, 3]),  # LONGEST is a second: the first and the second one behind it
    ],
)
def test_when_answers_are_stored(clock: Clock, tmp_path: Path, gap: float, stored: list[int]) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    saver = AnswerSaver(cache, "m")
    keys = [f"k{i}" for i in range(4)]
    counts = []
    for key in keys:
        saver.add(key, Completion(text=key))
        counts.append(len(cache.get(keys)))
        clock.now += gap
    assert counts == stored
    saver.save()
    assert {key: own.text for key, own in cache.get(keys).items()} == {key: key for key in keys}
    cache.close()


@pytest.mark.parametrize(
    "content",
    [{}, {"options": key_options(Generation(max_tokens=3, stop=("\n",))), "repeat": 2}, {"held by": {"a": "é"}}],
)
def test_a_key_is_the_digest_of_all_that_a_call_is_made_of(content: dict[str, object]) -> None:
    """However keys are put together: those of calls that are stored must not change."""
    prompts = [
        (Message("system", '"\\ \u2028'), Message("user", "病\ud800\x00\n")),
        (Message("user", ""),),
        (),
    ]
    expected = [
        digest(
            {
                "version": KEY_VERSION,
                "model": "m",
                "call": "generate",
                "messages": [[message.role, message.content] for message in prompt],
                **content,
            }
        )
        for prompt in prompts
    ]
    assert call_keys("m", "generate", prompts, [content] * 3) == expected
    assert call_keys("m", "generate", prompts[:2], [content, {"repeat": 7}])[0] == expected[0]
