"""By how much settings that are searched for beat settings that are set by hand, for RAG on clinical terms.

    DATA=… python benchmarks/searched.py MODEL [--budget CALLS] [--rewrite ROUNDS] [--items N] [--small] [--out DIR]

MODEL is a path as in a suite, or a model as a suite writes it ({huggingface: {path: …, dtype: bfloat16}}). The terms
are Yidu-N7K: its val rows are the test items, a fifth of its train rows the rows that settings are chosen by; worked
examples come from the others for both variants. Set by hand: tf-idf, 3 passages, 3 worked examples, the built-in
prompt. Searched: passages × retriever × worked examples and how they are picked × prompt. Prints both figures, their
difference with its interval, the calls of the search, and what was chosen. `--small` searches few settings, to try it.
"""

import argparse
import tempfile
from pathlib import Path

from data_folder import data_folder

from harness.components.display import Display
from harness.printing import make_console
from harness.records.searches import SearchRecord, searches_in
from harness.run import run
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.parser import load_suite
from reports.html import render

SUITE = """\
name: searched
models:
  base: MODEL
knowledge:
  icd9: {texts: {path: "DATA/yidu-n7k/code.txt", column: 1, gold: {separator: "##"}}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv, validation: validation.tsv, input: 原始词, target: 标准词}}
    prompt: "手术原始词：{{ input }}\\n对应的ICD-9-CM-3标准词（多个用##连接）："
    generation: {max_tokens: 64, stop: ["\\n"]}
    metrics: {accuracy: exact_match, terms: {term_set: {separator: "##"}}}
variants:
  by-hand: {rag: {model: base, knowledge: icd9, retriever: tfidf, k: 3, shots: 3}}
  searched: {searched: {of: {rag: {model: base, knowledge: icd9}}, over: OVER, budget: BUDGET callsREWRITE}}
compare: {reference: by-hand, headline: [norm.accuracy]}
latency: {items: 0}
"""
LISTED = "候选标准词：\\n{% for p in passages %}{{ p.text }}\\n{% endfor %}\\n{{ question }}"
REVERSED = "{% for p in passages | reverse %}{{ p.text }}\\n{% endfor %}\\n{{ question }}"
OVER = (
    "{k: [1, 3, 5, 10], retriever: [tfidf, lexical, hybrid], shots: [0, 3, 5], pick: [fixed, nearest], "
    f'prompt: [null, "{LISTED}", "{REVERSED}"]}}'
)
SMALL = f'{{k: [1, 3], retriever: [tfidf, lexical], prompt: [null, "{LISTED}"]}}'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, help="default: the folder that DATA names")
    parser.add_argument("--budget", type=int, default=2000, help="calls of the search (default 2000)")
    parser.add_argument("--rewrite", type=int, default=0, help="rounds in which the model rewrites its instruction")
    parser.add_argument("--items", type=int, default=1000, help="test items (default 1000, all)")
    parser.add_argument("--small", action="store_true", help="8 settings instead of 180")
    parser.add_argument("--out", type=Path, help="folder of the run and its report; a temporary one otherwise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder(options.out or Path(scratch) / "run")
        ask(write_suite(options, Path(scratch)), folder)
        print_difference(folder)


def write_suite(options: argparse.Namespace, scratch: Path) -> Path:
    """The suite and its rows, in a folder of their own."""
    source = options.data.resolve() / "yidu-n7k"
    head, *train = (source / "train.tsv").read_text(encoding="utf-8").splitlines()
    _, *test = (source / "val.tsv").read_text(encoding="utf-8").splitlines()
    parts = {
        "test": test[: options.items],
        "train": [row for number, row in enumerate(train) if number % 5],
        "validation": train[::5],
    }
    for name, rows in parts.items():
        (scratch / f"{name}.tsv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    model = options.model if options.model.startswith("{") else f'{{huggingface: {{path: "{options.model}"}}}}'
    rewrite = f", rewrite: {{model: base, rounds: {options.rewrite}}}" if options.rewrite else ""
    values = {
        "MODEL": model, "DATA": str((options.data or data_folder()).resolve()),
        "OVER": SMALL if options.small else OVER,
        "BUDGET": str(options.budget), "REWRITE": rewrite,
    }  # fmt: skip
    text = SUITE
    for name, value in values.items():
        text = text.replace(name, value)
    path = scratch / "suite.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def ask(path: Path, folder: RunFolder) -> None:
    suite = load_suite(path)
    cache = Cache(cache_root() / "calls.sqlite")
    try:
        run(suite, folder, Context(suite.models, cache, Noting(), suite.seed), render, "train")
    finally:
        cache.close()


class Noting(Display):
    """Prints each line as it comes."""

    def note(self, text: str) -> None:
        make_console().print(text, soft_wrap=True)

    def finish(self, summary: str) -> None:
        self.note(summary)


def print_difference(folder: RunFolder) -> None:
    summary, run_record = folder.summary(), folder.read_run()
    for result in summary.results:
        if result.metric == "accuracy" and result.mean is not None:
            print(f"{result.variant:9} exact match {100 * result.mean:5.1f} % of {result.known} items")
    own = next(c for c in summary.comparisons if (c.variant, c.metric) == ("searched", "accuracy"))
    if own.difference is not None and own.low is not None and own.high is not None:
        ends = f"{100 * own.low:.1f} to {100 * own.high:.1f}"
        print(f"searched − by-hand: {100 * own.difference:+.1f} points, 95 % CI {ends}")
    for record in searches_in(run_record).values():
        print_search(record)


def print_search(record: SearchRecord) -> None:
    chosen, rival = (dict(record.settings[place]) for place in (record.choice, record.runner_up))
    print(
        f"search: {record.calls:,} of {record.budget:,} calls, {len(record.settings)} settings, {record.seconds:.0f} s"
    )
    print("rounds: " + ", ".join(f"{len(turn.trials)} settings on {turn.rows} rows" for turn in record.rounds))
    last = record.rounds[-1]
    print(f"chosen: {chosen}, {100 * last.trials[0].score:.1f} % on {last.rows} {record.source} rows")
    print(f"runner-up: {rival}, {100 * record.difference:.1f} points behind")
    for rewriting in record.rewritings:
        print(
            f"proposal {rewriting.number}: {rewriting.text or rewriting.note!r} {rewriting.before} → {rewriting.after}"
        )


if __name__ == "__main__":
    main()
