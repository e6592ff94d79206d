"""A run in Weights & Biases: one W&B run for each variant, in one group, and one that holds the report."""

from collections.abc import Mapping
from pathlib import Path

from harness.errors import HarnessError, StoreError
from harness.records.finished_run import FinishedRun
from reports.export.tracked_variants import run_identity, tracked_variants


def log_to_wandb(
    finished: FinishedRun, files: Mapping[str, Path], folder: Path, project: str | None, is_online: bool
) -> list[str]:
    """Log the variants and the files; return the folders, which `wandb sync` sends later where nothing is sent now.

    Raises HarnessError without wandb, StoreError for what wandb cannot do.
    """
    try:
        import wandb
    except ImportError as error:
        raise HarnessError("wandb is not installed: pip install 'domain-harness[tracking]'") from error
    common = {
        "project": project or finished.summary.name, "group": run_identity(finished), "dir": str(folder),
        "mode": "online" if is_online else "offline", "reinit": "finish_previous",
    }  # fmt: skip
    places: list[str] = []
    try:
        settings = wandb.Settings(silent=True, console="off", disable_git=True, x_disable_stats=True)
        for variant in tracked_variants(finished):
            config = {**variant.params, **variant.tags}
            with wandb.init(**common, name=variant.name, job_type="variant", config=config, settings=settings) as run:
                run.summary.update(dict(variant.metrics))
                places.append(f"wandb/{Path(run.dir).parent.name}")
        with wandb.init(**common, name="report", job_type="report", settings=settings) as run:
            artifact = wandb.Artifact(f"report-{run.id}", type="report")
            for name, file in files.items():
                artifact.add_file(str(file), name=name)
            run.log_artifact(artifact)
            places.append(f"wandb/{Path(run.dir).parent.name}")
    except wandb.errors.Error as error:
        raise StoreError(f"wandb: {' '.join(str(error).split())}") from error
    return places
