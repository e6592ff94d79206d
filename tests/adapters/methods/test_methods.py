"""Every method trains what it says, leaves the rest alone, and answers after loading as it did after training."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from adapters.methods.base.network import is_quantised, size
from adapters.models.base.engines import adapt_base
from adapters.training.collation import Collator
from adapters.training.encoding import encode_examples
from adapters.training.loss import summed_loss
from adapters.training.session import LearningRows
from adapters.training.settings import Recipe
from adapters.training.training_run import train
from harness.components.method import Method
from harness.components.registry import names
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation, Message
from tests.shared.training_methods import CASES, RATES, VARIED, method
from tests.shared.training_rows import LEARN

varied = pytest.mark.parametrize(("name", "parameters"), list(VARIED.values()), ids=list(VARIED))


def loss_of(network: Any, base: HuggingFace, prefix: bool = False) -> float:
    rows = encode_examples(base, LEARN[:6], 256, "answer").rows
    batch = Collator(0, mask=prefix)([(row,) for row in rows])
    batch.pop("counts")
    with torch.no_grad():
        loss, learnt = summed_loss(network.eval(), batch, batch.pop("labels"))
    return float(loss) / learnt


def load(made: Method, base: HuggingFace, folder: Path) -> Any:
    loading = made.loading("float32")
    dtype = loading.pop("dtype")
    return made.load(base.load(dtype, **(loading and {**loading, "device_map": {"": "cpu"}})), folder)


def test_all_methods_are_covered() -> None:
    assert set(CASES) == set(names("method"))


@varied
def test_it_learns_and_answers_the_same_after_loading(
    name: str, parameters: dict[str, Any], base: HuggingFace, tmp_path: Path
) -> None:
    made = method(name, **parameters)
    recipe = Recipe(epochs=4, batch_size=4, learning_rate=RATES.get(name, 1e-2), evaluate_every=8)
    record = train(base, made, recipe, LearningRows(LEARN, LEARN[:6]), tmp_path / "a", 0)
    first, last = record.loss[0][1], sum(loss for _, loss, _ in record.loss[-3:]) / 3
    assert last < 0.9 * first, record.loss
    network = load(made, base, tmp_path / "a")
    best = min(loss for _, loss in record.validation)
    assert loss_of(network, base, made.virtual_prefix) == pytest.approx(best, rel=1e-5)
    assert (record.steps, record.examples, record.rows) == (16, 64, 16)
    assert 0 < record.trainable_parameters <= record.total_parameters
    assert record.tokens == 4 * sum(len(row.ids) for row in encode_examples(base, LEARN, 256, "answer").rows)


@varied
def test_it_starts_from_the_bases_answers_and_leaves_the_base_alone(
    name: str, parameters: dict[str, Any], base: HuggingFace
) -> None:
    made, plain = method(name, **parameters), base.load()
    if name == "qlora":
        pytest.skip("its base is another one: quantised")
    before, names_before = loss_of(plain, base), {name for name, _ in plain.named_parameters()}
    torch.manual_seed(0)
    network = made.prepare(base.load())
    if not made.virtual_prefix:
        assert loss_of(network, base) == pytest.approx(before, rel=1e-6)
    frozen = {name for name, value in network.named_parameters() if not value.requires_grad}
    if made.shares_base:  # all of the base is frozen, whatever its names are now
        assert len(frozen) >= len(names_before)
        assert size(network).trained == size(network).total - size(plain).total
    else:
        assert 0 < size(network).trained <= size(plain).total


def test_full_and_freeze_train_what_they_name(base: HuggingFace) -> None:
    def trained(**parameters: Any) -> set[str]:
        network = method("freeze", **parameters).prepare(base.load())
        return {name for name, value in network.named_parameters() if value.requires_grad}

    whole = size(method("full").prepare(base.load()))
    assert whole.trained == whole.total
    last = trained(last=1)
    assert last
    assert all(name.startswith("model.layers.1.") for name in last)
    assert trained(last=1, norm=True, head=True) == last | {"model.norm.weight", "lm_head.weight"}
    only = trained(last=0, modules=["layers.0.mlp"])
    assert only == {f"model.layers.0.mlp.{part}_proj.weight" for part in ("gate", "up", "down")}


@pytest.mark.parametrize(("targets", "expected"), [("attention", 4), ("all-linear", 7), (["q_proj", "mlp.up_proj"], 2)])
def test_lora_finds_its_targets(targets: Any, expected: int, base: HuggingFace) -> None:
    network = method("lora", targets=targets).prepare(base.load())
    found = {name for name, _ in network.named_modules() if name.endswith("lora_A")}
    assert len(found) == expected * 2  # layers
    assert not any("lm_head" in name for name in found)


@pytest.mark.parametrize("shape", ["Qwen2", "Qwen3", "Gemma2", "Phi3"])
def test_targets_and_blocks_are_found_in_other_families(shape: str, make_folder: Callable[..., Path]) -> None:
    base = HuggingFace(path=str(make_folder(shape)), dtype="float32", device="cpu")
    for name, parameters in (
        ("lora", {}),
        ("lora", {"targets": "attention"}),
        ("bottleneck", {}),
        ("freeze", {"last": 1}),
    ):
        prepared = size(method(name, **parameters).prepare(base.load()))
        assert 0 < prepared.trained < prepared.total


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("lora", {"targets": ["q_prj"]}, r"no linear module 'q_prj' \(did you mean q_proj\?\)"),
        ("lora", {"targets": ["embed_tokens"]}, "no linear module 'embed_tokens'"),
        ("ia3", {"targets": ["value"]}, "no linear module 'value'"),
        ("freeze", {"last": 3}, "last: 3 layers are to be trained, the model has 2"),
        ("freeze", {"last": 0}, "no parameter is left to train"),
        ("freeze", {"modules": ["layers.0.mpl"]}, "no module 'layers.0.mpl'"),
    ],
)
def test_what_the_model_lacks_is_said_before_its_weights_are_loaded(
    name: str, parameters: dict[str, Any], message: str, base: HuggingFace
) -> None:
    with pytest.raises(ModelError, match=message):
        method(name, **parameters).check(base.skeleton())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("lora", {"r": 0}), ("lora", {"targets": []}), ("lora", {"targets": "some"}), ("prefix", {"tokens": 0}),
     ("bottleneck", {"width": 0}), ("qlora", {"quant": "int3"}), ("freeze", {"last": -1})],
)  # fmt: skip
def test_impossible_parameters_are_refused(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        method(name, **parameters)


@pytest.mark.parametrize(("name", "parameters"), [VARIED[name] for name in ("lora", "dora", "rslora", "ia3", "qlora")])
def test_merged_answers_as_unmerged(name: str, parameters: dict[str, Any], base: HuggingFace, tmp_path: Path) -> None:
    made = method(name, **parameters)
    train(
        base,
        made,
        Recipe(epochs=2, batch_size=4, learning_rate=2e-2, save_every=99),
        LearningRows(LEARN),
        tmp_path / "a",
        0,
    )
    network = made.load(base.load("float32"), tmp_path / "a")
    ids = torch.tensor([base.encode(LEARN[0].prompt)])
    with torch.no_grad():
        before, plain = network(ids).logits, base.load()(ids).logits
        merged = made.merge(network)
        after = merged(ids).logits
    assert (before - plain).abs().max() > 0.1  # something was learnt that merging could lose
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    assert {name for name, _ in merged.named_parameters()} == {name for name, _ in base.load().named_parameters()}


def test_merging_into_a_rounded_base_is_refused(base: HuggingFace, tmp_path: Path) -> None:
    made = method("qlora", r=2)
    train(base, made, Recipe(max_steps=1, batch_size=4), LearningRows(LEARN), tmp_path / "a", 0)
    for network in (load(made, base, tmp_path / "a"), made.load(base.load("bfloat16"), tmp_path / "a")):
        with pytest.raises(ModelError, match="unquantised float32 base"):
            made.merge(network)
    for name in ("prefix", "prompt", "bottleneck"):
        assert not method(name).mergeable
        with pytest.raises(ModelError, match="cannot be merged"):
            method(name).merge(None)


def test_trained_weights_are_float32_on_a_bfloat16_base(base: HuggingFace) -> None:
    """DoRA's magnitude among them: in bfloat16 its steps would vanish."""
    for name, parameters in VARIED.values():
        made = method(name, **parameters)
        loading = made.loading("bfloat16")
        if name != "qlora":
            network = made.prepare(base.load(loading["dtype"]))
            kinds = {value.dtype for value in network.parameters() if value.requires_grad}
            assert kinds == {torch.float32}, name
    network = method("lora", dora=True).prepare(base.load("bfloat16"))
    assert any("magnitude" in name for name, value in network.named_parameters() if value.requires_grad)


def test_a_folder_says_nothing_of_this_machine(base: HuggingFace, tmp_path: Path) -> None:
    train(base, method("lora"), Recipe(max_steps=1), LearningRows(LEARN), tmp_path / "a", 0)
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors", "record.json",
    ]  # fmt: skip
    stated = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert stated["base_model_name_or_path"] == base.path  # as the suite names it


def test_four_bit_weights_survive_a_look_at_the_validation_rows(
    base: HuggingFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU with AVX512-BF16 bitsandbytes repacks them in an evaluation forward, and gradients are lost.

    Every CPU is made to look like one: it would repack too, though it has no kernel for what comes out.
    """
    from bitsandbytes.nn import Linear4bit

    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: True)

    def losses(look: bool) -> list[float]:
        made = method("qlora", r=4)
        torch.manual_seed(0)
        loading = made.loading("float32")
        network = made.prepare(base.load(loading.pop("dtype"), **loading, device_map={"": "cpu"}))
        assert is_quantised(network)
        assert all(not m.support_avx512bf16_for_cpu for m in network.modules() if isinstance(m, Linear4bit))
        optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
        rows = encode_examples(base, LEARN[:4], 256, "answer").rows
        found = []
        for _ in range(3):
            if look:
                loss_of(network, base)
            network.train()
            batch = Collator(0)([(row,) for row in rows])
            batch.pop("counts")
            loss, learnt = summed_loss(network, batch, batch.pop("labels"))
            (loss / learnt).backward()
            optimiser.step()
            optimiser.zero_grad()
            found.append(loss.item() / learnt)
        return found

    assert losses(look=True) == losses(look=False)


@pytest.mark.parametrize("name", ["lora", "prefix", "prompt", "p-tuning", "bottleneck", "ia3"])
def test_answers_do_not_depend_on_the_other_rows_of_a_batch(name: str, base: HuggingFace, tmp_path: Path) -> None:
    kind, parameters = VARIED[name]
    made = method(kind, **parameters)
    recipe = Recipe(epochs=4, learning_rate=RATES.get(kind, 0.02), batch_size=4)
    train(base, made, recipe, LearningRows(LEARN), tmp_path / "a", 0)

    def put_on(network: Any) -> tuple[Any, Callable[[], None]]:
        worn = made.load(network, tmp_path / "a")
        return worn, lambda: made.remove(worn)

    engine = adapt_base(base, {"component": "tuned"}, "a", put_on, tmp_path / "a")
    prompts = [
        (Message("user", text),)
        for text in ("hi", "Question 3: 肺炎 and a good deal longer than the others?", "cough?")
    ]
    for options in (("A", "B"), ("A b c", "B")):
        together = engine.score_options(prompts, [options] * 3)
        alone = [engine.score_options([prompt], [options])[0] for prompt in prompts]
        for one, other in zip(together, alone, strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-3)
    greedy = Generation(max_tokens=8)
    together = engine.generate(prompts, greedy, [0] * 3)
    assert [one.text for one in together] == [engine.generate([p], greedy, [0])[0].text for p in prompts]
    plain = base.score_options(prompts, [("A", "B")] * 3)
    assert plain[0].logprobs != pytest.approx(engine.score_options(prompts, [("A", "B")] * 3)[0].logprobs, abs=1e-2)
