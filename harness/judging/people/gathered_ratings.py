"""What several raters said together: rows that `harness calibrate` takes, who has rated how much, and the means."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import DataError
from harness.judging.asking.judge_metric import judged_text, passage_texts
from harness.judging.people.label_rows import refuse
from harness.judging.people.rated_task import RatedTask
from harness.judging.people.rating_files import EntryRating, RatingFile, RatingHead
from harness.judging.people.rating_sheet import Compared, all_entries
from harness.records.inputs import JSON
from harness.records.rating_sheets import RaterTally, VariantRating

SHARES = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredRatings:
    """The ratings of all raters of one kind of sheet."""

    head: RatingHead  # of one file; in what is used here they are alike
    raters: Mapping[str, Mapping[str, EntryRating]]  # by rater and entry
    total: Mapping[str, int]  # by rater: entries of the sheets that they worked on


def gather(files: Sequence[RatingFile]) -> GatheredRatings:
    """Files by rater. What one browser saved later replaces what it saved before; a rater may use several browsers.

    Raises DataError where two browsers differ under one name: they may be two people.
    """
    unnamed = list(dict.fromkeys(file.head.sitting for file in files if not file.head.rater.strip()))
    raters: dict[str, dict[str, EntryRating]] = {}
    sheets: dict[str, dict[str, int]] = {}
    origins: dict[tuple[str, str], RatingFile] = {}
    mistakes = []
    for file in files:
        rater = file.head.rater.strip() or f"rater {unnamed.index(file.head.sitting) + 1}"
        own = raters.setdefault(rater, {})
        sheets.setdefault(rater, {})[file.head.sheet] = file.head.entries
        for key, rating in file.ratings.items():
            before = origins.get((rater, key), file)
            if before.head.sitting != file.head.sitting and (own[key].scores, own[key].verdict) != (
                rating.scores, rating.verdict,
            ):  # fmt: skip
                mistakes.append(
                    f"{rating.place}: {rater} rated this otherwise in {before.path}; if they are two people, change "
                    '"rater" in the first line of one file'
                )
            own[key], origins[rater, key] = rating, file
    refuse(mistakes)
    total = {rater: sum(own.values()) for rater, own in sheets.items()}
    return GatheredRatings(head=files[0].head, raters=raters, total=total)


def tallies(ratings: GatheredRatings) -> list[RaterTally]:
    """How much each rater has rated to the end."""
    return [
        RaterTally(
            rater=rater, rated=sum(rating.is_whole(ratings.head) for rating in own.values()), total=ratings.total[rater]
        )
        for rater, own in ratings.raters.items()
    ]


def label_lines(task: RatedTask, ratings: GatheredRatings) -> list[str]:
    """A JSON line for each entry that somebody rated to the end, in the form that `harness calibrate` reads.

    A score is the mean of the dimensions, as a judge's own value is. Raises DataError where nothing was rated.
    """
    entries = all_entries(task)
    rows = []
    for key in _rated_keys(ratings):
        sample, compared = entries[key]
        by_rater = {rater: own[key] for rater, own in ratings.raters.items() if _is_rated(own, key, ratings.head)}
        rows.append(json.dumps(_row(task, sample, compared, by_rater, ratings.head), ensure_ascii=False))
    if not rows:
        raise DataError("no entry is rated to the end yet; nothing is written")
    return rows


def variant_ratings(task: RatedTask, ratings: GatheredRatings) -> list[VariantRating]:
    """By variant the mean of all ratings: of scores, or of comparisons won, a tie being half."""
    entries = all_entries(task)
    values: dict[str, list[float]] = {}
    for own in ratings.raters.values():
        for key, rating in own.items():
            if rating.is_whole(ratings.head):
                for variant, value in _values(entries[key][1], rating):
                    values.setdefault(variant, []).append(value)
    means = [
        VariantRating(variant=variant, ratings=len(own), mean=sum(own) / len(own)) for variant, own in values.items()
    ]
    return sorted(means, key=lambda rating: -rating.mean)


def _values(compared: Compared, rating: EntryRating) -> Iterator[tuple[str, float]]:
    if rating.verdict:
        share = SHARES[rating.verdict]
        yield from zip(compared, (share, 1 - share), strict=True)
    else:
        yield compared[0], _mean(rating)


def _rated_keys(ratings: GatheredRatings) -> list[str]:
    keys = dict.fromkeys(key for own in ratings.raters.values() for key in own)
    return [key for key in keys if any(_is_rated(own, key, ratings.head) for own in ratings.raters.values())]


def _is_rated(own: Mapping[str, EntryRating], key: str, head: RatingHead) -> bool:
    return key in own and own[key].is_whole(head)


def _row(
    task: RatedTask, sample_id: str, compared: Compared, by_rater: Mapping[str, EntryRating], head: RatingHead
) -> dict[str, JSON]:
    sample, answers = task.samples[sample_id], [task.answers[sample_id][name] for name in compared]
    notes = {rater: rating.note for rater, rating in by_rater.items() if rating.note}
    row: dict[str, JSON] = {"id": sample_id, "variant": " / ".join(compared), "question": task.question(sample)}
    if head.pairwise:
        row |= {"first": judged_text(answers[0]), "second": judged_text(answers[1])}
        row |= {"labels": {rater: rating.verdict for rater, rating in by_rater.items()}}
    else:
        row |= {"answer": judged_text(answers[0]), "scores": {rater: _mean(own) for rater, own in by_rater.items()}}
        row |= {"passages": list(passages)} if (passages := passage_texts(answers[0])) else {}
        row |= (
            {"dimensions": {rater: dict(own.scores) for rater, own in by_rater.items()}}
            if len(head.dimensions) > 1
            else {}
        )
    return {**row, "reference": task.reference(sample), **({"notes": notes} if notes else {})}


def _mean(rating: EntryRating) -> float:
    return sum(rating.scores.values()) / len(rating.scores)
