"""A model's opinion of each answer by itself, on the scale of a rubric. It may decide only if it deserves trust."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import field_serializer

from harness.components.fields import LocalPath
from harness.components.metric import Mark, Marks, Scale
from harness.components.scoring import Scoring
from harness.judging.asking.combining import pointwise
from harness.judging.asking.judge_metric import judged_text
from harness.judging.asking.questions import JudgeReply, ReplyFormat, ask
from harness.judging.asking.reply import Scored, read_scores
from harness.judging.asking.rubric_metric import RubricMetric, scale
from harness.records.inputs import Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction


class Judge(RubricMetric):
    """What a judge gives an answer, on the rubric's scale; higher is better. Parts: the rubric's dimensions.

    Its own value is the mean of the dimensions. An empty answer has the lowest score without being judged. A reply that
    cannot be read in three attempts is unknown, never low. Whether the figure may stand in the headline is decided by
    the suite's `trust`, from what the run and `harness calibrate` show of the judge.
    Source: Zheng et al. 2023 (arXiv 2306.05685), single-answer grading.
    """

    human: Annotated[str | None, LocalPath()] = None
    """A file of human scores of some answers, which correct the judged means; null: none."""

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
        for judgement in judgements:
            by_answer.setdefault((judgement.sample_id, judgement.variant), []).append(judgement)
        return [self._marks(by_answer[prediction.sample_id, prediction.variant]) for prediction in predictions]

    def judged(self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring) -> list[Judgement]:
        """What each judge says of each prediction, as often as `repeats`."""
        indices = [i for i, prediction in enumerate(predictions) if judged_text(prediction)]
        prompts = [
            self.rules.messages(
                self.question(scoring.task, samples[i]),
                judged_text(predictions[i]),
                self.reference(scoring.task, samples[i]),
            )
            for i in indices
        ]
        form = ReplyFormat(
            self.generation(self.rules.schema()), lambda text: read_scores(text, self.rules), self.rules.language
        )
        numbers = list(range(self.repeats))
        judgements = []
        for judge in self.judges:
            replies = ask(scoring.context, judge, [p for p in prompts for _ in numbers], numbers * len(prompts), form)
            of_answer = {i: replies[k * self.repeats : (k + 1) * self.repeats] for k, i in enumerate(indices)}
            for i, prediction in enumerate(predictions):
                for number, reply in enumerate(of_answer.get(i, [self._lowest()])):
                    judgements.append(self._judgement(scoring, judge, prediction, number, reply))
        return judgements

    def _marks(self, judgements: Sequence[Judgement]) -> dict[str, Mark]:
        names = self.parts()
        marks = {"": pointwise(judgements, None, self.combine)}
        return {**marks, **{name: pointwise(judgements, name, self.combine) for name in names}}

    def _judgement(
        self, scoring: Scoring, judge: str, prediction: Prediction, repeat: int, reply: JudgeReply[Scored]
    ) -> Judgement:
        return Judgement(
            task=scoring.task.name,
            metric=scoring.metric,
            judge=judge,
            sample_id=prediction.sample_id,
            variant=prediction.variant,
            repeat=repeat,
            values=dict(reply.content.values) if reply.content else {},
            reasons=dict(reply.content.reasons) if reply.content else {},
            lengths=(len(judged_text(prediction)),),
            **reply.effort(),
        )

    def _lowest(self) -> JudgeReply[Scored]:
        """What an empty answer gets without being judged."""
        names = [dimension.name for dimension in self.rules.dimensions]
        return JudgeReply(
            content=Scored(dict.fromkeys(names, self.rules.low), dict.fromkeys(names, "the answer is empty"))
        )
