"""How much of an answer the passages support that it was written from, claim by claim: what RAG is meant to ensure."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial

from harness.components.metric import Mark, Marks
from harness.components.scoring import Scoring
from harness.judging.asking.claims import (
    ClaimVerdict,
    numbered_claims,
    read_claims,
    read_support,
    share_of,
    written_verdicts,
)
from harness.judging.asking.combining import pointwise
from harness.judging.asking.judge_metric import JudgeMetric, judged_text, passage_texts, prompt_tokens
from harness.judging.asking.questions import JudgeReply, ReplyFormat, ask
from harness.judging.rubric.claim_criteria import (
    CLAIMS_SCHEMA,
    PART,
    VERDICTS_SCHEMA,
    ClaimCriteria,
    load_claim_criteria,
)
from harness.judging.rubric.rubric_check import LANGUAGES
from harness.records.inputs import Language, Prompt, Sample
from harness.records.judgements import Judgement
from harness.records.outputs import Prediction

NO_CLAIM = "the answer makes no claim"
NO_PASSAGE = "no passage was shown"

Claims = JudgeReply[tuple[str, ...]]
Support = JudgeReply[tuple[ClaimVerdict, ...]]


class Faithful(JudgeMetric):
    """The share of an answer's claims that the passages shown support, in [0, 1]; higher is better.

    A judge first breaks the answer down, without seeing the passages, so that they cannot colour what counts as a
    claim; then it says of each claim whether they support it. An answer without a claim (empty, "I do not know") is
    unknown, and so is one whose reply cannot be read in three attempts. Variants that show no passages have no values.
    It says nothing of whether the passages are right, or the answer helps: one vague claim that they support is 1. Read
    it beside a metric of rightness. Whether it may decide is ruled by the suite's `trust`.
    Sources: Es et al. 2023 (RAGAS, arXiv 2309.15217), section 3, faithfulness: F = |V| / |S|, in these two steps; Min
    et al. 2023 (FActScore, arXiv 2305.14251), section 3: atomic claims, answers without any left out.
    """

    needs_passages = True

    @cached_property
    def rules(self) -> ClaimCriteria:
        """In the metric's language; where the task is to say which, and none has yet, in the first."""
        return load_claim_criteria("faithful", LANGUAGES[0] if self.language == "auto" else self.language)

    def languages(self) -> tuple[Language, ...]:
        return LANGUAGES

    def calls(self, items: int, variants: int) -> int:
        """Two for an answer, at most: variants that show no passages, and answers without a claim, take fewer."""
        return 2 * items * variants * self.repeats

    def longest_prompt(self, question: str, reference: str | None) -> Prompt:
        """Without passages, which only a run knows: whether they fit is seen where the claims are held against them."""
        return self.rules.splitting(question, "")

    def applies(self, prediction: Prediction) -> bool:
        return prediction.retrieval is not None or bool(prediction.passages)

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: Scoring | None = None
    ) -> list[Marks]:
        """One Mark a prediction, with each claim and its verdict as the reason."""
        assert scoring is not None  # it asks models
        marks: list[Marks] = [Mark(None, NO_PASSAGE) for _ in predictions]
        places = [i for i, prediction in enumerate(predictions) if prediction.passages]
        judgements: dict[int, list[Judgement]] = {i: [] for i in places}
        for judge in self.judges:
            queries = [(samples[i], predictions[i], repeat) for i in places for repeat in range(self.repeats)]
            own = [i for i in places for _ in range(self.repeats)]
            for i, judgement in zip(own, self._judged(judge, queries, scoring), strict=True):
                judgements[i].append(judgement)
                scoring.judgements.append(judgement)
        for i, readings in judgements.items():
            marks[i] = pointwise(readings, None, self.combine)
        return marks

    def _judged(
        self, judge: str, queries: Sequence[tuple[Sample, Prediction, int]], scoring: Scoring
    ) -> list[Judgement]:
        """What a judge makes of each answer, in their order."""
        claims = self._claims(judge, queries, scoring)
        support = self._support(judge, queries, claims, scoring)
        return [
            _judgement(scoring, judge, prediction, repeat, split, verdicts)
            for (_, prediction, repeat), split, verdicts in zip(queries, claims, support, strict=True)
        ]

    def _claims(self, judge: str, queries: Sequence[tuple[Sample, Prediction, int]], scoring: Scoring) -> list[Claims]:
        """The claims of each answer; an empty one has none, without asking."""
        form = ReplyFormat(self.generation(CLAIMS_SCHEMA), read_claims, self.rules.language)
        places = [i for i, (_, prediction, _) in enumerate(queries) if judged_text(prediction)]
        prompts = [
            self.rules.splitting(self.question(scoring.task, queries[i][0]), judged_text(queries[i][1])) for i in places
        ]
        replies = ask(scoring.context, judge, prompts, [queries[i][2] for i in places], form)
        claims: list[Claims] = [JudgeReply(content=()) for _ in queries]
        for i, reply in zip(places, replies, strict=True):
            claims[i] = reply
        return claims

    def _support(
        self,
        judge: str,
        queries: Sequence[tuple[Sample, Prediction, int]],
        claims: Sequence[Claims],
        scoring: Scoring,
    ) -> list[Support]:
        """The verdict on each claim of each answer; nothing is asked where there is none, or no room."""
        support: list[Support] = [JudgeReply() for _ in queries]
        prompts: dict[int, Prompt] = {}
        for i, ((_, prediction, _), split) in enumerate(zip(queries, claims, strict=True)):
            if split.content:
                prompts[i] = self.rules.supporting(_numbered_passages(prediction), numbered_claims(split.content))
                support[i] = JudgeReply(error=self._lack_of_room(judge, prompts[i], scoring))
        fitting = [i for i in prompts if support[i].error is None]
        readers = [partial(read_support, claims=claims[i].content or ()) for i in fitting]
        form = ReplyFormat(self.generation(VERDICTS_SCHEMA), readers, self.rules.language)
        replies = ask(scoring.context, judge, [prompts[i] for i in fitting], [queries[i][2] for i in fitting], form)
        for i, reply in zip(fitting, replies, strict=True):
            support[i] = reply
        return support

    def _lack_of_room(self, judge: str, prompt: Prompt, scoring: Scoring) -> str | None:
        """A server would cut the prompt, and the judge deny what stood in the passages that it was not shown."""
        model = scoring.context.model(judge)
        room = model.context_length() if model.at_hand() else None
        needed = prompt_tokens(prompt, model) + self.max_tokens
        if room is None or needed <= room:
            return None
        return (
            f"passages, claims and the reply take about {needed:,} tokens and the judge has room for {room:,}: raise "
            "its num_ctx, lower max_tokens, or take a judge with a longer context"
        )


def _numbered_passages(prediction: Prediction) -> str:
    """The passages as a judge is shown them."""
    return "\n\n".join(f"[{number}] {text}" for number, text in enumerate(passage_texts(prediction), 1))


def _judgement(
    scoring: Scoring, judge: str, prediction: Prediction, repeat: int, claims: Claims, support: Support
) -> Judgement:
    verdicts = support.content
    if verdicts:
        values, reasons = {PART: share_of(verdicts)}, {PART: written_verdicts(verdicts)}
    else:
        values, reasons = {}, {PART: NO_CLAIM} if claims.content == () else {}
    effort = replace(
        claims,
        attempts=claims.attempts + max(0, support.attempts - 1),  # the second question is no second attempt
        tokens_in=claims.tokens_in + support.tokens_in,
        tokens_out=claims.tokens_out + support.tokens_out,
        seconds=claims.seconds + support.seconds,
        unreadable=claims.unreadable or support.unreadable,
        error=claims.error or support.error,
    ).effort()
    return Judgement(
        task=scoring.task.name,
        metric=scoring.metric,
        judge=judge,
        sample_id=prediction.sample_id,
        variant=prediction.variant,
        repeat=repeat,
        values=values,
        reasons=reasons,
        lengths=(len(judged_text(prediction)),),
        **effort,
    )
