"""A model folder that is not whole is refused in one line, before anything is computed with it."""

import json
import os
import pickle
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from harness.errors import HarnessError, ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.model_folder import tensor_shapes
from harness.models.local.weights import Weights
from harness.records.inputs import Generation
from tests.shared.tiny_models import CHATML, readable, save_tokenizer, sizes, user

Damage = Callable[[Path], Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("whole") / "llama"
    torch.manual_seed(1)
    save_tokenizer(folder, CHATML)
    readable(LlamaForCausalLM(LlamaConfig(**sizes())), folder).save_pretrained(folder)
    return folder


class Payload:
    """Unpickled, it would leave a file."""

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (Path("ran"),)


def text(name: str, content: str) -> Damage:
    return lambda folder: (folder / name).write_text(content)


def fields(name: str, **changes: Any) -> Damage:
    def change(folder: Path) -> None:
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def gone(*names: str) -> Damage:
    return lambda folder: [(folder / name).unlink() for name in names]


def pipe(name: str) -> Damage:
    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return change


def weights(content: bytes) -> Damage:
    return lambda folder: (folder / "model.safetensors").write_bytes(content)


def cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def pickled(content: Any) -> Damage:
    def write(folder: Path) -> None:
        gone("model.safetensors")(folder)
        if isinstance(content, bytes):
            (folder / "pytorch_model.bin").write_bytes(content)
        else:
            torch.save(content, folder / "pytorch_model.bin")

    return write


def sharded(index: Any) -> Damage:
    def write(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "a.safetensors")
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return write


def without_tensors(folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({}, folder / "model.safetensors", metadata={"format": "pt"})


BROKEN: dict[str, tuple[Damage, str]] = {
    "cut weights": (cut, "is damaged or cut short"),
    "empty weights": (weights(b""), "is damaged or cut short"),
    "a header only": (weights(struct.pack("<Q", 2) + b"{}"), "holds no tensor"),
    "a header without end": (weights(struct.pack("<Q", 1 << 60) + b"{}"), "is damaged or cut short"),
    "weights without tensors": (without_tensors, "holds no tensor"),
    "a pointer of Git LFS": (weights(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "git lfs pull"),
    "a pickle that runs code": (pickled(pickle.dumps(Payload())), "Python objects beside tensors"),
    "a checkpoint that runs code": (pickled({"a": Payload()}), "Python objects beside tensors"),
    "an empty pickle": (pickled(b""), "is damaged or cut short"),
    "a list as checkpoint": (pickled([torch.zeros(1)]), "is damaged or cut short"),
    "a pipe for a configuration": (pipe("config.json"), "config.json is a pipe"),
    "a pipe for a tokenizer": (pipe("tokenizer.json"), "tokenizer.json is a pipe"),
    "a pipe for weights": (pipe("model.safetensors"), "model.safetensors is a pipe"),
    "no weights": (gone("model.safetensors"), "has no weights"),
    "an index that is a list": (sharded([]), "holds no JSON object"),
    "an index of nothing": (sharded({"weight_map": {}}), "has no weight_map"),
    "an index of numbers": (sharded({"weight_map": {"x": 5}}), "has no weight_map"),
    "a shard that is not there": (sharded({"weight_map": {"x": "b.safetensors"}}), "lacks b.safetensors"),
    "no configuration": (gone("config.json"), "config.json cannot be read"),
    "half a configuration": (text("config.json", '{"model_type": "ll'), "config.json cannot be read"),
    "a configuration that is null": (text("config.json", "null"), "config.json holds no JSON object"),
    "a configuration without end": (text("config.json", "[" * 100_000), "config.json cannot be read"),
    "no heads": (fields("config.json", num_attention_heads=0), "num_attention_heads is 0"),
    "a size in words": (fields("config.json", hidden_size="big"), "hidden_size is 'big'"),
    "endless layers": (fields("config.json", num_hidden_layers=10**6), "num_hidden_layers is 1000000"),
    "an unknown architecture": (fields("config.json", model_type="nonsense"), "cannot be loaded"),
    "an architecture without text": (fields("config.json", model_type="vit"), "cannot be loaded"),
    "an unknown dtype": (fields("config.json", dtype="floaty"), "cannot be loaded"),
    "half a tokenizer": (text("tokenizer.json", '{"version": "1.0", "mod'), "cannot be loaded"),
    "an empty tokenizer": (text("tokenizer.json", "{}"), "cannot be loaded"),
    "no tokenizer": (gone("tokenizer.json", "tokenizer_config.json"), "cannot be loaded"),
    "a tokenizer without an end": (fields("tokenizer_config.json", eos_token=None, pad_token=None), "eos_token"),
    "half its settings": (text("tokenizer_config.json", "{"), "tokenizer_config.json cannot be read"),
    "another model's tokenizer": (fields("config.json", vocab_size=50), "its tokenizer is broken or of another model"),
    "an end token in words": (fields("generation_config.json", eos_token_id="end"), "eos_token_id is 'end'"),
    "a template that raises": (text("chat_template.jinja", "{{ raise_exception('no') }}"), "chat template fails (no)"),
    "a template that is none": (text("chat_template.jinja", "{% if %}"), "chat template fails"),
    "a template without end": (text("chat_template.jinja", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), "fails"),
}  # fmt: skip


def test_weights_beyond_the_memory_are_whole(tmp_path: Path) -> None:
    """A file of holes, larger than all memory: its header says what it holds, and nothing else of it is reserved."""
    file, size = tmp_path / "model.safetensors", 2 * psutil.virtual_memory().total // 4
    header = json.dumps({"w": {"dtype": "F32", "shape": [size], "data_offsets": [0, 4 * size]}}).encode()
    with file.open("wb") as opened:
        opened.write(struct.pack("<Q", len(header)) + header)
        opened.truncate(opened.tell() + 4 * size)
    assert tensor_shapes(file) == {"w": (size,)}


@pytest.mark.parametrize(("damage", "reason"), list(BROKEN.values()), ids=list(BROKEN))
def test_a_broken_folder_is_refused_by_check(
    damage: Damage, reason: str, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    damage(folder)
    with pytest.raises(HarnessError) as caught:
        HuggingFace(path=str(folder), dtype="float32", device="cpu").check()
    assert reason in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


def drop(*names: str) -> Damage:
    def change(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / "model.safetensors")
        save_file({name: tensors[name] for name in tensors if name not in names}, folder / "model.safetensors",
                  metadata={"format": "pt"})  # fmt: skip

    return change


@pytest.mark.parametrize(
    "names",
    [("lm_head.weight",), ("model.layers.1.mlp.up_proj.weight",), ("model.norm.weight", "model.embed_tokens.weight")],
)
def test_weights_that_would_be_random_are_refused(names: tuple[str, ...], whole: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    drop(*names)(folder)
    model = HuggingFace(path=str(folder), dtype="float32", device="cpu")
    with pytest.raises(ModelError, match=rf"its files lack weights \({len(names)}\), e\.g\. {min(names)}, which would"):
        model.generate([user("Q")], Generation(max_tokens=2), [0])


def test_a_whole_folder_passes(whole: Path, tmp_path: Path) -> None:
    HuggingFace(path=str(whole), dtype="float32", device="cpu").check()
    folder = Path(shutil.copytree(whole, tmp_path / "model"))
    from safetensors.torch import load_file

    tensors = load_file(folder / "model.safetensors")
    pickled(tensors)(folder)
    model = HuggingFace(path=str(folder), dtype="float32", device="cpu")
    model.check()  # tensors alone may be pickled
    assert model.generate([user("Q")], Generation(max_tokens=2), [0])[0].error is None


HEADER = b"GGUF" + (3).to_bytes(4, "little")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (HEADER + bytes(16), "it holds no tensor"),  # 24 bytes: neither tensors nor fields
        (HEADER, "it holds no tensor"),
        (HEADER + (1).to_bytes(8, "little") + bytes(8), "transformers cannot read this GGUF"),
        (HEADER + (1 << 60).to_bytes(8, "little") * 2, "transformers cannot read this GGUF"),
        (b"", "it does not begin as one"),
        (b"PK\x03\x04" + bytes(60), "it does not begin as one"),
    ],
)
def test_a_gguf_that_is_none(content: bytes, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        HuggingFace(path=str(file), dtype="float32", device="cpu").check()
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_weights_is_no_model(whole: Path) -> None:
    with pytest.raises(ModelError, match=r"name a folder with config\.json and weights"):
        Weights(str(whole / "model.safetensors")).check()
