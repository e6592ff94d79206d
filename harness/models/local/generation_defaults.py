"""What a model ships beside its weights, and what a run does not use: all variants get the suite's options."""

from typing import Any


def drop_generation_defaults(network: Any) -> None:
    """Leave of the shipped generation configuration the special tokens alone, so that nothing is filled in silently."""
    from transformers import GenerationConfig

    shipped = network.generation_config
    tokens = {name: getattr(shipped, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    network.generation_config = GenerationConfig(**tokens)
