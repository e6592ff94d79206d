"""A policy file read: every mistake with its line, and every name that no run has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.components.metric import Scale
from harness.errors import SuiteError, nearest
from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.inputs import JSON
from harness.records.run_evidence import RunEvidence
from harness.regression.policy import (
    Ceilings,
    CellLimits,
    DriftOptions,
    FalseAlarmBudget,
    GatePolicy,
    TierOptions,
    Tiers,
    Waiver,
)
from harness.suite.component_builder import Builder
from harness.suite.stated_amounts import read_amount
from harness.suite.yaml_source import Source, Where, read_source

SECTIONS: Mapping[str, tuple[Any, Any]] = {  # kind of the section, and of its entries
    "false_alarms": (FalseAlarmBudget, None),
    "judge_drift": (DriftOptions, None),
    "tiers": (Tiers, TierOptions),
    "gates": (list, CellLimits),
    "ceilings": (list, Ceilings),
    "waivers": (list, Waiver),
}
MEASURED = ("latency", "cost", "tokens")  # what a waiver may name beside metrics


@dataclass(frozen=True)
class GateNames:
    """The names that a policy may hold: those of the run and of its baseline."""

    task: tuple[str, ...]
    variant: tuple[str, ...]
    metric: tuple[str, ...]

    @classmethod
    def of(cls, *sides: RunEvidence) -> "GateNames":
        """All that any of the runs reports."""
        results = [result for side in sides for result in side.summary.results]
        return cls(
            *(tuple(dict.fromkeys(getattr(own, part) for own in results)) for part in ("task", "variant", "metric"))
        )


def read_policy(path: Path | None) -> tuple[GatePolicy, Source | None]:
    """The policy of a file, or the default one. Raises SuiteError, one line a mistake."""
    if path is None:
        return GatePolicy(), None
    if not path.is_file():
        kind = "is no file" if path.exists() else "is not there"
        raise SuiteError([f"{path}: {kind}; write a policy with `harness gate --example-policy > {path.name}`"])
    source = read_source(path)
    builder = Builder(source)
    data = source.data if source.data is not None else {}
    own = {key: value for key, value in data.items() if key not in SECTIONS} if isinstance(data, dict) else data
    policy = builder.options(GatePolicy, own, ())
    parts = {key: _section(builder, key, data[key]) for key in SECTIONS if isinstance(data, dict) and key in data}
    source.raise_mistakes()
    assert isinstance(policy, GatePolicy)
    return policy.model_copy(update=parts), source


def _section(builder: Builder, section: str, value: JSON) -> JSON:
    """A section of a policy by its own kind, so that a mistake is told by the names that are valid there."""
    kind, entry_kind = SECTIONS[section]
    if entry_kind is None:
        return builder.options(kind, value, (section,))
    if kind is list:
        if not isinstance(value, list):
            builder.source.complain((section,), "must be a list: write each entry behind a dash")
            return []
        return [builder.options(entry_kind, entry, (section, i)) for i, entry in enumerate(value)]
    if not isinstance(value, dict):
        builder.source.complain((section,), "must be a mapping of tiers")
        return None
    builder.known_keys(value, tuple(kind.model_fields), (section,))
    tiers = {name: field.annotation for name, field in kind.model_fields.items() if name in value}
    return kind.model_construct(
        **{name: builder.options(annotation, value[name], (section, name)) for name, annotation in tiers.items()}
    )


def check_names(policy: GatePolicy, source: Source | None, names: GateNames, metrics: Mapping[str, MetricInfo]) -> None:
    """Raise SuiteError for names that neither run has, and for amounts that do not fit their metrics."""
    if source is None:
        return
    for section, entries in (("gates", policy.gates), ("ceilings", policy.ceilings), ("waivers", policy.waivers)):
        for i, entry in enumerate(entries):
            for part in ("task", "variant", "metric"):
                valid = (*getattr(names, part), *(MEASURED if (section, part) == ("waivers", "metric") else ()))
                written = getattr(entry, part, "*")
                if not any(fnmatchcase(name, written) for name in valid):
                    problem = f"no {part} of the run or of the baseline is called {written} ({nearest(written, valid)})"
                    source.complain((section, i, part), problem)
    for where, limits, patterns in _limits(policy):
        for figure, info in metrics.items():
            name = FigureName.parse(figure)
            is_fitting = fnmatchcase(name.task, patterns[0]) and fnmatchcase(name.full_metric, patterns[1])
            mistake = _amount_problem(limits, figure, info, is_named=patterns[1] != "*") if is_fitting else None
            if mistake:
                source.complain((*where, "drop"), mistake)
                break
    source.raise_mistakes()


def _limits(policy: GatePolicy) -> Iterator[tuple[Where, JSON, tuple[str, str]]]:
    yield (), policy.drop, ("*", "*")
    for i, entry in enumerate(policy.gates):
        yield ("gates", i), entry.drop, (entry.task, entry.metric)


def _amount_problem(written: JSON, figure: str, info: MetricInfo, is_named: bool) -> str | None:
    if written is None:
        return None
    try:
        allowed_drop(written, figure, info, 1.0)
    except ValueError as error:
        is_misfit = isinstance(written, str) and "points are" in str(error)
        return str(error) if is_named or not is_misfit else None  # one amount for all is left out where it does not fit
    return None


def allowed_drop(written: JSON, figure: str, info: MetricInfo, baseline: float | None) -> float:
    """How much worse a figure may get, in its own units. Raises ValueError that says what to write instead."""
    text = written.strip() if isinstance(written, str) else ""
    if text.endswith("%"):
        try:
            share = float(text.removesuffix("%")) / 100
        except ValueError as error:
            raise ValueError(f"must be e.g. 5 % of the baseline's figure, not {text}") from error
        amount = share * abs(baseline or 0.0)
    else:
        amount = read_amount(written, figure, Scale(info.low, info.high, info.better), text or str(written))
    if amount < 0:
        raise ValueError(f"must be at least 0, not {written}")
    return amount


def default_drop(info: MetricInfo, baseline: float | None) -> float:
    """2 % of the range; of a scale without an end 5 % of the baseline's figure."""
    if Scale(info.low, info.high).has_ends:
        return 0.02 * (info.high - info.low)
    return 0.05 * abs(baseline or 0.0)


def matches(entry: object, **names: str) -> bool:
    """Whether an entry's patterns fit a cell's names."""
    return all(fnmatchcase(name, getattr(entry, part, "*")) for part, name in names.items())
