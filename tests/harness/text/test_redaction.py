"""What counts as a secret, and the spellings in which it is found."""

from urllib.parse import quote

import pytest

from harness.records.outputs import Completion
from harness.text.redaction import Redaction, is_secret, resembles_key

KEY = "sk-live-Abc123"
ODD = 'a"b\\c<d>&é/1'


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("OPENAI_API_KEY", "x", True), ("apiKey", "x", True), ("x-auth-token", "x", True), ("MY_SECRET", "x", True),
        ("db_password", "x", True), ("PASS", "x", True), ("client.secret", "x", True), ("Authorization", "x", True),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", True), ("SESSION", "9f8e7d6c5b4a", True),
        ("PRIMARY_KEY", "patient_id", False), ("KEYWORDS", "fever1 cough2", False), ("STOP_TOKEN", "<|im_end|>", False),
        ("MAX_TOKENS", "2048", False), ("DATA", "/home/me/data2024", False), ("AUTHOR", "9f8e7d6c5b4a", False), ("MONKEY", "x", False),
        ("COMPASS", "x", False), ("BYPASS_MODE", "x", False),
    ],
)  # fmt: skip
def test_what_the_name_of_a_variable_says(name: str, value: str, expected: bool) -> None:
    assert is_secret(name, value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("tok_9f8e7d6c5b4a", True), ("550e8400-e29b-41d4-a716-446655440000", True), ("cardiology", False), ("localhost", False),
     ("/srv/models/qwen2", False), ("http://10.0.0.5:8000", False), ("2048", False), ("fever since 3 days", False)],
)  # fmt: skip
def test_what_resembles_a_key(value: str, expected: bool) -> None:
    assert resembles_key(value) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"it is {KEY}.", "it is ${A}."),
        (f"{KEY}{KEY}", "${A}${A}"),
        (f"?key={quote(ODD, safe='')}", "?key=${B}"),
        (r"{\"k\": \"a\"b\\c<d>&é/1\"}".replace('a\\"b', 'a"b').replace("\\\\", "\\"), r"{\"k\": \"${B}\"}"),
        ('json: a\\"b\\\\c<d>&\\u00e9/1', "json: ${B}"),
        ("html: a&quot;b\\c&lt;d&gt;&amp;é/1", "html: ${B}"),
        ("?key=" + quote(ODD, safe="").lower(), "?key=${B}"),
        ("?key=two+words+12345&x", "?key=${F}&x"),
        (str({"error": f"no {ODD}"}), "{'error': 'no ${B}'}"),
        (str({"error": "no it's\\1\tnow"}), "{'error': \"no ${G}\"}"),
        (str({"error": 'no "it\'s\\1\tnow"'}), "{'error': 'no \"${G}\"'}"),
        ("nothing", "nothing"),
        ("short: EMPTY ollama 12345", "short: EMPTY ollama 12345"),
    ],
)
def test_every_spelling_gives_way_to_the_name(text: str, expected: str) -> None:
    secrets = {"A": KEY, "B": ODD, "C": "EMPTY", "D": "ollama", "E": "12345", "F": "two words 12345"}
    redaction = Redaction({**secrets, "G": "it's\\1\tnow"})
    assert redaction.redact(text) == expected


@pytest.mark.parametrize(
    ("secret", "content", "expected"),
    [
        (KEY, f'{{"a": "{KEY}"}}'.encode(), b'{"a": "${A}"}'),
        ("密钥密钥密钥密钥1", '"密钥密钥密钥密钥1"'.encode(), b'"${A}"'),
        ("1234567890", b'{"mean": 0.1234567890}', b'{"mean": 0.1234567890}'),  # digits may be a number's
        ("1234567890", b'{"n": 1234567890, "a": "is 1234567890, so"}', b'{"n": 1234567890, "a": "is ${A}, so"}'),
        ("12345678", rb'["a \"12345678\" b", 12345678, "0.123456789"]', rb'["a \"${A}\" b", 12345678, "0.123456789"]'),
        ("4711081512345678", b'{"p":"4711081512345678"}', b'{"p":"${A}"}'),
    ],
)
def test_files(secret: str, content: bytes, expected: bytes) -> None:
    assert Redaction({"A": secret}).redact_bytes(content) == expected


def test_a_secret_within_another_comes_second() -> None:
    assert Redaction({"A": KEY, "B": f"{KEY}-longer"}).redact(f"{KEY}-longer {KEY}") == "${B} ${A}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Completion(text=f"a {KEY}"), Completion(text="a ${A}")),
        (Completion(text="", finish="error", error=f"no {KEY}"), Completion(text="", finish="error", error="no ${A}")),
        (Completion(text="ollama", error="ollama"), Completion(text="ollama", error="${B}")),  # messages are not scored
    ],
)
def test_completions(before: Completion, after: Completion) -> None:
    assert Redaction({"A": KEY}, {"B": "ollama"}).redact_completion(before) == after
