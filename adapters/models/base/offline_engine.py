"""Models made of a base that vLLM answers for: what it attaches by itself, what is merged for it, what it cannot do."""

from typing import Any

from adapters.methods.lora import Lora
from harness.components.method import Method
from harness.components.model import Model
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.offline.vllm_requests import LORA_RANKS

SECOND_ENTRY = "name a second entry of the base without engine: vllm for it"


def is_attachable(method: Method) -> bool:
    """Whether what a method trains is an adapter that vLLM attaches to a base that is loaded once for all of them."""
    return isinstance(method, Lora) and not method.dora and not method.quantises and method.r <= LORA_RANKS[-1]


def alters_weights(root: Model, method: Method) -> tuple[str, ...] | None:
    """`DerivedModel.altered_weights` of what a method trains: what is merged for vLLM is weights of its own."""
    is_merged = isinstance(root, HuggingFace) and root.engine == "vllm" and not is_attachable(method)
    return None if is_merged else method.altered_weights()


def expect_method(base: HuggingFace, method: Method) -> None:
    """Have an engine of the base loaded for what a method trains. Raises ModelError for what it cannot answer with."""
    if base.engine == "transformers":
        return
    name = type(method).__name__.lower()
    if method.quantises:
        refuse_engine(base, f"has no {name}: it stores the base in other numbers than transformers' 4 bits")
    if isinstance(method, Lora) and is_attachable(method):
        base.expect_adapter(method.r)
    elif not method.mergeable:
        refuse_engine(base, f"has no {name}, which cannot be merged into the base either")


def expect_adapter(base: HuggingFace, configuration: Any) -> None:
    """The same for an adapter of PEFT, by its configuration."""
    if base.engine == "transformers":
        return
    kind = str(configuration.peft_type.value)
    if kind != "LORA":
        refuse_engine(base, f"attaches LoRA adapters only, and this one is {kind}")
    for field, value in (("use_dora", False), ("lora_bias", False), ("bias", "none"), ("modules_to_save", None)):
        if (own := getattr(configuration, field, value)) != value and own:
            refuse_engine(base, f"attaches no adapter with {field}: {own}")
    rank = max([configuration.r, *(configuration.rank_pattern or {}).values()])
    if rank > LORA_RANKS[-1]:
        refuse_engine(base, f"attaches adapters up to rank {LORA_RANKS[-1]}, and this one has {rank}")
    base.expect_adapter(rank)


def refuse_engine(base: HuggingFace, reason: str) -> None:
    """Raise ModelError where vLLM answers for the base; `reason` goes on after its name."""
    if base.engine != "transformers":
        raise ModelError(f"base: {base.path} has engine: vllm, which {reason}; {SECOND_ENTRY}")
