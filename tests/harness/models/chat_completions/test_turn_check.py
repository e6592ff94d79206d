"""A chat template that drops a message is found before a cell is asked, and what was rendered stands with the reply."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.errors import ModelError
from harness.models.chat_completions.turn_check import TurnCheck
from harness.models.openai import OpenAI
from harness.records.inputs import Generation, Message, Prompt, Role
from tests.shared.faults import Fault, setting
from tests.shared.go_template import BARE, CHATML
from tests.shared.ollama_stand_in import ServedModel, StandIn
from tests.shared.openai_servers import LlamaServer, Vllm
from tests.shared.openai_stand_in import Hosted, Script

Serve = Callable[[Any], Any]
Asking = Callable[..., OpenAI]
SHORT = Generation(max_tokens=8)


def prompt_of(*turns: tuple[Role, str]) -> Prompt:
    return tuple(Message(role, content) for role, content in turns)


def script(text: str = "Apple") -> Script:
    return Script(lambda body: text)


ALONE = prompt_of(("user", "Name a fruit."))
SYSTEM = prompt_of(("system", "Answer in one word."), ("user", "Name a fruit."))
SHOTS = prompt_of(("user", "A or B?"), ("assistant", "A"), ("user", "A or C?"))
FULL = prompt_of(("system", "只答字母。"), ("user", "甲还是乙?"), ("assistant", "甲"), ("user", "甲还是丙?"))

WHOLE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}<assistant>"
NO_SYSTEM = "{% for m in messages if m['role'] != 'system' %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}"
NO_ANSWERS = "{% for m in messages if m['role'] != 'assistant' %}{{ m['role'][0] }} {{ m['content'] }} {% endfor %}"
LAST_ONLY = "<user>{{ messages[-1]['content'] }}<assistant>"

KINDS = [LlamaServer, Vllm, Hosted]
LOST = [
    (NO_SYSTEM, SYSTEM, "the system text “Answer in one word.”"),
    (NO_SYSTEM, FULL, "the system text “只答字母。”"),
    (NO_ANSWERS, SHOTS, "the earlier answer “A”"),  # which stands in the questions, too
    (NO_ANSWERS, FULL, "the earlier answer “甲”"),
    (LAST_ONLY, SYSTEM, "the system text “Answer in one word.”"),
    (LAST_ONLY, SHOTS, "the user's turn “A or B?”"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("template", "prompt", "turn"), LOST)
def test_a_dropped_turn_is_refused_with_the_remedy(
    kind: Any, template: str, prompt: Prompt, turn: str, serve: Serve, asking: Asking
) -> None:
    server = serve(kind(script(), template=template))
    with pytest.raises(ModelError, match=r"set template: chatml") as caught:
        asking(server).generate([ALONE, prompt], SHORT, [0, 0])
    assert turn in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert all(body["max_tokens"] == 1 for body in server.bodies())  # no item was asked


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prompt", [ALONE, SYSTEM, SHOTS, FULL])
@pytest.mark.parametrize("template", [WHOLE, None])
def test_a_whole_rendering_is_asked(
    kind: Any, prompt: Prompt, template: str | None, serve: Serve, asking: Asking
) -> None:
    server = serve(kind(script()) if template is None else kind(script(), template=template))
    (completion,) = asking(server).generate([prompt], SHORT, [0])
    assert completion.text == "Apple"
    if kind is Hosted:
        assert completion.rendered is None
    else:
        assert completion.rendered == server.render([{"role": m.role, "content": m.content} for m in prompt])


def test_each_structure_is_looked_at_once(serve: Serve, asking: Asking) -> None:
    server = serve(LlamaServer(script()))
    model = asking(server)
    for _ in range(2):
        model.before_asking([ALONE, SYSTEM, SYSTEM, SHOTS], SHORT)
    assert len(server.bodies("/apply-template")) == 4  # two structures, by words and by their first prompt
    assert len(server.bodies()) == 0


def test_tokens_are_compared_where_a_server_does_not_render(serve: Serve, asking: Asking) -> None:
    """Of each prompt one token; a longer last turn, a longer system text: the counts follow both."""
    server = serve(Hosted(script(), template=WHOLE))
    model = asking(server)
    for _ in range(2):
        model.before_asking([ALONE, SYSTEM, SYSTEM], SHORT)
    assert [body["max_tokens"] for body in server.bodies()] == [1, 1, 1]
    model.before_asking([FULL], SHORT)
    assert len(server.bodies()) == 3 + 5  # the prompt, its last turn, and the first turn of each role before it


@pytest.mark.parametrize("count", [5, 0, None, "7"])
def test_counts_that_follow_nothing_tell_nothing(count: Any, serve: Serve, asking: Asking) -> None:
    server = serve(Hosted(script(), template=NO_SYSTEM))
    server.faults = [Fault(change=setting(prompt_tokens=count))] * 4
    assert asking(server).generate([SYSTEM], SHORT, [0])[0].text == "Apple"


@pytest.mark.parametrize("fault", [Fault(status=500), Fault(status=429), Fault(hangs_up=True), Fault(undone=True)])
def test_a_failing_probe_tells_nothing(fault: Fault, serve: Serve, asking: Asking) -> None:
    server = serve(Hosted(script(), template=WHOLE))
    server.faults = [fault]
    assert asking(server).generate([SYSTEM], SHORT, [0])[0].text == "Apple"


@pytest.mark.parametrize(("rendered", "problem"), [("Kxq0zKxq1z", None), ("Kxq1z", "leaves out"), (None, None)])
def test_words_stand_for_the_texts(rendered: str | None, problem: str | None) -> None:
    check = TurnCheck(lambda prompt: rendered if "Kxq" in prompt[0].content else None, lambda prompt: None)
    said = check.problem([SYSTEM])
    assert said is None if problem is None else problem in str(said)


# -- Ollama's /v1 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["0.24.0", "0.33.0"])
@pytest.mark.parametrize(("template", "is_lost"), [(CHATML, False), (BARE, True)])
def test_an_ollama_renders_by_its_own_way(
    version: str, template: Any, is_lost: bool, serve: Serve, asking: Asking
) -> None:
    models = [ServedModel(name="smol:latest", engine=script(), template=template)]
    model = asking(serve(StandIn(script(), models=models, version=version)), server_context=4096)
    if is_lost and version == "0.24.0":
        with pytest.raises(ModelError, match="leaves out the system text"):
            model.generate([SYSTEM], SHORT, [0])
    elif not is_lost:
        (completion,) = model.generate([SYSTEM], SHORT, [0])
        assert "Answer in one word." in str(completion.rendered)


# -- a stated template --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_stated_template_is_sent_as_text(kind: Any, serve: Serve, asking: Asking) -> None:
    """Whatever the server's own template drops."""
    server = serve(kind(script(), template=NO_SYSTEM))
    (completion,) = asking(server, template="chatml").generate([SYSTEM], SHORT, [0])
    text = "<|im_start|>system\nAnswer in one word.<|im_end|>\n<|im_start|>user\nName a fruit.<|im_end|>\n"
    assert completion.text == "Apple"
    assert str(completion.rendered).rstrip() == f"{text}<|im_start|>assistant"
    (body,) = server.bodies("/v1/completions")
    assert body["prompt"] == completion.rendered
    assert body["stop"] == ["<|im_end|>"]
    assert "messages" not in body
    assert server.bodies("/v1/chat/completions") == []


@pytest.mark.parametrize(
    ("template", "problem"),
    [("chatm", "did you mean chatml"), ("{{ messages", "template"), ("{{ messages[9].content }}", "template"), ("", "neither a name")],
)  # fmt: skip
def test_a_template_that_does_not_work_is_a_mistake(template: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        OpenAI(model="m", template=template)


def test_a_stated_template_that_drops_a_turn_is_refused(serve: Serve, asking: Asking) -> None:
    model = asking(serve(LlamaServer(script())), template="User: {{ messages[-1].content }}\nAnswer:")
    with pytest.raises(ModelError, match=r"leaves out the system text .* mend the model's template"):
        model.generate([SYSTEM], SHORT, [0])


def test_a_stated_template_is_another_key(serve: Serve, asking: Asking) -> None:
    server = serve(LlamaServer(script()))
    keys = [asking(server, template=name).identity() for name in (None, "chatml", "gemma")]
    assert keys[0] != keys[1] != keys[2]
