"""A run with trained models: two families at three sizes, one method with three seeds, full fine-tuning; what they forgot
and which test items they had seen.

norm has the items n01 … n60. A variant that gets k of them right is right at i where 7 i mod 60 < k, as 7 and 60 share no
divisor: k values of i. Every interval reaches 9 points to either side of its mean, so two of them are apart where their
means differ by more than 18 points.
general has 100 items, asked of the base and of four models; right at i where 7 i mod 100 < k.
The items n01 … n06 stand elsewhere. 7 i mod 60 of them is 7, 14, 21, 28, 35, 42: zero-shot (k = 15) has two of them right,
13 of the other 54; full (51) all six, 45 of 54.
"""

import math
from statistics import stdev

from harness.records.figures import Comparison, MetricInfo, Overlap, Point, Result, Seeds, Twin, Usage
from harness.records.inputs import JSON, Message, Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary

TERMS = (("左膝关节置换术后疼痛", "膝关节疼痛"), ("右侧肩袖部分撕裂", "肩袖损伤"), ("双眼干涩伴视疲劳", "干眼症"))
ACCURACY = MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better="higher")
SEEDS = ("qlora-seed1", "qlora-seed2", "qlora-seed3")
RIGHT = {  # of 60
    "zero-shot": 15,  # 25 %
    "nearest": 24,  # 40 %
    "few-shot": 27,  # 45 %
    "rag": 36,  # 60 %
    "lora-50": 21,  # 35 %
    "lora-200": 33,  # 55 %
    "lora-800": 48,  # 80 %
    "bottleneck-50": 18,  # 30 %
    "bottleneck-200": 30,  # 50 %
    "bottleneck-800": 39,  # 65 %
    "qlora-seed1": 45,  # 75 %
    "qlora-seed2": 42,  # 70 %
    "qlora-seed3": 48,  # 80 %: the mean is 75 %, the deviations 0, −5, +5: √(50 / 2) = 5 points
    "full": 51,  # 85 %
}
KNOWS = {"smollm2": 61, "lora-800": 59, "bottleneck-800": 61, "qlora-seed1": 60, "full": 44}  # of 100, on general
LEARNT = tuple((entry, f"{entry}-{rows}", rows) for entry in ("lora", "bottleneck") for rows in (50, 200, 800))
GIB = 2**30


def right(k: int, i: int, n: int) -> bool:
    return 7 * i % n < k


def records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    samples, predictions, scores = [], [], []
    for task, n, counts in (("norm", 60, RIGHT), ("general", 100, KNOWS)):
        for i in range(1, n + 1):
            question, target = TERMS[i % 3]
            sample = Sample(id=f"{task[0]}{i:02}", task=task, input=f"{question}（{i}）", targets=(target,))
            samples.append(sample)
            for variant, k in counts.items():
                answer = target if right(k, i, n) else "别的词"
                messages = (Message("user", f"原始词：{sample.input}\n标准词："),)
                predictions.append(
                    Prediction(
                        sample_id=sample.id,
                        task=task,
                        variant=variant,
                        messages=messages,
                        text=answer,
                        reading=Reading(answer),
                        finish="stop",
                        tokens_in=40,
                        tokens_out=6,
                        seconds=0.1,
                    )
                )
                scores.append(
                    Score(
                        sample_id=sample.id, task=task, variant=variant, metric="accuracy", value=float(right(k, i, n))
                    )
                )
    return samples, predictions, scores


def result(task: str, variant: str, k: float, n: int) -> Result:
    mean = k / n
    return Result(
        task=task,
        variant=variant,
        metric="accuracy",
        samples=n,
        known=n,
        mean=mean,
        low=max(0.0, mean - 0.09),
        high=min(1.0, mean + 0.09),
    )


def compared(task: str, variant: str, reference: str, by: int, n: int, verdict: str) -> Comparison:
    """`by` items more right than the reference; the interval reaches 8 points to either side."""
    p = {"better": 0.004, "worse": 0.002, "inconclusive": 0.41}[verdict] if by else 1.0
    won, lost = max(by, 0) + 4, max(-by, 0) + 4
    return Comparison(
        task=task, metric="accuracy", variant=variant, reference=reference, samples=n, difference=by / n, low=by / n - 0.08, high=by / n + 0.08, p=p, p_adjusted=p, test="exact McNemar", wins=won, losses=lost,
        ties=n - won - lost, verdict=verdict, detectable=0.09, needed=400 if verdict == "inconclusive" else None,
    )  # fmt: skip


def against(reference: str) -> tuple[Comparison, ...]:
    """On norm: from 8 items (13.3 points) on, a difference is shown."""
    pooled = {name: k for name, k in RIGHT.items() if name not in SEEDS} | {"qlora": 45}
    records = []
    for variant, k in pooled.items():
        if variant != reference:
            by = k - RIGHT[reference]
            verdict = "inconclusive" if abs(by) < 8 else "better" if by > 0 else "worse"
            records.append(compared("norm", variant, reference, by, 60, verdict))
    return tuple(records)


FORGOTTEN = (
    compared("general", "lora-800", "smollm2", -2, 100, "inconclusive"),
    compared("general", "bottleneck-800", "smollm2", 0, 100, "inconclusive"),
    compared("general", "qlora-seed1", "smollm2", -1, 100, "inconclusive"),
    compared("general", "full", "smollm2", -17, 100, "worse"),
)
TWINS = (
    Twin(
        sample_id="n01",
        place="train.tsv:17",
        kind="exact",
        similarity=1.0,
        item="右侧肩袖部分撕裂（1）",
        row="右侧肩袖部分撕裂（1）",
    ),
    Twin(
        sample_id="n03",
        place="train.tsv:204",
        kind="normalised",
        similarity=1.0,
        item="左膝关节置换术后疼痛（3）",
        row="左膝关节置换术后疼痛 (3)。",
    ),
    Twin(
        sample_id="n04",
        place="train.tsv:388",
        kind="near",
        similarity=0.83,
        item="右侧肩袖部分撕裂（4）",
        row="右侧肩袖部分撕裂伤（4）",
    ),
)
MODELS = (*(model for _, model, _ in LEARNT), *SEEDS, "full")
OVERLAPS = (
    Overlap(
        task="norm",
        source="train rows of norm",
        models=MODELS[-4:],
        samples=60,
        exact=2,
        normalised=1,
        near=3,
        twins=TWINS,
    ),
    Overlap(task="norm", source="knowledge icd9", models=(), samples=60, exact=0, normalised=0, near=0, twins=()),
    Overlap(
        task="general",
        source="train rows of norm",
        models=MODELS[-4:],
        samples=100,
        exact=0,
        normalised=0,
        near=0,
        twins=(),
    ),
)


def clean() -> tuple[Result, ...]:
    records = []
    for variant, k in RIGHT.items():
        if variant not in SEEDS:
            records.append(result("norm", variant, sum(right(k, i, 60) for i in range(7, 61)), 54))
    pooled = sum(right(RIGHT[name], i, 60) for name in SEEDS for i in range(7, 61)) / 3
    return (*records, result("norm", "qlora", pooled, 54))


def usage() -> tuple[Usage, ...]:
    return tuple(
        Usage(
            task="norm",
            variant=name,
            samples=60,
            failed=0,
            unread=0,
            truncated=0,
            tokens_in=2400,
            tokens_out=360,
            seconds=6.0,
            prompts="4f1c2a9de5b8a1d0",
        )
        for name in RIGHT
    )


def summary() -> Summary:
    results = [result("norm", variant, k, 60) for variant, k in RIGHT.items() if variant not in SEEDS]
    results.append(result("norm", "qlora", 45, 60))
    means = tuple((name, RIGHT[name] / 60) for name in SEEDS)
    return Summary(
        name="clinical-terms, trained",
        reference="zero-shot",
        headline=("norm.accuracy",),
        metrics={"norm.accuracy": ACCURACY, "general.accuracy": ACCURACY},
        results=tuple(results),
        comparisons=against("zero-shot"),
        usage=usage(),
        floors=tuple(records for records in against("nearest") if records.variant != "zero-shot"),
        unaided=("nearest",),
        overlaps=OVERLAPS,
        clean=clean(),
        general=tuple(result("general", model, k, 100) for model, k in KNOWS.items()),
        forgotten=FORGOTTEN,
        seeds=(
            Seeds(
                task="norm",
                metric="accuracy",
                variant="qlora",
                members=means,
                deviation=stdev(mean for _, mean in means),
            ),
        ),
        curve=tuple(Point(*point) for point in LEARNT),
    )


METHODS: dict[str, JSON] = {
    "lora": {"lora": {"r": 8, "alpha": None, "dropout": 0.0, "targets": "all-linear", "rslora": False, "dora": False}},
    "bottleneck": {"bottleneck": {"width": 64, "activation": "gelu"}},
    "qlora": {"qlora": {"r": 16, "alpha": 32.0, "dropout": 0.05, "targets": ["q_proj", "v_proj"], "dora": False}},
    "full": {"full": {}},
}
TRAINED = {"lora": 2_442_240, "bottleneck": 2_232_000, "qlora": 921_600, "full": 134_515_008}
FINAL = {"lora": 0.42, "bottleneck": 0.61, "qlora": 0.5, "full": 0.35}  # the loss approached


def losses(rows: int, steps: int, floor: float) -> tuple[list[JSON], list[JSON]]:
    """Falling losses with a wave for noise; the validation loss turns up again after two thirds."""
    rate = [
        2e-4 * min(1.0, step / (0.05 * steps + 1)) * (1 + math.cos(math.pi * step / steps)) / 2
        for step in range(steps + 1)
    ]
    stride = max(1, steps // 40)
    fall = 3.0 * (0.5 + 50 / (rows + 50))
    train = [
        [step, floor + 2.4 * math.exp(-fall * step / steps) + 0.08 * math.sin(2.7 * step), rate[step]]
        for step in range(stride, steps + 1, stride)
    ]
    looks = [max(1, steps * look // 6) for look in range(1, 7)]
    up = [0.0, 0.0, 0.0, 0.0, 0.25, 0.45]
    validation = [
        [step, floor + 0.25 + 2.2 * math.exp(-fall * step / steps) + up[look]] for look, step in enumerate(looks)
    ]
    return train, validation


def training(entry: str, model: str, rows: int, seed: int = 42) -> dict[str, JSON]:
    """3 epochs of 16 rows a step; 0.5 s a step for all but full (1.5 s)."""
    steps = math.ceil(rows * 3 / 16)
    seconds = steps * (1.5 if entry == "full" else 0.5)
    train, validation = losses(rows, steps, FINAL[entry] + 10 / rows)
    record: dict[str, JSON] = {
        "inputs": f"sha256:{model}",
        "method": METHODS[entry],
        "recipe": {
            "epochs": 3.0, "max_steps": None, "learning_rate": None, "batch_size": 16, "accumulation": 1, "cutoff": 512,
            "schedule": "cosine", "warmup": 0.05, "weight_decay": 0.0, "packing": False, "precision": "auto", "seed": None,
        },
        "seed": seed, "base": "HuggingFaceTB/SmolLM2-135M-Instruct", "precision": "bfloat16", "learning_rate": 2e-4,
        "batch_size": 8 if entry == "full" else 16, "accumulation": 2 if entry == "full" else 1, "steps": steps,
        "epochs": 3.0, "rows": rows, "rows_cut": 3 if entry == "full" else 0, "rows_dropped": 2 if entry == "full" else 0,
        "rows_split": 0, "examples": rows * 3, "tokens": rows * 3 * 96, "labelled_tokens": rows * 3 * 9,
        "seconds": seconds, "examples_per_second": rows * 3 / seconds, "tokens_per_second": rows * 3 * 96 / seconds,
        "peak_memory": int((5.1 if entry == "full" else 1.5) * GIB), "trainable_parameters": TRAINED[entry],
        "total_parameters": 134_515_008 + (0 if entry == "full" else TRAINED[entry]), "loss": train,
        "validation": validation, "best_step": validation[3][0],
        "hardware": {"device": "cuda", "name": "made-up GPU", "threads": 8},
        "packages": {"python": "3.11.9", "torch": "2.13.0", "transformers": "5.23.0", "peft": "0.21.0"},
    }  # fmt: skip
    composition = [{"source": "train rows of norm", "rows": rows, "of": 800}]
    if entry == "full":
        composition.append({"source": "mix general.json", "rows": 400, "of": 52_000})
    estimate = {
        "weights": int(0.5 * GIB),
        "gradients": int(0.1 * GIB),
        "optimiser": int(0.2 * GIB),
        "activations": int((3.6 if entry == "full" else 0.4) * GIB),
        "cache": 0,
        "other": int(0.05 * GIB),
    }
    stage = {"stage": "sft", "reused": model == "lora-50", "record": record, "composition": composition}
    return {
        "entry": entry, "base": "smollm2", "rows": rows, "seed": seed,
        "stages": [{**stage, "estimate": None if entry == "bottleneck" else estimate}],
    }  # fmt: skip


TRAINING: dict[str, JSON] = (
    {model: training(entry, model, rows) for entry, model, rows in LEARNT}
    | {model: training("qlora", model, 800, seed) for seed, model in enumerate(SEEDS, 1)}
    | {"full": training("full", "full", 800)}
)
RUN: dict[str, JSON] = {
    "suite": {"name": "clinical-terms", "path": "suite.yaml", "text": "name: clinical-terms\n", "prompts": {}},
    "status": "complete",
    "seed": 42,
    "variants": {
        name: {"component": "Prompting", "settings": {"model": name if name in TRAINING else "smollm2"}}
        for name in RIGHT
        if name != "nearest"
    },
    "training": TRAINING,
}
