"""What an Ollama server says against a model before it is asked: it cannot chat, or think, or hold so much context."""

from harness.errors import ModelError
from harness.models.remote.ollama_model import ServedModel
from harness.models.remote.ollama_request import Think


def refuse_unable(served: ServedModel, think: Think, num_ctx: int) -> None:
    """Raise ModelError for what the model cannot do; CallError where the server does not answer."""
    able, trained = served.capabilities, served.trained_length
    abilities = f"Ollama says that it can do {', '.join(sorted(able))}"
    if able and "completion" not in able:
        raise ModelError(
            f"model {served.name}: it writes no text ({abilities}); take a chat model, or name it under "
            "ollama_embedding, to be the model of dense"
        )
    if think and able and "thinking" not in able:
        raise ModelError(f"model {served.name}: it cannot think ({abilities}); leave out think, or take another model")
    if trained is not None and num_ctx > trained:
        raise ModelError(
            f"model {served.name}: num_ctx {num_ctx} is more than the {trained} tokens it was trained with, "
            f"and Ollama would lower it silently; set num_ctx: {trained} or less"
        )


def refuse_change(before: ServedModel, now: ServedModel) -> None:
    """Raise ModelError where version or digest differ; CallError where the server does not answer."""
    pairs = {
        "the version of its Ollama": (before.version, now.version),
        "its digest": (before.digest, now.digest),
    }
    for trait, (old, new) in pairs.items():
        if old is not None and old != new:
            state = new or "none, because it is no longer there,"
            raise ModelError(
                f"model {before.name}: {trait} was {old} when the run began and is {state} now, so that its answers "
                "cannot be compared; run the same command again, and everything is asked anew"
            )


def context_failure(
    num_ctx: int, tokens_in: int | None, tokens_out: int, limit: int | None, droppable: int
) -> str | None:
    """Why a reply answers a prompt that may have lost a part, or was cut by a full context; None for others.

    `limit` is the most tokens of the reply, where the server cut it; `droppable` is the most that the server may have
    left out in silence.
    """
    if not tokens_in:
        return "Ollama did not count the prompt's tokens, so a cut prompt could not be detected; update Ollama"
    if tokens_in + droppable >= num_ctx - 1:
        return f"the prompt fills num_ctx {num_ctx}: Ollama may have cut it; raise num_ctx"
    if tokens_in + tokens_out > num_ctx + 1:  # the last token generated takes no place
        return f"prompt and reply overflow num_ctx {num_ctx}: Ollama cut the prompt on the way; raise num_ctx"
    if tokens_in + tokens_out >= num_ctx - 1 and limit is not None and tokens_out < limit:
        return (
            f"the reply was cut after {tokens_out} of {limit} tokens, because prompt and reply fill num_ctx "
            f"{num_ctx}; raise num_ctx"
        )
    return None
