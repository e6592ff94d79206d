"""Secrets stay where they are: nothing that a run writes or prints holds a key, whoever repeats it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import SuiteError
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.records.inputs import Generation, Message
from harness.suite.parser import load_suite
from tests.shared.commands import run_command
from tests.shared.finished import unpacked
from tests.shared.raw_server import RawServer, chat, ollama_chat, raw_server, reply

KEY = "sk-live-Abc123Def456Ghi789"
SECRET = 'p4ss/"word" & <more>'
TOKEN = "tok_9f8e7d6c5b4a"
SECRETS = (KEY, SECRET, TOKEN)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "MY_API_KEY": KEY,
        "OLLAMA_API_KEY": KEY,
        "MY_SECRET": SECRET,
        "TENANT": TOKEN,
        "TENANT_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)


# -- api_key ------------------------------------------------------------------------------------------------------------

SUITE = """
name: s
models:
  m: {{openai: {{model: tiny, url: "{place}/v1", {further}, retries: 0}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    prompt: "{{{{ input }}}} by ${{MY_SECRET}}"
    system: "${{TENANT_TOKEN}}"
    metrics: {{accuracy: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""
ROWS = '{"q": "one", "a": "fine"}\n{"q": "two", "a": "fine"}\n'

PASTED = [
    "sk-live-Abc123", "sk-proj-T3BlbkFJ_x-y", "hf_AbCdEfGhIjKlMnOpQrSt", "gsk_abcdefghijklmnop1234", "AIzaSyD-9tSrke72PouQMnMX", "ghp_16C7e42F292c6912E7",
    "AKIAIOSFODNN7EXAMPLE", "0123456789abcdef0123456789abcdef", "550e8400-e29b-41d4-a716-446655440000", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi", "Bearer sk-abc",
    "ABCDEFGHIJKLMNOPQRST", "a key with spaces", "", "密钥",
]  # fmt: skip


@pytest.mark.parametrize("pasted", PASTED)
def test_a_pasted_key_is_refused_and_not_shown(pasted: str, write_suite: Callable[..., Path]) -> None:
    path = write_suite(SUITE.format(place="http://h", further=f'api_key: "{pasted}"'), rows__jsonl=ROWS)
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    assert str(caught.value) == (
        "suite.yaml:4: models.m.openai.api_key: takes the name of an environment variable that holds the key, such as "
        "OPENAI_API_KEY, not the key itself"
    )
    with pytest.raises(ValidationError) as refused:
        OpenAI(model="tiny", api_key=pasted)
    assert not pasted or pasted not in str(refused.value)


@pytest.mark.parametrize(
    "written", ["12345678901234567890", "[sk-live-Abc123]", "{sk-live-Abc123: 1}", "1.5e300", "null"]
)
def test_a_key_of_another_type_is_not_shown(written: str, write_suite: Callable[..., Path]) -> None:
    path = write_suite(SUITE.format(place="http://h", further=f"api_key: {written}"), rows__jsonl=ROWS)
    with pytest.raises(
        SuiteError, match=r"^suite.yaml:4: models.m.openai.api_key[.\w]*: (takes the name|a number)"
    ) as caught:
        load_suite(path)
    assert written.strip("[]{}") not in str(caught.value)


@pytest.mark.parametrize("variable", ["MY_API_KEY", "OLLAMA_API_KEY", "TENANT"])
def test_a_key_from_a_variable_is_written_by_its_name(variable: str, write_suite: Callable[..., Path]) -> None:
    path = write_suite(SUITE.format(place="http://h", further=f'api_key: "${{{variable}}}"'), rows__jsonl=ROWS)
    with pytest.raises(SuiteError, match=r"not the key itself; write it without \$\{…\}$") as caught:
        load_suite(path)
    assert os.environ[variable] not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "MY_KEY", "AZURE_KEY_2", "KEY", "HF_TOKEN", "VLLM_KEY2", "my_own_variable"]
)
def test_names_of_variables(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the usual form, or set."""
    monkeypatch.setenv("my_own_variable", "x")
    assert OpenAI(model="tiny", api_key=name).api_key == name


@pytest.mark.parametrize(
    "extra", ['{api_key: "sk-live-Abc123Def"}', '{headers: {Authorization: "Bearer sk-live-Abc123Def"}}', '{a: [{authToken: "tok_9f8e7d6c5b4a"}]}']
)  # fmt: skip
def test_a_secret_in_extra_is_refused(extra: str, write_suite: Callable[..., Path]) -> None:
    path = write_suite(SUITE.format(place="http://h", further=f"extra: {extra}"), rows__jsonl=ROWS)
    with pytest.raises(
        SuiteError, match=r"models.m.openai.extra: \w+ holds a secret; .* write \$\{NAME\} for it$"
    ) as caught:
        load_suite(path)
    assert not [part for part in ("Abc123", "9f8e7d") if part in str(caught.value)]


@pytest.mark.parametrize(
    "extra", ["{max_tokens: 5}", '{prompt_cache_key: "clinical-terms"}', '{stop_token: "<|im_end|>"}', '{user: "me"}']
)
def test_what_is_no_secret_in_extra(extra: str, write_suite: Callable[..., Path]) -> None:
    load_suite(write_suite(SUITE.format(place="http://h", further=f"extra: {extra}"), rows__jsonl=ROWS))


# -- a run --------------------------------------------------------------------------------------------------------------


def harness(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_command(*arguments, cwd=cwd, HARNESS_CACHE=str(cwd / "cache"))


def leaks(folder: Path, *outputs: str) -> list[str]:
    """Where a secret stands, in any spelling: files of every kind, names of files, and what was printed."""
    spellings = {
        form for secret in SECRETS for form in (secret, json.dumps(secret)[1:-1], secret.replace("&", "&amp;"))
    }
    places = []
    for path in (path for path in folder.rglob("*") if path.is_file() and path.name != "suite.yaml"):
        content = path.read_bytes()
        if path.name == "report.html":
            content += json.dumps(unpacked(content.decode()), ensure_ascii=False).encode()
        places += [f"{form} in {path}" for form in spellings if form.encode() in content]
    return places + [f"{form} printed" for form in spellings for output in outputs if form in output]


def echoing_answer(server: RawServer, request: bytes) -> list[bytes]:
    """Answers with all that it was sent, keys and paths among it."""
    text = f"{request.decode()} {' '.join(SECRETS)} fine"
    is_ollama = b"/api/" in request.split(b"\r\n")[0]
    if request.startswith(b"GET") and is_ollama and b"ollama-python" not in request:
        return [reply({}, 404)]  # asked whether it is an Ollama: it is none
    if request.startswith(b"GET"):
        return [
            reply(
                {"data": [{"id": "tiny"}], "models": [{"model": "tiny:latest", "digest": "abc"}], "version": "0.33.0"}
            )
        ]
    if b"/api/show" in request:
        return [reply({"model_info": {}})]
    return [reply(ollama_chat(text) if is_ollama else chat(text))]


def echoing_error(server: RawServer, request: bytes) -> list[bytes]:
    if request.startswith(b"GET") or b"/api/show" in request:
        return echoing_answer(server, request)
    return [reply({"error": {"message": f"denied: {request.decode()} {' '.join(SECRETS)}"}}, 400)]


def echoing_plainly(server: RawServer, request: bytes) -> list[bytes]:
    if request.startswith(b"GET") or b"/api/show" in request:
        return echoing_answer(server, request)
    return [reply(b"denied " + request + " ".join(SECRETS).encode(), 500, "text/html")]


def echoing_filtered(server: RawServer, request: bytes) -> list[bytes]:
    if request.startswith(b"GET") or b"/api/show" in request:
        return echoing_answer(server, request)
    text = " ".join(SECRETS)
    return [reply(chat(text, text) if b"/api/" not in request else ollama_chat(text, text))]


def refusing_the_list(server: RawServer, request: bytes) -> list[bytes]:
    return [reply({"data": [{"id": " ".join(SECRETS)}], "models": [{"model": KEY, "digest": KEY}]})]


FIELDS = 'api_key: MY_API_KEY, extra: {user: "${TENANT}", metadata: ["${MY_SECRET}"]}'


@pytest.mark.parametrize("further", [FIELDS, 'api_key: MY_API_KEY, extra: {a: {b: "x ${MY_SECRET} ${TENANT}"}}'])
@pytest.mark.parametrize(
    "answer", [echoing_answer, echoing_error, echoing_plainly, echoing_filtered, refusing_the_list]
)
def test_no_run_holds_a_secret(answer: Any, further: str, write_suite: Callable[..., Path], tmp_path: Path) -> None:
    with raw_server(answer) as server:
        place = f"{server.place}/${{TENANT}}"
        path = write_suite(SUITE.format(place=place, further=further), rows__jsonl=ROWS)
        runs = [harness(command, str(path), cwd=tmp_path) for command in ("plan", "run")]
        if answer is not refusing_the_list:
            assert any(KEY.encode() in request for request in server.requests)  # it was sent
            assert any(TOKEN.encode() in request for request in server.requests)
            assert list(tmp_path.rglob("report.html"))
    assert not leaks(tmp_path, *(result.stdout + result.stderr for result in runs))
    records = [json.loads(file.read_text()) for file in tmp_path.rglob("run.json")]
    for record in records if answer is not refusing_the_list else ():
        assert record["models"]["m"]["settings"]["url"] == place + "/v1"  # variables by their names
        assert record["models"]["m"]["identity"]["url"] == place + "/v1"
        assert "${MY_SECRET}" in json.dumps(record["models"]["m"]["settings"]["extra"])


OLLAMA = """
name: s
models: {{m: {{ollama: {{model: tiny, host: "{place}", retries: 0}}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    prompt: "{{{{ input }}}}"
    metrics: {{accuracy: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""


@pytest.mark.parametrize("credentials", ["", "me:${TENANT}@"])
@pytest.mark.parametrize(
    "answer", [echoing_answer, echoing_error, echoing_plainly, echoing_filtered, refusing_the_list]
)
def test_no_run_of_ollama_holds_a_secret(
    answer: Any, credentials: str, write_suite: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "SECRETS", (KEY, TOKEN) if credentials else (KEY,))
    with raw_server(answer) as server:
        place = server.place.replace("http://", f"http://{credentials}")
        path = write_suite(OLLAMA.format(place=place), rows__jsonl=ROWS)
        result = harness("run", str(path), cwd=tmp_path)
        assert any(KEY.encode() in request for request in server.requests)
    assert not leaks(tmp_path, result.stdout, result.stderr)
    assert not list(tmp_path.rglob("report.html")) or answer is not refusing_the_list


def test_an_answer_that_is_kept_from_before_is_shown_without_its_secret(tmp_path: Path) -> None:
    from harness.components.display import Display
    from harness.records.outputs import Completion
    from harness.runtime.cache import Cache
    from harness.runtime.context import Context

    cache = Cache(tmp_path / "calls.sqlite")
    model = OpenAI(model="tiny", api_key="MY_API_KEY", url="http://127.0.0.1:1")  # where nothing answers
    context = Context({"m": model}, cache, Display(), 0)
    prompt = (Message("user", "q"),)
    keys: list[str] = []
    get = cache.get
    cache.get = lambda asked: keys.extend(asked) or {key: Completion(text=f"it is {KEY}") for key in asked}  # type: ignore[method-assign, func-returns-value]
    assert context.generate("m", [prompt], Generation())[0].text == "it is ${MY_API_KEY}"
    assert len(keys) == 1
    assert get(keys) == {}
    cache.close()


def test_a_variable_is_a_part_of_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another value may be another model: the answers of the one are not those of the other."""
    model = OpenAI(model="tiny", url="http://127.0.0.1:1/${TENANT}/v1", extra={"user": "${MY_SECRET}"})
    before = model.identity()
    assert not [secret for secret in SECRETS if secret in json.dumps(before)]
    assert model.identity() == before
    for name in ("TENANT", "MY_SECRET"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "another")
            assert model.identity() != before
    assert "variables" not in OpenAI(model="tiny", url="http://127.0.0.1:1").identity()


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MY_API_KEY": "ollama", "DEPARTMENT": "cardiology", "PLACE": "localhost"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize("text", ["Use ollama for it.", "cardiology", "it runs on localhost"])
def test_a_word_in_a_variable_stays_in_answers(text: str) -> None:
    """Keys such as EMPTY or ollama, and words in `extra`, may stand in any answer: changing them would change a score."""
    with raw_server(lambda server, request: [reply(chat(text))]) as server:
        model = OpenAI(model="tiny", url=server.place, api_key="MY_API_KEY", extra={"a": "${DEPARTMENT} ${PLACE}"})
        (completion,) = model.generate([(Message("user", "q"),)], Generation(), [0])
        model.close()
    assert completion.text == text


@pytest.mark.usefixtures("words")
@pytest.mark.parametrize("text", ["bad key ollama", "no department cardiology", "no host localhost"])
def test_no_message_shows_what_a_variable_holds(text: str) -> None:
    with raw_server(lambda server, request: [reply({"error": text}, 400)]) as server:
        model = OpenAI(model="tiny", url=server.place, api_key="MY_API_KEY", extra={"a": "${DEPARTMENT} ${PLACE}"})
        (completion,) = model.generate([(Message("user", "q"),)], Generation(), [0])
        model.close()
    assert text.split()[-1] not in str(completion.error)
    assert text.split()[0] in str(completion.error)


@pytest.mark.parametrize(
    "host", ["http://me:geheim99@127.0.0.1:9", "http://me:ge%2Fheim@127.0.0.1:9", "me:geheim99@127.0.0.1:9"]
)
def test_a_password_in_ollama_host_is_not_shown(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.errors import ModelError

    monkeypatch.setenv("OLLAMA_HOST", host)
    model = Ollama(model="tiny", retries=0)
    with pytest.raises(ModelError, match=r"does not answer at (http://)?127.0.0.1:9;") as caught:
        model.check()
    assert "heim" not in str(caught.value)
    assert {"ge/heim", "geheim99"} & set(model.secrets().values())
