"""Averages of lm-eval's groups: equal to lm-eval's own of the same figures, with intervals worked out by hand."""

import math
from pathlib import Path

import pytest

import harness
from harness.records.figures import MetricInfo, Result
from harness.records.finished_run import FinishedRun
from harness.records.grouped_tasks import GroupFigure, TaskGroup
from harness.records.outputs import Score
from harness.statistics.groups import Groups
from harness.suite.parser import load_suite
from harness.summary.group_figures import group_figures
from harness.summary.means import Means
from harness.summary.score_columns import score_columns
from reports.sections.task_groups import TaskGroups
from tests.shared.finished import finished
from tests.shared.lm_eval_tasks import write_tasks

SUITE = """\
name: groups
tasks:
  exams: {lm_eval: {tasks: [exam, chosen], include_path: tasks}}
variants:
  commonest: {floor: {by: majority}}
  nearest: {floor: {by: nearest}}
latency: {items: 0}
"""
INFO = MetricInfo(component="x", settings={}, low=0.0, high=1.0, better="higher")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("lm_eval")
    folder = tmp_path_factory.mktemp("groups")
    write_tasks(folder / "tasks")
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    return folder


@pytest.mark.filterwarnings("default")
def test_the_averages_are_lm_evals_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By `Group.aggregate`, handed the tasks' figures and sizes."""
    from harness.readers.parsing.lm_eval_tasks import load_groups

    monkeypatch.setenv("HARNESS_CACHE", str(folder / "cache"))
    summary = harness.run(folder / "suite.yaml", out=folder / "run", progress=False).summary
    theirs = load_groups(["exam"], str(folder / "tasks"))
    compared = 0
    for variant in ("commonest", "nearest"):
        figures: dict[str, dict[str, float]] = {}
        for own in summary.results:
            if own.variant == variant and own.mean is not None:
                metric, _, behind = own.metric.partition("-")
                task = figures.setdefault(own.task.removeprefix("exams-"), {"sample_len": own.samples})
                task[f"{metric},{behind or 'none'}"] = own.mean
        assert {name: figures[name]["sample_len"] for name in figures} == {
            "subject_small": 2, "subject_middle": 4, "subject_large": 6, "written": 6, "chosen": 6,
        }  # fmt: skip
        for name, group in theirs.items():
            wanted = group.aggregate(figures)  # type: ignore[arg-type]
            for own in summary.task_groups:
                if (own.group.name, own.variant) == (f"exams-{name}", variant):
                    behind = "whole" if own.group.metric == "exact_match" else "none"
                    assert own.mean == pytest.approx(wanted[f"{own.group.metric},{behind}"])  # type: ignore[literal-required]
                    compared += 1
    assert compared == 8  # acc of the inner group; acc, acc_norm and exact_match of the outer one; of two variants
    assert {own.group.name: own.samples for own in summary.task_groups if own.group.metric == "acc"} == {
        "exams-exam": 12, "exams-exam_inner": 8
    }  # fmt: skip


def test_a_group_of_chosen_metrics_has_those_alone(folder: Path) -> None:
    suite = SUITE.replace("include_path: tasks", "include_path: tasks, metrics: [acc, exact_match]")
    (folder / "chosen.yaml").write_text(suite, encoding="utf-8")
    groups = load_suite(folder / "chosen.yaml").task_groups
    acc = ("exams-subject_small.acc", "exams-subject_large.acc")
    assert groups == (
        TaskGroup(name="exams-exam", metric="acc", figures=(*acc, "exams-subject_middle.acc"), is_weighted=True),
        TaskGroup(name="exams-exam", metric="exact_match", figures=("exams-written.exact_match-whole",), is_weighted=True),
        TaskGroup(name="exams-exam_inner", metric="acc", figures=acc, is_weighted=True),
    )  # fmt: skip


def figure(hits: dict[str, list[float | None]], is_weighted: bool, seeds: int = 1) -> GroupFigure:
    """Of tasks with these values of their items; of several seeds all alike but for the last one's, which are 0."""
    estimators, results = [], []
    pools = {"v": tuple(f"v-{seed}" for seed in range(seeds))} if seeds > 1 else {}
    for task, values in hits.items():
        ids = [str(place) for place in range(len(values))]
        scores = [
            Score(sample_id=ids[place], task=task, variant=name, metric="acc",
                  value=0.0 if seeds > 1 and name.endswith(str(seeds - 1)) else value, reason="")
            for name in pools.get("v", ("v",)) for place, value in enumerate(values)
        ]  # fmt: skip
        columns = score_columns(ids, Groups.of([None] * len(ids)), scores, pools)
        estimators.append(Means(task, columns, {f"{task}.acc": INFO}, 0))
        results += estimators[-1].results()
    group = TaskGroup(name="g", metric="acc", figures=tuple(f"{task}.acc" for task in hits), is_weighted=is_weighted)
    return next(own for own in group_figures([group], estimators, results) if own.variant == "v")


FOUR, TWELVE = [1.0, 1.0, 0.0, 0.0], [1.0] * 9 + [0.0] * 3


@pytest.mark.parametrize(
    ("is_weighted", "mean", "weights"),
    [(True, 11 / 16, (1 / 4, 3 / 4)), (False, (1 / 2 + 3 / 4) / 2, (1 / 2, 1 / 2))],
)
def test_the_interval_joins_those_of_the_tasks(is_weighted: bool, mean: float, weights: tuple[float, float]) -> None:
    """Wilson's of 2 of 4 are 0.1500–0.8500, of 9 of 12 0.4677–0.9111; their variances are recovered and add."""
    own = figure({"a": FOUR, "b": TWELVE}, is_weighted)
    low = mean - math.hypot(weights[0] * (0.5 - 0.1500), weights[1] * (0.75 - 0.4677))
    high = mean + math.hypot(weights[0] * (0.8500 - 0.5), weights[1] * (0.9111 - 0.75))
    assert own.mean == pytest.approx(mean)
    assert (own.low, own.high) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))
    assert (own.samples, own.known) == (16, 16)


def test_all_right_is_not_certain() -> None:
    own = figure({"a": [1.0] * 4, "b": [1.0] * 4}, True)
    assert (own.mean, own.high) == (1.0, 1.0)
    assert own.low == pytest.approx(1 - math.hypot(0.5 * 0.4899, 0.5 * 0.4899), abs=1e-4)  # Wilson's of 4 of 4: 0.5101


def test_an_unknown_item_keeps_the_weights_and_an_unknown_task_has_no_average() -> None:
    own = figure({"a": [1.0, None, 0.0, 0.0], "b": TWELVE}, True)
    assert (own.mean, own.samples, own.known) == (pytest.approx((4 * 1 / 3 + 12 * 3 / 4) / 16), 16, 15)
    own = figure({"a": [None] * 4, "b": TWELVE}, True)
    assert (own.mean, own.low, own.high, own.known) == (None, None, None, 12)


def test_seeds_that_move_all_tasks_together_widen_it() -> None:
    """Means of 0.75, 0.75 and 0: their error 0.25 times Student's 4.30 reaches both ends, as joined intervals do not."""
    single, several = (figure({f"t{place}": TWELVE for place in range(9)}, True, seeds) for seeds in (1, 3))
    assert (several.mean, several.low, several.high) == (pytest.approx(0.5), 0.0, 1.0)
    assert (single.low, single.high) == (
        pytest.approx(0.75 - 0.2823 / 3, abs=2e-4),
        pytest.approx(0.75 + 0.1611 / 3, abs=2e-4),
    )


def test_the_report_shows_each_group(folder: Path) -> None:
    acc = TaskGroup(name="exams-mmlu", metric="acc", figures=("a.acc", "b.acc"), is_weighted=True)
    once = TaskGroup(name="exams-belebele", metric="acc", figures=("c.acc",), is_weighted=False)

    def of(group: TaskGroup, variant: str, mean: float | None) -> GroupFigure:
        ends = (None, None) if mean is None else (mean - 0.1, mean + 0.1)
        return GroupFigure(group=group, variant=variant, samples=16, known=16, mean=mean, low=ends[0], high=ends[1])

    run = known(of(acc, "one", 0.6875), of(acc, "two", None), of(once, "one", 0.5))
    (table,) = TaskGroups().build(run)
    assert (table.metric, table.variants, table.is_folded) == ("acc", ("one", "two"), False)
    assert [(row.name, row.tasks, row.items, row.weighting, row.figures) for row in table.rows] == [
        ("exams-mmlu", "2", "16", "by size", (("68.8 %", "58.8–78.8"), ("unknown", None))),
        ("exams-belebele", "1", "16", "each task once", (("50.0 %", "40.0–60.0"), None)),
    ]
    assert list(TaskGroups().sentences(run)) == [
        "exams-mmlu, acc over 2 tasks: one 68.8 %, two unknown.", "exams-belebele, acc over 1 task: one 50.0 %."
    ]  # fmt: skip


def known(*figures: GroupFigure) -> FinishedRun:
    """A run with these averages."""
    from harness.records.summary import Summary

    results = tuple(
        Result(task="a", variant=name, metric="acc", samples=8, known=8, mean=0.5, low=0.4, high=0.6)
        for name in ("one", "two")
    )
    metrics = dict.fromkeys(("a.acc", "b.acc", "c.acc"), INFO)
    return finished(
        Summary(name="s", reference="one", headline=("a.acc",), metrics=metrics, results=results, comparisons=(),
                usage=(), task_groups=figures)
    )  # fmt: skip
