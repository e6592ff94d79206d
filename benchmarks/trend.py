"""How long `harness trend` takes over a year of nights, and how large its page is.

    python benchmarks/trend.py [NIGHTS] [VARIANTS] [ITEMS]      (default: 365 12 60; two tasks of ITEMS items each)
    python benchmarks/trend.py --false-shifts                   how often a line without any shift shows one

The nights are run folders as a run writes them: one suite is run with scripted models, and each night is that run with
other answers, scored again. In them a variant loses 5 points and keeps them lost, a prompt changes, a package changes,
one variant's answers waver from night to night, and the last night breaks some items. One night is limited, one was cut
short, and one has a broken summary.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np

from harness.components.display import Display
from harness.records.figures import Result
from harness.records.inputs import JSON
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from harness.regression.change_points import level_shifts
from harness.run import run
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.statistics.intervals import wilson
from harness.suite.parser import load_suite
from reports.html import render

FIRST_NIGHT = datetime(2026, 1, 1, 2, 15, tzinfo=UTC)
TASKS = ("norm", "exam")
WAVERING, DROPPED = 3, 2  # of the variants, by their number


def main() -> None:
    if "--false-shifts" in sys.argv:
        false_shifts()
        return
    nights, variants, items = (*map(int, sys.argv[1:]), *(365, 12, 60)[len(sys.argv) - 1 :])
    with tempfile.TemporaryDirectory() as scratch:
        place = write_nights(Path(scratch), nights, variants, items)
        size = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        program = "from harness.cli import main; main()"
        for state in ("first", "again"):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", program, "trend", str(place)], check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - began
            page = (place / "trend.html").stat().st_size
            print(f"{state}: {nights} nights × {variants} variants, {size / 2**20:.0f} MiB of runs: "
                  f"{seconds:.1f} s, page {page / 2**20:.2f} MiB", flush=True)  # fmt: skip


def false_shifts(lines: int = 1000) -> None:
    """Lines whose items are right with one probability every night, drawn anew: any shift is false."""
    random = np.random.default_rng(1)
    for nights in (8, 14, 30, 90, 365):
        for items in (50, 200):
            drawn = random.binomial(items, 0.7, size=(lines, nights)) / items
            share = sum(bool(level_shifts(list(line), 1 / items)) for line in drawn) / lines
            print(
                f"{nights} nights, {items} items: {100 * share:.1f} % of {lines:,} lines show a false shift", flush=True
            )


def write_nights(folder: Path, nights: int, variants: int, items: int) -> Path:
    """A folder runs/nights with as many finished runs, and three that are not; returns it."""
    template = _template(folder, variants, items)
    samples, predictions, summary = template.samples(), template.predictions(), template.summary()
    record, random = template.read_run(), Random(5)
    right = {(sample.task, sample.id): sample.targets[0] for sample in samples}
    root = folder / "runs" / "nights"
    for night in range(nights):
        answers = list(_answered(predictions, right, night, nights, random))
        scores = [_score(own, right) for own in answers]
        own = RunFolder(root / f"{FIRST_NIGHT + timedelta(days=night):%Y-%m-%d_%H%M%S}")
        own.path.mkdir(parents=True)
        own.write_run(_record(record, night, nights))
        own.write_samples(samples)
        own.write_predictions(answers)
        own.write_scores(scores)
        own.write_summary(_summary(summary, scores, random))
    _spoil(root, record, summary)
    return root


def _template(folder: Path, variants: int, items: int) -> RunFolder:
    """The suite, run once: variant NUMBER errs on some NUMBER + 20 percent of the items."""
    rows = "input\ttarget\n" + "".join(f"第{place}题\t答{place}\n" for place in range(items))
    models, own = {}, {}
    for number in range(1, variants + 1):
        wrong = "|".join(str(place) for place in range(items) if (place * 7 + number) % 100 < 20 + number) or "x"
        rules = [{"match": f"第({wrong})题", "reply": "不知道"}, {"match": r"第(\d+)题", "reply": r"答\1"}]
        models[f"model-{number}"] = {"scripted": {"rules": rules}}
        own[f"variant-{number}"] = {"prompting": {"model": f"model-{number}"}}
    task: dict[str, JSON] = {"data": {"tsv": {"path": "rows.tsv"}}, "metrics": {"accuracy": "exact_match"}}
    suite: dict[str, JSON] = {
        "name": "nights", "models": models, "variants": own, "latency": {"items": 0},
        "tasks": {name: {**task, "prompt": f"{name}：{{{{ input }}}}"} for name in TASKS},
        "compare": {"reference": "variant-1", "headline": [f"{name}.accuracy" for name in TASKS]},
    }  # fmt: skip
    (folder / "rows.tsv").write_text(rows, encoding="utf-8")
    (folder / "suite.yaml").write_text(json.dumps(suite, ensure_ascii=False), encoding="utf-8")
    loaded, run_folder = load_suite(folder / "suite.yaml"), RunFolder(folder / "template")
    with closing(Cache(folder / "cache" / "calls.sqlite")) as cache:
        run(loaded, run_folder, Context(loaded.models, cache, Display(), loaded.seed), render)
    return run_folder


def _answered(
    predictions: Sequence[Prediction], right: Mapping[tuple[str, str], str], night: int, nights: int, random: Random
) -> Iterator[Prediction]:
    """The answers of one night."""
    for place, own in enumerate(predictions):
        number = int(own.variant.rpartition("-")[2])
        chance, text = random.random(), own.text
        is_lost = number == DROPPED and night >= 2 * nights // 5 and int(own.sample_id.rpartition(":")[2]) % 20 == 7
        if (
            (is_lost and text == right[own.task, own.sample_id])
            or (number == WAVERING and chance < 0.03)
            or (night == nights - 1 and place % 29 == 3)
        ):
            text = "不知道" if text == right[own.task, own.sample_id] else right[own.task, own.sample_id]
        yield replace(own, text=text, reading=Reading(answer=text), seconds=round(0.1 + 0.05 * chance, 4))


def _score(own: Prediction, right: Mapping[tuple[str, str], str]) -> Score:
    return Score(
        sample_id=own.sample_id, task=own.task, variant=own.variant, metric="accuracy",
        value=float(own.text == right[own.task, own.sample_id]),
    )  # fmt: skip


def _summary(summary: Summary, scores: Sequence[Score], random: Random) -> Summary:
    """The figures of these scores in place of those that the first run had."""
    sums: dict[tuple[str, str], list[float]] = {}
    for own in scores:
        sums.setdefault((own.task, own.variant), []).append(own.value or 0.0)
    usage = tuple(replace(own, seconds=own.samples * (0.12 + 0.01 * random.random())) for own in summary.usage)
    return replace(summary, results=tuple(_result(own, sums) for own in summary.results), usage=usage)


def _result(result: Result, values: Mapping[tuple[str, str], Sequence[float]]) -> Result:
    own = values[result.task, result.variant]
    mean = sum(own) / len(own)
    low, high = wilson(mean, len(own))
    return replace(result, mean=mean, low=low, high=high)


def _record(record: Mapping[str, JSON], night: int, nights: int) -> dict[str, JSON]:
    started = FIRST_NIGHT + timedelta(days=night)
    own: dict[str, JSON] = json.loads(json.dumps(record))
    own |= {
        "started": started.isoformat(timespec="seconds"),
        "finished": (started + timedelta(minutes=20 + night % 5)).isoformat(timespec="seconds"),
    }
    if night >= 3 * nights // 5:
        own["tasks"]["exam"]["prompt"] = "exam, in one word: {{ input }}"
    if night >= 4 * nights // 5:
        own["packages"] = {**own["packages"], "numpy": "9.0.0"}
    return own


def _spoil(root: Path, record: Mapping[str, JSON], summary: Summary) -> None:
    """Beside the nights a limited one, one that was cut short, and one with half a summary."""
    states: Mapping[str, Mapping[str, JSON]] = {
        "2026-01-02_120000": {"limited": {"limit": 10}}, "2026-01-03_120000": {"status": "predicted"},
        "2026-01-04_120000": {},
    }  # fmt: skip
    for name, own in states.items():
        folder = RunFolder(root / name)
        folder.path.mkdir(parents=True)
        started = datetime.strptime(name, "%Y-%m-%d_%H%M%S").replace(tzinfo=UTC).isoformat(timespec="seconds")
        folder.write_run({**record, "started": started, **own})
        folder.write_summary(summary)
    broken = root / "2026-01-04_120000" / "summary.json"
    broken.write_bytes(broken.read_bytes()[:200])


if __name__ == "__main__":
    main()
