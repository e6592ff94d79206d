"""What run.json says of the self-test of the installation, as facts for the method section."""

from collections.abc import Iterator, Mapping

from harness.records.inputs import JSON
from reports.facts.phrases import counted
from reports.wording import say


def self_test_rows(run: Mapping[str, JSON]) -> tuple[tuple[str, str], ...]:
    """Each self-test: its combination, what passed, what failed and what was not run. Older runs have none."""
    return tuple(row for record in run.get("selftest") or () for row in _rows(record))


def _rows(record: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
    combination = record.get("combination") or {}
    values = (say("self_test.value", name=name, value=str(value)) for name, value in combination.items())
    yield say("self_test.combination"), say("self_test.separator").join(values)
    yield say("self_test.run_at"), str(record.get("when"))
    proofs = record.get("proofs") or ()
    passed: dict[str, int] = {}
    for proof in proofs:
        if proof.get("passed") is True:
            passed[str(proof.get("subject"))] = passed.get(str(proof.get("subject")), 0) + 1
    subjects = (say("self_test.subject", subject=subject, count=count) for subject, count in passed.items())
    yield (
        say("self_test.passed"),
        f"{counted(sum(passed.values()), 'proof')}\n{say('self_test.subject_separator').join(subjects)}",
    )
    for title, value in ((say("self_test.failed"), False), (say("self_test.not_run"), None)):
        lines = [_line(proof) for proof in proofs if proof.get("passed") is value]
        if lines:
            yield title, "\n".join(lines)


def _line(proof: Mapping[str, JSON]) -> str:
    subject, name, reason = (str(proof.get(key)) for key in ("subject", "name", "reason"))
    return say("self_test.line", subject=subject, name=name, reason=reason)
