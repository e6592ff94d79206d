"""What `export llamafactory` writes, trained by LLaMA-Factory itself; run by hand or at night, where it is installed.

LLAMAFACTORY_CLI names its command in an environment of its own: it wants other versions of transformers and peft.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.export.export import TunedEntry, export_llamafactory, find_tuned
from adapters.training.session import encode
from harness.stages.prepare import prepare

CLI = os.environ.get("LLAMAFACTORY_CLI") or shutil.which("llamafactory-cli")
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CASES = {  # the method as the suite has it, and the files that LLaMA-Factory leaves for it
    "lora": ("method: {lora: {r: 4}}, on: [letters]", "adapter_model.safetensors"),
    "rslora, dora": ("method: {lora: {r: 4, rslora: true, dora: true, targets: attention}}, on: [letters]", "adapter_model.safetensors"),
    "full": ("method: full, on: [letters], schedule: constant, patience: 2, evaluate_every: 1", "model.safetensors"),
    "freeze": ("method: {freeze: {last: 1, head: true}}, on: [letters]", "model.safetensors"),
    "all of the text": ("method: lora, on: [letters], loss: all", "adapter_model.safetensors"),
    "texts": ("method: full, texts: [notes]", "model.safetensors"),
}  # fmt: skip


@pytest.mark.nightly
@pytest.mark.skipif(CLI is None, reason="LLaMA-Factory is not here: set LLAMAFACTORY_CLI to its llamafactory-cli")
@pytest.mark.parametrize("case", CASES)
def test_llamafactory_trains_what_was_exported(case: str, suite: Any, make_folder: Any, tmp_path: Path) -> None:
    made, weights = CASES[case]
    recipe = "batch_size: 12, epochs: 1, learning_rate: 0.001"
    loaded = suite({"m": f"base: base, {made}"}, base=make_folder("Llama", CHATML), recipe=recipe)
    model = find_tuned(loaded.models, loaded.expansion.members, "m")
    prepare(loaded)
    out = tmp_path / "out"
    export_llamafactory(TunedEntry("m", model, loaded.name, loaded.path), out)
    result = subprocess.run(
        [str(CLI), "train", "train.yaml"], cwd=out, capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ""},
    )  # fmt: skip
    assert result.returncode == 0, (result.stdout + result.stderr)[-3000:]
    assert (out / "trained" / weights).is_file()
    losses = [json.loads(line) for line in (out / "trained" / "trainer_log.jsonl").read_text().splitlines()]
    first = next(entry["loss"] for entry in losses if "loss" in entry)
    assert first == pytest.approx(first_loss(loaded.models["base"], model), abs=1e-5)


def first_loss(base: Any, model: Any) -> float:
    """The loss before any step, of the rows as the suite's own training encodes them.

    With what LLaMA-Factory does otherwise: it learns the line break behind the end of a turn, and the trainer divides
    by the labels before they are shifted, so that a first token that nothing predicts counts, too.
    """
    rows = encode(base, model.data.examples, model.chosen.recipe.cutoff, model.chosen.recipe).rows
    line_break = [] if model.texts else base.tokenizer("\n", add_special_tokens=False)["input_ids"]
    network, total, tokens = base.load("float32").eval(), 0.0, 0
    for row in rows:
        ids, labels = torch.tensor([[*row.ids, *line_break]]), torch.tensor([*row.labels, *line_break])
        with torch.no_grad():
            logits = network(ids).logits[0, :-1]
        total += float(torch.nn.functional.cross_entropy(logits, labels[1:], ignore_index=-100, reduction="sum"))
        tokens += int((labels[1:] != -100).sum()) + int(labels[1] != -100)
    return total / tokens
