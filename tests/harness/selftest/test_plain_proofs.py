"""The proofs about plain models hold here, and each fails by its name once what it proves is broken."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.components.display import Display
from harness.components.registry import names
from harness.models import huggingface
from harness.models.local import decoding, loaded_network, next_token, scoring_model
from harness.models.local.loading import LocalModel
from harness.records.inputs import Generation, Prompt
from harness.runtime import context
from harness.runtime.model_access import ModelAccess
from harness.selftest import plain_models, refusal
from harness.selftest.cache_keys import KEY, OPTIONS
from harness.selftest.plain_models import BATCH, GENERATION, SCORING, TURNS
from tests.shared.proving import failures

Patch = pytest.MonkeyPatch
SUBJECTS = ("huggingface",)


def broken_network(change: Callable[[Any], None]) -> Callable[[Patch], None]:
    """Every network is changed once it is loaded."""

    def apply(patch: Patch) -> None:
        load = LocalModel.load

        def changed(self: LocalModel, *arguments: Any, **options: Any) -> Any:
            network = load(self, *arguments, **options)
            change(network)
            return network

        patch.setattr(LocalModel, "load", changed)

    return apply


def without(*names: str) -> Callable[[Any], None]:
    """A network that ignores arguments of its forward."""

    def drop(_: Any, inputs: Any, options: dict[str, Any]) -> Any:
        return inputs, {name: value for name, value in options.items() if name not in names}

    return lambda network: network.register_forward_pre_hook(drop, with_kwargs=True)


def penalised(patch: Patch) -> None:
    """Sampling defaults that a model ships are left in."""

    def ship(network: Any) -> None:
        network.generation_config.repetition_penalty = 1.7

    patch.setattr(loaded_network, "_only_the_suites_options", ship)


def shifted_logprobs(patch: Patch) -> None:
    of = decoding.logprobs_of
    patch.setattr(decoding, "logprobs_of", lambda logits, tokens: [value - 0.01 for value in of(logits, tokens)])


def batches_mixed(patch: Patch) -> None:
    """Completions of a batch come back in another order."""
    generate = huggingface.HuggingFace._generate

    def mixed(self: Any, rows: Any, *given: Any) -> Any:
        return ((len(rows) - 1 - place, completion) for place, completion in generate(self, rows, *given))

    patch.setattr(huggingface.HuggingFace, "_generate", mixed)


def padded_right(patch: Patch) -> None:
    generate = huggingface.HuggingFace._generate

    def on_the_right(self: Any, *given: Any) -> Any:
        self.tokenizer.padding_side = "right"
        return generate(self, *given)

    patch.setattr(huggingface.HuggingFace, "_generate", on_the_right)


def scoring_changed(name: str, change: Callable[[Any], Any]) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        score = getattr(scoring_model, name)
        patch.setattr(scoring_model, name, lambda reading, rows: change(score(reading, rows)))

    return apply


def first_tokens_changed(change: Callable[[Any], Any]) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        read = next_token.next_token_logprobs
        patch.setattr(next_token, "next_token_logprobs", lambda reading, rows: change(read(reading, rows)))

    return apply


def prefix_too_long(patch: Patch) -> None:
    """The first token of each option is taken for context."""
    scored = scoring_model.option_logprobs
    patch.setattr(
        scoring_model,
        "option_logprobs",
        lambda reading, items: scored(reading, [[[*row[:-1], row[-1] + 1] for row in rows] for rows in items]),
    )


def template(text: str) -> Callable[[Patch], None]:
    return lambda patch: patch.setattr(plain_models, "TEMPLATES", {"broken": text})


def identity_without(*parts: str) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        identity = LocalModel.identity

        def shorter(self: LocalModel) -> dict[str, Any]:
            return {name: value for name, value in identity(self).items() if name not in parts}

        patch.setattr(LocalModel, "identity", shorter)

    return apply


def options_without(name: str) -> Callable[[Patch], None]:
    def apply(patch: Patch) -> None:
        options = context.key_options
        patch.setattr(context, "key_options", lambda generation: {**options(generation), name: None})

    return apply


def key_with(change: Callable[..., Any]) -> Callable[[Patch], None]:
    """The key of a call as `change` makes it, of the call's own and its arguments."""

    def apply(patch: Patch) -> None:
        keys = context.call_keys

        def key(model: str, call: str, prompt: Prompt, content: Any) -> str:
            return keys(model, call, [prompt], [content])[0]

        def changed(model: str, call: str, prompts: Any, contents: Any) -> list[str]:
            pairs = zip(prompts, contents, strict=True)
            return [change(key, model, call, prompt, content) for prompt, content in pairs]

        patch.setattr(context, "call_keys", changed)

    return apply


def of(*claims: str) -> set[str]:
    return {f"{claim} ({shape})" for claim in claims for shape in ("Llama", "Gemma2")}


BROKEN: dict[str, tuple[Callable[[Patch], None], set[str]]] = {
    "a network that ignores the attention mask": (broken_network(without("attention_mask")), of(BATCH, GENERATION)),
    "a network that ignores mask and positions": (
        broken_network(without("attention_mask", "position_ids")), of(BATCH, GENERATION, SCORING)),
    "padding on the right": (padded_right, of(BATCH, GENERATION)),
    "rows of a batch in another order": (batches_mixed, of(BATCH, GENERATION)),
    "a penalty that the model ships": (penalised, of(BATCH, GENERATION)),
    "log-probabilities of another distribution": (shifted_logprobs, of(GENERATION)),
    "options divided by their length": (
        scoring_changed("option_logprobs", lambda rows: [tuple(value / 2 for value in row) for row in rows]), of(SCORING)),
    "another token's score": (prefix_too_long, of(SCORING)),
    "first tokens of the neighbour": (first_tokens_changed(lambda rows: rows.roll(1, 0)), of(BATCH)),
    "first tokens a little off": (first_tokens_changed(lambda rows: rows * 0.99), of(SCORING)),
    "likelihoods of the neighbour": (
        scoring_changed("continuation_logprobs", lambda rows: rows[1:] + rows[:1]), of(BATCH)),
    "likelihoods a little off": (
        scoring_changed("continuation_logprobs", lambda rows: [(value + 0.01, greedy) for value, greedy in rows]), of(SCORING)),
}  # fmt: skip
TEMPLATES = {
    "one that drops the user's turns": "{% for m in messages %}{% if m['role'] != 'user' %}{{ m['content'] }}{% endif %}{% endfor %}",
    "one that writes the turns backwards": "{% for m in messages | reverse %}{{ m['content'] }}\n{% endfor %}",
    "one that changes the text": "{% for m in messages %}{{ m['content'] | upper }}\n{% endfor %}",
    "one that raises": "{{ raise_exception('no conversation at all') }}",
}
KEYS: dict[str, tuple[Callable[[Patch], None], str]] = {
    "no dtype": (identity_without("dtype"), "dtype"),
    "no weights": (identity_without("weights"), "weights"),
    "no format": (identity_without("format", "delimiter"), "template"),
    "no delimiter": (identity_without("delimiter"), "template"),
    "no thinking": (identity_without("enable_thinking"), "template"),
    **{f"no {name}": (options_without(name), "options and the prompt")
       for name in OPTIONS if name not in ("schema", "strict")},  # what holds a reply to a schema stands in the key, too
    "no roles": (
        key_with(lambda own, model, call, prompt, content: own(
            model, call, tuple(replace(turn, role="user") for turn in prompt), content)), "options and the prompt"),
    "no repeat": (
        key_with(lambda own, model, call, prompt, content: own(model, call, prompt, {**content, "repeat": 0})),
        "options and the prompt"),
    "the name instead of the content": (
        lambda patch: patch.setattr(ModelAccess, "model_digest", lambda self, name: "a model"), "weights"),
}  # fmt: skip


def test_every_proof_holds_here_and_every_method_has_some() -> None:
    record = refusal.remembered_self_test("cpu", Display())  # the session's
    assert [proof for proof in record.proofs if not proof.passed] == []
    assert len({(proof.subject, proof.name) for proof in record.proofs}) == len(record.proofs) > 100
    subjects = {proof.subject for proof in record.proofs}
    assert set(names("method")) <= subjects
    assert {"huggingface", "tuned", "lora (dora: true)", "prompt (encoder: lstm)", "lora, merged"} <= subjects


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_fails_by_its_name(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    change, expected = BROKEN[name]
    change(monkeypatch)
    assert {claim for _, claim in failures(tmp_path, SUBJECTS, BATCH, GENERATION, SCORING)} == expected


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_that_loses_a_turn_fails(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    template(TEMPLATES[name])(monkeypatch)
    assert list(failures(tmp_path, SUBJECTS, TURNS)) == [("huggingface", f"{TURNS} (broken)")]


@pytest.mark.parametrize("name", KEYS)
def test_a_key_without_a_part_fails(name: str, tmp_path: Path, monkeypatch: Patch) -> None:
    change, part = KEYS[name]
    change(monkeypatch)
    claims = [claim for _, claim in failures(tmp_path, SUBJECTS, KEY)]
    assert f"{KEY} {part}" in claims


def test_a_key_that_is_never_the_same_fails(tmp_path: Path, monkeypatch: Patch) -> None:
    numbers = count()
    key_with(lambda own, *given: f"{own(*given)}-{next(numbers)}")(monkeypatch)
    reasons = failures(tmp_path, SUBJECTS, KEY)
    assert set(reasons.values()) == {"an equal call was not served from the cache"}


def test_every_option_of_a_generation_is_changed() -> None:
    assert set(OPTIONS) == set(Generation.__dataclass_fields__)
