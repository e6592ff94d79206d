"""A gate's verdict as JUnit XML: a test case a cell, which CI services show as a list of tests."""

from xml.etree import ElementTree as ET

from harness.errors import one_line
from harness.records.gate_results import GatedCell, GateResult, Verdict
from harness.records.inputs import Language
from reports.gate_files.gate_words import cell_name, false_alarms_text, headline, notes, number, why
from reports.wording import say, speaking

OUTCOMES: dict[Verdict, str] = {"BLOCK": "failure", "INCONCLUSIVE": "error", "NOT COMPARABLE": "skipped"}


def gate_junit(result: GateResult, language: Language = "en") -> str:
    """The file: BLOCK is a failure, INCONCLUSIVE an error, NOT COMPARABLE skipped; a warning passes with its text.

    Cells that are only watched never fail: what they have to say stands in their output.
    """
    with speaking(language):
        root = _root(result)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _root(result: GateResult) -> ET.Element:
    cases = [_case(cell) for cell in result.cells]
    if not cases:
        case = ET.Element("testcase", classname=_clean(result.suite), name="gate", time="0")
        ET.SubElement(case, "error", message=say("gate.nothing"), type=result.verdict)
        cases = [case]
    counted = {kind: sum(case.find(kind) is not None for case in cases) for kind in ("failure", "error", "skipped")}
    totals = {
        "name": _clean(say("gate.suite_name", suite=result.suite)),
        "tests": str(len(cases)),
        "failures": str(counted["failure"]),
        "errors": str(counted["error"]),
        "time": "0",
    }
    root = ET.Element("testsuites", totals)
    suite = ET.SubElement(root, "testsuite", {**totals, "skipped": str(counted["skipped"]), "timestamp": _time(result)})
    properties = ET.SubElement(suite, "properties")
    for name in ("verdict", "run", "baseline", "policy"):
        ET.SubElement(properties, "property", name=name, value=_clean(getattr(result, name)))
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = "\n".join(
        map(_clean, (headline(result), false_alarms_text(result.false_alarms), *notes(result)))
    )
    return root


def _case(cell: GatedCell) -> ET.Element:
    case = ET.Element("testcase", classname=_clean(cell.variant), name=_clean(cell_name(cell)), time="0")
    kind = OUTCOMES.get(cell.verdict) if cell.tier != "watch" else None
    text = _clean(why(cell))
    if kind == "skipped":
        ET.SubElement(case, "skipped", message=text)
    elif kind:
        ET.SubElement(case, kind, message=text, type=cell.verdict)
    output = say(
        "gate.case",
        verdict=cell.verdict,
        tier=say(f"gate.tier_{cell.tier}"),
        before=number(cell.before),
        after=number(cell.after),
        why=text,
    )
    ET.SubElement(case, "system-out").text = _clean(output)
    return case


def _clean(text: str) -> str:
    """Without signs that XML cannot hold."""
    return one_line(text).replace("\ufffe", "?").replace("\uffff", "?")


def _time(result: GateResult) -> str:
    """When the run began, as JUnit writes it: to the second, without a zone."""
    return result.started[:19] or "1970-01-01T00:00:00"
