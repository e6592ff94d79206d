"""What a user's knowledge files are: terms, documents or contexts; and of how many items they hold the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from harness.components.knowledge import Knowledge
from harness.components.registry import find
from harness.errors import DataError, HarnessError, nearest
from harness.records.inputs import JSON, Sample
from harness.statistics.right_answers import places_of
from harness.statistics.spreads import Spread, spread_of

_DOCUMENTS = (".pdf", ".docx", ".html", ".htm")
_TABLES = (".csv", ".tsv", ".xlsx")
_TEXT_COLUMNS = ["text", "name", "term", "title", "content", "名称", "标准词", "标准名", "术语", "文本", "内容", "条目"]
_SAMPLE = 300  # items whose answers are looked for


@dataclass(frozen=True, kw_only=True, slots=True)
class KnowledgeStudy:
    """A knowledge base as a suite writes it, and what it holds."""

    path: str
    component: str
    parameters: Mapping[str, JSON]  # without the path
    passages: int
    lengths: Spread  # characters of a passage
    judged: int  # items of which right answers are looked for
    covered: int  # of them, those whose right answer a passage holds

    @property
    def is_list(self) -> bool:
        """Whether passages are the answers themselves."""
        return self.component == "texts" and "contains" not in str(self.parameters.get("gold"))


def study_knowledge(path: str, samples: Sequence[Sample], separator: str | None) -> KnowledgeStudy:
    """The reading under which most items have their answer in a passage. Raises HarnessError, a line a mistake."""
    items = samples[:_SAMPLE]
    studies = []
    faults: list[HarnessError] = []
    for component, parameters in _readings(Path(path)):
        for gold in _golds(component, separator):
            try:
                studies.append(_study(path, component, {**parameters, **gold}, items))
            except HarnessError as error:
                faults.append(error)
    if not studies:
        raise faults[0]
    return max(studies, key=lambda study: (study.covered, -_length(study)))


def _length(study: KnowledgeStudy) -> float:
    """Of readings that hold equally many answers the shortest passages are best; of those with none the longest."""
    return study.lengths.median if study.covered else -study.lengths.median


def _readings(place: Path) -> list[tuple[str, Mapping[str, JSON]]]:
    """How a file can be read, by its name and first line. Raises DataError for one that is no knowledge."""
    suffix = place.suffix.lower()
    if not place.exists():
        names = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
        raise DataError(f"{place}: no such file ({nearest(place.name, names)})")
    if place.is_dir():
        documents = any(file.suffix.lower() in _DOCUMENTS for file in place.rglob("*"))
        markdown = any(file.suffix.lower() in (".md", ".markdown", ".txt") for file in place.rglob("*"))
        return [("documents", {})] if documents and not markdown else [("files", {})]
    if suffix in (".md", ".markdown"):
        return [("files", {})]
    if suffix in _DOCUMENTS:
        return [("documents", {})]
    if suffix in (".jsonl", ".ndjson"):
        return [("jsonl", {})]
    if suffix == ".json":
        return [("squad", {})]
    if suffix in (*_TABLES, ".txt", ""):
        return _text_readings(place)
    raise DataError(
        f"{place}: '{suffix}' files are no knowledge; .txt, .md, .csv, .tsv, .xlsx, .jsonl, .pdf, .docx, .html are read"
    )


def _text_readings(place: Path) -> list[tuple[str, Mapping[str, JSON]]]:
    """Whole lines, or each column of a table, by its number or, below a header, by its name."""
    if place.suffix.lower() in (".xlsx", ".csv"):
        from harness.authoring.sampled_rows import sample_rows

        return [("texts", {"column": name}) for name in list(sample_rows(str(place)).rows[0])[:12]]
    from harness.readers.parsing.text_file import read_text

    first = read_text(str(place)).lstrip().partition("\n")[0].rstrip("\r")
    cells = first.split("\t")
    if len(cells) == 1:
        return [("texts", {}), ("files", {"split": "paragraph"})]
    if any(cell.strip().lower() in _TEXT_COLUMNS for cell in cells):
        return [("texts", {"column": cell, "delimiter": "\t"}) for cell in cells[:12]]
    return [("texts", {"column": number, "delimiter": "\t"}) for number in range(len(cells[:12]))]


def _golds(component: str, separator: str | None) -> list[Mapping[str, JSON]]:
    terms: dict[str, JSON] = {"by": "text", "separator": separator} if separator else {}
    by_text: Mapping[str, JSON] = {"gold": terms} if terms else {}
    if component == "squad":
        return [{"gold": {"by": "field", "field": "context_id"}}, {"gold": "contains"}]
    return [by_text, {"gold": "contains"}] if component in ("texts", "jsonl") else [{"gold": "contains"}]


def _study(path: str, component: str, parameters: Mapping[str, JSON], samples: Sequence[Sample]) -> KnowledgeStudy:
    knowledge = cast(Knowledge, find("knowledge", component).model_validate({"path": path, **parameters}))
    passage_set = knowledge.passage_set()
    knowledge.check(samples)
    right = knowledge.right_answers(samples, passage_set)
    return KnowledgeStudy(
        path=path,
        component=component,
        parameters=parameters,
        passages=len(passage_set.passages),
        lengths=spread_of([len(passage.text) for passage in passage_set.passages]),
        judged=sum(bool(alternatives) for alternatives in right),
        covered=sum(bool(places_of(alternatives)) for alternatives in right),
    )
