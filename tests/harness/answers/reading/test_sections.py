"""Headings of reports in the forms in which models set them off, beside the content that belongs to each."""

import pytest

from harness.answers.json import Json
from harness.records.inputs import Sample

FIELDS = ("主诉", "诊断", "诊断依据")
ENGLISH = ("Chief complaint", "Diagnosis")
SAMPLE = Sample(id="1", task="t", input="", targets=())


@pytest.mark.parametrize(
    "heading",
    [
        "诊断：", "诊断:", "诊断 ：", "  诊断：", "　诊断：", "诊　断：", "诊 断：",
        "**诊断：**", "**诊断**：", "**诊断：** ", "__诊断__：", "__诊断：__", "*诊断*：", "***诊断***：", "`诊断`：",
        "【诊断】", "【诊断】：", "[诊断]：", "**【诊断】**", "【诊断】\n", "〖诊断〗：", "《诊断》：", "「诊断」：",
        "### 诊断：", "## 诊断\n", "# 诊断\n\n", "**诊断**\n", "诊断\n", "> 诊断：",
        "- 诊断：", "• 诊断：", "* 诊断：", "* **诊断**：", "- **诊断：** ", "● 诊断：",
        "1. 诊断：", "1、诊断：", "1．诊断：", "1)诊断：", "1) 诊断：", "1） 诊断：", "1 诊断：", "10. 诊断：", "2.1 诊断：",
        "(1) 诊断：", "（1）诊断：", "（ 1 ）诊断：", "[1] 诊断：", "【1】诊断：",
        "一、诊断：", "一. 诊断：", "（一）诊断：", "(一)、诊断：", "十二、诊断：", "第一，诊断：", "一、诊断\n",
        "① 诊断：", "①诊断：", "Ⅰ. 诊断：", "I. 诊断：", "II、诊断：", "a) 诊断：", "A. 诊断：",
        "**1. 诊断：** ", "1. **诊断：** ", "1. **诊断**：", "**（1）诊断：**", "**一、诊断**\n", "### 1. 诊断：", "【一、诊断】",
        "## 一、诊断\n",
        "诊断——", "诊断 - ", "诊断=", "诊断﹕", "诊断︰", "诊断→", "**诊断** - ", "**诊断** ", "<诊断>", "（诊断）：", "“诊断”：", "{诊断}：",
        "［诊断］：", "1：诊断：", "１）诊断：", "壹、诊断：", "二 诊断：", "第二部分：诊断：", "其二，诊断：", "⑵ 诊断：", "⒉ 诊断：", "❷ 诊断：",
        "ⅱ. 诊断：", "Ｂ．诊断：", "★诊断：", "※ 诊断：", "► 诊断：", "→ 诊断：", "☐ 诊断：", "✅ 诊断：", "📌 诊断：", "2️⃣ 诊断：",
        "<b>诊断</b>：", "<strong>诊断：</strong>", "<h3>诊断</h3>", "<p>诊断：", "_诊断_：", "诊\u200b断：", "诊\xa0断：",
        "\u200b诊断：", "\ufeff**诊断**：", "\u200e1. 诊断\u200f：",
    ],
)  # fmt: skip
def test_a_heading_is_read_however_it_is_set_off(heading: str) -> None:
    reply = f"主诉：咳嗽，\n三天。\n{heading}感冒\n诊断依据：咳嗽"
    reading = Json(fields=FIELDS, form="sections").read(SAMPLE, reply)
    assert reading.answer == {"主诉": "咳嗽，\n三天。", "诊断": "感冒", "诊断依据": "咳嗽"}


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("**诊断：感冒**", {"诊断": "感冒"}),
        ("**诊断: 感冒。**\n**主诉：咳嗽**", {"诊断": "感冒。", "主诉": "咳嗽"}),
        ("__诊断：感冒__", {"诊断": "感冒"}),
        ("1. **诊断：感冒**\n2. **主诉：咳嗽\n三天**", {"诊断": "感冒", "主诉": "咳嗽\n三天"}),
        ("**诊断：感冒**，多休息", {"诊断": "感冒，多休息"}),
        ("**诊断**：**感冒**", {"诊断": "感冒"}),
        ("诊断：**感冒**", {"诊断": "感冒"}),
        ("诊断：**急性**上呼吸道感染", {"诊断": "**急性**上呼吸道感染"}),
        ("**一、诊断：感冒**", {"诊断": "感冒"}),
        ("**【诊断】感冒**", {"诊断": "感冒"}),
        ("诊断：\n1. 感冒\n2. 咽炎", {"诊断": "1. 感冒\n2. 咽炎"}),
        ("诊断：", {"诊断": ""}),
        ("诊断：感冒\n诊断：再说一遍", {"诊断": "感冒"}),
        ("【诊断：感冒】", {"诊断": "感冒"}),
        ("[诊断：感冒]\n[主诉：咳嗽]", {"诊断": "感冒", "主诉": "咳嗽"}),
        ("<诊断>感冒</诊断>\n<主诉>咳嗽</主诉>", {"诊断": "感冒", "主诉": "咳嗽"}),
        ("```\n诊断：感冒\n```", {"诊断": "感冒"}),
        ("诊断：感冒\r主诉：咳嗽", {"诊断": "感冒", "主诉": "咳嗽"}),
        ("诊断：感冒\u2028主诉：咳嗽", {"诊断": "感冒", "主诉": "咳嗽"}),
        # no headings
        ("主诉：咳嗽\n诊断，见下", {"主诉": "咳嗽\n诊断，见下"}),
        ("主诉：咳嗽\n（见诊断）：不明", {"主诉": "咳嗽\n（见诊断）：不明"}),
        ("主诉：咳嗽\n诊断不明", {"主诉": "咳嗽\n诊断不明"}),
        ("主诉：咳嗽\n初步诊断：感冒", {"主诉": "咳嗽\n初步诊断：感冒"}),
        ("主诉：咳嗽\n3天前诊断：感冒", {"主诉": "咳嗽\n3天前诊断：感冒"}),
        ("诊断依据：咳嗽", {"诊断依据": "咳嗽"}),
        ("主诉：咳嗽，诊断：感冒", {"主诉": "咳嗽，诊断：感冒"}),
    ],
)
def test_content_of_sections(reply: str, answer: dict[str, str]) -> None:
    assert Json(fields=FIELDS, form="sections").read(SAMPLE, reply).answer == answer


@pytest.mark.parametrize(
    "reply",
    [
        "Chief complaint: cough\nDiagnosis: flu",
        "**Chief complaint:** cough\n**Diagnosis: flu**",
        "1) Chief complaint: cough\n2) Diagnosis: flu",
        "(a) Chief complaint: cough\n(b) Diagnosis: flu",
        "## Chief complaint\ncough\n\n## Diagnosis\nflu",
        "I. **Chief complaint**: cough\nII. **Diagnosis**: flu",
        "Step 1: Chief complaint: cough\nStep 2: Diagnosis: flu",
        "CHIEF COMPLAINT: cough\nDIAGNOSIS: flu",
        "Chief complaint - cough\nDiagnosis — flu",
        "- __Chief complaint__: cough\n- __Diagnosis__: **flu**",
    ],
)
def test_english_sections(reply: str) -> None:
    reading = Json(fields=ENGLISH, form="sections").read(SAMPLE, reply)
    assert reading.answer == {"Chief complaint": "cough", "Diagnosis": "flu"}


@pytest.mark.parametrize("line", ["1" * 5000, "一" * 5000, "* " * 3000, "(1)" * 2000, " " * 5000 + "x", "诊 " * 3000])
def test_a_runaway_line_is_read_in_time(line: str) -> None:
    assert Json(fields=FIELDS, form="sections").read(SAMPLE, f"{line}\n诊断：感冒").answer == {"诊断": "感冒"}
