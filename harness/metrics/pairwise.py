"""Which of two answers a judge prefers, always asked in both orders: a verdict that flips with the order is a tie."""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from pydantic import Field

from harness.components.metric import Mark, Marks
from harness.components.scoring import Scoring
from harness.judging.asking.combining import Pair, outcome
from harness.judging.asking.judge_metric import judged_text
from harness.judging.asking.questions import JudgeReply, ReplyFormat, ask
from harness.judging.asking.reply import Preferred, read_preference
from harness.judging.asking.rubric_metric import RubricMetric
from harness.records.inputs import Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction

OUTCOMES = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True)
class Duel:
    """Two answers to one item, in the order in which they are shown."""

    sample: Sample
    first: Prediction
    second: Prediction
    repeat: int


class Pairwise(RubricMetric):
    """How often a judge prefers a variant's answer, in [0, 1]: 1 won, 0.5 tie, 0 lost; higher is better.

    `against: reference` compares each variant with the suite's reference, which itself has 0.5; `all` compares every
    pair, and the value is the mean over the opponents met. The report also ranks the variants by Bradley and Terry's
    model. Equal answers are a tie and an empty one loses, without asking. With `at_most`, each item meets so many of
    the pairs, in turn, so that all are met equally often: read the ranking then. Zheng et al. 2023, section 3.4.
    """

    pairwise = True

    against: Literal["reference", "all"] = "reference"
    """Whether each variant meets the reference variant, or every other one."""
    at_most: int | None = Field(None, ge=1)
    """Most pairs an item, dealt from a shuffled deck; null: all."""

    def calls(self, items: int, variants: int) -> int:
        pairs = variants - 1 if self.against == "reference" else variants * (variants - 1) // 2
        return items * min(self.at_most or pairs, pairs) * 2 * self.repeats

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring | None = None
    ) -> list[Marks]:
        """One Mark a prediction; an opponent that failed makes it unknown, and so does a duel without a verdict."""
        assert scoring is not None  # it asks models
        items: dict[str, Sample] = {sample.id: sample for sample in samples}
        answers: dict[str, dict[str, Prediction]] = {}
        for prediction in predictions:
            answers.setdefault(prediction.sample_id, {})[prediction.variant] = prediction
        pairs = self._pairs(answers, list(dict.fromkeys(prediction.variant for prediction in predictions)), scoring)
        judgements = self._judgements(items, answers, pairs, scoring)
        scoring.judgements.extend(judgements)
        by_item: dict[str, list[Judgement]] = {}
        for judgement in judgements:
            by_item.setdefault(judgement.sample_id, []).append(judgement)
        return [
            self._mark(prediction, pairs[prediction.sample_id], by_item.get(prediction.sample_id, []), scoring)
            for prediction in predictions
        ]

    def _pairs(self, items: Collection[str], variants: Sequence[str], scoring: Scoring) -> dict[str, list[Pair]]:
        """The pairs that each item meets. With `at_most` they are dealt from a deck that is shuffled anew when it is
        empty: all pairs are met equally often, and no two always together."""
        pairs = [pair for pair in combinations(variants, 2) if len({scoring.team(variant) for variant in pair}) == 2]
        if self.against == "reference":
            own = [variant for variant in variants if scoring.team(variant) == scoring.reference]
            pairs = [(variant, rival) for variant in variants if variant not in own for rival in own]
        most = min(self.at_most or len(pairs), len(pairs))
        if most == len(pairs):
            return dict.fromkeys(items, pairs)
        deal = random.Random(scoring.seed)
        deck: list[Pair] = []
        dealt: dict[str, list[Pair]] = {}
        for item in items:
            if len(deck) < most:
                deck += deal.sample([pair for pair in pairs if pair not in deck], len(pairs) - len(deck))
            dealt[item], deck = deck[:most], deck[most:]
        return dealt

    def _judgements(
        self,
        items: Mapping[str, Sample],
        answers: Mapping[str, Mapping[str, Prediction]],
        pairs: Mapping[str, Sequence[Pair]],
        scoring: Scoring,
    ) -> list[Judgement]:
        duels = [
            Duel(items[item], answers[item][first], answers[item][second], repeat)
            for item, item_pairs in pairs.items()
            for pair in item_pairs
            if set(pair) <= answers[item].keys()
            for repeat in range(self.repeats)
            for first, second in (pair, pair[::-1])
        ]
        open_duels = [duel for duel in duels if _plain(duel) is None]
        prompts = [
            self.rules.comparison(
                self.question(scoring.task, duel.sample),
                judged_text(duel.first),
                judged_text(duel.second),
                self.reference(scoring.task, duel.sample),
            )
            for duel in open_duels
        ]
        form = ReplyFormat(self.generation(self.rules.comparison_schema()), read_preference, self.rules.language)
        judgements = []
        for judge in self.judges:
            replies = iter(ask(scoring.context, judge, prompts, [duel.repeat for duel in open_duels], form))
            judgements += [_judgement(scoring, judge, duel, replies) for duel in duels]
        return judgements

    def _mark(
        self, prediction: Prediction, pairs: Sequence[Pair], judgements: Sequence[Judgement], scoring: Scoring
    ) -> Mark:
        if self.against == "reference" and scoring.team(prediction.variant) == scoring.reference:
            return Mark(0.5, "the reference itself")
        met = [pair if pair[0] == prediction.variant else pair[::-1] for pair in pairs if prediction.variant in pair]
        if not met:
            return Mark(None, "it met no opponent")
        outcomes = {
            pair[1]: outcome([j for j in judgements if {j.variant, j.rival} == set(pair)], pair) for pair in met
        }
        words = {1.0: "better than", 0.5: "tied with", 0.0: "worse than", None: "no verdict against"}
        reason = "; ".join(f"{words[value]} {rival}" for rival, value in outcomes.items())
        teams: dict[str, list[float]] = {}
        for rival, value in outcomes.items():
            if value is None:  # a mean over the others would be over easier or harder opponents than another's
                return Mark(None, reason)
            teams.setdefault(scoring.team(rival), []).append(value)
        return Mark(sum(sum(values) / len(values) for values in teams.values()) / len(teams), reason)


def _plain(duel: Duel) -> float | None:
    """What is decided without a judge, for the answer shown first."""
    first, second = judged_text(duel.first), judged_text(duel.second)
    if first == second:
        return 0.5
    return 1.0 if not second else 0.0 if not first else None


def _judgement(scoring: Scoring, judge: str, duel: Duel, replies: Iterator[JudgeReply[Preferred]]) -> Judgement:
    decided = _plain(duel)
    if decided is None:
        reply = next(replies)
        values = {"": OUTCOMES[reply.content.verdict]} if reply.content else {}
        reasons = {"": reply.content.reason} if reply.content else {}
    else:
        reply, values = JudgeReply(), {"": decided}
        reasons = {"": "the answers are equal" if decided == 0.5 else "one answer is empty"}
    return Judgement(
        task=scoring.task.name,
        metric=scoring.metric,
        judge=judge,
        sample_id=duel.sample.id,
        variant=duel.first.variant,
        rival=duel.second.variant,
        repeat=duel.repeat,
        values=values,
        reasons=reasons,
        lengths=(len(judged_text(duel.first)), len(judged_text(duel.second))),
        **reply.effort(),
    )
