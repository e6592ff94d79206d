"""IA³: one trained factor for each channel of keys, values and feed-forward. Liu et al. 2022."""

from typing import Any, ClassVar

from adapters.methods.base.network import ATTENTION, linear_names, targets
from adapters.methods.base.peft import PeftMethod
from harness.errors import ModelError

USUAL = ("k_proj", "v_proj", "down_proj")  # of llama, qwen, gemma, mistral and similar models


class Ia3(PeftMethod):
    """Trains one factor for each channel of keys, values and feed-forward: the fewest parameters of all."""

    learning_rate: ClassVar[float] = 3e-3
    mergeable: ClassVar[bool] = True

    targets: tuple[str, ...] = USUAL
    """The linear modules whose channels get a factor, by the ends of their names."""

    def configuration(self, network: Any) -> Any:
        from peft import IA3Config

        names = targets(network, self.targets)
        if not names:
            raise ModelError("targets: name at least one linear module")
        inside = {  # of these the input is scaled, of attention modules the output
            name
            for name in names
            if not any(f".{module}".endswith(f".{name}") and _is_attention(module) for module in linear_names(network))
        }
        return IA3Config(target_modules=names, feedforward_modules=sorted(inside), task_type="CAUSAL_LM")


def _is_attention(module: str) -> bool:
    return any(part in module.rpartition(".")[0] for part in ATTENTION)
