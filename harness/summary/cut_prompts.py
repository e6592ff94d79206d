"""Prompts that a server cut without a word: it counted fewer tokens than their texts have, or as many for longer."""

import re
from collections.abc import Sequence

from harness.records.outputs import Prediction

LATIN_PER_TOKEN = 12  # characters: more than any tokenizer reaches over a whole text
IDEOGRAPHS_PER_TOKEN = 4
ALIKE = 3  # longest prompts of one count, at least
LONG = 256  # tokens from which equal counts of texts that differ by a tenth are no chance
GROWTH, SHORT_GROWTH = 1.1, 1.5  # of the longest of such texts against the shortest

_IDEOGRAPHS = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff]")
_SIGNS = re.compile(r"[\W_]+")  # a run of spaces, dashes or the like may be one token


def is_far_below(prediction: Prediction) -> bool:
    """Whether fewer tokens were counted than the prompt's text has at least."""
    return 0 < counted_tokens(prediction) < least_tokens(sent_text(prediction))


def counted_tokens(prediction: Prediction) -> float:
    """Tokens of the prompt; of an answer that several calls came to, on average."""
    return prediction.tokens_in / (1 if prediction.serving is None else prediction.serving.calls)


def least_tokens(text: str) -> float:
    """The fewest tokens that a text may have: one for 12 characters, and one for 4 ideographs or syllables."""
    rest, ideographs = _IDEOGRAPHS.subn(" ", text)
    return len(_SIGNS.sub(" ", rest).strip()) / LATIN_PER_TOKEN + ideographs / IDEOGRAPHS_PER_TOKEN


def sent_text(prediction: Prediction) -> str:
    """All that was sent of a prompt."""
    return "\n".join(message.content for message in prediction.messages)


def of_equal_count(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The prompts with the highest count, where their texts grow and it does not; none where that may be chance."""
    most = max(map(counted_tokens, predictions), default=0)
    tolerance = 2 if most >= LONG else 0
    highest = [prediction for prediction in predictions if most and counted_tokens(prediction) >= most - tolerance]
    sizes = {least_tokens(sent_text(prediction)) for prediction in highest}
    if len(sizes) < ALIKE:
        return []
    growth = GROWTH if most >= LONG else SHORT_GROWTH
    return highest if max(sizes) >= growth * min(sizes) > 0 else []


def cut_prompts(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Of a cell's predictions those whose prompts a server cut, as far as its own counts tell."""
    served = [prediction for prediction in predictions if prediction.serving is not None and not prediction.route]
    level = {prediction.sample_id for prediction in of_equal_count(served)}
    return [p for p in served if p.sample_id in level or is_far_below(p)]
