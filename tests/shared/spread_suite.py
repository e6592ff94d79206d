"""A suite whose networks several processes can share out: it trains, embeds and answers, in a few seconds."""

from collections.abc import Callable
from pathlib import Path

from harness.selftest.tiny_models import CHATML, save_model

WORDS = ("fever", "cough", "pain", "knee", "lung", "heart", "skin", "eye")
ROWS = [f"{WORDS[i % 8]} {WORDS[(3 * i + 1) % 8]} {i},{WORDS[i % 8]}" for i in range(24)]
LORA = (
    "{tuned: {base: base, method: {lora: {r: RANK}}, on: [norm], max_steps: 2, learning_rate: 0.05, batch_size: 4, "
    "samples: 0}}"
)
SUITE = f"""\
name: spread
models:
  base: {{huggingface: {{path: model, dtype: float32, device: cpu, batch_size: 2}}}}
  lora: {LORA.replace("RANK", "4")}
  wide: {LORA.replace("RANK", "8")}
  vectors: {{word_vectors: {{path: vectors.txt}}}}
  served: {{scripted: {{default: knee}}}}
knowledge:
  terms: {{texts: {{path: terms.csv, column: name}}}}
tasks:
  norm:
    data: {{csv: {{path: test.csv, train: train.csv, input: q, target: a}}}}
    prompt: "{{{{ input }}}}"
    metrics: {{acc: exact_match, chrf: chrf}}
    generation: {{max_tokens: 4}}
variants:
  base: {{prompting: {{model: base}}}}
  served: {{prompting: {{model: served}}}}
  lora: {{prompting: {{model: lora}}}}
  wide: {{prompting: {{model: wide}}}}
  rag: {{rag: {{model: lora, knowledge: terms, retriever: {{dense: {{model: vectors}}}}, k: 2}}}}
latency: {{items: 0}}
"""


def write_spread_suite(write_suite: Callable[..., Path]) -> Path:
    """The suite with its data and its model of random weights; returns its path. Eight items are asked."""
    files = {"train__csv": "\n".join(["q,a", *ROWS[:16]]), "test__csv": "\n".join(["q,a", *ROWS[16:]])}
    vectors = "".join(f"{word} {i} {8 - i} 1\n" for i, word in enumerate(WORDS))
    path = write_suite(SUITE, **files, vectors__txt=vectors, terms__csv="\n".join(["name", *WORDS]))
    save_model(path.parent / "model", "Llama", CHATML, 3)
    return path
