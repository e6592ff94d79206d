"""How much the harness itself costs: samples × variants × metrics with the scripted model, then the same run again.

    python benchmarks/throughput.py [SAMPLES] [--variants N] [--metrics N …] [--once]

By default 5,000 samples × 4 variants, with one metric and with four. Prints predictions/s from the start of the process
to the report, in time and in seconds of the processor, the peak memory of each run's process, the size of the page, the
calls of the second run and its time against the first. Each run is a process of its own with a cache of its own.
The bars: 10,000 predictions/s at 25,000 × 4 × 1; 250,000 × 4 × 4 in 150 s and 1.5 GB (--once).
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

SUITE = """\
name: throughput
models:
  robot: {scripted: {rules: [{match: "词([0-9]*[02468])\\\\b", reply: "标准\\\\1"}], default: "不知道"}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 原始词, target: 标准词}}
    prompt: "原始词：{{ input }}\\n标准词："
    metrics: {METRICS}
variants:
"""
METRICS = ("accuracy: exact_match", "holds: contains", "terms: term_set", "strict: {exact_match: {case: false}}")
VARIANTS = (
    "zero-shot: {prompting: {model: robot}}",
    "system: {prompting: {model: robot, system: 你是病案编码员。}}",
    "few-shot-fixed: {prompting: {model: robot, shots: 3}}",
    "few-shot-random: {prompting: {model: robot, shots: 3, pick: random}}",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", nargs="?", type=int, default=5000)
    parser.add_argument("--variants", type=int, default=len(VARIANTS), choices=range(1, len(VARIANTS) + 1))
    parser.add_argument("--metrics", type=int, nargs="+", default=[1, len(METRICS)])
    parser.add_argument("--once", action="store_true", help="without the second run")
    arguments = parser.parse_args()
    for count in arguments.metrics:
        print(f"{arguments.samples:,} samples × {arguments.variants} variants × {count} metrics")
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            _write(folder, arguments.samples, VARIANTS[: arguments.variants], METRICS[:count])
            first = _run(folder, arguments.samples * arguments.variants)
            if not arguments.once:
                again = _run(folder, arguments.samples * arguments.variants)
                print(f"second run: {again / first:.2f} × the time of the first (the scripted model costs nothing)")


def _write(folder: Path, samples: int, variants: Sequence[str], metrics: Sequence[str]) -> None:
    def rows(start: int, count: int) -> str:
        return "原始词\t标准词\n" + "".join(f"词{i}\t标准{i}\n" for i in range(start, start + count))

    suite = SUITE.replace("METRICS", ", ".join(metrics)) + "".join(f"  {variant}\n" for variant in variants)
    (folder / "suite.yaml").write_text(suite, encoding="utf-8")
    (folder / "test.tsv").write_text(rows(0, samples), encoding="utf-8")
    (folder / "train.tsv").write_text(rows(10**7, 1000), encoding="utf-8")


def _run(folder: Path, predictions: int) -> float:
    code = (
        "import sys; sys.argv = ['harness', 'run', 'suite.yaml']\nfrom harness.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code\n"
        "import resource; own = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print('PEAK', own.ru_maxrss // 1024, own.ru_utime + own.ru_stime)"
    )
    environment = {**os.environ, "HARNESS_CACHE": str(folder / "cache")}
    began = time.perf_counter()
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - began
    peak, processor = result.stdout.rpartition("PEAK ")[2].split()
    calls = [line.partition("done, ")[2] for line in result.stdout.splitlines() if " done, " in line]
    page = max(folder.glob("runs/*/*/report.html")).stat().st_size / 1e6
    print(
        f"{predictions / seconds:.0f} predictions/s ({seconds:.1f} s, {float(processor):.1f} s of the processor), "
        f"peak {peak} MiB, page {page:.1f} MB; {calls[0]}",
        flush=True,
    )
    return seconds


if __name__ == "__main__":
    main()
