"""A run with judges: one trusted and calibrated, a panel with one that is not, a ranking, human scores, confusions.

report has the items r01 … r40, five variants. quality is judged by qwen3 alone, style by a panel of qwen3 and gemma3, and
gemma3's κ of 0.21 demotes it; preference is judged by qwen3 and ranks the variants. Whoever stands d places behind loses
18 + 3d of 40 duels, ties 10 and wins 12 − 3d: lora, the first, wins 21 + 24 + 27 + 30 = 102 of 160 and ties 40, which is
a rate of (102 + 40 / 2) / 160 = 76.25 %. The strengths and intervals are what harness.statistics.bradley_terry makes of these duels.
triage has 60 items of six departments, and a column for answers that are none; each department has 10 items.
"""

from dataclasses import replace
from itertools import combinations

from harness.records.decisions import Statement
from harness.records.figures import Comparison, Confusion, MetricInfo, Result, Usage
from harness.records.inputs import JSON, Message, Sample
from harness.records.judgements import (
    Agreed,
    Calibration,
    Corrected,
    HumanMean,
    Judging,
    PairResult,
    Panel,
    Ranked,
    Ranking,
    Reliability,
    Standing,
)
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary

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
QUALITY = MetricInfo(component="Judge", settings={"model": "qwen3", **JUDGE}, low=1.0, high=5.0, better="higher")
STYLE = MetricInfo(
    component="Judge",
    settings={"model": ["qwen3", "gemma3"], **JUDGE, "rubric": "score100"},
    low=0.0,
    high=100.0,
    better="higher",
)
PREFERENCE = MetricInfo(
    component="Pairwise",
    settings={"model": "qwen3", "rubric": "clinical", "against": "all"},
    low=0.0,
    high=1.0,
    better="higher",
)
METRICS = {
    "report.quality": QUALITY,
    "report.quality.faithful": QUALITY,
    "report.quality.complete": QUALITY,
    "report.style": STYLE,
    "report.preference": PREFERENCE,
    "report.bleu": MetricInfo(
        component="Bleu", settings={"tokenize": "zh"}, low=0.0, high=100.0, better="higher", corpus=True
    ),
    "report.bertscore": MetricInfo(
        component="BertScore", settings={"model": "bert-base-chinese", "layer": 8}, low=-1.0, high=1.0, better="higher"
    ),
    "report.perplexity": MetricInfo(
        component="Perplexity", settings={}, low=1.0, high=1e9, better="lower", corpus=True
    ),
    "triage.f1": MetricInfo(
        component="Classification", settings={"average": "macro"}, low=0.0, high=1.0, better="higher", corpus=True
    ),
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
    judge="qwen3",
    identity="sha256:4f1c",
    labels="doctors.jsonl",
    labels_digest="sha256:81be",
    pairwise=False,
    items=120,
    unreadable=2,
    failed=0,
    against=Agreed(items=118, agreement=0.602, kappa=0.62, low=0.51, high=0.71),
    spearman=0.71,
    kendall=0.58,
    annotators=3,
    ceiling=Agreed(items=120, agreement=0.64, kappa=0.79),
    fleiss=0.77,
    flips=None,
    when="2026-11-20T08:12:00+00:00",
)
POOR = replace(
    CALIBRATION,
    judge="gemma3",
    unreadable=0,
    against=Agreed(items=120, agreement=0.37, kappa=0.21, low=0.08, high=0.33),
    spearman=0.24,
    kendall=0.19,
)
PAIRS = replace(
    CALIBRATION,
    pairwise=True,
    labels="pairs.jsonl",
    against=Agreed(items=118, agreement=0.72, kappa=0.49, low=0.42, high=0.56),
    spearman=None,
    kendall=None,
    ceiling=Agreed(items=120, agreement=0.91, kappa=0.86),
    fleiss=0.85,
    flips=0.14,
)
LOCAL = "Qwen3-8B, Q4_K_M, by Ollama at localhost:11434, num_ctx 8,192"
RELIABLE = Reliability(
    task="report",
    metric="quality",
    judge="qwen3",
    description=LOCAL,
    rubric="clinical (zh)",
    pairwise=False,
    judgements=600,
    unreadable=4,
    failed=0,
    retried=11,
    repeats=3,
    noise=0.18,
    flips=None,
    pairs=0,
    position_p=None,
    length=0.31,
    kin=(),
    itself=(),
    tokens_in=742_000,
    tokens_out=96_000,
    seconds=1_260.0,
    calibration=CALIBRATION,
    doubts=(),
)
DOUBT = "its κ against people is 0.21, less than 0.4"
RELIABILITY = (
    RELIABLE,
    replace(
        RELIABLE,
        metric="style",
        rubric="score100 (zh)",
        judgements=200,
        unreadable=0,
        retried=0,
        repeats=1,
        noise=None,
        length=0.05,
        calibration=replace(CALIBRATION, labels="style.jsonl"),
    ),
    replace(
        RELIABLE,
        metric="style",
        judge="gemma3",
        description="Gemma-3-4B, Q4_K_M",
        rubric="score100 (zh)",
        judgements=200,
        unreadable=3,
        failed=1,
        retried=0,
        repeats=1,
        noise=None,
        length=0.56,
        kin=("few-shot",),
        itself=("zero-shot", LONG),
        calibration=POOR,
        doubts=(DOUBT,),
        statements=(Statement("judge_doubts.low_kappa", {"kappa": "0.21", "least": "0.4"}),),
    ),
    replace(
        RELIABLE,
        metric="preference",
        pairwise=True,
        judgements=800,
        unreadable=6,
        retried=9,
        repeats=1,
        noise=None,
        flips=0.115,
        pairs=400,
        position_p=0.021,
        length=0.24,
        calibration=PAIRS,
    ),
)
STRENGTHS = (
    (1.4547, 1.1637, 1.8464, 0.7625),
    (0.6943, 0.2969, 1.1681, 0.63125),
    (0.0, -0.4626, 0.4429, 0.5),
    (-0.6943, -1.0430, -0.3977, 0.36875),
    (-1.4547, -1.7126, -1.2561, 0.2375),
)
HUMAN = (  # zero-shot is judged too well: people give less
    HumanMean(
        task="report",
        metric="quality",
        variant="zero-shot",
        corrected=Corrected(mean=2.43, low=2.19, high=2.67, lam=0.74, labelled=12, unlabelled=28, judged_mean=2.91),
        unmatched=0,
    ),
    HumanMean(
        task="report",
        metric="quality",
        variant=LONG,
        corrected=Corrected(mean=3.88, low=3.61, high=4.15, lam=0.81, labelled=12, unlabelled=28, judged_mean=3.97),
        unmatched=0,
    ),
    HumanMean(
        task="report",
        metric="quality",
        variant="lora",
        corrected=Corrected(mean=4.02, low=3.8, high=4.24, lam=0.69, labelled=10, unlabelled=30, judged_mean=4.21),
        unmatched=2,
    ),
)
REASON = (
    "faithful 4: 主诉、现病史与对话一致，体温和病程均未改动；“可能为病毒性上呼吸道感染”这一不确定的说法被写成了肯定的诊断，因此扣分。"
    "complete 3: 漏掉了既往青霉素过敏史，以及医生要求三日后复诊的安排；其余要点（症状、检查、处理）齐全。"
)


def ranking() -> Ranking:
    first = VARIANTS[::-1]
    standings = tuple(
        Standing(name=name, strength=strength, low=low, high=high, win_rate=rate)
        for name, (strength, low, high, rate) in zip(first, STRENGTHS, strict=True)
    )
    tallies = []
    for (i, variant), (j, rival) in combinations(enumerate(first), 2):
        won, lost = 18 + 3 * (j - i), 12 - 3 * (j - i)
        tallies += [
            PairResult(first=variant, second=rival, wins=won, ties=10, losses=lost),
            PairResult(first=rival, second=variant, wins=lost, ties=10, losses=won),
        ]
    return Ranking(
        standings=standings,
        tallies=tuple(tallies),
        nu=0.87,
        items=40,
        battles=400,
        unknown=4,
        groups=(first,),
        connected=True,
        prior=0.0,
        resamples=1000,
        regularised=0.0,
        converged=True,
        note="",
    )


def results() -> tuple[Result, ...]:
    records = [
        Result(
            task="report",
            variant=variant,
            metric=metric,
            samples=40,
            known=40,
            mean=mean,
            low=mean - half,
            high=mean + half,
        )
        for metric, (means, half) in MEANS.items()
        for variant, mean in zip(VARIANTS, means, strict=True)
    ]
    records += [
        Result(
            task="triage", variant=variant, metric="f1", samples=60, known=60, mean=f1, low=f1 - 0.08, high=f1 + 0.07
        )
        for variant, f1 in F1.items()
    ]
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
                    task="report",
                    metric=metric,
                    variant=variant,
                    reference="zero-shot",
                    samples=40,
                    difference=by,
                    low=by - 1.3 * half,
                    high=by + 1.3 * half,
                    p=p,
                    p_adjusted=p,
                    test="sign-flip permutation",
                    wins=24,
                    losses=9,
                    ties=7,
                    verdict=verdict,
                    detectable=1.4 * half,
                    needed=None if verdict == "better" else 95,
                )
            )  # fmt: skip
    records.append(
        Comparison(
            task="triage",
            metric="f1",
            variant="lora",
            reference="zero-shot",
            samples=60,
            difference=0.279,
            low=0.16,
            high=0.39,
            p=0.0004,
            p_adjusted=0.0008,
            test="approximate randomisation",
            wins=18,
            losses=1,
            ties=41,
            verdict="better",
            detectable=0.15,
            needed=None,
        )
    )  # fmt: skip
    return tuple(records)


def summary() -> Summary:
    """The judge of quality may decide, and so may the department; style was demoted."""
    return Summary(
        name="clinic-reports, judged",
        reference="zero-shot",
        headline=("report.quality", "triage.f1"),
        metrics=METRICS,
        results=results(),
        comparisons=comparisons(),
        usage=tuple(
            Usage(
                task="report",
                variant=name,
                samples=40,
                failed=0,
                unread=0,
                truncated=0,
                tokens_in=24_000,
                tokens_out=9_200,
                seconds=64.0,
                prompts="4f1c2a9de5b8a1d0",
            )
            for name in VARIANTS
        ),
        confusions=tuple(
            Confusion(task="triage", metric="f1", variant=name, labels=DEPARTMENTS, counts=counts)
            for name, counts in TRIAGED.items()
        ),
        judging=Judging(
            judges=RELIABILITY,
            panels=(Panel(task="report", metric="style", judges=("qwen3", "gemma3"), disagreement=11.4, items=200),),
            rankings=(Ranked("report", "preference", ranking()),),
            human=HUMAN,
            demoted={"report.style": f"gemma3: {DOUBT}"},
        ),
    )


def records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    samples, predictions, scores = [], [], []
    for i in range(1, 41):
        talk = "患者：发热三天，最高 38.5 ℃，咽痛。\n医生：对什么药过敏吗？\n患者：青霉素。\n医生：先查血常规，三日后复诊。"
        sample = Sample(
            id=f"r{i:02}", task="report", input=f"{talk}（{i}）", targets=("主诉：发热伴咽痛三天。过敏史：青霉素。",)
        )
        samples.append(sample)
        for place, variant in enumerate(VARIANTS):
            text = f"主诉：发热伴咽痛三天。{'过敏史：青霉素。' if place > 1 else ''}"
            messages = (Message("user", f"把对话写成病历：\n{sample.input}"),)
            predictions.append(
                Prediction(
                    sample_id=sample.id,
                    task="report",
                    variant=variant,
                    messages=messages,
                    text=text,
                    reading=Reading(text),
                    finish="stop",
                    tokens_in=600,
                    tokens_out=230,
                    seconds=1.6,
                )
            )
            value = 3.0 + (i + place) % 3 * 0.5
            panel = f"qwen3: 语言规范，条理清楚。\ngemma3: {REASON}\n第二行。"
            scores += [
                Score(
                    sample_id=sample.id,
                    task="report",
                    variant=variant,
                    metric="quality",
                    value=value,
                    reason=REASON * 2,
                ),
                Score(
                    sample_id=sample.id,
                    task="report",
                    variant=variant,
                    metric="quality.faithful",
                    value=4.0,
                    reason="体温和病程均未改动。",
                ),
                Score(
                    sample_id=sample.id,
                    task="report",
                    variant=variant,
                    metric="style",
                    value=60.0 + place * 4.25,
                    reason=panel,
                ),
                Score(
                    sample_id=sample.id,
                    task="report",
                    variant=variant,
                    metric="preference",
                    value=place / 4,
                    reason="tied with rag; better than zero-shot",
                ),
                Score(
                    sample_id=sample.id,
                    task="report",
                    variant=variant,
                    metric="perplexity",
                    value=12.04 - place,
                    reason=None,
                ),
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
