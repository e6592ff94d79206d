"""What a row of a batch becomes depends on nothing but itself: not on the batch, not on what is computed once for all."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.components.display import Display
from harness.models.huggingface import HuggingFace
from harness.models.local import generating
from harness.models.local.token_choice import sample
from harness.records.inputs import Cell, Generation
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.selftest.tiny_models import save_model
from tests.shared.tiny_models import CHATML, user

SHAPES: dict[str, dict[str, Any]] = {
    "Llama": {}, "Mistral": {"sliding_window": 24},
    "Gemma2": {"sliding_window": 24, "head_dim": 16, "query_pre_attn_scalar": 16},
    "OPT": {"ffn_dim": 96, "word_embed_proj_dim": 64}, "Mamba": {},
}  # fmt: skip
HEAD = "Answer with the letter of the right option. 糖尿病肾病 高血压 fever: A, cough: B. "
PROMPTS = [user(HEAD + "headache fatigue "[: 3 * number]) for number in range(6)] + [
    user("肺炎"),
    user("Which of A. B."),
]
GREEDY = Generation(max_tokens=16, stop=("e", "Q"))  # the rows end at different steps
WARM = Generation(max_tokens=16, stop=("e", "Q"), temperature=1.3, top_p=0.9, seed=7)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, HuggingFace]]:
    made = {}
    for shape, settings in SHAPES.items():
        folder = tmp_path_factory.mktemp(shape)
        save_model(folder, shape, CHATML, 3, max_position_embeddings=256, **settings)
        made[shape] = HuggingFace(path=str(folder), dtype="float32", device="cpu")
    yield made
    for model in made.values():
        model.close()


def written(model: HuggingFace, size: int, generation: Generation) -> list[Completion]:
    repeats = list(range(len(PROMPTS)))
    return [
        completion
        for start in range(0, len(PROMPTS), size)
        for completion in model.generate(PROMPTS[start : start + size], generation, repeats[start : start + size])
    ]


def said(completions: Sequence[Completion]) -> list[tuple[str, str, int]]:
    return [(own.text, own.finish, own.tokens_out) for own in completions]


@pytest.mark.parametrize("generation", [GREEDY, WARM, Generation(max_tokens=1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_is_the_same_in_every_batch(
    shape: str, generation: Generation, models: dict[str, HuggingFace], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, shared = models[shape], list[int]()
    own = generating.prefilled_cache

    def counting(config: Any, chains: Any, width: int) -> Any:
        shared.append(len({id(chain[0]) for chain in chains if chain}))
        return own(config, chains, width)

    monkeypatch.setattr(generating, "prefilled_cache", counting)
    alone = written(model, 1, generation)
    assert generation.max_tokens == 1 or len({own.text for own in alone}) > 1
    for size in (3, 8):
        together = written(model, size, generation)
        assert said(together) == said(alone)
        for one, other in zip(together, alone, strict=True):
            assert math.isclose(one.logprob or 0, other.logprob or 0, abs_tol=2e-4)
    assert bool(shared) is (shape != "Mamba")  # its state cannot be cut: every row is run whole
    assert (model.scoring_remark() is None) is (shape != "Mamba")


def test_finished_rows_come_at_once_and_leave_the_batch(models: dict[str, HuggingFace]) -> None:
    model, sizes = models["Llama"], list[int]()
    hook = model._model().register_forward_pre_hook(
        lambda _, inputs, options: sizes.append(len(options["input_ids"])), with_kwargs=True
    )
    came = [place for place, _ in model.generate_each(PROMPTS, GREEDY, [0] * len(PROMPTS))]
    hook.remove()
    lengths = [own.tokens_out for own in written(model, 8, GREEDY)]
    assert sorted(came) == list(range(len(PROMPTS)))
    assert came != sorted(came)
    decoded = sizes[-max(lengths) + 1 :]
    assert decoded[0] > decoded[-1]
    assert decoded == sorted(decoded, reverse=True)


@pytest.mark.parametrize(
    ("prompts", "forwards", "share"),
    [
        ([HEAD + text for text in ("发热", "fever", "咳嗽 cough", "headache")], 3, 0.5),  # one beginning
        (["headache and fever " * 9, *(f"{letter}, B: C." for letter in "ABCDEFGH")], 3, 0.3),  # one of them is long
        (["ABCDE", "BCDEA", "CDEAB"], 1, 1.0),  # neither
    ],
)
def test_prompts_are_read_without_what_would_pad_them(
    prompts: Sequence[str], forwards: int, share: float, models: dict[str, HuggingFace]
) -> None:
    model, read = models["Llama"], list[int]()
    model = model.model_copy(update={"format": "plain", "delimiter": ""})
    model.generate([user("A")], Generation(max_tokens=1), [0])  # tries the network before
    hook = model._model().register_forward_pre_hook(
        lambda _, inputs, options: read.append(options["input_ids"].numel()), with_kwargs=True
    )
    model.generate([user(prompt) for prompt in prompts], Generation(max_tokens=1), [0] * len(prompts))
    hook.remove()
    lengths = [len(model.encode(user(prompt))) for prompt in prompts]
    assert len(read) == forwards  # the last tokens of all are read together
    assert sum(read) <= share * len(prompts) * max(lengths)


def test_a_batch_that_ends_at_its_first_token(models: dict[str, HuggingFace]) -> None:
    model = models["Llama"]
    first = {own.text for own in written(model, 8, Generation(max_tokens=1))}
    ended = written(model, 8, Generation(max_tokens=16, stop=tuple(first)))
    assert {(own.text, own.finish) for own in ended} == {("", "stop")}


class Interrupted(HuggingFace):
    """Ctrl+C after so many forwards."""

    left: int = 10**9

    def _model(self) -> Any:
        network = super()._model()
        if not hasattr(network, "counted"):
            network.counted = network.register_forward_pre_hook(self._count)
        return network

    def _count(self, *_: Any) -> None:
        self.__dict__["left"] -= 1
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("generation", [GREEDY, WARM])
def test_what_was_finished_before_an_interruption_is_kept(
    generation: Generation, models: dict[str, HuggingFace], tmp_path: Path
) -> None:
    """And the resumed run says what an undisturbed one does, samples included."""
    path = models["Llama"].path
    whole = said(_asked(HuggingFace(path=path, dtype="float32", device="cpu"), tmp_path / "whole", generation)[0])
    with pytest.raises(KeyboardInterrupt):
        _asked(Interrupted(path=path, dtype="float32", device="cpu", left=12), tmp_path / "cut", generation)
    resumed, calls = _asked(HuggingFace(path=path, dtype="float32", device="cpu"), tmp_path / "cut", generation)
    assert said(resumed) == whole
    assert 0 < calls < len(PROMPTS)


def _asked(model: HuggingFace, folder: Path, generation: Generation) -> tuple[list[Completion], int]:
    cache = Cache(folder / "calls.sqlite")
    context = Context({"m": model}, cache, Display(), 7)
    context.begin(Cell("t", "v"))
    try:
        completions = context.generate("m", PROMPTS, generation, list(range(len(PROMPTS))))
    finally:
        model.close()
        cache.close()
    assert all(own.seconds > 0 for own in completions)
    return completions, context.counts.calls


@pytest.mark.parametrize(("draw", "token"), [(0.0, 1), (0.49, 1), (0.51, 2), (0.79, 2), (0.81, 4), (0.999999, 4)])
def test_a_draw_becomes_the_token_at_its_place(draw: float, token: int) -> None:
    """Probabilities 0, 0.5, 0.3, 0, 0.2: the sums are 0, 0.5, 0.8, 0.8, 1. What cannot be drawn never is."""
    logits = torch.tensor([[-math.inf, math.log(5), math.log(3), -math.inf, math.log(2)]])
    assert sample(logits, [draw]).tolist() == [token]
