"""What is said of the networks that are made of a base while they are loaded."""

from collections.abc import Mapping

import pytest

from adapters.methods.full import Full
from adapters.models.base.engines import modify_base
from adapters.models.quantised import quantise_to_4_bits
from harness.components.fields import written
from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"quantisation": {"bits": 8, "threshold": 6.0}}, ", int8"),
        ({"quantisation": {"bits": 4, "kind": "fp4"}}, ", fp4"),
        ({"method": written(Full())}, ", trained: full"),
        ({"component": "other"}, ""),
    ],
)
def test_the_network_that_is_loaded_is_named(base: HuggingFace, changes: Mapping[str, JSON], expected: str) -> None:
    assert modify_base(base, changes, {}, lambda network: network).describe() == f"{base.describe()}{expected}"


def test_what_qlora_answers_by_is_named(base: HuggingFace) -> None:
    assert quantise_to_4_bits(base, "nf4", True).describe() == f"{base.describe()}, nf4"
