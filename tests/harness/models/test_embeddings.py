"""Embedding models behind servers: what is sent, what is refused, how long a server is waited for, what is kept.

The servers are stand-ins of Ollama 0.24 and 0.33, of llama.cpp's and vLLM's, with a script behind them (a character is a
token); the tests marked slow have a real small model there.
"""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from harness.components.display import Display
from harness.components.model import Model
from harness.errors import ModelError, NotFiniteError, ServerGoneError
from harness.models.ollama_embedding import OllamaEmbedding
from harness.models.openai_embedding import OpenAIEmbedding
from harness.models.remote.embedding_reply import EmbeddingReply, in_order, vectors_of
from harness.records.inputs import JSON
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from tests.shared.engines import Body, Script
from tests.shared.faults import Fault, dropping, html, shorter, vector_changed, with_nan, with_null
from tests.shared.http_stand_in import HttpReply, RefusedError
from tests.shared.ollama_stand_in import ServedModel, StandIn, serving
from tests.shared.openai_servers import LlamaServer
from tests.shared.openai_stand_in import Hosted

TEXTS = ["appendicitis", "Appendizitis", "阑尾炎", "a broken leg"]
PATHS = {"ollama": "/api/embed", "openai": "/v1/embeddings"}
both = pytest.mark.parametrize("kind", ["ollama", "openai"])


def script(trained: int = 512) -> Script:
    return Script(lambda body: "Hello.", trained)


class LimitedServer(LlamaServer):
    """Refuses a text of more characters than `limit`, and more texts at once than `most`, in a server's own words."""

    limit, most = 100, 10**6
    refusal: tuple[int, str] = (400, "input exceeds the context length")

    def looked_into(self, path: str, body: Body) -> HttpReply:
        if path == "/v1/embeddings" and (max(map(len, body["input"])) > self.limit or len(body["input"]) > self.most):
            raise RefusedError(*self.refusal)
        return super().looked_into(path, body)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Starts a server of a kind: an Ollama with the embedding model `bge`, or a llama.cpp that embeds."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as running:

        def begin(kind: Any = "ollama", **settings: Any) -> Any:
            if kind == "ollama":
                models = [
                    ServedModel(name="bge:latest", engine=script(), capabilities=("embedding",), digest="b9e"),
                    ServedModel(name="chat:latest", engine=script(), digest="c4a7"),
                ]
                return running.enter_context(serving(StandIn(script(), models=models, **settings)))
            made = (LlamaServer if kind == "openai" else kind)(script(), **{"embeds": True, **settings})
            return running.enter_context(serving(made))

        yield begin


@pytest.fixture
def make() -> Iterator[Callable[..., Any]]:
    made: list[Model] = []

    def build(server: Any, **further: Any) -> Any:
        usual = {"pause": 0.01, "patience": 0.0, "model": "bge" if isinstance(server, StandIn) else "smol"}
        if isinstance(server, StandIn):
            made.append(OllamaEmbedding(**{"host": server.place, **usual, **further}))
        else:
            made.append(OpenAIEmbedding(**{"url": f"{server.place}/v1", **usual, **further}))
        return made[-1]

    yield build
    for model in made:
        model.close()


def expected(texts: Sequence[str]) -> Any:
    return np.array([script().embed(list(text)) for text in texts], dtype=np.float32)


# -- what is sent, and what comes of it ---------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_vectors_come_in_order_and_of_length_one(start: Any, make: Any, kind: str, batch_size: int) -> None:
    server = start(kind)
    model = make(server, batch_size=batch_size)
    vectors = model.embed(TEXTS, "passage")
    assert vectors.dtype == np.float32
    assert np.abs(vectors - expected(TEXTS)).max() < 1e-6
    sent = [body["input"] for body in server.bodies(PATHS[kind])]
    assert sent == [TEXTS[i : i + batch_size] for i in range(0, 4, batch_size)]
    assert model.embed([], "query").shape == (0, 0)


@both
@pytest.mark.parametrize("scale", [0.001, 1.0, 25.0])
def test_every_vector_is_made_of_length_one(start: Any, make: Any, kind: str, scale: float) -> None:
    server = start(kind)
    server.faults = [Fault(at=PATHS[kind], change=vector_changed(1, lambda vector: [scale * n for n in vector]))]
    assert np.abs(make(server).embed(TEXTS, "passage") - expected(TEXTS)).max() < 1e-6


@both
def test_a_zero_vector_stays_one(start: Any, make: Any, kind: str) -> None:
    server = start(kind)
    server.faults = [Fault(at=PATHS[kind], change=vector_changed(1, lambda vector: [0.0 for _ in vector]))]
    assert np.linalg.norm(make(server).embed(TEXTS, "passage"), axis=1) == pytest.approx([1, 0, 1, 1], abs=1e-6)


@both
@pytest.mark.parametrize(
    ("given", "use", "sent"),
    [
        ({}, "query", "liver"),
        ({"query_prefix": "query: ", "passage_prefix": "passage: "}, "query", "query: liver"),
        ({"query_prefix": "query: ", "passage_prefix": "passage: "}, "passage", "passage: liver"),
        ({"query_prefix": "为这个句子生成表示："}, "passage", "liver"),
    ],
)
def test_prefixes_are_put_before_the_text(
    start: Any, make: Any, kind: str, given: dict[str, str], use: Any, sent: str
) -> None:
    server = start(kind)
    make(server, **given).embed(["liver"], use)
    assert server.bodies(PATHS[kind])[0]["input"] == [sent]


def test_the_whole_request_to_ollama(start: Any, make: Any) -> None:
    server = start()
    usual = {"model": "bge", "input": ["x"], "truncate": False, "keep_alive": "5m", "stream": False}
    make(server).embed(["x"], "query")
    make(server, num_ctx=256, dimensions=16, keep_alive="1m").embed(["x"], "query")
    assert server.bodies("/api/embed") == [
        usual,
        {**usual, "keep_alive": "1m", "options": {"num_ctx": 256}, "dimensions": 16},
    ]


def test_the_whole_request_to_openai(start: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start("openai")
    usual = {"model": "smol", "input": ["x"], "encoding_format": "float"}
    make(server).embed(["x"], "query")
    monkeypatch.setenv("USER_NAME", "me")
    make(server, dimensions=16, extra={"user": "${USER_NAME}"}).embed(["x"], "query")
    assert server.bodies("/v1/embeddings") == [usual, {**usual, "dimensions": 16, "user": "me"}]


# -- replies that are none ----------------------------------------------------------------------------------------------


def vector(change: Callable[[list[float]], Any], index: int = 1) -> Fault:
    return Fault(change=vector_changed(index, change))


@both
@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (vector(shorter), ModelError, "gave a vector of 15 numbers, 16 for others, for “Appendizitis”"),
        (vector(lambda v: [*v, 0.5], 3), ModelError, "gave a vector of 17 numbers, 16 for others, for “a broken leg”"),
        (vector(lambda v: [], 0), ModelError, "gave no list of numbers for “appendicitis”"),
        (vector(with_nan), NotFiniteError, "NaN or infinity among the numbers for “Appendizitis”"),
        (vector(with_null, 2), NotFiniteError, "gave null among the numbers for “阑尾炎”"),
        (vector(lambda v: [*v[:-1], math.inf]), NotFiniteError, "NaN or infinity"),
        (vector(lambda v: [10**400, *v[1:]]), NotFiniteError, "NaN or infinity among the numbers for “Appendizitis”"),
        (vector(lambda v: [1e39, *v[1:]]), NotFiniteError, "a number that is too large for “Appendizitis”"),
        (vector(lambda v: ["0.5", *v[1:]]), ModelError, "gave '0.5' among the numbers for “Appendizitis”"),
        (vector(lambda v: [True, *v[1:]]), ModelError, "gave 'True' among the numbers"),
        (vector(lambda v: [[1.0], *v[1:]]), ModelError, r"gave '\[1.0\]' among the numbers"),
        (vector(lambda v: "AACAPwAAAEA="), ModelError, r"encoded as text \(base64\)"),
        (vector(lambda v: None), ModelError, "gave no list of numbers for “Appendizitis”"),
        (Fault(change=dropping("embeddings", "data")), ModelError, "has no list of vectors"),
        (Fault(extra={"embeddings": "none", "data": {}}), ModelError, "has no list of vectors"),
        (Fault(extra={"embeddings": [[0.5] * 16] * 3, "data": [{"embedding": [0.5] * 16}] * 3}), ModelError,
         "gave 3 vectors for 4 texts"),
        (Fault(extra={"embeddings": [[0.5] * 16] * 5, "data": [{"embedding": [0.5] * 16}] * 5}), ModelError,
         "gave 5 vectors for 4 texts"),
        (Fault(extra={"embeddings": [], "data": []}), ModelError, "gave 0 vectors for 4 texts"),
    ],
)  # fmt: skip
def test_a_reply_that_holds_no_vectors_is_refused(
    start: Any, make: Any, kind: str, fault: Fault, error: type[Exception], said: str
) -> None:
    server = start(kind)
    server.faults = [Fault(**{**vars(fault), "at": PATHS[kind]})]
    with pytest.raises(ModelError, match=f"^model (bge|smol): .*{said}") as caught:
        make(server).embed(TEXTS, "passage")
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


@both
def test_a_later_batch_of_another_length_is_refused(start: Any, make: Any, kind: str) -> None:
    server = start(kind)
    model = make(server, batch_size=2)
    model.embed(TEXTS[:2], "passage")
    server.faults = [
        Fault(at=PATHS[kind], change=lambda part: vector_changed(1, shorter)(vector_changed(0, shorter)(part)))
    ]
    with pytest.raises(ModelError, match="gave a vector of 15 numbers, 16 for others, for “阑尾炎”"):
        model.embed(TEXTS[2:], "passage")


@both
def test_dimensions_that_a_server_ignores_are_refused(start: Any, make: Any, kind: str) -> None:
    with pytest.raises(ModelError, match=r"8 dimensions were asked for, the server gave 16: .* leave out dimensions"):
        make(start(kind), dimensions=8).embed(["x"], "query")


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([{"index": 0, "embedding": "a"}, {"index": 1, "embedding": "b"}], ["a", "b"]),
        ([{"index": 2, "embedding": "c"}, {"index": 0, "embedding": "a"}, {"index": 1, "embedding": "b"}], ["a", "b", "c"]),
        ([{"embedding": "a"}, {"embedding": "b"}], ["a", "b"]),
        ([], []),
        ([{"index": 0, "embedding": "a"}, {"index": 0, "embedding": "b"}], None),
        ([{"index": 1, "embedding": "a"}, {"index": 2, "embedding": "b"}], None),
        ([{"index": 0, "embedding": "a"}, {"embedding": "b"}], None),
        ([{"index": "0", "embedding": "a"}], None),
        ([7], None),
        (None, None),
    ],
)  # fmt: skip
def test_vectors_are_put_in_the_order_of_their_indices(entries: JSON, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(ModelError, match=r"which vector is of which text|has no list of vectors"):
            in_order(entries)
    else:
        assert in_order(entries) == expected


@pytest.mark.parametrize(
    ("texts", "tokens", "is_refused"),
    [
        (["word " * 3000], 512, True),  # 12,000 letters are at least 1,000 tokens
        (["阑尾" * 1500], 512, True),  # 3,000 characters are at least 750
        (["a" * 6000, "b" * 6000], 999, True),
        (["word " * 3000], 3002, False),
        (["-" * 30000], 300, False),  # a long line of dashes may be few tokens
        (["word " * 3000], None, False),  # not counted
        (["word " * 3000], 0, False),
    ],
)
def test_a_text_that_was_cut_in_silence_is_noticed(texts: list[str], tokens: int | None, is_refused: bool) -> None:
    reply = EmbeddingReply([[1.0, 0.0]] * len(texts), tokens)
    if is_refused:
        with pytest.raises(ModelError, match=f"the server read {tokens} tokens of texts that have at least .* cuts"):
            vectors_of(reply, texts, None)
    else:
        assert vectors_of(reply, texts, None).shape == (len(texts), 2)


# -- texts that do not fit ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.24.0", "0.33.0"])
@pytest.mark.parametrize("place", [0, 3, 8])
def test_a_text_that_is_too_long_for_ollama_is_named(start: Any, make: Any, version: str, place: int) -> None:
    server = start(version=version)
    texts = [f"text {i}" for i in range(9)]
    texts[place] = f"long {place} " * 100
    with pytest.raises(ModelError) as caught:
        make(server).embed(texts, "passage")
    assert str(caught.value).startswith(
        f"model bge: a text of 700 characters is longer than it reads, and is not cut: “long {place}"
    )
    assert "split in knowledge" in str(caught.value)
    assert "num_ctx" in str(caught.value)
    assert all(body["truncate"] is False for body in server.bodies("/api/embed"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "the input length exceeds the context length"),
        (
            500,
            "input (9000 tokens) is too large to process. increase the physical batch size (current batch size: 512)",
        ),
        (400, "This model's maximum context length is 512 tokens. However, you requested 900 tokens"),
        (413, "Input validation error: `inputs` must have less than 512 tokens. Given: 900"),
        (422, "The input is too long"),
    ],
)
def test_the_words_of_other_servers_for_a_text_that_is_too_long(start: Any, make: Any, status: int, words: str) -> None:
    server = start(LimitedServer)
    server.refusal = (status, words)
    with pytest.raises(ModelError, match="a text of 300 characters is longer than it reads, and is not cut: “xyxy"):
        make(server).embed([*TEXTS, "xy" * 150, *TEXTS], "passage")
    assert len(server.bodies("/v1/embeddings")) < 12  # found by halves, not asked again and again


def test_a_batch_that_is_too_large_is_asked_in_halves(start: Any, make: Any) -> None:
    server = start(LimitedServer)
    server.most, server.refusal = 3, (413, "batch size 4 > maximum allowed batch size 3")
    assert np.abs(make(server).embed(TEXTS, "passage") - expected(TEXTS)).max() < 1e-6
    assert [len(body["input"]) for body in server.bodies("/v1/embeddings")] == [4, 2, 2]


@pytest.mark.parametrize("words", ["failed to encode response: json: unsupported value: NaN", "Inf found"])
def test_a_text_whose_vector_the_server_cannot_write_is_named(start: Any, make: Any, words: str) -> None:
    server = start(LimitedServer)
    server.refusal = (500, words)
    with pytest.raises(NotFiniteError, match="returned NaN or infinity for “xyxy"):
        make(server).embed([*TEXTS, "xy" * 150], "passage")


# -- what cannot embed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "further", "said"),
    [
        (
            {"version": "0.24.0"},
            {"model": "chat"},
            "model chat: it is no embedding model .Ollama says that it can do completion.; take one",
        ),
        (
            {"version": "0.33.0"},
            {"model": "chat"},
            "model chat: it is no embedding model .Ollama says that it can do completion.; take one",
        ),
        ({}, {"model": "bgee"}, "^Ollama has no model bgee: ollama pull bgee"),
        (
            {},
            {"num_ctx": 1024},
            "num_ctx 1024 is more than the 512 tokens it was trained with; set num_ctx: 512 or less",
        ),
        ({}, {"dimensions": 32}, "dimensions 32 is more than the 16 dimensions of its vectors; set dimensions: 16"),
    ],
)
def test_what_cannot_embed_in_ollama_is_refused_by_check(
    start: Any, make: Any, settings: Any, further: Any, said: str
) -> None:
    server = start(**settings)
    make(server).check()
    make(server, model="BGE:latest", num_ctx=512, dimensions=16).check()
    with pytest.raises(ModelError, match=said) as caught:
        make(server, **further).check()
    assert "\n" not in str(caught.value)
    assert server.bodies("/api/embed") == []  # no model is loaded for that


@pytest.mark.parametrize(
    ("settings", "further", "said"),
    [
        ({"embeds": False}, {}, "model smol cannot embed: HTTP 501: This server does not support embeddings.*; name a model"),
        ({}, {"url": "http://127.0.0.1:9/v1"}, r"^http://127.0.0.1:9/v1 does not answer .*; start the server or correct url"),
        ({}, {"dimensions": 8}, "8 dimensions were asked for, the server gave 16"),
        ({"kind": Hosted}, {}, "model smol cannot embed: HTTP 404"),
    ],
)  # fmt: skip
def test_what_cannot_embed_elsewhere_is_refused_by_check(
    start: Any, make: Any, settings: Any, further: Any, said: str
) -> None:
    kind = settings.pop("kind", None)
    server = (
        start(kind, embeds=False) if kind is LlamaServer else _hosted(start) if kind else start("openai", **settings)
    )
    with pytest.raises(ModelError, match=said):
        make(server, **further).check()


def _hosted(start: Any) -> Any:
    """A service without the path for embeddings."""

    class Plain(Hosted):
        def __init__(self, engine: Any, *, embeds: bool) -> None:
            super().__init__(engine)

    return start(Plain)


def test_ollamas_own_v1_is_refused_because_it_cuts(start: Any, make: Any) -> None:
    server = start()
    model = OpenAIEmbedding(model="bge", url=f"{server.place}/v1")
    with pytest.raises(
        ModelError, match=f"cuts long texts in silence .* ollama_embedding: .model: bge, host: {server.place}"
    ):
        model.check()
    model.close()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (html(200, at="/api/tags"), "speaks OpenAI.s protocol"),
        (Fault(status=401, at="/api/tags"), "refuses the key"),
        (Fault(status=500, at="/api/tags"), "answers with a failure .HTTP 500"),
    ],
)
def test_another_server_than_ollama_is_named(start: Any, make: Any, fault: Fault, said: str) -> None:
    server = start()
    server.faults = [fault] * 3
    with pytest.raises(ModelError, match=said) as caught:
        make(server).check()
    assert "ollama serve" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "HTTP 401: .*; set the environment variable MY_KEY"),
        (404, "HTTP 404: .*; name a model that embeds"),
        (400, "HTTP 400: a fault of the script"),
    ],
)
def test_a_refusal_is_not_repeated(start: Any, make: Any, status: int, said: str) -> None:
    server = start("openai")
    server.faults = [Fault(status=status, at="/v1/embeddings")]
    with pytest.raises(ModelError, match=f"^model smol cannot embed: {said}"):
        make(server, api_key="MY_KEY").embed(TEXTS, "query")
    assert len(server.bodies("/v1/embeddings")) == 1


# -- a server that fails, goes, or becomes another ----------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    "fault",
    [Fault(status=500), Fault(hangs_up=True), Fault(half=True), html(), Fault(status=503), Fault(status=429)],
    ids=["500", "hangs up", "half", "html", "503", "429"],
)
def test_a_failure_that_passes_is_asked_again(start: Any, make: Any, kind: str, fault: Fault) -> None:
    server = start(kind)
    server.faults = [Fault(**{**vars(fault), "at": PATHS[kind]})] * 2
    model = make(server, patience=20.0, pause=0.01)
    assert np.abs(model.embed(TEXTS, "passage") - expected(TEXTS)).max() < 1e-6


@both
def test_a_server_that_comes_back_is_waited_for(start: Any, make: Any, kind: str) -> None:
    waited: list[str] = []

    class Watching(Display):
        def wait(self, reason: str) -> None:
            waited.append(reason)

    server = start(kind)
    model = make(server, patience=20.0, pause=0.05)
    model.report_to(Watching())
    model.embed(TEXTS[:1], "query")
    server.refuse()
    threading.Timer(1.8, server.come_back).start()
    assert np.abs(model.embed(TEXTS, "passage") - expected(TEXTS)).max() < 1e-6
    assert " of at most 20 s for http://127.0.0.1:" in waited[0]
    assert waited[-1] == ""


@both
def test_patience_with_a_server_that_is_gone_ends(start: Any, make: Any, kind: str) -> None:
    server = start(kind)
    model = make(server, patience=0.3, pause=0.05)
    model.embed(TEXTS[:1], "query")
    server.refuse()
    began = time.monotonic()
    with pytest.raises(ServerGoneError, match=r"no call was taken for 0.3 s, so the run is interrupted"):
        model.embed(TEXTS, "passage")
    assert 0.2 < time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("kind", "attribute", "value", "said"),
    [
        ("ollama", "version", "0.34.0", "the version of its Ollama was 0.33.0 when the run began and is 0.34.0 now"),
        ("ollama", "version", "0.33.0-rc2+x", r"is 0.33.0-rc2\+x now"),
        ("ollama", "models", [ServedModel(name="bge:latest", engine=script(), capabilities=("embedding",), digest="0ther")], "its digest was b9e when the run began and is 0ther now"),
        ("ollama", "models", [], "its digest was b9e when the run began and is none"),
        ("openai", "fingerprint", "b9999", "version: b0-unknown → b9999"),
        ("openai", "context", 4096, "n_ctx: 2048 → 4096"),
    ],
)  # fmt: skip
def test_a_server_that_changes_during_the_run_ends_it(
    start: Any, make: Any, kind: str, attribute: str, value: Any, said: str
) -> None:
    server = start(kind)
    model = make(server)
    model.identity()
    model.embed(TEXTS, "passage")
    setattr(server, attribute, value)
    with pytest.raises(ModelError, match=said):
        model.embed(["x"], "query")


def test_a_model_is_unloaded_when_the_run_is_done_with_it(start: Any, make: Any) -> None:
    server = start()
    for unload, loaded in ((False, {"bge:latest"}), (True, set())):
        model = make(server, unload=unload)
        model.embed(["x"], "query")
        model.close()
        assert server.loaded == loaded


# -- identity, and what is kept under it --------------------------------------------------------------------------------


def test_identity_is_digest_version_prefixes_and_dimensions(start: Any, make: Any) -> None:
    server = start()
    identity = make(server).identity()
    assert identity == {
        "component": "ollama_embedding", "digest": "b9e", "version": "0.33.0", "length": 1, "dimensions": None,
        "prefixes": {"query": "", "passage": ""},
    }  # fmt: skip
    for change in ({"batch_size": 7}, {"num_ctx": 300}, {"keep_alive": "1h"}, {"model": "BGE:latest"}, {"retries": 0}):
        assert make(server, **change).identity() == identity
    for change in ({"query_prefix": "q"}, {"passage_prefix": "p"}, {"dimensions": 8}, {"model": "chat"}):
        assert make(server, **change).identity() != identity
    assert make(start(version="0.34.0")).identity() == {**identity, "version": "0.34.0"}
    assert make(start(version=None)).identity() == {**identity, "version": "not told"}


def test_identity_elsewhere_is_what_the_server_tells(start: Any, make: Any) -> None:
    server = start("openai")
    identity = make(server).identity()
    assert identity["server"]["engine"] == "llama.cpp"
    assert identity["server"]["version"] == "b0-unknown"
    assert (identity["model"], identity["url"], identity["length"]) == ("smol", f"{server.place}/v1", 1)
    assert make(server, batch_size=7).identity() == identity
    server.fingerprint = "b9"
    assert make(server).identity() != identity


@both
def test_vectors_are_kept_and_asked_anew_from_another_version(start: Any, make: Any, kind: str, tmp_path: Any) -> None:
    server = start(kind)

    def embedded(count: int) -> int:
        context = Context({"m": make(server)}, Cache(tmp_path / "calls.sqlite"), Display(), 42)
        before = len(server.bodies(PATHS[kind]))
        vectors = context.embed("m", TEXTS, "passage")
        assert np.abs(vectors - expected(TEXTS)).max() < 1e-6
        context.close()
        context.cache.close()
        return len(server.bodies(PATHS[kind])) - before

    assert [embedded(1), embedded(0)] == [1, 0]
    setattr(server, "version" if kind == "ollama" else "fingerprint", "1.2.3")
    assert [embedded(1), embedded(0)] == [1, 0]


def test_no_key_is_shown(start: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBED_KEY", "sk-geheim-123456789")
    server = start("openai")
    server.faults = [Fault(body=b'{"error": "no key sk-geheim-123456789"}', status=400, at="/v1/embeddings")]
    model = make(server, api_key="EMBED_KEY")
    with pytest.raises(ModelError) as caught:
        model.embed(["x"], "query")
    assert "geheim" not in str(caught.value)
    assert "geheim" not in json.dumps(model.identity())
    for wrong in (
        {"api_key": "sk-geheim-123456789"},
        {"url": "http://u:geheim@h/v1"},
        {"extra": {"token": "sk-geheim-1234567890abcdef"}},
    ):
        with pytest.raises(ValidationError) as refused:
            make(server, **wrong)
        assert "geheim" not in str(refused.value)
