"""A run with text that tries to become markup in every field, or that is too long for its place."""

from dataclasses import replace

from harness.records.anomalies import Anomaly, PromptMismatch
from harness.records.figures import Comparison, Confusion, Overlap, Point, Result, Retrieved, Routed, Seeds, Twin
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
)
from harness.records.outputs import Prediction, Reading, RetrievalTrace, Score, Step
from harness.records.summary import Summary

NASTY = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&amp;<b>"
NESTED: dict[str, JSON] = {NASTY: [NASTY, {"深": NASTY}]}
BELOW = Comparison(
    task="task.x",
    metric="m",
    variant=NASTY,
    reference="floor",
    samples=1,
    difference=-0.5,
    low=-0.6,
    high=-0.4,
    p=0.01,
    p_adjusted=0.01,
    test="exact McNemar",
    wins=0,
    losses=1,
    ties=0,
    verdict="worse",
    detectable=None,
    needed=None,
)


def result(task: str, variant: str, metric: str, mean: float) -> Result:
    return Result(task=task, variant=variant, metric=metric, samples=2, known=1, mean=mean, low=None, high=None)


def records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    samples = [
        Sample(
            id=NASTY,
            task="task.x",
            input=NASTY,
            targets=(NASTY, "🩺 体温 38.5 ℃"),
            history=((NASTY, "好的"),),
            meta=NESTED,
        ),
        Sample(id="long", task="task.x", input="很长 " * 50, targets=("x",)),
        Sample(id="unanswered", task="task.x", input="…", targets=("x",)),
    ]
    predictions = [
        Prediction(
            sample_id=NASTY,
            task="task.x",
            variant=NASTY,
            messages=(Message("user", f"  {NASTY}\n\n\tend"),),
            text=NASTY,
            reading=Reading(NESTED, lenient=NASTY),
            finish="length",
            notes=(NASTY,),
            passages=({"text": NASTY, NASTY: NASTY, "title": NASTY, "source": NASTY, "gold": True, "cut": True},),
            retrieval=RetrievalTrace(gold=(NASTY,), ranks=(1,), depth=100, k=5),
            route=(Step(NASTY, 0.5, 0.4),),
        ),
        Prediction(
            sample_id="long",
            task="task.x",
            variant=NASTY,
            messages=(Message("user", "?"),),
            text="长" * 5_000 + "🫀x" * 2_500,
            reading=Reading(None, reason=f"no answer in {NASTY}"),
        ),
    ]
    scores = [
        Score(sample_id=NASTY, task="task.x", variant=NASTY, metric="m", value=0.4, reason=NASTY),
        Score(sample_id="long", task="task.x", variant=NASTY, metric="m", value=None, reason=None, error=NASTY),
    ]
    return samples, predictions, scores


def summary() -> Summary:
    probe = f"task.x@{NASTY}-after"
    results = (
        result("task.x", NASTY, "m", 0.4),
        result("task.x", "floor", "m", 0.9),
        result(probe, NASTY, "m", 0.4),
        result(probe, NASTY, "stale", 0.6),
        result("task.x", NASTY, "judged", 0.5),
        result("task.x", "floor", "judged", 0.6),
    )
    return Summary(
        name=NASTY,
        reference=None,
        headline=("task.x.m",),
        metrics={},
        results=results,
        comparisons=(),
        usage=(),
        anomalies=(
            Anomaly(
                task="task.x",
                variant=NASTY,
                kind="same answer",
                count=1,
                answers=1,
                excerpt=NASTY,
                cause=NASTY,
                remedy=NASTY,
                examples=(NASTY,),
            ),
        ),
        mismatches=(PromptMismatch(task="task.x", variant=NASTY, model=NASTY, difference=NASTY, remedy=NASTY),),
        floors=(BELOW,),
        retrieved=(
            Retrieved(
                task="task.x",
                variant=NASTY,
                metric="m",
                samples=1,
                counts={"hit and wrong": 1},
                examples={},
                cut=0,
                left_out=0,
            ),
        ),
        routed=(
            Routed(
                task="task.x",
                variant=NASTY,
                step=NASTY,
                place=1,
                samples=1,
                total=1,
                metric="m",
                mean=0.4,
                threshold=None,
                tokens=5,
                seconds=0.1,
            ),
        ),
        warnings=(NASTY,),
        overlaps=(
            Overlap(
                task="task.x",
                source=NASTY,
                models=(NASTY, "长" * 40),
                samples=2,
                exact=1,
                normalised=0,
                near=0,
                twins=(Twin(sample_id=NASTY, place=NASTY, kind="exact", similarity=1.0, item=NASTY, row=NASTY),),
            ),
        ),
        clean=(result("task.x", NASTY, "m", 0.4),),
        forgotten=(replace(BELOW, reference="长" * 40),),
        seeds=(
            Seeds(task="task.x", metric="m", variant=NASTY, members=((NASTY, 0.4), ("长" * 40, None)), deviation=0.1),
        ),
        curve=(Point(NASTY, NASTY, 5), Point(NASTY, "floor", 9)),
        confusions=(
            Confusion(task="task.x", metric=NASTY, variant=NASTY, labels=(NASTY, "长" * 40), counts=((1, 1), (0, 2))),
        ),
        judging=judging(),
    )


def judging() -> Judging:
    agreed = Agreed(items=3, agreement=0.5, kappa=None)
    calibration = Calibration(
        judge=NASTY,
        identity=NASTY,
        labels=NASTY,
        labels_digest=NASTY,
        pairwise=False,
        items=3,
        unreadable=0,
        failed=0,
        against=agreed,
        spearman=None,
        kendall=None,
        annotators=1,
        ceiling=None,
        fleiss=None,
        flips=None,
        when=NASTY,
    )
    reliability = Reliability(
        task="task.x", metric="judged", judge=NASTY, description=NASTY, rubric=NASTY, pairwise=False, judgements=2, unreadable=1, failed=1, retried=0, repeats=1, noise=None, flips=None, pairs=0, position_p=None, length=None, kin=(NASTY,), itself=("长" * 40,),
        tokens_in=5, tokens_out=5, seconds=0.1, calibration=calibration, doubts=(NASTY,),
    )  # fmt: skip
    standings = (
        Standing(name=NASTY, strength=None, low=None, high=None, win_rate=None),
        Standing(name="长" * 40, strength=None, low=None, high=None, win_rate=None),
    )
    ranking = Ranking(
        standings=standings,
        tallies=(),
        nu=None,
        items=0,
        battles=0,
        unknown=1,
        groups=((NASTY,), ("长" * 40,)),
        connected=False,
        prior=0.0,
        resamples=0,
        regularised=0.0,
        converged=False,
        note=NASTY,
    )
    return Judging(
        judges=(reliability, replace(reliability, pairwise=True, calibration=None)),
        panels=(Panel(task="task.x", metric="judged", judges=(NASTY, "长" * 40), disagreement=None, items=0),),
        rankings=(Ranked("task.x", "judged", ranking),),
        human=(
            HumanMean(
                task="task.x",
                metric="judged",
                variant=NASTY,
                corrected=Corrected(mean=0.4, low=None, high=None, lam=0.0, labelled=3, unlabelled=0, judged_mean=0.5),
                unmatched=1,
            ),
        ),
        demoted={"task.x.judged": NASTY},
    )


PARTS: JSON = [{"source": NASTY, "rows": 2, "of": 3}, {"source": "长" * 60, "rows": 2, "of": 2}]
CURVES: JSON = {"loss": [[1, 2.0, 0.1], [2, 1.0, 0.1]], "validation": [[1, 2.0]], "best_step": 1, "rows_dropped": 1}
RECORD: JSON = {
    "method": {"lora": {"r": NASTY, "targets": ["q" * 90]}},
    "base": NASTY,
    "packages": {NASTY: NASTY},
    **CURVES,
}
STAGE: JSON = {"stage": NASTY, "reused": True, "record": RECORD, "composition": PARTS, "estimate": {NASTY: 5}}
RUN: dict[str, JSON] = {
    "training": {NASTY: {"entry": "长" * 40, "stages": [STAGE, STAGE]}, "长" * 90: {"stages": [STAGE]}},
    "variants": {NASTY: {"settings": {"model": NASTY}}},
    "knowledge": {NASTY: {"component": NASTY, "skipped": [NASTY], "files": [{"path": NASTY}]}},
    "suite": {"text": NASTY, "prompts": {NASTY: NASTY}},
    "models": {NASTY: {"identity": NESTED}},
    "status": "stopped",
}
