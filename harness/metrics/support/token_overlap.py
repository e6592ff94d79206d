"""Which tokens a text is cut into, so that metrics of overlap compare Chinese by its characters, English by its words.

The tokenizers made for English find no token at all in Chinese: identical texts score 0, and two reports that share
nothing but digits and Latin letters score 1.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

from harness.components.metric import Marks, Metric
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction
from harness.text.scripts import UNSPACED, marks
from harness.text.segmentation import comparable_lines, segmenter

if TYPE_CHECKING:
    from harness.components.scoring import Scoring
    from harness.components.task import Task

Tokens = Literal["characters", "jieba", "words"]
NAMES: dict[Tokens, str] = {"characters": "characters", "jieba": "words by jieba", "words": "words"}


class TokenOverlap(Metric):
    """A metric of the tokens that an answer and a reference share.

    tokens: `characters` takes each Chinese character, `jieba` each word as jieba cuts it (without its search mode),
    `words` is for languages with spaces. In all of them a run of letters or digits is one token, with the vowels and
    other signs that stand on its letters (काला), a decimal number too (1.5), and punctuation is none; texts are
    compared after NFKC and case folding. `auto` takes characters where at least half of the tokens in the references
    are Chinese characters, else words: one choice for all variants of a task, told in the reason of each value.
    """

    answers: ClassVar[tuple[str, ...]] = ("text",)

    tokens: Literal["auto", "characters", "jieba", "words"] = "auto"
    """What is counted; auto: characters where the references are mostly Chinese, else words."""

    def check_task(self, task: "Task") -> str | None:
        return sample_without_reference(task.data.test, lambda text: cut(text, "characters"))

    def resolved(self, task: "Task") -> dict[str, JSON]:
        """What `auto` takes on a task."""
        return {"tokens": self._chosen(task.data.test)}

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[Marks]:
        """`auto` sees the references of the whole task, so that no failed call can change the choice."""
        chosen = self._chosen(task_samples(samples, scoring))
        return [self.mark(prediction, sample, chosen) for sample, prediction in zip(samples, predictions, strict=True)]

    @abstractmethod
    def mark(self, prediction: Prediction, sample: Sample, tokens: Tokens) -> Marks:
        """The value of one prediction by such tokens."""

    def _chosen(self, samples: Iterable[Sample]) -> Tokens:
        if self.tokens != "auto":
            return self.tokens
        return "characters" if mostly_chinese(samples) else "words"


def task_samples(samples: Sequence[Sample], scoring: "Scoring | None") -> Sequence[Sample]:
    """The samples of the whole task; without a task, those that are scored."""
    return (scoring.task.data.test if scoring else ()) or samples


def cut(text: str, tokens: Tokens) -> tuple[str, ...]:
    """The tokens of a text in their order, with repetitions, not stemmed. No token reaches over a line break."""
    return _cut(text, tokens == "jieba")


@lru_cache(maxsize=4096)  # a reference is compared with every variant's answer
def _cut(text: str, by_words: bool) -> tuple[str, ...]:
    tokens: list[str] = []
    runs, character = _patterns()
    for line in comparable_lines(text):
        for run in runs.finditer(line):
            if not run["unspaced"]:
                tokens.append(run[0])
            else:
                tokens += segmenter().lcut(run[0]) if by_words else character.findall(run[0])
    return tuple(tokens)


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A run of letters or of unspaced characters, and one character with the signs that stand on it."""
    runs = rf"(?P<unspaced>[{UNSPACED}][{UNSPACED}{marks()}]*)|(?:(?![{UNSPACED}])[^\W_][{marks()}]*|(?<=\d)\.(?=\d))+"
    return re.compile(runs), re.compile(rf".[{marks()}]*")


def mostly_chinese(samples: Iterable[Sample]) -> bool:
    """Whether at least half of the tokens in the references are Han or kana characters; without any token not."""
    tokens = [token for sample in samples for target in sample.targets for token in cut(target, "characters")]
    unspaced = sum(re.match(f"[{UNSPACED}]", token) is not None for token in tokens)
    return bool(tokens) and 2 * unspaced >= len(tokens)


def sample_without_reference(samples: Iterable[Sample], content: Callable[[str], Sequence[str]]) -> str | None:
    """What is wrong with the first sample that has no reference, or one without content to compare with."""
    for sample in samples:
        if not sample.targets:
            return f"sample {sample.id} has no reference to compare an answer with"
        for target in sample.targets:
            if not content(target):
                quoted = f"“{target}”" if target.strip() else "empty"
                return f"sample {sample.id}: a reference is {quoted}: no word or number to compare an answer with"
    return None


def reference_count(samples: Iterable[Sample]) -> int | None:
    """How many references each sample has; None where the numbers differ."""
    numbers = {len(sample.targets) for sample in samples}
    return numbers.pop() if len(numbers) == 1 else None
