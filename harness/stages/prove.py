"""Before anything is trained or asked: the self-test of this installation, for the models in this process."""

from dataclasses import asdict

from harness.components.display import Display
from harness.records.inputs import JSON
from harness.selftest.refusal import prove as prove_models
from harness.suite.suite import Suite


def prove(suite: Suite, start: str, display: Display) -> list[JSON]:
    """What run.json says of the self-tests that a run from this stage on rests on. Raises SuiteError."""
    answering = suite.usage.asked_from(start)
    training = suite.usage.trained if answering and start != "score" else ()
    models = {name: suite.models[name] for name in dict.fromkeys([*answering, *training])}
    records = prove_models(models, display, further=_subjects_of_variants(suite))
    return [asdict(record) for record in records]


def _subjects_of_variants(suite: Suite) -> dict[str, tuple[str, ...]]:
    """By model, what the answers of the variants that ask it rest on beside the model's own subjects."""
    subjects: dict[str, tuple[str, ...]] = {}
    for name, variant in suite.answering().items():
        for model in suite.usage.models_of[name]:
            subjects[model] = (*subjects.get(model, ()), *variant.rests_on())
    return subjects


def prove_judges(suite: Suite, display: Display) -> None:
    """The same for the models that metrics ask, without those that a run would make first. Raises SuiteError."""
    names = [name for name in suite.usage.judges if name not in suite.usage.trained]
    prove_models({name: suite.models[name] for name in names}, display)
