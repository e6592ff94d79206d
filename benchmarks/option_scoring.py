"""How fast options are scored behind five worked examples, against lm-evaluation-harness's `hf` on the same weights?

    DATA=… python benchmarks/option_scoring.py MODEL [--gpu] [--batch 4] [--items 24] [--subjects NAME …]

MODEL is a path as in a suite. Needs the extra `lm-eval` and the C-Eval csv files under $DATA/ceval. One run measures
both, subject by subject in turn, with the same batch size; loading is not counted. Of lm-eval only its calls of the
model count, of ours the whole way from the file to the predictions. Prints the ratio, how many tokens are computed and
how many the ideal takes (each common beginning once), and which share of the machine's matrix arithmetic that reaches.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise, takewhile
from typing import Any

import numpy as np
from likelihood_parity import lm_eval_logprobs, lm_eval_model, predict

from harness.models.huggingface import HuggingFace
from harness.models.local.prefix_tree import WIDTH, row_key

SUBJECTS = ("physician", "operating_system", "chinese_language_and_literature")


def main() -> None:
    given = arguments()
    device, dtype = ("cuda", "bfloat16") if given.gpu else ("cpu", "float32")
    model = HuggingFace(path=given.model, dtype=dtype, device=device, format="plain", batch_size=given.batch)
    print(f"{given.model}, {dtype} on {hardware(device)}, batches of {given.batch}, 5-shot C-Eval val", flush=True)
    theirs = lm_eval_model(model, given.batch)
    predict(model, given.subjects[0], 1)  # loads weights and libraries
    rows: list[Sequence[int]] = []
    ours, others = np.zeros(2), np.zeros(2)  # seconds, processor seconds
    same = total = tokens = 0
    worst = 0.0
    for subject in given.subjects:
        with watched(model._model(), rows) as computed:
            began = clock()
            mine = [prediction.logprobs or () for prediction in predict(model, subject, given.items)]
            ours += clock() - began
        tokens += sum(computed)
        with timed(theirs) as spent:
            other = lm_eval_logprobs(theirs, subject, given.items)
        others += sum(spent)
        for a, b in zip(mine, other, strict=True):
            total += 1
            same += max(range(4), key=a.__getitem__) == max(range(4), key=b.__getitem__)
            worst = max(worst, *(abs(x - y) for x, y in zip(a, b, strict=True)))
        print(f"{subject}: {total} items, ours {ours[0]:.1f} s, lm-eval {others[0]:.1f} s", flush=True)
    print(f"same option {same}/{total}; largest difference of log-probability {worst:.2g}")
    rates = total / ours, total / others
    print(
        f"ratio: {rates[0][0] / rates[1][0]:.1f} x lm-eval's hf ({rates[0][0]:.2f} against {rates[1][0]:.2f} items/s)"
    )
    print(f"ratio of processor seconds, which other work beside hardly enters: {rates[0][1] / rates[1][1]:.1f}")
    whole, least = sum(map(len, rows)), distinct(rows)
    print(f"tokens: whole prompts {whole}, computed {tokens} with padding, each beginning once {least}")
    ideal = flops(model._model(), least, total) / matrix_rate(model._model())
    print(f"share of the ideal: {ideal / ours[0]:.0%} ({ideal:.1f} s if the machine only multiplied matrices)")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--gpu", action="store_true", help="CUDA with bfloat16")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--items", type=int, default=24, help="of each subject at most")
    parser.add_argument("--subjects", nargs="+", default=list(SUBJECTS))
    return parser.parse_args()


@contextmanager
def watched(network: Any, rows: list[Sequence[int]]) -> Iterator[list[int]]:
    """How many tokens each forward computes, padding included; `rows` get the token ids of the prompts."""
    from harness.models.local import shared_prefixes

    computed: list[int] = []
    hook = network.register_forward_pre_hook(
        lambda _, __, inputs: computed.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    logits = shared_prefixes.SharedPrefixes.logits

    def noting(self: Any, network: Any, contexts: Any, pad: int) -> Any:
        rows.extend(tokens for tokens, _ in contexts)
        return logits(self, network, contexts, pad)

    shared_prefixes.SharedPrefixes.logits = noting  # type: ignore[method-assign]
    try:
        yield computed
    finally:
        hook.remove()
        shared_prefixes.SharedPrefixes.logits = logits  # type: ignore[method-assign]


def clock() -> Any:
    """Seconds by the clock, and of the processor."""
    return np.array([time.perf_counter(), time.process_time()])


@contextmanager
def timed(model: Any) -> Iterator[list[Any]]:
    """What each call of lm-eval's model takes, by both clocks."""
    call: Callable[..., Any] = type(model).loglikelihood
    spent: list[Any] = []

    def measured(requests: Any, **options: Any) -> Any:
        began = clock()
        try:
            return call(model, requests, **options)
        finally:
            spent.append(clock() - began)

    model.loglikelihood = measured
    yield spent


def distinct(rows: Sequence[Sequence[int]]) -> int:
    """Tokens when what rows begin with alike is computed once."""
    keys = sorted({row_key(row) for row in rows})
    tokens = [[key[start : start + WIDTH] for start in range(0, len(key), WIDTH)] for key in keys]
    common = (
        sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False))) for a, b in pairwise(tokens)
    )
    return sum(map(len, tokens)) - sum(common)


def flops(network: Any, tokens: int, items: int) -> float:
    """2 a weight: of the layers for each token, of the output layer once an item. Attention is left out."""
    head = network.get_output_embeddings().weight
    embedding = network.get_input_embeddings().weight
    weights = sum(own.numel() for own in network.parameters() if own is not head and own is not embedding)
    return float(2 * (weights * tokens + head.numel() * items))


def matrix_rate(network: Any) -> float:
    """Operations a second of the largest matrix product of a layer, 512 rows, the best of some."""
    import torch

    size = network.config.get_text_config().hidden_size
    a, b = (
        torch.randn(*shape, dtype=network.dtype, device=network.device) for shape in ((512, size), (size, 4 * size))
    )
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(10):
            a @ b
        if network.device.type == "cuda":
            torch.cuda.synchronize()
        best = max(best, 10 * 2.0 * 512 * size * 4 * size / (time.perf_counter() - began))
    return best


def hardware(device: str) -> str:
    import torch

    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{torch.get_num_threads()} threads of {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
