"""A small file cannot fill the memory: aliases, anchors and merges are bounded, as is the file itself."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.parser import load_suite
from harness.suite.yaml_source import read_source

NINE = "abcdefghi"


def nested(form: Callable[[str], str], first: str) -> str:
    """Each line names the one before it nine times: nine lines stand for 9⁸ values."""
    lines = [f"a: &a {first}"]
    return "\n".join([*lines, *(f"{name}: &{name} {form(before)}" for before, name in pairwise(NINE))])


WRITTEN_OUT = (
    "with its aliases written out the file has more than 50,000 values or 8,388,608 characters; use fewer of them"
)
BOMBS = {
    "lists": (nested(lambda name: "[" + ", ".join([f"*{name}"] * 9) + "]", "[x, x, x]"), WRITTEN_OUT),
    "mappings": (nested(lambda name: "{" + ", ".join(f"k{i}: *{name}" for i in range(9)) + "}", "{x: 1}"), WRITTEN_OUT),
    "texts": ("a: &a '" + "x" * 100_000 + "'\nb: [" + ", ".join(["*a"] * 9999) + "]", WRITTEN_OUT),
    "merges": ("a: &a {" + ", ".join(f"k{i}: 1" for i in range(9999)) + "}\nb: {<<: [" + ", ".join(["*a"] * 9999) + "]}", WRITTEN_OUT),
    "a chain of merges": ("a0: &a0 {x: 1}\n" + "".join(f"a{i + 1}: &a{i + 1} {{<<: *a{i}, k{i}: 1}}\n" for i in range(5000)), WRITTEN_OUT),
    "megabytes of anchors": ("a: [" + ", ".join(f"&a{i} x" for i in range(200_000)) + "]", "bytes; a suite has at most 262,144"),
    "megabytes of text": ("a: '" + "x" * 3_000_000 + "'", "has 3,000,005 bytes; a suite has at most 262,144"),
    "brackets": ("a: " + "[" * 90_000, "not a suite: nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_line(write_suite: Callable[..., Path], name: str) -> None:
    text, reason = BOMBS[name]
    began = time.process_time()
    with pytest.raises(SuiteError) as caught:
        load_suite(write_suite(text))
    (line,) = str(caught.value).splitlines()
    assert line.endswith(reason)
    assert time.process_time() - began < 20


def test_anchors_that_are_used_as_meant(write_suite: Callable[..., Path]) -> None:
    text = "a: &a {x: [1, 2], y: t}\n" + "".join(f"b{i}: {{<<: *a, z: {i}}}\n" for i in range(300))
    data = read_source(write_suite(text)).data
    assert data["b299"] == {"x": [1, 2], "y": "t", "z": 299}
