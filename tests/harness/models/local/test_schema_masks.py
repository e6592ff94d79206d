"""A reply that is held to a JSON schema: JSON from where the answer begins, in every batch, and free before it."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import torch

from harness.answers.json import Json
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.schema_masks import SchemaConstraint, SchemaMasks, block_openings
from harness.records.inputs import Generation, Sample
from harness.records.outputs import Completion
from harness.selftest.constrained_replies import CLAIM, SCHEMAS
from harness.text.json_schemas import object_schema
from tests.shared.proving import failures
from tests.shared.reciting_model import OPEN_TEMPLATE, TEMPLATE, chat_text, save_reciting
from tests.shared.tiny_models import user

pytest.importorskip("llguidance", reason="constrained replies need llguidance: pip install llguidance")

OBJECT = '{"a": "A", "b": "发热"}'
SHORT = {"type": "string", "maxLength": 6}
SCHEMA = object_schema({"a": SHORT, "b": SHORT})
REPLIES = {
    "direct": OBJECT,
    "prose": "fever\ncough",
    "fence": f"```json\n{OBJECT}\n```",
    "spaced": '{\n  "a": "A",\n  "b": "B"\n}',
    "other": '{"b": "A", "c": 1}',
    "think": f"<think>A or\nB?</think>\n{OBJECT}",
    "square": f"[THINK]A[/THINK]{OBJECT}",
    "own": f"<<A or B?>> {OBJECT}",
    "marker": f"A or\nB?\nAnswer: {OBJECT}",
    "both": f"<think>A\nAnswer: B</think>\nAnswer: {OBJECT}",
}
THINKS = {"enable_thinking": True}
OWN = {**THINKS, "reasoning_tags": [["<<", ">>"]]}
MARKED = {"marker": "Answer:"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes the replies in chat format, each behind the question of its name."""
    prompts = {chat_text(name): reply for name, reply in REPLIES.items()}
    return save_reciting(tmp_path_factory.mktemp("reciting") / "chat", prompts, TEMPLATE)


@pytest.fixture(scope="module")
def open_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its template opens the block: the replies begin inside it."""
    replies = {"think": f"A or\nB?</think>\n\n{OBJECT}", "prose": "A or\nB?</think>fever", "endless": "A or B?"}
    prompts = {chat_text(name, "<think>\n"): reply for name, reply in replies.items()}
    return save_reciting(tmp_path_factory.mktemp("reciting") / "open", prompts, OPEN_TEMPLATE)


def ask(folder: Path, question: str, settings: dict[str, Any] | None = None, **options: Any) -> Completion:
    model = HuggingFace.model_validate({"path": str(folder), "dtype": "float32", "device": "cpu", **(settings or {})})
    generation = Generation(**{"max_tokens": 64, "schema": SCHEMA, "strict": True, **options})
    (alone,) = model.generate([user(question)], generation, [0])
    others = [user(name) for name in ("direct", "think", "prose") if name != question]
    together = model.generate([user(question), *others], generation, [0] * (1 + len(others)))[0]
    if not generation.temperature:
        assert (together.text, together.finish, together.tokens_out) == (alone.text, alone.finish, alone.tokens_out)
    model.close()
    return alone


@pytest.mark.parametrize(
    ("question", "settings", "options"),
    [
        ("direct", {}, {}),
        ("think", THINKS, {}),
        ("square", THINKS, {}),
        ("own", OWN, {}),
        ("marker", {}, MARKED),
        ("both", THINKS, MARKED),
        ("prose", {}, {"strict": None}),  # a schema that need not be kept, as a judge's, changes nothing
        ("spaced", {}, {"strict": None}),
        ("prose", {}, {"schema": None}),
    ],
)
def test_what_is_allowed_is_written_as_it_would_be(
    question: str, settings: dict[str, Any], options: dict[str, Any], folder: Path
) -> None:
    completion = ask(folder, question, settings, **options)
    assert (completion.text, completion.finish) == (REPLIES[question], "stop")


@pytest.mark.parametrize(
    ("question", "settings", "options"),
    [
        ("prose", {}, {}),
        ("fence", {}, {}),
        ("spaced", {}, {}),
        ("other", {}, {}),
        ("think", {}, {}),  # it is not set to reason: the reply is the answer
        ("own", {}, {}),
        ("prose", THINKS, {}),
        ("prose", {}, {"temperature": 1.5}),
        ("direct", {}, {"temperature": 2.0, "top_p": 0.9}),
    ],
)
def test_everything_else_becomes_the_object(
    question: str, settings: dict[str, Any], options: dict[str, Any], folder: Path
) -> None:
    completion = ask(folder, question, settings, **options)
    assert completion.finish == "stop"
    jsonschema.validate(json.loads(completion.text), SCHEMA)
    assert completion.text.strip() == json.dumps(json.loads(completion.text), ensure_ascii=False)  # in one line


@pytest.mark.parametrize(
    ("question", "options", "text", "is_read"),
    [
        ("think", {}, f"<think>\nA or\nB?</think>\n\n{OBJECT}", True),
        ("prose", {}, None, True),
        ("endless", {}, "<think>\nA or B?", False),  # it ends before there is an answer
        ("think", {"reasoning_tokens": 3}, None, False),
        ("think", {"max_tokens": 5}, None, False),  # cut inside the object
    ],
)
def test_the_answer_begins_behind_a_block_that_the_template_opens(
    question: str, options: dict[str, Any], text: str | None, is_read: bool, open_folder: Path
) -> None:
    completion = ask(open_folder, question, **options)
    assert text in (None, completion.text)
    reading = Json(fields=("a", "b")).read(Sample(id="1", task="t", input="", targets=()), completion.text)
    assert (set(reading.answer or {}) == {"a", "b"}) is is_read
    assert completion.finish == ("length" if not is_read and options else "stop")


@pytest.mark.parametrize("most", [1, 4, 9])
def test_an_object_cut_at_its_limit_is_no_answer(most: int, folder: Path) -> None:
    completion = ask(folder, "direct", max_tokens=most)
    assert (completion.finish, completion.tokens_out) == ("length", most)
    reading = Json(fields=("a", "b")).read(Sample(id="1", task="t", input="", targets=()), completion.text)
    assert reading.answer is None
    assert reading.reason


def test_samples_of_one_question_differ_and_all_are_the_object(folder: Path) -> None:
    model = HuggingFace(path=str(folder), dtype="float32", device="cpu")
    generation = Generation(max_tokens=64, temperature=3.0, schema=SCHEMA, strict=True)
    replies = model.generate([user("prose")] * 6, generation, list(range(6)))
    for reply in replies:
        jsonschema.validate(json.loads(reply.text), SCHEMA)
    assert len({reply.text for reply in replies}) > 3
    model.close()


TAGS = ("<think>", "[THINK]")


@pytest.mark.parametrize(
    ("added", "is_set_to_reason", "lengths"),
    [
        ((), False, []),
        (("<think>",), False, [1]),
        (("<think>", "[THINK]"), False, [1, 1]),
        (("<think>",), True, [1, 5]),
    ],
)
def test_a_block_is_opened_by_tags_of_one_token_or_on_request(
    added: tuple[str, ...], is_set_to_reason: bool, lengths: list[int], folder: Path
) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(list(added))
    openings = block_openings(tokenizer, TAGS, is_set_to_reason)
    assert [1 if len(opening) == 1 else 5 for opening in openings] == lengths
    assert [tokenizer.decode(opening) for opening in openings] == list(TAGS[: len(lengths)])


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "object", "properties": {"a": {"not": {"type": "null"}}}, "required": ["a"]}, "Unimplemented keys"),
        ({"type": "array", "uniqueItems": True}, "Unimplemented keys"),
        ({"type": "strange"}, "strange"),
    ],
)
def test_a_schema_that_cannot_be_kept_is_refused(schema: dict[str, Any], reason: str, folder: Path) -> None:
    with pytest.raises(ModelError, match=f"cannot hold a reply to this JSON schema: .*{reason}"):
        ask(folder, "direct", schema=schema)


def test_a_reply_that_the_library_gives_up_is_a_failure(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = SchemaMasks.__call__

    def astray(self: SchemaMasks, input_ids: Any, scores: Any) -> Any:
        masked = own(self, input_ids, scores)
        masked[0] = scores[0]  # the first row chooses what is forbidden
        return masked

    monkeypatch.setattr(SchemaMasks, "__call__", astray)
    model = HuggingFace(path=str(folder), dtype="float32", device="cpu")
    generation = Generation(max_tokens=64, schema=SCHEMA, strict=True)
    first, second = model.generate([user("prose"), user("direct")], generation, [0, 0])
    assert first.finish == "error"
    assert "llguidance could not hold the reply to the JSON schema" in (first.error or "")
    assert (second.text, second.error) == (OBJECT, None)
    model.close()


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="llguidance cannot read this model's tokenizer: Only fast tokenizers"):
        SchemaConstraint(SimpleNamespace(), [2], [])


def test_without_the_package_the_model_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "llguidance" else find(name))
    problem = "needs the package llguidance for it: pip install 'domain-harness[local]'"
    assert HuggingFace(path="a/b").schema_problem() == problem
    with pytest.raises(ModelError, match="constrained: the model needs the package llguidance"):
        SchemaConstraint(SimpleNamespace(), [2], [])


BROKEN = {
    "no mask": lambda scores, masked: scores,
    "the neighbour's mask": lambda scores, masked: torch.where(masked.roll(1, 0).isinf(), float("-inf"), scores),
    "the end is forbidden": lambda scores, masked: masked.index_fill(1, torch.tensor([2]), -1e4),
}


@pytest.mark.parametrize("name", [*BROKEN, ""])
def test_the_self_test_sees_what_is_broken(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = SchemaMasks.__call__
    change = BROKEN.get(name, lambda scores, masked: masked)
    monkeypatch.setattr(SchemaMasks, "__call__", lambda self, ids, scores: change(scores, own(self, ids, scores)))
    failed = failures(tmp_path, ("constrained",), CLAIM)
    assert len(failed) == (2 if name and name != "the end is forbidden" else 0)
    assert len(SCHEMAS) > 1
