"""At what speed servers are asked that answer one call after the other, or several at once.

    python benchmarks/serving.py [SECONDS] [PART]

SECONDS is what a reply takes, 1 unless another is named; PART chooses the lines that contain it. The servers are the
tests' stand-ins, each in a process of its own. Every line is measured twice: through the model alone, and as the wall
time of the cell and of the whole process of `harness run`. Held: a server of one call at a time answers all of 40 calls
within 44 times that of one, though no reply may fall silent for longer than two of them; one of eight at once is at
least six times as fast for 8 workers and `auto` as for one; the seconds of an Ollama's cell sum up to its wall time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.components.text_model import TextModel
from harness.models.ollama import Ollama
from harness.models.openai import OpenAI
from harness.records.inputs import Generation, Message
from tests.shared.ollama_stand_in import Script, StandIn, serving
from tests.shared.openai_stand_in import Hosted

ITEMS = 40
SUITE = """\
name: serving
models: {{m: {{{kind}: {{model: judge, {field}: "{place}", timeout: {timeout}, workers: {workers}}}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: question, target: answer}}}}
    prompt: "{{{{ input }}}}"
    metrics: {{accuracy: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""
SERVER = "from benchmarks.serving import serve; serve({kind!r}, {parallel}, {seconds})"


def main() -> None:
    arguments = sys.argv[1:]
    seconds = next((float(argument) for argument in arguments if argument.replace(".", "").isdigit()), 1.0)
    part = next((argument for argument in arguments if not argument.replace(".", "").isdigit()), "")
    for name, kind, parallel in (
        ("one call at a time", "openai", 1),
        ("eight at once", "openai", 8),
        ("Ollama", "ollama", 1),
    ):
        if part in name:
            measure(name, kind, parallel, seconds)


def measure(name: str, kind: str, parallel: int, seconds: float) -> None:
    alone: dict[str, float] = {}
    cells: dict[str, float] = {}
    for workers in ("1", "8", "auto"):
        if parallel == 1 and workers == "1":
            continue
        with server(kind, parallel, seconds) as place:
            alone[workers], answered = through_model(model(kind, place, workers, seconds))
        with server(kind, parallel, seconds) as place:
            cell, process, asked, summed = through_run(kind, place, workers, seconds)
        cells[workers] = cell
        print(
            f"{name}, workers: {workers}: the model alone {alone[workers]:.1f} s, {answered} of {ITEMS} answered; "
            f"harness run {cell:.1f} s for its cell ({process:.1f} s in all), {asked} of {ITEMS} answered, "
            f"their seconds sum up to {summed / cell:.2f} of the cell's",
            flush=True,
        )
    for workers in cells.keys() - {"1"} if "1" in cells else ():
        gains = alone["1"] / alone[workers], cells["1"] / cells[workers]
        print("{}, workers: {}: {:.2f} × one worker, in a run {:.2f} ×".format(name, workers, *gains))
    if parallel == 1:
        longest = max([*alone.values(), *cells.values()])
        print(f"{name}: at most {longest / seconds:.1f} times the time of one call, of {ITEMS}")


def model(kind: str, place: str, workers: str, seconds: float) -> TextModel:
    fields = {"model": "judge", "timeout": 2 * seconds, "workers": workers if workers == "auto" else int(workers)}
    if kind == "ollama":
        return Ollama(host=place, **fields)
    return OpenAI(url=f"{place}/v1", **fields)


def through_model(model: TextModel) -> tuple[float, int]:
    """Wall seconds of all calls, and how many were answered."""
    model.check()
    began = time.monotonic()
    prompts = [(Message("user", f"Question {number}"),) for number in range(ITEMS)]
    completions = model.generate(prompts, Generation(), [0] * ITEMS)
    seconds = time.monotonic() - began
    model.close()
    return seconds, sum(completion.finish == "stop" for completion in completions)


def through_run(kind: str, place: str, workers: str, seconds: float) -> tuple[float, float, int, float]:
    """Wall seconds of the cell and of the process, how many were answered, and the sum of their seconds."""
    field, address = ("host", place) if kind == "ollama" else ("url", f"{place}/v1")
    rows = "".join(json.dumps({"question": f"Question {number}", "answer": "fine"}) + "\n" for number in range(ITEMS))
    with tempfile.TemporaryDirectory() as folder:
        suite = SUITE.format(kind=kind, field=field, place=address, timeout=2 * seconds, workers=workers)
        Path(folder, "suite.yaml").write_text(suite)
        Path(folder, "rows.jsonl").write_text(rows)
        command = [sys.executable, "-c", "from harness.cli import main; main()", "run", "suite.yaml", "--out", "out"]
        began = time.monotonic()
        subprocess.run(
            command, cwd=folder, check=True, stdout=subprocess.DEVNULL,
            env={**os.environ, "HARNESS_CACHE": f"{folder}/cache", "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        process = time.monotonic() - began
        (cell,) = json.loads(Path(folder, "out", "run.json").read_text())["cells"]
        lines = Path(folder, "out", "predictions.jsonl").read_text().splitlines()
    predictions = [json.loads(line) for line in lines]
    answered = sum(prediction["finish"] == "stop" for prediction in predictions)
    return cell["seconds"], process, answered, sum(prediction["seconds"] for prediction in predictions)


@contextmanager
def server(kind: str, parallel: int, seconds: float) -> Iterator[str]:
    """A server in a process of its own; gives its address."""
    code = SERVER.format(kind=kind, parallel=parallel, seconds=seconds)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def serve(kind: str, parallel: int, seconds: float) -> None:
    engine = Script(lambda body: "fine", seconds=seconds)
    stand_in = (
        StandIn(engine, parallel=parallel) if kind == "ollama" else Hosted(engine, model="judge", parallel=parallel)
    )
    with serving(stand_in):
        print(stand_in.place, flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    main()
