"""Full fine-tuning: the upper bound of what training can do, at the full price in memory."""

from typing import Any, ClassVar

from adapters.methods.base.own_weights import OwnWeightsMethod


class Full(OwnWeightsMethod):
    """Trains every weight of the model; the result is a model of its own."""

    learning_rate: ClassVar[float] = 2e-5

    def loading(self, dtype: str) -> dict[str, Any]:
        """Trained weights are float32: steps of 1e-5 vanish in the rounding of bfloat16."""
        return {"dtype": "float32"}

    def prepare(self, network: Any) -> Any:
        for parameter in network.parameters():
            parameter.requires_grad_(True)
        return network
