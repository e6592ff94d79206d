"""Rows of nobody in the very file forms of the public downloads: what a suite reads, without the data itself."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas

PLACES = [f"{side}{site}" for side in "左右上下" for site in "肾肺肝膝眼耳胃甲腮肩髋踝"]
SITES = [
    f"{place}{part}" for place in PLACES for part in ("叶", "段", "区", "缘", "底", "尖", "壁", "孔", "膜", "腔", "管")
]
SUBJECTS = (
    "high_school_chinese",
    "high_school_history",
    "law",
    "logic",
    "civil_servant",
    "college_physics",
    "computer_network",
)


def write_data(root: Path, *, is_original: bool) -> None:
    """The folders of a data root; `is_original`: workbooks, the two-reference reports and JSON in the place of text."""
    _terms(root / "yidu-n7k", ".xlsx" if is_original else ".tsv")
    _reports(root / "imcs-mrg", is_original)
    _dialogues(root / "toyhom-cmdd", is_original)
    for subject in SUBJECTS:
        _exam(root / "ceval", subject)
    general = [{"instruction": f"写一句关于{site}的话", "input": "", "output": f"{site}很重要。"} for site in SITES]
    _write(root / "llamafactory-demo" / "alpaca_zh_demo.json", json.dumps(general, ensure_ascii=False))


def _terms(folder: Path, form: str) -> None:
    names = [f"{site}切除术" for site in SITES]
    rows = [(name.removesuffix("术"), name) for name in names] + [("双眼膜切除", "左眼膜切除术##右眼膜切除术")]
    _write(folder / "code.txt", "".join(f"{number:02}.0\t{name}\n" for number, name in enumerate(names)))
    for file, part in (("train", rows[:410]), ("val", [(f"行{wording}", name) for wording, name in rows[-210:]])):
        table = pandas.DataFrame(part, columns=["原始词", "标准词"])
        if form == ".xlsx":
            table.to_excel(folder / f"{file}.xlsx", index=False)
        else:
            table.to_csv(folder / f"{file}.tsv", sep="\t", index=False)


def _reports(folder: Path, is_original: bool) -> None:
    reports = [
        {
            "主诉": f"{site}痛两天",
            "现病史": f"{site}痛",
            "辅助检查": "无",
            "既往史": "体健",
            "诊断": f"{site}炎",
            "建议": "休息",
        }
        for site in SITES
    ]
    del reports[1]["辅助检查"]  # a report that lacks a section
    turns = [(f"宝宝{site}痛", "几天了", "两天") for site in SITES]
    if is_original:
        dialogues = [
            [
                {"speaker": speaker, "sentence": text}
                for speaker, text in zip(["患者", "医生", "患者"], said, strict=True)
            ]
            for said in turns
        ]
        for file, part in (("train", slice(0, 410)), ("dev", slice(500, None))):
            rows = {
                f"{file}{number}": {"dialogue": dialogue, "report": [report, {**report, "建议": "多休息"}]}
                for number, (dialogue, report) in enumerate(zip(dialogues[part], reports[part], strict=True))
            }
            _write(folder / f"IMCS-V2_{file}.json", json.dumps(rows, ensure_ascii=False, indent=1))
        return
    rows = [
        {
            "input": f"问诊对话：\n患者：{first}\n医生：{second}\n患者：{third}\n请写报告。",
            "target": "报告如下：\n" + "\n".join(f"{name}：{text}。" for name, text in report.items()),
        }
        for (first, second, third), report in zip(turns, reports, strict=True)
    ]
    _write(folder / "reports.json", json.dumps(rows, ensure_ascii=False, indent=0))


def _dialogues(folder: Path, is_original: bool) -> None:
    rows = [
        ("内科", f"{site}痛", f"我{site}痛了{days}天怎么办", f"{site}痛{days}天要检查。")
        for site in SITES
        for days in range(2, 7)
    ]
    header = ("department", "title", "ask", "answer")
    if is_original:
        objects = [dict(zip(header, row, strict=True)) for row in rows]
        _write(folder / "internal-medicine.gb18030.json", json.dumps(objects, ensure_ascii=False))
    else:
        _write(folder / "internal-medicine.gb18030.csv", _csv([header, *rows]), "gb18030")


def _exam(folder: Path, subject: str) -> None:
    header = ("id", "question", "A", "B", "C", "D", "answer")
    for split, count in (("dev", 5), ("val", 9)):
        rows = [(n, f"{subject} {split} {n}", "甲", "乙", "丙", "丁", "ABCD"[n % 4]) for n in range(count)]
        _write(folder / split / f"{subject}_{split}.csv", _csv([header, *rows]))


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _write(file: Path, text: str, encoding: str = "utf-8") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding=encoding)
