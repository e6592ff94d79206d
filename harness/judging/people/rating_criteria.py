"""By what people rate: the rubric of the task's judge, or another, in every language that it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.errors import HarnessError
from harness.judging.rubric import rubric as rubrics
from harness.judging.rubric.claim_criteria import load_claim_criteria
from harness.judging.rubric.criteria import Criteria
from harness.judging.rubric.rubric_check import LANGUAGES, plain_number
from harness.records.inputs import JSON, Language
from harness.records.rating_sheets import RatedDimension

CLAIMS = "faithful"  # the metric of that name has no rubric file of its own
DEFAULT = "five_dimensions"  # where no judge scores the task


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingCriteria:
    """A scale and its dimensions, in all languages."""

    name: str
    low: float
    high: float
    whole: bool
    dimensions: tuple[RatedDimension, ...]


def rating_criteria(
    rubric: str | None, metrics: Mapping[str, JSON], texts: Mapping[str, str], pairwise: bool
) -> RatingCriteria:
    """The criteria by name or path; None: those of the judge that scores the task. Raises HarnessError.

    `metrics` and `texts` are what run.json has of the task's metrics and of its rubrics, verbatim.
    """
    name = rubric or _own_rubric(metrics, pairwise)
    if name == CLAIMS:
        return _joined(name, {language: load_claim_criteria(name, language) for language in LANGUAGES})
    stem = Path(name).stem
    if rubric is None and name not in rubrics.names() and stem in texts:
        with TemporaryDirectory() as folder:
            path = Path(folder, f"{stem}.yaml")
            path.write_text(texts[stem], encoding="utf-8")
            return _joined(stem, _loaded(str(path)))
    return _joined(stem, _loaded(name))


def _own_rubric(metrics: Mapping[str, JSON], pairwise: bool) -> str:
    """That of the judges that are asked as people will be, else of any judge, else the default."""
    by_kind: dict[str, list[str]] = {"Pairwise": [], "Judge": []}
    for metric in metrics.values():
        by_kind.get(metric.get("component"), []).append(str(metric.get("settings", {}).get("rubric", "score100")))
    first, second = ("Pairwise", "Judge") if pairwise else ("Judge", "Pairwise")
    own = list(dict.fromkeys(by_kind[first] or by_kind[second] or [DEFAULT]))
    if len(own) > 1:
        raise HarnessError(f"the task's judges go by several rubrics: name one with --rubric: {', '.join(own)}")
    return own[0]


def _loaded(name_or_path: str) -> dict[Language, Criteria]:
    languages = rubrics.languages(name_or_path) or LANGUAGES[:1]
    return {language: rubrics.load(name_or_path, language) for language in languages}


def _joined(name: str, criteria: Mapping[Language, Criteria]) -> RatingCriteria:
    first = next(iter(criteria.values()))
    return RatingCriteria(
        name=name,
        low=first.low,
        high=first.high,
        whole=first.whole,
        dimensions=tuple(_dimension(place, criteria) for place in range(len(first.dimensions))),
    )


def _dimension(place: int, criteria: Mapping[Language, Criteria]) -> RatedDimension:
    """Every language of a rubric has the same dimensions in the same order."""
    spoken = {language: own.dimensions[place] for language, own in criteria.items()}
    return RatedDimension(
        name=next(iter(spoken.values())).name,
        titles={language: own.title for language, own in spoken.items()},
        texts={language: own.text for language, own in spoken.items()},
        anchors={
            language: {str(plain_number(score)): text for score, text in own.anchors.items()}
            for language, own in spoken.items()
        },
    )
