"""A model with its weights stored in fewer bits, so that a suite can show what that costs in quality."""

import importlib.util
import logging
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field

from adapters.methods.base.network import keep_weights
from adapters.models.base.engines import modify_base, plain_weights
from adapters.models.base.offline_engine import refuse_engine
from harness.components.display import Display
from harness.components.trained_model import DerivedModel
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.shared_prefixes import SCHEME
from harness.records.inputs import JSON


class Quantised(DerivedModel):
    """A model of the suite with its linear layers stored in 8 or 4 bits (bitsandbytes)."""

    imports: ClassVar[tuple[str, ...]] = (*DerivedModel.imports, "bitsandbytes")
    trainable: ClassVar[bool] = False

    bits: Literal[8, 4] = 4
    """Bits of each weight of the linear layers."""
    kind: Literal["nf4", "fp4"] = "nf4"
    """The number format of 4 bits."""
    double_quant: bool = False
    """Whether the scales of 4 bits are quantised too."""
    threshold: float = Field(6.0, gt=0)
    """Of 8 bits: activations that are larger are computed unquantised."""

    def check(self) -> None:
        super().check()
        root = plain_weights(self.root())
        refuse_engine(root, "stores the base in other numbers than transformers' 4 and 8 bits")
        check_bitsandbytes(root)

    def make(self, name: str, display: Display) -> None:
        """A base that was trained is merged before anything is asked."""
        plain_weights(self.origin())

    @cached_property
    def engine(self) -> HuggingFace:
        base = plain_weights(self.origin())
        if self.bits == 4:
            return quantise_to_4_bits(base, self.kind, self.double_quant)
        from transformers import BitsAndBytesConfig

        # it says at every multiplication that int8 casts its inputs to float16, thousands of times a run
        logging.getLogger("bitsandbytes.autograd._functions").setLevel(logging.ERROR)
        options = {"quantization_config": BitsAndBytesConfig(load_in_8bit=True, llm_int8_threshold=self.threshold)}
        return modify_base(base, _identity({"bits": 8, "threshold": self.threshold}), options, lambda network: network)

    def scoring_identity(self) -> dict[str, JSON]:
        """In 8 bits which activations are quantised depends on what is computed at once, whatever the dtype."""
        return {"prefixes": SCHEME} if self.bits == 8 else super().scoring_identity()

    def altered_weights(self) -> tuple[str, ...]:
        if self.bits == 4:
            return ("4 bits", self.kind, str(self.double_quant))
        return ("8 bits", str(self.threshold))

    def describe(self) -> str:
        return f"{self.origin().describe()}, {'int8' if self.bits == 8 else self.kind}"


def quantise_to_4_bits(base: HuggingFace, kind: str, double: bool, compute: str | None = None) -> HuggingFace:
    """The base stored in 4 bits: one engine for all calls with the same settings, so that it is loaded once."""
    compute = compute or base.dtype_name
    settings = {"bits": 4, "kind": kind, "double_quant": double, "compute_dtype": compute}
    engines: dict[str, HuggingFace] = base.shared_engines
    key = str(settings)
    if key not in engines:
        engines[key] = modify_base(base, _identity(settings), four_bit_options(kind, double, compute), keep_weights)
    return engines[key]


def _identity(quantisation: dict[str, Any]) -> dict[str, Any]:
    return {"component": "quantised", "quantisation": quantisation, "packages": ["bitsandbytes"]}


def four_bit_options(kind: str, double: bool, compute: str) -> dict[str, Any]:
    """transformers' options to load a model in 4 bits and compute in a dtype."""
    import torch
    from transformers import BitsAndBytesConfig

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=kind,
            bnb_4bit_use_double_quant=double,
            bnb_4bit_compute_dtype=getattr(torch, compute),
        )
    }


def check_bitsandbytes(base: HuggingFace) -> None:
    """Raise ModelError if bitsandbytes is missing or has no kernel for the device."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ModelError("the package bitsandbytes is missing: pip install 'domain-harness[train]'")
    if base.device_name not in ("cpu", "cuda"):
        raise ModelError(f"bitsandbytes has no kernel for {base.device_name}; set device: cpu")
