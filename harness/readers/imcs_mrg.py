"""IMCS-V2-MRG exists in two layouts; both become the same sample, so that figures on either can be compared."""

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import DataError
from harness.readers.parsing.assembly import Division
from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.json_text import member_rows, object_rows
from harness.readers.parsing.rows import BadRow, Fault, Row, kind_of, list_of, optional_text, text_of
from harness.readers.parsing.split import Split
from harness.readers.parsing.text_file import read_text
from harness.records.inputs import JSON, Sample

SECTIONS = ("主诉", "现病史", "辅助检查", "既往史", "诊断", "建议")
NOTHING = "无"  # what the annotators themselves write where a section has nothing to say
_SECTION = re.compile(rf"^[ \t]*({'|'.join(SECTIONS)})[：:]", re.MULTILINE)
_UTTERANCE = re.compile(r"^(?:患者|医生)[：:].*$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*([^\s：:，,。]{2,10})[：:]", re.MULTILINE)
_KEY = "example_id"
_DATA_SET = "IMCS-V2-MRG"  # as PromptCBLUE names it among the sixteen data sets of its files
_ORIGINAL = ("IMCS-V2_dev.json", "IMCS-V2_train.json")


@dataclass(frozen=True, slots=True)
class ReportLayout:
    """A dialogue and its report, as PromptCBLUE (input, target) or IMCS-V2 (dialogue, report) has them."""

    required: tuple[str, ...] = ()

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return text_of(values, _KEY) if _KEY in values else None

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        if "dialogue" in values and "report" in values:
            dialogue, targets = _dialogue_lines(values), _report_targets(values)
            used: tuple[str, ...] = ("dialogue", "report", "self_report", _KEY)
            extra = {}
        elif "input" in values and "target" in values:
            wording = text_of(values, "input")
            dialogue, targets = _quoted_dialogue(wording), (_sections(text_of(values, "target")),)
            used, extra = ("input", "target"), {"promptcblue": wording}
        elif "dialogue" in values:
            raise BadRow("there is no 'report': IMCS-V2_test.json has none; score on IMCS-V2_dev.json")
        else:
            raise BadRow("neither input and target (PromptCBLUE) nor dialogue and report (IMCS-V2)")
        meta = {name: value for name, value in values.items() if name not in used}
        return Sample(
            id=identifier, task=task, input=dialogue, targets=tuple(dict.fromkeys(targets)), meta={**meta, **extra}
        )


class ImcsMrg(FileReader):
    """IMCS-V2-MRG, doctor-patient dialogue → report: PromptCBLUE's list or IMCS-V2's original with two references.

    `input` is the dialogue, an utterance a line; PromptCBLUE's whole wording stays in {{ promptcblue }}. Each target
    is a JSON object with the six sections in their order, verbatim; an empty or missing section is 无, a renamed one is
    refused. `path` is a file, or a folder: its only JSON file, which `split` divides, or IMCS-V2_dev.json as
    test with IMCS-V2_train.json as train, which are divided already. Rows that PromptCBLUE's `task_dataset` gives to
    other data sets are passed over.
    """

    def division(self) -> Division:
        """The parameters of the division; the original's files are one."""
        division = super().division()
        return replace(division, split=None, shuffle=False) if self._is_original_folder() else division

    def files(self) -> dict[Split, str]:
        """The file of each split; a folder is searched."""
        files = super().files()
        folder = Path(self.path)
        if not folder.is_dir():
            return files
        json_files = sorted(folder.glob("*.json"))
        names = [file.name for file in json_files]
        if len(json_files) == 1:
            return {**files, "test": str(json_files[0])}
        if self._is_original_folder():
            test, train = (str(folder / name) for name in _ORIGINAL)
            return {**files, "test": test, "train": self.train or train}
        raise DataError(f"{self.path}: name the file to read; the folder holds {', '.join(names) or 'no JSON file'}")

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """The rows of this data set: of a list, of JSON lines, or the members of an object by their example id."""
        data_sets = set()
        rows = 0
        for row in self._all_rows(path):
            if isinstance(row, Row) and (name := str(row.values.get("task_dataset") or _DATA_SET)) != _DATA_SET:
                data_sets.add(name)
            else:
                rows += 1
                yield row
        if data_sets and not rows:
            raise DataError(
                f"{path}: no row has the task_dataset {_DATA_SET}; there is: {', '.join(sorted(data_sets))}"
            )

    def _all_rows(self, path: str) -> Iterator[Row | Fault]:
        text = read_text(path)
        first, _, rest = text.strip().partition("\n")
        if not first.startswith("{") or (first.rstrip().endswith("}") and rest.lstrip().startswith("{")):
            yield from object_rows(path)
            return
        for key, row in member_rows(text, path):
            yield Row(row.line, {**row.values, _KEY: key}) if isinstance(row, Row) else row

    def layout(self) -> ReportLayout:
        """Either layout, recognised row by row."""
        return ReportLayout()

    def _is_original_folder(self) -> bool:
        return all((Path(self.path) / name).is_file() for name in _ORIGINAL)


def _quoted_dialogue(wording: str) -> str:
    """The dialogue inside PromptCBLUE's wording: from the first utterance to the last."""
    utterances = list(_UTTERANCE.finditer(wording))
    if not utterances:
        raise BadRow("'input' holds no line that begins with 患者： or 医生：")
    return wording[utterances[0].start() : utterances[-1].end()]


def _dialogue_lines(values: Mapping[str, JSON]) -> str:
    """The dialogue as lines; the patient's own report, where there is one, is the first of them."""
    opening = optional_text(values, "self_report").strip()
    lines = [f"患者：{opening}"] if opening else []
    for number, turn in enumerate(list_of(values, "dialogue"), start=1):
        if not (isinstance(turn, dict) and all(isinstance(turn.get(name), str) for name in ("speaker", "sentence"))):
            raise BadRow(f"'dialogue': turn {number} is not an object with the texts speaker and sentence")
        lines.append(f"{turn['speaker']}：{turn['sentence']}")
    if not lines:
        raise BadRow("'dialogue' is empty")
    return "\n".join(lines)


def _report_targets(values: Mapping[str, JSON]) -> tuple[str, ...]:
    report = values["report"]
    reports = report if isinstance(report, list) else [report]
    if not reports:
        raise BadRow("'report' is empty: no target")
    for number, sections in enumerate(reports, start=1):
        if not isinstance(sections, dict) or not set(SECTIONS) & set(sections):
            content = f"has {', '.join(sections)}" if isinstance(sections, dict) else f"is {kind_of(sections)}"
            raise BadRow(f"'report' {number} {content} where the sections {' '.join(SECTIONS)} are expected")
        _refuse_renamed(f"'report' {number}", sections, sections)
    return tuple(_target({name: optional_text(sections, name) for name in SECTIONS}) for sections in reports)


def _sections(text: str) -> str:
    """PromptCBLUE's `段名：内容` lines as a JSON object; what precedes the first section is its polite opening."""
    marks = list(_SECTION.finditer(text))
    if not marks:
        raise BadRow(f"'target' has none of the sections {' '.join(SECTIONS)}, each as 段名：内容 on a line")
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    sections = [(mark[1], text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=True)]
    names = [name for name, _ in sections]
    duplicate = next((name for name in names if names.count(name) > 1), None)
    if duplicate is not None:
        raise BadRow(f"'target' has the section {duplicate} twice")
    _refuse_renamed("'target'", names, _HEADING.findall(text))
    return _target(dict(sections))


def _refuse_renamed(place: str, sections: Collection[str], headings: Collection[str]) -> None:
    """Raise BadRow for a section that is missing where a heading is nearly its name: its text would be lost."""
    unknown = [heading for heading in headings if heading not in SECTIONS]
    for name in SECTIONS:
        if name not in sections and (matches := difflib.get_close_matches(name, unknown, n=1)):
            raise BadRow(f"{place} has no section {name}, but {matches[0]}; call it {name}, or take it out")


def _target(sections: Mapping[str, str]) -> str:
    """A bare full stop is an empty section: PromptCBLUE ends every section with one."""
    texts = {name: sections.get(name, "").strip() for name in SECTIONS}
    filled = {name: text if text.strip("。.") else NOTHING for name, text in texts.items()}
    return json.dumps(filled, ensure_ascii=False)
