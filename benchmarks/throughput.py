"""How much the harness itself costs: 5,000 samples × 4 variants with the scripted model, then the same run again.

    python benchmarks/throughput.py [SAMPLES]

With one metric and with five figures a prediction. Prints predictions/s from suite file to report,
the peak memory of each run's process, the calls of the second run and
the time of the second against the first. Each run is a process of its own with a cache of its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUITE = """\
name: throughput
models:
  robot: {scripted: {rules: [{match: "词([0-9]*[02468])\\\\b", reply: "标准\\\\1"}], default: "不知道"}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 原始词, target: 标准词}}
    prompt: "原始词：{{ input }}\\n标准词："
    metrics: METRICS
variants:
  zero-shot: {prompting: {model: robot}}
  system: {prompting: {model: robot, system: 你是病案编码员。}}
  few-shot-fixed: {prompting: {model: robot, shots: 3}}
  few-shot-random: {prompting: {model: robot, shots: 3, pick: random}}
"""
VARIANTS = 4


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    for metrics in ("{accuracy: exact_match}", "{accuracy: exact_match, terms: term_set}"):
        print(metrics)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            _write(folder, samples, metrics)
            first, again = _run(folder, samples), _run(folder, samples)
        print(f"second run: {again / first:.2f} × the time of the first (the scripted model costs nothing)")


def _write(folder: Path, samples: int, metrics: str) -> None:
    def rows(start: int, count: int) -> str:
        return "原始词\t标准词\n" + "".join(f"词{i}\t标准{i}\n" for i in range(start, start + count))

    (folder / "suite.yaml").write_text(SUITE.replace("METRICS", metrics), encoding="utf-8")
    (folder / "test.tsv").write_text(rows(0, samples), encoding="utf-8")
    (folder / "train.tsv").write_text(rows(10**6, 1000), encoding="utf-8")


def _run(folder: Path, samples: int) -> float:
    code = (
        "import sys; sys.argv = ['harness', 'run', 'suite.yaml']\nfrom harness.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code\n"
        "import resource; print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    environment = {**os.environ, "HARNESS_CACHE": str(folder / "cache")}
    began = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    peak = result.stdout.rpartition("PEAK ")[2].strip()
    calls = [line.partition("done, ")[2] for line in result.stdout.splitlines() if " done, " in line]
    print(
        f"{samples * VARIANTS / seconds:.0f} predictions/s ({seconds:.1f} s), peak {peak} MiB; {calls[0]}", flush=True
    )
    return seconds


if __name__ == "__main__":
    main()
