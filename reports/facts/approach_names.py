"""Which approach each variant is of, as far as the run tells, and what approaches are called."""

from harness.records.decisions import Approach
from harness.records.summary import Summary
from reports.wording import say

ORDER: tuple[Approach | None, ...] = (
    "prompting", "RAG", "fine-tuning", "fine-tuning + RAG", "cascade", None, "made elsewhere", "floor", "upper bound",
)  # fmt: skip


def approach_of(summary: Summary, variant: str) -> Approach | None:
    """None where the run does not tell, as runs of older versions do not."""
    if variant in summary.bounds:
        return "upper bound"
    if variant in summary.unaided:
        return "floor"
    return summary.decisions.approaches.get(variant)


def approach_name(approach: Approach | None) -> str:
    """In the language that is spoken."""
    slug = (approach or "other").lower().replace(" + ", "_").replace("-", "_").replace(" ", "_")
    return say(f"recommendation.approach_{slug}")


def labels_used(summary: Summary, variant: str) -> str | None:
    """How many labelled rows a variant searches by, where it does: its approach alone would not tell of them."""
    rows = next((cost.named_rows for cost in summary.decisions.costs if cost.variant == variant), 0)
    return say("recommendation.labels_used", rows=f"{rows:,}") if rows else None


def approach_explanation(approach: Approach | None) -> str | None:
    """What is not an approach says what it is for."""
    if approach == "made elsewhere":
        return say("recommendation.elsewhere_explained")
    if approach == "floor":
        return say("recommendation.floor_explained")
    return say("recommendation.bound_explained") if approach == "upper bound" else None
