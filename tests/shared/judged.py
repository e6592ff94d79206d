"""A run with judges: one trusted and calibrated, a panel with one that is not, a ranking, human scores, confusions.

report has the items r01 … r40, five variants. quality is judged by qwen3 alone, style by a panel of qwen3 and gemma3, and
gemma3's κ of 0.21 demotes it; preference is judged by qwen3 and ranks the variants. Whoever stands d places behind loses
18 + 3d of 40 duels, ties 10 and wins 12 − 3d: lora, the first, wins 21 + 24 + 27 + 30 = 102 of 160 and ties 40, which is
a rate of (102 + 40 / 2) / 160 = 76.25 %. The strengths and intervals are what harness.statistics.bradley_terry makes of these duels.
triage has 60 items of six departments, and a column for answers that are none; each department has 10 items.
"""

from dataclasses import replace
from itertools import combinations

from harness.records.figures import Comparison, Confusion, MetricInfo, Result, Summary, Usage
from harness.records.inputs import JSON, Message, Sample
from harness.records.judgements import (
    Agreed,
    Calibration,
    Corrected,
    HumanMean,
    Judging,
    Panel,
    Ranked,
    Ranking,
    Reliability,
    Standing,
    Tally,
)
from harness.records.outputs import Prediction, Reading, Score

LONG = "<b>lora</b> & rag, merged after three epochs on all departments, seed 42"
VARIANTS = ("zero-shot", "few-shot", "rag", LONG, "lora")
JUDGE = {
    "rubric": "clinical",
    "language": "zh",
    "repeats": 3,
    "temperature": 0.0,
    "max_tokens": 1024,
    "combine": "mean",
}
QUALITY = MetricInfo("Judge", {"model": "qwen3", **JUDGE}, 1.0, 5.0, "higher")
STYLE = MetricInfo("Judge", {"model": ["qwen3", "gemma3"], **JUDGE, "rubric": "score100"}, 0.0, 100.0, "higher")
PREFERENCE = MetricInfo("Pairwise", {"model": "qwen3", "rubric": "clinical", "against": "all"}, 0.0, 1.0, "higher")
METRICS = {
    "report.quality": QUALITY,
    "report.quality.faithful": QUALITY,
    "report.quality.complete": QUALITY,
    "report.style": STYLE,
    "report.preference": PREFERENCE,
    "report.bleu": MetricInfo("Bleu", {"tokenize": "zh"}, 0.0, 100.0, "higher", corpus=True),
    "report.bertscore": MetricInfo("BertScore", {"model": "bert-base-chinese", "layer": 8}, -1.0, 1.0, "higher"),
    "report.perplexity": MetricInfo("Perplexity", {}, 1.0, 1e9, "lower", corpus=True),
    "triage.f1": MetricInfo("Classification", {"average": "macro"}, 0.0, 1.0, "higher", corpus=True),
}
MEANS = {  # by variant, in the order of VARIANTS; half the width of the interval
    "quality": ((2.91, 3.12, 3.48, 3.97, 4.21), 0.22),
    "quality.faithful": ((3.02, 3.18, 3.71, 4.02, 4.18), 0.25),
    "quality.complete": ((2.80, 3.06, 3.25, 3.92, 4.24), 0.27),
    "style": ((61.4, 63.0, 66.2, 78.9, 74.1), 3.1),
    "preference": ((0.2375, 0.36875, 0.5, 0.63125, 0.7625), 0.07),
    "bleu": ((18.42, 21.07, 24.66, 30.13, 33.9), 2.4),
    "bertscore": ((0.7012, 0.7133, 0.7346, 0.7719, 0.7794), 0.012),
    "perplexity": ((14.62, 11.08, 9.964, 4.137, 3.982), 0.6),
}
DEPARTMENTS = ("心血管内科", "神经内科", "骨科", "眼科", "消化内科", "呼吸与危重症医学科", "(no label)")
TRIAGED = {
    "zero-shot": (
        (6, 2, 0, 0, 1, 1, 0),
        (1, 7, 0, 1, 0, 0, 1),
        (0, 3, 6, 0, 0, 0, 1),
        (0, 0, 0, 10, 0, 0, 0),
        (2, 0, 0, 0, 5, 3, 0),
        (4, 0, 0, 0, 0, 4, 2),
    ),
    "lora": (
        (9, 1, 0, 0, 0, 0, 0),
        (0, 10, 0, 0, 0, 0, 0),
        (0, 1, 9, 0, 0, 0, 0),
        (0, 0, 0, 10, 0, 0, 0),
        (1, 0, 0, 0, 9, 0, 0),
        (2, 0, 0, 0, 0, 8, 0),
    ),
}
F1 = {"zero-shot": 0.638, "lora": 0.917}
CALIBRATION = Calibration(
    "qwen3", "sha256:4f1c", "doctors.jsonl", "sha256:81be", False, 120, 2, 0, Agreed(118, 0.602, 0.62, 0.51, 0.71),
    0.71, 0.58, 3, Agreed(120, 0.64, 0.79), 0.77, None, "2026-11-20T08:12:00+00:00",
)  # fmt: skip
POOR = replace(
    CALIBRATION, judge="gemma3", unreadable=0, against=Agreed(120, 0.37, 0.21, 0.08, 0.33), spearman=0.24, kendall=0.19
)
PAIRS = replace(
    CALIBRATION, pairwise=True, labels="pairs.jsonl", against=Agreed(118, 0.72, 0.49, 0.42, 0.56), spearman=None,
    kendall=None, ceiling=Agreed(120, 0.91, 0.86), fleiss=0.85, flips=0.14,
)  # fmt: skip
LOCAL = "Qwen3-8B, Q4_K_M, by Ollama at localhost:11434, num_ctx 8,192"
RELIABLE = Reliability(
    "report", "quality", "qwen3", LOCAL, "clinical (zh)", False, 600, 4, 0, 11, 3, 0.18, None, 0, None, 0.31, (), (),
    742_000, 96_000, 1_260.0, CALIBRATION, (),
)  # fmt: skip
DOUBT = "its κ against people is 0.21, less than 0.4"
RELIABILITY = (
    RELIABLE,
    replace(
        RELIABLE, metric="style", rubric="score100 (zh)", judgements=200, unreadable=0, retried=0, repeats=1, noise=None,
        length=0.05, calibration=replace(CALIBRATION, labels="style.jsonl"),
    ),
    replace(
        RELIABLE, metric="style", judge="gemma3", description="Gemma-3-4B, Q4_K_M", rubric="score100 (zh)",
        judgements=200, unreadable=3, failed=1, retried=0, repeats=1, noise=None, length=0.56, kin=("few-shot",),
        itself=("zero-shot", LONG), calibration=POOR, doubts=(DOUBT,),
    ),
    replace(
        RELIABLE, metric="preference", pairwise=True, judgements=800, unreadable=6, retried=9, repeats=1, noise=None,
        flips=0.115, pairs=400, position_p=0.021, length=0.24, calibration=PAIRS,
    ),
)  # fmt: skip
STRENGTHS = (
    (1.4547, 1.1637, 1.8464, 0.7625),
    (0.6943, 0.2969, 1.1681, 0.63125),
    (0.0, -0.4626, 0.4429, 0.5),
    (-0.6943, -1.0430, -0.3977, 0.36875),
    (-1.4547, -1.7126, -1.2561, 0.2375),
)
HUMAN = (  # zero-shot is judged too well: people give less
    HumanMean("report", "quality", "zero-shot", Corrected(2.43, 2.19, 2.67, 0.74, 12, 28, 2.91), 0),
    HumanMean("report", "quality", LONG, Corrected(3.88, 3.61, 4.15, 0.81, 12, 28, 3.97), 0),
    HumanMean("report", "quality", "lora", Corrected(4.02, 3.8, 4.24, 0.69, 10, 30, 4.21), 2),
)
REASON = (
    "faithful 4: 主诉、现病史与对话一致，体温和病程均未改动；“可能为病毒性上呼吸道感染”这一不确定的说法被写成了肯定的诊断，因此扣分。"
    "complete 3: 漏掉了既往青霉素过敏史，以及医生要求三日后复诊的安排；其余要点（症状、检查、处理）齐全。"
)


def ranking() -> Ranking:
    first = VARIANTS[::-1]
    standings = tuple(Standing(name, *figures) for name, figures in zip(first, STRENGTHS, strict=True))
    tallies = []
    for (i, variant), (j, rival) in combinations(enumerate(first), 2):
        won, lost = 18 + 3 * (j - i), 12 - 3 * (j - i)
        tallies += [Tally(variant, rival, won, 10, lost), Tally(rival, variant, lost, 10, won)]
    return Ranking(standings, tuple(tallies), 0.87, 40, 400, 4, (first,), True, 0.0, 1000, 0.0, True, "")


def results() -> tuple[Result, ...]:
    records = [
        Result("report", variant, metric, 40, 40, mean, mean - half, mean + half)
        for metric, (means, half) in MEANS.items()
        for variant, mean in zip(VARIANTS, means, strict=True)
    ]
    records += [Result("triage", variant, "f1", 60, 60, f1, f1 - 0.08, f1 + 0.07) for variant, f1 in F1.items()]
    return tuple(records)


def comparisons() -> tuple[Comparison, ...]:
    records = []
    for metric, (means, half) in MEANS.items():
        for variant, mean in zip(VARIANTS[1:], means[1:], strict=True):
            by = mean - means[0]
            sign = -1 if metric == "perplexity" else 1
            verdict = "better" if sign * by > 1.3 * half else "inconclusive"
            p = 0.002 if verdict == "better" else 0.21
            records.append(
                Comparison(
                    "report", metric, variant, "zero-shot", 40, by, by - 1.3 * half, by + 1.3 * half, p, p,
                    "sign-flip permutation", 24, 9, 7, verdict, 1.4 * half, None if verdict == "better" else 95,
                )
            )  # fmt: skip
    records.append(
        Comparison(
            "triage", "f1", "lora", "zero-shot", 60, 0.279, 0.16, 0.39, 0.0004, 0.0008, "approximate randomisation", 18, 1, 41,
            "better", 0.15, None,
        )
    )  # fmt: skip
    return tuple(records)


def summary() -> Summary:
    """The judge of quality may decide, and so may the department; style was demoted."""
    return Summary(
        "clinic-reports, judged",
        "zero-shot",
        ("report.quality", "triage.f1"),
        METRICS,
        results(),
        comparisons(),
        tuple(Usage("report", name, 40, 0, 0, 0, 24_000, 9_200, 64.0, "4f1c2a9de5b8a1d0") for name in VARIANTS),
        confusions=tuple(Confusion("triage", "f1", name, DEPARTMENTS, counts) for name, counts in TRIAGED.items()),
        judging=Judging(
            RELIABILITY,
            (Panel("report", "style", ("qwen3", "gemma3"), 11.4, 200),),
            (Ranked("report", "preference", ranking()),),
            HUMAN,
            {"report.style": f"gemma3: {DOUBT}"},
        ),
    )


def records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    samples, predictions, scores = [], [], []
    for i in range(1, 41):
        talk = "患者：发热三天，最高 38.5 ℃，咽痛。\n医生：对什么药过敏吗？\n患者：青霉素。\n医生：先查血常规，三日后复诊。"
        sample = Sample(f"r{i:02}", "report", f"{talk}（{i}）", ("主诉：发热伴咽痛三天。过敏史：青霉素。",))
        samples.append(sample)
        for place, variant in enumerate(VARIANTS):
            text = f"主诉：发热伴咽痛三天。{'过敏史：青霉素。' if place > 1 else ''}"
            messages = (Message("user", f"把对话写成病历：\n{sample.input}"),)
            predictions.append(
                Prediction(sample.id, "report", variant, messages, text, Reading(text), "stop", 600, 230, 1.6)
            )
            value = 3.0 + (i + place) % 3 * 0.5
            panel = f"qwen3: 语言规范，条理清楚。\ngemma3: {REASON}\n第二行。"
            scores += [
                Score(sample.id, "report", variant, "quality", value, REASON * 2),
                Score(sample.id, "report", variant, "quality.faithful", 4.0, "体温和病程均未改动。"),
                Score(sample.id, "report", variant, "style", 60.0 + place * 4.25, panel),
                Score(sample.id, "report", variant, "preference", place / 4, "tied with rag; better than zero-shot"),
                Score(sample.id, "report", variant, "perplexity", 12.04 - place, None),
            ]
    return samples, predictions, scores


RUN: dict[str, JSON] = {
    "suite": {"name": "clinic-reports", "path": "suite.yaml", "text": "name: clinic-reports\n", "prompts": {}},
    "status": "complete",
    "seed": 42,
    "judges": {
        "qwen3": {"component": "Ollama", "settings": {"model": "qwen3:8b", "num_ctx": 8192}, "description": LOCAL}
    },
}
