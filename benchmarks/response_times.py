"""How long what must answer at once takes on the largest inputs that it is made for, and how that grows with length.

    python benchmarks/response_times.py [PART]

Prints CPU seconds for each input, and their ratio to the seconds for half of it: about 2 where the time grows with the
length, 4 where it grows with its square. PART chooses the lines that contain it. The page is opened in Chromium where
there is one; the two figures for it are wall seconds. Commands are timed from process start to end, the best of three.
"""

import json
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from data_folder import data_folder

from baselines.knowledge.parsing.splitting import Splitting
from baselines.knowledge.texts import Texts
from harness.answers.json import Json
from harness.components.reader import Reader
from harness.components.registry import find
from harness.metrics.meteor import Meteor
from harness.metrics.rouge import Rouge
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.statistics.bradley_terry import Battle, rank

CHROMIUM = Path("/usr/bin/chromium")
BRACES = ("{", "{ ", "{a", '{a"', '{\\"', "{}", "{'a': ", '"{', "{\n", '{a"{\\"', "甲{", '{"a":')
NOISE = ("a", "这是句子。", '他说"', 'Dr."', "e. ", "《", "1.", "\n", "'")
LOOPS = (
    ("的" * 10_000, "的" * 300),
    ("咳嗽三天" * 2_500, "三天咳嗽" * 75),
    ("患者咳嗽三天，伴发热，无明显诱因。" * 600, "患者无明显诱因咳嗽，伴发热三天。" * 20),
)
SUITE = """\
name: page
models:
  robot: {scripted: {rules: [{match: "词([0-9]*[02468])\\\\b", reply: "标准\\\\1"}], default: "不知道"}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 原始词, target: 标准词}}
    prompt: "把原始词改写为标准词：{{ input }}"
    metrics: {accuracy: exact_match}
variants:
  one: {prompting: {model: robot, shots: 5}}
  two: {prompting: {model: robot, shots: 5, pick: random}}
  three: {prompting: {model: robot, shots: 5, system: 你是病案编码员。}}
  four: {prompting: {model: robot, shots: 5, pick: random, system: 你是病案编码员。}}
"""
COMMANDS = (
    ["--help"],
    ["run", "--help"],
    ["list"],
    ["list", "metric"],
    ["list", "method", "lora"],
    ["check", "suite.yaml"],
)
Call = Callable[[], object]
Prepare = Callable[[float], Call]  # from the part of the whole length, 1 or 0.5, to what is timed


def main() -> None:
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as scratch:
        for name, prepare in cases(Path(scratch)):
            if part in name:
                whole, half = cpu_seconds(prepare(1)), cpu_seconds(prepare(0.5))
                print(f"{name}: {whole:.2f} s, {whole / half:.1f} × the time for half of it", flush=True)
        if part in "real terms":
            terms = str(data_folder("yidu-n7k/code.txt"))
            print(f"real terms: {cpu_seconds(lambda: Texts(path=terms, column=1).read()):.2f} s")
        for arguments in COMMANDS:
            name = f"command: harness {' '.join(arguments)}"
            if part in name:
                print("{}: {:.2f} s, {:.2f} CPU s".format(name, *command_seconds(Path(scratch), arguments)), flush=True)
        if part in "page of 20,000 predictions" and CHROMIUM.exists():
            print("page of 20,000 predictions: {:.1f} s to open, {:.2f} s to choose".format(*page(Path(scratch))))


def command_seconds(folder: Path, arguments: list[str]) -> tuple[float, float]:
    """The least wall seconds and the least CPU seconds of three processes of a command."""
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (folder / "test.tsv").write_text(table(0, 300), encoding="utf-8")
    (folder / "train.tsv").write_text(table(10**6, 200), encoding="utf-8")
    code = [sys.executable, "-c", "from harness.cli import main; main()", *arguments]
    seconds = []
    for _ in range(3):
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(code, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
        seconds.append((time.perf_counter() - began, cpu))
    return min(wall for wall, _ in seconds), min(cpu for _, cpu in seconds)


def table(start: int, count: int) -> str:
    return "原始词\t标准词\n" + "".join(f"词{i}\t标准{i}\n" for i in range(start, start + count))


def cpu_seconds(call: Call) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def cases(scratch: Path) -> Iterator[tuple[str, Prepare]]:
    """Everything that is timed at two lengths: its name, and what prepares it."""
    for unit in BRACES:
        name = f"answer: 20,000 characters of {unit!r} for JSON"
        yield name, lambda part, unit=unit: braces(unit, int(20_000 * part))
    for number, texts in enumerate(LOOPS, 1):
        yield f"metric: meteor of 10,000 characters, {number}", lambda part, texts=texts: meteor(*texts, part)
    yield "metric: rouge of 10,000 characters", rouge
    yield "ranking: six names on 500 items", lambda part: lambda: rank(battles("abcdef", int(500 * part)), seed=1)
    for name in ("jsonl", "json"):
        yield f"reader: 50,000 rows of {name}", lambda part, name=name: rows(scratch / name, name, int(50_000 * part))
    for unit in NOISE:
        yield f"splitting: 1 MB of {unit!r} into sentences", lambda part, unit=unit: pieces(unit, int(1_000_000 * part))
    yield "knowledge: a file of 1,050,000 characters on one line", lambda part: one_line(scratch / "k.txt", part)


def braces(unit: str, length: int) -> Call:
    reply, sample = (unit * length)[:length], Sample(id="1", task="t", input="q", targets=('{"a": "1"}',))
    return lambda: Json(fields=("a",)).read(sample, reply)


def meteor(answer: str, target: str, part: float) -> Call:
    score(Meteor(), "咳", "嗽")  # what is imported the first time
    return lambda: score(Meteor(), answer[: int(len(answer) * part)], target)


def rouge(part: float) -> Call:
    draw = random.Random(1)
    characters = [chr(0x4E00 + i) for i in range(600)]
    weights = [1 / (i + 1) for i in range(600)]
    answer = "。".join("".join(draw.choices(characters, weights, k=40)) for _ in range(250))
    score(Rouge(), "咳", "嗽")
    return lambda: score(Rouge(), answer[: int(len(answer) * part)], answer[:400])


def score(metric: Meteor | Rouge, answer: str, target: str) -> object:
    return metric.score(
        Sample(id="1", task="t", input="q", targets=(target,)),
        Prediction(sample_id="1", task="t", variant="v", messages=(), text=answer, reading=Reading(answer)),
    )


def battles(names: str, items: int) -> list[Battle]:
    """Every pair on every item, from known strengths 0, 0.4, 0.8, … and ν = 0.5."""
    rng = np.random.default_rng(8)
    made = []
    for item in range(items):
        for i, first in enumerate(names):
            for j in range(i + 1, len(names)):
                gap = 0.4 * (i - j)
                chances = np.array([math.exp(gap / 2), 0.5, math.exp(-gap / 2)])
                outcome = rng.choice([1.0, 0.5, 0.0], p=chances / chances.sum())
                made.append(Battle(str(item), first, names[j], float(outcome)))
    return made


def rows(path: Path, name: str, count: int) -> Call:
    lines = [
        json.dumps({"ask": f"第{i}个问题" * 5, "answer": "答" * 40, "n": i}, ensure_ascii=False) for i in range(count)
    ]
    text = "\n".join(lines) if name == "jsonl" else "[" + ",\n".join(lines) + "]"
    path.write_text(text, encoding="utf-8")
    reader = find("reader", name).model_validate({"path": str(path), "input": "ask", "target": "answer"})
    assert isinstance(reader, Reader)
    return lambda: reader.read("task", 42)


def pieces(unit: str, length: int) -> Call:
    text = unit * (length // len(unit))
    return lambda: Splitting(by="sentence", size=200, overlap=0).pieces(text)


def one_line(path: Path, part: float) -> Call:
    path.write_text("这是很长的一行" * int(150_000 * part), encoding="utf-8")
    return lambda: Texts(path=str(path), split={"by": "sentence", "size": 200}).read()


def page(scratch: Path) -> tuple[float, float]:
    """Wall seconds to open the page of 5,000 items × 4 variants with five examples each, and to filter it."""
    from playwright.sync_api import sync_playwright

    (scratch / "suite.yaml").write_text(SUITE, encoding="utf-8")
    (scratch / "test.tsv").write_text(table(0, 5_000), encoding="utf-8")
    (scratch / "train.tsv").write_text(table(10**6, 1_000), encoding="utf-8")
    command = [sys.executable, "-c", "from harness.cli import main; main()", "run", "suite.yaml"]
    subprocess.run(command, cwd=scratch, check=True, stdout=subprocess.DEVNULL)
    (report,) = scratch.rglob("report.html")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        began = time.perf_counter()
        tab.goto(report.as_uri())
        tab.wait_for_function("document.querySelector('#count').innerText === '5,000 of 5,000 items'")
        opened = time.perf_counter()
        tab.select_option("select[name=outcome]", "right")
        tab.wait_for_function("document.querySelector('#count').innerText === '2,500 of 5,000 items'")
        chosen = time.perf_counter()
        browser.close()
    return opened - began, chosen - opened


if __name__ == "__main__":
    main()
