"""The items of a baseline, one a line: what was asked, answered and scored, as digests and numbers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.records.inputs import JSON
from harness.records.outputs import Score
from harness.records.run_evidence import CellItem, QuestionId, RunEvidence

FAILED = "the answer failed"  # of what a baseline does not say why
NO_SCORE = ""  # where a metric does not apply; null is a score that is not known


@dataclass(frozen=True, kw_only=True)
class ItemColumns:
    """What the lists of a task's lines are lists of."""

    variants: Sequence[str]
    counts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of a corpus metric: the names of its counts


@dataclass(kw_only=True)
class ReadItems:
    """What the lines hold."""

    scores: list[Score] = field(default_factory=list)
    questions: dict[QuestionId, str] = field(default_factory=dict)
    answers: dict[CellItem, str] = field(default_factory=dict)
    groups: dict[QuestionId, str] = field(default_factory=dict)


def item_columns(evidence: RunEvidence) -> dict[str, ItemColumns]:
    """The columns of each task, in the order of its scores; names of counts sorted."""
    variants: dict[str, dict[str, None]] = {task: {} for task, _ in evidence.questions}
    counts: dict[str, dict[str, set[str]]] = {task: {} for task in variants}
    for task, variant, _ in evidence.answers:
        variants[task][variant] = None
    for score in evidence.scores:
        variants[score.task][score.variant] = None
        if score.counts:
            counts[score.task].setdefault(score.metric, set()).update(score.counts)
    return {
        task: ItemColumns(variants=list(own), counts={metric: sorted(kinds) for metric, kinds in counts[task].items()})
        for task, own in variants.items()
    }


def item_lines(evidence: RunEvidence, columns: Mapping[str, ItemColumns]) -> Iterator[str]:
    """One line an item, in the order of the run."""
    rows: dict[QuestionId, dict[str, dict[str, Score]]] = {key: {} for key in evidence.questions}
    for score in evidence.scores:
        rows[score.task, score.sample_id].setdefault(score.metric, {})[score.variant] = score
    for (task, own), question in evidence.questions.items():
        variants = columns[task].variants
        line: dict[str, JSON] = {"task": task, "id": own, "question": question}
        if (task, own) in evidence.groups:
            line["group"] = evidence.groups[task, own]
        line["answers"] = [evidence.answers.get((task, variant, own)) for variant in variants]
        line["scores"] = {metric: [_value(row.get(v)) for v in variants] for metric, row in rows[task, own].items()}
        counts = {
            metric: [_counted(row.get(v), kinds) for v in variants]
            for metric, kinds in columns[task].counts.items()
            if (row := rows[task, own].get(metric))
        }
        if counts:
            line["counts"] = counts
        yield json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def read_items(lines: Sequence[str], columns: Mapping[str, ItemColumns]) -> ReadItems:
    """What `item_lines` wrote. Raises ValueError, KeyError or TypeError for a line that it did not write."""
    items = ReadItems()
    for text in lines:
        line = json.loads(text)
        task, own, variants = str(line["task"]), str(line["id"]), columns[line["task"]].variants
        items.questions[task, own] = line["question"]
        if "group" in line:
            items.groups[task, own] = line["group"]
        answers = dict(zip(variants, line["answers"], strict=True))
        items.answers |= {(task, variant, own): answer for variant, answer in answers.items() if answer is not None}
        for metric, values in line["scores"].items():
            counts = line.get("counts", {}).get(metric, [None] * len(variants))
            kinds = columns[task].counts.get(metric, ())
            for variant, value, tallies in zip(variants, values, counts, strict=True):
                if value != NO_SCORE:
                    items.scores.append(
                        Score(
                            sample_id=own,
                            task=task,
                            variant=variant,
                            metric=metric,
                            value=None if value is None else float(value),
                            error=FAILED if value is None and answers[variant] is None else None,
                            counts=None if tallies is None else _named(tallies, kinds),
                        )
                    )
    return items


def _value(score: Score | None) -> JSON:
    return NO_SCORE if score is None else _number(score.value)


def _number(value: float | None) -> float | int | None:
    """Whole numbers without a point."""
    return int(value) if value is not None and value.is_integer() else value


def _counted(score: Score | None, kinds: Sequence[str]) -> JSON:
    """The counts that are not 0, as pairs of the place of their name and the number, one after the other."""
    if score is None or score.counts is None:
        return None
    pairs = ((place, _number(float(score.counts.get(kind, 0.0)))) for place, kind in enumerate(kinds))
    return [part for place, number in pairs if number for part in (place, number)]


def _named(tallies: Sequence[float], kinds: Sequence[str]) -> dict[str, float]:
    return {kinds[int(place)]: float(number) for place, number in zip(tallies[::2], tallies[1::2], strict=True)}
