"""How well retrieval did by itself: where the gold passages came, and whether the answer stands in what was shown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from harness.components.metric import Mark, Marks, Metric
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, RetrievalTrace
from harness.statistics.right_answers import is_absent, missing, ndcg, recall
from harness.text.normalise import normalise, option_letters
from harness.text.templates import LETTERS

if TYPE_CHECKING:
    from harness.components.scoring import Scoring

ABSENT = "no passage of the knowledge is right"


class Retrieval(Metric):
    """Retrieval's own quality where the right passages are known; joins every task for which a variant retrieves.

    Its own value is recall@k, k being the passages the variant asked for. Parts: `recall@N` (share of the right answers
    that a passage among the first N hits holds; what the knowledge lacks counts as not found), `mrr` (1 / rank of the
    first gold passage, 0 beyond the depth searched; Voorhees 1999), `ndcg@10` (a gain where a right answer comes first,
    log2 discount; Järvelin & Kekäläinen 2002) and `cited`, 1 if the answer occurs in the passages that were shown. Of
    alternative answers the best counts. In [0, 1], higher is better. Variants without passages have no values, and
    items without any right passage are unknown.
    """

    at: tuple[int, ...] = (1, 5, 10)
    """The numbers k of first passages of which recall@k is told."""
    part_scales: ClassVar = {}

    def parts(self) -> tuple[str, ...]:
        return (*self._rank_parts()[1:], "cited")

    def _rank_parts(self) -> tuple[str, ...]:
        """Its own value and the parts that need a right passage."""
        return ("", *(f"recall@{n}" for n in self.at), "mrr", "ndcg@10")

    def applies(self, prediction: Prediction) -> bool:
        return prediction.retrieval is not None

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[Marks]:
        """An item without any right passage is unknown, with the reason, where a variant has a value on other items."""
        marks = [self.score(sample, prediction) for sample, prediction in zip(samples, predictions, strict=True)]
        valued = {prediction.variant for prediction, own in zip(predictions, marks, strict=True) if "" in own}
        unknown = dict.fromkeys(self._rank_parts(), Mark(None, ABSENT))
        return [
            {**unknown, **own} if prediction.variant in valued and _is_absent(prediction) else own
            for prediction, own in zip(predictions, marks, strict=True)
        ]

    def score(self, sample: Sample, prediction: Prediction) -> dict[str, Mark]:
        """The parts that apply: ranks only where something was searched and the gold is known."""
        retrieval = prediction.retrieval
        if retrieval is None:
            return {}
        marks = {} if retrieval.ranks is None or not retrieval.gold else self._ranked(retrieval)
        if prediction.passages and prediction.reading.answer is not None:
            marks |= _cited(sample, prediction)
        return marks

    def _ranked(self, trace: RetrievalTrace) -> dict[str, Mark]:
        ranks = sorted(rank for rank in trace.ranks or () if rank is not None)
        reason = f"gold at {', '.join(map(str, ranks))}" if ranks else f"gold not among the first {trace.depth}"
        if lacking := missing(trace):
            reason += f"; the knowledge lacks {', '.join(lacking)}"
        return {
            "": Mark(recall(trace, trace.k), reason),
            **{f"recall@{n}": Mark(recall(trace, n)) for n in self.at},
            "mrr": Mark(1 / ranks[0] if ranks else 0.0),
            "ndcg@10": Mark(ndcg(trace, 10)),
        }


def _is_absent(prediction: Prediction) -> bool:
    return (
        prediction.retrieval is not None and prediction.retrieval.ranks is not None and is_absent(prediction.retrieval)
    )


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
