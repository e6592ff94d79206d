"""The answers of a search: every setting asked for the same rows in the same order, each row once, calls counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from baselines.search.search_rows import SearchRows
from baselines.search.selection_figure import SelectionFigure
from harness.components.calls import Calls, NotPlannableError
from harness.components.metric import Mark
from harness.components.variant import Resources, Variant
from harness.records.inputs import Sample
from harness.records.outputs import Completion, Prediction
from harness.records.searches import SettingTrial


@dataclass(kw_only=True)
class SettingAnswers:
    """What a setting has answered so far: always the first rows."""

    variant: Variant
    predictions: list[Prediction] = field(default_factory=list)
    marks: list[Mark | None] = field(default_factory=list)

    @property
    def size(self) -> int:
        """What it shows and asks, by which equally good and equally long settings are ordered."""
        return sum(getattr(self.variant, name, 0) or 0 for name in ("k", "shots", "example_k", "samples"))


class TrialLedger:
    """Asks settings and keeps their answers; `spent` never exceeds the budget."""

    def __init__(
        self, rows: SearchRows, figure: SelectionFigure, calls: Calls, resources: Resources, budget: int
    ) -> None:
        self.rows = rows
        task = rows.task
        self.scored = replace(task, data=replace(task.data, test=rows.rows))  # some metrics need to know all rows
        self.figure = figure
        self.calls = calls
        self.resources = resources
        self.budget = budget
        self.spent = 0
        self.answers: list[SettingAnswers] = []
        self.proposals: list[Completion] = []  # of the model that rewrites

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return self.budget - self.spent

    @property
    def tokens(self) -> tuple[int, int]:
        """Read and written so far, by settings and by the model that rewrites."""
        answered = [own for answers in self.answers for own in answers.predictions]
        replies: list[Completion | Prediction] = [*self.proposals, *answered]
        return sum(own.tokens_in for own in replies), sum(own.tokens_out for own in replies)

    def enter(self, variant: Variant) -> int:
        """A further setting; returns its place."""
        self.answers.append(SettingAnswers(variant=variant))
        return len(self.answers) - 1

    def price(self, settings: Sequence[int], count: int) -> int:
        """The calls that it takes until each of some settings has answered the first `count` rows."""
        return sum(
            answers.variant.calls(self.rows.task, self.rows.rows[len(answers.predictions) : count])
            for answers in (self.answers[place] for place in settings)
        )

    def ask(self, settings: Sequence[int], count: int) -> None:
        """Have some settings answer the first `count` rows. Raises NotPlannableError where a plan lacks answers."""
        missing = 0
        for place in settings:
            answers = self.answers[place]
            new = self.rows.rows[len(answers.predictions) : count]
            if not new:
                continue
            self.spent += answers.variant.calls(self.rows.task, new)
            predictions = answers.variant.answer(self.rows.task, new, self.calls, self.resources)
            if self.calls.planning and any(prediction.error is not None for prediction in predictions):
                missing += 1
                continue
            answers.predictions += predictions
            answers.marks += self.figure.marks(self.scored, new, predictions, self.calls)
        if missing:
            raise NotPlannableError("settings to be asked")

    def trial(self, place: int, count: int) -> SettingTrial:
        """What a setting comes to on the first `count` rows."""
        answers = self.answers[place]
        predictions = answers.predictions[:count]
        return SettingTrial(
            setting=place,
            score=self.figure.value(answers.marks[:count]),
            tokens=sum(own.tokens_in + own.tokens_out for own in predictions) / max(1, len(predictions)),
            failed=sum(own.error is not None for own in predictions),
        )

    def ranked(self, settings: Sequence[int], count: int) -> list[SettingTrial]:
        """Some settings by what they come to on the first `count` rows, the best first; of equals the cheapest."""
        trials = [self.trial(place, count) for place in settings]
        return sorted(trials, key=self._rank)

    def wrong(self, place: int, start: int, stop: int) -> list[tuple[Sample, Prediction]]:
        """The rows of a range that a setting did not answer as well as can be, with its answers."""
        answers = self.answers[place]
        return [
            (self.rows.rows[i], answers.predictions[i])
            for i in range(start, min(stop, len(answers.predictions)))
            if self.figure.is_wrong(answers.marks[i])
        ]

    def _rank(self, trial: SettingTrial) -> tuple[float, float, int, int]:
        """Worse settings come later: by the figure, the tokens of a row, what is shown, the order of the suite."""
        score = round(self.figure.sign * trial.score, 12)
        return (-score, trial.tokens, self.answers[trial.setting].size, trial.setting)
