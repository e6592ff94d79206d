"""What a gate writes: Markdown, JUnit XML, JSON by its schema, and a table that fits 40 columns."""

import io
import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from rich.console import Console

from harness.records.gate_results import FalseAlarms, GateCheck, GatedCell, GateResult, Verdict
from harness.text.stating import state
from reports.gate_files.gate_json import gate_json, gate_schema
from reports.gate_files.gate_junit import gate_junit
from reports.gate_files.gate_markdown import gate_markdown
from reports.gate_files.gate_table import print_gate
from tests.shared.paths import ROOT

WORSE = state("gate.worse", "+{size} worse on {items}", size="0.0625", items="| <b> *now*")
VERDICTS: tuple[Verdict, ...] = ("BLOCK", "INCONCLUSIVE", "NOT COMPARABLE", "WARN", "PASS")


def gated_cell(verdict: Verdict, variant: str = "lora", **fields: object) -> GatedCell:
    own = GatedCell(
        task="triage",
        variant=variant,
        metric="f1.macro",
        tier="normal",
        verdict=verdict,
        before=0.8125,
        after=0.75,
        samples=200,
        known=199,
        checks=(GateCheck(kind="drop", verdict=verdict, text=WORSE, value=0.0625, limit=0.02),),
    )
    return replace(own, **fields)  # type: ignore[arg-type]


RESULT = GateResult(
    suite="clinic",
    run="2026-11-30_021500",
    started="2026-11-30T02:15:00+00:00",
    baseline="2026-11-01_021500",
    policy="gate.yaml",
    verdict="BLOCK",
    false_alarms=FalseAlarms(rule="nightly", cells=5, level=0.2 / 150, expected=0.2, chance=None, nights=30),
    cells=(*map(gated_cell, VERDICTS), *(gated_cell("PASS", f"v{i}") for i in range(60))),
    notes=(
        state(
            "gate.waiver_ended",
            "The waiver of {scope} ({reason}) ended on {until} and does not count; delete it, or give it a new date.",
            scope="variant rag",
            reason="moved",
            until="2026-11-01",
        ),
    ),
)


def test_markdown_is_short_with_the_worst_first() -> None:
    text = gate_markdown(RESULT)
    head, rest = text.split("<details>", 1)
    rows = [line for line in head.splitlines() if line.startswith("| ")]
    assert rows[1] == r"| **BLOCK** | triage.f1.macro | lora | 0.8125 | 0.75 | +0.0625 worse on \| \<b\> \*now\* |"
    assert [row.split(" |")[0].strip("| *") for row in rows[1:]] == list(VERDICTS[:4])
    assert "1 BLOCK, 1 INCONCLUSIVE, 1 NOT COMPARABLE, 1 WARN, 61 PASS" in head
    assert "61 more cells" in rest
    assert rest.count("| PASS |") == 61
    assert "ended on 2026-11-01" in rest
    assert "at most 0.2 a month of 30 nights" in rest


def test_junit_has_a_case_a_cell() -> None:
    """The shape that viewers read: testsuites > testsuite > properties, testcase* > failure | error | skipped."""
    root = ET.fromstring(gate_junit(RESULT))
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    totals = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "timestamp")}
    assert totals == {"tests": "65", "failures": "1", "errors": "1", "skipped": "1", "timestamp": "2026-11-30T02:15:00"}
    cases = suite.findall("testcase")
    assert [[part.tag for part in case] for case in cases[:5]] == [
        ["failure", "system-out"], ["error", "system-out"], ["skipped", "system-out"], ["system-out"], ["system-out"],
    ]  # fmt: skip
    assert (cases[0].get("classname"), cases[0].get("name")) == ("lora", "triage.f1.macro")
    assert {own.get("name"): own.get("value") for own in suite.iter("property")}["verdict"] == "BLOCK"


def test_junit_of_strange_names_and_of_no_cells_is_xml() -> None:
    strange = replace(RESULT, suite="a\x00\ud800\ufffe<", cells=(gated_cell("BLOCK", "v\x1b[31m&"),))
    assert ET.fromstring(gate_junit(strange)).find("testsuite/testcase/failure") is not None
    assert ET.fromstring(gate_junit(replace(RESULT, cells=()))).find("testsuite/testcase/error") is not None


def test_a_watched_cell_fails_no_job() -> None:
    watched = replace(RESULT, cells=(gated_cell("INCONCLUSIVE", tier="watch"),))
    assert ET.fromstring(gate_junit(watched)).find("testsuite").get("errors") == "0"  # type: ignore[union-attr]


def test_json_is_what_its_schema_says() -> None:
    stored = json.loads((ROOT / "schema" / "gate.schema.json").read_text(encoding="utf-8"))
    assert stored == gate_schema(), "write it again: harness schema gate > schema/gate.schema.json"
    content = json.loads(gate_json(RESULT))
    jsonschema.validate(content, stored)
    assert content["exit_code"] == 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, "verdict": "GREEN"}, stored)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_table_fits_one_screen(width: int) -> None:
    file = io.StringIO()
    print_gate(RESULT, Console(file=file, width=width, markup=False))
    lines = file.getvalue().splitlines()
    assert len(lines) <= 30
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("BLOCK: clinic")
    assert "61 more" in " ".join(lines)
