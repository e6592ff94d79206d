"""Why judges' figures may not decide, in the language that is spoken."""

from collections.abc import Mapping

from harness.records.figure_names import FigureName
from harness.records.judgements import Judging, Reliability
from reports.facts.spoken_sentences import spoken_sentences
from reports.wording import say


def spoken_doubts(judge: Reliability) -> tuple[str, ...]:
    """What speaks against one judge."""
    return spoken_sentences(judge.doubts, judge.statements)


def spoken_demotions(judging: Judging) -> Mapping[str, str]:
    """By "task.metric": why it may not decide."""
    return {figure: _reason(judging, figure, text) for figure, text in judging.demoted.items()}


def _reason(judging: Judging, figure: str, text: str) -> str:
    """Made of the doubts about the figure's judges, where these are what its text was made of."""
    judges = [judge for judge in judging.judges if str(FigureName.of(judge)) == figure]
    is_panel = len(judges) > 1
    stored = [f"{judge.judge}: {doubt}" if is_panel else doubt for judge in judges for doubt in judge.doubts]
    if text != "; ".join(stored):
        return text
    spoken = [
        say("judge_doubts.of_judge", judge=judge.judge, doubt=doubt) if is_panel else doubt
        for judge in judges
        for doubt in spoken_doubts(judge)
    ]
    return say("judge_doubts.separator").join(spoken)
