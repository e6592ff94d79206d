"""What the statements of a reply say about options, and what follows from all of them together."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.answers.reading import option_wordings as rules
from harness.answers.reading.choice_question import NOTHING, ChoiceQuestion, LetterReading, admit
from harness.text.normalise import option_letters
from harness.text.templates import LETTERS


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one wording says about letters, and where. For `others` they are all but the letters that stand there."""

    kind: str
    letters: str
    start: int
    end: int
    hedged: bool


def claims_in(text: str, choice: ChoiceQuestion) -> list[Claim]:
    """All claims by position. A letter inside an earlier row's claim is not claimed again by a later row."""
    claims: list[Claim] = []
    used: set[int] = set()
    for rule in rules.RULES:
        for match in rule.pattern.finditer(text):
            start = _start(rule, match)
            places = [place for place in range(start, match.end(1)) if text[place] in LETTERS]
            free = [place for place in places if place not in used]
            used.update(places)
            letters = option_letters("".join(text[place] for place in free))
            if letters:
                claim = Claim(
                    kind=rule.kind, letters=letters, start=start, end=match.end(1), hedged=_is_open(match, text)
                )
                claims += _both_sides(claim, rule, choice)
    claims.sort(key=lambda claim: (claim.start, claim.end))
    return [*claims, *_of_the_rest(claims, text, choice)]


def _start(rule: rules.Wording, match: re.Match[str]) -> int:
    """Where the letters of a claim begin: of "答案是A，B、C都错", which is two statements, behind the comma."""
    comma = re.search(" ?, ?", match[1])
    if rule.kind == "wrong" and comma and rules.LEAD_BEFORE.search(match.string[: match.start(1)]):
        return match.start(1) + comma.end()
    return match.start(1)


def _is_open(match: re.Match[str], text: str) -> bool:
    """Whether the letters are left open: A or B; A?; one of A, B."""
    return rules.HEDGE.search(match[1]) is not None or rules.LEFT_OPEN.match(text, match.end(1)) is not None


def _both_sides(claim: Claim, rule: rules.Wording, choice: ChoiceQuestion) -> Iterator[Claim]:
    """A claim, and of an exception what it says of all other options."""
    yield claim
    if rule.remaining and set(claim.letters) <= set(choice.letters) and (remaining := choice.remaining(claim.letters)):
        yield replace(claim, kind=rule.remaining, letters=remaining)


def _of_the_rest(claims: list[Claim], text: str, choice: ChoiceQuestion) -> Iterator[Claim]:
    """“The others are right”, behind a judgement of the opposite kind."""
    for kind, opposite, pattern in (("right", "wrong", rules.REST_RIGHT), ("wrong", "right", rules.REST_WRONG)):
        match = pattern.search(text)
        if match is None:
            continue
        judged = "".join(claim.letters for claim in claims if claim.kind == opposite and claim.end <= match.start())
        remaining = choice.remaining(judged)
        if judged and remaining:
            yield Claim(kind=kind, letters=remaining, start=match.start(), end=match.end(), hedged=False)


def conclude(claims: list[Claim], choice: ChoiceQuestion, text: str) -> LetterReading:
    """The last statement of the answer; with those before it that it adds to, where several letters are asked for."""
    final = [claim for claim in claims if claim.kind == "final"]
    if not final:
        return NOTHING
    if not choice.multiple and len(final) > 1 and rules.RANKED.search(text, final[-2].end, final[-1].start):
        final = final[:-1]
    letters = final[-1].letters
    if choice.multiple:
        for before, after in zip(final[-2::-1], final[:0:-1], strict=True):
            if not rules.ADDITION.search(text, before.end, after.start):
                break
            letters += before.letters
        letters += "".join(claim.letters for claim in claims if claim.kind == "right" and _adds(claim, final[-1], text))
    alternatives = final[-2].letters if _alternate(final, text) else ""
    if final[-1].hedged or alternatives:
        return LetterReading(reason=f"undecided between {'、'.join(option_letters(letters + alternatives))}")
    return admit(option_letters(letters), choice)


def _alternate(final: list[Claim], text: str) -> bool:
    """Whether the last answer stands beside another one that may be it: 选A或选C."""
    return len(final) > 1 and rules.ALTERNATIVE.fullmatch(text, final[-2].end, final[-1].start) is not None


def _adds(claim: Claim, final: Claim, text: str) -> bool:
    """Whether an option is called right in addition to the answer: 答案是A，C也对."""
    return claim.start >= final.end and rules.ALSO.match(text, claim.end) is not None


def judge(claims: list[Claim], choice: ChoiceQuestion, text: str) -> LetterReading:
    """The options that are called right; or wrong, when the question asks for that."""
    kind = "wrong" if rules.ASKS_FOR_WRONG.search(choice.question) else "right"
    judged = [claim for claim in claims if claim.kind == kind and not claim.hedged]
    if not judged:
        return NOTHING
    letters = option_letters("".join(claim.letters for claim in judged))
    if choice.multiple and kind == "right":
        letters = option_letters(letters + _listed_before(judged, claims, text))
    if choice.multiple or len(letters) == 1:
        return admit(letters, choice)
    if rules.RETRACTION.search(text, judged[0].end, judged[-1].start):
        return admit(judged[-1].letters, choice)
    return LetterReading(reason=f"several options ({letters}) are stated as the answer")


def _listed_before(judged: list[Claim], claims: list[Claim], text: str) -> str:
    """Letters to which a judgement belongs though a comma stands between: the A and B of “A, B, C是对的”."""
    listed = [rules.LISTED_BEFORE.search(text, 0, claim.start) for claim in judged]
    return "".join(
        before[1] for before in listed if before and not any(c.start <= before.start(1) < c.end for c in claims)
    )
