"""What speaks against the figures at first sight: answers that look like a fault of the set-up, unfamiliar prompts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.anomalies import Anomaly, AnomalyKind, PromptMismatch
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts.phrases import listed
from reports.section import Section

FAULTS: Mapping[AnomalyKind, str] = {
    "first token": "answers stopped at the first token, without a text",
    "empty": "answers are empty",
    "cut": "answers were cut at the limit of tokens",
    "refusal": "answers are refusals",
    "unreadable": "answers cannot be read",
    "same answer": "answers are the same, though other answers are expected",
    "cut prompts": "prompts were cut by the server",
    "no option": "first tokens are no option",
    "open option": "which option is likeliest stays open, and the item unknown",
    "no effect": "this setting had no effect",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyCard:
    """What the answers of one or several variants have in common on a task."""

    title: str  # e.g. "norm: answers stopped at the first token"
    cells: tuple[tuple[str, str], ...]  # the variant, how many of its answers
    excerpt: str  # the answer that is repeated, or why answers cannot be read
    cause: str
    remedy: str
    examples: tuple[tuple[str, str], ...]  # a sample, the address of its answers


class FirstLook(Section):
    order = 0
    leads = True

    def build(self, finished: FinishedRun) -> tuple[AnomalyCard, ...]:
        """Empty where nothing is odd."""
        return (*_faults(finished.summary), *_mismatches(finished.summary))

    def sentences(self, finished: FinishedRun) -> Iterator[str]:
        for card in self.build(finished):
            cells = listed(f"{variant} ({share})" if share else variant for variant, share in card.cells)
            excerpt = f", “{card.excerpt}”" if card.excerpt else ""
            cause = f" Likely cause: {card.cause}." if card.cause else ""
            yield f"{card.title}: {cells}{excerpt}.{cause} Remedy: {card.remedy}."


def _faults(summary: Summary) -> Iterator[AnomalyCard]:
    """Equal faults of several variants are told together."""
    groups: dict[tuple[str, AnomalyKind, str, str, str], list[Anomaly]] = {}
    for anomaly in summary.anomalies:
        key = (anomaly.task, anomaly.kind, anomaly.excerpt, anomaly.cause, anomaly.remedy)
        groups.setdefault(key, []).append(anomaly)
    for (task, kind, excerpt, cause, remedy), members in groups.items():
        examples = dict.fromkeys(sample for anomaly in members for sample in anomaly.examples)
        yield AnomalyCard(
            title=f"{task}: {FAULTS[kind]}",
            cells=tuple((anomaly.variant, _share(anomaly)) for anomaly in members),
            excerpt=excerpt,
            cause=cause,
            remedy=remedy,
            examples=tuple((sample, _address(task, sample)) for sample in list(examples)[:3]),
        )


def _mismatches(summary: Summary) -> Iterator[AnomalyCard]:
    """Of a trained model: the variants that ask it through other prompts, by how they differ."""
    groups: dict[tuple[str, str, str], list[PromptMismatch]] = {}
    for mismatch in summary.mismatches:
        key = (mismatch.task, f"{mismatch.model} {mismatch.difference}", mismatch.remedy)
        groups.setdefault(key, []).append(mismatch)
    for (task, difference, remedy), members in groups.items():
        yield AnomalyCard(
            title=f"{task}: {difference}",
            cells=tuple((mismatch.variant, "") for mismatch in members),
            excerpt="",
            cause="",
            remedy=remedy,
            examples=(),
        )


def _share(anomaly: Anomaly) -> str:
    return f"{anomaly.count:,} of {anomaly.answers:,}"


def _address(task: str, sample: str) -> str:
    return f"#{urlencode({'sample': f'{task}/{sample}'})}"
