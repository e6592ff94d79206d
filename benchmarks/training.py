"""How fast training is, against TRL's SFTTrainer and a plain loop, from the same start on the same rows.

    python benchmarks/training.py [STEPS]             CPU: SmolLM2-135M, LoRA r = 8, rows of the quickstart, 8 a step
    python benchmarks/training.py --gpu [CLAIM …]     CUDA: shapes of Qwen2.5 and Gemma 3 with random weights
    python benchmarks/training.py --gpu --tiny        the same code at toy size, on whatever is there
    python benchmarks/training.py --base SIZE FOLDER  only the model of random weights (0.5B, 7B, …), for other scripts

Claims: short (32 rows of about 30 tokens, LoRA), lora and qlora (7B, packed to 2,048 tokens). Each contestant is a
process of its own. Prints seconds a step, tokens a second, peak memory and losses, ratios against the plain loop, the
share of the ideal (four operations a weight and token by the speed of a large product on the same device), and whether
the bar is reached. TRL is not a dependency of ours: pip install 'trl>=1.10,<2'.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trained_subjects import ROOT, SEED, encoded_rows, has_cuda, quickstart_rows, random_base, random_rows

BATCH, RATE = 8, 2e-4
OTHERS_STEPS = 40  # of a contestant that compiles nothing: its steps are alike
Result = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is measured on a GPU, and the bar of an H100."""

    sizes: tuple[str, ...]
    method: str
    job: Result  # rows a step, at a time, packed or not
    contestants: tuple[str, ...]
    bars: Mapping[str, float]  # s/step and GiB at most, tokens/s and times TRL at least


CLAIMS = {
    "short": Claim(
        sizes=("270M", "0.5B"), method="lora", contestants=("plain loop", "TRL", "ours"),
        job={"steps": 400, "batch": 32, "each": 32, "cutoff": 64, "packed": False},
        bars={"s/step": 0.06, "TRL": 1.3},
    ),
    "lora": Claim(
        sizes=("7B",), method="lora", contestants=("plain loop", "ours"),
        job={"steps": 8, "batch": 4, "each": 1, "cutoff": 2048, "packed": True},
        bars={"tokens/s": 10_000, "GiB": 40e9 / 2**30},
    ),
    "qlora": Claim(
        sizes=("7B",), method="qlora", contestants=("plain loop", "ours"),
        job={"steps": 8, "batch": 4, "each": 1, "cutoff": 2048, "packed": True},
        bars={"tokens/s": 9_000, "GiB": 24e9 / 2**30},
    ),
}  # fmt: skip


def main() -> None:
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--one" in sys.argv:
        _one(json.loads(arguments[0]))
    elif "--base" in sys.argv:
        random_base(arguments[0], Path(arguments[1]))
    elif "--gpu" in sys.argv:
        with tempfile.TemporaryDirectory() as scratch:
            for name in arguments or CLAIMS:
                _gpu(name, CLAIMS[name], "--tiny" in sys.argv, Path(scratch))
    else:
        _cpu(int(arguments[0]) if arguments else 6)


def _cpu(steps: int) -> None:
    """Three ways to train the same rows in the same order."""
    print(f"SmolLM2-135M, LoRA r=8 on all linear modules, {BATCH} rows a step, {steps} steps, no grouping by length")
    _table([_run({"who": who, "steps": steps}) for who in ("plain loop", "TRL", "ours, no sharing", "ours")])


def _gpu(name: str, claim: Claim, tiny: bool, scratch: Path) -> None:
    """A claim at each of its sizes; the bars are those of an H100. The model is made once for all contestants."""
    for size in ("tiny",) if tiny else claim.sizes:
        folder = scratch / size
        if not folder.is_dir():
            subprocess.run([sys.executable, __file__, "--base", size, str(folder)], check=True, cwd=ROOT)
        print(f"{name}: {size}, {claim.method}, {claim.job}", flush=True)
        job = {"size": size, "base": str(folder), "method": claim.method, **claim.job}
        if tiny:
            job |= {"steps": 4, "cutoff": 64}
        others = {"steps": min(job["steps"], OTHERS_STEPS)}
        jobs = [{**job, "who": who, **({} if who == "ours" else others)} for who in claim.contestants]
        results = [_run(job) for job in jobs]
        _table(results)
        _judge(name, size, claim.bars, {result["who"]: result for result in results if "error" not in result})


def _judge(name: str, size: str, bars: Mapping[str, float], results: Mapping[str, Result]) -> None:
    """Whether ours reaches the bars, a line each."""
    ours = results.get("ours")
    if ours is None:
        print(f"BAR {name} {size}: ours did not end")
        return
    figures = {
        "s/step": _step(ours),
        "tokens/s": ours["tokens"] / ours["seconds"],
        "GiB": ours["peak"] / 1024,
        "TRL": _step(results["TRL"]) / _step(ours) if "TRL" in results else float("nan"),
    }
    for bar, limit in bars.items():
        is_reached = figures[bar] <= limit if bar in ("s/step", "GiB") else figures[bar] >= limit
        print(f"BAR {name} {size} {bar}: {figures[bar]:.3g}, bar {limit:.3g}: {'reached' if is_reached else 'missed'}")


def _step(result: Result) -> float:
    """Seconds of a step."""
    return float(result["seconds"] / result["steps"])


def _table(results: list[Result]) -> None:
    first = results[0]
    print(
        f"{'':18}{'s/step':>8}{'ratio':>8}{'tokens/s':>10}{'ratio':>8}{'peak MiB':>10}{'ratio':>8}{'of ideal':>10}"
        "  losses"
    )
    for one in results:
        if "error" in one:
            print(f"{one['who']:18}{one['error']}")
            continue
        if "error" in first:
            first = one
        speed, base = one["tokens"] / one["seconds"], first["tokens"] / first["seconds"]
        step, other = one["seconds"] / one["steps"], first["seconds"] / first["steps"]
        losses = " ".join(f"{loss:.3f}" for loss in one["losses"][:6])
        print(
            f"{one['who']:18}{step:8.2f}{step / other:8.2f}{speed:10.0f}{speed / base:8.2f}"
            f"{one['peak']:10.0f}{one['peak'] / first['peak']:8.2f}{4 * one['layers'] * speed / one['speed']:10.1%}"
            f"  {losses}{'  ' + one['said'] if 'said' in one else ''}",
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
        made = random_rows(job) if "size" in job else quickstart_rows()
        contestants: dict[str, Callable[..., Result]] = {"plain loop": _plain, "TRL": _trl}
        result = contestants.get(job["who"], _ours)(job, *made, Path(scratch))
    from adapters.training.compiling import multiplication_speed
    from harness.runtime.peak_memory import peak_memory

    device, dtype = ("cuda", "bfloat16") if has_cuda() else ("cpu", "float32")
    speed = multiplication_speed(device, dtype, side=4096 if has_cuda() else 1024)
    peak = peak_memory(device) / 2**20
    print(json.dumps({"who": job["who"], "steps": job["steps"], "peak": peak, "speed": speed, **result}))


def _ours(job: Result, base: Any, method: Any, rows: list[Any], scratch: Path) -> Result:
    import adapters.training.session
    import adapters.training.training_run
    from adapters.training.collation import Collator
    from adapters.training.session import LearningRows
    from adapters.training.settings import Recipe

    packed, each = job.get("packed", False), job.get("each", BATCH)
    if job["who"] != "ours":
        adapters.training.session._collator = lambda own, network: Collator(own.base.tokenizer.pad_token_id)
    times = [time.perf_counter()]
    recipe = Recipe(
        max_steps=job["steps"] + 1, epochs=1000, batch_size=each, accumulation=job.get("batch", BATCH) // each,
        cutoff=job.get("cutoff", 2048), learning_rate=RATE, schedule="constant", warmup=0, packing=packed,
        group_by_length=False, save_every=10**6, samples=0,
    )  # fmt: skip
    seen = [0]

    def note(done: int, total: int, loss: float, tokens: int) -> None:
        times.append(time.perf_counter())
        seen.append(tokens)

    record = adapters.training.training_run.train(base, method, recipe, LearningRows(rows), scratch / "out", SEED, note)
    result = _result([loss for _, loss, _ in record.loss], times[1:], seen[-1] - seen[1], base)
    return {**result, "said": f"({record.execution['compile_reason']})"}


def _plain(job: Result, base: Any, method: Any, rows: list[Any], scratch: Path) -> Result:
    """A loop as tutorials have it: dynamic padding, the model's own loss over all positions; on the GPU one row at a
    time with eight accumulated."""
    import torch

    torch.manual_seed(SEED)
    network = _loaded(base, method)
    optimiser = torch.optim.AdamW(
        [value for value in network.parameters() if value.requires_grad], RATE, weight_decay=0
    )
    encoded = encoded_rows(base, rows, job.get("cutoff", 2048))
    batch_size = job.get("batch", BATCH)
    each = batch_size if not job.get("packed") else 1
    losses, times, tokens = [], [], 0
    batches = _batches(encoded, each, base.tokenizer.pad_token_id, SEED)
    for step in range(job["steps"] + 1):
        total = 0.0
        for _ in range(batch_size // each):
            batch, count = next(batches)
            tokens += count if step else 0
            loss = network(**{name: value.to(network.device) for name, value in batch.items()}).loss * each / batch_size
            loss.backward()
            total += loss.item()
        torch.nn.utils.clip_grad_norm_([value for value in network.parameters() if value.requires_grad], 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(total)
        times.append(time.perf_counter())
    return _result(losses, times, tokens, base)


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

    batch_size = job.get("batch", BATCH)
    encoded = encoded_rows(base, rows, job.get("cutoff", 2048))
    order = Order([len(row.ids) for row in encoded], batch_size, SEED, False)
    data = Dataset.from_list([
        {"input_ids": list(encoded[i].ids), "completion_mask": [int(x >= 0) for x in encoded[i].labels]} for i in order
    ])  # fmt: skip
    times: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    settings = SFTConfig(
        output_dir=str(scratch / "trl"), max_steps=job["steps"] + 1, per_device_train_batch_size=batch_size,
        learning_rate=RATE, lr_scheduler_type="constant", warmup_steps=0, logging_steps=1, save_strategy="no",
        report_to="none", disable_tqdm=True, use_cpu=not has_cuda(), bf16=has_cuda(), gradient_checkpointing=False,
        max_length=2048,
        completion_only_loss=True, weight_decay=0.0, train_sampling_strategy="sequential", dataset_num_proc=None,
        loss_type="nll",
    )  # fmt: skip
    torch.manual_seed(SEED)
    network = method.prepare(base.load("bfloat16" if has_cuda() else "float32"))
    trainer = SFTTrainer(
        model=network, args=settings, train_dataset=data, processing_class=base.tokenizer, callbacks=[Clock()]
    )
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    tokens = sum(len(row.ids) for row in encoded) / len(encoded) * batch_size * job["steps"]  # epochs repeat
    return _result(losses, times, tokens, base)


def _result(losses: list[float], times: list[float], tokens: float, base: Any) -> Result:
    """The first tenth of the steps, one at least, warms up and is not timed; the rest counts for all."""
    from adapters.methods.base.network import layers, size

    warm = len(times) // 10
    seconds = (times[-1] - times[warm]) * (len(times) - 1) / (len(times) - 1 - warm)
    weights = sum(size(module).total for module in layers(base.skeleton())[1])
    return {"losses": losses, "seconds": seconds, "tokens": tokens, "layers": weights}


if __name__ == "__main__":
    main()
