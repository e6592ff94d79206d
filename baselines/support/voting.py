"""Self-consistency: several sampled answers to one question become one. Wang et al. 2022, section 2."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from baselines.support.predicting import with_notes
from harness.records.outputs import Prediction
from harness.statistics.serving_times import joint_serving


def vote(ballots: Sequence[Prediction]) -> Prediction:
    """The majority among the answers that could be read; a tie goes to the first of the tied answers, and is noted.

    Where the samples that failed could have changed the majority, the prediction is a failure.
    """
    failed = [ballot for ballot in ballots if ballot.error is not None]
    read = [ballot for ballot in ballots if ballot.error is None and ballot.reading.reason is None]
    counts = Counter(map(_ballot, read))
    ranking = counts.most_common()  # equals in the order of first appearance
    votes = f"votes of {len(ballots)}: {', '.join(f'{answer} × {count}' for answer, count in ranking) or 'none'}"
    most, second = [*(count for _, count in ranking), 0, 0][:2]
    if failed and most - second <= len(failed):
        error = f"{len(failed)} of {len(ballots)} samples failed and could change the vote: {failed[0].error}"
        return _with_cost(replace(failed[0], error=error), ballots, votes)
    if not read:
        return _with_cost(ballots[0], ballots, f"none of {len(ballots)} samples gave a readable answer")
    notes = [votes]
    if failed:
        notes.append(f"{len(failed)} of {len(ballots)} samples failed")
    winners = [answer for answer, count in ranking if count == most]
    if len(winners) > 1:
        notes.append(f"tie between {' and '.join(winners)}; the first given was taken")
    chosen = next(ballot for ballot in read if _ballot(ballot) == winners[0])
    agreed = replace(chosen, confidence={"agreement": most / len(ballots)})
    return _with_cost(agreed, ballots, *notes)


def _with_cost(chosen: Prediction, ballots: Sequence[Prediction], *notes: str) -> Prediction:
    """The chosen ballot, which costs what all of them cost."""
    cost = replace(
        chosen,
        tokens_in=sum(ballot.tokens_in for ballot in ballots),
        tokens_out=sum(ballot.tokens_out for ballot in ballots),
        seconds=sum(ballot.seconds for ballot in ballots),
        serving=joint_serving(ballots),
    )
    return with_notes(cost, *notes)


def _ballot(prediction: Prediction) -> str:
    answer = prediction.reading.answer
    return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, sort_keys=True)
