"""How the steps of a training are computed on their device: nothing here changes what is learnt, only what it takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.methods.base.network import layers, size
from adapters.training.collation import Collator, Item
from adapters.training.compiling import (
    MOST_WIDTHS,
    CompileChoice,
    StepLoad,
    choose_compiling,
    kinds_of_layers,
    multiplication_speed,
    uncompilable,
)
from adapters.training.padded_widths import choose_widths, padded_width
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON

EAGER_WIDTHS = 8  # padded lengths where nothing is compiled
MEASURED = 16  # batches whose tokens are counted, of all over an epoch
OPTIMISERS = {
    "adamw": "adamw_torch", "adamw_8bit": "adamw_bnb_8bit", "paged_adamw_8bit": "paged_adamw_8bit",
    "adafactor": "adafactor", "sgd": "sgd",
}  # fmt: skip
FUSED = "adamw_torch_fused"  # the same formula in one kernel


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How steps are computed."""

    collator: Collator
    compiling: CompileChoice

    def record(self) -> dict[str, JSON]:
        """As a training's record tells it."""
        compiling = {"compiled": self.compiling.is_compiled, "compile_reason": self.compiling.reason}
        return {"padded_to": list(self.collator.widths), **compiling}


def optimiser_name(recipe: Recipe, method: Method, device: str) -> str:
    """transformers' name of the optimiser; AdamW is fused on a GPU."""
    name = recipe.optimiser or (method.optimiser if device == "cuda" and method.optimiser else "adamw")
    return FUSED if name == "adamw" and device == "cuda" else OPTIMISERS[name]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """The batches of an epoch on one device, as numbers of items."""

    items: Sequence[Item]
    batches: Sequence[Sequence[int]]

    @classmethod
    def of(cls, items: Sequence[Item], order: Sequence[int], batch_size: int) -> "Epoch":
        return cls(items=items, batches=[order[at : at + batch_size] for at in range(0, len(order), batch_size)])

    def longest(self) -> list[int]:
        """Tokens of the longest item of each batch."""
        lengths = [sum(len(row.ids) for row in item) for item in self.items]
        return [max(lengths[item] for item in batch) for batch in self.batches]

    def tokens(self, collator: Collator) -> float:
        """Tokens of a batch as it is computed, padding included, shared ones once: the mean of some."""
        chosen = self.batches[:: -(-len(self.batches) // MEASURED)]
        sizes = [collator([self.items[item] for item in batch])["input_ids"].numel() for batch in chosen]
        return float(sum(sizes) / len(sizes))


def choose_execution(
    base: HuggingFace, recipe: Recipe, plan: StepPlan, network: Any, collator: Collator, epoch: Epoch, finished: int = 0
) -> Execution:  # fmt: skip
    """On a GPU batches are padded to few lengths, and layers compiled when the steps after `finished` repay it.

    On the CPU a shape costs nothing: each batch is as long as its longest item.
    """
    on_gpu, longest = base.device_name == "cuda", epoch.longest()
    reason = _refusal(recipe, network, collator, on_gpu)
    if on_gpu and not collator.flat:
        collator = replace(collator, widths=choose_widths(longest, EAGER_WIDTHS))
    if reason is not None:
        return Execution(collator=collator, compiling=CompileChoice(is_compiled=False, widths=0, reason=reason))
    padded = [plan.batch_size * _mean_width(longest, most) for most in range(1, MOST_WIDTHS + 1)]
    if recipe.compile is True:
        choice = CompileChoice(is_compiled=True, widths=MOST_WIDTHS, reason="the recipe says so")
    else:
        load = _load(base, plan, network, recipe, finished)
        choice = choose_compiling(load, epoch.tokens(collator), padded)
    if choice.is_compiled:
        widths = choose_widths(longest, choice.widths)
        collator = replace(collator, share=False, widths=widths, rows=plan.batch_size)
    return Execution(collator=collator, compiling=choice)


def _refusal(recipe: Recipe, network: Any, collator: Collator, on_gpu: bool) -> str | None:
    """Why nothing is compiled, before any estimate."""
    if recipe.compile is False:
        return "the recipe says so"
    if collator.mask or collator.flat:
        return "batches of this method have no fixed shape"
    if not on_gpu and recipe.compile == "auto":
        return "the CPU does not wait for Python"
    return uncompilable(network)


def _mean_width(longest: Sequence[int], most: int) -> float:
    """The mean padded length of batches with at most so many lengths."""
    widths = choose_widths(longest, most)
    return sum(padded_width(length, widths) for length in longest) / len(longest)


def _load(base: HuggingFace, plan: StepPlan, network: Any, recipe: Recipe, finished: int) -> StepLoad:
    _, modules = layers(network)
    return StepLoad(
        batches=(plan.steps - finished) * plan.accumulation,
        layers=len(modules),
        kinds=kinds_of_layers(network) + 1,  # the first layer's input has no gradient
        parameters=sum(size(module).total for module in modules),
        speed=multiplication_speed(base.device_name, recipe.precision_on(base.dtype_name)),
    )
