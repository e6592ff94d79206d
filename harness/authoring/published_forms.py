"""Data sets that are published in a form of their own: recognised by their keys, or by the folders that hold them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.authoring.sampled_rows import SampledRows
from harness.errors import DataError
from harness.records.inputs import JSON

_SECTIONS = ("主诉", "现病史", "诊断")


@dataclass(frozen=True, slots=True)
class PublishedForm:
    """The reader of a form, and what it has to be told."""

    reader: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)


def recognised_folder(path: str) -> PublishedForm | None:
    """The form of a folder of a published data set, or of a file that only its own reader reads."""
    place = Path(path)
    if place.name == "dataset_info.json":
        raise DataError(
            f"{path}: describes data files of LLaMA-Factory; name one of them, e.g. the file_name of an entry"
        )
    if not place.is_dir():
        return PublishedForm("imcs_mrg") if place.suffix.lower() == ".json" and _is_imcs_original(place) else None
    if (place / "IMCS-V2_dev.json").is_file() and (place / "IMCS-V2_train.json").is_file():
        return PublishedForm("imcs_mrg")
    if not (place / "dev").is_dir():
        return None
    if any((place / "val").glob("*_val.csv")) and not any((place / "test").glob("*_test.csv")):
        return PublishedForm("ceval")
    header = _first_line(next(iter(sorted((place / "dev").glob("*.csv"))), None))
    if header.startswith("id,question"):
        return PublishedForm("ceval")
    if any((place / "test").glob("*_test.csv")):
        return PublishedForm("mmlu")
    return PublishedForm("cmmlu") if any((place / "test").glob("*.csv")) else None


def recognised_form(table: SampledRows) -> PublishedForm | None:
    """The form that the keys of the first rows show. Raises DataError for preference pairs, which no task asks."""
    first = table.rows[0]
    keys = set(first)
    if {"chosen", "rejected"} <= keys:
        raise DataError(
            f"{table.path}: holds preference pairs (chosen, rejected), which have no right answer to compare with; "
            "give rows with one"
        )
    if table.form not in ("json", "jsonl"):
        _refuse_headerless(table)
        return None
    if isinstance(first.get("paragraphs"), list) and table.form == "json":
        return PublishedForm("squad")
    if isinstance(first.get("conversations"), list):
        return PublishedForm("sharegpt")
    if isinstance(first.get("messages"), list):
        return PublishedForm("messages")
    if {"query", "response"} <= keys:
        return PublishedForm("query_response")
    if {"instruction", "output"} <= keys:
        return PublishedForm("alpaca")
    target = first.get("target")
    if "患者：" in str(first.get("input")) and isinstance(target, str) and all(name in target for name in _SECTIONS):
        return PublishedForm("imcs_mrg")
    return PublishedForm("imcs_mrg") if {"dialogue", "report"} <= keys else None


def _refuse_headerless(table: SampledRows) -> None:
    """Raise DataError for an exam whose first question stands where names of columns should."""
    names = list(table.rows[0])
    if len(names) == 6 and names[-1] in "ABCD" and len(names[0]) > 1:
        raise DataError(
            f"{table.path}: has no header (its first line ends in the answer {names[-1]}); write "
            "question,A,B,C,D,answer above it, or give the folder of MMLU that holds dev/ and test/"
        )


def _is_imcs_original(file: Path) -> bool:
    """Whether a JSON file is an object of examples, each with dialogue and report, by its beginning."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        head = stream.read(1 << 15)
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    return start == b"{" and b'"self_report"' in head and b'"speaker"' in head


def _first_line(file: Path | None) -> str:
    if file is None:
        return ""
    with file.open("rb") as stream:
        return stream.readline(1000).decode("utf-8", "replace").lstrip("\ufeff")
