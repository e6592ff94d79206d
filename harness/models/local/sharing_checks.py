"""Networks whose rows cannot be computed behind a prefix that others share, told by their configuration."""

from inspect import signature
from typing import Any

CACHE, PAST = "cache", "past_key_values"  # the same argument, by its name from transformers 5.24 on and before


def cache_argument(network: Any) -> str:
    """The name by which a network takes keys and values of tokens before its own."""
    return CACHE if CACHE in signature(_inner(network).forward).parameters else PAST


def sharing_obstacle(network: Any) -> str | None:
    """Why a network computes each row whole, in words, as far as that is seen without a forward."""
    adapter = getattr(network, "active_peft_config", None)
    if adapter is not None and adapter.is_prompt_learning:
        return "its adapter puts a prefix of its own before each prompt"
    config = network.config.get_text_config()
    if not getattr(config, "is_causal", True) or getattr(config, "use_bidirectional_attention", False):
        return "its tokens see those behind them"
    if _rope_types(config) & {"dynamic", "longrope"}:
        return "how it counts positions depends on the length of the whole prompt"
    if network.get_output_embeddings() is None:
        return "its output layer is not known"
    return _layer_obstacle(config)


def _layer_obstacle(config: Any) -> str | None:
    """What its layers keep of a prompt, where that is not the keys and values of all tokens."""
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    layers = DynamicCache(config=config).layers
    chunked = "chunked_attention" in (getattr(config, "layer_types", None) or ()) or getattr(
        config, "attention_chunk_size", None
    )
    others = {type(layer).__name__ for layer in layers} - {DynamicLayer.__name__, DynamicSlidingWindowLayer.__name__}
    if others or chunked or len(layers) != config.num_hidden_layers:
        return "its layers keep something other than keys and values of all tokens"
    return None


def _rope_types(config: Any) -> set[str]:
    """The ways of rotating positions that a configuration names, for all layers or by kind of layer."""
    stated = [getattr(config, name, None) or {} for name in ("rope_parameters", "rope_scaling")]
    nested = [value for own in stated for value in own.values() if isinstance(value, dict)]
    return {str(own.get("rope_type", own.get("type"))) for own in (*stated, *nested)}


def _inner(network: Any) -> Any:
    """The network below an adapter."""
    return network.get_base_model() if hasattr(network, "get_base_model") else network
