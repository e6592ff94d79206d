"""Under every method with a virtual prefix a row gets the same answer alone, in a padded batch, and without a cache."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.models.base.engines import adapt_base
from adapters.training.collation import Collator
from adapters.training.encoding import TokenRow, encode_examples
from adapters.training.loss import summed_loss
from adapters.training.session import LearningRows
from adapters.training.settings import Recipe
from adapters.training.training_run import train
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation, Message, Prompt
from tests.shared.training_methods import RATES, VARIED, method
from tests.shared.training_rows import LEARN

METHODS = [name for name, (kind, _) in VARIED.items() if method(kind).virtual_prefix]
PROMPTS: list[Prompt] = [
    (Message("user", text),)
    for text in ("hi", "Question 3: 肺炎 and a good deal longer than the others?", "cough?", "fever or cough")
]
GREEDY = Generation(max_tokens=12)
every_method = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(scope="module")
def adapted(
    make_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], HuggingFace]:
    """Makes the engine of a base, by its shape, with a trained prefix on, by the method's name; each once."""
    made: dict[tuple[str, str], HuggingFace] = {}

    def make(name: str, shape: str) -> HuggingFace:
        if (name, shape) not in made:
            base = HuggingFace(path=str(make_folder(shape)), dtype="float32", device="cpu")
            kind, parameters = VARIED[name]
            chosen, folder = method(kind, **parameters), tmp_path_factory.mktemp("prefix") / "a"
            recipe = Recipe(epochs=4, learning_rate=RATES.get(kind, 0.02), batch_size=4)
            train(base, chosen, recipe, LearningRows(LEARN), folder, 0)

            def put_on(network: Any) -> tuple[Any, Callable[[], None]]:
                worn = chosen.load(network, folder)
                return worn, lambda: chosen.remove(worn)

            made[name, shape] = adapt_base(base, {"component": "tuned"}, name, put_on, folder)
        return made[name, shape]

    return make


@pytest.fixture(params=["Llama", "Gemma2"])
def shape(request: pytest.FixtureRequest) -> str:
    """Architectures that prepare their caches and masks in their own ways."""
    return str(request.param)


def test_all_methods_with_a_virtual_prefix_are_here() -> None:
    assert METHODS == ["prefix", "prompt", "projected", "p-tuning", "p-tuning-lstm"]


@every_method
def test_generated_tokens_are_those_of_a_row_alone(
    name: str, shape: str, adapted: Callable[[str, str], HuggingFace]
) -> None:
    engine = adapted(name, shape)
    together = engine.generate(PROMPTS, GREEDY, [0] * len(PROMPTS))
    for prompt, row in zip(PROMPTS, together, strict=True):
        (alone,) = engine.generate([prompt], GREEDY, [0])
        assert (row.text, row.finish, row.tokens_out) == (alone.text, alone.finish, alone.tokens_out)
        assert row.logprob == pytest.approx(alone.logprob, abs=2e-4)


@every_method
def test_generated_tokens_are_those_of_the_network_without_a_cache(
    name: str, shape: str, adapted: Callable[[str, str], HuggingFace]
) -> None:
    """A prefix that is put in again at every step, or at other positions, would choose other tokens."""
    engine = adapted(name, shape)
    network, ends = engine._model(), engine.end_tokens()
    for prompt, row in zip(PROMPTS, engine.generate(PROMPTS, GREEDY, [0] * len(PROMPTS)), strict=True):
        ids, logprobs = engine.encode(prompt), []
        start = len(ids)
        while len(ids) < start + GREEDY.max_tokens and (len(ids) == start or ids[-1] not in ends):
            with torch.inference_mode():
                last = network(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].float().log_softmax(-1)
            ids.append(int(last.argmax()))
            logprobs.append(float(last.max()))
        ended = ids[-1] in ends
        assert row.text == engine.tokenizer.decode(ids[start : len(ids) - ended], skip_special_tokens=True)
        own = logprobs[: max(len(logprobs) - ended, 1)]
        assert row.logprob == pytest.approx(sum(own) / len(own), abs=2e-4)


@every_method
def test_the_base_generates_as_before_once_the_prefix_is_taken_off(
    name: str, shape: str, adapted: Callable[[str, str], HuggingFace]
) -> None:
    engine = adapted(name, shape)
    base, zeros = engine.carrier(), [0] * len(PROMPTS)
    before = base.generate(PROMPTS, GREEDY, zeros)
    assert engine.generate(PROMPTS, GREEDY, zeros) != before
    assert base.generate(PROMPTS, GREEDY, zeros) == before


@every_method
@pytest.mark.parametrize("options", [("A", "B"), ("A b c", "B")], ids=["one token", "several tokens"])
def test_scores_of_options_are_those_of_a_row_alone(
    name: str, options: tuple[str, ...], shape: str, adapted: Callable[[str, str], HuggingFace]
) -> None:
    engine = adapted(name, shape)
    together = engine.score_options(PROMPTS, [options] * len(PROMPTS))
    for prompt, row in zip(PROMPTS, together, strict=True):
        (alone,) = engine.score_options([prompt], [options])
        assert row.logprobs == pytest.approx(alone.logprobs, abs=1e-4)
        assert row.text == alone.text


@every_method
def test_likelihoods_are_those_of_a_row_alone(
    name: str, shape: str, adapted: Callable[[str, str], HuggingFace]
) -> None:
    engine = adapted(name, shape)
    answers = ["fever A", "B", "支气管炎 A, and more", "cough B"]
    together = engine.likelihood(PROMPTS, answers)
    for prompt, answer, row in zip(PROMPTS, answers, together, strict=True):
        (alone,) = engine.likelihood([prompt], [answer])
        assert row.logprobs == pytest.approx(alone.logprobs, abs=1e-4)


@every_method
def test_the_loss_of_a_training_batch_is_what_inference_computes(
    name: str, shape: str, adapted: Callable[[str, str], HuggingFace]
) -> None:
    """Rows of unequal lengths, padded on the right with a mask while training, on the left while answering."""
    engine = adapted(name, shape)
    network = engine._model()
    encoded = encode_examples(engine, LEARN[:8], 256, "answer").rows
    rows = [TokenRow(row.ids[:-1], row.labels[:-1]) for row in encoded]  # a likelihood is one without the end token
    assert len({len(row.ids) for row in rows}) > 2

    def loss(some: list[TokenRow]) -> float:
        batch = Collator(engine.tokenizer.pad_token_id, mask=True)([(row,) for row in some])
        batch.pop("counts")
        with torch.no_grad():
            return float(summed_loss(network, batch, batch.pop("labels"))[0])

    alone = [loss([row]) for row in rows]
    assert loss(rows) == pytest.approx(sum(alone), rel=1e-5)
    answered = engine.likelihood([row.prompt for row in LEARN[:8]], [row.answer for row in LEARN[:8]])
    assert alone == pytest.approx([-total for row in answered for total in row.logprobs or ()], rel=1e-4)
