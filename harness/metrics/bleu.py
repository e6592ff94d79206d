"""BLEU of a whole corpus by sacrebleu, so that the figure can be compared with published ones; right for Chinese."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import computed_field

from harness.components.metric import Mark, Marks, Metric, Scale
from harness.metrics.support.token_overlap import (
    mostly_chinese,
    reference_count,
    sample_without_reference,
    task_samples,
)
from harness.records.inputs import JSON, Sample
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sacrebleu.metrics.bleu import BLEU

    from harness.components.scoring import Scoring
    from harness.components.task import Task

_ORDERS = (1, 2, 3, 4)
Tokenizer = Literal["zh", "13a", "char", "intl"]


class Bleu(Metric):
    """Corpus BLEU, 0 to 100; higher is better. A sample's value is its sentence BLEU, no share of the figure.

    The figure is made of n-grams matched over all samples (n up to 4, exponential smoothing, brevity penalty), equal to
    sacrebleu's corpus_score; sentence BLEU takes only the orders that the answer has. tokenize: sacrebleu's tokenizers;
    `auto` takes `zh` where at least half of the tokens in the references are Chinese characters, else `13a`. The
    signature stands in the reason of each value. Several references count together, as in sacrebleu. An empty answer
    scores 0 and its lack weighs in the brevity penalty. Source: Papineni et al. 2002; Post 2018.
    """

    scale: ClassVar[Scale] = Scale(0.0, 100.0)
    answers: ClassVar[tuple[str, ...]] = ("text",)
    corpus: ClassVar[bool] = True

    tokenize: Literal["auto", "zh", "13a", "char", "intl"] = "auto"
    """The tokenizer of sacrebleu; auto: zh where the references are mostly Chinese, else 13a."""
    lowercase: bool = False
    """Whether case is overlooked."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def signature(self) -> str:
        """The settings as sacrebleu writes them; the number of references stands in the reason of each value."""
        chosen = "zh if the references are mostly Chinese, else 13a" if self.tokenize == "auto" else self.tokenize
        case = "lc" if self.lowercase else "mixed"
        return f"case:{case}|eff:no|tok:{chosen}|smooth:exp|version:{metadata.version('sacrebleu')}"

    def check_task(self, task: "Task") -> str | None:
        return sample_without_reference(task.data.test, str.split)

    def resolved(self, task: "Task") -> dict[str, JSON]:
        """What `auto` takes on a task, and sacrebleu's whole signature."""
        return {"signature": _signature(self._scorer(task.data.test), task.data.test)}

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[Marks]:
        """`auto` sees the references of the whole task, so that no failed call can change the choice."""
        all_samples = task_samples(samples, scoring)
        scorer = self._scorer(all_samples)
        signature = _signature(scorer, all_samples)
        return [_mark(scorer, s, p, signature) for s, p in zip(samples, predictions, strict=True)]

    def _scorer(self, samples: Sequence[Sample]) -> "BLEU":
        from sacrebleu.metrics.bleu import BLEU

        chosen: str = self.tokenize
        if chosen == "auto":
            chosen = "zh" if mostly_chinese(samples) else "13a"
        return BLEU(tokenize=chosen, lowercase=self.lowercase, effective_order=True)

    def aggregate(self, totals: "Mapping[str, NDArray[np.float64]]") -> "Mapping[str, NDArray[np.float64]]":
        """BLEU [m]; NaN where no token of a reference is counted."""
        import numpy as np

        sizes = {name: np.round(total, 9) for name, total in totals.items()}  # sums of fractions miss 0 by a trifle
        answer_size, reference_size = sizes["given"], sizes["wanted"]
        right = np.stack([sizes[f"right {n}"] for n in _ORDERS])
        tried = np.stack([sizes[f"tried {n}"] for n in _ORDERS])
        halvings = np.cumsum((right == 0) & (tried > 0), axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            precisions = np.where(right > 0, right / tried, 1 / (2.0**halvings * tried))
            brevity = np.where(answer_size < reference_size, np.exp(1 - reference_size / answer_size), 1.0)
            bleu = 100 * brevity * np.exp(np.log(precisions).mean(axis=0))
        bleu = np.where((right.sum(axis=0) == 0) | (tried == 0).any(axis=0), 0.0, bleu)
        return {"": np.where(reference_size == 0, np.nan, np.minimum(bleu, 100.0))}


def _signature(scorer: "BLEU", samples: Sequence[Sample]) -> str:
    """sacrebleu's own signature of the corpus figure."""
    scorer.num_refs = reference_count(samples) or -1  # -1: their numbers differ
    signature = scorer.get_signature()
    signature.update("eff", "no")  # the orders are cut for sentences only
    return str(signature)


def _mark(scorer: "BLEU", sample: Sample, prediction: Prediction, signature: str) -> Mark:
    """Sentence BLEU with the counts of the corpus figure; no answer counts as an empty one."""
    answer, why = prediction.reading.answer, prediction.reading.reason
    if answer is not None and not answer.strip():
        why = "the answer is empty"
    sentence = scorer.sentence_score(answer or "", list(sample.targets))
    return Mark(
        min(sentence.score, 100.0),  # the library's logarithms may end at 100.00000000000004
        f"{why}; {signature}" if why else signature,
        {
            "given": float(sentence.sys_len),
            "wanted": float(sentence.ref_len),
            **{f"right {n}": float(sentence.counts[n - 1]) for n in _ORDERS},
            **{f"tried {n}": float(sentence.totals[n - 1]) for n in _ORDERS},
        },
    )
