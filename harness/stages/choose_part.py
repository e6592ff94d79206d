"""A suite as a run of it is wished for: read from its file, narrowed, and without what would have to be trained."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError
from harness.records.run_scopes import scope_in
from harness.runtime.run_parts import RunPart
from harness.stages.prepare import prepare
from harness.suite.narrowing import Narrowing, narrowed, without_untrained
from harness.suite.parser import load_suite
from harness.suite.shipped import suite_file
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


def load_joined(parts: Sequence[RunPart], path: Path | None = None) -> Suite:
    """The suite of some parts, as far as they reach together, whatever has been trained since.

    It is looked for where their commands had it, unless `path` names it. Raises HarnessError where it is not there, or
    its text is not theirs.
    """
    record, named_there = parts[0].record, Path(parts[0].seal.suite)
    file = suite_file(path or named_there)
    if not file.is_file():
        raise HarnessError(
            f"{file} is not here, the suite of the parts; name it by --suite, or merge where they were run"
        )
    scope = scope_in(record)
    suite = narrowed(load_suite(file), Narrowing(limit=scope.limit, only=scope.variants, tasks=scope.tasks))
    if (suite.text, dict(suite.prompts)) != (record["suite"].get("text"), record["suite"].get("prompts")):
        raise HarnessError(
            f"{file} is not the suite of the parts: its text or a prompt was changed; name theirs by --suite, or run "
            "the shards again"
        )
    if scope.untrained:
        suite = without_untrained(suite, set(scope.untrained.values()))
    return replace(suite, scope=replace(scope, shard=None))


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
    if scope.shard is not None:
        yield f"Part of a run: {scope.shard.words}."
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
