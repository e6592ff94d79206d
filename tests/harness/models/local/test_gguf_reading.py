"""A .gguf is parsed once while it is converted; behind that the package gguf is as it was."""

import gguf
import pytest

from harness.models.local.gguf_reading import PARSED, parsed_once


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_parsed_is_given_again_inside_only(fails: bool) -> None:
    own = {name: getattr(gguf, name) for name in PARSED}
    architecture = gguf.MODEL_ARCH.LLAMA
    try:
        with parsed_once():
            assert gguf.get_tensor_name_map(architecture, 2) is gguf.get_tensor_name_map(architecture, 2)
            assert gguf.get_tensor_name_map(architecture, 2) is not gguf.get_tensor_name_map(architecture, 3)
            if fails:
                raise ValueError("damaged")
    except ValueError:
        assert fails
    assert {name: getattr(gguf, name) for name in PARSED} == own
