"""A constrained variant: what is sent for it, what is refused before the run, under which key its replies are kept."""

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.models.quantised import Quantised
from baselines.variants.prompting import Prompting
from baselines.variants.rag import Rag
from harness.answers.choice import Choice
from harness.answers.json import Json
from harness.answers.text import Text
from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Resources
from harness.errors import SuiteError
from harness.models.huggingface import HuggingFace
from harness.models.local.schema_masks import SchemaConstraint
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.models.scripted import Scripted
from harness.records.inputs import Cell, Generation, Prompt, Sample
from harness.records.outputs import Completion, Prediction
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.stages.prepare import check
from harness.suite.parser import load_suite
from harness.text.templates import Template
from tests.shared.ollama_fixtures import stand_in as stand_in
from tests.shared.ollama_stand_in import StandIn, filled

TARGET = json.dumps({"主诉": "咳嗽", "诊断": ["肺炎"]}, ensure_ascii=False)
REPORT = Json(fields=("诊断", "主诉"))
TRAIN = tuple(Sample(id=f"train:{i}", task="t", input=f"第{i}行", targets=(TARGET,)) for i in range(3))
TEST = (Sample(id="1", task="t", input="咳嗽", targets=(TARGET,)),)


def task(answer: Answer = REPORT, **further: Any) -> Task:
    return Task(
        name="t", data=Dataset(test=TEST, train=TRAIN), template=Template("{{ input }}", "test"), system=None,
        answer=answer, generation=Generation(max_tokens=40, top_p=0.9), **further,
    )  # fmt: skip


class Recorder(Scripted):
    """Notes what it is asked with."""

    def schema_problem(self) -> str | None:
        return None

    def schema_identity(self) -> dict[str, Any]:
        return {"library": self.default}

    def generate(self, prompts: Any, generation: Generation, repeats: Any) -> list[Completion]:
        ASKED.append(generation)
        return [Completion(text=TARGET) for _ in prompts]


ASKED: list[Generation] = []


def answered(variant: Prompting, folder: Path, model: Model | None = None, on: Task | None = None) -> list[Prediction]:
    ASKED.clear()
    on = on or task()
    with closing(Cache(folder / "calls.sqlite")) as cache:
        context = Context({"m": model or Recorder()}, cache, Display(), seed=7)
        context.begin(Cell("t", "v"))
        return variant.answer(on, on.data.test, context, Resources())


@pytest.mark.parametrize(
    "settings", [{}, {"shots": 2}, {"samples": 3, "temperature": 0.7}, {"max_tokens": 9}, {"chain_of_thought": True}]
)
def test_the_schema_of_the_answer_is_sent_and_nothing_else_differs(settings: dict[str, Any], tmp_path: Path) -> None:
    free, constrained = Prompting(model="m", **settings), Prompting(model="m", constrained=True, **settings)
    before = answered(free, tmp_path)
    (generation,) = ASKED
    assert (generation.schema, generation.strict) == (None, None)
    after = answered(constrained, tmp_path)
    (held,) = ASKED
    assert held.schema == REPORT.reply_schema([*TRAIN, *TEST])
    assert list(held.schema["properties"]) == ["诊断", "主诉"]
    assert held.schema["properties"]["诊断"] == {"type": "array", "items": {"type": "string"}}
    assert held.strict is True
    assert replace(held, schema=None, strict=None) == generation
    assert [p.messages for p in after] == [p.messages for p in before]


def test_an_unconstrained_variant_asks_under_the_key_of_before(tmp_path: Path) -> None:
    answered(Prompting(model="m", constrained=True), tmp_path)
    answered(Prompting(model="m"), tmp_path)
    assert len(ASKED) == 1  # another call
    for variant in (Prompting(model="m"), Prompting(model="m", constrained=True)):
        answered(variant, tmp_path)
        assert not ASKED  # each served as it was asked


@pytest.mark.parametrize(
    ("model", "on"),
    [
        (Recorder(), task(Json(fields=("主诉", "诊断")))),  # another order
        (Recorder(), task(Json(fields=("主诉",)))),
        (Recorder(default="2.0"), task()),  # another version of what holds replies to the schema
    ],
)
def test_schema_and_library_stand_in_the_key(model: Model, on: Task, tmp_path: Path) -> None:
    variant = Prompting(model="m", constrained=True)
    answered(variant, tmp_path)
    answered(variant, tmp_path, model, on)
    assert len(ASKED) == 1


def test_a_schema_that_is_only_wished_for_is_another_call(tmp_path: Path) -> None:
    schema, prompt = {"type": "object"}, (TEST[0],)
    with closing(Cache(tmp_path / "calls.sqlite")) as cache:
        context = Context({"m": Recorder()}, cache, Display(), seed=7)
        messages: list[Prompt] = [task().prompt(sample) for sample in prompt]
        for strict in (None, True):
            ASKED.clear()
            context.generate("m", messages, Generation(schema=schema, strict=strict))
            assert [generation.strict for generation in ASKED] == [strict]


def test_a_probe_is_held_to_the_schema_of_its_task() -> None:
    later = Sample(id="2", task="p", input="x", targets=(json.dumps({"主诉": "", "诊断": "肺炎"}),))
    origin = task()
    probe = Task(
        name="p", data=Dataset(test=(later,)), template=origin.template, system=None, answer=REPORT,
        generation=Generation(), probe_of=origin,
    )  # fmt: skip
    assert probe.reply_schema == origin.reply_schema != REPORT.reply_schema([later])


SERVED = OpenAI(model="m", url="http://127.0.0.1:9/v1")
LOCAL = HuggingFace(path="owner/name")
NO_SCHEMA = "has no JSON schema"
NO_MODEL = "is of a kind whose replies cannot be held"
NO_PLACE = "has no place for reasoning and a marker"
FORMAT = OpenAI(model="m", url="http://127.0.0.1:9/v1", extra={"response_format": {"type": "json_object"}})


@pytest.mark.parametrize(
    ("answer", "models", "settings", "reasons"),
    [
        (REPORT, {"m": SERVED}, {}, []),
        (REPORT, {"m": Ollama(model="m")}, {}, []),
        (REPORT, {"m": Ollama(model="m", think=True)}, {}, []),
        (REPORT, {"m": LOCAL}, {}, []),
        (REPORT, {"m": LOCAL}, {"chain_of_thought": True}, []),  # it is held to the schema behind the marker
        (REPORT, {"m": LOCAL}, {"samples": 3, "temperature": 0.7, "shots": 2}, []),
        (REPORT, {"m": Quantised(base="b"), "b": LOCAL}, {}, []),
        (Text(), {"m": SERVED}, {}, [NO_SCHEMA]),
        (Text(after="答案："), {"m": LOCAL}, {}, [NO_SCHEMA]),
        (Choice(), {"m": SERVED}, {}, [NO_SCHEMA]),
        (Json(fields=("主诉",), form="sections"), {"m": SERVED}, {}, ["form: sections reads lines"]),
        (REPORT, {"m": Scripted()}, {}, [NO_MODEL]),
        (REPORT, {"m": Quantised(base="b"), "b": Scripted()}, {}, [NO_MODEL]),
        (REPORT, {"m": SERVED}, {"chain_of_thought": True}, [NO_PLACE]),
        (REPORT, {"m": Ollama(model="m")}, {"chain_of_thought": True}, [NO_PLACE]),
        (REPORT, {"m": FORMAT}, {}, ["response_format"]),
        (Text(), {"m": Scripted()}, {}, [NO_SCHEMA, NO_MODEL]),  # all at once
        (REPORT, {}, {}, []),  # an unknown model is told elsewhere
    ],
)
@pytest.mark.parametrize("kind", [Prompting, Rag])
def test_what_cannot_be_constrained_is_refused_before_the_run(
    kind: type[Prompting], answer: Answer, models: dict[str, Model], settings: dict[str, Any], reasons: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(SchemaConstraint, "problem", staticmethod(lambda: None))  # as if the library were there
    variant = kind(model="m", constrained=True, **settings, **({"knowledge": "k"} if kind is Rag else {}))
    problems = Prompting.check(variant, task(answer), Resources(), models)
    assert len(problems) == len(reasons)
    for problem, reason in zip(problems, reasons, strict=True):
        assert problem.startswith("constrained: ")
        assert reason in problem
    assert variant.rests_on() == ("constrained",)
    assert variant.model_copy(update={"constrained": False}).rests_on() == ()


SUITE = """
    name: reports
    models:
      m: {ollama: {model: judge, host: HOST}}
      robot: {scripted: {default: "[]"}}
    tasks:
      mrg:
        data: {jsonl: {path: test.jsonl, input: q, target: a}}
        prompt: "{{ input }}"
        answer: {json: {fields: [主诉, 诊断]}}
        metrics: {fields: json_fields}
    variants:
      free: {prompting: {model: m}}
      held: {prompting: {model: m, constrained: true}}
      """
ROWS = "".join(
    json.dumps({"q": f"咳嗽{i}天", "a": json.dumps({"主诉": "because", "诊断": "x"})}) + "\n" for i in range(3)
)
Write = Callable[..., Path]
Answerer = Callable[[dict[str, Any]], str]


def test_check_names_variant_task_and_remedy(write_suite: Write) -> None:
    suite = SUITE.replace("answer: {json: {fields: [主诉, 诊断]}}", "answer: text").replace(
        "json_fields", "exact_match"
    )
    suite = (
        suite.replace("HOST", "http://127.0.0.1:9").rstrip()
        + """
      bad: {prompting: {model: robot, constrained: true}}
    """
    )
    path = write_suite(suite, test__jsonl='{"q": "a", "a": "b"}\n{"q": "c", "a": "d"}\n')
    with pytest.raises(SuiteError) as error:
        check(load_suite(path))
    assert [line.partition(":")[0] for line in error.value.lines] == [
        "variants.held on tasks.mrg", "variants.bad on tasks.mrg", "variants.bad on tasks.mrg",
    ]  # fmt: skip
    assert "constrained: an answer of the kind text has no JSON schema; ask for" in error.value.lines[0]
    assert "constrained: model robot is of a kind" in error.value.lines[2]


def from_schema(body: dict[str, Any]) -> str:
    """Prose, and where the request has a schema an object of it: as a server that holds a weak model to it."""
    return json.dumps(filled(body["format"], 0.5, "kxq7"), ensure_ascii=False) if body.get("format") else "主诉是咳嗽。"


def test_a_run_shows_what_the_schema_gains(
    stand_in: Callable[..., StandIn], write_suite: Write, run_suite: Callable[..., RunFolder]
) -> None:
    server = stand_in(from_schema)
    folder = run_suite(write_suite(SUITE.replace("HOST", server.place), test__jsonl=ROWS))
    means = {(result.variant, result.metric): result.mean for result in folder.summary().results}
    assert (means["free", "fields.parsed"], means["held", "fields.parsed"]) == (0.0, 1.0)
    assert (means["free", "fields"], means["held", "fields"]) == (0.0, 0.5)  # 主诉 is right, 诊断 is not
    asked = [body.get("format") for body in server.bodies() if "咳嗽" in body["messages"][-1]["content"]]
    assert [schema is not None for schema in asked] == [False] * 3 + [True] * 3
    settings = {name: entry["settings"]["constrained"] for name, entry in folder.read_run()["variants"].items()}
    assert settings == {"free": False, "held": True}
    assert "constrained: true" in (folder.path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda body: "主诉是咳嗽。", "asked for one that allows a single word, it answered “主诉是咳嗽。”"),
        (lambda body: '{"主诉": "x", "诊断": "x"}', "does not hold replies to a JSON schema"),  # good, but unheld
        (lambda body: '```json\n{"kxq7": "kxq7"}\n```', "does not hold replies to a JSON schema"),
        (lambda body: "{}", "does not hold replies to a JSON schema"),
        (lambda body: "<think>x</think>" + from_schema(body), None),
        (lambda body: from_schema(body).replace(" ", "\n"), None),
    ],
)
def test_a_server_that_ignores_the_schema_leaves_the_variant_unknown(
    answer: Answerer, reason: str | None, stand_in: Callable[..., StandIn], write_suite: Write,
    run_suite: Callable[..., RunFolder],
) -> None:  # fmt: skip
    server = stand_in(answer)
    folder = run_suite(write_suite(SUITE.replace("HOST", server.place), test__jsonl=ROWS))
    known = {result.variant: result.known for result in folder.summary().results if result.metric == "fields"}
    assert known == {"free": 3, "held": 0 if reason else 3}
    errors = [prediction.error for prediction in folder.predictions() if prediction.variant == "held"]
    assert all((error is None) if reason is None else (reason in (error or "")) for error in errors)
    assert len(server.bodies()) == 3 + 1 + (0 if reason else 3)  # the question that proves it is asked once
