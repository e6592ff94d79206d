"""Does a task of lm-eval give here, item by item, what lm-eval's own `hf` model gives? Same weights, float32.

    DATA=… MODEL=… python benchmarks/lm_eval_parity.py [--items 20] [--shots 5] [--subjects physician …]

MODEL is a path as in a suite, DATA the folder with ceval/ in it. Needs the extra `lm-eval`. The tasks are made for
this script: C-Eval subjects as multiple choice, and the first once more as a text that is written and searched for a
letter. Each is asked in running text and through the model's chat template, where it has one.
Prints items, equal picks or texts, equal values of metrics, the largest difference of log-probability, and the time.
"""

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.components.display import Display
from harness.components.scoring import Scoring
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Cell
from harness.records.outputs import Prediction
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.stages.prepare import prepare, resources_of
from harness.stages.score_metric import score_metric
from harness.suite.parser import load_suite
from harness.text.variables import data_root

SUBJECTS = ["physician", "clinical_medicine", "basic_medicine", "veterinary_medicine", "college_economics", "law"]
COLUMNS = ["id", "question", "A", "B", "C", "D", "answer"]
WRITTEN = "letter"
QUESTION = "{{question}}\nA. {{A}}\nB. {{B}}\nC. {{C}}\nD. {{D}}\n答案："
SUITE = """
models:
  chat: {{huggingface: {{path: "{model}", dtype: float32, device: cpu}}}}
  plain: {{huggingface: {{path: "{model}", dtype: float32, device: cpu, format: plain}}}}
tasks:
  t: {{lm_eval: {{tasks: {tasks}, include_path: tasks, limit: {items}, num_fewshot: {shots}}}}}
variants:
  running text: {{prompting: {{model: plain}}}}
  chat template: {{prompting: {{model: chat}}}}
""".replace("running text:", "running-text:").replace("chat template:", "chat-template:")
Values = Mapping[str, Mapping[str, float | None]]  # by metric and item


@dataclass
class Parity:
    """What was compared so far."""

    items: int = 0
    same: int = 0  # picks or texts
    values: int = 0
    same_values: int = 0
    worst: float = 0.0  # difference of log-probability


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--subjects", nargs="+", default=SUBJECTS)
    settings, model = parser.parse_args(), os.environ["MODEL"]
    folder = HuggingFace(path=model)._weights.folder()
    has_template = bool(HuggingFace(path=str(folder)).tokenizer.chat_template)
    for way in ("running-text", *(["chat-template"] if has_template else [])):
        parity, times = Parity(), [0.0, 0.0]
        with tempfile.TemporaryDirectory() as scratch:
            names = write_tasks(Path(scratch), settings.subjects)
            began = time.perf_counter()
            ours = answers(Path(scratch), str(folder), names, way, settings)
            times[0] = time.perf_counter() - began
            began = time.perf_counter()
            theirs = lm_eval_samples(Path(scratch) / "tasks", str(folder), names, way, settings)
            times[1] = time.perf_counter() - began
        for name in names:
            compare(*ours[name], theirs[name], parity)
        print(
            f"{way}: {len(names)} tasks, {parity.items} items; same pick or text {parity.same}/{parity.items}, same "
            f"value {parity.same_values}/{parity.values}, largest difference of log-probability {parity.worst:.2g}; "
            f"ours {times[0]:.0f} s, lm-eval {times[1]:.0f} s, ratio {times[0] / times[1]:.2f} (loading included)",
            flush=True,
        )


def write_tasks(folder: Path, subjects: Sequence[str]) -> list[str]:
    """The tasks' files, over copies of the csv files with the columns that all of them have; their names."""
    (folder / "tasks").mkdir()
    for subject in subjects:
        files = {split: str(_same_columns(subject, split, folder)) for split in ("val", "dev")}
        common = {
            "dataset_path": "csv", "dataset_kwargs": {"data_files": {"validation": files["val"], "dev": files["dev"]}},
            "validation_split": "validation", "fewshot_split": "dev", "fewshot_config": {"sampler": "first_n"},
            "doc_to_text": QUESTION,
        }  # fmt: skip
        chosen = {
            "output_type": "multiple_choice", "doc_to_choice": list("ABCD"), "target_delimiter": "",
            "doc_to_target": "{{['A', 'B', 'C', 'D'].index(answer)}}", "metric_list": _means("acc", "acc_norm"),
        }  # fmt: skip
        _write(folder, {"task": subject, **common, **chosen})
    written = {
        "output_type": "generate_until", "doc_to_target": "{{answer}}", "metric_list": _means("exact_match"),
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": 16, "do_sample": False},
        "filter_list": [{"name": "letter", "filter": [{"function": "regex", "regex_pattern": "([ABCD])"},
                                                      {"function": "take_first"}]}],
    }  # fmt: skip
    first = yaml.safe_load((folder / "tasks" / f"{subjects[0]}.yaml").read_text(encoding="utf-8"))
    kept = {key: value for key, value in first.items() if key not in ("doc_to_choice", "target_delimiter")}
    _write(folder, {**kept, **written, "task": WRITTEN})
    return [*subjects, WRITTEN]


def answers(
    folder: Path, model: str, names: Sequence[str], way: str, settings: argparse.Namespace
) -> dict[str, tuple[list[Prediction], Values]]:
    """By task, what a suite's variant answers and how it is scored; with a cache that is thrown away."""
    file = folder / "suite.yaml"
    file.write_text(SUITE.format(model=model, tasks=list(names), items=settings.items, shots=settings.shots), "utf-8")
    suite, found = load_suite(file), {}
    tasks = prepare(suite)
    with closing(Cache(folder / "calls.sqlite")) as cache:
        context = Context(suite.models, cache, Display(), 0)
        for name, task in tasks.items():
            context.begin(Cell(name, way))
            own = suite.variants[way].answer(task, task.data.test, context, resources_of(suite, tasks))
            values: dict[str, dict[str, float | None]] = {}
            for metric_name, metric in suite.metrics_of(task).items():
                scoring = Scoring(metric=metric_name, task=task, context=context)
                scores = score_metric(metric, task.data.test, own, scoring)
                values[metric_name] = {score.sample_id: score.value for score in scores}
            found[name.removeprefix("t-")] = (own, values)
        context.close()
    return found


def lm_eval_samples(
    tasks: Path, model: str, names: Sequence[str], way: str, settings: argparse.Namespace
) -> dict[str, list[dict[str, Any]]]:
    """By task, lm-eval's record of each item."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    is_chat = way == "chat-template"
    result = lm_eval.simple_evaluate(
        model="hf", model_args={"pretrained": model, "dtype": "float32"}, tasks=list(names), device="cpu",
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False), batch_size=4, log_samples=True,
        bootstrap_iters=0, limit=settings.items, num_fewshot=settings.shots, apply_chat_template=is_chat,
        fewshot_as_multiturn=is_chat,
    )  # fmt: skip
    return dict(result["samples"])


def compare(own: Sequence[Prediction], values: Values, samples: Sequence[Mapping[str, Any]], parity: Parity) -> None:
    """Count what one task's items have in common."""
    by_id = {prediction.sample_id: prediction for prediction in own}
    assert len(by_id) == len(samples)
    for sample in samples:
        prediction, replies = by_id[str(sample["doc_id"])], [reply[0] for reply in sample["resps"]]
        parity.items += 1
        if prediction.logprobs is None:
            parity.same += prediction.text == replies[0]
        else:
            told = [float(logprob) for logprob, _ in replies]
            parity.same += prediction.logprobs.index(max(prediction.logprobs)) == told.index(max(told))
            parity.worst = max(parity.worst, *(abs(a - b) for a, b in zip(prediction.logprobs, told, strict=True)))
        for metric in sample["metrics"]:
            parity.values += 1
            parity.same_values += values[metric][prediction.sample_id] == float(sample[metric])


def _means(*names: str) -> list[dict[str, Any]]:
    return [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in names]


def _write(folder: Path, task: Mapping[str, Any]) -> None:
    (folder / "tasks" / f"{task['task']}.yaml").write_text(yaml.safe_dump(dict(task), allow_unicode=True), "utf-8")


def _same_columns(subject: str, split: str, folder: Path) -> Path:
    """The csv without the explanation that only dev has: datasets wants equal columns in all splits."""
    target = folder / f"{subject}_{split}.csv"
    with (data_root() / f"ceval/{split}/{subject}_{split}.csv").open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return target


if __name__ == "__main__":
    main()
