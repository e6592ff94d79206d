"""What methods share that the library PEFT implements."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from adapters.methods.base.network import freeze, is_quantised, translate_disk_errors
from harness.components.method import Method
from harness.errors import ModelError


class PeftMethod(Method):
    """A method of PEFT; a subclass says which, by PEFT's configuration."""

    def configuration(self, network: Any) -> Any:
        """PEFT's configuration for this network. Raises ModelError for a target that it lacks."""
        raise NotImplementedError

    def check(self, network: Any) -> None:
        self.configuration(network)

    def prepare(self, network: Any) -> Any:
        from peft import get_peft_model

        configuration = self.configuration(network)
        freeze(network)
        with _quiet():
            return get_peft_model(network, configuration)  # trained weights are float32 whatever the base is

    def save(self, network: Any, folder: Path) -> None:
        with translate_disk_errors(folder):
            network.save_pretrained(folder, save_embedding_layers=False)  # "auto" would ask the hub
        (folder / "README.md").unlink(missing_ok=True)  # an empty form

    def load(self, network: Any, folder: Path) -> Any:
        from peft import PeftModel

        with _quiet():
            return counting_positions(PeftModel.from_pretrained(network, folder).eval())

    def remove(self, network: Any) -> None:
        if network.active_peft_config.is_prompt_learning:  # it stands beside the base and has changed nothing in it
            forget_positions(network)
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


def counting_positions(network: Any) -> Any:
    """See to it that padding takes no position under a soft prompt.

    PEFT 0.21 drops the positions that it is given there, and the base then counts padding as text: an answer would
    depend on the other rows of its batch. The base counts them again, by the mask that PEFT has put together.
    """
    if network.active_peft_config.peft_type in ("PROMPT_TUNING", "P_TUNING"):
        inner = network.get_base_model()
        network.position_hooks = (
            network.register_forward_pre_hook(_unplaced, with_kwargs=True),
            inner.register_forward_pre_hook(_by_mask, with_kwargs=True),
        )
        prepared = network.prepare_inputs_for_generation

        @wraps(prepared)  # transformers reads the signature
        def prepare(*arguments: Any, **options: Any) -> Any:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Position ids are not supported")
                return prepared(*arguments, **options)

        network.prepare_inputs_for_generation = prepare
    return network


def forget_positions(network: Any) -> None:
    """Take off what `counting_positions` has put on."""
    for hook in getattr(network, "position_hooks", ()):
        hook.remove()


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
