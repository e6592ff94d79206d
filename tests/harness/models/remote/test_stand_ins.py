"""The stand-in servers do what their tests rely on: queue, cuts, renderings, faults, an end and a return."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.shared.faults import (
    COUNTS,
    DURATIONS,
    RENDERING,
    STRANGE_VERSIONS,
    Fault,
    dropping,
    fewer_alternatives,
    html,
    in_a_character,
    in_a_part,
    shorter,
    vector_changed,
    with_nan,
)
from tests.shared.go_template import BARE, CHATML, THINKER, render
from tests.shared.ollama_fixtures import model_there
from tests.shared.ollama_stand_in import Body, Script, ServedModel, StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, OpenAIStandIn
from tests.shared.recorded_models import recorded_models

Serve = Callable[[Any], Any]
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name a tree."},
    {"role": "assistant", "content": "Oak"},
    {"role": "user", "content": "Name a fruit."},
]
CHAT = {"model": "judge", "messages": [{"role": "user", "content": "abc"}]}
ASKED = {"model": "smol", "messages": [{"role": "user", "content": "abc"}]}


def hello(body: Body) -> str:
    return "Hello there, 你好."


def post(server: Any, body: Body, path: str = "/api/chat") -> httpx.Response:
    return httpx.post(server.place + path, json=body, timeout=30)


def lines(response: httpx.Response) -> list[Body]:
    return [json.loads(line) for line in response.text.splitlines()]


# -- renderings ---------------------------------------------------------------------------------------------------------

SYSTEM_FIRST = "{{ if .System }}[{{ .System }}]{{ end }}Q: {{ .Prompt }}\nA: {{ .Response }}\n"


@pytest.mark.parametrize(
    ("template", "version", "think", "rendered"),
    [
        (BARE, (0, 24, 0), None, "Name a tree.OakName a fruit."),  # the system turn is lost, the others run together
        (BARE, (0, 33, 0), None,
         "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nName a tree.<|im_end|>\n<|im_start|>assistant\nOak"
         "<|im_end|>\n<|im_start|>user\nName a fruit.<|im_end|>\n<|im_start|>assistant\n"),
        (CHATML, (0, 24, 0), None,
         "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nName a tree.<|im_end|>\n<|im_start|>assistant\nOak"
         "<|im_end|>\n<|im_start|>user\nName a fruit.<|im_end|>\n<|im_start|>assistant\n"),
        (SYSTEM_FIRST, (0, 33, 0), None, "[Be brief.]Q: Name a tree.\nA: Oak\nQ: Name a fruit.\nA: "),
        (THINKER, (0, 33, 0), True,
         "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nName a tree.<|im_end|>\n<|im_start|>assistant\nOak"
         "<|im_end|>\n<|im_start|>user\nName a fruit.<|im_end|>\n<|im_start|>assistant\n<think>\n"),
    ],
)  # fmt: skip
def test_a_conversation_is_rendered_as_ollama_renders_it(
    template: str, version: tuple[int, ...], think: Any, rendered: str
) -> None:
    assert render(template, TALK, version=version, think=think) == rendered


@pytest.mark.parametrize("path", ["/apply-template", "/tokenize"])
def test_servers_of_openais_form_tell_their_rendering(path: str, serve: Serve) -> None:
    kind = LlamaServer if path == "/apply-template" else Vllm
    server = serve(kind(Script(hello), template="{% for message in messages %}<{{ message['content'] }}>{% endfor %}"))
    reply = post(server, {"model": "smol", "messages": TALK}, path).json()
    text = reply.get("prompt") or "".join(map(chr, reply["tokens"]))
    assert text == "<Be brief.><Name a tree.><Oak><Name a fruit.>"


# -- the queue ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("parallel", "least", "most"), [(1, 0.4, 9.0), (2, 0.2, 9.0), (4, 0.1, 9.0)])
def test_requests_wait_for_their_turn(parallel: int, least: float, most: float, serve: Serve) -> None:
    """Four replies of 0.1 s: what the server worked is told without the queue, `total_duration` with it."""
    server = serve(StandIn(Script(lambda body: "a b c d", seconds=0.1), parallel=parallel))
    replies: list[Body] = []
    began = time.monotonic()
    threads = [
        threading.Thread(target=lambda: replies.append(post(server, CHAT | {"stream": False}).json())) for _ in "1234"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert least <= time.monotonic() - began < most
    assert server.queue.most == parallel
    worked = sorted(reply["eval_duration"] / 1e9 for reply in replies)
    assert worked[0] >= 0.1
    assert max(reply["total_duration"] for reply in replies) / 1e9 >= 0.7 * least


def test_nothing_is_sent_while_a_request_waits(serve: Serve) -> None:
    server = serve(StandIn(Script(lambda body: "a b", seconds=0.3)))
    first = threading.Thread(target=post, args=(server, CHAT))
    first.start()
    time.sleep(0.1)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(server.place + "/api/chat", json=CHAT, timeout=0.05)
    first.join()
    assert server.queue.most == 1


# -- prompts that do not fit --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "size", "shift", "counts"),
    [
        # 512: 0.24 keeps 512 of a longer prompt, 0.33 makes half of it free: 512 − (512 − 4) // 2 = 258
        ("0.24.0", 9000, None, (512, 900, "stop")),
        ("0.33.0", 9000, None, (258, 900, "stop")),
        # 100 are used, so 412 are left (0.24: one more, which takes no place), unless the prompt makes room
        ("0.24.0", 100, False, (100, 413, "length")),
        ("0.33.0", 100, False, (100, 412, "length")),
        ("0.33.0", 100, True, (100, 900, "stop")),
    ],
)  # fmt: skip
def test_a_context_is_kept(
    version: str, size: int, shift: bool | None, counts: tuple[int, int, str], serve: Serve
) -> None:
    server = serve(StandIn(Script(lambda body: "y" * 900), version=version))
    body = {"model": "judge", "messages": [{"role": "user", "content": "x" * size}], "options": {"num_ctx": 512}}
    reply = post(server, body | {"stream": False} | ({} if shift is None else {"shift": shift})).json()
    assert (reply["prompt_eval_count"], reply["eval_count"], reply["done_reason"]) == counts


@pytest.mark.parametrize(("version", "tokens"), [("0.24.0", 4096), ("0.33.0", 2050)])
def test_v1_cuts_in_silence(version: str, tokens: int, serve: Serve) -> None:
    server = serve(StandIn(Script(hello), version=version))
    body = {"model": "judge", "messages": [{"role": "user", "content": "x" * 7027}], "options": {"num_ctx": 8192}}
    assert post(server, body, "/v1/chat/completions").json()["usage"]["prompt_tokens"] == tokens


# -- names and models ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "asked", "is_there"),
    [
        ("judge:latest", "JUDGE", True),
        ("Qwen2.5:0.5b", "qwen2.5:0.5B", True),
        ("hf.co/bartowski/SmolLM2-GGUF:Q4_K_M", "hf.co/bartowski/smollm2-gguf:q4_k_m", True),
        ("hf.co/bartowski/SmolLM2-GGUF:latest", "hf.co/bartowski/SmolLM2-GGUF", True),
        ("qwen2.5:0.5b", "qwen2.5", False),
    ],
)
def test_names_match_as_ollama_matches_them(name: str, asked: str, is_there: bool, serve: Serve) -> None:
    server = serve(StandIn(Script(hello), models=[name]))
    assert post(server, {"model": asked}, "/api/show").status_code == (200 if is_there else 404)


def test_two_hosts_may_have_other_models_of_the_same_name(serve: Serve) -> None:
    digests = []
    for digest in ("aaa", "bbb"):
        server = serve(StandIn(Script(hello, digest=digest)))
        digests += [entry["digest"] for entry in httpx.get(server.place + "/api/tags").json()["models"]]
    assert digests == ["aaa", "bbb"]


@pytest.mark.parametrize(("capabilities", "status"), [(("completion",), 501), (("embedding",), 200)])
def test_only_what_embeds_embeds(capabilities: tuple[str, ...], status: int, serve: Serve) -> None:
    engine = Script(hello)
    server = serve(StandIn(engine, models=[ServedModel(name="nomic", engine=engine, capabilities=capabilities)]))
    reply = post(server, {"model": "nomic", "input": ["ab", "c"]}, "/api/embed")
    assert reply.status_code == status
    if status == 200:
        assert [len(vector) for vector in reply.json()["embeddings"]] == [16, 16]


# -- faults -------------------------------------------------------------------------------------------------------------


def test_a_stream_is_cut_inside_a_part_or_a_character(serve: Serve) -> None:
    server = serve(StandIn(Script(hello)))
    server.faults = [Fault(cut=in_a_part), Fault(cut=in_a_character), Fault(half=True), Fault(undone=True)]
    for _ in "12":
        with pytest.raises(httpx.RemoteProtocolError):
            post(server, CHAT)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|Extra"):
        lines(post(server, CHAT))
    assert [part["done"] for part in lines(post(server, CHAT))] == [False] * 3
    assert lines(post(server, CHAT))[-1]["done"] is True


@pytest.mark.parametrize(
    ("fault", "path", "body", "is_as_wanted"),
    [
        (Fault(without=COUNTS), "/api/chat", CHAT, lambda r: not set(COUNTS) & lines(r)[-1].keys()),
        (Fault(without=DURATIONS), "/api/chat", CHAT, lambda r: not set(DURATIONS) & lines(r)[-1].keys()),
        (Fault(without=("done",)), "/api/chat", CHAT, lambda r: "done" not in lines(r)[-1]),
        (Fault(instead={"error": "gone wrong"}), "/api/chat", CHAT, lambda r: lines(r)[-1] == {"error": "gone wrong"}),
        (Fault(at=RENDERING, without=("_debug_info",)), "/api/chat", CHAT | {"_debug_render_only": True},
         lambda r: "_debug_info" not in r.json()),
        (html(), "/api/chat", CHAT, lambda r: (r.status_code, r.text[:9]) == (200, "<!DOCTYPE")),
        (html(502), "/api/chat", CHAT, lambda r: (r.status_code, r.headers["content-type"][:9]) == (502, "text/html")),
        (Fault(status=429, headers={"Retry-After": "7"}), "/api/chat", CHAT, lambda r: r.headers["retry-after"] == "7"),
        (Fault(status=401), "/api/chat", CHAT, lambda r: r.status_code == 401),
        (Fault(change=fewer_alternatives(0)), "/api/chat", CHAT | {"logprobs": True, "top_logprobs": 5},
         lambda r: lines(r)[0]["logprobs"][0]["top_logprobs"] == []),
        (Fault(at="/api/version", without=("version",)), "/api/version", None, lambda r: r.json() == {}),
    ],
)  # fmt: skip
def test_a_fault_is_what_it_says(fault: Fault, path: str, body: Any, is_as_wanted: Any, serve: Serve) -> None:
    server = serve(StandIn(Script(hello)))
    server.faults = [fault]
    response = httpx.get(server.place + path) if body is None else post(server, body, path)
    assert is_as_wanted(response)
    assert server.faults == []


@pytest.mark.parametrize("path", ["/api/embed", "/v1/embeddings"])
def test_vectors_go_wrong_in_the_middle(path: str, serve: Serve) -> None:
    server = serve(StandIn(Script(hello), version="0.24.0"))
    server.faults = [
        Fault(at=path, change=vector_changed(1, shorter)),
        Fault(at=path, change=vector_changed(1, with_nan)),
    ]
    body = {"model": "judge", "input": ["a", "b", "c"]}

    def vectors() -> list[list[float]]:
        reply = json.loads(post(server, body, path).text)
        return reply.get("embeddings") or [entry["embedding"] for entry in reply["data"]]

    assert [len(vector) for vector in vectors()] == [16, 15, 16]
    assert [vector[0] != vector[0] for vector in vectors()] == [False, True, False]
    assert [len(vector) for vector in vectors()] == [16, 16, 16]


@pytest.mark.parametrize("version", STRANGE_VERSIONS)
def test_versions_of_a_strange_form(version: str | None, serve: Serve) -> None:
    server = serve(StandIn(Script(hello), version=version))
    response = httpx.get(server.place + "/api/version")
    assert response.status_code == (404 if version is None else 200)
    assert post(server, CHAT | {"stream": False}).json()["message"]["content"] == hello({})


def test_dripping_bytes_and_silence_behind_the_headers(serve: Serve) -> None:
    server = serve(StandIn(Script(hello)))
    server.faults = [Fault(drip=0.02), Fault(silent=1.5)]
    for begins, ends in ((0.0, 0.2), (1.5, 1.5)):
        began = time.monotonic()
        with httpx.stream("POST", server.place + "/api/chat", json=CHAT) as response:
            assert time.monotonic() - began < 1.4  # the headers come at once
            pieces = response.iter_raw()
            first = next(pieces)
            assert time.monotonic() - began >= begins
            rest = first + b"".join(pieces)
        assert time.monotonic() - began >= ends
        assert rest.endswith(b"}\n")


# -- changes, an end and a return -----------------------------------------------------------------------------------------


def test_a_server_dies_after_some_replies_and_comes_back(serve: Serve) -> None:
    server = serve(StandIn(Script(hello)))
    server.after(2, server.vanish)
    assert [post(server, CHAT).status_code for _ in "12"] == [200, 200]
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        post(server, CHAT)
    time.sleep(0.2)
    with pytest.raises(httpx.ConnectError):
        post(server, CHAT)
    server.come_back()
    assert post(server, CHAT).status_code == 200


def test_a_server_becomes_another_one(serve: Serve) -> None:
    engine = Script(hello)
    server = serve(StandIn(engine))
    server.after(1, lambda: setattr(server, "version", "0.34.0"))
    server.after(2, lambda: setattr(engine, "digest", "other"))
    seen = []
    for _ in "123":
        post(server, CHAT)
        version = httpx.get(server.place + "/api/version").json()["version"]
        seen.append((version, httpx.get(server.place + "/api/tags").json()["models"][0]["digest"]))
    assert seen == [("0.34.0", "5c71e7"), ("0.34.0", "other"), ("0.34.0", "other")]


# -- servers of OpenAI's form -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Hosted, LlamaServer, Vllm])
@pytest.mark.parametrize("usage", [False, True])
def test_a_stream_says_what_the_whole_reply_says(kind: type[OpenAIStandIn], usage: bool, serve: Serve) -> None:
    server = serve(kind(Script(hello)))
    whole = post(server, ASKED, "/v1/chat/completions").json()
    body = ASKED | {"stream": True} | ({"stream_options": {"include_usage": True}} if usage else {})
    events = [
        line.removeprefix("data: ") for line in post(server, body, "/v1/chat/completions").text.split("\n\n") if line
    ]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text == whole["choices"][0]["message"]["content"] == hello({})
    assert [chunk["usage"]["total_tokens"] for chunk in chunks if chunk.get("usage")] == (
        [whole["usage"]["total_tokens"]] if usage else []
    )


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (Hosted, {"/v1/models"}),
        (LlamaServer, {"/v1/models", "/props", "/health"}),
        (Vllm, {"/v1/models", "/version", "/health"}),
    ],
)
def test_servers_are_told_apart_by_what_they_answer(kind: type[OpenAIStandIn], paths: set[str], serve: Serve) -> None:
    server = serve(kind(Script(hello)))
    asked = ("/v1/models", "/props", "/version", "/health", "/api/version")
    assert {path for path in asked if httpx.get(server.place + path).status_code == 200} == paths


def test_only_vllm_scores_a_prompt(serve: Serve) -> None:
    body = {"model": "smol", "prompt": "abab", "max_tokens": 1, "echo": True, "logprobs": 1}
    texts = {}
    for kind in (LlamaServer, Vllm):
        choice = post(serve(kind(Script(hello))), body, "/v1/completions").json()["choices"][0]
        texts[kind.__name__] = choice["text"]
    assert texts == {"LlamaServer": "H", "Vllm": "ababH"}


@pytest.mark.parametrize(
    ("kind", "size", "status", "words"),
    [
        (LlamaServer, 3000, 400, "exceeds the available context size (2048 tokens)"),
        (Vllm, 3000, 400, "maximum context length is 2048 tokens"),
        (Hosted, 3000, 400, "maximum context length is 2048 tokens"),
    ],
)
def test_a_prompt_that_does_not_fit_is_refused(
    kind: type[OpenAIStandIn], size: int, status: int, words: str, serve: Serve
) -> None:
    server = serve(kind(Script(hello), template="{% for message in messages %}{{ message['content'] }}{% endfor %}"))
    response = post(
        server, {"model": "smol", "messages": [{"role": "user", "content": "x" * size}]}, "/v1/chat/completions"
    )
    assert response.status_code == status
    assert words in response.json()["error"]["message"]


def test_a_service_may_cut_in_silence(serve: Serve) -> None:
    server = serve(Hosted(Script(hello), cuts=True, context=100))
    for size in (50, 200, 5000):
        body = {"model": "smol", "messages": [{"role": "user", "content": "x" * size}]}
        assert post(server, body, "/v1/chat/completions").json()["usage"]["prompt_tokens"] == min(size, 100)


def test_a_prompt_that_begins_like_the_one_before_costs_less(serve: Serve) -> None:
    """Eight of ten tokens are still there: a fifth of the time."""
    server = serve(LlamaServer(Script(hello, prompt_seconds=0.1), template="{{ messages[0]['content'] }}"))
    told = []
    for text in ("abcdefghij", "abcdefghXY"):
        body = {"model": "smol", "messages": [{"role": "user", "content": text}]}
        reply = post(server, body, "/v1/chat/completions").json()
        told.append((reply["usage"]["prompt_tokens_details"]["cached_tokens"], round(reply["timings"]["prompt_ms"])))
    assert told == [(0, 100), (8, 20)]


@pytest.mark.parametrize("keys", [("usage",), ("timings", "usage"), ("finish_reason",)])
def test_fields_can_be_left_out(keys: tuple[str, ...], serve: Serve) -> None:
    server = serve(LlamaServer(Script(hello)))
    server.faults = [Fault(change=dropping(*keys))]
    text = post(server, ASKED, "/v1/chat/completions").text
    assert not any(f'"{key}"' in text for key in keys)


@pytest.mark.parametrize(
    ("wanted", "version", "name"),
    [
        (None, "0.24.0", "smollm2:135m"),  # not the one that thinks, nor the one whose template drops turns
        (None, "0.33.0", "smollm2:135m"),
        ("GEMMA3:270M", "0.33.0", "gemma3:270m"),
        ("thinker", "0.24.0", "thinker:latest"),
    ],
)
def test_the_tests_of_a_real_server_choose_a_model(wanted: str | None, version: str, name: str, serve: Serve) -> None:
    engine = Script(hello)
    server = serve(StandIn(engine, models=recorded_models(engine), version=version))
    assert model_there(server.place, wanted) == name
