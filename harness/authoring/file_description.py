"""A data file by itself, in figures: its columns with what each could be, lengths and duplicates."""

from collections import Counter
from collections.abc import Iterator

from harness.authoring.column_profiles import ColumnProfile
from harness.authoring.column_roles import ColumnRoles, unusable
from harness.authoring.data_study import DataStudy
from harness.authoring.interview import described
from harness.statistics.spreads import spread_of
from harness.text.counting import counted
from harness.text.excerpts import shortened
from harness.text.normalise import whole_question


def column_rows(study: DataStudy) -> Iterator[tuple[str, ...]]:
    """A row a column: name, filled, different, median, p95 and longest length, role, commonest values."""
    rows = len(study.table.rows) if study.table is not None else 0
    for column in study.columns:
        lengths = column.lengths
        figures = (f"{lengths.median:,g}", f"{lengths.p95:,}", f"{lengths.max:,}") if lengths else ("-", "-", "-")
        role = _role(column, study.roles, rows)
        yield column.name, f"{column.filled:,}", f"{column.distinct:,}", *figures, role, _values(column)


def file_sentences(study: DataStudy) -> Iterator[str]:
    """Rows, splits, lengths of question and answer, duplicates, balance."""
    yield from described(study)
    samples = study.samples
    if not samples:
        return
    question = spread_of([len(sample.input) for sample in samples])
    targets = [target for sample in samples for target in sample.targets]
    answer = spread_of([len(target) for target in targets])
    yield f"characters asked: median {question.median:g}, p95 {question.p95:,}, max {question.max:,}"
    yield f"characters of the right answer: median {answer.median:g}, p95 {answer.p95:,}, max {answer.max:,}"
    questions = Counter(whole_question(sample) for sample in samples)
    yield f"rows that ask what an earlier row asks: {len(samples) - len(questions):,}"
    counts = Counter(targets)
    listed = ", ".join(f"{shortened(name, 30)} {count:,}" for name, count in counts.most_common(10))
    yield f"{counted(len(counts), 'different right answer')}; the commonest: {listed}"


def _role(column: ColumnProfile, roles: ColumnRoles, rows: int) -> str:
    named = {roles.input: "input", roles.target: "right answer", roles.id: "id", roles.group: "group"}
    if column.name in named:
        return named[column.name]
    if column.name == roles.options or column.name in roles.options:
        return "option"
    return f"- ({fault})" if (fault := unusable(column, rows)) else "-"


def _values(column: ColumnProfile) -> str:
    if column.distinct == column.filled:
        return "all different"
    return ", ".join(f"{shortened(text, 16)} {count:,}" for text, count in column.commonest[:3])
