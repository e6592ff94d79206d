"""A policy file: its mistakes all at once with their lines, names that no run has, amounts that do not fit, its schema."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SuiteError
from harness.records.figures import MetricInfo
from harness.regression.policy import EXAMPLE, GatePolicy, policy_schema
from harness.regression.policy_file import GateNames, allowed_drop, check_names, default_drop, read_policy
from tests.shared.paths import ROOT

SHARE = MetricInfo(component="Score", settings={}, low=0.0, high=1.0, better="higher")
HUNDRED = MetricInfo(component="Bleu", settings={}, low=0.0, high=100.0, better="higher", corpus=True)
ENDLESS = MetricInfo(component="Perplexity", settings={}, low=1.0, high=1e9, better="lower")
NAMES = GateNames(task=("triage", "report"), variant=("lora", "rag"), metric=("accuracy", "bleu", "f1.macro"))
METRICS = {"triage.accuracy": SHARE, "report.bleu": HUNDRED}


def mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "gate.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        check_names(*read_policy(path), NAMES, METRICS)
    except SuiteError as error:
        return list(error.lines)
    return []


def test_all_mistakes_are_told_with_their_lines(tmp_path: Path) -> None:
    text = """\
rule: nightli
false_alarm: {per_month: 0.2}
gates:
  - {task: triage, teir: critical}
waivers:
  - {until: 2026-13-01, reason: x}
  - {reason: "", untill: 2026-12-01}
tiers: {watch: {breach: block}, norml: {}}
ceilings:
  - {variant: lora}
"""
    assert mistakes(tmp_path, text) == [
        "gate.yaml:1: rule: must be 'nightly' or 'sequential', not nightli",
        "gate.yaml:2: false_alarm: is not a parameter of policy (did you mean false_alarms?)",
        "gate.yaml:4: gates.0.teir: is not a parameter of gates (did you mean tier?)",
        "gate.yaml:6: waivers.0: until: 2026-13-01 is no day; write it as 2026-12-24",
        "gate.yaml:7: waivers.1.reason: must not be blank",
        "gate.yaml:7: waivers.1.until: is required",
        "gate.yaml:7: waivers.1.untill: is not a parameter of waivers (did you mean until?)",
        "gate.yaml:8: tiers.norml: is not a known key (did you mean normal?)",
        "gate.yaml:8: tiers.watch.breach: must be 'pass', 'warn' or 'inconclusive', not block",
        "gate.yaml:10: ceilings.0: states no ceiling; add e.g. max_p95_ms: 800",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gates: [{task: triaje}]", "gates.0.task: no task of the run or of the baseline is called triaje (did you mean triage?)"),
        ("gates: [{metric: acuracy}]", "gates.0.metric: no metric of the run or of the baseline is called acuracy (did you mean accuracy?)"),
        ("waivers: [{variant: lorra, until: 2026-12-01, reason: r}]", "waivers.0.variant: no variant of the run or of the baseline is called lorra (did you mean lora?)"),
        ("gates: [{metric: accuracy, drop: 2 pints}]", "gates.0.drop: must be a number in the metric's own units, or e.g. 2 points, not 2 pints"),
        ("drop: -0.1", "drop: must be at least 0, not -0.1"),
        ("drop: x %", "drop: must be e.g. 5 % of the baseline's figure, not x %"),
        ("coverage: 1.5", "coverage: must be at most 1.0"),
        ("false_alarms: {ever: 0}", "false_alarms.ever: must be more than 0.0"),
        ("gates: {task: triage}", "gates: must be a list: write each entry behind a dash"),
        ("- a", "must be a mapping"),
    ],
)  # fmt: skip
def test_one_mistake(tmp_path: Path, text: str, expected: str) -> None:
    assert mistakes(tmp_path, text) == [f"gate.yaml:1: {expected}"]


def test_a_file_that_is_not_there_has_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"--example-policy > gate\.yaml"):
        read_policy(tmp_path / "gate.yaml")


def test_names_with_stars_and_what_requests_take_are_valid(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(
        "gates: [{metric: 'f1.*', tier: watch}]\nwaivers: [{metric: latency, until: 2026-12-01, reason: slow}]\n"
    )
    policy, source = read_policy(path)
    check_names(policy, source, NAMES, METRICS)
    assert policy.gates[0].tier == "watch"


@pytest.mark.parametrize(
    ("written", "info", "baseline", "expected"),
    [
        (0.03, SHARE, 0.8, 0.03),
        ("3 points", SHARE, 0.8, 0.03),
        ("1 point", HUNDRED, 30.0, 1.0),
        ("5 %", HUNDRED, 30.0, 1.5),
        ("5%", ENDLESS, 12.0, 0.6),
        (0, SHARE, 0.8, 0.0),
        (None, SHARE, 0.8, 0.02),  # 2 % of the range
        (None, HUNDRED, 30.0, 2.0),
        (None, ENDLESS, 12.0, 0.6),  # 5 % of the baseline's figure
    ],
)
def test_allowed_drops(written: Any, info: MetricInfo, baseline: float, expected: float) -> None:
    own = default_drop(info, baseline) if written is None else allowed_drop(written, "t.m", info, baseline)
    assert own == pytest.approx(expected)


def test_the_example_says_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(EXAMPLE, encoding="utf-8")
    policy, _ = read_policy(path)
    tiers = {(t, e) for t in ("critical", "normal", "watch") for e in ("breach", "doubt", "missing")}
    assert all(policy.verdict(t, e) == GatePolicy().verdict(t, e) for t, e in tiers)  # type: ignore[arg-type]
    own = policy.model_copy(update={"drop": None, "coverage": None, "floor_by": None, "tiers": GatePolicy().tiers})
    assert own == GatePolicy()
    commented = [line.removeprefix("# ") for line in EXAMPLE.splitlines()[1:] if line.startswith("#")]
    path.write_text("\n".join(commented), encoding="utf-8")
    assert len(read_policy(path)[0].waivers) == 1


def test_the_schema_in_the_repository_is_that_of_the_code() -> None:
    """An editor checks a policy by it."""
    stored = json.loads((ROOT / "schema" / "gate-policy.schema.json").read_text(encoding="utf-8"))
    assert stored == policy_schema(), "write it again: harness schema gate-policy > schema/gate-policy.schema.json"
