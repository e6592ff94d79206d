"""Is the memory that `harness plan` estimates what a training takes?

    python benchmarks/memory.py [MODEL] [--dtype float32] [--only TEXT] [--heap]
    python benchmarks/memory.py qwen

Each case trains two steps in a process of its own (CPU, or CUDA where there is one); printed are the estimate and the
measured peak, both without what the process takes before it has a network, and their ratio. MODEL is a path as in a
suite; the quickstart's by default. `--heap` leaves the C library's heap as it is. `qwen` prints the parts of QLoRA on
a network shaped like Qwen2.5-7B, loading nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from adapters.memory.estimate import training_memory
from adapters.memory.machine import return_freed_memory
from adapters.methods.bottleneck import Bottleneck
from adapters.methods.freeze import Freeze
from adapters.methods.full import Full
from adapters.methods.ia3 import Ia3
from adapters.methods.lora import Lora
from adapters.methods.prefix import Prefix
from adapters.methods.prompt import Prompt
from adapters.methods.qlora import Qlora
from adapters.training.encoding import Example
from adapters.training.session import LearningRows
from adapters.training.settings import Recipe
from adapters.training.training_run import train
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.models.local.memory import CUDA, GIB, PROCESS
from harness.records.inputs import Message
from harness.runtime.peak_memory import STATUS
from harness.suite.parser import load_suite

SUITE = Path(__file__).parents[1] / "suites" / "quickstart" / "suite.yaml"
METHODS: dict[str, Method] = {
    "lora": Lora(), "full": Full(), "freeze": Freeze(), "qlora": Qlora(), "dora": Lora(dora=True),
    "dropout": Lora(dropout=0.1), "ia3": Ia3(), "prefix": Prefix(), "prompt": Prompt(), "bottleneck": Bottleneck(),
}  # fmt: skip
GRID = [(name, rows, tokens, check) for name in ("lora", "full", "freeze", "qlora") for check in (False, True)
        for rows in (1, 4, 8) for tokens in (64, 256)]  # fmt: skip
FURTHER = [(name, 4, 256, False) for name in ("dora", "dropout", "ia3", "prefix", "prompt", "bottleneck")]
MEBI = 1 << 20
QUIET = {**os.environ, "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TQDM_DISABLE": "1"}
QWEN = {
    "model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "hidden_size": 3584, "intermediate_size": 18944,
    "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064,
    "max_position_embeddings": 32768, "tie_word_embeddings": False,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--only", default="")
    parser.add_argument("--heap", action="store_true")
    parser.add_argument("--case", nargs=4)
    options = parser.parse_args()
    if options.case:
        name, rows, tokens, check = options.case
        print(json.dumps(one(model(options), name, int(rows), int(tokens), check == "True", options.heap)))
    elif options.model == "qwen":
        qwen()
    else:
        table(options)


def table(options: argparse.Namespace) -> None:
    """Run the cases one after another and print a line each."""
    print(f"{'case':44}{'estimate':>10}{'measured':>10}{'ratio':>8}   MiB")
    ratios = []
    for case in [*GRID, *FURTHER]:
        name = "{} {} × {}{}".format(*case[:3], ", checkpointing" if case[3] else "")
        if options.only not in name:
            continue
        command = [sys.executable, __file__, *([options.model] if options.model else []), "--dtype", options.dtype]
        command += ["--heap"] if options.heap else []
        result = subprocess.run([*command, "--case", *map(str, case)], stdout=subprocess.PIPE, text=True, env=QUIET)
        if result.returncode:
            print(f"{name:44} failed")
            continue
        found = json.loads(result.stdout.splitlines()[-1])
        ratios.append(found["estimate"] / found["measured"])
        parts = " ".join(f"{part} {size / MEBI:.0f}" for part, size in found["parts"].items())
        print(
            f"{name:44}{found['estimate'] / MEBI:10.0f}{found['measured'] / MEBI:10.0f}{ratios[-1]:8.2f}   {parts}; "
            f"process {found['process'] / MEBI:.0f}, {found['seconds']:.1f} s", flush=True,
        )  # fmt: skip
    if ratios:
        print(f"ratio {min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} trainings")


def one(base: HuggingFace, name: str, rows: int, tokens: int, check: bool, heap: bool) -> dict[str, Any]:
    """Train two steps of `rows` rows of exactly `tokens` tokens, all learnt."""
    method = METHODS[name]
    recipe = Recipe(
        batch_size=rows, max_steps=2, cutoff=tokens, loss="all", gradient_checkpointing=check, group_by_length=False
    )
    memory = training_memory(base, method, recipe, tokens)
    examples = [example(base, number, tokens) for number in range(2 * rows)]
    cuda = base.device_name == "cuda"
    if not heap:
        return_freed_memory()
    warm()
    process = 0 if cuda else resident()
    with tempfile.TemporaryDirectory() as folder:
        record = train(base, method, recipe, LearningRows(examples), Path(folder) / "out", 1)
    assert record.batch_size == rows
    return {
        "estimate": memory.total - (CUDA if cuda else PROCESS), "measured": record.peak_memory - process,
        "process": process,
        "seconds": record.seconds,
        "parts": {part: size for part, size in asdict(memory).items() if part != "cache"},
    }  # fmt: skip


def example(base: HuggingFace, number: int, tokens: int) -> Example:
    """A row of exactly `tokens` tokens that begins unlike the others."""
    filler = tokens - len(base.encode((Message("user", f"{number}:"),))) - 2
    prompt = (Message("user", f"{number}:" + " word" * filler),)
    return Example(prompt, " word")


def warm() -> None:
    """Import what a training imports, so that it counts as the process's."""
    import bitsandbytes  # noqa: F401
    import peft  # noqa: F401
    from transformers import Trainer  # noqa: F401


def resident() -> int:
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return next(int(value[0]) * 1024 for name, *value in lines if name == "VmRSS:")


def model(options: argparse.Namespace) -> HuggingFace:
    path = options.model
    if path is None:
        base = load_suite(SUITE).models["smollm2"]
        assert isinstance(base, HuggingFace)
        path = base.path
    return HuggingFace(path=path, dtype=options.dtype, format="plain", delimiter="")


def qwen() -> None:
    """Parts of QLoRA, r = 8, on one row of 2048 tokens with checkpointing, as on a CUDA device."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(QWEN))
        base = HuggingFace(path=folder, dtype="bfloat16", device="cuda")
        recipe = Recipe(batch_size=1, gradient_checkpointing=True)
        for learnt in (None, 128):
            memory = training_memory(base, Qlora(), recipe, 2048, learnt)
            print(f"2048 tokens, {learnt or 'all'} learnt: {memory.total / GIB:.1f} GiB")
            for part, size in asdict(memory).items():
                print(f"  {part:12}{size / GIB:8.2f}")


if __name__ == "__main__":
    main()
