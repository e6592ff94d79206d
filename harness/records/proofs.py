"""What the self-test of an installation showed. Equal after a round trip through JSON."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRecord:
    """One claim about one way to answer, and whether it held."""

    name: str  # the claim, e.g. "padding and batch change no answer"
    subject: str  # what a failure forbids, e.g. "huggingface", "prompt (encoder: lstm)" or "lora, merged"
    passed: bool | None  # None: it was not run, for the reason
    reason: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestRecord:
    """All proofs under one combination of packages and device."""

    combination: Mapping[str, str]  # packages with their versions, the harness itself, and the device
    when: str  # ISO 8601
    proofs: tuple[ProofRecord, ...]
