"""What the cache saves with a real model: a suite run twice, the second time every call is known.

    python benchmarks/rerun.py [SUITE]

Weights are taken from the usual cache, and fetched and converted before the clock runs where they are not there; calls
go to an empty one. The self-test has passed before. Prints seconds, calls, and the ratio.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.components.display import Display
from harness.models.huggingface import HuggingFace
from harness.models.local.weights import Weights
from harness.runtime.cache import cache_root
from harness.selftest.selftest import remembered_self_test
from harness.suite.parser import load_suite


def main() -> None:
    suite = Path(sys.argv[1] if len(sys.argv) > 1 else "suites/quickstart/suite.yaml").resolve()
    for model in load_suite(suite).models.values():
        if isinstance(model, HuggingFace):
            Weights(model.path, model.revision).folder()
            remembered_self_test(model.device_name, Display())
    with tempfile.TemporaryDirectory() as scratch:
        for part in ("packages", "models", "digests", "selftest"):
            (cache_root() / part).mkdir(parents=True, exist_ok=True)
            (Path(scratch) / part).symlink_to(cache_root() / part, target_is_directory=True)
        first, again = run(suite, Path(scratch)), run(suite, Path(scratch))
    print(f"second run: {first / again:.0f} × faster")


def run(suite: Path, cache: Path) -> float:
    command = [sys.executable, "-c", "from harness.cli import main; main()", "run", str(suite)]
    environment = {**os.environ, "HARNESS_CACHE": str(cache)}
    began = time.perf_counter()
    result = subprocess.run(command, cwd=cache, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - began
    cells = [line for line in result.stdout.splitlines() if " done, " in line]
    print(f"{seconds:.1f} s", *cells, sep="\n  ", flush=True)
    return seconds


if __name__ == "__main__":
    main()
