"""What a training is looked at by: losses before its first step, and a few answers; the weights never notice."""

from pathlib import Path

import pytest
import torch

from adapters.methods.lora import Lora
from adapters.models.base.trained import trained_engine
from adapters.training.encoding import Example, encode_examples
from adapters.training.settings import Recipe
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation
from tests.shared.short_trainings import go, weights
from tests.shared.training_rows import LEARN

RECIPE = Recipe(max_steps=8, batch_size=4, learning_rate=3e-2, evaluate_every=4)


def mean_loss(base: HuggingFace, examples: list[Example]) -> float:
    """Negative log-likelihood of each learnt token, by one plain forward a row."""
    losses = []
    for row in encode_examples(base, examples, 256, "answer").rows:
        ids = torch.tensor([row.ids])
        with torch.no_grad():
            logprobs = base._model()(ids).logits[0].log_softmax(-1)
        losses += [-float(logprobs[i - 1, label]) for i, label in enumerate(row.labels) if label >= 0]
    return sum(losses) / len(losses)


def test_losses_and_answers_are_those_of_the_weights_at_that_step(base: HuggingFace, tmp_path: Path) -> None:
    watched = LEARN[8:12]
    before = {"train": mean_loss(base, LEARN), "validation": mean_loss(base, watched)}

    def answers(engine: HuggingFace) -> list[str]:
        most = max(base.count_tokens(row.answer) or 0 for row in watched[:2]) + 8
        prompts = [row.prompt for row in watched[:2]]
        return [reply.text for reply in engine.generate(prompts, Generation(max_tokens=most), [0, 0])]

    untrained = answers(base)
    base.close()
    recipe = RECIPE.model_copy(update={"samples": 2})
    record = go(base, tmp_path / "a", recipe, Lora(r=4), validation=watched)
    assert record.before == pytest.approx(before, rel=1e-4)
    assert [(row.question, row.target) for row in record.samples] == [
        (row.prompt[-1].content, row.answer) for row in watched[:2]
    ]
    assert [[step for step, _ in row.answers] for row in record.samples] == [[0, 4, record.best_step]] * 2
    assert [row.answers[0][1] for row in record.samples] == untrained
    trained = answers(trained_engine(base, Lora(r=4), tmp_path / "a"))
    assert [row.answers[-1][1] for row in record.samples] == trained != untrained
    assert record.observation_seconds > 0


def test_looking_changes_no_weight(base: HuggingFace, tmp_path: Path) -> None:
    """Dropout draws the same numbers whether somebody looks or not."""
    method = Lora(r=4, dropout=0.2)
    go(base, tmp_path / "a", RECIPE.model_copy(update={"samples": 0}), method)
    record = go(base, tmp_path / "b", RECIPE, method)
    assert len(record.samples) == 3
    seen, unseen = weights(tmp_path / "b"), weights(tmp_path / "a")
    assert all(torch.equal(value, seen[name]) for name, value in unseen.items())


def test_texts_have_losses_and_no_answers(base: HuggingFace, tmp_path: Path) -> None:
    record = go(base, tmp_path / "a", RECIPE, Lora(r=4), examples=["fever cough", "headache"])
    assert record.before.keys() == {"train"}
    assert record.samples == ()
