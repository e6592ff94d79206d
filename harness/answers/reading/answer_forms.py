"""The forms of a reply that is nothing but its answer, line by line: leads, lists of letters, brackets, exceptions.

All patterns are matched against a reply in plain writing (`harness.text.replies.plain`).
"""

import re

_ZH_LEAD = (
    r"(?:(?:所以|因此|故|综上(?:所述)?|最终|最后|更正|好的|我(?:认为|觉得|的)|本题|那么)[,:]?\s*)*"
    r"(?:(?:正确|最佳|参考|标准|最终)?的?(?:答案|选项)\s*(?:应该?)?(?:分别)?[是为选有]?"
    r"|(?:应该?|我|故)?选择?的?是?|正确的(?:选项|答案|说法|描述)?(?:分别)?[是有为]|回?答(?=\s*:))"
)
_EN_LEAD = (
    r"(?i:(?:so|therefore|thus|hence|i think)?,?\s*(?:(?:the|my)\s+)?(?:final\s+|correct\s+|right\s+|best\s+)*"
    r"(?:answers?(?:\(s\))?|ans\.?|choices?|options?)(?:\s+(?:is|are|should\s+be))?)"
)
_ITEM = r"(?:选项|(?i:options?|choices?)(?::\s*|\s))?"
_LETTER = r"(?:[A-Za-z](?![A-Za-z])|[A-Z]{2,26}(?![A-Za-z]))"
_UNIT = rf"{_ITEM}[(\[]? ?{_LETTER}(?: ?[)\]])?(?: ?选?项)?"
_AND = r"(?:以及|还有|和|与|及|并|and\b|&)"
_SEPARATOR = (
    rf"(?: ?[,、;/&+] ?(?:{_AND} ?)?|\.(?= ?[A-Z](?![A-Za-z])) ?|\s(?:{_AND} ?)?| ?{_AND} ?"
    r"|(?<=[)\]项])(?=[(\[A-Z]))"
)
_NAMED = rf"(?>{_UNIT})(?:(?>{_SEPARATOR})(?>{_UNIT})){{0,25}}"
_LIST = rf"{_NAMED}|[a-z]{{2,26}}(?![A-Za-z])"
_COUNT = r"(?:\s*(?:这?[两二三四五几]?个?(?:选项|项|者|答案)|(?i:only)\b))?"
_REMARK = r"(?: ?(\([^()\n]*\)|\[[^\[\]\n]*\]))?"

# Group 1 is the lead, group 2 the letters, group 3 perhaps a bracket behind them.
STRICT = re.compile(
    rf"\[?\s*({_ZH_LEAD}|{_EN_LEAD})?\s*\]?\s*[:=-]?\s*(?:(?i:both|only|just)\s+|仅)?[(\[]?\s*({_LIST}){_COUNT}\s*[)\]]?"
    rf"[.。:,;、)]?{_REMARK}\s*\]?[.。!]?"
)
LEAD = re.compile(rf"(?:{_ZH_LEAD}|{_EN_LEAD})\s*[:=]?\s*(?=\S)")
ANSWER_LINE = re.compile(
    r"\[?(?:(?:正确|最佳|参考|标准|最终)?(?:的)?答案|(?i:(?:the )?(?:final |correct )?answers?))"
    r"[\]是为: ]*(?i:is|are)?\s*:?"
)
# "A:" of a dialogue in Q and A before the letter that answers
ECHOED_TURN = re.compile(r"^A: ?(?=[(\[]?[A-Z][)\]]?\.?\s*$)")
LETTER_WORDS = re.compile(r"\band\b|\b[Oo]ptions?\b|\b[Cc]hoices?\b|\bonly\b")
ONLY_MARKS = re.compile(r"(?:[\s,、;。.!&+/]|以及|和|与|及|\band\b)*")
DOUBT = re.compile(
    r"不确定|可能|也许|或许|存疑|待定|难说|\?|\b(?:maybe|perhaps|possibly|probably|unsure|uncertain|not sure|might)\b"
)
NEGATION = re.compile(r"(?:不|非|无|没|排除|除了?|\bnot\b|\bno\b)[^,。.;\n]{0,6}$")

# All options but the named ones are right: the whole of a reply. Group 1 or 2 holds the letters.
_RIGHT = r"(?:正确(?:选项|答案)?|对|符合(?:题意)?|选|应选|可选|成立|是)"
EXCEPTION = re.compile(
    rf"(?:{_ZH_LEAD}\s*:?\s*)?(?:除[了去]?\s*({_NAMED})(?:[两三四]?个?选?项)?(?:之外|以外|外)?|({_NAMED})(?:[两三四]?个?选?项)?(?:除外|之外|以外))\s*,?\s*"
    rf"(?:其[余他它])?(?:的)?[各两三四]?(?:选?项)?\s*(?:(?:都|均|全部?|皆)\s*(?:是|为|应)?)\s*{_RIGHT}[。.!]?"
    rf"|(?:(?i:{_EN_LEAD})\s*:?\s*)?(?:All|all|Every(?:thing)?|every(?:thing)?)(?:\s+of)?(?:\s+(?:the|these|those))?(?:\s+(?:above|options?|choices?|statements?|answers?|them))?"
    rf"\s+(?:except|but|apart from|other than)(?:\s+for)?\s+({_NAMED})(?:\s+(?:is|are)\s+(?:correct|right|true))?[.!]?"
)
