"""How far the judges of a run deserve trust: each as it behaved here, and as it stands against people."""

from dataclasses import dataclass

from harness.records.figure_names import FigureName
from harness.records.figures import MetricInfo
from harness.records.finished_run import FinishedRun
from harness.records.judgements import Panel, Reliability
from harness.records.summary import Summary
from reports.facts import numbers
from reports.facts.demotions import run_demotions
from reports.facts.human_agreement import HumanAgreement, JudgeFact, human_agreement
from reports.facts.judge_behaviour import judge_consistency, judge_overview, judge_readings
from reports.facts.judge_doubts import spoken_doubts
from reports.facts.metric_columns import demotion_reason, metric_info
from reports.facts.phrases import counted, listed
from reports.section import Section
from reports.wording import say

COMMAND = "harness calibrate SUITE --labels FILE"
UNFOLDED = 2  # judges; of more, only those that may not decide are unfolded


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCard:
    """One judge of one metric."""

    name: str
    description: str
    rubric: str
    doubts: tuple[str, ...]
    warning: str | None  # of what it might prefer
    overview: tuple[JudgeFact, ...]
    is_unfolded: bool
    readings: tuple[JudgeFact, ...]
    consistency: tuple[JudgeFact, ...]
    agreement: HumanAgreement | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMetric:
    """One judged metric."""

    figure: str
    demoted: str | None
    judges: tuple[JudgeCard, ...]
    panel: str | None
    command: str = COMMAND


class Judges(Section):
    order = 110

    def build(self, finished: FinishedRun) -> tuple[JudgedMetric, ...]:
        """One part a judged metric, those that may decide first."""
        summary = finished.summary
        keys = dict.fromkeys((judge.task, judge.metric) for judge in summary.judging.judges)
        metrics = [_judged_metric(summary, task, metric) for task, metric in keys]
        return tuple(sorted(metrics, key=lambda metric: metric.demoted is not None))

    def sentences(self, finished: FinishedRun) -> tuple[str, ...]:
        """One line a judge: trusted, or why not."""
        return tuple(map(_trust_sentence, finished.summary.judging.judges))

    def cautions(self, finished: FinishedRun) -> tuple[str, ...]:
        """What was demoted and why, and who judged what it wrote itself, or what its own family wrote."""
        figures: dict[tuple[str, str], list[str]] = {}
        for judge in finished.summary.judging.judges:
            if answers := _kindred_answers(judge):
                figures.setdefault((judge.judge, answers), []).append(str(FigureName.of(judge)))
        return (
            *(demotion.sentence for demotion in run_demotions(finished.summary)),
            *(
                say("judges.self_preference_caution", figures=listed(names), judge=judge, answers=answers)
                for (judge, answers), names in figures.items()
            ),
        )


def _judged_metric(summary: Summary, task: str, metric: str) -> JudgedMetric:
    info = metric_info(summary, task, metric)
    judges = [judge for judge in summary.judging.judges if (judge.task, judge.metric) == (task, metric)]
    panel = next((p for p in summary.judging.panels if (p.task, p.metric) == (task, metric)), None)
    return JudgedMetric(
        figure=str(FigureName.within(task, metric)),
        demoted=demotion_reason(summary, task, metric),
        judges=tuple(_card(judge, info, len(summary.judging.judges) <= UNFOLDED) for judge in judges),
        panel=None if panel is None else _panel_sentence(panel, info, judges[0].pairwise),
    )


def _card(judge: Reliability, info: MetricInfo, are_few: bool) -> JudgeCard:
    return JudgeCard(
        name=judge.judge,
        description=judge.description,
        rubric=judge.rubric,
        doubts=tuple(map(_doubt_sentence, spoken_doubts(judge))),
        warning=say("judges.self_preference", answers=answers) if (answers := _kindred_answers(judge)) else None,
        overview=tuple(judge_overview(judge, info)),
        is_unfolded=are_few or bool(judge.doubts),
        readings=tuple(judge_readings(judge)),
        consistency=tuple(judge_consistency(judge, info)),
        agreement=human_agreement(judge.calibration) if judge.calibration else None,
    )


def _doubt_sentence(doubt: str) -> str:
    """A doubt as a sentence; κ has no capital."""
    return say("judges.doubt", doubt=f"{doubt[:1].upper() if doubt[:1].isascii() else doubt[:1]}{doubt[1:]}")


def _kindred_answers(judge: Reliability) -> str | None:
    """What makes self-preference possible; it is not measured."""
    own = say("judges.own_answers", variants=listed(judge.itself)) if judge.itself else ""
    kin = say("judges.kin_answers", variants=listed(judge.kin)) if judge.kin else ""
    return say("judges.both_answers", own=own, kin=kin) if own and kin else own or kin or None


def _panel_sentence(panel: Panel, info: MetricInfo, is_pairwise: bool) -> str:
    judges = listed(panel.judges)
    if panel.disagreement is None:
        return say("judges.panel_disjoint", judges=judges)
    if is_pairwise:
        share, pairs = numbers.share(panel.disagreement), counted(panel.items, "pair")
        return say("judges.panel_pairs", judges=judges, share=share, pairs=pairs)
    return say(
        "judges.panel_scores",
        judges=judges,
        difference=numbers.points(panel.disagreement, info),
        scale=numbers.scale(info),
        answers=counted(panel.items, "answer"),
    )


def _trust_sentence(judge: Reliability) -> str:
    name, figure = judge.judge, str(FigureName.of(judge))
    if judge.doubts:
        doubts = say("judges.doubt_separator").join(spoken_doubts(judge))
        return say("judges.doubted_sentence", judge=name, figure=figure, doubts=doubts)
    if judge.calibration is None:
        return say("judges.uncalibrated_sentence", judge=name, figure=figure)
    against = judge.calibration.against
    kappa, items = numbers.coefficient(against.kappa), counted(against.items, "item")
    return say("judges.trusted_sentence", judge=name, figure=figure, kappa=kappa, items=items)
