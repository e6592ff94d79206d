"""What is recommended in which situation: a table of means, shown differences, costs and doubts, and the answer."""

from dataclasses import replace
from typing import Any

import pytest

from harness.records.anomalies import Anomaly, PromptMismatch
from harness.records.decisions import BrokenConstraint, Decision, Statement
from harness.records.deployment_terms import DeploymentTerms
from harness.records.figures import Grouping, MetricInfo, Overlap, Point, Result
from harness.records.summary import Summary
from harness.summary.decision import decide
from reports.facts.statement_text import marked_sentence, sentence
from reports.wording import speaking
from tests.shared.situations import situation

MARGINS = DeploymentTerms(margins={"norm.accuracy": 0.02, "report.f1": 0.02})
LOWER = MetricInfo(component="Errors", settings={}, low=0.0, high=1.0, better="lower")
ENDLESS = MetricInfo(component="Perplexity", settings={}, low=1.0, high=float("1e9"), better="lower")
NEITHER = MetricInfo(component="Length", settings={}, low=0.0, high=1.0, better="neither")
CHEAP, DEAR = {"p50": 0.2}, {"p50": 2.0}


def alarm(variant: str, task: str = "norm") -> Anomaly:
    return Anomaly(
        task=task, variant=variant, kind="empty", count=200, answers=300, excerpt="", cause="c", remedy="r", examples=()
    )  # fmt: skip


def leak(share: float, rag: float, zero: float) -> dict[str, Any]:
    clean = tuple(
        Result(task="norm", variant=name, metric="accuracy", samples=200, known=200, mean=mean, low=None, high=None)
        for name, mean in (("rag", rag), ("zero", zero))
    )
    overlap = Overlap(
        task="norm", source="knowledge", models=(), samples=300, exact=int(300 * share), normalised=0, near=0, twins=()
    )  # fmt: skip
    return {"clean": clean, "overlaps": (overlap,)}


def broken(variant: str, constraint: str = "max_p95_ms", limit: object = 800, value: object = 1900) -> BrokenConstraint:
    return BrokenConstraint(variant=variant, constraint=constraint, limit=limit, value=value)


def groupings(groups: int) -> tuple[Grouping, ...]:
    return (Grouping(task="norm", samples=300, groups=groups, largest=100, repeated=0),)


def few_items(summary: Summary) -> Summary:
    return replace(summary, results=tuple(replace(r, samples=9, known=9) for r in summary.results))


TWO = {"zero": 0.6, "rag": 0.8}
CLOSE = {"zero": 0.79, "rag": 0.80}
FAR = {"zero": 0.70, "rag": 0.80}
ONE_WORSE = {"worse": [("zero", "rag")]}
LIGHTER = {"costs": {"zero": CHEAP, "rag": DEAR}}
HEAVIER = {"costs": {"zero": DEAR, "rag": CHEAP}}
FLOORED = {"nearest": 0.5, **TWO}
SITUATIONS: dict[str, tuple[Summary, list[BrokenConstraint], tuple[str, str | None, str, str]]] = {
    # -- one is better than all others
    "the best is shown to be best": (situation(TWO, **ONE_WORSE), [], ("choose", "rag", "sure", "choose")),
    "a dearer best is still best": (situation(TWO, **ONE_WORSE, **LIGHTER), [], ("choose", "rag", "sure", "choose")),
    "best of three": (
        situation({**TWO, "lora": 0.9}, worse=[("zero", "rag"), ("zero", "lora"), ("rag", "lora")]),
        [], ("choose", "lora", "sure", "choose"),
    ),
    "one variant alone": (situation({"zero": 0.6}), [], ("choose", "zero", "likely", "choose_only")),
    "one variant alone, above the floor": (
        situation({"zero": 0.6, "nearest": 0.4}, floor="nearest", above_floor=["zero"]), [],
        ("choose", "zero", "sure", "choose_only"),
    ),
    "lower is better": (
        situation({"zero": 0.2, "rag": 0.4}, worse=[("rag", "zero")], metric=LOWER), [],
        ("choose", "zero", "sure", "choose"),
    ),
    "above the floor and best": (
        situation(FLOORED, floor="nearest", above_floor=["zero", "rag"], **ONE_WORSE), [],
        ("choose", "rag", "sure", "choose"),
    ),
    "an upper bound is never chosen": (
        situation({**TWO, "oracle": 0.99}, **ONE_WORSE), [], ("choose", "rag", "sure", "choose"),
    ),
    "few groups make it likely only": (
        situation(TWO, **ONE_WORSE, groupings=groupings(4)), [], ("choose", "rag", "likely", "choose"),
    ),
    "few items make it likely only": (
        few_items(situation(TWO, **ONE_WORSE)), [], ("choose", "rag", "likely", "choose"),
    ),
    "many groups leave it sure": (
        situation(TWO, **ONE_WORSE, groupings=groupings(60)), [], ("choose", "rag", "sure", "choose"),
    ),
    # -- the leader could not be told from others
    "the lightest leads": (situation(FAR, **HEAVIER), [], ("choose", "rag", "likely", "choose_leading")),
    "the simplest leads, nothing was measured": (
        situation({"zero": 0.8, "rag": 0.7}), [], ("choose", "zero", "likely", "choose_leading"),
    ),
    "lighter and shown within the margin": (
        situation(CLOSE, as_good=[("zero", "rag")], **LIGHTER), [], ("choose simplest", "zero", "sure", "choose_as_good"),
    ),
    "lighter and shown within the margin, though shown to be worse": (
        situation(CLOSE, as_good=[("zero", "rag")], **ONE_WORSE, **LIGHTER), [],
        ("choose simplest", "zero", "sure", "choose_as_good"),
    ),
    "lighter and within the margin as observed": (
        situation(CLOSE, **LIGHTER), [], ("choose simplest", "zero", "likely", "choose_simplest"),
    ),
    "simpler within the margin, nothing was measured": (
        situation(CLOSE), [], ("choose simplest", "zero", "likely", "choose_simplest"),
    ),
    "heavier and within the margin": (situation(CLOSE, **HEAVIER), [], ("choose", "rag", "likely", "choose_leading")),
    "equal means, the simpler": (
        situation({"rag": 0.8, "zero": 0.8}), [], ("choose simplest", "zero", "likely", "choose_simplest"),
    ),
    "about as cheap: the simpler": (
        situation(CLOSE, costs={"zero": {"p50": 1.05}, "rag": {"p50": 1.0}}), [],
        ("choose simplest", "zero", "likely", "choose_simplest"),
    ),
    "lighter but clearly behind, not shown": (
        situation(FAR, **LIGHTER), [], ("undecided", None, "cannot tell", "undecided"),
    ),
    "simpler but clearly behind, nothing was measured": (
        situation(FAR), [], ("undecided", None, "cannot tell", "undecided"),
    ),
    "an endless scale has no margin": (
        situation({"zero": 12.0, "rag": 11.9}, metric=ENDLESS), [], ("undecided", None, "cannot tell", "undecided"),
    ),
    "money decides before seconds": (
        situation(CLOSE, costs={"zero": {**CHEAP, "per_1000": 3.0}, "rag": {**DEAR, "per_1000": 1.0}}), [],
        ("choose", "rag", "likely", "choose_leading"),
    ),
    "tokens decide where no time is known": (
        situation(CLOSE, costs={"zero": {"tokens_in": 900.0}, "rag": {"tokens_in": 90.0}}), [],
        ("choose", "rag", "likely", "choose_leading"),
    ),
    "the lightest of three as good": (
        situation({**CLOSE, "lora": 0.795}, costs={"zero": DEAR, "rag": DEAR, "lora": CHEAP}), [],
        ("choose simplest", "lora", "likely", "choose_simplest"),
    ),
    "a lighter third one is open": (
        situation({**CLOSE, "few": 0.70}, costs={"zero": DEAR, "rag": DEAR, "few": CHEAP}), [],
        ("undecided", None, "cannot tell", "undecided"),
    ),
    # -- floors
    "nothing beats the floor": (
        situation({**TWO, "nearest": 0.9}, floor="nearest", below_floor=["zero", "rag"], **ONE_WORSE), [],
        ("deploy floor", "nearest", "sure", "deploy_floor"),
    ),
    "nothing is shown to beat the floor": (
        situation({**TWO, "nearest": 0.78}, floor="nearest", **ONE_WORSE), [],
        ("deploy floor", "nearest", "likely", "deploy_floor"),
    ),
    "the best is far above the floor, which is not shown": (
        situation({**TWO, "nearest": 0.5}, floor="nearest", **ONE_WORSE), [],
        ("undecided", None, "cannot tell", "undecided"),
    ),
    "the best is not shown above the floor, another is": (
        situation({"nearest": 0.5, **CLOSE}, floor="nearest", above_floor=["zero"]), [],
        ("choose", "zero", "likely", "choose_leading"),
    ),
    "a lighter one, not shown above the floor, is open": (
        situation({"nearest": 0.5, **CLOSE}, floor="nearest", above_floor=["rag"], **LIGHTER), [],
        ("undecided", None, "cannot tell", "undecided"),
    ),
    "what is below the floor is no rival": (
        situation({"nearest": 0.75, **FAR}, floor="nearest", above_floor=["rag"], below_floor=["zero"], **LIGHTER), [],
        ("choose", "rag", "sure", "choose_above_floor"),
    ),
    # -- constraints
    "the best breaks a constraint": (
        situation(TWO, **ONE_WORSE), [broken("rag")], ("choose", "zero", "sure", "choose_feasible"),
    ),
    "all break a constraint": (
        situation(TWO, **ONE_WORSE), [broken("rag"), broken("zero")], ("infeasible", None, "sure", "infeasible"),
    ),
    "what is not measured breaks it, too": (
        situation({"zero": 0.6}), [broken("zero", value=None)], ("infeasible", None, "sure", "infeasible"),
    ),
    "a worse one breaks a constraint": (
        situation(TWO, **ONE_WORSE), [broken("zero")], ("choose", "rag", "sure", "choose_feasible"),
    ),
    "the better of two, a third one breaks a constraint": (
        situation({**TWO, "few": 0.9}, worse=[("zero", "rag"), ("zero", "few"), ("rag", "few")]), [broken("few")],
        ("choose", "rag", "sure", "choose_of_rest"),
    ),
    "nothing beats the floor, which breaks a constraint": (
        situation({**TWO, "nearest": 0.9}, floor="nearest", below_floor=["zero", "rag"], **ONE_WORSE),
        [broken("nearest", "min_quality: norm.accuracy", 0.95, 0.9)], ("infeasible", None, "sure", "infeasible"),
    ),
    # -- two headline figures
    "both figures agree": (
        situation({"norm.accuracy": TWO, "report.f1": {"zero": 0.4, "rag": 0.6}}, **ONE_WORSE), [],
        ("choose", "rag", "sure", "choose"),
    ),
    "both figures disagree, shown": (
        situation({"norm.accuracy": TWO, "report.f1": {"zero": 0.6, "rag": 0.4}}, **ONE_WORSE), [],
        ("trade-off", None, "cannot tell", "trade_off"),
    ),
    "both figures disagree, not shown": (
        situation({"norm.accuracy": TWO, "report.f1": {"zero": 0.6, "rag": 0.4}}), [],
        ("trade-off", None, "cannot tell", "trade_off"),
    ),
    "a third one is as good on both": (
        situation(
            {"norm.accuracy": {**TWO, "lora": 0.79}, "report.f1": {"zero": 0.6, "rag": 0.4, "lora": 0.59}},
            worse=[("zero", "rag")],
        ),
        [], ("choose", "lora", "likely", "choose_balanced"),
    ),
    # -- doubts
    "the leader has an alarm": (
        situation(TWO, **ONE_WORSE, anomalies=(alarm("rag"),)), [],
        ("not trustworthy", None, "cannot tell", "leader_distrusted"),
    ),
    "an alarm on another task does not matter": (
        situation(TWO, **ONE_WORSE, anomalies=(alarm("rag", "other"),)), [], ("choose", "rag", "sure", "choose"),
    ),
    "that a setting had no effect leaves nothing out": (
        situation(TWO, **ONE_WORSE, anomalies=(replace(alarm("rag"), kind="no effect"),)), [],
        ("choose", "rag", "sure", "choose"),
    ),
    "an alarm on a worse one only leaves it out": (
        situation(TWO, **ONE_WORSE, anomalies=(alarm("zero"),)), [], ("choose", "rag", "likely", "choose_trusted"),
    ),
    "the better of two, a third one has an alarm": (
        situation({**TWO, "few": 0.5}, worse=[("zero", "rag"), ("few", "rag")], anomalies=(alarm("few"),)), [],
        ("choose", "rag", "likely", "choose_of_rest"),
    ),
    "alarms everywhere": (
        situation(TWO, **ONE_WORSE, anomalies=(alarm("zero"), alarm("rag"))), [],
        ("not trustworthy", None, "cannot tell", "nothing_trusted"),
    ),
    "an alarm on a seed counts for the variant": (
        situation({"zero": 0.6, "lora": 0.9}, worse=[("zero", "lora")], anomalies=(alarm("lora~2"),)), [],
        ("not trustworthy", None, "cannot tell", "leader_distrusted"),
    ),
    "the leader has too few known values": (
        situation(TWO, **ONE_WORSE, coverage={"rag": 284}), [],
        ("not trustworthy", None, "cannot tell", "leader_distrusted"),
    ),
    "95 % coverage is enough": (
        situation(TWO, **ONE_WORSE, coverage={"rag": 285}), [], ("choose", "rag", "sure", "choose"),
    ),
    "only a demoted judge": (
        situation(TWO, **ONE_WORSE, demoted={"norm.accuracy": "not calibrated against people"}), [],
        ("not trustworthy", None, "cannot tell", "no_trusted_figure"),
    ),
    "a demoted judge beside a figure that may decide": (
        situation({"norm.accuracy": TWO, "report.f1": {"zero": 0.6, "rag": 0.4}}, **ONE_WORSE, demoted={"report.f1": "no"}),
        [], ("choose", "rag", "sure", "choose"),
    ),
    "leaked items made the leader": (
        situation(TWO, **ONE_WORSE, **leak(0.3, 0.5, 0.6)), [],
        ("not trustworthy", None, "cannot tell", "leader_distrusted"),
    ),
    "leaked items, the leader stays": (
        situation(TWO, **ONE_WORSE, **leak(0.3, 0.7, 0.6)), [], ("choose", "rag", "sure", "choose"),
    ),
    "few leaked items": (
        situation(TWO, **ONE_WORSE, **leak(0.04, 0.5, 0.6)), [], ("choose", "rag", "sure", "choose"),
    ),
    # -- nothing to choose from
    "only floors and bounds": (
        situation({"nearest": 0.5, "oracle": 0.9}), [], ("no choice", None, "cannot tell", "no_candidate"),
    ),
    "a metric without a better end": (
        situation(TWO, metric=NEITHER), [], ("no choice", None, "cannot tell", "no_figure"),
    ),
    "nothing has a value": (
        replace(situation(TWO), results=()), [], ("no choice", None, "cannot tell", "no_figure"),
    ),
    "no headline": (replace(situation(TWO), headline=()), [], ("no choice", None, "cannot tell", "no_figure")),
}  # fmt: skip


@pytest.mark.parametrize("name", SITUATIONS)
def test_recommendation(name: str) -> None:
    summary, constraints, expected = SITUATIONS[name]
    decision = decide(summary, MARGINS, constraints)
    headline = decision.headline.key.removeprefix("decision.")
    assert (decision.kind, decision.variant, decision.certainty, headline) == expected


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_statement_is_a_sentence_without_p(name: str, language: Any) -> None:
    summary, constraints, _ = SITUATIONS[name]
    decision = decide(summary, MARGINS, constraints)
    with speaking(language):
        for statement in statements(decision):
            text = sentence(statement, summary)
            assert text[-1] in ".。", text
            assert not {"{", "None", "p ="} & {text, *text.split()}
            assert sentence(statement, summary) == marked_sentence(statement, summary).striptags()


def statements(decision: Decision) -> list[Statement]:
    return [decision.headline, *decision.reasons, *decision.changes, *decision.distrusted]


def keys(decision: Decision) -> set[str]:
    return {statement.key.removeprefix("decision.") for statement in statements(decision)}


BOUNDED = situation({**TWO, "oracle": 0.95}, **ONE_WORSE)
BEATEN = situation({**TWO, "oracle": 0.7}, **ONE_WORSE)
CURVE = (Point("lora", "lora", 100), Point("lora", "lora2", 400))
CONSTRAINTS = {
    "max_p95_ms": (800, 1900.4, "rag breaks the limit of 800 ms for 95 % of the requests (it takes 1,900 ms)."),
    "max_memory_gb": (8, 9.4567, "rag breaks the limit of 8 GB of memory (it takes 9.46 GB)."),
    "max_cost_per_1000": (2, None, "rag breaks the limit of 2 for 1,000 requests (their cost is not known)."),
    "min_quality: norm.accuracy": (0.85, 0.8, "rag breaks the demand of 85.0 % on norm.accuracy (it reaches 80.0 %)."),
    "local_only": (True, False, "rag breaks the demand that nothing leaves this machine."),
    "knowledge_changes": (
        "weekly", None,
        "rag breaks the demand to follow knowledge that changes every week (its knowledge lies in the weights).",
    ),
}  # fmt: skip


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_broken_constraints_in_words(constraint: str) -> None:
    limit, value, expected = CONSTRAINTS[constraint]
    summary = situation({"rag": 0.8})
    (statement,) = decide(summary, MARGINS, [broken("rag", constraint, limit, value)]).changes
    assert sentence(statement, summary) == expected


NOTED = {
    "the floor is named": (situation(FLOORED, floor="nearest", above_floor=["rag"], **ONE_WORSE), [], "above_floor"),
    "the other approach is named": (situation(TWO, **ONE_WORSE), [], "beats_approach"),
    "what leads without proof is named": (situation(CLOSE, **LIGHTER), [], "rival_ahead"),
    "money is named": (
        situation(CLOSE, costs={"zero": {"per_1000": 1.0}, "rag": {"per_1000": 3.0}}), [], "costs_against",
    ),
    "both costs are named": (situation(CLOSE, **LIGHTER), [], "takes_against"),
    "times of calls in batches are no times of one request": (
        situation(CLOSE, costs={"zero": {"seconds": 0.2}, "rag": {"seconds": 2.0}}), [], "took_against",
    ),
    "more items would show it above the floor": (
        situation({"zero": 0.6, "nearest": 0.4}, floor="nearest"), [], "more_items",
    ),
    "more items would help": (situation(CLOSE, **LIGHTER), [], "more_items"),
    "a better one breaks a constraint": (situation(TWO, **ONE_WORSE), [broken("rag")], "without_constraint"),
    "what each of them breaks": (situation({"zero": 0.6}), [broken("zero")], "breaks"),
    "better retrieval would help": (BOUNDED, [], "bound_above"),
    "an upper bound is beaten": (BEATEN, [], "bound_beaten"),
    "a curve still rises": (situation({"lora": 0.5, "lora2": 0.7}, worse=[("lora", "lora2")], curve=CURVE), [], "more_labels"),
    "it was trained once": (situation({"lora": 0.5}), [], "trained_once"),
    "a model that is asked otherwise than it was trained is named": (
        situation({"lora": 0.5}, mismatches=(PromptMismatch(
            task="norm", variant="lora", model="l", difference="d", remedy="r"),)), [], "unfamiliar_prompts",
    ),
    "that there is no floor is said": (situation(TWO, **ONE_WORSE), [], "no_floor"),
    "the best model is named": (
        situation({"zero": 0.4, "nearest": 0.9}, floor="nearest", below_floor=["zero"]), [], "model_behind",
    ),
    "a model that is not shown to be above is named": (
        situation({"zero": 0.91, "nearest": 0.9}, floor="nearest"), [], "model_not_above",
    ),
    "a stronger model": (situation({"zero": 0.4, "nearest": 0.9}, floor="nearest", below_floor=["zero"]), [], "stronger_model"),
    "a demoted judge is named": (situation(TWO, demoted={"norm.accuracy": "no"}), [], "demoted"),
    "an alarm is named": (situation(TWO, anomalies=(alarm("zero"),)), [], "alarm"),
    "thin coverage is named": (situation(TWO, coverage={"zero": 10}), [], "low_coverage"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTED)
def test_what_is_said_beside_it(name: str) -> None:
    summary, constraints, key = NOTED[name]
    assert key in keys(decide(summary, MARGINS, constraints))


def test_what_is_not_the_case_is_not_said() -> None:
    summary = situation(FLOORED, floor="nearest", above_floor=["zero", "rag"], **ONE_WORSE)
    assert keys(decide(summary, MARGINS)) == {"choose", "reaches", "beats_approach", "above_floor"}


def test_a_statement_of_another_version_is_said_as_it_was_recorded() -> None:
    nested = {"key": "decision.alarm_of_old", "values": {}}
    for statement in (
        Statement("decision.was_said_once", {"variant": "rag", "share": {"unit": "share", "value": 0.5}}),
        Statement("decision.reaches", {"variant": "rag"}),
        Statement("decision.alarm", {"variant": "rag", "task": "norm", "count": 1, "answers": 2, "alarm": nested}),
    ):
        assert "rag" in sentence(statement, BOUNDED)
        assert marked_sentence(statement, BOUNDED).striptags() == sentence(statement, BOUNDED)


def test_hostile_names_stay_text() -> None:
    name = "<img src=x onerror=alert(1)>{0.__class__}"
    statement = Statement("decision.choose", {"variant": name})
    assert sentence(statement, BOUNDED).startswith(f"Deploy {name}:")
    assert "<img" not in marked_sentence(statement, BOUNDED)


def test_money_is_said_as_money() -> None:
    costs = {"zero": {"per_1000": 3.0}, "rag": {"per_1000": 1.0}}
    summary = situation(CLOSE, costs=costs)
    assert "costs_against" in keys(decide(summary, MARGINS))
    assert not {"takes", "takes_against"} & keys(decide(summary, MARGINS))
    assert "costs" in keys(decide(situation({"zero": 0.6}, costs={"zero": {"per_1000": 3.0}}), MARGINS))


def test_more_items_help_no_constraint() -> None:
    decision = decide(situation(FAR), MARGINS, [broken("rag"), broken("zero")])
    assert decision.kind == "infeasible"
    assert "more_items" not in keys(decision)
