"""Proofs about every training method in each of its variations, with trained weights that are drawn at random."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from adapters.export.merging import merge_weights
from adapters.models.base.engines import adapt_base, copy_settings
from adapters.models.base.trained import merged_subject, trained_engine
from adapters.training.collation import Collator
from adapters.training.encoding import Example, TokenRow, encode_examples
from adapters.training.loss import summed_loss
from harness.components.method import Method
from harness.components.registry import components
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON
from harness.records.outputs import Completion
from harness.selftest.answers import ANSWERS, PROMPTS, TOLERANCE, answers_of, first_difference
from harness.selftest.plain_models import CLAIMS, SHAPES
from harness.selftest.proof import Proof
from harness.selftest.tiny_models import TinyModels
from harness.text.canonical import digest

UNTOUCHED = "put on and taken off, it leaves the base as it was"
LOSS = "training and inference compute the same"
KEY = "the cache key differs with the trained weights"
MERGING = "merged equals unmerged"
STRENGTH = 0.3  # of the random weights: enough to change every answer
ANSWERING: Mapping[str, Callable[["MethodSubject"], str | None]] = {
    name: partial(lambda difference, subject: difference(subject.engine), claim) for name, claim in CLAIMS.items()
}


def proofs(tiny: TinyModels) -> Iterator[Proof]:
    """Of every method of the registry, in each variation."""
    for _, component in components("method"):
        if issubclass(component, Method):
            for variation in component.variations:
                yield from method_proofs(tiny, component, variation)


def method_proofs(tiny: TinyModels, component: type[Method], variation: Mapping[str, JSON]) -> Iterator[Proof]:
    """Of one method in one variation. Where it puts tokens before the prompt, answers are proven on every shape."""
    first, *further = [MethodSubject(tiny, component, variation, shape) for shape in SHAPES]
    claims: dict[str, Callable[[MethodSubject], str | None]] = {
        **ANSWERING, UNTOUCHED: base_difference, LOSS: loss_difference, KEY: key_difference,
    }  # fmt: skip
    for name, claim in claims.items():
        yield Proof(name=name, subject=first.name, prove=partial(claim, first), missing=first.missing)
    for subject in further if component.virtual_prefix else ():
        for name, claim in ANSWERING.items():
            name = f"{name} ({subject.shape})"
            yield Proof(name=name, subject=subject.name, prove=partial(claim, subject), missing=subject.missing)
    if component.mergeable:
        merged = merged_subject(first.name)
        yield Proof(name=MERGING, subject=merged, prove=partial(merging_difference, first), missing=first.missing)


class MethodSubject:
    """A method on a tiny model, and weights as it would have trained them."""

    def __init__(self, tiny: TinyModels, component: type[Method], variation: Mapping[str, JSON], shape: str) -> None:
        self.tiny, self.shape = tiny, shape
        self.method = component(**variation)
        self.name = component.subject(variation)

    @cached_property
    def base(self) -> HuggingFace:
        """What it is trained on: its own, so that a method that leaks fails alone."""
        return self.tiny.copy(self.shape)

    @cached_property
    def missing(self) -> str | None:
        """The package or the kernel that is missing for it here."""
        try:
            self.method.needs(HuggingFace(path="", device=self.tiny.device))
        except ModelError as error:
            return str(error)
        return None

    @cached_property
    def folder(self) -> Path:
        """The trained weights."""
        return self.train(seed=7)

    @cached_property
    def engine(self) -> HuggingFace:
        """What answers with them, as in a run."""
        return trained_engine(self.base, self.method, self.folder)

    def train(self, seed: int) -> Path:
        """A folder with the trained weights moved away from where they begin."""
        import torch

        loading = self.method.loading("float32")
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            network = self.method.prepare(self.base.load(loading.pop("dtype"), **loading))
            for parameter in network.parameters():
                if parameter.requires_grad:
                    parameter += STRENGTH * torch.randn(parameter.shape).to(parameter) * _spread(parameter)
        folder = self.tiny.scratch(digest([self.name, self.shape, seed])[:16])
        self.method.save(network, folder)
        return folder


def base_difference(subject: MethodSubject) -> str | None:
    """How what carries the method answers otherwise, or holds other weights, once the method was on it."""
    carrier = subject.engine.carrier()
    base = carrier if subject.method.shares_base and isinstance(carrier, HuggingFace) else subject.base
    before, weights = answers_of(base), _copy(base)
    adapted = answers_of(subject.engine)
    after, weights_after = answers_of(base), _copy(base)
    if first_difference(_pairs("", before, adapted)) is None:
        return "it changes no answer of the base: nothing was put on"
    if weights.keys() != weights_after.keys():
        return f"it leaves the base with other weights: {min(weights.keys() ^ weights_after.keys())}"
    changed = [name for name, value in weights.items() if not value.equal(weights_after[name])]
    return (
        f"it has changed the base's {changed[0]}"
        if changed
        else first_difference(_pairs("the base asked again", before, after))
    )


def loss_difference(subject: MethodSubject) -> str | None:
    """How the loss of a padded training batch differs from the likelihood of its answers at inference."""
    import torch

    examples = [Example(prompt, answer) for prompt, answer in zip(PROMPTS, ANSWERS, strict=True)]
    encoded = encode_examples(subject.base, examples, 256, "answer").rows
    rows = [(TokenRow(row.ids[:-1], row.labels[:-1]),) for row in encoded]  # a likelihood is one without the end token
    collator = Collator(subject.base.tokenizer.pad_token_id, mask=subject.method.virtual_prefix)
    scored = subject.engine.likelihood(PROMPTS, ANSWERS)
    likelihood = sum(total for row in scored for total in row.logprobs or ())
    network = subject.engine._model()
    for label, batches in (("one batch", [rows]), ("single rows", [[row] for row in rows])):
        loss = 0.0
        for batch in batches:
            tensors = {name: value.to(network.device) for name, value in collator(batch).items() if name != "counts"}
            with torch.no_grad():
                loss += float(summed_loss(network, tensors, tensors.pop("labels"))[0])
        if not abs(loss + likelihood) <= TOLERANCE * len(rows):
            return f"the loss of {label} is {loss:.4f}, the negative log-likelihood of the answers {-likelihood:.4f}"
    return None


def key_difference(subject: MethodSubject) -> str | None:
    """Whether two trainings, or a training and its base, would share answers in the cache."""
    other = trained_engine(subject.base, subject.method, subject.train(seed=8))
    keys = {name: digest(model.identity()) for name, model in
            (("the base", subject.base), ("another training", other))}  # fmt: skip
    return next(
        (f"it is that of {name}" for name, key in keys.items() if key == digest(subject.engine.identity())), None
    )


def merging_difference(subject: MethodSubject) -> str | None:
    """How the merged checkpoint, written and loaded again, answers otherwise than base and weights side by side."""
    base, method, folder = subject.base, subject.method, subject.folder

    def attach(network: Any) -> tuple[Any, Callable[[], None]]:
        adapted = method.load(network, folder)
        return adapted, lambda: method.remove(adapted)

    beside = adapt_base(base, {}, "unmerged", attach, folder) if method.shares_base else subject.engine
    path = merge_weights(base, method, folder, subject.tiny.scratch("merged") / digest(subject.name)[:16])
    merged = copy_settings(base, HuggingFace, path=str(path), revision=None)
    return first_difference(_pairs("merged", answers_of(beside), answers_of(merged)))


def _spread(parameter: Any) -> Any:
    """The size of a parameter's own numbers, or that of an initialisation where all are equal: zeros, or IA³'s ones."""
    spread = float(parameter.std()) if parameter.numel() > 1 else 0.0
    return spread or 1.0


def _copy(model: HuggingFace) -> dict[str, Any]:
    return {
        name: value.detach().clone() for name, value in model._model().state_dict().items() if hasattr(value, "clone")
    }


def _pairs(
    label: str, expected: list[Completion], actual: list[Completion]
) -> Iterator[tuple[str, Completion, Completion]]:
    for number, (first, second) in enumerate(zip(expected, actual, strict=True)):
        yield f"{label}: question {number % len(PROMPTS) + 1}", first, second
