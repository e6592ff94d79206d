"""lm-eval's options of generation, as its tasks and its command state them, as the options of one of our calls."""

from collections.abc import Mapping

from harness.records.inputs import JSON, Generation

_LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")  # the first that is stated counts
MAX_TOKENS = 256  # lm-eval's own default


def generation_of(kwargs: Mapping[str, JSON]) -> Generation:
    """The options by lm-eval's rules (normalize_gen_kwargs): greedy unless do_sample, or a temperature above 0."""
    temperature = float(kwargs.get("temperature") or 0.0)
    is_sampled = kwargs.get("do_sample")
    if is_sampled is False:
        temperature = 0.0
    stops = kwargs.get("until") or []
    lengths = [kwargs[name] for name in _LENGTHS if kwargs.get(name) is not None]
    return Generation(
        max_tokens=int(lengths[0]) if lengths else MAX_TOKENS,
        temperature=temperature,
        top_p=float(kwargs.get("top_p") or 1.0),
        top_k=kwargs.get("top_k"),
        repetition_penalty=kwargs.get("repetition_penalty"),
        stop=tuple(stop for stop in ([stops] if isinstance(stops, str) else stops) if stop),
    )
