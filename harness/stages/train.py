"""Train what the suite declares, or take what was trained before; leaves the records of all trainings in run.json."""

from harness.components.trained_model import DerivedModel
from harness.components.variant import Resources
from harness.errors import ModelError
from harness.records.call_counts import CallCounts
from harness.records.inputs import JSON, Cell
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.stages.index import build_indexes, training_requests
from harness.suite.suite import Suite


def train(suite: Suite, folder: RunFolder, context: Context, resources: Resources) -> None:
    """Make the models that others are asked through, each after what it is made of and what its rows are asked with."""
    records: dict[str, JSON] = {}
    try:
        for name in suite.usage.trained:
            model = suite.models[name]
            if isinstance(model, DerivedModel):
                _gather(name, model, suite, folder, context, resources)
            record = model.make(name, context.display)
            if record is not None:
                records[name] = {"entry": suite.expansion.entries.get(name, name), **record}
    finally:
        if suite.usage.trained:
            context.close()  # what training has loaded; a server keeps what it has loaded so far
    folder.write_run({**folder.read_run(), "training": records})


def _gather(
    name: str, model: DerivedModel, suite: Suite, folder: RunFolder, context: Context, resources: Resources
) -> None:
    """Let a model read what it learns; what that loads is released before the training."""
    requests = training_requests(suite, name)
    if requests:
        build_indexes(requests, suite, folder, context, resources)
    context.cell, context.counts = Cell("training", name), CallCounts()
    model.gather(context, resources)
    if requests or context.counts.calls:
        context.close()


def refuse_untrained(suite: Suite) -> None:
    """Raise ModelError for a model that a later first stage would ask although it was not trained yet."""
    for name in suite.usage.trained:
        model = suite.models[name]
        preparation = model.preparation()
        if preparation is not None and not preparation.done:
            raise ModelError(f"models.{name} is not trained yet ({preparation.what}); run with --from train")
