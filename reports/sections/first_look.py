"""What speaks against the figures at first sight: answers that look like a fault of the set-up, unfamiliar prompts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.anomalies import Anomaly, AnomalyKind, PromptMismatch
from harness.records.finished_run import FinishedRun
from harness.records.summary import Summary
from reports.facts.phrases import listed
from reports.facts.spoken_sentences import spoken_sentences
from reports.section import Section
from reports.wording import say

FAULTS: Mapping[AnomalyKind, str] = {
    "first token": "first_look.first_token",
    "empty": "first_look.empty",
    "cut": "first_look.cut",
    "refusal": "first_look.refusal",
    "unreadable": "first_look.unreadable",
    "same answer": "first_look.same_answer",
    "cut prompts": "first_look.cut_prompts",
    "no option": "first_look.no_option",
    "open option": "first_look.open_option",
    "no effect": "first_look.no_effect",
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
        return map(_sentence, self.build(finished))


def _sentence(card: AnomalyCard) -> str:
    cells = listed(
        say("first_look.cell", variant=variant, share=share) if share else variant for variant, share in card.cells
    )
    if card.excerpt:
        key = "first_look.quoting_sentence_with_cause" if card.cause else "first_look.quoting_sentence"
    else:
        key = "first_look.sentence_with_cause" if card.cause else "first_look.sentence"
    return say(key, title=card.title, cells=cells, excerpt=card.excerpt, cause=card.cause, remedy=card.remedy)


def _faults(summary: Summary) -> Iterator[AnomalyCard]:
    """Equal faults of several variants are told together."""
    groups: dict[tuple[str, AnomalyKind, str, str, str], list[Anomaly]] = {}
    for anomaly in summary.anomalies:
        cause, remedy = spoken_sentences((anomaly.cause, anomaly.remedy), anomaly.statements)
        key = (anomaly.task, anomaly.kind, anomaly.excerpt, cause, remedy)
        groups.setdefault(key, []).append(anomaly)
    for (task, kind, excerpt, cause, remedy), members in groups.items():
        examples = dict.fromkeys(sample for anomaly in members for sample in anomaly.examples)
        yield AnomalyCard(
            title=say(FAULTS[kind], task=task),
            cells=tuple((anomaly.variant, _share(anomaly)) for anomaly in members),
            excerpt=excerpt,
            cause=cause,
            remedy=remedy,
            examples=tuple((sample, _address(task, sample)) for sample in list(examples)[:3]),
        )


def _mismatches(summary: Summary) -> Iterator[AnomalyCard]:
    """Of a trained model: the variants that ask it through other prompts, by how they differ."""
    groups: dict[tuple[str, str], list[PromptMismatch]] = {}
    for mismatch in summary.mismatches:
        difference, remedy = spoken_sentences((mismatch.difference, mismatch.remedy), mismatch.statements)
        title = say("first_look.mismatch", task=mismatch.task, model=mismatch.model, difference=difference)
        key = (title, remedy)
        groups.setdefault(key, []).append(mismatch)
    for (title, remedy), members in groups.items():
        yield AnomalyCard(
            title=title,
            cells=tuple((mismatch.variant, "") for mismatch in members),
            excerpt="",
            cause="",
            remedy=remedy,
            examples=(),
        )


def _share(anomaly: Anomaly) -> str:
    return say("first_look.share", count=f"{anomaly.count:,}", answers=f"{anomaly.answers:,}")


def _address(task: str, sample: str) -> str:
    return f"#{urlencode({'sample': f'{task}/{sample}'})}"
