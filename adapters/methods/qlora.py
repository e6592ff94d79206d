"""QLoRA: LoRA beside a base stored in 4 bits. Dettmers et al. 2023."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from adapters.methods.base.network import keep_weights
from adapters.methods.lora import Lora
from adapters.models.quantised import check_bitsandbytes, four_bit_options, quantise_to_4_bits
from harness.records.inputs import JSON


class Qlora(Lora):
    """Trains LoRA matrices beside a base quantised to 4 bits: a quarter of the memory, never faster."""

    quantises: ClassVar[bool] = True
    variations: ClassVar[tuple[Mapping[str, JSON], ...]] = ({}, {"quant": "fp4"})

    quant: Literal["nf4", "fp4"] = "nf4"
    """The 4-bit number format of the base."""
    double_quant: bool = True
    """Whether the scales of the quantised weights are quantised too, which saves about 0.4 bits a weight."""
    compute_dtype: Literal["float32", "bfloat16", "float16"] | None = None  # the training's precision when not given
    """What the quantised layers compute in; null: the training's precision."""
    optimiser: ClassVar[str] = "paged_adamw_8bit"  # on CUDA: its state moves to the host when memory is short

    def needs(self, base: Any) -> None:
        check_bitsandbytes(base)

    def carrier(self, base: Any) -> Any:
        return quantise_to_4_bits(base, self.quant, self.double_quant, self.compute_dtype)

    def altered_weights(self) -> tuple[str, ...]:
        return ("4 bits", self.quant, str(self.double_quant), *([self.compute_dtype] if self.compute_dtype else []))

    def loading(self, dtype: str) -> dict[str, Any]:
        return {"dtype": dtype, **four_bit_options(self.quant, self.double_quant, self.compute_dtype or dtype)}

    def prepare(self, network: Any) -> Any:
        return super().prepare(keep_weights(network))

    def load(self, network: Any, folder: Path) -> Any:
        return super().load(keep_weights(network), folder)
