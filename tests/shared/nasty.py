"""A run with text that tries to become markup in every field, or that is too long for its place."""

from dataclasses import replace

from harness.records.figures import (
    Comparison,
    Confusion,
    Overlap,
    Point,
    Result,
    Retrieved,
    Routed,
    Seeds,
    Summary,
    Twin,
)
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
from harness.records.outputs import Prediction, Reading, Retrieval, Score, Step

NASTY = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&amp;<b>"
NESTED: dict[str, JSON] = {NASTY: [NASTY, {"深": NASTY}]}
BELOW = Comparison(
    "task.x", "m", NASTY, "floor", 1, -0.5, -0.6, -0.4, 0.01, 0.01, "exact McNemar", 0, 1, 0, "worse", None, None
)  # fmt: skip


def result(task: str, variant: str, metric: str, mean: float) -> Result:
    return Result(task, variant, metric, 2, 1, mean, None, None)


def records() -> tuple[list[Sample], list[Prediction], list[Score]]:
    samples = [
        Sample(NASTY, "task.x", NASTY, (NASTY, "🩺 体温 38.5 ℃"), history=((NASTY, "好的"),), meta=NESTED),
        Sample("long", "task.x", "很长 " * 50, ("x",)),
        Sample("unanswered", "task.x", "…", ("x",)),
    ]
    predictions = [
        Prediction(
            NASTY,
            "task.x",
            NASTY,
            (Message("user", f"  {NASTY}\n\n\tend"),),
            NASTY,
            Reading(NESTED, lenient=NASTY),
            "length",
            notes=(NASTY,),
            passages=({"text": NASTY, NASTY: NASTY, "title": NASTY, "source": NASTY, "gold": True, "cut": True},),
            retrieval=Retrieval((NASTY,), (1,), 100, 5),
            route=(Step(NASTY, 0.5, 0.4),),
        ),
        Prediction(
            "long",
            "task.x",
            NASTY,
            (Message("user", "?"),),
            "长" * 5_000 + "🫀x" * 2_500,
            Reading(None, reason=f"no answer in {NASTY}"),
        ),
    ]
    scores = [
        Score(NASTY, "task.x", NASTY, "m", 0.4, NASTY),
        Score("long", "task.x", NASTY, "m", None, None, NASTY),
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
        NASTY,
        None,
        ("task.x.m",),
        {},
        results,
        (),
        (),
        floors=(BELOW,),
        retrieved=(Retrieved("task.x", NASTY, "m", 1, {"hit and wrong": 1}, {}, 0, 0),),
        routed=(Routed("task.x", NASTY, NASTY, 1, 1, 1, "m", 0.4, None, 5, 0.1),),
        warnings=(NASTY,),
        overlaps=(
            Overlap("task.x", NASTY, (NASTY, "长" * 40), 2, 1, 0, 0, (Twin(NASTY, NASTY, "exact", 1.0, NASTY, NASTY),)),
        ),
        clean=(result("task.x", NASTY, "m", 0.4),),
        forgotten=(replace(BELOW, reference="长" * 40),),
        seeds=(Seeds("task.x", "m", NASTY, ((NASTY, 0.4), ("长" * 40, None)), 0.1),),
        curve=(Point(NASTY, NASTY, 5), Point(NASTY, "floor", 9)),
        confusions=(Confusion("task.x", NASTY, NASTY, (NASTY, "长" * 40), ((1, 1), (0, 2))),),
        judging=judging(),
    )


def judging() -> Judging:
    agreed = Agreed(3, 0.5, None)
    calibration = Calibration(
        NASTY, NASTY, NASTY, NASTY, False, 3, 0, 0, agreed, None, None, 1, None, None, None, NASTY
    )
    reliability = Reliability(
        "task.x", "judged", NASTY, NASTY, NASTY, False, 2, 1, 1, 0, 1, None, None, 0, None, None, (NASTY,), ("长" * 40,),
        5, 5, 0.1, calibration, (NASTY,),
    )  # fmt: skip
    standings = (Standing(NASTY, None, None, None, None), Standing("长" * 40, None, None, None, None))
    ranking = Ranking(standings, (), None, 0, 0, 1, ((NASTY,), ("长" * 40,)), False, 0.0, 0, 0.0, False, NASTY)
    return Judging(
        (reliability, replace(reliability, pairwise=True, calibration=None)),
        (Panel("task.x", "judged", (NASTY, "长" * 40), None, 0),),
        (Ranked("task.x", "judged", ranking),),
        (HumanMean("task.x", "judged", NASTY, Corrected(0.4, None, None, 0.0, 3, 0, 0.5), 1),),
        {"task.x.judged": NASTY},
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
