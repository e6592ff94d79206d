"""Reading option letters out of a reply: strictly where its form leaves no doubt, leniently from free prose.

Strict: the reply, or each line of it that announces an answer, is nothing but the letters; a bracket behind them may
reject others, and all options but named ones are letters too. Lenient, in this order: the last stated conclusion; what
options are judged to be; a leading letter; an option's own text; the only letter that is mentioned and not rejected;
the only option left. Where statements contradict each other there is no reading.
"""

import re

from harness.answers.reading import answer_forms as forms
from harness.answers.reading import option_wordings as rules
from harness.answers.reading.choice_question import NOTHING, ChoiceQuestion, LetterReading, admit
from harness.answers.reading.option_texts import (
    hide_texts,
    join_labels,
    read_text_in_prose,
    read_whole_text,
    spell_families,
)
from harness.answers.reading.statements import Claim, claims_in, conclude, judge
from harness.answers.reading.term_letters import hide_terms
from harness.text.normalise import option_letters
from harness.text.templates import LETTERS


def strict(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The letters of a reply whose form leaves no doubt; `text` in plain writing."""
    answered = _answered(text, choice)
    whole = _whole(answered, choice)
    if whole is not NOTHING:
        return whole
    bare = _bare_lines(answered, choice)
    if bare is not NOTHING:
        return bare
    lines = _lines(answered)
    readings = {_whole(line, choice, announced=index > 0) for index, line in enumerate(lines)} - {NOTHING}
    return readings.pop() if len(readings) == 1 else NOTHING


def lenient(text: str, choice: ChoiceQuestion) -> LetterReading:
    """The best reading of free prose; `text` in plain writing."""
    answered = _answered(text, choice)
    whole = _whole(answered, choice)
    if whole.letters is not None:
        return whole
    own_words = read_whole_text(spell_families(text, choice), choice)
    if own_words is not NOTHING or whole is not NOTHING:
        return own_words if own_words is not NOTHING else whole
    prose = hide_terms(hide_texts(answered, choice), choice.question)
    claims = claims_in(prose, choice)
    rejected = "".join(claim.letters for claim in claims if claim.kind == "wrong")
    for reading in (
        conclude(claims, choice, prose),
        judge(claims, choice, prose),
        _bare_lines(prose, choice),
        _leading(prose, choice, claims),
        read_text_in_prose(answered, choice),
        _everything(prose, choice),
        _mention(prose, choice, rejected, claims),
        _left_over(choice, rejected),
    ):
        if reading is not NOTHING:
            return reading
    return NOTHING


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
    exception = _exception(text, choice)
    if exception is not NOTHING:
        return exception
    match = forms.STRICT.fullmatch(text)
    if not match or (announced and not match[1]):
        return NOTHING
    named = forms.LETTER_WORDS.sub("", match[2])
    letters = option_letters(named)
    if not letters or len(letters) < sum(character.isalpha() and character.isascii() for character in named):
        return NOTHING  # a letter twice
    if "." in match[2] and not set(letters) <= set(choice.letters):
        return NOTHING  # a letter and a text that is none of the options
    if re.fullmatch("[a-z]{2,}", match[2]) and not _spells_letters(match[2], choice):
        return NOTHING
    if match[3] and not _leaves_untouched(letters, match[3], choice):
        return NOTHING
    return admit(letters, choice)


def _spells_letters(word: str, choice: ChoiceQuestion) -> bool:
    """Whether small letters in a run are letters in their order, and no word."""
    is_text = word in (option.casefold() for option in choice.options)
    in_order = list(word) in (sorted(word), sorted(word, reverse=True))
    return choice.multiple and in_order and not is_text and set(word.upper()) <= set(choice.letters)


def _leaves_untouched(letters: str, remark: str, choice: ChoiceQuestion) -> bool:
    """Whether a remark in brackets neither doubts `letters` nor speaks for others."""
    if read_text_in_prose(remark, choice).letters not in (None, *letters):
        return False
    remark = hide_terms(hide_texts(join_labels(remark, choice), choice), choice.question)
    wrong = "".join(claim.letters for claim in claims_in(remark, choice) if claim.kind == "wrong")
    mentioned = {match[1] for match in rules.MENTION.finditer(remark)} | set("".join(rules.RUNS.findall(remark)))
    in_doubt = forms.DOUBT.search(remark) is not None
    return not in_doubt and not set(wrong) & set(letters) and mentioned <= set(letters) | set(wrong)


def _exception(text: str, choice: ChoiceQuestion) -> LetterReading:
    """All options but the named ones, where those that are right are asked for."""
    match = forms.EXCEPTION.fullmatch(text)
    if not match or not choice.multiple or rules.ASKS_FOR_WRONG.search(choice.question):
        return NOTHING
    named = admit(option_letters(forms.LETTER_WORDS.sub("", match[match.lastindex or 1])), choice)
    remaining = choice.remaining(named.letters or "")
    return LetterReading(letters=remaining) if named.letters and remaining else named


def _answered(text: str, choice: ChoiceQuestion) -> str:
    """The reply without repeated options, up to a question that the model goes on to ask itself after an answer."""
    if all(map(choice.own_words, choice.letters)):
        text = forms.ECHOED_TURN.sub("", text)
    text = spell_families(_without_list(rules.spell_judgements(rules.spell_ranges(text)), choice), choice)
    following = rules.NEXT_QUESTION.search(text)
    first = join_labels(text.partition("\n")[0], choice)
    if following and _whole(first, choice) is not NOTHING:
        text = text[: following.start()]
    return _join_lines(join_labels(text, choice), choice)


def _without_list(text: str, choice: ChoiceQuestion) -> str:
    """The reply without a repetition of the options; one such line alone is an answer and stays.

    Where several letters are asked for, only all options are a repetition, and not behind a line that announces them.
    """
    listed = list(rules.LISTED_OPTION.finditer(text))
    if len(listed) < 2 or [match[1] for match in listed] != list(LETTERS[: len(listed)]):
        return text
    before = _lines(text[: listed[0].start()])[-1:]
    if choice.multiple and (len(listed) < len(choice.options) or any(map(forms.ANSWER_LINE.fullmatch, before))):
        return text
    return rules.LISTED_OPTION.sub(lambda match: f"{match[1]}{match[2]}" if _judges(match[2]) else "", text)


def _judges(text: str) -> bool:
    return any(rule.pattern.match(f"A{text}") for rule in rules.RULES if rule.kind in ("wrong", "right"))


def _join_lines(text: str, choice: ChoiceQuestion) -> str:
    """The letters that stand each on a line behind a line such as 答案：, on that line."""
    lines: list[str] = []
    is_open = False
    for line in text.splitlines():
        if is_open and _whole(line, choice).letters:
            lines[-1] += f"{'' if lines[-1].endswith(':') else '、'}{line.strip(' .。;,、')}"
            continue
        is_open = forms.ANSWER_LINE.fullmatch(line.strip()) is not None
        lines.append(f"{line.strip().rstrip(':')}:" if is_open else line)
    return "\n".join(lines)


def _leading(text: str, choice: ChoiceQuestion, claims: list[Claim]) -> LetterReading:
    """The letter with which the reply begins, set off from what follows."""
    match = rules.LEADING.match(text)
    if not match or _repeats(match[1]) or any(rule.pattern.match(text) for rule in rules.RULES if rule.kind == "wrong"):
        return NOTHING
    if len(set(rules.LABELLED.findall(text))) > 1:  # A: …; B: …
        return NOTHING
    letters = option_letters("".join(character for character in match[1] if character in LETTERS))
    doubted = {letter for claim in claims if claim.kind == "hedge" for letter in claim.letters}
    if rules.HEDGE.search(match[1]) or doubted & set(letters) or (doubted and choice.multiple):
        return LetterReading(reason=f"undecided between {'、'.join(option_letters(letters + ''.join(doubted)))}")
    if _goes_on(text, match.end(1), claims, choice):
        return LetterReading(reason=f"{letters} is not all of the list with which it begins")
    return admit(letters, choice)


def _repeats(letters: str) -> bool:
    """Whether a run holds a letter twice: DEAD is a word."""
    return any(len(set(run)) < len(run) for run in re.findall("[A-Z]{2,}", letters))


def _goes_on(text: str, end: int, claims: list[Claim], choice: ChoiceQuestion) -> bool:
    """Whether a further letter follows in the list of which `end` is not the end, and nothing is said of it."""
    following = rules.FURTHER.match(text, end)
    if not following or not set(following[1]) <= set(choice.letters):
        return False
    return not any(claim.start <= following.start(1) < claim.end for claim in claims)


def _everything(text: str, choice: ChoiceQuestion) -> LetterReading:
    """All options; where one of them says so, that one."""
    if not rules.EVERYTHING.search(text):
        return NOTHING
    saying = [letter for letter in choice.letters if rules.EVERYTHING.search(choice.option(letter))]
    if saying or not choice.multiple:
        return LetterReading(letters=saying[0]) if len(saying) == 1 else NOTHING
    return LetterReading(letters=choice.letters)


def _mention(text: str, choice: ChoiceQuestion, rejected: str, claims: list[Claim]) -> LetterReading:
    """The only option that is mentioned and not rejected."""
    mentioned = option_letters("".join(match[1] for match in rules.MENTION.finditer(rules.QUESTIONED.sub("", text))))
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
    left = choice.remaining(rejected)
    return LetterReading(letters=left) if len(left) == 1 and rejected and not choice.multiple else NOTHING
