"""What is said before an Ollama is asked: its address, names, capabilities, and a template that leaves out turns."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.ollama import Ollama
from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_server import whole_name
from harness.records.inputs import Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.text.turn_template import NAMES, turn_template
from tests.shared.ollama_stand_in import BARE, CHATML, CONTENTS, Script, ServedModel, StandIn
from tests.shared.raw_server import raw_server, reply

Start = Callable[..., StandIn]
Make = Callable[..., Ollama]
SYSTEM, USER, SHOT = (
    Message("system", "Answer in one word."),
    Message("user", "Name a tree."),
    Message("assistant", "Oak"),
)
LAST = Message("user", "Name a fruit.")
ENGINE = Script(lambda body: "yes")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a model at an address; its connections are closed at the end."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
    made: list[Ollama] = []

    def build(place: str, **settings: Any) -> Ollama:
        usual = {"model": "judge", "host": place, "pause": 0, "retries": 0, "num_ctx": 512}
        made.append(Ollama(**{**usual, **settings}))
        return made[-1]

    yield build
    for model in made:
        model.close()


def ask(model: Ollama, *prompt: Message, **options: Any) -> Completion:
    (completion,) = model.generate([prompt], Generation(**{"max_tokens": 8, **options}), [0])
    return completion


def mistake(model: Ollama) -> str:
    with pytest.raises(ModelError) as caught:
        model.check()
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- addresses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (reply(b"<html><body>nginx</body></html>", content_type="text/html"), "no Ollama (the reply is an HTML page)"),
        (reply({"error": "unauthorized"}, status=401), "refuses the key, or the lack of one (HTTP 401)"),
        (reply({"error": "forbidden"}, status=403), "refuses the key, or the lack of one (HTTP 403)"),
        (reply(b"404 page not found", status=404, content_type="text/plain"), "no Ollama (HTTP 404"),
        (reply({"data": [{"id": "m"}]}), "speaks OpenAI's protocol; ask it under openai instead of ollama, with url: http"),
        (reply({"hello": "world"}), "no Ollama (/api/tags lists no models)"),
        (reply(b"bad gateway", status=502), "answers with a failure (HTTP 502: bad gateway)"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no Ollama (RemoteProtocolError"),
    ],
)  # fmt: skip
def test_what_stands_at_the_address(answer: bytes, said: str, make: Make) -> None:
    with raw_server(lambda server, request: [answer]) as server:
        told = mistake(make(server.place))
    assert said in told
    assert "ollama serve" not in told


@pytest.mark.parametrize("path", ["/v1", "/api", "/v1/"])
def test_a_host_with_a_path(path: str, stand_in: Start, make: Make) -> None:
    server = stand_in(lambda body: "y")
    told = mistake(make(server.place + path))
    assert told.endswith(f"there is one at {server.place}; give the host without a path: {server.place}")


def test_a_path_of_a_stranger(make: Make) -> None:
    with raw_server(lambda server, request: [reply(b"no", status=404)]) as server:
        place = server.place
        told = mistake(make(f"{place}/v1"))
    assert told.endswith(f"no Ollama (HTTP 404: no); give the host without a path: {place}")


def test_nothing_at_the_address(make: Make) -> None:
    with raw_server(lambda server, request: []) as server:
        place = server.place
    model = make(place)
    assert mistake(model) == f"Ollama does not answer at {place}; start it with `ollama serve`"
    model.check_server()  # no mistake of the suite


# -- names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "listed", "is_there"),
    [
        ("SmolLM2:135M", "smollm2:135m", True),
        ("judge", "judge:latest", True),
        ("Judge:Latest", "judge:latest", True),
        ("hf.co/bartowski/SmolLM2-GGUF", "hf.co/bartowski/SmolLM2-GGUF:latest", True),
        ("HF.co/Bartowski/smollm2-gguf:q4_k_m", "hf.co/bartowski/SmolLM2-GGUF:Q4_K_M", True),
        ("registry.ollama.ai/library/qwen3:8b", "qwen3:8b", True),
        ("library/qwen3:8b", "qwen3:8b", True),
        ("judge", "judge:7b", False),
        ("bartowski/judge", "hf.co/bartowski/judge:latest", False),
    ],
)
def test_names_match_as_ollama_matches_them(written: str, listed: str, is_there: bool) -> None:
    assert (whole_name(written) == whole_name(listed)) is is_there


@pytest.mark.parametrize("written", ["JUDGE", "judge:LATEST", "Judge"])
def test_a_name_in_another_case_is_asked_and_unloaded(written: str, stand_in: Start, make: Make) -> None:
    server = stand_in(lambda body: "y")
    model = make(server.place, model=written)
    model.check()
    assert ask(model, LAST).text == "y"
    model.close()
    assert server.contexts == {}  # it waited until the server no longer lists it


# -- capabilities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("able", "settings", "said"),
    [
        (("completion",), {"think": True}, "model judge: it cannot think (Ollama says that it can do completion)"),
        (("completion", "vision"), {"think": "low"}, "it cannot think (Ollama says that it can do completion, vision)"),
        (("embedding",), {}, "model judge: it writes no text (Ollama says that it can do embedding)"),
        (("completion",), {"think": False}, None),
        (("completion", "thinking"), {"think": "high"}, None),
        (("completion", "thinking"), {"think": True}, None),
    ],
)
@pytest.mark.parametrize("method", ["check", "check_server"])
def test_what_a_model_cannot_do(
    method: str, able: Any, settings: Any, said: str | None, stand_in: Start, make: Make
) -> None:
    server = stand_in(lambda body: "y", models=[ServedModel(name="judge:latest", engine=ENGINE, capabilities=able)])
    model = make(server.place, **settings)
    if said is None:
        getattr(model, method)()
        return
    with pytest.raises(ModelError) as caught:
        getattr(model, method)()
    assert said in str(caught.value)


@pytest.mark.parametrize("think", ["much", 1, "LOW"])
def test_how_much_a_model_may_think(think: Any) -> None:
    with pytest.raises(ValueError, match="think"):
        Ollama.model_validate({"model": "m", "think": think}, strict=True)


# -- templates ----------------------------------------------------------------------------------------------------------


def served(template: str, version: str, stand_in: Start, renders: bool = True) -> StandIn:
    engine = Script(lambda body: "yes")
    server = stand_in(lambda body: "yes", models=[ServedModel(name="judge:latest", engine=engine, template=template)],
                      version=version)  # fmt: skip
    server.renders = renders
    return server


NO_EXAMPLES = "{{ if .System }}<s>{{ .System }}</s>{{ end }}<u>{{ .Prompt }}</u>"
QUIET = '{{ range .Messages }}{{ if eq .Role "user" }}<u>{{ .Content }}</u>{{ end }}{{ end }}'


@pytest.mark.parametrize("renders", [True, False])
@pytest.mark.parametrize(
    ("template", "version", "prompt", "said"),
    [
        (BARE, "0.24.0", (SYSTEM, LAST), "the system text"),
        (QUIET, "0.24.0", (SYSTEM, LAST), "the system text"),
        (QUIET, "0.33.0", (USER, SHOT, LAST), "earlier answer"),
        (CHATML, "0.24.0", (SYSTEM, USER, SHOT, LAST), None),
        (CHATML, "0.33.0", (SYSTEM, USER, SHOT, LAST), None),
        (BARE, "0.33.0", (SYSTEM, LAST), None),  # this version has a template of its own for it
        (CONTENTS, "0.33.0", (USER, SHOT, LAST), None),
        (BARE, "0.24.0", (LAST,), None),
    ],
)
def test_a_template_that_leaves_out_a_turn(
    template: str, version: str, prompt: Prompt, said: str | None, renders: bool, stand_in: Start, make: Make
) -> None:
    server = served(template, version, stand_in, renders)
    model = make(server.place)
    if said is None:
        model.before_asking([prompt, prompt], Generation())
        return
    with pytest.raises(ModelError) as caught:
        model.before_asking([(LAST,), prompt, prompt], Generation())
    assert said in str(caught.value)
    assert "a Modelfile has a TEMPLATE" in str(caught.value).replace("whose Modelfile", "a Modelfile")
    assert "template: chatml" in str(caught.value)


def test_turns_that_are_joined_are_refused(stand_in: Start, make: Make) -> None:
    """What 0.24 makes of a bare file and worked examples: “Name a tree.OakName a fruit.”"""
    model = make(served(BARE, "0.24.0", stand_in).place)
    with pytest.raises(ModelError, match="joins the turns of a prompt with nothing between them"):
        model.before_asking([(USER, SHOT, LAST)], Generation())


def test_the_rendering_stands_beside_the_answer(stand_in: Start, make: Make) -> None:
    server = served(CHATML, "0.33.0", stand_in)
    model = make(server.place)
    for _ in range(3):
        completion = ask(model, SYSTEM, LAST)
    assert completion.rendered == (
        "<|im_start|>system\nAnswer in one word.<|im_end|>\n<|im_start|>user\nName a fruit.<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    renderings = [body for _, body in server.asked if body.get("_debug_render_only")]
    assert len(renderings) == 2  # of one prompt, and of words in its place
    assert renderings[0]["options"]["num_ctx"] == 512  # another one would have the model loaded again


@pytest.mark.parametrize("renders", [True, False])
def test_a_later_prompt_that_lacks_a_turn_is_unknown(renders: bool, stand_in: Start, make: Make) -> None:
    server = served(QUIET, "0.33.0", stand_in, renders)
    model = make(server.place)
    if renders:
        with pytest.raises(CallError, match="leaves out the system text “Answer in one word") as caught:
            model.call((SYSTEM, LAST), Generation())
        assert caught.value.lasting
        assert server.bodies() == []  # nothing is asked for nothing
    else:
        assert model.call((SYSTEM, LAST), Generation()).rendered is None


# -- stated templates ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "end"),
    [
        ("chatml", "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>"),
        ("llama3", "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
         "Q<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
        ("gemma", "<start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>"),
        ("mistral", "[INST] S\n\nQ [/INST]", "</s>"),
        ("{% for m in messages %}{{ m.role }}: {{ m['content'] }}###\n{% endfor %}assistant:",
         "system: S###\nuser: Q###\nassistant:", "###"),
    ],
)  # fmt: skip
def test_stated_templates(name: str, text: str, end: str) -> None:
    template = turn_template(name)
    assert template.render((Message("system", "S"), Message("user", "Q"))) == text
    assert template.end_of_turn == end


@pytest.mark.parametrize("name", NAMES)
def test_a_stated_template_is_sent_raw(name: str, stand_in: Start, make: Make) -> None:
    server = served(BARE, "0.24.0", stand_in)
    model = make(server.place, template=name)
    prompt = (SYSTEM, USER, SHOT, LAST)
    model.before_asking([prompt], Generation())
    completion = ask(model, *prompt, stop=(";",))
    template = turn_template(name)
    (body,) = server.bodies("/api/generate")
    assert (body["raw"], body["prompt"], body["truncate"]) == (True, template.render(prompt), False)
    assert body["options"]["stop"] == [";", template.end_of_turn]
    assert (completion.text, completion.rendered) == ("yes", template.render(prompt))
    assert model.identity()["template"] == template.text
    assert server.bodies() == []


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("chatmll", "neither a name nor Jinja text over `messages` \\(did you mean chatml\\?\\)"),
        ("{% for m in messages %}{{ m.content }}", "template"),
        ("{{ message }}", "message"),
    ],
)
def test_a_template_that_does_not_work(template: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Ollama(model="m", template=template)


def test_a_stated_template_that_leaves_out_a_turn(make: Make) -> None:
    model = make("http://127.0.0.1:9", template="{{ messages[-1].content }}")
    with pytest.raises(ModelError, match=r"its template leaves out the system text “Answer in one word\.”"):
        model.before_asking([(SYSTEM, LAST)], Generation())


def test_thinking_needs_the_models_own_template() -> None:
    with pytest.raises(ValueError, match="think needs the model's own template"):
        Ollama(model="m", template="chatml", think=True)


# -- stop strings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "stop", "sent"),
    [
        (
            ("<|im_end|>", "a b"),
            ("\n",),
            ["\n", "<|im_end|>", "a b"],
        ),  # those of a request take the place of the model's
        (("<|im_end|>",), (), None),
        ((), ("\n",), ["\n"]),
    ],
)
def test_the_models_own_stop_strings_stay(own: Any, stop: Any, sent: Any, stand_in: Start, make: Make) -> None:
    server = stand_in(lambda body: "yes", models=[ServedModel(name="judge:latest", engine=ENGINE, stop=own)])
    ask(make(server.place), LAST, stop=stop)
    assert server.bodies()[0]["options"].get("stop") == sent
