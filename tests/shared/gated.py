"""Runs as evidence, from values that are written out: one metric "m" of one task "t", by variant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.records.figures import MetricInfo
from harness.records.gate_results import GatedCell, GateResult
from harness.records.judge_anchors import JudgeStanding
from harness.records.outputs import Score
from harness.records.run_evidence import RunEvidence
from harness.regression.gate import GateInputs, gate
from harness.regression.policy import GatePolicy
from tests.shared.scored_suites import SHARE, summary

Values = Mapping[str, Sequence[float | None]]
RECORD: dict[str, Any] = {
    "suite": {"name": "s", "text": "", "prompts": {}},
    "seed": 1,
    "data": {"t": {"files": [{"path": "t.tsv", "sha256": "d1"}], "rows": {"test": 10}}},
    "tasks": {"t": {"prompt": "{{ input }}", "metrics": {"m": {"component": "Score", "settings": {}}}}},
    "models": {"net": {"component": "Scripted", "digest": "m1", "settings": {}}},
    "variants": {name: {"component": "Prompting", "settings": {"model": "net"}} for name in ("a", "b")},
    "packages": {"torch": "2.6"},
}


def evidence(values: Values, key: str = "night", info: MetricInfo = SHARE, **changes: Any) -> RunEvidence:
    """A run; answers differ where values do. `changes` replaces parts of the record."""
    count = len(next(iter(values.values())))
    figures = summary({"t": values}, {"t.m": info})
    return RunEvidence(
        place=key,
        key=key,
        suite="s",
        started="2026-11-30T02:15:00+00:00",
        record={**RECORD, **changes},
        summary=replace(figures, headline=("t.m",)),
        scores=[
            Score(sample_id=str(i), task="t", variant=variant, metric="m", value=value)
            for variant, column in values.items()
            for i, value in enumerate(column)
        ],
        questions={("t", str(i)): f"q{i}" for i in range(count)},
        answers={
            ("t", variant, str(i)): f"says {value}"
            for variant, column in values.items()
            for i, value in enumerate(column)
            if value is not None
        },
    )


def right(count: int, of: int) -> list[float]:
    """The first items right, the others wrong."""
    return [1.0] * count + [0.0] * (of - count)


def held(before: RunEvidence, after: RunEvidence, judges: JudgeStanding | None = None, **policy: Any) -> GateResult:
    """The gate's result by a policy."""
    own = GatePolicy.model_validate(policy)
    return gate(GateInputs(before=before, after=after, policy=own, judges=judges or JudgeStanding()))[0]


def cell(result: GateResult, variant: str = "a") -> GatedCell:
    """The one of a variant."""
    return next(own for own in result.cells if own.variant == variant and own.metric == "m")
