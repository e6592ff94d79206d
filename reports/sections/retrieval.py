"""Where wrong answers come from: retrieval that missed, or generation that failed with the passage in front of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.figures import Retrieved, Summary
from harness.records.outputs import Prediction, Retrieval
from harness.summary.error_causes import KINDS
from reports.facts.columns import probes, retrieval_columns
from reports.facts.table import Table, table_of

LABELS = {"mrr": "MRR", "ndcg@10": "nDCG@10", "cited": "cited", "": "recall@k"}
CAUSES = {  # of a wrong answer: what was shown, and what that means
    "hit and wrong": ("had {} in front of them", "generation failed"),
    "miss and wrong": ("never saw {}", "retrieval missed"),
    "not shown": ("had {} found but not shown", "no room or under the threshold"),
}


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a row's answers are of one kind, and the address that shows them."""

    kind: str
    count: int
    share: str
    start: float  # percent of the bar's width
    width: float
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """One variant that looked something up."""

    variant: str
    asked: str | None  # passages asked for
    shares: tuple[Share, ...]
    samples: int
    cut: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Part:
    """One task."""

    task: str
    figures: Table | None
    labels: tuple[str, ...]  # of the figures' columns
    metric: str  # what decides between right and wrong
    not_shown: bool  # whether any gold passage was found but not shown: its own column
    rows: tuple[Row, ...]
    sentences: tuple[str, ...]


def section(summary: Summary, predictions: Iterable[Prediction]) -> tuple[Part, ...]:
    """One part a task; probes are shown as such, not here."""
    asked = _asked(predictions)
    return tuple(_part(summary, task, cells, asked) for task, cells in _by_task(summary).items())


def sentences(summary: Summary) -> tuple[str, ...]:
    """What dominates each variant's wrong answers, task by task."""
    return tuple(
        f"On {task}, {_sentence(cell)}"
        for task, cells in _by_task(summary).items()
        for cell in cells
        if _known(cell)
    )  # fmt: skip


def told(found: Retrieval) -> str:
    """Where the gold passages were found, and what was left out, e.g. "gold at rank 3 · 1 passage left out"."""
    lost = found.left_out and f"{found.left_out} passage{'s' if found.left_out > 1 else ''} left out"
    cut = found.cut and f"{found.cut} passage{'s' if found.cut > 1 else ''} cut"
    return " · ".join(str(part) for part in (_ranks(found), cut, lost) if part)


def _ranks(found: Retrieval) -> str:
    if not found.gold:
        return "gold not known" if found.depth else "nothing was looked up; gold not known"
    if found.ranks is None:
        return "gold passages given, nothing was searched"
    ranks = sorted(rank for rank in found.ranks if rank is not None)
    missed = len(found.ranks) - len(ranks)
    if not ranks:
        return f"gold not among the first {found.depth}"
    at = f"gold at rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"
    return f"{at}; {missed} more not among the first {found.depth}" if missed else at


def _by_task(summary: Summary) -> Mapping[str, list[Retrieved]]:
    found: dict[str, list[Retrieved]] = {}
    for cell in summary.retrieved:
        if cell.task not in probes(summary):
            found.setdefault(cell.task, []).append(cell)
    return found


def _part(summary: Summary, task: str, cells: Sequence[Retrieved], asked: Mapping[tuple[str, str], str]) -> Part:
    columns = [column for column in retrieval_columns(summary) if column.task == task and not column.headline]
    figures = table_of(summary, task, columns) if columns else None
    not_shown = any(cell.counts.get("not shown") for cell in cells)
    kinds = [name for name in KINDS if not_shown or name != "not shown"]
    return Part(
        task,
        figures,
        tuple(_label(column.metric) for column in columns),
        f"{task}.{cells[0].metric}",
        not_shown,
        tuple(_row(cell, asked.get((task, cell.variant)), kinds) for cell in cells),
        tuple(_sentence(cell) for cell in cells if _known(cell)),
    )


def _label(metric: str) -> str:
    part = metric.partition(".")[2]
    return LABELS.get(part, part)


def _row(cell: Retrieved, asked: str | None, kinds: Sequence[str]) -> Row:
    return Row(cell.variant, asked, tuple(_shares(cell, kinds)), cell.samples, cell.cut, cell.left_out)


def _shares(cell: Retrieved, kinds: Sequence[str]) -> Iterator[Share]:
    start, total = 0.0, max(1, cell.samples)
    for name in kinds:
        count = cell.counts.get(name, 0)
        width = 100 * count / total
        address = urlencode({"task": cell.task, "variant": cell.variant, "retrieval": name})
        yield Share(name, count, f"{width:.1f} %", round(start, 2), round(width, 2), f"#{address}")
        start += width


def _known(cell: Retrieved) -> int:
    return sum(cell.counts.get(name, 0) for name in KINDS[:-1])


def _sentence(cell: Retrieved) -> str:
    """The dominating cause first, e.g. "generation failed" where most had the gold passage in front of them."""
    counts = {name: count for name in CAUSES if (count := cell.counts.get(name, 0))}
    wrong = sum(counts.values())
    if not wrong:
        return f"{cell.variant}: no answer is wrong among the {_known(cell):,} whose gold passage is known."
    answers = f"{wrong:,} wrong answer{'s' if wrong > 1 else ''}"
    if len(counts) == 1:
        shown, cause = CAUSES[next(iter(counts))]
        told = f"{shown.format('the gold passage')}: {cause}"
        if wrong == 1:
            return f"{cell.variant}: the only wrong answer {told.replace('front of them', 'front of it')}."
        return f"{cell.variant}: all {answers} {told}."
    ordered = sorted(counts, key=lambda name: -counts[name])
    tied = [name for name in ordered if counts[name] == counts[ordered[0]]]
    said = {
        name: f"{counts[name]:,} {CAUSES[name][0].format('the gold passage' if name == ordered[0] else 'it')}"
        for name in ordered
    }
    parts = [f"{said[name]}: {CAUSES[name][1]}" for name in ordered]
    if len(tied) > 1:
        alike = [f"{said[name]} ({CAUSES[name][1]})" for name in tied]
        none = "neither dominates" if len(tied) == 2 else "none dominates"
        parts = [f"{', '.join(alike[:-1])} and {alike[-1]}", none, *parts[len(tied) :]]
    return f"{cell.variant}: of {answers}, {'; '.join(parts)}."


def _asked(predictions: Iterable[Prediction]) -> dict[tuple[str, str], str]:
    """How many passages each cell asked for; the oracle takes as many as there are gold ones."""
    found: dict[tuple[str, str], set[int]] = {}
    for prediction in predictions:
        if prediction.retrieval is not None and prediction.retrieval.ranks is not None:
            found.setdefault((prediction.task, prediction.variant), set()).add(prediction.retrieval.k)
    return {cell: f"k = {', '.join(map(str, sorted(numbers)))}" for cell, numbers in found.items()}
