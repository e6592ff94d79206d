"""Prompt tuning: trained embeddings before the prompt. Lester et al. 2021; as P-tuning, Liu et al. 2021."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from adapters.methods.base.peft import PeftMethod
from adapters.training.choices import Choices
from harness.records.inputs import JSON


class Prompt(PeftMethod):
    """Trains a soft prompt, directly or through P-tuning's encoder."""

    learning_rate: ClassVar[float] = 1e-2
    virtual_prefix: ClassVar[bool] = True
    variations: ClassVar[tuple[Mapping[str, JSON], ...]] = ({}, {"encoder": "mlp"}, {"encoder": "lstm"})

    tokens: Annotated[Annotated[int, Field(ge=1)], Choices()] = 20
    """Length of the soft prompt in tokens. In a list: chosen on validation rows."""
    encoder: Literal["none", "mlp", "lstm"] = "none"
    """The small network that computes the prompt (P-tuning); none: the prompt is trained directly."""
    start: Literal["vocabulary", "random"] = "vocabulary"
    """What the prompt is before training, without an encoder: embeddings of random tokens, or random numbers."""

    def configuration(self, network: Any) -> Any:
        from peft import PromptEncoderConfig, PromptTuningConfig

        common: dict[str, Any] = {"num_virtual_tokens": self.tokens, "task_type": "CAUSAL_LM"}
        if self.encoder == "none":
            start = "SAMPLE_VOCAB" if self.start == "vocabulary" else "RANDOM"
            return PromptTuningConfig(prompt_tuning_init=start, **common)
        width = network.config.get_text_config().hidden_size
        kind = self.encoder.upper()
        return PromptEncoderConfig(encoder_reparameterization_type=kind, encoder_hidden_size=width, **common)
