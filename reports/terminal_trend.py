"""A trend in the terminal: the sentences of its page, then where the page is."""

from pathlib import Path

from rich.console import Console

from harness.records.inputs import Language
from harness.records.trends import Trend
from reports.facts.trend_overview import broken_runs, left_out_text, order_sentences, overview, shift_text, shifts
from reports.wording import say, speaking

MOST_NAMES = 10  # shifts, and names of runs that are in no line


def print_trend(trend: Trend, page: Path, console: Console, language: Language) -> None:
    """What the runs of a suite show, on one screen."""
    with speaking(language):
        console.print(say("trend.heading", suite=trend.suite), style="bold", soft_wrap=True)
        for sentence in (*overview(trend), *order_sentences(trend)):
            console.print(sentence, soft_wrap=True)
        for shifted in [own for own in shifts(trend) if own[0].quantity == "figure"][1:MOST_NAMES]:
            console.print(f"  {shift_text(trend, shifted)}", soft_wrap=True)
        for own in broken_runs(trend):
            console.print(f"  {own.key}: {left_out_text(own)}", soft_wrap=True)
        left_out = [own for own in trend.left_out if own not in broken_runs(trend)]
        if left_out:
            names = say("nouns.separator").join(own.key for own in left_out[:MOST_NAMES])
            more = say("trend.and_more", count=len(left_out) - MOST_NAMES) if len(left_out) > MOST_NAMES else ""
            console.print(
                say("trend.others_left_out", n=len(left_out), count=len(left_out), names=f"{names}{more}"),
                soft_wrap=True,
            )
        console.print(str(page), soft_wrap=True)
