"""A suite as a run of it is wished for: read from its file, narrowed, and without what would have to be trained."""

from collections.abc import Iterator
from pathlib import Path

from harness.stages.prepare import prepare
from harness.suite.narrowing import Narrowing, narrowed, without_untrained
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from harness.summary.comparison_plan import reference_of
from harness.text.counting import counted


def load_part(path: Path, wish: Narrowing) -> Suite:
    """The suite, or the part of it that a run asks. Raises HarnessError with all mistakes of the wish, or of the file.

    Whether a model is trained already is only known once its data is read.
    """
    suite = narrowed(load_suite(path), wish)
    if not wish.skips_training or not suite.usage.trained:
        return suite
    untrained = untrained_models(suite)
    return without_untrained(narrowed(load_suite(path), wish), untrained) if untrained else suite


def untrained_models(suite: Suite) -> list[str]:
    """The models that would have to be trained, or that are made of such a one. Loads no weights."""
    prepare(suite)
    try:
        lacking: list[str] = []
        for name in suite.usage.trained:
            model = suite.models[name]
            preparation = model.preparation() if model.is_tuned else None
            if model.base_name in lacking or (preparation is not None and not preparation.done):
                lacking.append(name)
        return lacking
    finally:
        for model in suite.models.values():
            model.close()


def scope_lines(suite: Suite) -> Iterator[str]:
    """How far a run of the suite reaches, where it is limited, a line a fact."""
    scope = suite.scope
    if not scope.is_limited:
        return
    limit = [] if scope.limit is None else [f"at most {counted(scope.limit, 'test item')} of each task"]
    tasks = [f"tasks {', '.join(scope.tasks)}"] if scope.tasks else []
    variants = [f"variants {', '.join(scope.variants)}"] if scope.variants else []
    yield f"Limited run: {'; '.join([*limit, *tasks, *variants])}."
    for variant, model in scope.untrained.items():
        yield f"Left out: {variant}: its model {model} is not trained yet (--skip-training)."
    if scope.missing_reference:
        yield (
            f"The reference {scope.missing_reference} is left out, too; the others are compared with "
            f"{reference_of(suite)} instead."
        )
