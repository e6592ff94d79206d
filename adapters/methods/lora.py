"""LoRA: small matrices beside frozen ones. Hu et al. 2021; rsLoRA Kalajdzievski 2023; DoRA Liu et al. 2024."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from adapters.methods.base.network import targets
from adapters.methods.base.peft import PeftMethod
from adapters.training.choices import Choices
from harness.records.inputs import JSON


class Lora(PeftMethod):
    """Trains low-rank matrices beside chosen linear modules (LoRA, rsLoRA, DoRA)."""

    learning_rate: ClassVar[float] = 2e-4
    mergeable: ClassVar[bool] = True
    variations: ClassVar[tuple[Mapping[str, JSON], ...]] = ({}, {"dora": True})

    r: Annotated[Annotated[int, Field(ge=1)], Choices()] = 8
    """Rank of the matrices: the higher, the more is trained. In a list: chosen on validation rows."""
    alpha: Annotated[Annotated[float, Field(gt=0)] | None, Choices()] = None
    """The update is scaled by alpha / r; null: 2 r. In a list: chosen on validation rows."""
    dropout: Annotated[Annotated[float, Field(ge=0, lt=1)], Choices()] = 0.0
    """Share of the inputs of the matrices that is dropped while training. In a list: chosen on validation rows."""
    targets: Literal["attention", "all-linear"] | tuple[str, ...] = Field("all-linear", min_length=1)
    """The linear modules beside which matrices are trained: those of attention, all but the output layer, or names."""
    rslora: bool = False
    """Whether the update is scaled by alpha / √r, for a large r."""
    dora: bool = False
    """Whether length and direction of the weights are trained apart, which is slower."""

    def configuration(self, network: Any) -> Any:
        from peft import LoraConfig

        return LoraConfig(
            r=self.r, lora_alpha=2 * self.r if self.alpha is None else self.alpha, lora_dropout=self.dropout,
            target_modules=targets(network, self.targets), use_rslora=self.rslora, use_dora=self.dora,
            task_type="CAUSAL_LM",
        )  # fmt: skip
