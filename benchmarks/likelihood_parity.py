"""Does log-likelihood scoring pick the same options as lm-evaluation-harness? Same model, same prompts, float32.

    DATA=… python benchmarks/likelihood_parity.py MODEL [SUBJECT …]

MODEL is a path as in a suite. Needs the extra `lm-eval` and the C-Eval csv files under $DATA/ceval.
Prints the share of items with the same option, the largest difference of log-probabilities, and the time of each.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.answers.choice import Choice
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.reader import Reader
from harness.components.registry import find
from harness.components.task import Task
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Cell, Generation
from harness.records.outputs import Prediction
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.text.templates import Template
from harness.text.variables import data_root

SHOTS = 5
TASK = """
task: {subject}
dataset_path: csv
dataset_kwargs:
  data_files: {{validation: {val}, dev: {dev}}}
output_type: multiple_choice
validation_split: validation
fewshot_split: dev
fewshot_config: {{sampler: first_n}}
num_fewshot: 5
doc_to_text: "{{{{question}}}}\\nA. {{{{A}}}}\\nB. {{{{B}}}}\\nC. {{{{C}}}}\\nD. {{{{D}}}}\\n答案："
doc_to_choice: ["A", "B", "C", "D"]
doc_to_target: "{{{{['A', 'B', 'C', 'D'].index(answer)}}}}"
metric_list: [{{metric: acc}}]
"""


def main() -> None:
    path, subjects = sys.argv[1], sys.argv[2:] or ["physician", "clinical_medicine"]
    model = HuggingFace(path=path, dtype="float32", device="cpu", format="plain")
    theirs_model = lm_eval_model(model, 4)
    same = total = 0
    worst = ours_s = theirs_s = 0.0
    for subject in subjects:
        began = time.perf_counter()
        ours = [prediction.logprobs for prediction in predict(model, subject)]
        middle = time.perf_counter()
        theirs = lm_eval_logprobs(theirs_model, subject)
        ours_s, theirs_s = ours_s + middle - began, theirs_s + time.perf_counter() - middle
        for mine, other in zip(ours, theirs, strict=True):
            assert mine is not None
            same += mine.index(max(mine)) == other.index(max(other))
            total += 1
            worst = max(worst, *(abs(a - b) for a, b in zip(mine, other, strict=True)))
        print(f"{subject}: {same}/{total} so far, largest difference {worst:.2g}", flush=True)
    print(f"same option: {same}/{total} = {same / total:.2%}; largest difference of log-probability {worst:.2g}")
    print(f"time: ours {ours_s:.0f} s, lm-eval {theirs_s:.0f} s, ratio {theirs_s / ours_s:.2f} (ours with loading)")


def predict(model: HuggingFace, subject: str, limit: int | None = None) -> list[Prediction]:
    """Our own way through: reader, prompt, variant, context; with a cache that is thrown away."""
    from baselines.variants.prompting import Prompting
    from harness.components.variant import Resources

    reader = find("reader", "ceval")(path=str(data_root() / "ceval"), subjects=[subject])
    assert isinstance(reader, Reader)
    data: Dataset = reader.read("ceval", 0)
    answer = Choice(by="loglikelihood")
    task = Task(
        name="ceval",
        data=data,
        template=Template(answer.default_prompt, "default"),
        system=None,
        answer=answer,
        generation=Generation(),
    )
    with tempfile.TemporaryDirectory() as scratch:
        cache = Cache(Path(scratch) / "calls.sqlite")
        context = Context({"model": model}, cache, Display(), 0)
        context.begin(Cell("ceval", "few-shot"))
        predictions = Prompting(model="model", shots=SHOTS).answer(task, data.test[:limit], context, Resources())
        cache.close()
    return predictions


def lm_eval_model(model: HuggingFace, batch_size: int) -> Any:
    """lm-eval's own `hf` with the same weights on the same device."""
    from lm_eval.models.huggingface import HFLM

    folder = str(model.weights_folder)
    return HFLM(pretrained=folder, dtype=model.dtype_name, device=model.device_name, batch_size=batch_size)


def lm_eval_logprobs(model: Any, subject: str, limit: int | None = None) -> list[list[float]]:
    """lm-eval's log-probabilities of the four options, item by item in the order of the file."""
    import lm_eval
    from lm_eval.tasks import TaskManager

    with tempfile.TemporaryDirectory() as scratch:
        files = {split: _same_columns(subject, split, Path(scratch)) for split in ("val", "dev")}
        (Path(scratch) / f"{subject}.yaml").write_text(TASK.format(subject=subject, **files), encoding="utf-8")
        result = lm_eval.simple_evaluate(
            model=model, tasks=[subject], limit=limit, bootstrap_iters=0, log_samples=True,
            task_manager=TaskManager(include_path=scratch, include_defaults=False),
        )  # fmt: skip
    samples = sorted(result["samples"][subject], key=lambda sample: sample["doc_id"])
    with (data_root() / f"ceval/val/{subject}_val.csv").open(encoding="utf-8") as file:
        questions = [row["question"] for row in csv.DictReader(file)]
    assert [sample["doc"]["question"] for sample in samples] == questions[:limit]
    return [[float(response[0][0]) for response in sample["resps"]] for sample in samples]


def _same_columns(subject: str, split: str, folder: Path) -> Path:
    """The csv without the explanation that only dev has: datasets wants equal columns in all splits."""
    columns = ["id", "question", "A", "B", "C", "D", "answer"]
    target = folder / f"{split}.csv"
    with (data_root() / f"ceval/{split}/{subject}_{split}.csv").open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return target


if __name__ == "__main__":
    main()
