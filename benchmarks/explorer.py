"""The explorer on a large run: how long the page takes to build, how large it is, and how fast it answers in Chromium.

python benchmarks/explorer.py [--items N] [--variants N] [--out FOLDER] makes a run of N items by N variants, of text
that does not repeat (half Chinese, half English, prompts with templates, worked examples and passages), writes its page
and prints figures. Goals for 12 × 10,000: built in 30 s, at most 25 MB, first paint in 2 s, a filter in 0.2 s.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.records.figures import MetricInfo, Result
from harness.records.finished_run import FinishedRun
from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from reports.html import render

CHROMIUM = "/usr/bin/chromium"
# Words and single characters by Zipf's law, which take gzip no fewer bits a character than clinical Chinese (8.1).
LEADS, TRAILS = range(0xB0, 0xD0), range(0xA1, 0xFF)
CHARACTERS = [bytes((lead, trail)).decode("gb2312") for lead in LEADS for trail in TRAILS][:3_000]
SYLLABLES = [consonant + rest for consonant in "bdfglmnprstv" for rest in ("a", "e", "i", "o", "u", "an", "er", "us")]
METRICS = ("accuracy", "overlap")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--variants", type=int, default=12)
    parser.add_argument("--out", type=Path, default=None, help="folder that keeps the page")
    arguments = parser.parse_args()
    finished = synthetic_run(arguments.items, arguments.variants)
    start, busy = time.perf_counter(), time.process_time()
    page = render(finished)
    print(f"built in {time.perf_counter() - start:.1f} s, {time.process_time() - busy:.1f} s of them on the processor")
    with tempfile.TemporaryDirectory() as scratch:
        path = (arguments.out or Path(scratch)) / "report.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
        print(f"size {path.stat().st_size / 1e6:.1f} MB")
        for line in browser_times(path.resolve()):
            print(line)


class Writer:
    """Text of random words whose frequencies follow Zipf's law."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._terms = [CHARACTERS[a] + CHARACTERS[b] for a, b in self._rng.integers(0, len(CHARACTERS), (6_000, 2))]
        self._words = [
            "".join(SYLLABLES[p] for p in word) for word in self._rng.integers(0, len(SYLLABLES), (5_000, 2))
        ]

    def chinese(self, length: int) -> str:
        singles = self._ranks(len(CHARACTERS), length)
        terms = self._ranks(len(self._terms), length)
        pieces = [CHARACTERS[p] if p % 4 == 0 else self._terms[term] for p, term in zip(singles, terms, strict=True)]
        text = "".join(pieces)[:length]
        return "，".join(text[at : at + 14] for at in range(0, length, 14)) + "。"

    def english(self, length: int) -> str:
        return " ".join(self._words[p] for p in self._ranks(len(self._words), max(1, length // 6))) + "."

    def write(self, is_chinese: bool, low: int, high: int) -> str:
        length = int(self._rng.integers(low, high))
        return self.chinese(length) if is_chinese else self.english(length)

    def _ranks(self, count: int, size: int) -> list[int]:
        """Places drawn with probability 1 / (place + 1), by the inverse of its cumulated sum."""
        return [int(p) for p in np.minimum(count - 1, (count + 1) ** self._rng.random(size) - 1)]


def synthetic_run(items: int, variants: int, seed: int = 5) -> FinishedRun:
    """A run whose first half of items is Chinese and whose second half is English."""
    writer, rng = Writer(seed), np.random.default_rng(seed + 1)
    samples = []
    for i in range(items):
        question, target = writer.write(i < items / 2, 40, 120), writer.write(i < items / 2, 8, 30)
        samples.append(Sample(id=f"s{i:05}", task="norm", input=question, targets=(target,)))
    names = [f"variant-{place + 1}" for place in range(variants)]
    examples = [writer.write(True, 60, 100) for _ in range(6)]
    passages = [writer.write(place % 2 == 0, 120, 240) for place in range(2_000)]
    right = rng.random((variants, items)) < np.linspace(0.4, 0.8, variants)[:, None]
    graded = np.where(right, 1.0, rng.random((variants, items)).round(3))
    predictions, scores = [], []
    for place, name in enumerate(names):
        for i, sample in enumerate(samples):
            answer = sample.targets[0] if right[place, i] else writer.write(i < items / 2, 8, 30)
            text = f"{writer.write(i < items / 2, 60, 140)} {answer}"
            shown = [passages[int(p)] for p in rng.integers(0, len(passages), 3)] if place % 3 == 2 else []
            predictions.append(prediction(sample, name, text, answer, examples if place % 3 == 1 else [], shown))
            reason = None if right[place, i] else f"expected {sample.targets[0]}, got {answer}"
            for metric, value in zip(METRICS, (float(right[place, i]), float(graded[place, i])), strict=True):
                scores.append(
                    Score(sample_id=sample.id, task="norm", variant=name, metric=metric, value=value, reason=reason)
                )
    return FinishedRun(
        run={"suite": {}},
        summary=summary(names, right, graded),
        samples=samples,
        predictions=predictions,
        scores=scores,
    )


def prediction(
    sample: Sample, variant: str, text: str, answer: str, examples: list[str], passages: list[str]
) -> Prediction:
    """An answer with the prompt of its kind of variant, as a chat template renders it."""
    shots = [Message(("user", "assistant")[place % 2], example) for place, example in enumerate(examples)]
    found = "\n".join(f"[{place + 1}] {passage}" for place, passage in enumerate(passages))
    ask = f"把下面的原始诊断改写为标准词，只输出标准词。\n{found}\n原始词：{sample.input}\n标准词："
    messages = (Message("system", "你是一名病案编码员，回答简短。"), *shots, Message("user", ask))
    turns = "".join(f"<|im_start|>{message.role}\n{message.content}<|im_end|>\n" for message in messages)
    return Prediction(
        sample_id=sample.id,
        task=sample.task,
        variant=variant,
        messages=messages,
        text=text,
        reading=Reading(answer),
        tokens_in=len(turns) // 2,
        tokens_out=len(text) // 2,
        seconds=0.05 + len(text) / 900,
        passages=tuple(
            {"number": place + 1, "id": f"p{place}", "text": passage, "rank": place + 1, "score": 0.5}
            for place, passage in enumerate(passages)
        ),
        rendered=f"{turns}<|im_start|>assistant\n",
    )


def summary(names: list[str], right: np.ndarray, graded: np.ndarray) -> Summary:
    info = MetricInfo(component="exact_match", settings={}, low=0.0, high=1.0, better="higher")
    results = tuple(
        Result(
            task="norm", variant=name, metric=metric, samples=right.shape[1], known=right.shape[1],
            mean=float(values[place].mean()), low=None, high=None,
        )
        for metric, values in zip(METRICS, (right, graded), strict=True)
        for place, name in enumerate(names)
    )  # fmt: skip
    metrics = {f"norm.{metric}": info for metric in METRICS}
    return Summary(
        name="explorer-benchmark", reference=names[0], headline=("norm.accuracy",), metrics=metrics, results=results,
        comparisons=(), usage=(),
    )  # fmt: skip


FILTER = """async () => {
  const field = document.querySelector("#filters select[name=outcome]");
  const times = [];
  for (const value of ["wrong", "right", "", "unknown", ""]) {
    const start = performance.now();
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    times.push(performance.now() - start);
  }
  return Math.max(...times);
}"""
SEARCH = """async (wanted) => {
  const field = document.querySelector("#filters input[name=q]");
  const start = performance.now();
  field.value = wanted;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  while (document.querySelector("#count").dataset.searching) await new Promise((done) => setTimeout(done, 10));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
READY = "() => performance.now()"


def browser_times(path: Path) -> Iterator[str]:
    """What a reader waits for, in Chromium, in milliseconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_selector("#items [role=row][data-item]", timeout=120_000)
        yield f"first paint {page.evaluate(PAINT):.0f} ms, items ready {page.evaluate(READY):.0f} ms"
        yield f"filter, the slowest of 5: {page.evaluate(FILTER):.0f} ms"
        yield f"first search {page.evaluate(SEARCH, 'vor'):.0f} ms, second {page.evaluate(SEARCH, 'vora'):.0f} ms"
        page.evaluate(SEARCH, "")
        start = time.perf_counter()
        page.keyboard.press("j")
        page.wait_for_selector("article.item")
        yield f"an item opened in {1000 * (time.perf_counter() - start):.0f} ms"
        yield f"height of the page {page.evaluate('document.documentElement.scrollHeight')} px"
        chromium.close()


if __name__ == "__main__":
    main()
