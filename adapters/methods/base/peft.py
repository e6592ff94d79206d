"""What methods share that the library PEFT implements."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any

from adapters.methods.base.network import freeze, is_quantised, translate_disk_errors
from harness.components.method import Method
from harness.errors import ModelError

CACHE, PAST = "cache", "past_key_values"  # the same argument, by its name from transformers 5.24 on and before
BRIDGE = "prefix once, positions by mask"  # how a virtual prefix is asked; part of the cache key


class PeftMethod(Method):
    """A method of PEFT; a subclass says which, by PEFT's configuration."""

    @abstractmethod
    def configuration(self, network: Any) -> Any:
        """PEFT's configuration for this network. Raises ModelError for a target that it lacks."""

    def check(self, network: Any) -> None:
        self.configuration(network)

    def prepare(self, network: Any) -> Any:
        from peft import get_peft_model

        configuration = self.configuration(network)
        freeze(network)
        with _quiet():
            return bridged(get_peft_model(network, configuration))  # trained weights are float32 whatever the base is

    def save(self, network: Any, folder: Path) -> None:
        with translate_disk_errors(folder):
            network.save_pretrained(folder, save_embedding_layers=False)  # "auto" would ask the hub
        (folder / "README.md").unlink(missing_ok=True)  # an empty form

    def load(self, network: Any, folder: Path) -> Any:
        from peft import PeftModel

        with _quiet():
            return bridged(PeftModel.from_pretrained(network, folder).eval())

    def remove(self, network: Any) -> None:
        if network.active_peft_config.is_prompt_learning:  # it stands beside the base and has changed nothing in it
            unbridge(network)
            return
        network.unload()

    def merge(self, network: Any) -> Any:
        if not self.mergeable:
            raise ModelError(
                f"{type(self).__name__.lower()} weights cannot be merged into the base; keep them beside it"
            )
        mergeable_base(network)
        return network.merge_and_unload(safe_merge=True)


def mergeable_base(network: Any) -> None:
    """Merging rounds: into 4 or 8 bits it erases what was trained, into bfloat16 it moves the loss."""
    import torch

    kinds = {parameter.dtype for parameter in network.parameters() if parameter.is_floating_point()}
    if is_quantised(network) or kinds != {torch.float32}:
        raise ModelError(
            "merging needs an unquantised float32 base: load the base with dtype float32, merge, then round"
        )


def bridged(network: Any) -> Any:
    """See to it that a virtual prefix stands before the prompt once, and that padding takes no position under it.

    PEFT 0.21 and transformers disagree in two things. transformers 5.24 calls `cache` what PEFT knows as
    `past_key_values`: while it generates, PEFT would take every step for the first, put a soft prompt in again, and
    hand over a prefix that transformers ignores. And PEFT drops the positions that it is given under a soft prompt; the
    base then counts padding as text. Either way an answer would depend on the other rows of its batch. The base is
    given the cache by the name that it knows, and counts the positions again, by the mask that PEFT has put together.
    Other methods' networks stay as they are.
    """
    if not network.active_peft_config.is_prompt_learning:
        return network
    inner = network.get_base_model()
    hooks = [inner.register_forward_pre_hook(_cache_by_its_name, with_kwargs=True)]
    if network.active_peft_config.peft_type in ("PROMPT_TUNING", "P_TUNING"):
        hooks.append(network.register_forward_pre_hook(_unplaced, with_kwargs=True))
        hooks.append(inner.register_forward_pre_hook(_by_mask, with_kwargs=True))
    network.bridge = tuple(hooks)
    network.prepare_inputs_for_generation = _preparing(network)
    return network


def unbridge(network: Any) -> None:
    """Take off what `bridged` has put on the base."""
    for hook in getattr(network, "bridge", ()):
        hook.remove()


def _preparing(network: Any) -> Callable[..., Any]:
    """PEFT's preparation of a step of generation, which meets the cache by the name that it looks for."""
    prepared, own = network.prepare_inputs_for_generation, network.base_model_prepare_inputs_for_generation

    def translated(*arguments: Any, **options: Any) -> dict[str, Any]:
        inputs: dict[str, Any] = own(*arguments, **options)
        if CACHE in inputs:
            inputs[PAST] = inputs.pop(CACHE)
        return inputs

    @wraps(prepared)  # transformers reads the signature
    def prepare(*arguments: Any, **options: Any) -> Any:
        network.base_model_prepare_inputs_for_generation = translated
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Position ids are not supported")
                return prepared(*arguments, **options)
        finally:
            network.base_model_prepare_inputs_for_generation = own  # PEFT leaves it on the base after generating

    return prepare


def _cache_by_its_name(
    inner: Any, inputs: tuple[Any, ...], options: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    if PAST not in options or CACHE not in signature(type(inner).forward).parameters:
        return None
    return inputs, {CACHE: options[PAST], **{name: value for name, value in options.items() if name != PAST}}


def _unplaced(_: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """PEFT would warn of positions that it drops."""
    return inputs, {**options, "position_ids": None}


def _by_mask(_: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    mask, given = options.get("attention_mask"), options.get("inputs_embeds")
    given = options.get("input_ids") if given is None else given
    if mask is None or mask.dim() != 2 or given is None or options.get("position_ids") is not None:
        return None
    positions = (mask.long().cumsum(-1) - 1).clamp(min=0)[:, -given.shape[1] :]
    return inputs, {**options, "position_ids": positions}


@contextmanager
def _quiet() -> Iterator[None]:
    """PEFT 0.21 asks transformers 5.23 by a name that is going to be removed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing. is deprecated", FutureWarning)
        yield
