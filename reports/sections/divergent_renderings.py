"""The same turns that templates render otherwise: what some variants were asked and others were not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from harness.records.finished_run import FinishedRun
from reports.facts.divergent_turns import DivergentTurns, Rendering, divergent_turns
from reports.facts.metric_columns import freshness_probes
from reports.facts.phrases import counted, listed
from reports.section import Section
from reports.wording import say

EXCERPT = 80  # characters of a rendering, in a sentence
BEFORE = 15  # of them before the place where renderings part


@dataclass(frozen=True, slots=True)
class RenderedText:
    """One rendering."""

    variants: str  # with the tokens that were counted
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingsCard:
    """One prompt and its renderings."""

    task: str
    sample_id: str
    address: str
    texts: tuple[RenderedText, ...]


@dataclass(frozen=True, slots=True)
class RenderingsFacts:
    """All of them, and what makes them equal."""

    cards: tuple[RenderingsCard, ...]
    remedy: str


class DivergentRenderings(Section):
    order = 140

    def build(self, finished: FinishedRun) -> RenderingsFacts | None:
        """Where variants of one task sent equal messages and their models read different texts."""
        cards = tuple(map(_card, _all(finished)))
        return RenderingsFacts(cards, say("divergent_renderings.remedy")) if cards else None

    def cautions(self, finished: FinishedRun) -> Iterator[str]:
        """Where more differs than the signs that models put around turns."""
        for turns in _all(finished):
            if turns.is_telling:
                texts = say("divergent_renderings.separator").join(
                    say("divergent_renderings.text", variants=listed(rendering.variants), text=part)
                    for rendering, part in _parting(turns.renderings)
                )
                remedy = say("divergent_renderings.remedy")
                yield say("divergent_renderings.caution", task=turns.task, texts=texts, remedy=remedy)


def _all(finished: FinishedRun) -> Iterator[DivergentTurns]:
    probes = freshness_probes(finished.summary)
    return (turns for turns in divergent_turns(finished.predictions) if turns.task not in probes)


def _card(turns: DivergentTurns) -> RenderingsCard:
    return RenderingsCard(
        task=turns.task,
        sample_id=turns.sample_id,
        address=f"#{urlencode({'sample': f'{turns.task}/{turns.sample_id}'})}",
        texts=tuple(RenderedText(_variants(rendering), rendering.text) for rendering in turns.renderings),
    )


def _variants(rendering: Rendering) -> str:
    pairs = zip(rendering.variants, rendering.tokens, strict=True)
    return listed(
        say("divergent_renderings.tokens", variant=variant, tokens=counted(tokens, "token")) if tokens else variant
        for variant, tokens in pairs
    )


def _parting(renderings: Sequence[Rendering]) -> Iterator[tuple[Rendering, str]]:
    """Each text from a little before the place where they part."""
    texts = [" ".join(rendering.text.split()) for rendering in renderings]
    signs = enumerate(zip(*texts, strict=False))
    parting = next((place for place, each in signs if len(set(each)) > 1), min(map(len, texts)))
    start = max(0, parting - BEFORE)
    for rendering, text in zip(renderings, texts, strict=True):
        part = text[start : start + EXCERPT]
        yield rendering, f"{'…' if start else ''}{part}{'…' if len(text) > start + EXCERPT else ''}"
