"""How likely the right answer is to the model that answered: tells tuned models apart where no answer is yet right."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from harness.components.metric import Mark, Marks, Metric, Scale
from harness.components.model import Model
from harness.records.figures import ENDLESS
from harness.records.inputs import Prompt, Sample
from harness.records.outputs import Completion, Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from harness.components.scoring import Scoring
    from harness.components.task import Task

_CEILING = ENDLESS  # the scales have no end: what is more is shown as this


class Perplexity(Metric):
    """Perplexity of the reference answer, in [1, ∞); lower is better. 1: the model was sure of it.

    exp(−Σ log p / tokens) over all tokens of all references, each after the prompt exactly as it was sent: a figure of
    the whole corpus, in which long references weigh more. Part bits_per_byte: −Σ log p / (ln 2 · Σ bytes of UTF-8), in
    [0, ∞); lower is better. A token is another unit in each tokenizer, so models of different tokenizers are compared
    by bits_per_byte only. A sample's own value is its reference's perplexity.

    The reference is the first target in the form in which it is trained and shown as an example; what ends a turn is no
    part of it. It is conditioned on the prompt alone: a variant that lets the model reason first is measured without
    its reasoning. A variant has no value where no one model answered (a floor, a cascade of several models) or where
    its model tells no likelihood (Ollama, OpenAI).

    Source: Jelinek et al. 1977, "Perplexity — a measure of the difficulty of speech recognition tasks"; bits per byte
    as in Gao et al. 2020, "The Pile", section 3.1.
    """

    scale: ClassVar[Scale] = Scale(1.0, _CEILING, "lower")
    part_scales: ClassVar[Mapping[str, Scale]] = {"bits_per_byte": Scale(0.0, _CEILING, "lower")}
    answers: ClassVar[tuple[str, ...]] = ("text", "json")
    corpus: ClassVar[bool] = True
    asks_answerers: ClassVar[bool] = True

    def parts(self) -> tuple[str, ...]:
        return ("bits_per_byte",)

    def check_task(self, task: "Task") -> str | None:
        """The first sample whose reference is empty: it has no token to be likely."""
        for sample in task.data.test:
            if not sample.targets or not task.answer.example(sample).strip():
                return (
                    f"sample {sample.id} has an empty reference answer, whose likelihood is not defined; leave it out"
                )
        return None

    def check_models(self, task: "Task", models: Mapping[str, Model]) -> str | None:
        """Nobody to ask: no model of the suite tells a likelihood."""
        if any(map(_tells_likelihood, models.values())):
            return None
        return "no model of this suite tells a likelihood (huggingface, tuned and quantised do); leave the metric out"

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[Marks]:
        """Each model is asked once for all variants in which it answered. A failed call is unknown."""
        assert scoring is not None  # it asks models
        marks: list[Marks] = [{} for _ in predictions]
        by_model: dict[str, list[int]] = {}
        for i, prediction in enumerate(predictions):
            model = scoring.answering.get(prediction.variant)
            if model is not None and _tells_likelihood(scoring.context.model(model)):
                by_model.setdefault(model, []).append(i)
        for model, indices in by_model.items():
            prompts: list[Prompt] = [predictions[i].messages for i in indices]
            references = [scoring.task.answer.example(samples[i]) for i in indices]
            completions = scoring.context.likelihood(model, prompts, references)
            for i, reference, completion in zip(indices, references, completions, strict=True):
                marks[i] = _mark(reference, completion)
        return marks

    def aggregate(self, totals: "Mapping[str, NDArray[np.float64]]") -> "Mapping[str, NDArray[np.float64]]":
        import numpy as np

        surprise = -totals["logprob"]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            perplexity = np.exp(surprise / totals["tokens"])
            bits = surprise / (math.log(2) * totals["bytes"])
        return {"": np.minimum(perplexity, _CEILING), "bits_per_byte": np.minimum(bits, _CEILING)}


def _tells_likelihood(model: Model) -> bool:
    return model.tells_likelihood and model.scoring_mistake() is None


def _mark(reference: str, completion: Completion) -> Mark:
    """The reference's own perplexity, with its log-probability (natural), tokens and bytes."""
    if completion.finish == "error" or completion.logprobs is None:
        return Mark(None, completion.error or "the model told no likelihood")
    (logprob,), tokens = completion.logprobs, completion.tokens_out
    mean, size = logprob / tokens, len(reference.encode("utf-8"))
    value = math.exp(min(-mean, math.log(_CEILING)))
    counts = {"logprob": logprob, "tokens": float(tokens), "bytes": float(size)}
    return Mark(value, f"mean log-probability {mean:.3f} over {tokens} tokens", counts)
