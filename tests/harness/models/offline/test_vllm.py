"""vLLM answers as transformers does, as far as that shows without a GPU: requests, limits, adapters, refusals."""

import ast
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from adapters.methods.ia3 import Ia3
from adapters.methods.lora import Lora
from adapters.methods.prefix import Prefix
from adapters.methods.qlora import Qlora
from adapters.models.base.offline_engine import expect_adapter, expect_method
from adapters.models.base.trained import trained_engine
from harness.cli import app
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.answer_limits import AnswerLimits, BoundedReply
from harness.models.offline.drafts import Draft, write_in_rounds
from harness.models.offline.engine_model import by_prefix
from harness.models.offline.vllm_requests import (
    LORA_RANKS,
    Continuation,
    EngineSettings,
    TextRequest,
    engine_arguments,
    lora_rank,
    memory_share,
    sampling_options,
)
from harness.records.inputs import Generation
from harness.selftest.tiny_models import CHATML, TinyModels
from tests.shared.tiny_models import user
from tests.shared.vllm_stand_in import EngineDeadError, Record, install, installed_source

PROMPTS = [user(text) for text in ("肺炎", "Which of the following is correct?", "A", "letter B. cough")]
THINKING = CHATML.replace("assistant\n{%", "assistant\n<think>\n{%", 1)
SCHEMA = {"type": "object"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModels:
    return TinyModels(tmp_path_factory.mktemp("tiny"), "cpu")


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Record:
    return install(monkeypatch)


@pytest.mark.parametrize(
    ("template", "generation"),
    [
        (CHATML, Generation(max_tokens=12)),
        (CHATML, Generation(max_tokens=12, stop=("e", "the"))),
        (CHATML, Generation(max_tokens=12, repetition_penalty=1.3)),
        (CHATML, Generation(max_tokens=8, marker="Z", reasoning_tokens=6)),  # never written: all is reasoning
        (CHATML, Generation(max_tokens=8, marker="e", reasoning_tokens=20)),
        (THINKING, Generation(max_tokens=8, stop=("e",), reasoning_tokens=7)),
        (CHATML, Generation(max_tokens=215, stop=("e",))),  # some prompts have room for so much and some have not
    ],
    ids=["plain", "stops", "penalty", "no marker", "marker", "thought", "window"],
)
def test_replies_are_those_of_transformers(
    tiny: TinyModels, record: Record, template: str, generation: Generation
) -> None:
    ours, theirs = tiny.copy(template=template), tiny.copy(template=template, engine="vllm")
    expected = ours.generate(PROMPTS, generation, [0] * len(PROMPTS))
    replies = theirs.generate(PROMPTS, generation, [0] * len(PROMPTS))
    for reply, other in zip(replies, expected, strict=True):
        assert (reply.text, reply.finish, reply.tokens_in, reply.tokens_out, reply.error) == (
            other.text, other.finish, other.tokens_in, other.tokens_out, other.error
        )  # fmt: skip
        assert reply.logprob == pytest.approx(other.logprob, abs=2e-4)
    assert len(record.loads) == 1


def test_one_engine_holds_the_weights_at_a_time(tiny: TinyModels, record: Record) -> None:
    model, generation = tiny.copy(engine="vllm"), Generation(max_tokens=3)
    model.generate(PROMPTS[:1], generation, [0])
    assert model._network is None
    scored = model.score_options(PROMPTS[:1], [("A", "B")])[0]
    assert scored == tiny.copy().score_options(PROMPTS[:1], [("A", "B")])[0]  # by our own path
    assert not record.engines[0].llm_engine.engine_core.is_running
    model.generate(PROMPTS[:1], generation, [0])
    assert model._network is None
    model.close()
    assert [engine.llm_engine.engine_core.is_running for engine in record.engines] == [False, False]


def test_five_adapters_load_their_base_once(tiny: TinyModels, record: Record, tmp_path: Path) -> None:
    base, prompts, generation = tiny.copy(engine="vllm"), PROMPTS[:1], Generation(max_tokens=4)
    engines, expected = [], []
    for number in range(5):
        method, folder = Lora(r=4 + number), tmp_path / str(number)
        torch.manual_seed(number)
        network = method.prepare(tiny.copy().load())
        for name, value in network.named_parameters():
            if "lora_B" in name:
                value.data.normal_(std=0.5)
        method.save(network, folder)
        expect_method(base, method)
        engines.append(trained_engine(base, method, folder))
        expected.append(trained_engine(tiny.copy(), method, folder).generate(prompts, generation, [0]))
    plain = base.generate(prompts, generation, [0])
    texts = [[reply.text for reply in engine.generate(prompts, generation, [0])] for engine in engines]
    assert texts == [[reply.text for reply in replies] for replies in expected]
    assert [reply.text for reply in plain] not in texts
    assert [load["max_lora_rank"] for load in record.loads] == [8]
    numbers = [None if request is None else request.lora_int_id for request in record.adapters]
    assert numbers == [None, 1, 2, 3, 4, 5]
    assert len({str(engine.identity()) for engine in (base, *engines)}) == 6


def test_what_is_merged_is_a_folder_of_its_own(tiny: TinyModels, record: Record, tmp_path: Path) -> None:
    base, method, folder = tiny.copy(engine="vllm"), Ia3(), tmp_path / "ia3"
    network = method.prepare(tiny.copy().load())
    for name, value in network.named_parameters():
        if "ia3" in name:
            value.data.mul_(1.5)
    method.save(network, folder)
    expect_method(base, method)
    replies = trained_engine(base, method, folder).generate(PROMPTS, Generation(max_tokens=6), [0] * 4)
    expected = trained_engine(tiny.copy(), method, folder).generate(PROMPTS, Generation(max_tokens=6), [0] * 4)
    assert [reply.text for reply in replies] == [reply.text for reply in expected]
    assert Path(record.loads[0]["model"]).parent == tmp_path


def test_the_engine_is_part_of_the_identity(tiny: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = tiny.copy().identity()
    for number in ("0.30.0", "0.33.0"):
        monkeypatch.setattr("harness.models.offline.engine_model.engine_version", lambda number=number: number)
        identity = tiny.copy(engine="vllm").identity()
        assert identity == {**plain, "engine": "vllm", "packages": {**plain["packages"], "vllm": number}}
    assert "engine" not in plain  # what was asked before is not asked again


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (EngineDeadError("see the root cause"), "vLLM's process has ended, as when the GPU fails or memory runs out"),
        (ValueError("Unsupported JSON schema"), "vLLM refuses the request: Unsupported JSON schema"),
    ],
)
def test_an_engine_that_fails_is_one_line(tiny: TinyModels, record: Record, failure: Exception, says: str) -> None:
    model = tiny.copy(engine="vllm")
    model.generate(PROMPTS[:1], Generation(max_tokens=2), [0])
    record.failure = failure
    with pytest.raises(ModelError, match=says) as error:
        model.generate(PROMPTS[:1], Generation(max_tokens=2), [0])
    assert len(error.value.lines) == 1
    assert model.offline.is_loaded == ("refuses" in says)


def test_no_memory_left_is_one_line(tiny: TinyModels, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, memory=(2 << 30) + (1 << 29))  # 0.5 GiB free
    with pytest.raises(ModelError, match=r"the GPU has 0\.5 GiB of 2\.5 GiB free; end what else is on it"):
        tiny.copy(engine="vllm").generate(PROMPTS[:1], Generation(max_tokens=2), [0])


SUITE = """\
name: engines
models:
  base: {{huggingface: {{path: {path}, engine: vllm, device: {device}}}}}
  other: {entry}
tasks:
  t: {{data: {{tsv: {{path: test.tsv, input: input, target: target}}}}, prompt: "{{{{ input }}}}", metrics: {{m: exact_match}}}}
variants: {{v: {{prompting: {{model: base}}}}, w: {{prompting: {{model: other}}}}}}
"""
PLAIN = "{huggingface: {path: owner/name}}"


@pytest.mark.parametrize(
    ("command", "is_there", "device", "entry", "says"),
    [
        ("check", False, "cuda", PLAIN, "needs the package vllm: pip install 'domain-harness[vllm]'"),
        ("plan", False, "cuda", PLAIN, "needs the package vllm: pip install 'domain-harness[vllm]'"),
        ("plan", True, "cpu", PLAIN, "needs a GPU that torch sees (device: cpu)"),
        ("plan", True, "cuda", PLAIN, "needs a GPU that torch sees (device: cuda)"),
        ("check", True, "cuda", "{huggingface: {path: owner/name, engine: vlm}}", "engine"),
    ],
)
def test_a_suite_that_cannot_run_here_is_refused(
    tiny: TinyModels,
    write_suite: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    is_there: bool,
    device: str,
    entry: str,
    says: str,
) -> None:
    monkeypatch.setattr("harness.models.offline.vllm_engine.is_installed", lambda name: is_there)
    text = SUITE.format(path=tiny.copy().path, device=device, entry=entry)
    result = CliRunner().invoke(app, [command, str(write_suite(text, test__tsv="input\ttarget\na\tx\n"))])
    assert result.exit_code == 2
    assert says in result.output
    assert len([line for line in result.output.splitlines() if "models.base" in line]) == (entry == PLAIN)


@pytest.mark.parametrize(
    ("method", "rank", "refusal"),
    [
        (Lora(r=8), 8, None), (Lora(r=512), 512, None), (Lora(r=600), 0, None), (Lora(dora=True), 0, None),
        (Ia3(), 0, None), (Qlora(), 0, "has no qlora: it stores the base in other numbers"),
        (Prefix(), 0, "has no prefix, which cannot be merged"),
    ],
)  # fmt: skip
def test_methods_are_attached_merged_or_refused(method: Any, rank: int, refusal: str | None) -> None:
    base = HuggingFace(path="owner/name", engine="vllm")
    expect_method(HuggingFace(path="owner/name"), method)  # transformers takes all
    if refusal is None:
        expect_method(base, method)
    else:
        with pytest.raises(ModelError, match=refusal):
            expect_method(base, method)
    assert base._highest_rank == rank


@pytest.mark.parametrize(
    ("kind", "settings", "refusal"),
    [
        ("LORA", {"r": 16}, None),
        ("LORA", {"r": 16, "use_dora": True}, "attaches no adapter with use_dora: True"),
        ("LORA", {"r": 16, "modules_to_save": ["lm_head"]}, "attaches no adapter with modules_to_save"),
        ("LORA", {"r": 8, "rank_pattern": {"q_proj": 1024}}, "attaches adapters up to rank 512, and this one has 1024"),
        ("IA3", {}, "attaches LoRA adapters only, and this one is IA3"),
    ],
)
def test_adapters_made_elsewhere_are_attached_or_refused(kind: str, settings: Any, refusal: str | None) -> None:
    from peft import IA3Config, LoraConfig

    base = HuggingFace(path="owner/name", engine="vllm")
    configuration = {"LORA": LoraConfig, "IA3": IA3Config}[kind](**settings)
    if refusal is None:
        expect_adapter(base, configuration)
        assert base._highest_rank == 16
    else:
        with pytest.raises(ModelError, match=refusal):
            expect_adapter(base, configuration)


@pytest.mark.parametrize(
    ("generation", "own"),
    [
        (Generation(), {}),
        (Generation(top_p=0.5, top_k=4), {}),  # greedy: of no effect
        (Generation(temperature=0.7), {"temperature": 0.7, "top_p": 1.0, "top_k": 0, "seed": 5}),
        (Generation(temperature=1.0, top_p=0.9, top_k=40), {"temperature": 1.0, "top_p": 0.9, "top_k": 40, "seed": 5}),
        (Generation(repetition_penalty=1.2), {"repetition_penalty": 1.2}),
    ],
)
def test_options_become_parameters(generation: Generation, own: dict[str, Any]) -> None:
    request = TextRequest(prompt=[1], max_tokens=9, stop=("\n",), seed=5)
    assert sampling_options(request, generation, [2, 3]) == {
        "max_tokens": 9, "stop": ["\n"], "stop_token_ids": [2, 3], "temperature": 0.0, "logprobs": 0,
        "repetition_penalty": 1.0, "skip_special_tokens": False, "spaces_between_special_tokens": False, **own,
    }  # fmt: skip


def test_a_seed_belongs_to_prompt_and_repeat(tiny: TinyModels, record: Record) -> None:
    model, sampled = tiny.copy(engine="vllm"), Generation(max_tokens=2, temperature=1.0, seed=3)
    model.generate([PROMPTS[0], PROMPTS[0], PROMPTS[1]], sampled, [0, 1, 0])
    model.generate([PROMPTS[1], PROMPTS[0]], sampled, [0, 0])
    seeds = [parameters.seed for parameters in record.parameters]
    assert len({*seeds[:3]}) == 3
    assert seeds[3:] == [seeds[2], seeds[0]]  # whatever else is in the batch


@pytest.mark.parametrize(
    ("rank", "known"), [(1, 1), (4, 8), (8, 8), (9, 16), (64, 64), (65, 128), (300, 320), (512, 512)]
)
def test_the_rank_is_one_that_kernels_are_built_for(rank: int, known: int) -> None:
    assert lora_rank(rank) == known


@pytest.mark.parametrize(
    ("free", "share"),
    [(80, 0.92), (74, 0.91), (41, 0.5), (1, 0.0), (0, 0.0)],  # (free − 1) / 80, cut to hundredths
)
def test_an_engine_takes_what_is_free(free: int, share: float) -> None:
    assert memory_share(free << 30, 80 << 30) == pytest.approx(share)


def test_prompts_that_begin_alike_are_asked_together() -> None:
    assert by_prefix([[5, 6, 7], [1], [5, 6], [1, 9], []]) == [[4, 1, 3, 2, 0]]


@pytest.mark.parametrize(
    ("may_reason", "schema", "texts", "asked"),
    [
        # answers at once: one round, held to the schema
        (False, SCHEMA, ["yes\nno"], [(4, ("\n",), SCHEMA)]),
        # may open a block, so nothing is held before it closes; room for thought is 20
        (True, SCHEMA, ["<think>so</think>", "yes\nno"], [(20, "closings", None), (4, ("\n",), SCHEMA)]),
        # ... and opens none: the answer is written again, held
        (True, SCHEMA, ["ye", "yes\nno"], [(20, "closings", None), (4, ("\n",), SCHEMA)]),
        # without a schema a block is seen when it comes: 7 + 13 = 20 tokens of it
        (False, None, ["<think>", "so</think>", "yes\nno"],
         [(4, ("\n",), None), (13, "closings", None), (4, ("\n",), None)]),
    ],
    ids=["held", "thought first", "no thought", "thought seen late"],
)  # fmt: skip
def test_reasoning_and_answer_are_rounds(
    may_reason: bool, schema: Any, texts: list[str], asked: list[tuple[int, Any, Any]]
) -> None:
    generation = Generation(max_tokens=4, stop=("\n",), reasoning_tokens=20)

    def decode(tokens: Sequence[int]) -> str:
        return "".join(map(chr, tokens))

    def begin() -> BoundedReply:
        return BoundedReply(AnswerLimits(generation=generation), decode, "", 100)

    requests: list[TextRequest] = []
    coming: Iterator[str] = iter(texts)

    def write(batch: Sequence[TextRequest]) -> list[Continuation]:
        requests.extend(batch)
        tokens = [ord(sign) for sign in next(coming)]
        return [Continuation(tokens=tokens, logprobs=[-0.5] * len(tokens), finish="stop") for _ in batch]

    draft = Draft(prompt=[7], begin=begin, seed=1, schema=schema, may_reason_first=may_reason)
    write_in_rounds([draft], write, {0})
    limits = [(own.max_tokens, own.stop if "</think>" not in own.stop else "closings", own.schema) for own in requests]
    assert limits == asked
    before = "<think>so</think>" if "<think>so</think>" in "".join(texts) else ""
    assert decode(draft.tokens) == f"{before}yes\n"
    assert len(draft.logprobs) == len(draft.tokens)
    assert list(requests[0].prompt) == [7]
    assert draft.reply.finish == "stop"


def test_the_installed_vllm_takes_what_is_sent() -> None:
    """Read from its source, so that it needs no GPU."""
    if installed_source("") is None:
        pytest.skip("vllm is not installed")
    settings = EngineSettings(
        folder=Path("f"), tokenizer=Path("f"), dtype="bfloat16", trust_remote_code=False, highest_rank=8
    )
    arguments = set(engine_arguments(settings, 0.9))
    sampled = sampling_options(TextRequest(prompt=[], max_tokens=1, stop=(), seed=0), Generation(temperature=1.0), [])
    llm = class_of("entrypoints/llm.py", "LLM")
    assert arguments <= parameters_of(llm, "__init__") | fields_of(class_of("engine/arg_utils.py", "EngineArgs"))
    assert {"use_tqdm", "lora_request", "sampling_params", "prompts"} <= parameters_of(llm, "generate")
    assert {*sampled, "structured_outputs"} <= fields_of(class_of("sampling_params.py", "SamplingParams"))
    assert "json" in fields_of(class_of("sampling_params.py", "StructuredOutputsParams"))
    assert {"lora_name", "lora_int_id", "lora_path"} <= fields_of(class_of("lora/request.py", "LoRARequest"))
    assert {"token_ids", "logprobs", "finish_reason"} <= fields_of(class_of("outputs.py", "CompletionOutput"))
    assert "prompt_token_ids" in fields_of(class_of("inputs/llm.py", "TokensPrompt"))
    assert "shutdown" in {node.name for node in class_of("v1/engine/core_client.py", "MPClient").body
                          if isinstance(node, ast.FunctionDef)}  # fmt: skip
    class_of("v1/engine/exceptions.py", "EngineDeadError")
    ranks = next(
        node for node in ast.walk(tree_of("config/lora.py"))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MaxLoRARanks"
    )  # fmt: skip
    assert ast.unparse(ranks.value) == f"Literal{list(LORA_RANKS)}"


def tree_of(name: str) -> ast.Module:
    file = installed_source(name)
    assert file is not None
    return ast.parse(file.read_text(encoding="utf-8"))


def class_of(file: str, name: str) -> ast.ClassDef:
    return next(node for node in ast.walk(tree_of(file)) if isinstance(node, ast.ClassDef) and node.name == name)


def fields_of(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(line.target) for line in node.body if isinstance(line, ast.AnnAssign)}


def parameters_of(node: ast.ClassDef, name: str) -> set[str]:
    function = next(line for line in node.body if isinstance(line, ast.FunctionDef) and line.name == name)
    return {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
