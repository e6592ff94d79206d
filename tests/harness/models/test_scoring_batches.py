"""A local model scores the items of a cell in groups: same figures by every way through, each beginning once."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import PrivateAttr

from harness.components.display import Display
from harness.models.huggingface import HuggingFace
from harness.models.local.likelihood import ScoringNetwork
from harness.records.inputs import Cell, Prompt
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.selftest.tiny_models import save_model
from tests.shared.tiny_models import user

LETTERS = ("A", "B", "C")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored") / "llama"
    save_model(folder, "Llama", None, 4, max_position_embeddings=256)
    return folder


def make(folder: Path, kind: type[HuggingFace] = HuggingFace, **settings: Any) -> HuggingFace:
    return kind(path=str(folder), dtype="float32", device="cpu", format="plain", **settings)


def prompts() -> list[Prompt]:
    """Two subjects with a common first sentence, questions mixed, two of them equal, and one beyond the window."""
    draw = random.Random(3)
    words = ["fever", "cough", "肺炎", "headache", "Answer:", "高血压"]
    text = "Which of the following is correct? "
    subjects = [text + " ".join(draw.choices(words, k=26)) for _ in range(2)]
    asked = [subjects[number % 2] + " Question: " + " ".join(draw.choices(words, k=1 + number)) for number in range(9)]
    return [user(own) for own in [*asked, asked[2], "fever " * 300, "x"]]


class Narrow(HuggingFace):
    """Has memory for the texts of one item at a time."""

    _sizes: list[int] = PrivateAttr(default_factory=list)

    def _scoring_network(self) -> ScoringNetwork:
        network, sizes = super()._scoring_network(), self._sizes

        class Small(ScoringNetwork):
            def logits(self, contexts: Sequence[Any]) -> list[torch.Tensor]:
                sizes.append(len(contexts))
                if len(contexts) > 3:
                    raise torch.OutOfMemoryError("CUDA out of memory.")
                return super().logits(contexts)

        return Small(*network)


def whole(model: HuggingFace, options: Sequence[tuple[str, ...]]) -> list[Completion]:
    """Each item by itself, with no cache: rows are computed whole."""
    alone = model.model_copy()
    alone._scoring_network = lambda: ScoringNetwork(model._model(), model.tokenizer.pad_token_id)  # type: ignore[method-assign]
    return [alone.score_options([prompt], [texts])[0] for prompt, texts in zip(prompts(), options, strict=True)]


def scored(context: Context, options: Sequence[tuple[str, ...]]) -> list[Completion]:
    context.begin(Cell("task", "variant"))
    return context.score_options("model", prompts(), options)


def values(completions: Sequence[Completion]) -> list[tuple[Any, ...]]:
    return [(own.text, own.finish, own.tokens_in, own.error, own.logprobs) for own in completions]


def about(completions: Sequence[Completion]) -> list[tuple[Any, ...]]:
    """The values, with log-probabilities to the fourth digit behind the point."""
    return [(*own[:-1], pytest.approx(own[-1], abs=1e-4)) for own in values(completions)]


MIXED = [LETTERS, ("fever", "cough and fever", "headache"), ("A", "A B", "A B C fever cough headache 肺炎")] * 4


@pytest.mark.parametrize("options", [[LETTERS] * 12, MIXED], ids=["letters", "texts"])
@pytest.mark.parametrize(("kind", "size"), [(HuggingFace, None), (HuggingFace, 1), (HuggingFace, 3), (Narrow, 4)])
def test_every_way_through_scores_alike(
    kind: type[HuggingFace], size: int | None, options: Sequence[tuple[str, ...]], folder: Path, tmp_path: Path
) -> None:
    model = make(folder, kind, batch_size=size)
    context = Context({"model": model}, Cache(tmp_path / "calls.sqlite"), Display(), 0)
    completions = scored(context, options)
    assert values(completions) == about(whole(make(folder), options))
    assert [own.finish for own in completions].count("error") == 1  # the one beyond the window
    assert values(scored(context, options)) == values(completions)
    if isinstance(model, Narrow):
        assert max(model._sizes) > 3
        assert max(model._sizes[-3:]) <= 3
    context.close()
    assert not model._shared_prefixes._segments


def test_an_interrupted_cell_goes_on_with_the_same_batches_and_figures(folder: Path, tmp_path: Path) -> None:
    """Stopped behind the second of its batches: what is stored and what is computed then are what one go gives."""
    model, calls = make(folder, batch_size=3), list[list[Prompt]]()
    stopped = Context({"model": model}, Cache(tmp_path / "stopped.sqlite"), Display(), 0)
    score = model.score_options

    def interrupted(asked: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        calls.append(list(asked))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return score(asked, options)

    object.__setattr__(model, "score_options", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scored(stopped, MIXED)
    resumed = scored(stopped, MIXED)
    whole_run = Context({"model": make(folder, batch_size=3)}, Cache(tmp_path / "whole.sqlite"), Display(), 0)
    assert [own.logprobs for own in resumed] == [own.logprobs for own in scored(whole_run, MIXED)]  # to the last digit
    assert calls[2] in calls[3:]  # the batch that was stopped, as it was
    stopped.close()
    whole_run.close()


def test_likelihood_and_first_tokens_share_prefixes_too(folder: Path, tmp_path: Path) -> None:
    model = make(folder, batch_size=4)
    context = Context({"model": model}, Cache(tmp_path / "calls.sqlite"), Display(), 0)
    context.begin(Cell("task", "variant"))
    asked = [prompt for prompt in prompts()[:8] for _ in range(2)]  # the same prompt, two texts: as lm-eval's tasks ask
    texts = ["fever cough " * (1 + number % 3) for number in range(16)]
    computed: list[int] = []
    hook = model._model().register_forward_pre_hook(
        lambda _, __, inputs: computed.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    likely = context.likelihood("model", asked, texts)
    rows = [model.encode(prompt, text) for prompt, text in zip(asked, texts, strict=True)]
    assert sum(computed) < sum(map(len, rows)) / 2
    first = context.first_token("model", prompts()[:8], [LETTERS] * 8)
    hook.remove()
    plain = make(folder)
    object.__setattr__(plain, "_scoring_network", lambda: ScoringNetwork(plain._model(), 0))
    for own, prompt, text in zip(likely, asked, texts, strict=True):
        assert own.logprobs == pytest.approx(plain.likelihood([prompt], [text])[0].logprobs, abs=1e-4)
    for own, prompt in zip(first, prompts(), strict=False):
        assert own.logprobs == pytest.approx(dict(plain.first_token_each([prompt], [LETTERS]))[0].logprobs, abs=1e-4)
    context.close()


class Notes(Display):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_network_that_cannot_share_is_named_once(tmp_path: Path) -> None:
    folder = tmp_path / "dynamic"
    rope = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}
    save_model(folder, "Llama", None, 4, max_position_embeddings=256, rope_parameters=rope)
    model, display = make(folder), Notes()
    context = Context({"model": model}, Cache(tmp_path / "calls.sqlite"), display, 0)
    assert values(scored(context, [LETTERS] * 12)) == about(whole(make(folder), [LETTERS] * 12))
    scored(context, MIXED)
    remark = (
        "what its prompts begin with alike is computed again for each when texts are scored: "
        "how it counts positions depends on the length of the whole prompt"
    )
    assert display.notes == [f"model: {remark}"]
    assert context.remarks == {"model": remark}
    context.close()


@pytest.mark.parametrize(
    ("dtype", "identity"), [("float32", {}), ("bfloat16", {"prefixes": "common prefixes once, 1"})]
)
def test_the_scheme_is_in_the_key_where_rounding_shows_it(dtype: str, identity: dict[str, str], folder: Path) -> None:
    model = HuggingFace(path=str(folder), dtype=dtype, device="cpu")
    assert model.scoring_identity() == identity


def test_another_process_shares_what_the_plan_has_found(folder: Path) -> None:
    """One prompt by itself begins like no other: only who knows the plan computes what the cell shares once."""
    planner, other = make(folder), make(folder)
    asked = prompts()
    planner.plan_scoring(asked, [LETTERS] * len(asked))
    assert planner.batch_settings()["prefixes"].prefixes
    assert other.batch_settings() != planner.batch_settings()
    other.adopt(planner.batch_settings())
    assert other.batch_settings() == planner.batch_settings()
    other.score_options(asked[:1], [LETTERS])
    segments = dict(other._shared_prefixes._segments)
    other.adopt(planner.batch_settings())
    assert other._shared_prefixes._segments == segments  # the same plan again: what was computed stays
    assert segments
    planner._is_compiled = True  # as on CUDA, where a cell is long enough
    other.adopt(planner.batch_settings())
    assert other.batch_settings()["is_compiled"]
