"""BERTScore of several variants against the bert-score library: time, memory, and how far the values are apart.

    python benchmarks/bertscore.py [--model FOLDER --layer N] [--samples N] [--variants N] [--data FOLDER]

The texts are the reports of IMCS-MRG; a variant's answers are the same reports in another order, every tenth one a
refusal that all give. Without --model a BERT of random weights with a vocabulary of Chinese characters is made
(--width, --layers; 768 and 12 are bert-base-chinese), because time does not depend on what the weights are. Each way
runs in a process of its own. The library is called once a variant, as a metric without `score_batch` would, and once
for all of them. CPU time is compared, too, because it does not depend on what else the machine does.
"""

import argparse
import contextlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from data_folder import data_folder

REFUSAL = "无法根据对话生成报告。"
WAYS = ("harness", "library, one call", "library, a call a variant")
Rows = list[tuple[float, float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="default: the folder that DATA names")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--layer", type=int, default=8)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--variants", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        measure(arguments.way, arguments.work, arguments.model, arguments.layer)
        return
    with tempfile.TemporaryDirectory() as scratch:
        compare(arguments, Path(scratch))


def compare(arguments: argparse.Namespace, work: Path) -> None:
    targets = reports(arguments.data or data_folder(), arguments.samples)
    pairs = [
        pair for number in range(arguments.variants) for pair in zip(answers(targets, number), targets, strict=True)
    ]
    (work / "pairs.json").write_text(json.dumps({"pairs": pairs, "variants": arguments.variants}), encoding="utf-8")
    model = arguments.model or made(work / "model", arguments.width, arguments.layers, targets)
    unique = {text for pair in pairs for text in pair}
    print(
        f"{len(pairs)} pairs, {len(unique)} different texts, {sum(map(len, unique))} characters; "
        f"load {os.getloadavg()[0]:.1f}"
    )
    found = {}
    for way in WAYS:
        command = [sys.executable, __file__, "--way", way, "--work", str(work), "--model", str(model)]
        command += ["--layer", str(arguments.layer)]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        found[way] = json.loads(result.stdout.splitlines()[-1])
    ours = found["harness"]
    for way, one in found.items():
        apart = max(
            abs(a - b)
            for row, other in zip(ours["rows"], one["rows"], strict=True)
            for a, b in zip(row, other, strict=True)
        )
        print(
            f"{way:26} {one['seconds']:7.1f} s, {one['cpu']:7.1f} s CPU ({one['cpu'] / ours['cpu']:.2f} x ours), "
            f"peak {one['peak']:6.0f} MB ({one['before']:.0f} before), apart from ours by at most {apart:.1e}"
        )


def measure(way: str, work: Path, model: Path, layer: int) -> None:
    """Score the pairs in one way; prints JSON. Imports and the loading of the model are not timed."""
    given = json.loads((work / "pairs.json").read_text(encoding="utf-8"))
    pairs: list[tuple[str, str]] = [(answer, target) for answer, target in given["pairs"]]
    with contextlib.redirect_stdout(sys.stderr):
        run = ours if way == "harness" else by_library
        run(pairs[:2], model, layer, 1)
        before, began, cpu = peak(), time.perf_counter(), time.process_time()
        rows = run(pairs, model, layer, given["variants"] if way == WAYS[2] else 1)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": cpu, "peak": peak(), "before": before}))


def ours(pairs: list[tuple[str, str]], model: Path, layer: int, calls: int) -> Rows:
    from harness.metrics.bertscore import BertScore
    from harness.records.inputs import Sample
    from harness.records.outputs import Prediction, Reading

    samples = [Sample(id=str(i), task="t", input="q", targets=(target,)) for i, (_, target) in enumerate(pairs)]
    predictions = [
        Prediction(sample_id=str(i), task="t", variant="v", messages=(), text=text, reading=Reading(text))
        for i, (text, _) in enumerate(pairs)
    ]
    marks = BertScore(model=str(model), layer=layer, device="cpu").score_batch(samples, predictions)
    return [(one["precision"].value or 0.0, one["recall"].value or 0.0, one[""].value or 0.0) for one in marks]


def by_library(pairs: list[tuple[str, str]], model: Path, layer: int, calls: int) -> Rows:
    from bert_score import score

    rows: Rows = []
    each = len(pairs) // calls
    for start in range(0, len(pairs), each):
        some = pairs[start : start + each]
        texts = [answer for answer, _ in some], [target for _, target in some]
        values = score(*texts, model_type=str(model), num_layers=layer, device="cpu")
        rows += zip(*(value.tolist() for value in values), strict=True)
    return rows


def reports(folder: Path, count: int) -> list[str]:
    with (folder / "imcs-mrg" / "IMCS-MRG-900.json").open(encoding="utf-8") as file:
        return [row["target"].partition("\n")[2] for row in json.load(file)[:count]]


def answers(targets: list[str], variant: int) -> list[str]:
    """Another order for each variant, shortened by a little, so that variants differ in most of their texts."""
    order = random.Random(variant).sample(targets, len(targets))
    return [REFUSAL if i % 10 == 0 else text[: len(text) - variant] for i, text in enumerate(order)]


def made(folder: Path, width: int, layers: int, texts: list[str]) -> Path:
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    torch.manual_seed(0)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set("".join(texts)) | set(REFUSAL))]
    shape = {"hidden_size": width, "num_hidden_layers": layers, "intermediate_size": 4 * width}
    config = BertConfig(vocab_size=len(vocabulary), num_attention_heads=width // 64, **shape)
    BertModel(config).save_pretrained(folder)
    tokenizer = BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}, model_max_length=512)
    tokenizer.save_pretrained(folder)
    return folder


def peak() -> float:
    """Peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
