"""Turn scores into figures; leaves summary.json. The run is complete once its report is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from harness.checks.prompt_mismatch import prompt_mismatches
from harness.components.task import Task
from harness.records.anomalies import Anomaly
from harness.records.decisions import Latency
from harness.records.figure_names import FigureName
from harness.records.figures import Usage
from harness.records.inputs import JSON
from harness.records.searches import searches_in
from harness.records.summary import Summary
from harness.runtime.provenance import now
from harness.runtime.run_folder import RunFolder
from harness.suite.suite import Suite
from harness.summary.anomaly_detection import AnomalyDetection
from harness.summary.answer_figures import AnswerFigures
from harness.summary.answered_cells import Answered, AnsweredCell
from harness.summary.break_even import break_even
from harness.summary.broken_constraints import broken_constraints, stated
from harness.summary.comparison_plan import comparison_plan, metric_info
from harness.summary.decision import decide
from harness.summary.decision_figures import deciding_figures
from harness.summary.judge_quality import judging
from harness.summary.pareto import with_efficiency
from harness.summary.run_summary import summary_of
from harness.summary.score_table import ScoreTable, reported
from harness.summary.trade_offs import trade_offs
from harness.summary.variant_costs import variant_costs


def summarize(suite: Suite, tasks: Mapping[str, Task], folder: RunFolder) -> None:
    """Compute all figures from the files of the run, those of its judges first: they say which metrics may decide."""
    record = folder.read_run()
    suite = suite.settled(searches_in(record))
    judges = judging(suite, tasks, folder)
    design = comparison_plan(suite, tasks, record.get("training", {}), judges.demoted)
    samples = [sample for task in tasks.values() for sample in task.data.test]
    scores = folder.stream_scores()
    table = ScoreTable.of(samples, reported(scores) if suite.general else scores, design.corpora)
    metrics = metric_info(suite, tasks, table.names)
    answers = AnswerFigures(design, metrics, table)
    anomalies = _look_at_answers(answers, AnomalyDetection(suite, tasks), folder.answered(samples))
    summary = summary_of(design, metrics, samples, answers, table, folder.overlaps())
    latencies = folder.latencies()
    summary = replace(
        summary,
        judging=judges,
        warnings=(*summary.warnings, *judges.notes, *_untimed(latencies)),
        statements=(*summary.statements, *judges.statements),
        anomalies=anomalies,
        mismatches=prompt_mismatches(suite, tasks),
    )
    folder.write_summary(with_decision(suite, with_costs(suite, tasks, summary, record, latencies, answers.answered)))
    folder.write_run({**record, "status": "summarized", "finished": now()})


def _look_at_answers(
    answers: AnswerFigures, detection: AnomalyDetection, answered: Iterable[Answered]
) -> tuple[Anomaly, ...]:
    """Add all answers to the figures, one cell after the other; returns what looks like a fault in them."""
    for _, own in groupby(answered, lambda pair: (pair[1].task, pair[1].variant)):
        cell = AnsweredCell.of(own)
        detection.add(cell.items)
        answers.add(cell.predictions, cell.prompts)
    return detection.anomalies()


def with_costs(
    suite: Suite,
    tasks: Mapping[str, Task],
    summary: Summary,
    run: Mapping[str, JSON],
    latencies: Sequence[Latency],
    answered: Sequence[Usage],
) -> Summary:
    """The summary with what each variant costs, which of them are efficient, and from when on each pays."""
    costs, prices = variant_costs(suite, tasks, summary, run, latencies, answered), suite.terms.prices
    first = next(iter(summary.headline), "")
    quality = {
        own.variant: own.mean for own in summary.results if str(FigureName.of(own)) == first and own.mean is not None
    }
    is_lower_better = first in summary.metrics and summary.metrics[first].better == "lower"
    decisions = replace(
        summary.decisions,
        costs=with_efficiency(costs, quality, is_lower_better),
        break_even=break_even(costs, prices.amortise_days) if prices else (),
        currency=prices.currency if prices else None,
        constraints=stated(suite.terms.constraints),
    )
    return replace(summary, decisions=decisions)


def with_decision(suite: Suite, summary: Summary) -> Summary:
    """The summary with the recommendation, which rests on everything else."""
    terms = suite.terms
    broken = broken_constraints(summary.decisions.costs, summary.results, summary.metrics, terms)
    decisions = replace(
        summary.decisions,
        trade_offs=trade_offs(summary, deciding_figures(summary, terms.margins), terms.profile),
        decision=decide(summary, terms, broken),
    )
    return replace(summary, decisions=decisions)


def _untimed(latencies: Sequence[Latency]) -> list[str]:
    return [f"latency of {latency.variant}: {latency.note}" for latency in latencies if latency.note]
