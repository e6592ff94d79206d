"""What a page shows of a run: all of it, or evenly drawn items of one that is too large, and what belongs to them."""

from collections import Counter
from collections.abc import Callable, Iterator

from harness.records.finished_run import FinishedRun
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Score
from harness.runtime.run_folder import RunFolder

MOST_ANSWERS = 100_000  # answers; a page of so many has some ten megabytes
REST = b',"variant":'  # in a line of a prediction or a score, behind what names its item


def excerpt_of(folder: RunFolder, most: int = MOST_ANSWERS) -> FinishedRun:
    """The run with at most so many answers, roughly. Raises StoreError when an earlier stage has not been run."""
    step = -(-folder.count_lines("predictions.jsonl") // most)
    if step <= 1:
        return folder.finished()
    sizes: Counter[str] = Counter()
    samples = list(_one_of(step, folder.stream_lines("samples.jsonl", Sample), sizes))
    belongs = _is_of({_beginning(folder, sample) for sample in samples})
    return FinishedRun(
        run=folder.read_run(),
        summary=folder.summary(),
        samples=samples,
        predictions=list(folder.stream_lines("predictions.jsonl", Prediction, matches=belongs)),
        scores=list(folder.stream_lines("scores.jsonl", Score, matches=belongs)),
        sizes=sizes,
    )


def _one_of(step: int, samples: Iterator[Sample], sizes: Counter[str]) -> Iterator[Sample]:
    """One of so many items of each task, from its first on; all are counted."""
    for sample in samples:
        if sizes[sample.task] % step == 0:
            yield sample
        sizes[sample.task] += 1


def _beginning(folder: RunFolder, sample: Sample) -> bytes:
    """How the lines of an item's predictions and scores begin."""
    score = Score(sample_id=sample.id, task=sample.task, variant="", metric="", value=None)
    (line,) = folder.as_lines([score], Score)
    return line[: line.index(REST)]


def _is_of(beginnings: set[bytes]) -> Callable[[bytes], bool]:
    return lambda line: line[: line.find(REST)] in beginnings
