"""What holding a small model to the JSON schema of a report gains, in this process and behind Ollama.

    python benchmarks/constrained_json.py [ITEMS] [huggingface|ollama] [zero-shot]

Asks SmolLM2-135M-Instruct for six-section reports as JSON (IMCS-V2-MRG, the data beside the repository), zero-shot and
with one worked example (not with `zero-shot`), each free and constrained. Prints how many replies could be read, and
how like the reference's the fields are by ROUGE. Behind `ollama` stands the Ollama at OLLAMA_HOST (its model
OLLAMA_MODEL), else the tests' stand-in over a real llama.cpp with the same weights.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_folder import data_folder

from harness.components.display import Display
from harness.models.local.weights import Weights
from harness.run import run
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.parser import load_suite
from tests.shared.llama_cpp import SMOLLM2, LlamaCpp
from tests.shared.ollama_stand_in import StandIn, serving

SUITE = """\
name: constrained
models:
  m: MODEL
tasks:
  mrg:
    data: {imcs_mrg: {path: DATA/imcs-mrg, split: {train: "0:400", test: "400:900"}, limit: ITEMS}}
    prompt: |-
      {{ input }}

      请根据以上问诊对话写出诊疗报告，只输出一个 JSON 对象，字段为：主诉、现病史、辅助检查、既往史、诊断、建议。
    answer: {json: {fields: [主诉, 现病史, 辅助检查, 既往史, 诊断, 建议]}}
    generation: {max_tokens: 600}
    metrics: {fields: {json_fields: {similarity: rouge}}}
variants:
  zero-shot:             {prompting: {model: m}}
  zero-shot+constrained: {prompting: {model: m, constrained: true}}
  one-shot:              {prompting: {model: m, shots: 1}}
  one-shot+constrained:  {prompting: {model: m, shots: 1, constrained: true}}
"""


def main() -> None:
    items = next((argument for argument in sys.argv[1:] if argument.isdigit()), "12")
    kinds = [kind for kind in ("huggingface", "ollama") if kind in sys.argv[1:]] or ["huggingface", "ollama"]
    lines = [line for line in SUITE.splitlines() if "one-shot" not in line or "zero-shot" not in sys.argv[1:]]
    for kind in kinds:
        with model_of(kind) as model:
            text = "\n".join(lines)
            measure(kind, text.replace("MODEL", model).replace("DATA", str(data_folder())).replace("ITEMS", items))


@contextmanager
def model_of(kind: str) -> Iterator[str]:
    """A model as a suite writes it."""
    if kind == "huggingface":
        yield f'{{huggingface: {{path: "{SMOLLM2}"}}}}'
    elif "OLLAMA_HOST" in os.environ:
        yield f"{{ollama: {{model: {os.environ['OLLAMA_MODEL']}, num_ctx: 8192}}}}"
    else:
        weights = Weights(SMOLLM2)
        engine = LlamaCpp(weights.locate(), weights.digest())
        with serving(StandIn(engine, models=["smollm2:135m"])) as server:
            yield f"{{ollama: {{model: 'smollm2:135m', num_ctx: 8192, host: '{server.place}'}}}}"
        engine.close()


def measure(kind: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "suite.yaml"
        path.write_text(text, encoding="utf-8")
        suite, folder = load_suite(path), RunFolder(Path(scratch) / "run")
        cache = Cache(Path(scratch) / "calls.sqlite")
        run(suite, folder, Context(suite.models, cache, Display(), suite.seed), lambda finished: "", "train")
        cache.close()
        summary = folder.summary()
    means = {(result.variant, result.metric): (result.mean, result.known) for result in summary.results}
    for usage in summary.usage:
        parsed, known = means[usage.variant, "fields.parsed"]
        similarity, _ = means[usage.variant, "fields.similarity"]
        print(
            f"{kind:12} {usage.variant:22} readable {round((parsed or 0) * known):3} of {known}, ROUGE of the fields "
            f"{similarity:.3f}, cut {usage.truncated}, {usage.tokens_out / usage.samples:.0f} tokens a reply, "
            f"{usage.seconds / usage.samples:.1f} s an item",
            flush=True,
        )


if __name__ == "__main__":
    main()
