"""The same turns as several models read them: where their templates differ, so do the questions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.records.inputs import Prompt
from harness.records.outputs import Prediction
from reports.facts.item_texts import rendered_pieces

_MARKUP = re.compile(r"<[^<>\n]*>|\[/?[A-Z_]+\]")  # <|im_start|>, <start_of_turn>, </s>, [INST]
_ROLES = frozenset(("system", "user", "assistant", "model", "human", "gpt"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What some variants made of the turns."""

    text: str
    variants: tuple[str, ...]
    tokens: tuple[int, ...]  # as counted, by variant
    additions: tuple[str, ...]  # the words that no turn holds and that are no markup
    is_bare: bool  # whether it has no markup at all


@dataclass(frozen=True, slots=True, kw_only=True)
class DivergentTurns:
    """One prompt of a task that variants sent alike and models read otherwise."""

    task: str
    sample_id: str
    renderings: tuple[Rendering, ...]

    @property
    def is_telling(self) -> bool:
        """Whether a template adds words that another does not, or no markup at all: not only markup of its own."""
        return len({(rendering.additions, rendering.is_bare) for rendering in self.renderings}) > 1


def divergent_turns(predictions: Sequence[Prediction]) -> Iterator[DivergentTurns]:
    """For each task and each set of variants that differ: the first item at which they do."""
    prompts: dict[tuple[str, Prompt], dict[str, Prediction]] = {}
    for prediction in predictions:
        if prediction.rendered is not None and not prediction.route:
            prompts.setdefault((prediction.task, prediction.messages), {}).setdefault(prediction.variant, prediction)
    partings: set[tuple[str, frozenset[frozenset[str]]]] = set()
    for (task, _), by_variant in prompts.items():
        groups = _by_text(by_variant)
        parting = (task, frozenset(frozenset(prediction.variant for prediction in group) for group in groups))
        if len(groups) > 1 and parting not in partings:
            partings.add(parting)
            renderings = tuple(map(_rendering, groups))
            yield DivergentTurns(task=task, sample_id=groups[0][0].sample_id, renderings=renderings)


def _by_text(by_variant: Mapping[str, Prediction]) -> list[list[Prediction]]:
    groups: dict[str, list[Prediction]] = {}
    for prediction in by_variant.values():
        groups.setdefault(prediction.rendered or "", []).append(prediction)
    return list(groups.values())


def _rendering(group: Sequence[Prediction]) -> Rendering:
    turns = {message.content.strip() for message in group[0].messages}
    own = " ".join(piece for piece in rendered_pieces(group[0]) if piece not in turns)
    words = re.findall(r"\w+", _MARKUP.sub(" ", own).lower())
    return Rendering(
        text=group[0].rendered or "",
        variants=tuple(prediction.variant for prediction in group),
        tokens=tuple(prediction.tokens_in for prediction in group),
        additions=tuple(word for word in words if word not in _ROLES),
        is_bare=not _MARKUP.search(own),
    )
