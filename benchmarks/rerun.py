"""What the cache saves: a suite run twice, the second time every call is known.

    python benchmarks/rerun.py [SUITE]
    python benchmarks/rerun.py nightly [ITEMS]

`nightly`: 20 variants of a scripted model (prompting, examples, retrieval) on 300 items, three metrics: what the
harness itself needs, from process start to report, for a night on which nothing changed.

With a real model, weights are taken from the usual cache, and fetched and converted before the clock runs where they
are not there; calls go to an empty one. The self-test has passed before. Prints seconds, calls, and the ratio.
"""

import os
import resource
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

NIGHTLY = """\
name: nightly
models:
  robot: {scripted: {rules: [{match: "词([0-9]*[02468])\\\\b", reply: "标准\\\\1"}], default: "不知道"}}
knowledge:
  terms: {texts: {path: terms.txt}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 原始词, target: 标准词}}
    prompt: "原始词：{{ input }}\\n标准词："
    metrics: {accuracy: exact_match, terms: term_set, holds: contains}
variants:
"""


def main() -> None:
    if sys.argv[1:2] == ["nightly"]:
        with tempfile.TemporaryDirectory() as scratch:
            nightly(Path(scratch), int(sys.argv[2]) if len(sys.argv) > 2 else 300)
        return
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


def nightly(folder: Path, items: int) -> None:
    def table(start: int, count: int) -> str:
        return "原始词\t标准词\n" + "".join(f"词{i}\t标准{i}\n" for i in range(start, start + count))

    variants = [f"  system-{i}: {{prompting: {{model: robot, system: 第{i}种}}}}" for i in range(8)]
    variants += [f"  shots-{i}: {{prompting: {{model: robot, shots: {i + 1}}}}}" for i in range(6)]
    variants += [f"  rag-{i}: {{rag: {{model: robot, knowledge: terms, k: {i + 1}}}}}" for i in range(6)]
    (folder / "suite.yaml").write_text(NIGHTLY + "\n".join(variants) + "\n", encoding="utf-8")
    (folder / "test.tsv").write_text(table(0, items), encoding="utf-8")
    (folder / "train.tsv").write_text(table(10**6, 200), encoding="utf-8")
    (folder / "terms.txt").write_text("".join(f"标准{i}\n" for i in range(2 * items)), encoding="utf-8")
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(folder / "suite.yaml", folder)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"  {used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime:.1f} CPU s", flush=True)


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
