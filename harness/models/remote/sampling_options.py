"""What a task states of sampling beyond temperature and top_p, as llama.cpp and Ollama call it."""

from harness.records.inputs import JSON, Generation

LOOKBACK = 1 << 20  # tokens: beyond any context, as others look. Theirs is 64; newer llama.cpp refuses the former -1


def sampling_options(generation: Generation) -> dict[str, JSON]:
    """Fields of a request; none for what the task leaves to the server."""
    penalty = generation.repetition_penalty
    return {
        **({} if generation.top_k is None else {"top_k": generation.top_k}),
        **({} if penalty is None else {"repeat_penalty": penalty, "repeat_last_n": LOOKBACK}),
    }
