"""Decisions written by hand, one a situation, on runs whose figures can be counted on paper.

Their sentences stand here and not in the product's catalogue: the page is tested, not the wording of the decision.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

import pytest

from harness.records.decisions import (
    Approach,
    ApproachContest,
    BreakEven,
    BrokenConstraint,
    Decision,
    DecisionRecord,
    Effect,
    Latency,
    MarginTest,
    Statement,
    TradeOff,
    VariantCost,
)
from harness.records.figures import Comparison, MetricInfo, Result
from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from reports import wording
from reports.wording import Entry

SENTENCES: Mapping[str, Mapping[str, Entry]] = {
    "en": {
        "choose": "Deploy {variant}: it answers {value} of the items right, more than any other variant.",
        "simplest": "{variant} or {rivals}: no difference could be shown. {variant} is cheaper, so deploy {variant}.",
        "undecided": "Undecided between {variant} and {rivals}: about {low} to {high} more items are needed.",
        "floor": "No model is shown to beat {floor}, which needs none: deploy {floor}, or get a stronger model.",
        "trade_off": "{first} is best on {figure}, {second} on {other}: what matters more decides.",
        "infeasible": "No variant meets the constraints.",
        "distrust": "Not trustworthy yet: 40 % of the answers of {variant} were cut.",
        "none": "There is nothing to choose: {why}.",
        "beats": "{variant} beats the best of every other approach by at least {size} points.",
        "cost": "1,000 requests cost {amount}; the next best costs {other}.",
        "speed": "Half of the requests are answered within {time}.",
        "if_price": "If a labelled row cost less than {amount}, {variant} would be cheaper.",
        "if_labels": {"one": "With {n} more labelled row, {variant} may gain.", "other": "With {n} more labelled rows, {variant} may gain."},
        "left_out": "{figure} was left out: its judge is not trusted.",
        "said_fresh": "Changing what RAG knows is changing a file; a tuned model has to be trained again.",
        "said_cost": "A tuned small model is cheap to run, a long prompt is not.",
        "said_style": "Fine-tuning controls the style best.",
        "fresh": "{variant} still gave the old answer to {share} of the questions whose answer had changed.",
        "ran": "{variant}: {tokens} tokens and {time} a request.",
        "needs_fresh": "The knowledge changes every {period}.",
    },
    "zh": {
        "choose": "部署 {variant}：它答对了 {value} 的样本，多于其他任何变体。",
        "simplest": "{variant} 与 {rivals}：未能显示差异。{variant} 更便宜，因此部署 {variant}。",
        "undecided": "{variant} 与 {rivals} 之间尚无定论：还需要约 {low} 至 {high} 个样本。",
        "floor": "没有模型被证明优于无需模型的 {floor}：部署 {floor}，或换用更强的模型。",
        "trade_off": "{first} 在 {figure} 上最好，{second} 在 {other} 上最好：取决于哪一项更重要。",
        "infeasible": "没有变体满足约束条件。",
        "distrust": "尚不可信：{variant} 的回答有 40 % 被截断。",
        "none": "没有可选择的：{why}。",
        "beats": "{variant} 比其他每种方法的最佳变体至少高 {size} 个百分点。",
        "cost": "1,000 个请求花费 {amount}；次优者花费 {other}。",
        "speed": "一半的请求在 {time} 内得到回答。",
        "if_price": "如果每条标注的价格低于 {amount}，{variant} 会更便宜。",
        "if_labels": {"other": "再有 {n} 条标注，{variant} 可能还会提高。"},
        "left_out": "{figure} 未被采用：其评审模型不可信。",
        "said_fresh": "更新 RAG 的知识只需改文件；微调过的模型必须重新训练。",
        "said_cost": "微调的小模型运行便宜，长提示则不然。",
        "said_style": "微调最能控制文风。",
        "fresh": "答案已变的问题中，{variant} 有 {share} 仍给出旧答案。",
        "ran": "{variant}：每个请求 {tokens} 个词元、{time}。",
        "needs_fresh": "知识每 {period} 更新一次。",
    },
}  # fmt: skip
QUALITY = MetricInfo(component="exact_match", settings={}, low=0.0, high=1.0, better="higher")
HEADLINE, OTHER = "norm.accuracy", "exam.accuracy"
# variant: approach, mean on norm.accuracy, mean on exam.accuracy, p50 seconds, tokens in, per 1,000
QUICKSTART: Mapping[str, tuple[Approach, float, float, float, int, float]] = {
    "majority": ("floor", 0.10, 0.25, 0.0001, 0, 0.0),
    "nearest": ("floor", 0.42, 0.27, 0.002, 0, 0.0),
    "zero-shot": ("prompting", 0.33, 0.41, 0.31, 96, 0.19),
    "few-shot": ("prompting", 0.46, 0.44, 0.52, 612, 0.61),
    "rag": ("RAG", 0.64, 0.58, 0.74, 1180, 1.12),
    "lora": ("fine-tuning", 0.71, 0.39, 0.33, 96, 0.21),
    "lora+rag": ("fine-tuning + RAG", 0.78, 0.61, 0.79, 1180, 1.15),
    "oracle": ("upper bound", 0.90, 0.80, 0.41, 240, 0.32),
}
NASTY = "<img src=x onerror=\"document.title='owned'\">&amp;{0}"
LONG = "a-variant-with-a-name-that-nobody-would-type-" + "长x" * 128  # 301 characters


def said(name: str, **values: JSON) -> Statement:
    return Statement(f"decided.{name}", values)


@contextmanager
def sentences() -> Iterator[None]:
    """Within it, the catalogue holds the sentences of this file."""
    real = wording.catalogue
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            wording,
            "catalogue",
            lambda language, *package: {**real(language, *package), "decided": SENTENCES[language]},
        )
        yield


def result(task: str, variant: str, mean: float | None, items: int = 120) -> Result:
    known = items if mean is not None else 0
    low, high = (None, None) if mean is None else (max(0.0, mean - 0.07), min(1.0, mean + 0.07))
    return Result(
        task=task, variant=variant, metric="accuracy", samples=items, known=known, mean=mean, low=low, high=high
    )


def against(task: str, variant: str, reference: str, difference: float | None, reach: float = 0.08) -> Comparison:
    """Its interval reaches this far to either side; better or worse where it does not reach zero."""
    if difference is None:
        return Comparison(task=task, metric="accuracy", variant=variant, reference=reference, samples=0)
    low, high = difference - reach, difference + reach
    verdict = "better" if low > 0 else "worse" if high < 0 else "inconclusive"
    return Comparison(
        task=task, metric="accuracy", variant=variant, reference=reference, samples=120, difference=difference,
        low=low, high=high, p=0.001 if verdict != "inconclusive" else 0.4, p_adjusted=0.004 if verdict != "inconclusive" else 0.8,
        family=28, test="sign flips", wins=40, losses=22, ties=58, verdict=verdict,
    )  # fmt: skip


Figures = Mapping[str, tuple[Approach, float | None, float | None, float | None, int, float | None]]


def made(
    decision: Decision | None,
    figures: Figures = QUICKSTART,
    tasks: Sequence[str] = ("norm",),
    currency: str | None = "USD",
    **record: object,
) -> Summary:
    """The summary of a run of these variants, with everything that a decision rests on."""
    approaches = {variant: values[0] for variant, values in figures.items()}
    bounds = tuple(variant for variant, approach in approaches.items() if approach == "upper bound")
    floors = tuple(variant for variant, approach in approaches.items() if approach == "floor")
    means = {(task, v): values[1 + place] for place, task in enumerate(tasks) for v, values in figures.items()}
    deployable = [variant for variant in figures if variant not in (*bounds, *floors)]
    pairs = tuple(
        against(task, a, b, _minus(means[task, a], means[task, b]))
        for task in tasks
        for a, b in combinations(deployable, 2)
    )
    reference = deployable[0] if deployable else next(iter(figures))
    best_floor = max(floors, key=lambda floor: means[tasks[0], floor] or 0.0, default=None)
    return Summary(
        name="clinical-terms",
        reference=reference,
        headline=tuple(f"{task}.accuracy" for task in tasks),
        metrics={f"{task}.accuracy": QUALITY for task in tasks},
        results=tuple(result(task, variant, mean) for (task, variant), mean in means.items()),
        comparisons=tuple(
            against(task, v, reference, _minus(means[task, v], means[task, reference]))
            for task in tasks
            for v in figures
            if v != reference
        ),
        floors=tuple(
            against(task, v, best_floor, _minus(means[task, v], means[task, best_floor]))
            for task in tasks
            for v in deployable
            if best_floor
        ),
        usage=(),
        unaided=floors,
        bounds=bounds,
        decisions=DecisionRecord(
            approaches=approaches,
            pairs=pairs,
            contests=tuple(contests(pairs, approaches, means, tasks)),
            costs=tuple(cost(variant, values, currency) for variant, values in figures.items()),
            currency=currency,
            decision=decision,
            **record,
        ),
    )


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, 4)


def contests(
    pairs: Sequence[Comparison],
    approaches: Mapping[str, Approach],
    means: Mapping[tuple[str, str], float | None],
    tasks: Sequence[str],
) -> Iterator[ApproachContest]:
    """The best variant of each approach against that of each other."""
    for task in tasks:
        best: dict[Approach, str] = {}
        for (t, variant), mean in means.items():
            approach = approaches[variant]
            if t != task or approach in ("floor", "upper bound") or mean is None:
                continue
            if approach not in best or mean > (means[task, best[approach]] or 0.0):
                best[approach] = variant
        for pair in pairs:
            one, other = approaches[pair.variant], approaches[pair.reference]
            if (
                pair.task == task
                and one != other
                and (best.get(one), best.get(other)) == (pair.variant, pair.reference)
            ):
                yield ApproachContest(approach=one, rival=other, comparison=pair)


def cost(variant: str, values: Sequence[object], currency: str | None) -> VariantCost:
    approach, _, _, p50, tokens, per_1000 = values
    is_tuned = str(approach).startswith("fine-tuning")
    latency = (
        None
        if p50 is None
        else Latency(variant=variant, task="norm", items=20, p50=p50, p95=p50 * 1.8, peak_memory=3 * 2**30)
    )
    return VariantCost(
        variant=variant, approach=approach, is_local=True, labelled_rows=240 if is_tuned else None,
        training_seconds=1260.0 if is_tuned else None, training_memory=7 * 2**30 if is_tuned else None,
        index_seconds=4.2 if "RAG" in str(approach) else None, latency=latency, tokens_in=tokens, tokens_out=9.0,
        seconds=p50, memory=2 * 2**30, one_off=(121.4 if is_tuned else 0.0) if currency else None,
        monthly=(40.0 if "RAG" in str(approach) else 0.0) if currency else None, per_1000=per_1000 if currency else None,
        is_efficient=variant in ("nearest", "lora", "lora+rag", "prompting 196", "RAG 197", "fine-tuning 190"),
    )  # fmt: skip


CHOOSE = Decision(
    kind="choose", certainty="sure", variant="lora+rag", approach="fine-tuning + RAG",
    headline=said("choose", variant="lora+rag", value="78.0 %"),
    reasons=(said("beats", variant="lora+rag", size="7.0"), said("cost", amount="USD 1.15", other="USD 0.21"), said("speed", time="0.79 s")),
    changes=(said("if_price", amount="USD 0.20", variant="few-shot"), said("if_labels", n=200, variant="lora")),
)  # fmt: skip
SIMPLEST = Decision(
    kind="choose simplest", certainty="likely", variant="lora", approach="fine-tuning", rivals=("lora+rag", "rag"),
    headline=said("simplest", variant="lora", rivals=["lora+rag", "rag"]),
    reasons=(said("cost", amount="USD 0.21", other="USD 1.15"),),
    changes=(said("if_labels", n=1, variant="lora"),),
    distrusted=(said("left_out", figure="norm.style"),),
)  # fmt: skip
UNDECIDED = Decision(
    kind="undecided", certainty="cannot tell", variant=None, rivals=("lora", "lora+rag"),
    headline=said("undecided", variant="lora", rivals=["lora+rag"], low="400", high="1,900"),
    reasons=(said("speed", time="0.79 s"),),
)  # fmt: skip
FLOOR = Decision(
    kind="deploy floor",
    certainty="likely",
    variant="nearest",
    approach="floor",
    headline=said("floor", floor="nearest"),
)
TRADE_OFF = Decision(
    kind="trade-off", certainty="cannot tell", variant=None, rivals=("lora", "rag"),
    headline=said("trade_off", first="lora", figure=HEADLINE, second="rag", other=OTHER),
)  # fmt: skip
INFEASIBLE = Decision(
    kind="infeasible", certainty="sure", variant=None, headline=said("infeasible"),
    broken=(
        BrokenConstraint(variant="rag", constraint="max_p95_ms", limit=800, value=1332.0),
        BrokenConstraint(variant="lora+rag", constraint="max_p95_ms", limit=800, value=1422.0),
        BrokenConstraint(variant="zero-shot", constraint="min_quality", limit=0.5, value=0.33),
        BrokenConstraint(variant="lora", constraint="max_memory_gb", limit=1.5, value=None),
        BrokenConstraint(variant="few-shot", constraint="local_only", limit=True, value=False),
    ),
)  # fmt: skip
DISTRUST = Decision(
    kind="not trustworthy",
    certainty="cannot tell",
    variant=None,
    headline=said("distrust", variant="rag"),
    distrusted=(said("left_out", figure=HEADLINE),),
)
NO_CHOICE = Decision(
    kind="no choice", certainty="cannot tell", variant=None, headline=said("none", why="no item has a value")
)
MARGINS = (
    MarginTest(
        task="norm", metric="accuracy", variant="lora", reference="lora+rag", margin=0.1, loss=0.07, most_lost=0.098,
        most_gained=-0.02, non_inferior=True, equivalent=False,
    ),
)  # fmt: skip
BREAK_EVEN = (
    BreakEven(variant="lora", rival="few-shot", requests_per_day=832.4, days=365),
    BreakEven(variant="lora+rag", rival="rag", requests_per_day=None, days=365),
)
GRID = "model × retriever"
EFFECTS = (
    Effect(grid=GRID, task="norm", metric="accuracy", factors=("model",), levels=(("base", "lora"),), cells=4, difference=0.26, low=0.19, high=0.33, p_adjusted=0.001, verdict="better"),
    Effect(grid=GRID, task="norm", metric="accuracy", factors=("retriever",), levels=(("none", "tfidf"),), cells=4, difference=0.19, low=0.11, high=0.27, p_adjusted=0.002, verdict="better"),
    Effect(grid=GRID, task="norm", metric="accuracy", factors=("model", "retriever"), levels=(("base", "lora"), ("none", "tfidf")), cells=4, difference=-0.24, low=-0.38, high=-0.1, p_adjusted=0.004, verdict="worse"),
)  # fmt: skip
TRADE_OFFS = (
    TradeOff(
        dimension="freshness", said=said("said_fresh"), needed=said("needs_fresh", period="week"),
        measured=(said("fresh", variant="lora", share="83 %"), said("fresh", variant="rag", share="4 %")),
    ),
    TradeOff(dimension="running", said=said("said_cost"), measured=(said("ran", variant="rag", tokens="1,189", time="0.74 s"),)),
    TradeOff(dimension="style", said=said("said_style"), measured=()),
)  # fmt: skip
WHOLE: Mapping[str, object] = {
    "margins": MARGINS, "break_even": BREAK_EVEN, "effects": EFFECTS, "trade_offs": TRADE_OFFS,
    "constraints": {"max_p95_ms": 800},
}  # fmt: skip


def many() -> Figures:
    """200 variants of four approaches, a floor and an upper bound."""
    kinds: tuple[Approach, ...] = ("prompting", "RAG", "fine-tuning", "fine-tuning + RAG")
    figures: dict[str, tuple[Approach, float | None, float | None, float | None, int, float | None]] = {
        f"{kinds[i % 4]} {i:03}": (kinds[i % 4], 0.2 + 0.003 * i, 0.5, 0.1 + 0.01 * (i % 37), 90 + 7 * (i % 90), 0.1 + 0.01 * (i % 53))
        for i in range(198)
    }  # fmt: skip
    return {"nearest": QUICKSTART["nearest"], **figures, "oracle": QUICKSTART["oracle"]}


def hostile() -> Summary:
    """Names that try to become markup, or that are too long for their place."""
    figures: Figures = {
        NASTY: ("prompting", 0.4, 0.4, 0.3, 90, 0.2),
        LONG: ("RAG", 0.6, 0.6, 0.5, 900, 0.9),
        f"floor {NASTY}": ("floor", 0.3, 0.3, None, 0, 0.0),
        f"oracle {NASTY}": ("upper bound", 0.55, 0.9, None, 0, 0.0),
    }
    decision = Decision(
        kind="choose",
        certainty="likely",
        variant=LONG,
        approach="RAG",
        rivals=(NASTY,),
        headline=said("choose", variant=LONG, value=NASTY),
        reasons=(said("beats", variant=NASTY, size="1.0"),),
        changes=(said("if_price", amount=NASTY, variant=LONG),),
        broken=(BrokenConstraint(variant=NASTY, constraint=NASTY, limit=NASTY, value=[NASTY, {"a": NASTY}]),),
        distrusted=(said("left_out", figure=NASTY),),
    )
    effect = replace(EFFECTS[2], grid=NASTY, factors=(NASTY, "b"), levels=((NASTY, "x"), ("y", NASTY)))
    return made(
        decision, figures, currency=NASTY, effects=(effect,),
        break_even=(BreakEven(variant=NASTY, rival=LONG, requests_per_day=1e300, days=365),),
        trade_offs=(TradeOff(dimension=NASTY, said=said("said_cost"), measured=(said("ran", variant=NASTY, tokens=NASTY, time=LONG),)),),
        margins=(replace(MARGINS[0], variant=LONG, reference=NASTY),),
    )  # fmt: skip


def not_a_number() -> Summary:
    """A run in which figures and costs came to NaN or without an end."""
    nan, endless = float("nan"), float("inf")
    figures: Figures = {
        "zero-shot": ("prompting", nan, 0.4, nan, 90, nan),
        "rag": ("RAG", 0.6, 0.6, endless, 900, endless),
        "lora": ("fine-tuning", 0.7, 0.6, 0.2, 90, 0.1),
    }
    return made(replace(CHOOSE, variant="lora", headline=said("choose", variant="lora", value="70.0 %")), figures)


SITUATIONS: Mapping[str, Callable[[], Summary]] = {
    "choose": lambda: made(CHOOSE, **WHOLE),
    "choose simplest": lambda: made(SIMPLEST, **WHOLE),
    "undecided": lambda: made(UNDECIDED, currency=None, effects=EFFECTS),
    "deploy floor": lambda: made(FLOOR, {name: QUICKSTART[name] for name in ("nearest", "zero-shot", "few-shot")}),
    "trade-off": lambda: made(TRADE_OFF, tasks=("norm", "exam"), **WHOLE),
    "infeasible": lambda: made(INFEASIBLE, **WHOLE),
    "not trustworthy": lambda: made(DISTRUST),
    "one variant": lambda: made(NO_CHOICE, {"zero-shot": QUICKSTART["zero-shot"]}, currency=None),
    "all unknown": lambda: made(
        NO_CHOICE, {name: (values[0], None, None, None, 0, None) for name, values in QUICKSTART.items()}
    ),
    "no deployable": lambda: made(NO_CHOICE, {name: QUICKSTART[name] for name in ("nearest", "oracle")}),
    "two hundred": lambda: made(
        replace(CHOOSE, variant="RAG 197", headline=said("choose", variant="RAG 197", value="79.1 %"), reasons=(), changes=()),
        many(),
    ),
    "hostile": hostile,
    "not a number": not_a_number,
}  # fmt: skip


def records(summary: Summary) -> tuple[list[Sample], list[Prediction], list[Score]]:
    """Two items, each answered by every variant."""
    samples = [Sample(id=f"n{i}", task="norm", input=f"问题 {i}", targets=("甲",)) for i in (1, 2)]
    variants = dict.fromkeys(result.variant for result in summary.results)
    predictions = [
        Prediction(sample_id=sample.id, task="norm", variant=variant, messages=(), text="甲", reading=Reading("甲"))
        for variant in variants
        for sample in samples
    ]
    scores = [
        Score(sample_id=p.sample_id, task="norm", variant=p.variant, metric="accuracy", value=1.0, reason=None)
        for p in predictions
    ]
    return samples, predictions, scores


def decided_run(situation: str) -> FinishedRun:
    """The whole run of a situation."""
    summary = SITUATIONS[situation]()
    samples, predictions, scores = records(summary)
    return FinishedRun(
        run={"suite": {}, "seed": 42}, summary=summary, samples=samples, predictions=predictions, scores=scores
    )
