"""What a user's data are, as the product's own reader reads them: form, columns, kind of answer, splits."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from harness.authoring.column_profiles import ColumnProfile, profile_columns
from harness.authoring.column_roles import MOST_LABELS, ColumnRoles, guess_roles, unusable
from harness.authoring.file_roles import FileRoles
from harness.authoring.published_forms import recognised_folder, recognised_form
from harness.authoring.row_samples import sampled_files, write_samples
from harness.authoring.sampled_rows import SampledRows, sample_rows
from harness.components.dataset import Dataset
from harness.components.reader import Reader
from harness.components.registry import find
from harness.errors import DataError
from harness.records.inputs import JSON, Sample
from harness.statistics.spreads import spread_of

AnswerKind = Literal["text", "choice", "json", "labels", "terms"]
KINDS: tuple[AnswerKind, ...] = get_args(AnswerKind)
FEWEST_DIVIDED = 30  # rows of one file, below which all are asked
_SEED = 42
_SHORT, _BRIEF = 40, 20  # characters of a label, of a term


@dataclass(frozen=True, kw_only=True, slots=True)
class DataStudy:
    """A user's data, understood: what the suite writes as its `data`, and what that gives."""

    files: FileRoles
    table: SampledRows | None  # of the file that is asked; None where a reader knows the form of the whole folder
    columns: tuple[ColumnProfile, ...]
    roles: ColumnRoles
    reader: str
    parameters: Mapping[str, JSON]  # of the reader, without the files
    dataset: Dataset
    faults: tuple[str, ...]  # rows that cannot be read, which the suite leaves out
    sampled: Mapping[str, SampledRows] = field(
        default_factory=dict
    )  # by parameter, where files are too large to be read

    division: Mapping[str, JSON] | None = None  # of one file into train and test
    takes_limit: bool = True  # whether the reader has a limit

    @property
    def is_shuffled(self) -> bool:
        """Whether rows are divided in a drawn order: not where neighbours belong together."""
        return self.division is not None and self.roles.group is None and self.reader != "squad"

    @property
    def samples(self) -> tuple[Sample, ...]:
        """All samples, whatever their split."""
        return (*self.dataset.test, *self.dataset.train, *self.dataset.validation)


def look_into(files: FileRoles) -> SampledRows | None:
    """The rows of the file that is asked; None of a folder whose form a reader knows. Raises DataError."""
    if recognised_folder(files.test) is not None:
        return None
    return sample_rows(files.test)


def understand(files: FileRoles, table: SampledRows | None, stated: ColumnRoles) -> DataStudy:
    """The data under the roles that are stated, the others guessed. Raises DataError or HarnessError, a line a mistake.

    Of a table without a usable right answer the study has no samples: `missing_role` says what is missing.
    """
    folder = recognised_folder(files.test)
    columns = profile_columns(table.rows) if table is not None else ()
    form = folder or (recognised_form(table) if table is not None and stated == ColumnRoles() else None)
    if form is not None:
        return _read(files, table, columns, ColumnRoles(), form.reader, form.parameters)
    assert table is not None
    roles = guess_roles(columns, table.rows, stated)
    parameters = {
        "input": roles.input,
        "target": roles.target,
        **(
            {"options": list(roles.options) if isinstance(roles.options, tuple) else roles.options}
            if roles.options
            else {}
        ),
        **({"id": roles.id} if roles.id else {}),
        **({"group": roles.group} if roles.group else {}),
    }
    if roles.input is None or roles.target is None or _fault_of(roles.target, columns, table):
        return DataStudy(
            files=files, table=table, columns=columns, roles=roles, reader=table.form, parameters=parameters,
            dataset=Dataset(test=()), faults=table.faults,
        )  # fmt: skip
    return _read(files, table, columns, roles, table.form, parameters)


def missing_role(study: DataStudy) -> str | None:
    """Which column is missing, with what there is and why none serves; None where the data can be asked."""
    if study.samples:
        return None
    table = study.table
    assert table is not None
    if study.roles.target is not None and (fault := _fault_of(study.roles.target, study.columns, table)):
        return f"{table.path}: '{study.roles.target}' {fault}; name the column of the right answers: --target COLUMN"
    described = ", ".join(_described(column, table) for column in study.columns[:12])
    if study.roles.target is None:
        role = f"'{study.roles.input}' is the input; " if study.roles.input else ""
        return f"{table.path}: {role}which column holds the right answers? --target COLUMN; there are: {described}"
    return f"{table.path}: which column holds what is asked? --input COLUMN; there are: {described}"


def _fault_of(name: str, columns: Sequence[ColumnProfile], table: SampledRows) -> str | None:
    column = next(column for column in columns if column.name == name)
    return unusable(column, len(table.rows))


def _described(column: ColumnProfile, table: SampledRows) -> str:
    fault = unusable(column, len(table.rows))
    return f"{column.name} ({fault or f'{column.distinct:,} different'})"


def _read(
    files: FileRoles, table: SampledRows | None, columns: tuple[ColumnProfile, ...], roles: ColumnRoles,
    reader: str, parameters: Mapping[str, JSON],
) -> DataStudy:  # fmt: skip
    """Through the reader itself; of a file that was read in parts, its sampled rows through the reader's layout."""
    own = {name: value for name, value in parameters.items() if value is not None}
    study = DataStudy(
        files=files, table=table, columns=columns, roles=roles, reader=reader, parameters=own,
        dataset=Dataset(test=()), faults=(),
    )  # fmt: skip
    if table is not None and (sampled := sampled_files(files)):
        with tempfile.TemporaryDirectory() as scratch:
            in_lines = "jsonl" if reader in ("csv", "tsv") else reader
            return _divided(replace(study, reader=in_lines, sampled=sampled), write_samples(sampled, Path(scratch)))
    study = _divided(study, files.by_split())
    dropped, used = len(study.faults), len(study.samples)
    if dropped > used:
        raise DataError(f"{files.test}: most rows cannot be used; the first: {study.faults[0]}")
    return study


def _divided(study: DataStudy, paths: Mapping[str, str]) -> DataStudy:
    """The study with its samples; one file with enough rows is divided into train and test."""
    component = find("reader", study.reader)
    assert issubclass(component, Reader)
    skipping = {"on_bad_row": "skip"} if "on_bad_row" in component.model_fields else {}
    parameters = {**paths, **study.parameters, **skipping}
    dataset = component.model_validate(parameters).read("task", _SEED)
    study = replace(study, dataset=dataset, faults=dataset.skipped, takes_limit="limit" in component.model_fields)
    if dataset.train or len(dataset.test) < FEWEST_DIVIDED or "split" not in component.model_fields:
        return study
    study = replace(study, division={"train": 80, "test": 20})
    divided = component.model_validate({**parameters, "split": study.division, "shuffle": study.is_shuffled})
    return replace(study, dataset=divided.read("task", _SEED))


def answer_kind(samples: Sequence[Sample]) -> AnswerKind:
    """What the right answers are: options, objects with fields, a few labels, terms of a list, or free text."""
    targets = [target for sample in samples for target in sample.targets]
    if not targets:
        return "text"
    if all(sample.options for sample in samples):
        return "choice"
    if json_fields(targets):
        return "json"
    lengths, distinct = spread_of([len(target) for target in targets]), len(set(targets))
    if lengths.p95 <= _SHORT and 1 < distinct <= min(MOST_LABELS, len(targets) // 3):
        return "labels"
    return "terms" if lengths.p95 <= _SHORT and lengths.median <= _BRIEF and not _are_sentences(targets) else "text"


def json_fields(targets: Sequence[str]) -> tuple[str, ...]:
    """The fields that the objects of all right answers have; none where they are no objects."""
    fields: dict[str, None] | None = None
    for target in targets:
        try:
            value = json.loads(target) if target.lstrip().startswith("{") else None
        except ValueError:
            value = None
        if not isinstance(value, dict):
            return ()
        fields = dict.fromkeys(value) if fields is None else {name: None for name in fields if name in value}
    return tuple(fields or ())


def separator_of(targets: Sequence[str]) -> str | None:
    """What joins several terms in one right answer; None where nothing does."""
    return next(
        (sign for sign in ("##", "；", "|") if sum(sign in target for target in targets) * 200 >= len(targets)), None
    )


def _are_sentences(targets: Sequence[str]) -> bool:
    return sum(target.rstrip()[-1:] in "。.!?！？" for target in targets) * 2 > len(targets)


def stem_of(path: str) -> str:
    """A name for what is made of a file."""
    return Path(path.rstrip("/")).name.split(".")[0]
