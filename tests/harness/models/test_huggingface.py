"""Tiny real models prove the transformers backend: what it sends, cuts, scores and keys is what it says it does."""

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import PrivateAttr

from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.answer_limits import AnswerLimits, BoundedReply
from harness.models.local.batches import Halving, token_batches
from harness.models.local.chat_template import as_chat, as_plain
from harness.models.local.failures import REMEDY
from harness.models.local.written_row import WrittenRow
from harness.records.inputs import Generation, Message, Prompt
from harness.records.outputs import Completion
from harness.text.canonical import digest
from tests.shared.tiny_models import CHATML, WINDOW, readable, save_tokenizer, sizes, user

NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
)
GREEDY = Generation(max_tokens=12)


# Five lengths, so that batches are padded.
PROMPTS = [
    user(text)
    for text in ("肺炎", "Which of the following is correct?", "A", "糖尿病肾病 高血压 fever", "letter B. cough")
]


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Llama-shaped, random weights, a ChatML template with a thinking branch."""
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("tiny") / "llama"
    torch.manual_seed(1)
    save_tokenizer(folder, CHATML)
    readable(LlamaForCausalLM(LlamaConfig(**sizes())), folder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def qwen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Qwen2-shaped, random weights, no chat template."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path_factory.mktemp("tiny") / "qwen"
    torch.manual_seed(2)
    save_tokenizer(folder, None)
    readable(Qwen2ForCausalLM(Qwen2Config(**sizes())), folder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def llama(llama_folder: Path) -> Iterator[HuggingFace]:
    model = tiny(llama_folder)
    yield model
    model.close()


@pytest.fixture(scope="session")
def qwen(qwen_folder: Path) -> Iterator[HuggingFace]:
    model = tiny(qwen_folder)
    yield model
    model.close()


def tiny(folder: Path, **settings: Any) -> HuggingFace:
    return HuggingFace(path=str(folder), dtype="float32", device="cpu", **settings)


def zeros(prompts: Sequence[Prompt]) -> list[int]:
    return [0] * len(prompts)


def one_by_one(model: HuggingFace, prompts: Sequence[Prompt], generation: Generation = GREEDY) -> list[Completion]:
    return [model.generate([prompt], generation, [0])[0] for prompt in prompts]


# -- generation ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["llama", "qwen"])
def test_a_batch_generates_what_single_calls_do(shape: str, request: pytest.FixtureRequest) -> None:
    model: HuggingFace = request.getfixturevalue(shape)
    together = model.generate(PROMPTS, GREEDY, zeros(PROMPTS))
    assert together == one_by_one(model, PROMPTS)
    assert len({completion.text for completion in together}) == len(PROMPTS)  # distinct, so that order can show
    turned = model.generate(PROMPTS[::-1], GREEDY, zeros(PROMPTS))
    assert turned == together[::-1]
    assert [completion.tokens_in for completion in together] == [len(model.encode(prompt)) for prompt in PROMPTS]


def test_greedy_is_the_argmax_of_the_plain_model(llama: HuggingFace) -> None:
    ids = llama.encode(PROMPTS[1])
    expected: list[int] = []
    for _ in range(GREEDY.max_tokens):
        with torch.inference_mode():
            logits = llama._model()(torch.tensor([ids + expected])).logits[0, -1]
        expected.append(int(logits.argmax()))
    assert 2 not in expected  # the end token: without it the whole length is compared
    assert llama.generate([PROMPTS[1]], GREEDY, [0])[0].text == llama.tokenizer.decode(
        expected, skip_special_tokens=True
    )


def test_the_token_limit_is_told(llama: HuggingFace) -> None:
    (completion,) = llama.generate([PROMPTS[1]], Generation(max_tokens=5), [0])
    assert (completion.finish, completion.tokens_out) == ("length", 5)


def test_the_mean_log_probability_of_what_was_said(llama: HuggingFace) -> None:
    """The same numbers from one forward over prompt and answer together."""
    import torch

    for prompt, completion in zip(PROMPTS, llama.generate(PROMPTS, GREEDY, zeros(PROMPTS)), strict=True):
        start = llama.encode(prompt)
        with torch.inference_mode():
            row = llama._model().generate(
                torch.tensor([start]), max_new_tokens=GREEDY.max_tokens, do_sample=False,
                attention_mask=torch.ones(1, len(start), dtype=torch.long),
            )  # fmt: skip
            logprobs = llama._model()(row).logits.log_softmax(-1)
        said = [float(logprobs[0, i - 1, row[0, i]]) for i in range(len(start), row.shape[1])]
        said = said[: max(completion.tokens_out, 1)]
        assert completion.logprob == pytest.approx(sum(said) / len(said), abs=1e-4)


def test_a_stop_string_cuts_the_text(llama: HuggingFace) -> None:
    free = one_by_one(llama, PROMPTS)
    stop = free[1].text[4:6]
    cut = llama.generate(PROMPTS, Generation(max_tokens=12, stop=(stop,)), zeros(PROMPTS))
    assert cut[1].text == free[1].text[: free[1].text.index(stop)]
    assert cut[1].finish == "stop"
    assert cut[1].tokens_out < 12
    untouched = [i for i in range(len(PROMPTS)) if stop not in free[i].text]
    assert untouched  # the others of the batch go on to the limit
    assert [cut[i] for i in untouched] == [free[i] for i in untouched]
    assert all(stop not in completion.text for completion in cut)


def test_the_earliest_of_several_stop_strings_cuts(llama: HuggingFace) -> None:
    (free,) = one_by_one(llama, [PROMPTS[1]])
    early, late = free.text[2:4], free.text[7:9]
    assert free.text.index(early) < free.text.index(late)
    (cut,) = llama.generate([PROMPTS[1]], Generation(max_tokens=12, stop=(late, early)), [0])
    assert cut.text == free.text[: free.text.index(early)]


def test_the_first_place_counts_when_one_token_completes_two_stop_strings(llama: HuggingFace) -> None:
    row = llama.tokenizer("A fever B cough")["input_ids"]
    limits = AnswerLimits(generation=Generation(max_tokens=len(row), stop=("cough", "ver")))
    reply = BoundedReply(limits, llama._decode, "", WINDOW)
    completion = llama._completion(WrittenRow(place=0, prompt=[1, 2, 3], reply=reply, draws=Random(0), tokens=row))
    assert (completion.text, completion.finish, completion.tokens_in) == ("A fe", "stop", 3)


def test_the_end_token_stops(llama_folder: Path, tmp_path: Path, llama: HuggingFace) -> None:
    """The third token that the model would write is made an end token: two are left, in a batch and alone."""
    ids = llama.encode(PROMPTS[1])
    row = llama._model().generate(torch.tensor([ids]), max_new_tokens=3, do_sample=False)[0].tolist()[len(ids) :]
    assert row[2] not in row[:2]
    folder = copied(llama_folder, tmp_path)
    edit_json(folder / "generation_config.json", eos_token_id=[2, row[2]])
    model = tiny(folder)
    for prompts in ([PROMPTS[1]], PROMPTS):
        completion = model.generate(prompts, GREEDY, zeros(prompts))[prompts.index(PROMPTS[1])]
        assert (completion.finish, completion.tokens_out) == ("stop", 2)
        assert completion.text == model.tokenizer.decode(row[:2])
    model.close()


def said(completions: Sequence[Completion]) -> list[tuple[str, str, int]]:
    """What does not depend on the batch: log-probabilities differ in the seventh digit by padding."""
    return [(completion.text, completion.finish, completion.tokens_out) for completion in completions]


# What checkpoints ship beside their weights; `tokens` are those that the model would write first.
SHIPPED: list[tuple[str, Any]] = [
    ("sampling", lambda tokens: {"do_sample": True, "temperature": 2.0, "top_k": 20, "top_p": 0.8}),
    ("beams", lambda tokens: {"num_beams": 4, "length_penalty": 2.0}),
    ("repetition_penalty", lambda tokens: {"repetition_penalty": 5.0}),
    ("no_repeat_ngram_size", lambda tokens: {"no_repeat_ngram_size": 1}),
    ("bad_words_ids", lambda tokens: {"bad_words_ids": [[tokens[1]]]}),
    ("sequence_bias", lambda tokens: {"sequence_bias": [[[tokens[1]], -1e4]]}),
    ("suppress_tokens", lambda tokens: {"suppress_tokens": tokens[1:2]}),
    ("begin_suppress_tokens", lambda tokens: {"begin_suppress_tokens": tokens[:1]}),
    ("forced_eos_token_id", lambda tokens: {"forced_eos_token_id": 2}),
    ("stop_strings", lambda tokens: {"stop_strings": ["e", "a", "r"]}),
]


@pytest.mark.parametrize("shipped", [row[1] for row in SHIPPED], ids=[row[0] for row in SHIPPED])
def test_greedy_is_greedy_whatever_the_model_ships(
    shipped: Any, llama_folder: Path, tmp_path: Path, llama: HuggingFace
) -> None:
    expected = one_by_one(llama, PROMPTS)
    ids = llama.encode(PROMPTS[1])
    row = llama._model().generate(torch.tensor([ids]), max_new_tokens=3, do_sample=False)[0].tolist()[len(ids) :]
    folder = copied(llama_folder, tmp_path)
    edit_json(folder / "generation_config.json", **shipped(row))
    model = tiny(folder)
    assert said(one_by_one(model, PROMPTS)) == said(expected)
    assert said(model.generate(PROMPTS, GREEDY, zeros(PROMPTS))) == said(expected)
    model.close()


def test_sampling_has_only_the_suites_options(llama_folder: Path, tmp_path: Path, llama: HuggingFace) -> None:
    """min_p 0.9 would leave one token, a penalty would forbid the rest."""
    warm = Generation(max_tokens=12, temperature=1.0, top_p=0.9, seed=7)
    folder = copied(llama_folder, tmp_path)
    edit_json(folder / "generation_config.json", do_sample=True, min_p=0.9, typical_p=0.5, repetition_penalty=5.0)
    model = tiny(folder)
    shipped, own = (some.generate(PROMPTS, warm, zeros(PROMPTS)) for some in (model, llama))
    assert said(shipped) == said(own)
    model.close()


def test_the_output_layer_reads_one_piece_of_memory(llama_folder: Path) -> None:
    """Of a view with gaps torch copies frozen bfloat16 weights once a row: ten seconds a batch, beside an adapter."""
    model, pieces = tiny(llama_folder), list[bool]()
    head = model._model().get_output_embeddings()
    head.register_forward_pre_hook(lambda _, inputs: pieces.append(inputs[0].is_contiguous()))
    model.generate(PROMPTS, GREEDY, zeros(PROMPTS))
    assert len(PROMPTS) > 1
    assert pieces
    assert all(pieces)
    model.close()


def test_sampling_is_reproducible_and_repeats_differ(llama: HuggingFace) -> None:
    warm = Generation(max_tokens=12, temperature=1.0, seed=7)
    prompts = [PROMPTS[0]] * 4
    first = llama.generate(prompts, warm, [0, 1, 2, 3])
    assert first == llama.generate(prompts, warm, [0, 1, 2, 3])
    assert len({completion.text for completion in first}) == 4
    other = Generation(max_tokens=12, temperature=1.0, seed=8)
    assert [c.text for c in first] != [c.text for c in llama.generate(prompts, other, [0, 1, 2, 3])]
    alone = [llama.generate([PROMPTS[0]], warm, [repeat])[0].text for repeat in range(3)]
    assert len(set(alone)) == 3


def test_a_nearly_certain_nucleus_is_greedy(llama: HuggingFace) -> None:
    """top_p → 0 keeps one token, so sampling must equal greedy: top_p arrives."""
    narrow = Generation(max_tokens=12, temperature=1.0, top_p=1e-6, seed=3)
    assert [c.text for c in llama.generate(PROMPTS, narrow, zeros(PROMPTS))] == [
        c.text for c in one_by_one(llama, PROMPTS)
    ]


def test_the_likeliest_token_alone_is_greedy(llama: HuggingFace) -> None:
    """top_k: 1 leaves one token at any temperature; 0 leaves all."""
    narrow, wide = (Generation(max_tokens=12, temperature=2.0, top_k=k, seed=3) for k in (1, 0))
    greedy = [c.text for c in one_by_one(llama, PROMPTS)]
    assert [c.text for c in llama.generate(PROMPTS, narrow, zeros(PROMPTS))] == greedy
    assert [c.text for c in llama.generate(PROMPTS, wide, zeros(PROMPTS))] != greedy


def test_a_repetition_penalty_is_transformers_own_whatever_pads_a_row(llama: HuggingFace) -> None:
    """Greedy, too. In a batch transformers would also look at the padding, so it is asked row by row."""
    network, end = llama._model(), llama._model().generation_config.eos_token_id
    expected = []
    for prompt in PROMPTS:
        ids = llama.encode(prompt)
        row = network.generate(
            torch.tensor([ids]), max_new_tokens=12, do_sample=False, repetition_penalty=1.8, eos_token_id=end
        )[0].tolist()[len(ids) :]
        expected.append(llama.tokenizer.decode(row, skip_special_tokens=True))
    penalised = Generation(max_tokens=12, repetition_penalty=1.8)
    assert [c.text for c in llama.generate(PROMPTS, penalised, zeros(PROMPTS))] == expected
    assert expected != [c.text for c in one_by_one(llama, PROMPTS)]
    none = Generation(max_tokens=12, repetition_penalty=1.0)
    assert said(llama.generate(PROMPTS, none, zeros(PROMPTS))) == said(one_by_one(llama, PROMPTS))


@pytest.mark.parametrize("plain", [False, True])
def test_a_prompt_beyond_the_window_fails_and_is_not_cut(plain: bool, llama: HuggingFace, llama_folder: Path) -> None:
    model = tiny(llama_folder, format="plain") if plain else llama
    long = user("fever " * WINDOW)
    tokens = len(model.encode(long))
    assert tokens > WINDOW
    completions = model.generate([PROMPTS[0], long, PROMPTS[1]], GREEDY, [0, 0, 0])
    assert completions[1] == Completion(
        text="",
        finish="error",
        tokens_in=tokens,
        error=f"the prompt has {tokens} tokens; the model has room for {WINDOW - 12}: {REMEDY}",
    )
    assert [completions[0], completions[2]] == one_by_one(model, [PROMPTS[0], PROMPTS[1]])
    scored = model.score_options([PROMPTS[0], long], [("A", "B")] * 2)
    assert [completion.finish for completion in scored] == ["stop", "error"]
    assert scored[1].logprobs is None
    assert model.generate([long], GREEDY, [0])[0].finish == "error"


def test_the_window_holds_the_prompt_and_the_answer(llama: HuggingFace) -> None:
    tokens = len(llama.encode(PROMPTS[1]))
    fits, too_long = (
        llama.generate([PROMPTS[1]], Generation(max_tokens=WINDOW - tokens + more), [0])[0] for more in (0, 1)
    )
    assert (fits.finish, too_long.finish) == ("length", "error")


# -- batches ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "budget", "expected"),
    [
        (["abc", "defghijkl", "mnopq"], 18, [[1, 2], [0]]),  # 2 rows fit beside 9 tokens, 3 beside 5
        (["abcd", "efgh", "ijkl"], 8, [[0, 1], [2]]),  # equal lengths keep their order
        (["a"], 8, [[0]]),
        ([], 8, []),
        (["a", "bc", "def"], 1, [[2], [1], [0]]),  # a row that fits nowhere is alone
        (["abcdX", "efghijk", "abcdYZ", "lm", "abcdW"], 21, [[1, 2, 0], [4, 3]]),  # what begins alike stands together
        (["", "ab", ""], 8, [[1, 0, 2]]),  # prompts that cannot be asked are planned, too
    ],
)
def test_batches_hold_what_fits_beside_their_longest_row(
    rows: list[str], budget: int, expected: list[list[int]]
) -> None:
    encoded = [[ord(letter) for letter in row] for row in rows]
    assert token_batches(encoded, lambda length: budget // max(1, length)) == expected


def test_plan_sorts_by_length_and_covers_every_index_once(llama: HuggingFace, llama_folder: Path) -> None:
    prompts = PROMPTS * 5
    for model, most in ((llama, 16), (tiny(llama_folder, batch_size=3), 3)):
        batches = model.plan(prompts, GREEDY)
        flat = [index for batch in batches for index in batch]
        assert sorted(flat) == list(range(len(prompts)))
        lengths = [len(model.encode(prompts[index])) for index in flat]
        assert lengths == sorted(lengths, reverse=True)
        assert [len(batch) for batch in batches[:-1]] == [most] * (len(batches) - 1)
    assert llama.plan([], GREEDY) == []


def test_plan_depends_on_nothing_but_its_arguments(llama_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resumed run meets other free memory, and a model that is loaded or not: its batches must be the same."""
    import psutil

    plans = []
    prompts = PROMPTS * 5
    for available in (1 << 36, 1 << 22, 1 << 20):
        total = 1 << 37
        monkeypatch.setattr(
            psutil, "virtual_memory", lambda a=available, t=total: SimpleNamespace(available=a, total=t)
        )
        model = tiny(llama_folder)
        plans.append(model.plan(prompts, GREEDY))
        model.generate(PROMPTS[:1], GREEDY, [0])
        plans.append(model.plan(prompts, GREEDY))
        model.close()
    assert all(plan == plans[0] for plan in plans)


def test_a_small_machine_gets_small_batches(llama: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1 << 20, total=1 << 20))
    assert max(map(len, llama.plan(PROMPTS * 5, GREEDY))) < 16


class Narrow(HuggingFace):
    """Memory for `most` items: a larger batch raises what torch raises, after the real computation was asked for."""

    most: int = 2
    _sizes: list[int] = PrivateAttr(default_factory=list)

    def _generate(
        self, encoded: list[list[int]], generation: Generation, seeds: Sequence[str]
    ) -> Iterator[tuple[int, Completion]]:
        self._sizes.append(len(encoded))
        if len(encoded) > self.most:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super()._generate(encoded, generation, seeds)


def test_out_of_memory_halves_and_remembers(llama_folder: Path, llama: HuggingFace) -> None:
    model = Narrow(path=str(llama_folder), dtype="float32", device="cpu")
    completions = model.generate(PROMPTS, GREEDY, zeros(PROMPTS))
    assert [(c.text, c.tokens_out) for c in completions] == [(c.text, c.tokens_out) for c in one_by_one(llama, PROMPTS)]
    assert model._sizes == [5, 2, 2, 1]
    assert model._halving.limit == 2
    model.generate(PROMPTS[:4], GREEDY, zeros(PROMPTS[:4]))
    assert model._sizes[4:] == [2, 2]  # not tried with 4 again
    model.close()


def test_repeats_differ_also_when_memory_halves_their_batch(llama_folder: Path) -> None:
    model = Narrow(path=str(llama_folder), dtype="float32", device="cpu")
    warm = Generation(max_tokens=12, temperature=1.0, seed=7)
    texts = [completion.text for completion in model.generate([PROMPTS[0]] * 4, warm, [0, 1, 2, 3])]
    assert len(set(texts)) == 4
    model.close()


def test_an_item_too_big_alone_fails_and_the_others_go_on(llama_folder: Path) -> None:
    model = Narrow(path=str(llama_folder), dtype="float32", device="cpu", most=0)
    completions = model.generate(PROMPTS, GREEDY, zeros(PROMPTS))
    assert {(c.finish, c.error) for c in completions} == {
        ("error", "out of memory with this item alone; use a smaller dtype or max_tokens")
    }
    assert model._sizes == [5, 2, 1, 1, 1, 1, 1]
    model.close()


@pytest.mark.parametrize(
    ("error", "halved"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (MemoryError(), True),
        (RuntimeError("expected scalar type Float but found Half"), False),
    ],
)
def test_what_counts_as_out_of_memory(error: Exception, halved: bool) -> None:
    freed = []
    halving = Halving()

    def call(batch: Sequence[int]) -> Iterator[tuple[int, int]]:
        yield 1 % len(batch), 10 * batch[1 % len(batch)]
        if len(batch) > 1:
            raise error

    if halved:
        results = list(halving.each([3, 1, 2], call, lambda: freed.append(1), -1))
        assert results == [(1, 10), (3, 30), (2, 20)]  # what came before memory ran out is not asked again
        assert freed == [1]
    else:
        with pytest.raises(RuntimeError, match="expected scalar type"):
            list(halving.each([3, 1, 2], call, lambda: freed.append(1), -1))


# -- options ------------------------------------------------------------------------------------------------------------


def naive(model: HuggingFace, prompt: Prompt, options: Sequence[str]) -> list[float]:
    """One prompt, one option, one whole forward each; the tokens that all options share are context."""
    rows = [model.encode(prompt, option) for option in options]
    shared = 0
    while all(len(row) > shared + 1 for row in rows) and len({row[shared] for row in rows}) == 1:
        shared += 1
    sums = []
    for row in rows:
        with torch.inference_mode():
            logprobs = torch.log_softmax(model._model()(torch.tensor([row])).logits[0].double(), dim=-1)
        sums.append(sum(float(logprobs[i - 1, row[i]]) for i in range(shared, len(row))))
    return sums


OPTIONS = [
    ("A", "B", "C", "D"),  # one token each
    ("fever", "cough", "headache"),
    ("膝骨关节病", "糖尿病肾病", "肺炎", "x"),  # many tokens, different lengths
    ("A", "A B", "A B C"),  # one is the start of the next
    ("fever",),
]


@pytest.mark.parametrize("form", ["chat", "plain"])
@pytest.mark.parametrize("shape", ["llama_folder", "qwen_folder"])
def test_scores_are_those_of_a_naive_computation(shape: str, form: str, request: pytest.FixtureRequest) -> None:
    model = tiny(request.getfixturevalue(shape), format=form)
    scored = model.score_options(PROMPTS, OPTIONS)  # one batch: rows of many lengths
    for prompt, options, completion in zip(PROMPTS, OPTIONS, scored, strict=True):
        expected = naive(model, prompt, options)
        assert completion.logprobs == pytest.approx(expected, abs=1e-4)
        assert completion.text == options[expected.index(max(expected))]
        assert completion.finish == "stop"
    assert len({len(model.encode(PROMPTS[2], option)) for option in OPTIONS[2]}) > 1
    alone = [model.score_options([p], [o])[0].logprobs for p, o in zip(PROMPTS, OPTIONS, strict=True)]
    assert [c.logprobs for c in scored] == [pytest.approx(some, abs=1e-4) for some in alone]
    model.close()


def test_one_row_serves_all_options_of_one_token(llama: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.models.local import likelihood

    rows = []
    forward = likelihood.ScoringNetwork.logits
    monkeypatch.setattr(
        likelihood.ScoringNetwork,
        "logits",
        lambda self, contexts: rows.append(len(contexts)) or forward(self, contexts),
    )
    llama.score_options(PROMPTS[:3], [OPTIONS[0]] * 3)
    llama.score_options(PROMPTS[:1], [OPTIONS[2]])
    assert rows == [3, 4]


def test_options_that_merge_with_the_end_of_the_prompt(qwen_folder: Path) -> None:
    """ "feve" + "r" is the token of "fever": the prompt's own tokens do not stay what they were."""
    model = tiny(qwen_folder, format="plain", delimiter="")
    prompt = user("A. feve")
    before = model.encode(prompt)
    assert model.encode(prompt, "r")[: len(before)] != before  # they merge
    assert model.encode(prompt, "x")[: len(before)] == before  # they do not
    (completion,) = model.score_options([prompt], [("r", "x", "ry")])
    assert completion.logprobs == pytest.approx(naive(model, prompt, ("r", "x", "ry")), abs=1e-4)
    (completion,) = model.score_options([prompt], [("r",)])
    assert completion.logprobs == pytest.approx(naive(model, prompt, ("r",)), abs=1e-4)
    model.close()


def test_probabilities_of_all_single_tokens_sum_to_1(qwen_folder: Path) -> None:
    model = tiny(qwen_folder, format="plain", delimiter="")
    tokenizer = model.tokenizer
    before = model.encode(user("Question:"))
    singles = []
    for token in range(3, 320):
        text = tokenizer.decode([token])
        if model.encode(user("Question:"), text) == [*before, token]:
            singles.append(text)
    (completion,) = model.score_options([user("Question:")], [tuple(singles)])
    assert completion.logprobs is not None
    with torch.inference_mode():
        logits = model._model()(torch.tensor([before])).logits[0, -1]
    mass = torch.softmax(logits, -1)[[model.encode(user("Question:"), text)[-1] for text in singles]].sum().item()
    assert sum(map(math.exp, completion.logprobs)) == pytest.approx(mass, abs=1e-5)
    assert len(singles) > 100
    model.close()


def test_an_empty_prompt_is_a_failure_and_not_a_crash(qwen_folder: Path) -> None:
    """This tokenizer adds no start token, so nothing stands before the first token that could predict it."""
    model = tiny(qwen_folder, format="plain", delimiter="")
    generated = model.generate([user(""), PROMPTS[0]], GREEDY, [0, 0])
    assert [completion.finish for completion in generated] == ["error", "length"]
    assert "empty" in str(generated[0].error)
    scored = model.score_options([user(""), PROMPTS[0]], [("A", "B"), ("A", "B")])
    assert [completion.finish for completion in scored] == ["error", "stop"]
    assert "empty" in str(scored[0].error)
    assert scored[1].logprobs == pytest.approx(naive(model, PROMPTS[0], ("A", "B")), abs=1e-4)
    model.close()


def test_options_that_merge_with_the_whole_prompt_fail(qwen_folder: Path) -> None:
    """ "Qu" + "e" is one token and "Qu" + "x" is not: no common token is left to predict from."""
    model = tiny(qwen_folder, format="plain", delimiter="")
    rows = [model.encode(user("Qu"), option) for option in ("e", "x")]
    assert rows[0][0] != rows[1][0]
    merged, fine = model.score_options([user("Qu"), PROMPTS[0]], [("e", "x"), ("A", "B")])
    assert (merged.finish, merged.logprobs) == ("error", None)
    assert fine.logprobs == pytest.approx(naive(model, PROMPTS[0], ("A", "B")), abs=1e-4)
    model.close()


# -- prompts ------------------------------------------------------------------------------------------------------------

TURNS = (
    Message("user", "Q1"),
    Message("assistant", "A1"),
    Message("user", "Q2"),
    Message("assistant", "A2"),
    Message("user", "Q3"),
)


def test_plain_format_is_running_text(llama_folder: Path) -> None:
    assert as_plain(TURNS, " ") == "Q1 A1\n\nQ2 A2\n\nQ3"
    assert as_plain((Message("system", "S"), *TURNS[:1]), " ") == "S\n\nQ1"
    model = tiny(llama_folder, format="plain")
    assert model.tokenizer.decode(model.encode(TURNS)) == "Q1 A1\n\nQ2 A2\n\nQ3"
    assert model.tokenizer.decode(model.encode(TURNS, "A3")) == "Q1 A1\n\nQ2 A2\n\nQ3 A3"
    arrow = tiny(llama_folder, format="plain", delimiter="→")
    assert arrow.tokenizer.decode(arrow.encode(TURNS, "A3")) == "Q1→A1\n\nQ2→A2\n\nQ3→A3"


def test_the_models_own_template_is_used_without_thinking(llama: HuggingFace, llama_folder: Path) -> None:
    prompt = (Message("system", "S"), Message("user", "Q"))
    body = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"
    assert llama.tokenizer.decode(llama.encode(prompt)) == body + "<think>\n\n</think>\n\n"
    thinking = tiny(llama_folder, enable_thinking=True)
    assert thinking.tokenizer.decode(thinking.encode(prompt)) == body
    assert llama.encode(prompt).count(llama.tokenizer.convert_tokens_to_ids("<|im_start|>")) == 3  # tokens, not text


def test_without_a_template_roles_are_written_in_words(qwen: HuggingFace) -> None:
    prompt = (Message("system", "S"), *TURNS[:3])
    assert (
        qwen.tokenizer.decode(qwen.encode(prompt)) == "System: S\n\nUser: Q1\n\nAssistant: A1\n\nUser: Q2\n\nAssistant:"
    )


def test_a_template_without_system_role_gets_it_in_the_user_turn(llama_folder: Path, tmp_path: Path) -> None:
    folder = copied(llama_folder, tmp_path)
    (folder / "chat_template.jinja").write_text(NO_SYSTEM)
    model = tiny(folder)
    assert model.render((Message("system", "S"), *TURNS[:3])) == "[user]S\n\nQ1[assistant]A1[user]Q2"
    assert model.render(TURNS[:1]) == "[user]Q1"


def test_a_template_that_fails_for_another_reason_is_not_hidden(llama_folder: Path, tmp_path: Path) -> None:
    from jinja2 import TemplateError

    folder = copied(llama_folder, tmp_path)
    (folder / "chat_template.jinja").write_text("{{ raise_exception('never') }}")
    with pytest.raises(TemplateError, match="never"):
        as_chat(tiny(folder).tokenizer, TURNS[:1])


@pytest.mark.parametrize("texts", [["pH <7", "Fever?"], ["Fever?", "pH <7"], ["pH <7"]])
@pytest.mark.parametrize("marker", [None, "A:"])
def test_a_prompt_that_a_template_cannot_show_fails_alone(
    texts: list[str], marker: str | None, llama_folder: Path, tmp_path: Path
) -> None:
    """Wherever it stands among the others, also first."""
    folder = copied(llama_folder, tmp_path)
    template = "{% for m in messages %}{{ m.content | replace('<', '&lt;') }}{% endfor %}"
    (folder / "chat_template.jinja").write_text(template)
    model, prompts = tiny(folder), [user(text) for text in texts]
    generation = Generation(max_tokens=2, marker=marker, reasoning_tokens=2)
    assert sorted(index for batch in model.plan(prompts, generation) for index in batch) == list(range(len(texts)))
    completions = model.generate(prompts, generation, zeros(prompts))
    assert [completion.finish == "error" for completion in completions] == [text == "pH <7" for text in texts]
    model.close()


def test_of_several_templates_the_default_is_used(llama_folder: Path, tmp_path: Path) -> None:
    folder = copied(llama_folder, tmp_path)
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("tools")
    model = tiny(folder)
    assert isinstance(model.tokenizer.chat_template, dict)
    assert (
        as_chat(model.tokenizer, user("Q"))
        == "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )


def test_tokens_of_a_text_are_counted_without_template(llama: HuggingFace) -> None:
    assert llama.count_tokens("") == 0
    assert llama.count_tokens("A B") == len(llama.tokenizer.tokenize("A B"))


# -- identity -----------------------------------------------------------------------------------------------------------


def copied(folder: Path, place: Path) -> Path:
    return Path(shutil.copytree(folder, place / "copy"))


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def perturb(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"][0] += 0.5
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_identity_does_not_depend_on_the_place(llama_folder: Path, tmp_path: Path) -> None:
    folder = copied(llama_folder, tmp_path)
    (folder / "README.md").write_text("not a part of the model")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("")
    assert digest(tiny(folder).identity()) == digest(tiny(llama_folder).identity())
    assert str(tmp_path) not in json.dumps(tiny(folder).identity())


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("one weight", perturb),
        ("template", lambda folder: (folder / "chat_template.jinja").write_text(CHATML + " ")),
        ("end token", lambda folder: edit_json(folder / "generation_config.json", eos_token_id=[2, 5])),
        ("tokenizer", lambda folder: edit_json(folder / "tokenizer_config.json", add_prefix_space=True)),
        ("code", lambda folder: (folder / "modeling.py").write_text("")),
    ],
)
def test_identity_is_the_content_of_the_folder(what: str, change: Any, llama_folder: Path, tmp_path: Path) -> None:
    folder = copied(llama_folder, tmp_path)
    before = digest(tiny(folder).identity())
    change(folder)
    assert digest(tiny(folder).identity()) != before


def test_a_perturbed_weight_changes_answers(llama_folder: Path, tmp_path: Path, llama: HuggingFace) -> None:
    folder = copied(llama_folder, tmp_path)
    perturb(folder)
    model = tiny(folder)
    assert model.score_options(PROMPTS[:1], OPTIONS[:1]) != llama.score_options(PROMPTS[:1], OPTIONS[:1])
    model.close()


def test_identity_is_every_setting_that_matters(llama_folder: Path) -> None:
    settings: list[dict[str, Any]] = [
        {"dtype": "float32"}, {"dtype": "bfloat16"}, {"dtype": "float16"}, {"dtype": "float32", "device": "cuda"},
        {"dtype": "float32", "format": "plain"}, {"dtype": "float32", "format": "plain", "delimiter": "→"},
        {"dtype": "float32", "enable_thinking": True}, {"dtype": "float32", "trust_remote_code": True},
    ]  # fmt: skip
    digests = {digest(HuggingFace(path=str(llama_folder), **{"device": "cpu"} | some).identity()) for some in settings}
    assert len(digests) == len(settings)
    alike: list[dict[str, Any]] = [
        {},
        {"batch_size": 4},
        {"delimiter": "→"},
    ]  # the delimiter matters in plain format only
    assert len({digest(tiny(llama_folder, **some).identity()) for some in alike}) == 1


# -- loading ------------------------------------------------------------------------------------------------------------


def test_code_in_a_folder_is_not_executed(llama_folder: Path, tmp_path: Path) -> None:
    folder = copied(llama_folder, tmp_path)
    trace = tmp_path / "executed"
    code = f"open({str(trace)!r}, 'w').close()\nfrom transformers import LlamaConfig, LlamaForCausalLM\n"
    code += "class OwnConfig(LlamaConfig):\n    model_type = 'own'\nclass OwnModel(LlamaForCausalLM):\n    config_class = OwnConfig\n"
    (folder / "modeling_own.py").write_text(code)
    edit_json(
        folder / "config.json", model_type="own",
        auto_map={"AutoConfig": "modeling_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnModel"},
    )  # fmt: skip
    assert HuggingFace(path=str(folder)).trust_remote_code is False
    model = tiny(folder)
    with pytest.raises(ModelError, match="trust_remote_code"):
        model.generate(PROMPTS, GREEDY, zeros(PROMPTS))
    with pytest.raises(ModelError, match="trust_remote_code"):
        model.score_options(PROMPTS[:1], OPTIONS[:1])
    assert not trace.exists()


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_incomplete_folder_is_told_in_one_line(missing: str, llama_folder: Path, tmp_path: Path) -> None:
    folder = copied(llama_folder, tmp_path)
    (folder / missing).unlink()
    with pytest.raises(ModelError) as caught:
        tiny(folder).generate(PROMPTS, GREEDY, zeros(PROMPTS))
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_close_releases_and_the_next_call_loads_again(llama_folder: Path) -> None:
    model = tiny(llama_folder)
    before = model.generate(PROMPTS[:2], GREEDY, [0, 0])
    assert model._network is not None
    model.close()
    assert model._network is None
    model.close()
    assert model.generate(PROMPTS[:2], GREEDY, [0, 0]) == before
    model.close()


def test_describe_names_folder_dtype_and_device(llama_folder: Path) -> None:
    assert tiny(llama_folder).describe() == "llama, float32 on cpu"
