"""lm-eval's figures over all items as functions of sums of counts, held to lm-eval's own by the tests."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.components.metric import Mark, Scale
from harness.records.figures import ENDLESS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Totals = Mapping[str, NDArray[np.float64]]

_ORDERS = (1, 2, 3, 4)  # of BLEU's n-grams


@dataclass(frozen=True, kw_only=True)
class Aggregation:
    """How one figure is made of all items."""

    scale: Scale
    count: Callable[[Any], Mapping[str, float]]  # what an item of lm-eval's adds to the sums
    figure: "Callable[[Totals], NDArray[np.float64]]"  # of sums [m], one a resample; NaN where it is not defined

    def mark(self, item: Any) -> Mark:
        """The figure of one item alone, with its counts; unknown for an item of another form."""
        import numpy as np

        try:
            counts = {name: float(number) for name, number in self.count(item).items()}
        except (TypeError, ValueError) as error:
            return Mark(None, f"lm-eval's value of this item is of another form ({error})")
        with np.errstate(all="ignore"):
            value = float(self.figure({name: np.array([number]) for name, number in counts.items()})[0])
        return Mark(0.0 if math.isnan(value) else value, None, counts)


def _weighted(item: Any) -> dict[str, float]:
    logprob, weight = item
    return {"logprob": logprob, "weight": weight}


def _perplexity(totals: "Totals") -> "NDArray[np.float64]":
    """exp(−Σ log p / Σ weight), at most as much as a scale without end shows."""
    import numpy as np

    with np.errstate(all="ignore"):
        return np.minimum(np.exp(-totals["logprob"] / totals["weight"]), ENDLESS)


def _bits(totals: "Totals") -> "NDArray[np.float64]":
    import numpy as np

    with np.errstate(all="ignore"):
        return np.minimum(-totals["logprob"] / totals["weight"] / math.log(2), ENDLESS)


def _confusion(item: Any) -> dict[str, float]:
    """Of a binary task; the label 1 is the one that is looked for."""
    gold, predicted = (int(label) for label in item)
    if not {gold, predicted} <= {0, 1}:
        raise ValueError("labels other than 0 and 1")
    cells = {"hit": (1, 1), "miss": (1, 0), "alarm": (0, 1), "rest": (0, 0)}
    return {name: float(cell == (gold, predicted)) for name, cell in cells.items()}


def _f1(totals: "Totals") -> "NDArray[np.float64]":
    """2 TP / (2 TP + FP + FN); 0 where nothing was looked for and nothing told, as scikit-learn has it."""
    import numpy as np

    size = 2 * totals["hit"] + totals["alarm"] + totals["miss"]
    return np.divide(2 * totals["hit"], size, out=np.zeros_like(size), where=size > 0)


def _correlation(totals: "Totals") -> "NDArray[np.float64]":
    """Matthews 1975; 0 where a row or a column of the table is empty, as scikit-learn has it."""
    import numpy as np

    hit, miss, alarm, rest = (np.round(totals[name], 9) for name in ("hit", "miss", "alarm", "rest"))
    size = np.sqrt((hit + alarm) * (hit + miss) * (rest + alarm) * (rest + miss))
    return np.divide(hit * rest - alarm * miss, size, out=np.zeros_like(size), where=size > 0)


def _texts(item: Any) -> tuple[list[str], str]:
    """References and answer of an item of lm-eval's, each a text or a list."""
    references, answer = item
    answers = answer if isinstance(answer, list | tuple) else [answer]
    return [references] if isinstance(references, str) else list(references), str(answers[0])


def _bleu_counts(item: Any) -> dict[str, float]:
    from sacrebleu.metrics.bleu import BLEU

    references, answer = _texts(item)
    sentence = BLEU(effective_order=True).sentence_score(answer, references)
    return {
        "given": sentence.sys_len,
        "wanted": sentence.ref_len,
        **{f"right {n}": sentence.counts[n - 1] for n in _ORDERS},
        **{f"tried {n}": sentence.totals[n - 1] for n in _ORDERS},
    }


def _bleu(totals: "Totals") -> "NDArray[np.float64]":
    """sacrebleu's corpus BLEU with its defaults."""
    from harness.metrics.bleu import Bleu

    return Bleu().aggregate(totals)[""]


def _chrf_counts(word_order: int) -> Callable[[Any], dict[str, float]]:
    def count(item: Any) -> dict[str, float]:
        from sacrebleu.metrics.chrf import CHRF

        references, answer = _texts(item)
        # sacrebleu's own counts, for which it has no public name; the tests hold them to corpus_score
        counts = CHRF(word_order=word_order)._extract_corpus_statistics([answer], [[text] for text in references])[0]
        names = [f"{name} {order}" for order in range(1, 7 + word_order) for name in ("given", "wanted", "common")]
        return dict(zip(names, map(float, counts), strict=True))

    return count


def _chrf(word_order: int) -> "Callable[[Totals], NDArray[np.float64]]":
    def figure(totals: "Totals") -> "NDArray[np.float64]":
        from harness.metrics.chrf import Chrf

        return Chrf(word_order=word_order).aggregate(totals)[""]

    return figure


def _edits(item: Any) -> dict[str, float]:
    from sacrebleu.metrics.ter import TER

    references, answer = _texts(item)
    edits, size = TER()._extract_corpus_statistics([answer], [[text] for text in references])[0]
    return {"edits": edits, "size": size}


def _error_rate(totals: "Totals") -> "NDArray[np.float64]":
    """Edits in 100 words of the reference (Snover et al. 2006)."""
    import numpy as np

    edits, size = totals["edits"], totals["size"]
    rate = np.divide(100 * edits, size, out=np.where(edits > 0, 100.0, 0.0), where=size > 0)
    return np.minimum(rate, ENDLESS)


def _single(item: Any) -> dict[str, float]:
    return {"logprob": float(item), "weight": 1.0}


_PERCENT = Scale(0.0, 100.0)
AGGREGATIONS: Mapping[str, Aggregation] = {
    "perplexity": Aggregation(scale=Scale(1.0, ENDLESS, "lower"), count=_single, figure=_perplexity),
    "weighted_perplexity": Aggregation(scale=Scale(1.0, ENDLESS, "lower"), count=_weighted, figure=_perplexity),
    "bits_per_byte": Aggregation(scale=Scale(0.0, ENDLESS, "lower"), count=_weighted, figure=_bits),
    "f1": Aggregation(scale=Scale(), count=_confusion, figure=_f1),
    "matthews_corrcoef": Aggregation(scale=Scale(-1.0, 1.0), count=_confusion, figure=_correlation),
    "bleu": Aggregation(scale=_PERCENT, count=_bleu_counts, figure=_bleu),
    "chrf": Aggregation(scale=_PERCENT, count=_chrf_counts(0), figure=_chrf(0)),
    "chrf++": Aggregation(scale=_PERCENT, count=_chrf_counts(2), figure=_chrf(2)),
    "ter": Aggregation(scale=Scale(0.0, ENDLESS, "lower"), count=_edits, figure=_error_rate),
}
