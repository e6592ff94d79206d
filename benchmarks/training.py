"""How fast training is, against TRL's SFTTrainer and a plain loop, from the same start on the same rows.

    python benchmarks/training.py [STEPS]        CPU: SmolLM2-135M, LoRA r = 8, rows of the quickstart, 8 a step
    python benchmarks/training.py --gpu          CUDA: Qwen2.5-shaped models of 0.5B and 7B with random weights
    python benchmarks/training.py --gpu --tiny   the same code at toy size, on whatever is there

Each contestant is a process of its own. Prints seconds a step, peak memory and losses, and ratios against the plain
loop. TRL is not a dependency of ours: pip install 'trl>=1.10,<2'.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROWS, BATCH, RATE, SEED = 400, 8, 2e-4, 42
SIZES = {  # Qwen2.5's own shapes
    "0.5B": {
        "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
        "num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True,
    },
    "7B": {
        "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False,
    },
    "tiny": {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 320, "tie_word_embeddings": True,
    },
}  # fmt: skip
Result = dict[str, Any]


def main() -> None:
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--one" in sys.argv:
        _one(json.loads(arguments[0]))
    elif "--gpu" in sys.argv:
        _gpu("--tiny" in sys.argv)
    else:
        _cpu(int(arguments[0]) if arguments else 6)


def _cpu(steps: int) -> None:
    """Three ways to train the same rows in the same order."""
    print(f"SmolLM2-135M, LoRA r=8 on all linear modules, {BATCH} rows a step, {steps} steps, no grouping by length")
    _table([_run({"who": who, "steps": steps}) for who in ("plain loop", "TRL", "ours, no sharing", "ours")])


def _gpu(tiny: bool) -> None:
    """Packed rows against one row at a time. Unmeasured on this project's machines: it needs CUDA."""
    for size in ["tiny"] if tiny else ["0.5B", "7B"]:
        for method in ("lora", "qlora"):
            print(f"{size}, {method}")
            job = {"size": size, "method": method, "steps": 3 if tiny else 10, "cutoff": 256 if tiny else 2048}
            _table([_run({"who": who, **job}) for who in ("plain loop", "ours")])


def _table(results: list[Result]) -> None:
    first = results[0]
    print(f"{'':18}{'s/step':>8}{'ratio':>8}{'tokens/s':>10}{'ratio':>8}{'peak MiB':>10}{'ratio':>8}  losses")
    for one in results:
        if "error" in one:
            print(f"{one['who']:18}{one['error']}")
            continue
        speed, base = one["tokens"] / one["seconds"], first["tokens"] / first["seconds"]
        step, other = one["seconds"] / one["steps"], first["seconds"] / first["steps"]
        losses = " ".join(f"{loss:.3f}" for loss in one["losses"][:6])
        print(
            f"{one['who']:18}{step:8.2f}{step / other:8.2f}{speed:10.0f}{speed / base:8.2f}"
            f"{one['peak']:10.0f}{one['peak'] / first['peak']:8.2f}  {losses}",
            flush=True,
        )


def _run(job: Result) -> Result:
    command = [sys.executable, __file__, "--one", json.dumps(job)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if result.returncode:
        return {"who": job["who"], "error": (result.stderr.strip().splitlines() or ["no output"])[-1]}
    found: Result = json.loads(result.stdout.strip().splitlines()[-1])
    return found


def _one(job: Result) -> None:
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as scratch:
        made = _random_base(job, Path(scratch)) if "size" in job else _quickstart()
        contestants: dict[str, Callable[..., Result]] = {"plain loop": _plain, "TRL": _trl}
        result = contestants.get(job["who"], _ours)(job, *made, Path(scratch))
    from harness.runtime.peak_memory import peak_memory

    device = "cuda" if _cuda() else "cpu"
    print(json.dumps({"who": job["who"], "steps": job["steps"], "peak": peak_memory(device) / 2**20, **result}))


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _quickstart() -> tuple[Any, Any, list[Any]]:
    from adapters.methods.lora import Lora
    from adapters.training.encoding import Example
    from harness.stages.prepare import prepare
    from harness.suite.parser import load_suite

    suite = load_suite(ROOT / "suites" / "quickstart" / "suite.yaml")
    task = prepare(suite)["norm"]
    base = suite.models["smollm2"].model_copy(update={"dtype": "float32"})
    rows = [Example(task.prompt(sample), task.answer.example(sample)) for sample in task.data.train[:ROWS]]
    return base, Lora(r=8), rows


def _random_base(job: Result, scratch: Path) -> tuple[Any, Any, list[Any]]:
    """A model of random weights in a folder, and rows of very different lengths, as records of dialogues have them."""
    import random

    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    from adapters.training.encoding import Example
    from harness.components.registry import find
    from harness.models.huggingface import HuggingFace
    from harness.records.inputs import Message

    dtype = "bfloat16" if _cuda() else "float32"
    config = Qwen2Config(**SIZES[job["size"]], max_position_embeddings=32768, eos_token_id=1, pad_token_id=0)
    with torch.device("cuda" if _cuda() else "cpu"):
        torch.set_default_dtype(getattr(torch, dtype))
        Qwen2ForCausalLM(config).save_pretrained(scratch / "base")
        torch.set_default_dtype(torch.float32)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    core = Tokenizer(models.BPE({token: i for i, token in enumerate(["<pad>", "<end>", *sorted(alphabet)])}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<end>")
    fast.save_pretrained(scratch / "base")
    chance = random.Random(SEED)

    def text(most: int) -> str:
        return "".join(chance.choice("abcdefgh") for _ in range(chance.randint(most // 20 + 1, most)))  # a token each

    rows = [Example((Message("user", text(job["cutoff"] // 2)),), text(job["cutoff"] // 4)) for _ in range(ROWS)]
    return HuggingFace(path=str(scratch / "base"), dtype=dtype, format="plain"), find("method", job["method"])(), rows


def _encoded(base: Any, rows: list[Any], cutoff: int = 2048) -> list[Any]:
    from adapters.training.encoding import encode_examples

    return list(encode_examples(base, rows, cutoff, "answer").rows)


def _ours(job: Result, base: Any, method: Any, rows: list[Any], scratch: Path) -> Result:
    import adapters.training.session
    import adapters.training.training_run
    from adapters.training.session import LearningRows
    from adapters.training.settings import Recipe

    packed = "size" in job
    if job["who"] != "ours":
        adapters.training.session._collator = lambda training, network: _collator(training.base)  # as padded as others
    times = [time.perf_counter()]
    recipe = Recipe(
        max_steps=job["steps"] + 1, epochs=100, batch_size=4 if packed else BATCH, cutoff=job.get("cutoff", 2048),
        learning_rate=RATE, schedule="constant", warmup=0, packing=packed, group_by_length=False, save_every=10**6,
    )  # fmt: skip
    seen = [0]

    def note(done: int, total: int, loss: float, tokens: int) -> None:
        times.append(time.perf_counter())
        seen.append(tokens)

    record = adapters.training.training_run.train(base, method, recipe, LearningRows(rows), scratch / "out", SEED, note)
    return _result([loss for _, loss, _ in record.loss], times[1:], seen[-1] - seen[1])


def _collator(base: Any) -> Any:
    from adapters.training.collation import Collator

    return Collator(base.tokenizer.pad_token_id)


def _plain(job: Result, base: Any, method: Any, rows: list[Any], scratch: Path) -> Result:
    """A loop as tutorials have it: dynamic padding, the model's own loss over all positions; on the GPU one row at a
    time with eight accumulated."""
    import torch

    torch.manual_seed(SEED)
    network = _loaded(base, method)
    optimiser = torch.optim.AdamW(
        [value for value in network.parameters() if value.requires_grad], RATE, weight_decay=0
    )
    encoded = _encoded(base, rows, job.get("cutoff", 2048))
    each = 1 if "size" in job else BATCH
    losses, times, tokens = [], [], 0
    batches = _batches(encoded, each, base.tokenizer.pad_token_id, SEED)
    for step in range(job["steps"] + 1):
        total = 0.0
        for _ in range(BATCH // each):
            batch, count = next(batches)
            tokens += count if step else 0
            loss = network(**{name: value.to(network.device) for name, value in batch.items()}).loss * each / BATCH
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_([value for value in network.parameters() if value.requires_grad], 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(total)
        times.append(time.perf_counter())
    return _result(losses, times, tokens)


def _loaded(base: Any, method: Any) -> Any:
    loading = method.loading(base.dtype_name)
    dtype = loading.pop("dtype")
    if loading:
        loading["device_map"] = {"": base.device_name}
    return method.prepare(base.load(dtype, **loading)).train()


def _batches(rows: list[Any], size: int, pad: int, seed: int) -> Iterator[tuple[dict[str, Any], int]]:
    """The order that ours uses without grouping, padded to the longest, with a mask."""
    from adapters.training.collation import Collator, Order

    order = list(Order([len(row.ids) for row in rows], size, seed, False))
    for start in range(0, len(order), size):
        batch = Collator(pad, mask=True)([(rows[i],) for i in order[start : start + size]])
        count = int(batch.pop("counts")[0, 1])
        yield batch, count


def _trl(job: Result, base: Any, method: Any, rows: list[Any], scratch: Path) -> Result:
    """TRL on the same tokens: a completion mask made from our labels, so that the same tokens are learnt."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from adapters.training.collation import Order

    encoded = _encoded(base, rows)
    order = Order([len(row.ids) for row in encoded], BATCH, SEED, False)
    data = Dataset.from_list([
        {"input_ids": list(encoded[i].ids), "completion_mask": [int(x >= 0) for x in encoded[i].labels]} for i in order
    ])  # fmt: skip
    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    settings = SFTConfig(
        output_dir=str(scratch / "trl"), max_steps=job["steps"] + 1, per_device_train_batch_size=BATCH,
        learning_rate=RATE, lr_scheduler_type="constant", warmup_steps=0, logging_steps=1, save_strategy="no",
        report_to="none", disable_tqdm=True, use_cpu=not _cuda(), bf16=_cuda(), gradient_checkpointing=False,
        max_length=2048,
        completion_only_loss=True, weight_decay=0.0, train_sampling_strategy="sequential", dataset_num_proc=None,
        loss_type="nll",
    )  # fmt: skip
    torch.manual_seed(SEED)
    network = method.prepare(base.load("float32"))
    trainer = SFTTrainer(
        model=network, args=settings, train_dataset=data, processing_class=base.tokenizer, callbacks=[Clock()]
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    each = [len(encoded[i].ids) for i in order]
    return _result(losses, times, sum(each[BATCH : BATCH * (job["steps"] + 1)]))


def _result(losses: list[float], times: list[float], tokens: int) -> Result:
    """The first step warms up and is not timed."""
    return {"losses": losses, "seconds": times[-1] - times[0], "tokens": tokens}


if __name__ == "__main__":
    main()
