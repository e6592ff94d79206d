"""What a training was and what it cost: written beside the weights."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.models.local.device import cuda_name
from harness.records.inputs import JSON
from harness.runtime.provenance import versions

PACKAGES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")
FILE = "record.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleAnswer:
    """A row and what it was answered on the way; never learnt from here."""

    question: str  # the last turn of its prompt
    target: str
    answers: tuple[tuple[int, str], ...]  # step, answer: before the first, in the middle, of the weights that were kept


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """A finished training; equal after a round trip through JSON."""

    inputs: str  # digest of everything that the weights depend on
    method: Mapping[str, JSON]
    recipe: Mapping[str, JSON]
    seed: int
    base: str
    precision: str
    learning_rate: float
    batch_size: int  # rows at a time at the end: halved when memory ran out
    accumulation: int
    steps: int
    epochs: float
    rows: int
    rows_cut: int  # lost their oldest turns to fit the cutoff
    rows_dropped: int  # did not fit the cutoff
    rows_split: int  # prompt and answer had to be tokenised separately
    examples: int  # rows processed, repetitions counted
    tokens: int  # processed, prompts included, padding not
    labelled_tokens: int
    seconds: float  # of training, all sessions together
    examples_per_second: float
    tokens_per_second: float
    peak_memory: int  # bytes: on the accelerator, else resident in the process, loading included
    trainable_parameters: int
    total_parameters: int
    loss: tuple[tuple[int, float, float], ...]  # step, loss, learning rate
    validation: tuple[tuple[int, float], ...]  # step, loss
    best_step: int | None  # whose weights were kept; None: the last
    hardware: Mapping[str, JSON]
    packages: Mapping[str, str]
    devices: int = 1
    before: Mapping[str, float] = field(default_factory=dict)  # losses before the first step: "train" (of at most 64
    # items), "validation" (of all)
    samples: tuple[SampleAnswer, ...] = ()
    execution: Mapping[str, JSON] = field(default_factory=dict)  # how the steps were computed, and why so
    observation_seconds: float = 0.0  # of `before` and `samples`, which `seconds` leaves out


def packages() -> dict[str, str]:
    """Versions of what the weights depend on."""
    return {"python": platform.python_version(), **versions(PACKAGES)}


def hardware(device: str) -> dict[str, JSON]:
    """The device and the number of threads."""
    import torch

    name = cuda_name() if device == "cuda" else platform.processor() or platform.machine()
    return {"device": device, "name": name, "threads": torch.get_num_threads()}
