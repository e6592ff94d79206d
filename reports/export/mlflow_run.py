"""A run in MLflow: a run with the report, and below it one for each variant."""

import os
from collections.abc import Mapping
from pathlib import Path

from harness.errors import HarnessError, StoreError
from harness.records.finished_run import FinishedRun
from reports.export.tracked_variants import TrackedVariant, limit_tag, run_identity, tracked_variants

LOCAL = "sqlite:///mlflow.db"  # in the current folder, where `mlflow ui` looks, too
LONGEST = 6000  # characters of a parameter that MLflow keeps
BATCH = 100  # parameters and tags of one request


def log_to_mlflow(
    finished: FinishedRun, files: Mapping[str, Path], store: str | None, experiment: str | None
) -> list[str]:
    """Log the run, its variants and the files; return their ids. `store` None: MLFLOW_TRACKING_URI, or LOCAL.

    Raises HarnessError without mlflow, StoreError if the store cannot be used or has this run already.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError as error:
        raise HarnessError("mlflow is not installed: pip install 'domain-harness[tracking]'") from error
    name, identity = experiment or finished.summary.name, run_identity(finished)
    try:
        uri = store or os.environ.get("MLFLOW_TRACKING_URI") or LOCAL
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        place = client.get_experiment_by_name(name)
        number = place.experiment_id if place else client.create_experiment(name)
        same = client.search_runs([number], f"tags.`harness.run` = '{identity}'", max_results=1)
        if same:
            raise StoreError(
                f"MLflow's experiment {name} has this run already; delete it there, or choose another --experiment"
            )
        tags = {"harness.run": identity, "harness.suite": finished.summary.name, "mlflow.runName": identity}
        tags |= limit_tag(finished)
        parent = client.create_run(number, tags=tags).info.run_id
        for file in files.values():
            client.log_artifact(parent, str(file))
        client.set_terminated(parent)
        return [parent, *(_log_variant(client, number, parent, variant) for variant in tracked_variants(finished))]
    except MlflowException as error:
        raise StoreError(f"MLflow: {' '.join(str(error).split())}") from error


def _log_variant(client: "MlflowClient", experiment: str, parent: str, variant: TrackedVariant) -> str:  # type: ignore[name-defined]  # noqa: F821
    from mlflow.entities import Metric, Param

    run = client.create_run(
        experiment, tags={**variant.tags, "mlflow.parentRunId": parent, "mlflow.runName": variant.name}
    ).info
    metrics = [Metric(_key(name), value, run.start_time, 0) for name, value in variant.metrics.items()]
    params = [Param(_key(name), value[:LONGEST]) for name, value in variant.params.items()]
    for start in range(0, max(len(metrics), len(params)), BATCH):
        client.log_batch(run.run_id, metrics[start : start + BATCH], params[start : start + BATCH])
    client.set_terminated(run.run_id)
    return str(run.run_id)


def _key(name: str) -> str:
    """A name in the letters that MLflow takes."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)
