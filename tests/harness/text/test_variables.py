"""Variables of the environment in texts, lists and mappings."""

from typing import Any

import pytest

from harness.text.variables import expanded, is_variable_name, names_in, variables_in


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A", "one")
    monkeypatch.setenv("B", "two")
    monkeypatch.setenv("lower", "three")
    monkeypatch.setenv("EMPTIED", "")
    monkeypatch.delenv("UNSET", raising=False)


@pytest.mark.parametrize(
    ("content", "expected", "names"),
    [
        ("${A}-${B}", "one-two", ["A", "B"]),
        ({"a": ["${A}", 5, None], "b": {"c": "x${B}"}}, {"a": ["one", 5, None], "b": {"c": "xtwo"}}, ["A", "B"]),
        ("${UNSET} ${EMPTIED} $A {A}", "${UNSET} ${EMPTIED} $A {A}", ["UNSET", "EMPTIED"]),
        (
            "${UNSET:-a/b c}, ${EMPTIED:-}, ${A:-x}, $${UNSET:-x}",
            "a/b c, , one, ${UNSET:-x}",
            ["UNSET", "EMPTIED", "A"],
        ),
        (7, 7, []),
    ],
)
def test_values_for_names(content: Any, expected: Any, names: list[str]) -> None:
    assert expanded(content) == expected
    assert names_in(content) == names
    has_default = ":-" in str(content)
    assert set(variables_in(content)) == set(names) - ({"UNSET", "EMPTIED"} if not has_default else set())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("OPENAI_API_KEY", True), ("KEY2", True), ("lower", True), ("lower_unset", False), ("sk-abc", False), ("AKIAIOSFODNN7EXAMPLE", False),
     ("A" * 13, False), ("A" * 300, False), ("", False), ("A=B", False), ("\ud83d", False), ("A\x00", False), ("KEY_", False)],
)  # fmt: skip
def test_names(text: str, expected: bool) -> None:
    assert is_variable_name(text) is expected
