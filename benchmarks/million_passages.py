"""A million passages: time and memory to build the lexical retrievers, queries a second, agreement with plain products.

    DATA=… python benchmarks/million_passages.py [--passages N] [--queries N] [--retriever NAME …]

Passages are distinct: a surgical term of Yidu-N7K and one to three clauses of real questions, answers and dialogues
(Toyhom, IMCS-MRG), 20 to 60 characters, on average 36. Queries are half diagnoses and operations as doctors write them
(Yidu-N7K, val), half titles of patients' questions (Toyhom). Each retriever is measured in a process of its own, whose
peak memory counts everything: the interpreter, the passages, the index, the search. Depth 100, as a variant searches.
The agreement is measured on the first 20,000 passages: the share of queries whose hits and scores are those of one
sparse product with the weights that scikit-learn computes. CPU seconds are printed as well: they hardly depend on what
else the machine does.
"""

import argparse
import csv
import json
import os
import random
import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from data_folder import data_folder

from baselines.retrievers.hybrid import Hybrid
from baselines.retrievers.index.tfidf_weights import weights_of_strings
from baselines.retrievers.lexical import Lexical
from baselines.retrievers.tfidf import Tfidf
from harness.components.retriever import Index, Retriever
from harness.records.inputs import Passage

RETRIEVERS: dict[str, Retriever] = {"tfidf": Tfidf(), "lexical": Lexical(), "hybrid": Hybrid()}
DEPTH = 100
SUBSET = 20_000
CLAUSE = re.compile(r"[。！？；，,!?;：\s]+")
TOYHOM = "toyhom-cmdd/internal-medicine.gb18030.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=512)
    parser.add_argument("--retriever", nargs="+", choices=RETRIEVERS, default=list(RETRIEVERS))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.here:
        measure(RETRIEVERS[arguments.retriever[0]], arguments.passages, arguments.queries)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {arguments.passages:,} passages", flush=True)
    for name in arguments.retriever:
        print(name, flush=True)
        options = ["--passages", str(arguments.passages), "--queries", str(arguments.queries)]
        subprocess.run([sys.executable, __file__, "--here", "--retriever", name, *options], check=True)
    agreement(arguments.queries)


def measure(retriever: Retriever, count: int, asked: int) -> None:
    made = [Passage(id=str(number), text=text) for number, text in enumerate(texts(count))]
    print(f"  passages in memory: {_peak():.2f} GB", flush=True)
    wall, cpu = time.perf_counter(), time.process_time()
    index = retriever.index(made, None)  # type: ignore[arg-type]
    print(
        f"  built in {time.perf_counter() - wall:.0f} s ({time.process_time() - cpu:.0f} CPU s), peak {_peak():.2f} GB",
        flush=True,
    )
    wanted = queries(asked)
    index.search(wanted[:8], DEPTH)
    wall, cpu = time.perf_counter(), time.process_time()
    index.search(wanted, DEPTH)
    print(
        f"  {asked / (time.perf_counter() - wall):.0f} queries/s, {asked / (time.process_time() - cpu):.0f} per CPU "
        f"second, peak {_peak():.2f} GB",
        flush=True,
    )


def agreement(asked: int) -> None:
    """How many queries have the hits, in their order and with their scores, of a product over some of the passages."""
    subset, wanted = texts(SUBSET), queries(asked)
    made = [Passage(id=str(number), text=text) for number, text in enumerate(subset)]
    index = Tfidf().index(made, None)  # type: ignore[arg-type]
    expected = products(weights_of_strings(subset, (1, 1), 10), wanted)
    equal = sum(own == other for own, other in zip(search(index, wanted), expected, strict=True))
    print(f"agreement with scikit-learn's weights and one product, {SUBSET:,} passages: {equal} of {asked} queries")


def search(index: Index, wanted: Sequence[str]) -> list[list[tuple[int, float]]]:
    return index.search(wanted, DEPTH)


def products(weights: Any, wanted: Sequence[str]) -> list[list[tuple[int, float]]]:
    from scipy.sparse import csc_matrix

    lists = weights.lists
    matrix = csc_matrix((lists.weights, lists.documents, lists.starts), (lists.size, len(lists.starts) - 1)).T.tocsr()
    hits = []
    for row in (weights.encode(wanted) @ matrix).toarray():
        best = np.lexsort((np.arange(len(row)), -row))[:DEPTH]
        hits.append([(int(place), float(row[place])) for place in best if row[place] > 0])
    return hits


def texts(count: int) -> list[str]:
    """Distinct passages, the same in every process."""
    draw, terms, parts = random.Random(17), _terms(), _clauses()
    distinct: dict[str, None] = {}
    while len(distinct) < count:
        text = f"{draw.choice(terms)}：{'，'.join(draw.sample(parts, draw.randint(1, 3)))}"
        if 20 <= len(text) <= 60:
            distinct[text] = None
    return list(distinct)


def queries(count: int) -> list[str]:
    lines = data_folder("yidu-n7k/val.tsv").read_text(encoding="utf-8").splitlines()[1:]
    titles = list(dict.fromkeys(row["title"] for row in _toyhom()))
    return [line.split("\t")[0] for line in lines][: count // 2] + titles[: count - count // 2]


def _terms() -> list[str]:
    lines = data_folder("yidu-n7k/code.txt").read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line.split("\t")[1].strip() for line in lines if "\t" in line))


def _toyhom() -> list[dict[str, str]]:
    with data_folder(TOYHOM).open(encoding="gb18030", newline="") as file:
        return list(csv.DictReader(file))


def _clauses() -> list[str]:
    """The distinct clauses of 6 to 30 characters."""
    file: Path = data_folder("imcs-mrg/IMCS-MRG-900.json")
    whole = [row[column] for row in _toyhom() for column in ("ask", "answer")]
    whole += [row[column] for row in json.loads(file.read_text(encoding="utf-8")) for column in ("input", "target")]
    return list(dict.fromkeys(part for text in whole for part in CLAUSE.split(text) if 6 <= len(part) <= 30))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
