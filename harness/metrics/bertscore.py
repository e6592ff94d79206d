"""Whether a text says the same in other words: BERTScore, for tasks where no two people write the same report."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, computed_field

from harness.components.fields import FilePath, LocalPath
from harness.components.metric import Mark, Metric, Scale
from harness.errors import ModelError
from harness.metrics.support import bertscore_settings as bert_score
from harness.records.inputs import Sample
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    from harness.components.scoring import Scoring
    from harness.components.task import Task
    from harness.models.local.token_encoder import TokenEncoder

_PARTS = ("precision", "recall", "")
_NO_ANSWER = "the answer is empty"
Pair = tuple[str, str]


class Match(NamedTuple):
    """How an answer and a reference match: a row of Model.token_matches."""

    precision: float
    recall: float
    answer_tokens: float
    target_tokens: float
    answer_windows: float
    target_windows: float

    def values(self) -> dict[str, float]:
        """Precision, recall and, under "", F1; not a number where the model returned none."""
        if self.precision < 0 or self.recall < 0:
            return dict.fromkeys(_PARTS, math.nan)
        total = self.precision + self.recall
        f1 = 2 * self.precision * self.recall / total if total else 0.0
        return {"precision": self.precision, "recall": self.recall, "": f1}


class BertScore(Metric):
    """BERTScore F1 of the answer against its reference, in [0, 1]; higher is better.

    Parts: precision, recall, and windows (1 if the answer or a reference is longer than the model reads at once, else
    0). Source: Zhang et al. 2020, section 3, without idf weights: each token takes the cosine of the most similar token
    of the other text, or 0 if that is negative, from the vectors of one layer; precision is the mean over the answer's
    tokens, recall over the reference's. Of several references each of precision, recall and F1 is the best one, as in
    the bert-score library, with which values agree to 1e-6 where it reads the whole text (but see
    models/local/token_matching.py on cosines below 0, which it treats by the batch). Computed in float32.

    A text longer than the model reads is not cut: it is read in windows of full length that overlap by half or more.
    Each token takes its vector from the window whose middle is nearest, so that it has seen a quarter of a window on
    either side; the markers of beginning and end come from the first and the last window. Then all tokens are matched
    as those of a short text are.

    An answer that is empty or could not be read is 0, with `rescale` too. With `rescale` a value is (x - b) / (1 - b),
    b being what unrelated sentences reach, so that 0 stands for unrelated and values below it occur; `baseline` is a
    file LAYER,P,R,F, by default the library's own for the model and `language`.
    """

    imports: ClassVar[tuple[str, ...]] = ("torch", "transformers", "bert_score")
    answers: ClassVar[tuple[str, ...]] = ("text",)

    model: Annotated[str, LocalPath(or_name=True)] = "bert-base-chinese"
    """The model of the token vectors: a folder, a hub id, or package:NAME/FOLDER."""
    layer: int | None = Field(None, ge=0)
    """The layer whose vectors are compared, 0 for the embeddings; null: the library's choice for models it knows."""
    rescale: bool = False
    """Whether 0 stands for unrelated sentences, by a baseline."""
    baseline: FilePath | None = None
    """The baseline file of a model that the library has none for; null: the library's."""
    language: str = Field("zh", pattern=r"^[a-z]+(-[a-z]+)?$")
    """Whose baseline of the library, e.g. zh, en, en-sci."""
    batch_size: int = Field(64, ge=1)
    """Texts at once; fewer where they are long."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it computes; auto: the accelerator, where there is one."""

    def parts(self) -> tuple[str, ...]:
        return ("precision", "recall", "windows")

    def scale_of(self, part: str) -> Scale:
        if part == "windows":
            return Scale(0.0, 1.0, "neither")
        return Scale(min(self._rescaled(dict.fromkeys(_PARTS, 0.0))[part], 0.0), 1.0)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def hash(self) -> str | None:
        """The bert-score library's name for these settings, to be given with published figures."""
        return bert_score.config_hash(self.model, self._layer, self.rescale, self.baseline is not None)

    def check(self) -> None:
        """Raise HarnessError for a missing package, model, layer or baseline; asks a hub for one small file at most."""
        bert_score.library()
        self._encoder().check()
        self._baselines()

    def check_task(self, task: "Task") -> str | None:
        without = [sample.id for sample in task.data.test if not any(target.strip() for target in sample.targets)]
        if not without:
            return None
        number = "1 sample has" if len(without) == 1 else f"{len(without)} samples have"
        return f"{number} no reference text to compare with; the first is {without[0]}"

    # A metric may give any Marks; these are always parts.
    def score_batch(  # type: ignore[override]
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[dict[str, Mark]]:
        """The four marks of each answer; every different text goes through the model once. Raises ModelError."""
        answers = [_text(prediction.reading.answer) for prediction in predictions]
        targets = [[text for text in map(_text, sample.targets) if text] for sample in samples]
        pairs = sorted(
            {(answer, text) for answer, texts in zip(answers, targets, strict=True) for text in texts if answer}
        )
        matches = dict(zip(pairs, self._token_matches(pairs, scoring), strict=True)) if pairs else {}
        return [
            self._marks([(text, matches[answer, text]) for text in texts])
            if answer and texts
            else _plain(*_without(answer, prediction))
            for answer, texts, prediction in zip(answers, targets, predictions, strict=True)
        ]

    def _token_matches(self, pairs: Sequence[Pair], scoring: "Scoring | None") -> "list[Match]":
        self.check()
        encoder = self._encoder()
        if scoring is None:
            rows = encoder.token_matches(pairs)
            encoder.close()
        else:
            scoring.context.display.begin(f"{scoring.task.name} × {scoring.metric}")
            rows = scoring.context.token_matches(encoder, pairs)
            scoring.context.display.finish(f"{len(pairs)} pairs of texts compared")
        return [Match(*row) for row in rows.tolist()]

    def _marks(self, matches: "Sequence[tuple[str, Match]]") -> dict[str, Mark]:
        """The four marks of one answer from its matches with the references."""
        usable = [match for _, match in matches if match.target_windows]
        if not usable:
            return _plain(None, "the reference has no token for the model")
        if not usable[0].answer_windows:
            return _plain(0.0, "the answer has no token for the model")
        values = [match.values() for match in usable]
        best = {name: _highest([value[name] for value in values]) for name in _PARTS}
        texts = [("answer", usable[0].answer_tokens, usable[0].answer_windows)]
        texts += [("reference", match.target_tokens, match.target_windows) for match in usable]
        reason = "; ".join(
            f"the {text} has {tokens:.0f} tokens and was read in {windows:.0f} windows"
            for text, tokens, windows in texts
            if windows > 1
        )
        return {
            **{name: Mark(value, reason or None) for name, value in self._rescaled(best).items()},
            "windows": Mark(float(bool(reason)), reason or None),
        }

    def _encoder(self) -> "TokenEncoder":
        """The model up to the layer that is compared. Raises ModelError where no layer is bert_score."""
        from harness.models.local.token_encoder import TokenEncoder, layer_count

        if self._layer is None:
            raise ModelError(
                f"metric bertscore: bert-score names no layer for model {self.model}: set `layer`, "
                f"from 0 to {layer_count(self.model) or 'the number of its layers'}; two thirds of them is usual"
            )
        return TokenEncoder(
            path=self.model, layer=self._layer, dtype="float32", device=self.device, batch_size=self.batch_size
        )

    def _rescaled(self, values: dict[str, float]) -> dict[str, float]:
        baselines = self._baselines()
        return {name: (value - baselines[name]) / (1 - baselines[name]) for name, value in values.items()}

    def _baselines(self) -> dict[str, float]:
        """What unrelated sentences reach, by part; 0 without rescaling."""
        if not self.rescale:
            if self.baseline is not None:
                raise ModelError("metric bertscore: `baseline` is used with `rescale: true` only")
            return dict.fromkeys(_PARTS, 0.0)
        file = bert_score.baseline_file(self.model, self.language, self.baseline)
        return dict(zip(_PARTS, bert_score.baselines(file, self._layer), strict=True))

    @property
    def _layer(self) -> int | None:
        return bert_score.layers().get(self.model) if self.layer is None else self.layer


def _text(answer: object) -> str:
    """A text without the white space around it, which the library ignores too; empty where there is none."""
    return answer.strip() if isinstance(answer, str) else ""


def _without(answer: str, prediction: Prediction) -> tuple[float | None, str | None]:
    if answer:
        return None, "the sample has no reference text"
    read = prediction.reading
    return 0.0, _NO_ANSWER if read.answer is not None else read.reason


def _plain(value: float | None, reason: str | None) -> dict[str, Mark]:
    """One value in all parts: nothing was read."""
    return {**{name: Mark(value, reason) for name in _PARTS}, "windows": Mark(0.0, reason)}


def _highest(values: Sequence[float]) -> float:
    """The best value; not a number if one is not, whatever the order."""
    return math.nan if any(map(math.isnan, values)) else max(values)
