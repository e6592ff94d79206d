"""What run.json says of the self-test of the installation, as facts for the method section."""

from collections.abc import Iterator, Mapping

from harness.records.inputs import JSON
from reports.facts.phrases import counted


def self_test_rows(run: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    """Each self-test: its combination, what passed, what failed and what was not run. Older runs have none."""
    return tuple(row for record in run.get("selftest") or () for row in _rows(record))


def _rows(record: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    combination = record.get("combination") or {}
    yield "Combination", ", ".join(f"{name} {value}" for name, value in combination.items())
    yield "Run at", str(record.get("when"))
    proofs = record.get("proofs") or ()
    passed: dict[str, int] = {}
    for proof in proofs:
        if proof.get("passed") is True:
            passed[str(proof.get("subject"))] = passed.get(str(proof.get("subject")), 0) + 1
    subjects = "; ".join(f"{subject}: {count}" for subject, count in passed.items())
    yield "Passed", f"{counted(sum(passed.values()), 'proof')}\n{subjects}"
    for title, value in (("Failed", False), ("Not run", None)):
        lines = [_line(proof) for proof in proofs if proof.get("passed") is value]
        if lines:
            yield title, "\n".join(lines)


def _line(proof: Mapping[str, JSON]) -> str:
    return f"{proof.get('subject')}: {proof.get('name')}: {proof.get('reason')}"
