"""How much memory a model needs to answer, from its configuration, before weights are loaded."""

from dataclasses import dataclass
from typing import Any

GIB = 1 << 30
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
BLOCK = 64  # 4-bit weights that share a scale (bitsandbytes' default)
SCALES = 256  # scales that share a scale of their own under double quantisation
PROCESS = 590 << 20  # resident after importing torch, transformers, peft and bitsandbytes: 523 MiB, 585 with a skeleton
CUDA = 768 << 20  # the driver's context, torch's kernels, cuBLAS's workspace: 400 to 700 MiB, by card and version


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes at the highest point, by what they are for."""

    weights: int
    gradients: int = 0
    optimiser: int = 0
    activations: int  # and what else lives only within a step: logits, the update's temporaries
    cache: int = 0  # keys and values of generation
    other: int  # what the process takes before it has a network

    @property
    def total(self) -> int:
        return self.weights + self.gradients + self.optimiser + self.activations + self.cache + self.other


def gib(count: int) -> str:
    """Bytes for people."""
    return f"{count / GIB:.1f} GiB"


def inference_memory(
    network: Any, tokens: int, batch: int, *, dtype: str, device: str, quantisation: Any = None
) -> Memory:
    """Memory of generating or scoring `batch` sequences of at most `tokens` tokens, prompt and answer together.

    `network` needs no weights (torch's meta device); `quantisation` is transformers' BitsAndBytesConfig.
    """
    network.requires_grad_(False)
    config = network.config.get_text_config()
    width = BYTES[dtype]
    unpacked = max(value.numel() for value in _linear_weights(network).values()) * width if quantisation else 0
    logits = batch * config.vocab_size * (width + 8)  # of each sequence's last position: as computed, and as float32
    return Memory(
        weights=weights(network, dtype, quantisation),
        activations=max(passing(config, tokens * batch, width) + unpacked, logits),
        cache=cache(config, tokens, batch, width),
        other=process_memory(network, device, dtype, quantisation is not None),
    )


def passing(config: Any, tokens: int, width: int) -> int:
    """Bytes that a layer holds at once of tokens that pass through it.

    The gated block's three factors, or queries, keys, values and result; and the residual, its copy and its norm in
    float32.
    """
    heads, kv, head = shape(config)
    inner = getattr(config, "intermediate_size", None) or 4 * config.hidden_size
    return int(tokens * (width * max(3 * inner, (2 * heads + 2 * kv) * head) + 12 * config.hidden_size))


def weights(network: Any, dtype: str, quantisation: Any = None) -> int:
    """Bytes of all parameters, a shared one once: trained ones in float32, frozen ones in `dtype`.

    With quantisation (transformers' BitsAndBytesConfig) the frozen linear weights within the layers are packed.
    """
    packed = _linear_weights(network) if quantisation is not None else {}
    total = 0.0
    for parameter in network.parameters():
        count = parameter.numel()
        if parameter.requires_grad:
            total += 4 * count
        elif id(parameter) in packed:
            total += count * _packed(quantisation)
        else:
            total += BYTES[dtype] * count
    return round(total)


def process_memory(network: Any, device: str, dtype: str, quantised: bool) -> int:
    """Bytes before there is a network; on the CPU the file too, where the weights are not those that stand in it.

    Weights in the file's own dtype are its pages in memory. Others are made from them, and the file stays mapped as
    long as one weight is still its page: clean pages, which the system can take back, but resident.
    """
    if device == "cuda":
        return CUDA
    config = network.config
    written = BYTES.get(str(config.dtype).removeprefix("torch."), BYTES[dtype])  # an unknown one counts as the same
    if not quantised and written == BYTES[dtype]:
        return PROCESS
    return PROCESS + written * sum(int(value.numel()) for value in network.parameters())


def _linear_weights(network: Any) -> dict[int, Any]:
    """The weights that quantisation packs: all linear ones but the output layer's, by identity."""
    from torch.nn import Linear

    head = network.get_output_embeddings()
    return {id(module.weight): module.weight for module in network.modules()
            if isinstance(module, Linear) and module is not head}  # fmt: skip


def _packed(quantisation: Any) -> float:
    """Bytes a weight. Dettmers et al. 2023, section 3: each block has a float32 scale, or 8 bits under double quant."""
    if not quantisation.load_in_4bit:
        return 1.0
    scale = 1 + 4 / SCALES if quantisation.bnb_4bit_use_double_quant else 4
    return float(0.5 + scale / BLOCK)


def cache(config: Any, tokens: int, batch: int, width: int) -> int:
    """Bytes of keys and values; a layer with a sliding window keeps no more tokens than that."""
    _, kv, head = shape(config)
    window = getattr(config, "sliding_window", None) or tokens
    kinds = getattr(config, "layer_types", None)
    kinds = kinds or ["sliding_attention" if window < tokens else "full_attention"] * config.num_hidden_layers
    cached = sum(
        min(tokens, window) if kind in ("sliding_attention", "chunked_attention") else tokens for kind in kinds
    )
    return int(2 * kv * head * width * batch * cached)


def shape(config: Any) -> tuple[int, int, int]:
    """Heads, heads of keys and values, and the size of a head."""
    heads = config.num_attention_heads
    head = getattr(config, "head_dim", None) or config.hidden_size // heads
    return heads, getattr(config, "num_key_value_heads", None) or heads, head


def has_learnt_positions(config: Any) -> bool:
    """Whether a network has a vector for each position and none beyond its window, as before RoPE: GPT-2, OPT."""
    config = config.get_text_config()
    rotates = any(
        getattr(config, name, None) for name in ("rope_parameters", "rope_theta", "rope_scaling", "rotary_pct")
    )
    return not rotates
