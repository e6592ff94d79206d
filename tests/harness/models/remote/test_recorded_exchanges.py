"""The stand-in servers are held to what two real Ollamas and a real llama.cpp server answered to the same requests."""

import time
from collections.abc import Iterable, Iterator

import httpx
import pytest

from tests.shared.llama_cpp import LlamaCpp
from tests.shared.ollama_stand_in import StandIn, serving
from tests.shared.openai_servers import SMOLLM_TEMPLATE, LlamaServer
from tests.shared.paths import REFERENCE
from tests.shared.recorded_exchanges import Exchange, ask, differences, exchanges, whole
from tests.shared.recorded_models import recorded_models
from tests.shared.served_fixtures import NativeServer

LONG = 3_000  # characters of a request
pytestmark = pytest.mark.slow

needs_recordings = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the recordings of real servers are not beside the checkout"
)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> LlamaCpp:
    return request.getfixturevalue("_smollm2")


@pytest.fixture(params=["0.24.0", "0.33.0"])
def ollama(request: pytest.FixtureRequest, engine: LlamaCpp) -> Iterator[StandIn]:
    models = recorded_models(engine)
    with serving(StandIn(engine, models=models, version=request.param)) as server:
        yield server


def replayed(place: str, asked: Iterable[Exchange]) -> list[str]:
    """What another server answers otherwise than the recorded one."""
    with httpx.Client(base_url=place, timeout=300, headers={"Connection": "close"}) as client:
        return [line for exchange in asked for line in differences(exchange, *ask(client, exchange))]


def recorded_of(ollama: StandIn, is_long: bool) -> list[Exchange]:
    """The exchanges with the Ollama of that version whose prompts are long, thousands of tokens to read, or are not."""
    recording = f"ollama-{str(ollama.version).rpartition('.')[0]}.json"
    asked = list(exchanges(recording))
    assert len(asked) == 50
    return [exchange for exchange in asked if (len(str(exchange.request)) > LONG) is is_long]


@needs_recordings
def test_an_ollama_answers_as_it_was_recorded(ollama: StandIn) -> None:
    asked = recorded_of(ollama, is_long=False)
    assert len(asked) >= 42
    assert replayed(ollama.place, asked) == []


@needs_recordings
@pytest.mark.nightly
def test_an_ollama_answers_long_prompts_as_it_was_recorded(ollama: StandIn) -> None:
    asked = recorded_of(ollama, is_long=True)
    assert asked
    assert replayed(ollama.place, asked) == []


@needs_recordings
def test_a_llama_server_answers_as_it_was_recorded(engine: LlamaCpp) -> None:
    with serving(LlamaServer(engine, template=SMOLLM_TEMPLATE, parallel=2)) as server:
        assert len(list(exchanges("llama-cpp.json"))) == 18
        assert replayed(server.place, exchanges("llama-cpp.json")) == []


@needs_recordings
def test_the_second_real_server_answers_as_it_was_recorded(llama_server: NativeServer) -> None:
    """llama.cpp from the package is another build than the recorded one: only what it says of a bad schema differs."""
    lines = replayed(llama_server.place, exchanges("llama-cpp.json"))
    assert [line.partition(":")[0] for line in lines] == ["bad schema"]
    assert "Unable to generate parser for this template." in lines[0]


def test_a_model_stays_listed_for_a_moment(ollama: StandIn) -> None:
    """The recorded Ollamas needed 9 and 36 ms; here there is time to look."""
    ollama.unloading = 1.0
    with httpx.Client(base_url=ollama.place) as client:
        client.post("/api/generate", json={"model": "smollm2:135m"})
        reply = client.post("/api/generate", json={"model": "smollm2:135m", "keep_alive": 0}).json()
        listed = [len(client.get("/api/ps").json()["models"])]
        time.sleep(1.1)
        listed.append(len(client.get("/api/ps").json()["models"]))
    assert (reply["done_reason"], listed) == ("unload", [1, 0])


@pytest.mark.parametrize(
    ("shortened", "size", "end"),
    [
        ("The weather was fine and the hills were green. The weather w… (94 characters)", 94, "green. "),
        ("Write a very long story. Write a very long story. Write a ve… (75 characters)", 75, "story. "),
        ("The code word is BANANA. The weather was fine and the hills … (94 characters)", 94, "What is the code word?"),
    ],
)  # fmt: skip
def test_shortened_texts_are_whole_again(shortened: str, size: int, end: str) -> None:
    text = whole(shortened)
    assert (len(text), text.endswith(end), text[:50]) == (size, True, shortened[:50])
