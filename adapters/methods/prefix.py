"""Prefix tuning: trained keys and values before every layer's own. Li and Liang 2021; P-tuning v2, Liu et al. 2022."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from adapters.methods.base.peft import PeftMethod
from adapters.training.choices import Choices
from harness.records.inputs import JSON


class Prefix(PeftMethod):
    """Trains a prefix of keys and values for every layer (prefix tuning, or P-tuning v2 without projection)."""

    learning_rate: ClassVar[float] = 1e-2
    virtual_prefix: ClassVar[bool] = True
    variations: ClassVar[tuple[Mapping[str, JSON], ...]] = ({}, {"projection": True})

    tokens: Annotated[Annotated[int, Field(ge=1)], Choices()] = 20
    """Length of the prefix in tokens. In a list: chosen on validation rows."""
    projection: bool = False
    """Whether a small network computes the prefix (prefix tuning); false: it is trained directly (P-tuning v2)."""
    hidden: int | None = Field(None, ge=1)
    """Width of that network; null: the model's own width."""

    def configuration(self, network: Any) -> Any:
        from peft import PrefixTuningConfig

        return PrefixTuningConfig(
            num_virtual_tokens=self.tokens, prefix_projection=self.projection, task_type="CAUSAL_LM",
            encoder_hidden_size=self.hidden or network.config.get_text_config().hidden_size,
        )  # fmt: skip
