"""A model's opinion of each answer by itself, on the scale of a rubric. It may decide only if it deserves trust."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import field_serializer

from harness.components.fields import LocalPath
from harness.components.metric import Mark, Marks, Scale
from harness.components.scoring import Scoring
from harness.judging.asking.combining import pointwise
from harness.judging.asking.judge_metric import Opinion, scale, shown
from harness.judging.asking.questions import Form, Heard, ask
from harness.judging.asking.reply import Scored, read_scores
from harness.records.inputs import Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction


class Judge(Opinion):
    """What a judge gives an answer, on the rubric's scale; higher is better. Parts: the rubric's dimensions.

    Its own value is the mean of the dimensions. An empty answer has the lowest score without being judged. A reply that
    cannot be read in three attempts is unknown, never low. Whether the figure may stand in the headline is decided by
    the suite's `trust`, from what the run and `harness calibrate` show of the judge.
    Source: Zheng et al. 2023 (arXiv 2306.05685), single-answer grading.
    """

    human: Annotated[str | None, LocalPath()] = None  # human scores of some answers: correct the judged means

    @field_serializer("human")
    def _file_name(self, value: str | None) -> str | None:
        return None if value is None else Path(value).name

    def check(self) -> None:
        from harness.judging.people.human_scores import human_labels

        if self.human is not None:
            human_labels(Path(self.human), self.rules.low, self.rules.high)

    def parts(self) -> tuple[str, ...]:
        names = tuple(dimension.name for dimension in self.rules.dimensions)
        return names if len(names) > 1 else ()

    def scale_of(self, part: str) -> Scale:
        return scale(self.rules)

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring | None = None
    ) -> list[Marks]:
        """One Mark a dimension for each prediction."""
        assert scoring is not None  # it asks models
        judgements = self.judged(samples, predictions, scoring)
        scoring.judgements.extend(judgements)
        by_answer: dict[tuple[str, str], list[Judgement]] = {}
        for one in judgements:
            by_answer.setdefault((one.sample_id, one.variant), []).append(one)
        return [self._marks(by_answer[prediction.sample_id, prediction.variant]) for prediction in predictions]

    def judged(self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring) -> list[Judgement]:
        """What each judge says of each prediction, as often as `repeats`."""
        asked = [i for i, prediction in enumerate(predictions) if shown(prediction)]
        prompts = [
            self.rules.messages(
                self.question(scoring.task, samples[i]), shown(predictions[i]), self.reference(scoring.task, samples[i])
            )
            for i in asked
        ]
        form = Form(self.generation(self.rules.schema()), lambda text: read_scores(text, self.rules), self.language)
        numbers = list(range(self.repeats))
        found = []
        for judge in self.judges:
            heard = ask(scoring.context, judge, [p for p in prompts for _ in numbers], numbers * len(prompts), form)
            of_answer = {i: heard[k * self.repeats : (k + 1) * self.repeats] for k, i in enumerate(asked)}
            for i, prediction in enumerate(predictions):
                for number, one in enumerate(of_answer.get(i, [])):
                    found.append(self._judgement(scoring, judge, prediction, number, one))
                if i not in of_answer:
                    found.append(self._empty(scoring, judge, prediction))
        return found

    def _marks(self, judgements: Sequence[Judgement]) -> dict[str, Mark]:
        names = self.parts()
        marks = {"": pointwise(judgements, None, self.combine)}
        return {**marks, **{name: pointwise(judgements, name, self.combine) for name in names}}

    def _judgement(
        self, scoring: Scoring, judge: str, prediction: Prediction, repeat: int, heard: Heard[Scored]
    ) -> Judgement:
        said = heard.said
        return Judgement(
            scoring.task.name, scoring.metric, judge, prediction.sample_id, prediction.variant, None, repeat,
            dict(said.values) if said else {}, dict(said.reasons) if said else {}, (len(shown(prediction)),),
            heard.attempts, heard.tokens_in, heard.tokens_out, heard.seconds, heard.unreadable, heard.error,
        )  # fmt: skip

    def _empty(self, scoring: Scoring, judge: str, prediction: Prediction) -> Judgement:
        values: Mapping[str, float] = {dimension.name: self.rules.low for dimension in self.rules.dimensions}
        reasons = dict.fromkeys(values, "the answer is empty")
        return Judgement(
            scoring.task.name, scoring.metric, judge, prediction.sample_id, prediction.variant, None, 0,
            values, reasons, (0,), attempts=0,
        )  # fmt: skip
