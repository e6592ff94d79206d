"""Train what the suite declares, or take what was trained before; leaves the records of all trainings in run.json."""

from harness.errors import ModelError
from harness.records.inputs import JSON
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.suite import Suite


def train(suite: Suite, folder: RunFolder, context: Context) -> None:
    """Make the models that others are asked through, each after its base."""
    records: dict[str, JSON] = {}
    try:
        for name in suite.usage.trained:
            model = suite.models[name]
            record = model.make(name, context.display)
            if record is not None:
                records[name] = {"entry": suite.expansion.entries.get(name, name), **record}
    finally:
        if suite.usage.trained:
            context.close()  # what training has loaded; a server keeps what it has loaded so far
    folder.write_run({**folder.read_run(), "training": records})


def refuse_untrained(suite: Suite) -> None:
    """Raise ModelError for a model that a later first stage would ask although it was not trained yet."""
    for name in suite.usage.trained:
        model = suite.models[name]
        preparation = model.preparation()
        if preparation is not None and not preparation.done:
            raise ModelError(f"models.{name} is not trained yet ({preparation.what}); run with --from train")
