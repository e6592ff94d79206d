"""How well retrieval did by itself: where the gold passages came, and whether the answer stands in what was shown."""

import math
from typing import ClassVar

from harness.components.metric import Mark, Metric
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, RetrievalTrace
from harness.text.normalise import normalise, option_letters
from harness.text.templates import LETTERS


class Retrieval(Metric):
    """Retrieval's own quality where the gold passage is known; joins every task that a rag variant answers.

    Its own value is recall@k, k being the passages the variant asked for. Parts: `recall@N` (share of the gold passages
    among the first N hits), `mrr` (1 / rank of the first gold passage, 0 beyond the depth searched; Voorhees 1999),
    `ndcg@10` (binary gains, log2 discount; Järvelin & Kekäläinen 2002) and `cited`, 1 if the answer occurs in the
    passages that were shown. In [0, 1], higher is better. Variants without passages have no values.
    """

    at: tuple[int, ...] = (1, 5, 10)
    part_scales: ClassVar = {}

    def parts(self) -> tuple[str, ...]:
        return (*(f"recall@{n}" for n in self.at), "mrr", "ndcg@10", "cited")

    def applies(self, prediction: Prediction) -> bool:
        return prediction.retrieval is not None

    def score(self, sample: Sample, prediction: Prediction) -> dict[str, Mark]:
        """The parts that apply: ranks only where something was searched and the gold is known."""
        retrieval = prediction.retrieval
        if retrieval is None:
            return {}
        marks = {} if retrieval.ranks is None or not retrieval.gold else self._ranked(retrieval)
        if prediction.passages and prediction.reading.answer is not None:
            marks |= _cited(sample, prediction)
        return marks

    def _ranked(self, retrieval: RetrievalTrace) -> dict[str, Mark]:
        ranks = sorted(rank for rank in retrieval.ranks or () if rank is not None)
        total = len(retrieval.gold)
        reason = f"gold at {', '.join(map(str, ranks))}" if ranks else f"gold not among the first {retrieval.depth}"
        ideal = math.fsum(1 / math.log2(1 + rank) for rank in range(1, min(total, 10) + 1))
        gained = math.fsum(1 / math.log2(1 + rank) for rank in ranks if rank <= 10)
        return {
            "": Mark(_recall(ranks, retrieval.k, total), reason),
            **{f"recall@{n}": Mark(_recall(ranks, n, total)) for n in self.at},
            "mrr": Mark(1 / ranks[0] if ranks else 0.0),
            "ndcg@10": Mark(gained / ideal),
        }


def _recall(ranks: list[int], n: int, total: int) -> float:
    return sum(rank <= n for rank in ranks) / total


def _cited(sample: Sample, prediction: Prediction) -> dict[str, Mark]:
    """Whether the answer stands, differences without meaning aside, in one of the passages shown.

    Of a choice the texts of the options chosen; an answer with fields is no text, so it has no such value.
    """
    answer = prediction.reading.answer
    if not isinstance(answer, str):
        return {}
    chosen = [LETTERS.index(letter) for letter in option_letters(answer)] if sample.options else []
    texts = [sample.options[i] for i in chosen if i < len(sample.options)] if sample.options else [answer]
    expected = [text for text in (normalise(text, punctuation="drop") for text in texts) if text]
    if not expected:
        return {"cited": Mark(0.0, "the answer is empty")}
    for passage in prediction.passages:
        passage_text = normalise(str(passage["text"]), punctuation="drop")
        if all(text in passage_text for text in expected):
            return {"cited": Mark(1.0, f"in passage {passage['number']}")}
    return {"cited": Mark(0.0, "in none of the passages shown")}
