"""The medical suites on rows of the very file forms that are downloaded: they are read, checked and planned."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.components.display import Display
from harness.runtime.cache import Cache, cache_root
from harness.runtime.dry_context import DryContext
from harness.selftest.tiny_models import TinyModels
from harness.stages.plan import Plan, plan
from harness.stages.rehearse import examine
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from tests.shared.ollama_stand_in import StandIn
from tests.shared.paths import ROOT
from tests.suites.medical_rows import write_data

PACKAGE_MODEL = re.compile(r'"pypi:[^"]*"')
FILES = [
    ROOT / "suites" / name / file
    for name in ("medical-terms", "medical-reports", "medical-dialogue", "medical")
    for file in ("suite.yaml", "mini.yaml")
]
TRAININGS = {
    "medical-terms": {"lora", "qlora", "full", "lora-asked"},
    "medical-reports": {"lora", "qlora", "full"},
    "medical-dialogue": {"lora", "full"},
    "medical": {"lora", "lora-1to1", "lora-0to1", "qlora", "full", "read", "read+lora", "read-with", "chat+lora"},
}
LEFT_OUT = {"medical-reports": {"qlora"}, "medical": {"chat+lora"}}  # of the minis


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By the variable of the suites: a causal network, and an encoder with as many layers as bert-base-chinese is cut at."""
    from transformers import BertConfig, BertModel, BertTokenizer

    encoder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"左右眼痛无休息检查"]
    BertTokenizer(vocab={word: place for place, word in enumerate(words)}, model_max_length=64).save_pretrained(encoder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 8, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **sizes)).save_pretrained(encoder)
    causal = TinyModels(tmp_path_factory.mktemp("tiny"), "cpu").model().path
    return {"MODEL": causal, "CHAT": causal, "BERT": str(encoder)}


@pytest.fixture
def at_hand(
    tmp_path: Path,
    tiny_models: dict[str, str],
    stand_in: Callable[..., StandIn],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[Path, bool], Suite]:
    """A suite with generated data, a tiny model in the place of each, and a judge that answers."""

    def load(file: Path, is_original: bool) -> Suite:
        write_data(tmp_path / "data", is_original=is_original)
        server = stand_in(lambda body: "{}", models=["gemma3:12b"])
        for name, value in {**tiny_models, "DATA": str(tmp_path / "data"), "OLLAMA_HOST": server.place}.items():
            monkeypatch.setenv(name, value)
        folder = tmp_path / file.parent.name
        shutil.copytree(file.parent, folder)
        copy = folder / file.name
        copy.write_text(PACKAGE_MODEL.sub(json.dumps(tiny_models["MODEL"]), copy.read_text("utf-8")), encoding="utf-8")
        return load_suite(copy)

    return load


def planned(suite: Suite) -> Plan:
    return plan(suite, DryContext(suite.models, Cache(cache_root() / "calls.sqlite"), Display(), suite.seed))


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, id=f"{file.parent.name}/{file.stem}", marks=[pytest.mark.nightly] * (file.stem == "suite"))
        for file in FILES
    ],
)  # many variants over many rows are planned
def test_a_run_could_begin(file: Path, at_hand: Callable[[Path, bool], Suite]) -> None:
    """The whole suites read one form, their minis the other."""
    suite = at_hand(file, file.stem == "suite")
    examine(suite)
    left_out = LEFT_OUT.get(file.parent.name, set()) if file.stem == "mini" else set()
    assert set(planned(suite).preparations) == TRAININGS[file.parent.name] - left_out
