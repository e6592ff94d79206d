"""Turn scores into figures; leaves summary.json. The run is complete once its report is written."""

from collections.abc import Mapping
from dataclasses import replace

from harness.checks.prompt_mismatch import prompt_mismatches
from harness.components.task import Task
from harness.records.derived_names import reported_name
from harness.runtime.provenance import now
from harness.runtime.run_folder import RunFolder
from harness.suite.suite import Suite
from harness.summary.anomaly_detection import anomalies
from harness.summary.comparison_plan import comparison_plan, metric_info
from harness.summary.judge_quality import judging
from harness.summary.run_summary import summary_of


def summarize(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder) -> None:
    """Compute all figures from the files of the run, those of its judges first: they say which metrics may decide."""
    scores, predictions, record = folder.scores(), folder.predictions(), folder.read_run()
    judges = judging(suite, tasks, folder)
    design = comparison_plan(suite, tasks, record.get("training", {}), judges.demoted)
    noticed = anomalies(suite, tasks, folder.samples(), predictions)
    if suite.general:  # models that were asked by themselves are reported by their own names
        predictions = [replace(own, variant=reported_name(own.variant)) for own in predictions]
        scores = [replace(own, variant=reported_name(own.variant)) for own in scores]
    summary = summary_of(
        design, metric_info(suite, tasks, scores), folder.samples(), predictions, scores, folder.overlaps()
    )
    folder.write_summary(
        replace(
            summary,
            judging=judges,
            warnings=(*summary.warnings, *judges.notes),
            statements=(*summary.statements, *judges.statements),
            anomalies=noticed,
            mismatches=prompt_mismatches(suite, tasks),
        )
    )
    folder.write_run({**record, "status": "summarized", "finished": now()})
