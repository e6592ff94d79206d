"""Reading option letters out of a reply: strictly where its form leaves no doubt, leniently from free prose.

Strict: the reply, or each line of it that announces an answer, is nothing but the letters. Lenient, in this order: the
last stated conclusion; what options are judged to be; a leading letter; an option's own text; the only letter that is
mentioned and not rejected; the only option left. Where statements contradict each other there is no reading.
"""

import re
from dataclasses import dataclass

from harness.answers.reading import option_wordings as rules
from harness.text.normalise import normalise, option_letters
from harness.text.templates import LETTERS


@dataclass(frozen=True)
class ChoiceQuestion:
    """A question's options and how many may be right."""

    question: str
    options: tuple[str, ...]
    multiple: bool

    @property
    def letters(self) -> str:
        """The letters of the options: "ABCD" for four."""
        return LETTERS[: len(self.options)]


@dataclass(frozen=True)
class LetterReading:
    """Letters, or the reason why they do not count. Neither: nothing was found."""

    letters: str | None = None
    reason: str | None = None


NOTHING = LetterReading()


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What one wording says about letters, and where."""

    kind: str
    letters: str
    start: int
    end: int
    hedged: bool


def admit(letters: str, choice: ChoiceQuestion) -> LetterReading:
    """`letters` as an answer, if they are options and not too many."""
    outside = [letter for letter in letters if letter not in choice.letters]
    if outside:
        return LetterReading(reason=f"{'、'.join(outside)} is not among the options A–{choice.letters[-1]}")
    if len(letters) > 1 and not choice.multiple:
        return LetterReading(reason=f"{len(letters)} letters ({letters}) where one is asked for")
    return LetterReading(letters=letters)


def strict(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The letters of a reply whose form leaves no doubt; `text` in plain writing."""
    whole = _whole(text, choice)
    if whole is not NOTHING:
        return whole
    answered = _answered(text, choice)
    bare = _bare_lines(answered, choice)
    if bare is not NOTHING:
        return bare
    lines = _lines(answered)
    readings = {_whole(line, choice, announced=index > 0) for index, line in enumerate(lines)} - {NOTHING}
    return readings.pop() if len(readings) == 1 else NOTHING


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _bare_lines(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The letters of a reply each line of which is nothing but an answer, e.g. one option a line."""
    readings = [_whole(line, choice) for line in _lines(text)]
    if not readings or any(line.letters is None for line in readings):
        return NOTHING
    return admit(option_letters("".join(line.letters or "" for line in readings)), choice)


def _whole(text: str, choice: ChoiceQuestion, announced: bool = False) -> LetterReading:
    """`text` as nothing but the answer; `announced` demands a lead such as 答案."""
    match = rules.STRICT.fullmatch(text)
    if not match or (announced and not match[1]):
        return NOTHING
    named = match[2].replace("and", "")
    letters = option_letters(named)
    if match[3] is not None and not (len(letters) == 1 and _equal_texts(match[3], _option(letters, choice))):
        return NOTHING
    if len(letters) < sum(character.isalpha() and character.isascii() for character in named):
        return NOTHING  # a letter twice
    return admit(letters, choice)


def lenient(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The best reading of free prose; `text` in plain writing."""
    whole = _whole(text, choice)
    if whole.letters is not None:
        return whole
    own_words = _by_text(text, choice, whole=True)
    if own_words is not NOTHING:
        return own_words
    prose = rules.TERMS.sub(lambda match: "·" * len(match[0]), _answered(text, choice))
    claims = _claims(prose)
    rejected = "".join(claim.letters for claim in claims if claim.kind == "wrong")
    for reading in (
        _conclusion(claims, choice),
        _judgement(claims, choice, prose),
        _bare_lines(prose, choice),
        _leading(prose, choice),
        _by_text(prose, choice, whole=False),
        _everything(prose, choice),
        _mention(prose, choice, rejected, claims),
        _left_over(choice, rejected),
    ):
        if reading is not NOTHING:
            return reading
    return NOTHING


def _answered(text: str, choice: ChoiceQuestion) -> str:
    """The reply without repeated options, up to a question that the model goes on to ask itself after an answer."""
    text = _without_list(text)
    following = rules.NEXT_QUESTION.search(text)
    first = text.partition("\n")[0]
    return text[: following.start()] if following and _whole(first, choice) is not NOTHING else text


def _without_list(text: str) -> str:
    """The reply without a repetition of the options; one such line alone is an answer and stays."""
    listed = list(rules.LISTED_OPTION.finditer(text))
    if len(listed) < 2 or [match[1] for match in listed] != list(LETTERS[: len(listed)]):
        return text
    return rules.LISTED_OPTION.sub(lambda match: f"{match[1]}{match[2]}" if _judges(match[2]) else "", text)


def _judges(text: str) -> bool:
    return any(rule.pattern.match(f"A{text}") for rule in rules.RULES if rule.kind in ("wrong", "right"))


def _claims(text: str) -> list[Claim]:
    """All claims by position. A letter inside an earlier row's claim is not claimed again by a later row."""
    claims: list[Claim] = []
    used: set[int] = set()
    for rule in rules.RULES:
        for match in rule.pattern.finditer(text):
            places = [place for place in range(match.start(1), match.end(1)) if text[place] in LETTERS]
            free = [place for place in places if place not in used]
            used.update(places)
            letters = option_letters("".join(text[place] for place in free))
            if letters:
                hedged = rules.HEDGE.search(match[1]) is not None
                claims.append(
                    Claim(kind=rule.kind, letters=letters, start=match.start(1), end=match.end(1), hedged=hedged)
                )
    return sorted(claims, key=lambda claim: (claim.start, claim.end))


def _conclusion(claims: list[Claim], choice: ChoiceQuestion) -> LetterReading:
    """The last statement of the answer."""
    final = [claim for claim in claims if claim.kind == "final"]
    if not final:
        return NOTHING
    if final[-1].hedged:
        return LetterReading(reason=f"undecided between {'、'.join(final[-1].letters)}")
    return admit(final[-1].letters, choice)


def _judgement(claims: list[Claim], choice: ChoiceQuestion, text: str) -> LetterReading:
    """The options that are called right; or wrong, when the question asks for that."""
    kind = "wrong" if rules.ASKS_FOR_WRONG.search(choice.question) else "right"
    judged = [claim for claim in claims if claim.kind == kind and not claim.hedged]
    if not judged:
        return NOTHING
    letters = option_letters("".join(claim.letters for claim in judged))
    if choice.multiple or len(letters) == 1:
        return admit(letters, choice)
    if rules.RETRACTION.search(text, judged[0].end, judged[-1].start):
        return admit(judged[-1].letters, choice)
    return LetterReading(reason=f"several options ({letters}) are stated as the answer")


def _leading(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The letter with which the reply begins, set off from what follows."""
    match = rules.LEADING.match(text)
    if not match or any(rule.pattern.match(text) for rule in rules.RULES if rule.kind == "wrong"):
        return NOTHING
    if len(set(rules.LABELLED.findall(text))) > 1:  # A: …; B: …
        return NOTHING
    if rules.HEDGE.search(match[1]):
        return LetterReading(reason=f"undecided between {'、'.join(option_letters(match[1]))}")
    return admit(option_letters(match[1]), choice)


def _by_text(text: str, choice: ChoiceQuestion, whole: bool) -> LetterReading:
    """The option whose text the reply is, or the only one whose text occurs in it unnegated."""
    if whole:
        bare = text.partition(":")[2] if text.startswith(("答案", "Answer", "answer")) else text
        letters = [letter for letter in choice.letters if _equal_texts(bare, _own_words(letter, choice))]
    else:
        letters = [letter for letter in choice.letters if _occurs(_own_words(letter, choice), text)]
        inside = {a for a in letters for b in letters if a != b and _option(a, choice) in _option(b, choice)}
        letters = [letter for letter in letters if letter not in inside]
    return LetterReading(letters=letters[0]) if len(letters) == 1 else NOTHING


def _everything(text: str, choice: ChoiceQuestion) -> LetterReading:
    if choice.multiple and rules.EVERYTHING.search(text):
        return LetterReading(letters=choice.letters)
    return NOTHING


def _mention(text: str, choice: ChoiceQuestion, rejected: str, claims: list[Claim]) -> LetterReading:
    """The only option that is mentioned and not rejected."""
    mentioned = option_letters("".join(match[1] for match in rules.MENTION.finditer(text)))
    open_letters = [letter for letter in mentioned if letter in choice.letters and letter not in rejected]
    if len(open_letters) == 1 and not any(claim.kind == "hedge" for claim in claims):
        return LetterReading(letters=open_letters[0])
    if len(open_letters) > 1:
        return LetterReading(
            reason=f"several options ({''.join(open_letters)}) are mentioned and none is stated as the answer"
        )
    return NOTHING


def _left_over(choice: ChoiceQuestion, rejected: str) -> LetterReading:
    """The only option that is not rejected."""
    left = [letter for letter in choice.letters if letter not in rejected]
    return LetterReading(letters=left[0]) if len(left) == 1 and rejected and not choice.multiple else NOTHING


def _option(letter: str, choice: ChoiceQuestion) -> str:
    index = LETTERS.index(letter)
    return choice.options[index] if index < len(choice.options) else ""


def _own_words(letter: str, choice: ChoiceQuestion) -> str:
    """An option's text where it can be told from letters: the blood group A, or AB among A–D, is none ("")."""
    option = _option(letter, choice)
    letters = normalise(option, punctuation="drop", case=False)
    return "" if re.fullmatch(rf"[A-Za-z]|[{choice.letters}]+", letters) else option


def _equal_texts(text: str, option: str) -> bool:
    plain = normalise(text, punctuation="drop")
    return plain != "" and plain == normalise(option, punctuation="drop")


def _occurs(option: str, text: str) -> bool:
    """Whether a telling option text stands in `text` without a negation before it."""
    if len(option) < 2 or option.isdigit():
        return False
    position = text.find(option)
    return position >= 0 and rules.NEGATION.search(text[:position]) is None
