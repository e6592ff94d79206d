"""The wordings by which a judge states a score or a preference without JSON: what is not listed here is not read.

Every pattern is matched against a reply in plain writing (`harness.text.replies.plain`).
"""

import re
from collections.abc import Iterator

REFUSAL = re.compile(
    r"\s*(?:非常|很|十分)?(?:抱歉|对不起|(?:我|本人)?(?:无法|不能|没有办法|没法)|作为(?:一[个名])?(?:AI|人工智能|语言模型|大模型)"
    r"|(?:I.?m |I am )?(?:very |so )?(?:sorry|afraid|unable)|I (?:can ?not|can.?t|won.?t|will not|am not able)"
    r"|as an? (?:AI|language model))",
    re.IGNORECASE,
)

# Scores. A number is none if it is the begin of a range, a list, a percentage or a word.
_FIGURE = r"\d++(?:\.\d++)?+"
NUMBER = (
    rf"(?<![\d.])([-−]?{_FIGURE})"
    r"(?!\s*(?:(?:[-–—−~～∼〜至到±、]|to\b|or\b|and\b|或者?|和|与)\s*\d|[%‰°]|/\s*+(?!\d))|[,.:]\d|[A-Za-z_+^²³¹⁰-⁹¼-¾⅐-⅞①-⒛])"
)
OUT_OF = rf"(?:\s*分?\s*(?:/|out of|[(,]?\s*(?:满分|总分)(?:为|是|:)?)\s*({_FIGURE})\s*(?:分?\s*\))?)?"
_POINTS = r"\s*(?:分(?![钟之期级子裂布泌类析别为制])|points?\b)?"
MAXIMA = tuple(
    re.compile(source, re.IGNORECASE)
    for source in (
        rf"[(,]?满分(?:为|是|:)?\s*({_FIGURE})\s*分?\)?",
        rf"\(?(?:on a |using a )?scale (?:of|from) {_FIGURE}\s*(?:to|-|–)\s*({_FIGURE})\)?",
        rf"({_FIGURE})\s*分制",
    )
)
DEDUCTION = re.compile(rf"(?:扣除?|扣掉|扣了|减去?)\s*{_FIGURE}\s*分")
_BOUND_WORDS = (  # "the maximum score is 100" scores nothing
    r"(?:最高|最低|满|及格|基准|(?:max(?:imum)?|highest|min(?:imum)?|lowest|perfect|full|passing|possible|best|top)\b\.?\s*"
    r"(?:possible\s+)?)"
)
_SCORE_WORDS = r"评分|得分|打分|分数|总分|分值|scores?|ratings?|grades?"


def stated_scores(text: str, names: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    """The (number, maximum) of each statement of a score: labelled, in double brackets, or alone on its line."""
    words = "|".join((_SCORE_WORDS, *(re.escape(name) for name in names)))
    label = re.compile(
        rf"({_BOUND_WORDS})?(?<![A-Za-z])(?:综合|最终|总体|整体)?(?:{words})(?![A-Za-z])(?:\s*\([^()\n]{{0,30}}\))?"
        rf"\s*(?:[:=是为]|is\b)+\s*[\[(]{{0,2}}\s*{NUMBER}{OUT_OF}",
        re.IGNORECASE,
    )
    yield from ((match[2], match[3]) for match in label.finditer(text) if not match[1])
    yield from ((match[1], match[2]) for match in re.finditer(rf"\[\[\s*{NUMBER}{OUT_OF}{_POINTS}\s*\]\]", text))
    alone = re.compile(
        rf"(?:答案:)?[\[(]?\s*{NUMBER}{OUT_OF}{_POINTS}\s*[\])]?\s*[。!.]?"
    )  # 答案: is what is left of \boxed
    lines = text.split("\n")
    alone_on_line = {i: match for i, line in enumerate(lines) if (match := alone.fullmatch(line.strip()))}
    if len(alone_on_line) == 1:  # several are a list
        ((place, match),) = alone_on_line.items()
        if place in (0, len(lines) - 1):
            yield match[1], match[2]
    opening = re.match(rf"{NUMBER}(?:{OUT_OF}){_POINTS}\s*[.。,;:!(]", text)
    if opening and (opening[2] or re.match(rf"{_FIGURE}\s*分", text)):
        yield opening[1], opening[2]


def mentioned_scores(text: str, high: float) -> Iterator[str]:
    """Every number that looks like a score, stated or not: so many 分, or a fraction of the highest score."""
    yield from re.findall(rf"(?<![\d.])({_FIGURE})\s*分(?![钟之期级子裂布泌类析别为制])", text)
    for number, maximum in re.findall(rf"(?<![\d./])({_FIGURE})\s*(?:/|out of)\s*({_FIGURE})(?![\d/])", text):
        if float(maximum) == high:
            yield number


# Preferences
_FIRST = (
    r"(?:the\s+)?first(?:\s+(?:answer|response|reply|one))?|(?:answer|response|reply|assistant|option)\s*(?:a|1|one)|a"
    r"|a\s*>+\s*b|b\s*<+\s*a|第[一1](?:个|份|条|篇)?(?:回答|答案|回复)?|(?:回答|答案|回复|助手|选项)\s*[a一1甲]|前者"
)
_SECOND = (
    r"(?:the\s+)?second(?:\s+(?:answer|response|reply|one))?|(?:answer|response|reply|assistant|option)\s*(?:b|2|two)|b"
    r"|b\s*>+\s*a|a\s*<+\s*b|第[二2](?:个|份|条|篇)?(?:回答|答案|回复)?|(?:回答|答案|回复|助手|选项)\s*[b二2乙]|后者"
)
_BOTH = r"(?:两者|二者|两份(?:回答|答案)?|两个(?:回答|答案)?|两份回答的?质量|a\s*和\s*b)?"
_TIE = (
    r"(?:it.?s\s+|it is\s+)?(?:an?\s+)?(?:tie|tied|draw)|(?:they|both|both answers|the two answers|the answers)\s+are"
    r"\s+(?:equally (?:good|bad)|equal|tied)|equally (?:good|bad)|a\s*[=≈]+\s*b|回答一\s*=\s*回答二|平局|平手|打平|和局"
    rf"|{_BOTH}(?:不分高下|不分上下|不分伯仲|不分胜负|不相上下|难分高下|难分上下|难分伯仲|旗鼓相当|势均力敌|(?:一样|同样)[好差])"
)
_VERDICTS = {"first": _FIRST, "second": _SECOND, "tie": _TIE}
_ANY = rf"(?<![A-Za-z0-9])(?:{_FIRST}|{_SECOND}|{_TIE}|c)(?![A-Za-z0-9])"
_ANSWER_NAME = rf"(?<![A-Za-z0-9])(?:{_FIRST}|{_SECOND})(?![A-Za-z0-9])"
_LABEL = (
    r"(?:verdict|winner|preference|decision|(?:the\s+)?better(?: answer| response| one)?|结论|判断|判定|裁决"
    r"|胜者|胜出者|优胜者|获胜者|选择|更好的(?:回答|答案)?|较好的(?:回答|答案)?)"
)
_BECAUSE = r"(?:because|since|as|因为|由于|理由)"
_BRACKETED = re.compile(rf"\[\[\s*({_ANY})\s*\]\]", re.IGNORECASE)
_LABELLED = re.compile(
    rf"{_LABEL}\s*(?:[:=是为]|is\b)+\s*[\[(]{{0,2}}\s*({_ANY})\s*[\])]{{0,2}}\s*(?=$|[\n.。!;(]|,\s*{_BECAUSE})",
    re.IGNORECASE | re.MULTILINE,
)
_LEAD = (
    r"(?:(?:因此|所以|故|综上(?:所述)?|总之|总体(?:而言|来看|来说|上)?|整体(?:而言|来看|来说|上)?|综合(?:来看|考虑|比较)?"
    rf"|我(?:认为|觉得|判断)|最终|overall|therefore|thus|so|hence|in (?:conclusion|summary)|on the whole|{_LABEL}"
    r"|i (?:think|believe)(?: that)?|in my (?:opinion|view))\s*(?:[,:]\s*)?)*"
)
_IS_BETTER = (
    rf"\s*(?:比\s*{_ANSWER_NAME}\s*(?:明显|显然|略|稍|更|要)*(?:好|优)|(?:明显|显然|整体上?|总体上?|略|稍|稍微|相对)*"
    rf"(?:更好|更优|较好|较优|更佳|更胜一筹|胜出|获胜|(?:优于|胜过|好于)\s*{_ANSWER_NAME})"
    r"|is\s+(?:clearly\s+|much\s+|slightly\s+|overall\s+|the\s+)*(?:better|superior|preferred|winner)"
    rf"(?:\s+(?:answer|response|one|overall))?(?:\s+(?:than|to)\s+{_ANSWER_NAME})?|wins)"
)
_SENTENCE = re.compile(
    rf"{_LEAD}(?:({_ANSWER_NAME}){_IS_BETTER}|({_TIE}))(?:\s*[,(]?\s*{_BECAUSE}.*)?\s*[.。!;]?", re.IGNORECASE
)
_CONTRAST = re.compile(
    r"但|然而|不过|可是|反而|尽管|虽然|\b(?:but|however|yet|although|though|except|whereas)\b", re.IGNORECASE
)


def alternative(text: str, numbers: bool = False) -> str | None:
    """ "first", "second" or "tie" if the text is one of its names (C: a tie; 1 and 2 on demand) or says just that."""
    text = text.strip(" \n.。!;[]()")
    if numbers and text in ("1", "2"):
        return {"1": "first", "2": "second"}[text]
    if text.casefold() == "c":
        return "tie"
    for verdict, names in _VERDICTS.items():
        if re.fullmatch(names, text, re.IGNORECASE):
            return verdict
    sentence = _SENTENCE.fullmatch(text)
    return alternative(sentence[1] or "tie") if sentence and not _CONTRAST.search(text) else None


def verdicts(text: str) -> set[str]:
    """Every verdict that a reply in plain writing states."""
    stated = [match[1] for pattern in (_BRACKETED, _LABELLED) for match in pattern.finditer(text)]
    answers = {verdict for name in (*stated, text) if (verdict := alternative(name))}
    sentences = [part for part in re.split(r"(?<=[.。!;\n])\s*", text) if part.strip()]
    contrast = max((i for i, sentence in enumerate(sentences) if _CONTRAST.search(sentence)), default=-1)
    for sentence in sentences[contrast + 1 :]:
        if _SENTENCE.fullmatch(sentence.strip()):
            answers |= {verdict for verdict in (alternative(sentence),) if verdict}
    lines = text.split("\n")
    bare = [i for i, line in enumerate(lines) if re.fullmatch(rf"{_ANSWER_NAME}[.。!]?", line, re.IGNORECASE)]
    if bare == [len(lines) - 1]:  # several are a list
        answers |= {verdict for verdict in (alternative(lines[-1]),) if verdict}
    return answers
