"""The table of wordings by which a reply names option letters: one row a wording, so that a mistake is one row to mend.

All patterns are matched against a reply in plain writing (`extraction.plain`): ASCII colons, commas, brackets and
letters; no quotation marks or Markdown. Group 1 holds the letters.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

# An "A" or "I" before a lower-case word is English prose, unless the word can follow an option's letter.
_FOLLOWS = (
    "and|or|then|plus|nor|to|through|is|are|was|because|since|as|for|due|with"
    "|but|not|given|based|according|would|should|seems|looks|rather|can|cannot|could|may|might|must|will|has|does|if|when"
    "|unless|vs|versus|together|alongside|also"
)
_PROSE = rf"(?!(?<=[AI])[ \t]+(?!(?:{_FOLLOWS})\b)[a-z·])(?!(?<=A)[ \t]+(?:\d|[A-Z]{{2,}}[ \t]+[a-z]))"
_LETTER = rf"(?<![A-Za-z0-9_+°-])[A-Z](?![A-Za-z0-9_+]|-[A-Za-z0-9·]){_PROSE}"
_RUN = (  # ABD
    r"(?<![A-Za-z0-9-])(?!OK\b)[A-Z]{2,26}(?=\s*(?:[,;、/&。.:!?()\[\]]|选?项|[两三四]|都|均|全|和|与|及|以及|或|因|是|为|正确|错|不"
    r"|(?:解|分)析|理由|\b(?:and|or|are|because|since|as|with|but|not|rather)\b|$))"
)
_UNIT = rf"(?:[(\[] ?)?(?:{_LETTER}|{_RUN})(?: ?[)\]])?(?: ?选?项)?"
_ITEM = r"(?:选项|[Oo]ptions?|[Cc]hoices?)? ?"
_AND = (
    rf" ?(?:[、/&] ?(?:和|与|及|或)?|,? ?(?:以及|还有|和|与|及|跟|并|\band/or\b|\band\b|&|或者?|还是|\bor\b)) ?{_ITEM}"
)
_END = (
    r"(?= ?(?:[,、;。.!?()\]]|(?:和|与|及|\band\b) ?[(\[]?[A-Z](?![A-Za-z])|都|均|因|比较|更|最| [–—-] "
    r"|\b(?:because|since|as|for|here|only|rather|but|not)\b|$))"
)

# Atomic, since there is one way to divide a list: else a runaway list is divided in all ways
TIGHT = rf"(?>{_UNIT})(?:(?>{_AND})(?>{_UNIT})){{0,25}}"  # A、B和C
LISTED = rf"(?>{_UNIT})(?:(?>{_AND}| ?[,;] ?)(?>{_UNIT})){{0,25}}"  # A,B,C: only where 都 or "are" makes it one list
LOOSE = (  # A, B and C, but not the B of "A, B is wrong"
    rf"(?>{_UNIT})(?:(?>{_AND})(?>{_UNIT})|(?> ?, ?)(?>{_UNIT}){_END}"
    rf"|(?> ?; ?)(?>{_UNIT})(?= ?(?:[;。.!)\]]|$))){{0,25}}"
)
ANY = rf"({LOOSE})"  # behind a lead such as 答案:

_TAIL = (
    r" ?(?:这?[一二三两四]?[个]?(?:选项|项|答案|说法)|(?:option|choice)s?)? ?"
    r"(?:(?:明显|显然|完全|也|则|却|说得|的?说法|的?描述|本身) ?)*"
)
_ALL = r" ?(?:这?[两三四]?[个]?(?:选项|项|者)|all)? ?(?:都|均|全都?|皆|are |were ) ?"
_WRONG = (
    r"(?:是|属于)?(?:错误|错(?!过)|不(?:太|够|能|应该?|可以?|宜|该)?(?:对(?![称比照])|正确|符合?|选|成立|合适|恰当|属于|是|考虑|准确|行|可能)"
    r"|有误|(?:先|首先|可以?|应|被|予以)*排除|(?:is|are|was|were)\s+(?:all\s+|clearly\s+|also\s+)?"
    r"(?:not\b|wrong|incorrect|false|ruled)|(?:can|could|should|do|does)\s?not\b)"
)
_RIGHT = (
    r"(?:才|都|均|就|应该?|完全)*(?:是|为)?(?:本题的?)?(?:最)?"
    r"(?:正确|(?<!不)对(?![于照比称应抗症])|没错|没有错误?|无误|正解|答案|佳|合适|恰当|符合|成立|可选|(?:可以|应该?|能够?|该)选(?!择))"
)
_IS_RIGHT = (
    r"(?:is|are|seems|looks)\s+(?:all\s+|both\s+|definitely\s+|clearly\s+|therefore\s+)?(?:the\s+)?(?:only\s+)?"
    r"(?:correct|right|true|best|most|more likely|answer)"
)

_EN_WRONG = r"(?:not\s+(?:correct|right|true)|wrong|incorrect|false|untrue)\b"
_RULED_OUT = r"(?:are|were|(?:can|should|must) be)\s+(?:(?:all|both)\s+)?(?:ruled out|eliminated|excluded|rejected)\b"
_EXCEPT_ZH = (
    rf"(?:除[了去]?\s*{_ITEM}|(?={TIGHT}(?:除外|之外|以外)))({TIGHT})(?:[两三四]?个?选?项)?(?:除外|之外|以外|外)?,?"
    r"(?:其[余他它])?的?(?:选项|说法|[各三两]项)?(?:都|均|全部?|皆)"
)
_APPLIES = r"(?:(?:all|both)\s+)?(?:appl(?:y|ies)\b|(?:should|must|can)\s+be\s+(?:selected|chosen|picked)\b)"
_ALL_EN = (
    r"\b(?:[Aa]ll|[Ee]very(?:thing)?)(?:\s+of)?(?:\s+(?:the|these))?"
    r"(?:\s+(?:above|others?|options?|choices?|statements?|answers?|them))?"
)
_SAVE = r",?\s+(?:except|but|apart from|other than)(?:\s+for)?\s+(?:[Oo]ptions?\s+)?"
_EXCEPT_EN = rf"{_ALL_EN}{_SAVE}({TIGHT})"


@dataclass(frozen=True)
class Wording:
    """A wording. `final` states the answer; `right` and `wrong` judge options; `hedge` leaves them open."""

    kind: Literal["final", "right", "wrong", "hedge"]
    name: str
    source: str
    remaining: Literal["right", "wrong"] | None = None  # what an exception says of all other options

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is first needed: all rows together take longer than listing every component."""
        return re.compile(self.source, re.MULTILINE)


RULES = (
    Wording("hedge", "不是A就是B", rf"不是\s*({_UNIT}[,\s]*就是\s*{_UNIT})"),
    Wording("hedge", "非A即B", rf"非\s*({_UNIT}[,\s]*即\s*{_UNIT})"),
    Wording("hedge", "可能是A", rf"(?<![最很])(?:可能|也许|或许|不确定)(?:是|选|还有)?\s*{_ITEM}({TIGHT})"),
    Wording("hedge", "如果选A", rf"(?:如果|假如|若)(?:是|选择?)\s*{_ITEM}({TIGHT})"),
    Wording(
        "hedge", "might be A", rf"\b(?:(?:might|may|could)\s+be|[Pp]ossibly|[Mm]aybe|[Pp]erhaps)\s+{_ITEM}({TIGHT})"
    ),
    Wording(
        "hedge", "A不确定", rf"({TIGHT}){_TAIL} ?(?:不确定|存疑|待定|难说|(?:is|are) (?:uncertain|debatable|doubtful))"
    ),
    Wording("right", "除了A都错", rf"{_EXCEPT_ZH}{_WRONG}", "wrong"),
    Wording("wrong", "除了A都对", rf"{_EXCEPT_ZH}(?:是|应|选|{_RIGHT})", "right"),
    Wording("right", "all except A are wrong", rf"{_EXCEPT_EN}\s+(?:is|are|were)\s+{_EN_WRONG}", "wrong"),
    Wording("right", "all are wrong except A", rf"{_ALL_EN}\s+(?:is|are|were)\s+{_EN_WRONG}{_SAVE}({TIGHT})", "wrong"),
    Wording(
        "wrong",
        "all except A are right",
        rf"{_EXCEPT_EN}(?=\s+(?:is|are|were)\s+(?:correct|right|true)\b|\W*$)",
        "right",
    ),
    Wording(
        "wrong",
        "all are right except A",
        rf"{_ALL_EN}\s+(?:is|are|were)\s+(?:correct|right|true){_SAVE}({TIGHT})",
        "right",
    ),
    Wording("wrong", "只有A错", rf"(?:只有|仅有?|唯有|唯独)\s*{_ITEM}({TIGHT}){_TAIL}{_WRONG}", "right"),
    Wording("wrong", "only A is wrong", rf"\b[Oo]nly\s+{_ITEM}({TIGHT})\s+(?:is|are)\s+{_EN_WRONG}", "right"),
    Wording(
        "wrong",
        "唯一错的是A",
        rf"唯一(?:的?(?:一个|一项))?(?:{_WRONG})的?(?:选项|说法|一项)?(?:是|为|:)\s*{_ITEM}({TIGHT})",
        "right",
    ),
    Wording("wrong", "A是唯一错的", rf"({TIGHT}) ?(?:选?项)?是?唯一(?:一[个项])?(?:的?{_WRONG})", "right"),
    Wording("wrong", "A is the only wrong one", rf"({TIGHT})\s+(?:is|are)\s+the\s+only\s+{_EN_WRONG}", "right"),
    Wording(
        "wrong",
        "the only wrong one is A",
        rf"\b[Oo]nly\s+(?:one\s+)?{_EN_WRONG}(?:\s+(?:option|choice|statement|answer|one)s?)?\s+(?:is|are)\s+{_ITEM}({TIGHT})",
        "right",
    ),
    Wording("wrong", "A除外", rf"({TIGHT})除外"),
    Wording("wrong", "A、C、D都错", rf"({LISTED}){_ALL}{_TAIL}{_WRONG}"),
    Wording(
        "wrong",
        "A, B are wrong",
        rf"({LISTED})\s*(?:options?|choices?)?\s*(?:are\s+(?:(?:all|both|also|clearly)\s+)?{_EN_WRONG}|{_RULED_OUT})",
    ),
    Wording("wrong", "A错", rf"({TIGHT}){_TAIL}{_WRONG}"),
    Wording(
        "wrong",
        "不是A",
        rf"(?:不(?:应该?|能|会|可能)?(?:是|选择?|为|含|包[括含])|并非|而非|别选|没有|非|排除了?|除[了去]?)\s*{_ITEM}({TIGHT})",
    ),
    Wording(
        "wrong", "not A, B, or C", rf"\b[Nn]ot\s+{_ITEM}((?>{_UNIT})(?: ?, ?{_UNIT}){{1,25}},? (?:or|nor) {_UNIT})"
    ),
    Wording(
        "wrong",
        "not A",
        rf"\b(?:[Nn]ot|[Nn]ever|[Nn]either|nor|rather than|instead of|cannot)\s+"
        rf"(?:(?:be|choose|pick|select|consider|go (?:with|for))\s+)?{_ITEM}({TIGHT})",
    ),
    Wording("wrong", "rule out A", rf"\b(?:[Rr]ul|[Ee]liminat|[Ee]xclud)\w*(?:\s+out)?\s+{_ITEM}({LOOSE})"),
    Wording(
        "wrong",
        "错误的是A",
        rf"(?:错误?|不(?:正确|对|恰当|合适|符合|属于|包括))的?(?:选项|说法|描述|一项)?(?:是|为|有|:)+\s*{_ITEM}({TIGHT})",
    ),
    Wording(
        "final",
        "答案是A",
        rf"(?:(?<!错误)(?<!错误的)答案\]?|(?:正确|最终)(?:的)?(?:选项|选择))"
        rf"(?: ?\([^()\n]{{1,8}}\))?(?:共?有[两二三四五2-5][个项])?\s*"
        rf"(?:应该?|就|只能|最终|[很最]可能|大概率|必然|当然|无疑|显然)?(?:是|为|选|:|=)*\s*{_ITEM}{ANY}",
    ),
    Wording("final", "答A", rf"^\s*(?:答|回答)\s*:\s*{_ITEM}{ANY}"),
    Wording("final", "选A", rf"(?<![不别可能挑])选(?!项)(?:择|定|了)?\s*(?:的?是|为|:)?\s*{_ITEM}{ANY}"),
    Wording("final", "应该是A", rf"(?:应该?|必须|只能|肯定|确定|结论)\s*(?:是|为|:)\s*{_ITEM}{ANY}"),
    Wording("final", "改为A", rf"(?:改[为成选]|更正[为:]?|实(?:际上?|则)?应?[为是])\s*{_ITEM}{ANY}"),
    Wording(
        "final",
        "the answer is A",
        rf"\b(?:[Aa]nswer|ANSWER|(?:correct|right|best|final)\s+(?:option|choice|one))s?\s*"
        rf"(?:(?:is|are|would be|should be|must be|includes?|:|=)\s*)+{_ITEM}{ANY}",
    ),
    Wording(
        "final",
        "所以A",
        rf"(?:因此|所以|故|\b(?:[Tt]herefore|[Ss]o|[Tt]hus|[Hh]ence)\b),?\s*是?{_ITEM}((?>{LOOSE})){_END}",
    ),
    Wording(
        "final", "I choose A", rf"\b(?:[Cc]hoos\w*|chose|[Pp]ick\w*|[Ss]elect\w*|go(?:ing)? with|go for)\s+{_ITEM}{ANY}"
    ),
    Wording("final", "it must be A", rf"\b(?:[Ii]ts|[Ii]t is|must be|should be|would be)\s+{_ITEM}((?>{TIGHT})){_END}"),
    Wording("final", "not A but B", rf"\bbut\s+(?:rather\s+|is\s+)?{_ITEM}((?>{TIGHT})){_END}"),
    Wording(
        "right",
        "正确的是A",
        rf"(?<!不)(?:正确|对|符合(?:题意|题干|要求|条件)?|恰当|合适|可能)的?(?:选项|说法|描述|一项|诊断)?(?:应该?|就|只有)?(?:是|为|有|包[括含]|:)+\s*{_ITEM}{ANY}",
    ),
    Wording("right", "只有A", rf"(?:只有|只剩下?|剩下的?(?:是|只有)?|唯有|仅有|[Oo]nly|[Jj]ust)\s*{_ITEM}({TIGHT})"),
    Wording(
        "right", "correct: A", rf"(?:^\s*|\b(?:are|is)\s+)(?:[Cc]orrect|[Rr]ight|[Tt]rue)(?: ones?)?\s*:\s*{_ITEM}{ANY}"
    ),
    Wording("right", "是A", rf"(?:[,;。]|而|才|就|反而|[,;。]\s*而)是\s*{_ITEM}({TIGHT})"),
    Wording("right", "我认为是A", rf"(?:认为|觉得|感觉|考虑|判断)(?:是|为|选|应该是|:)?\s*{_ITEM}((?>{TIGHT})){_END}"),
    Wording(
        "right",
        "I think A",
        rf"\bI(?:\s+(?:think|believe|guess|(?:would|will) say)|d say|ll say)\s+{_ITEM}((?>{LOOSE})){_END}",
    ),
    Wording("wrong", "so is A, wrong", rf"(?:wrong|incorrect|false),? and so (?:is|are) {_ITEM}({TIGHT})"),
    Wording("right", "so is A, right", rf"(?:right|correct|true),? and so (?:is|are) {_ITEM}({TIGHT})"),
    Wording(
        "right", "leaving A", rf"\b(?:leav(?:es?|ing)(?:\s+us\s+with)?|left\s+with)\s+(?:only\s+)?{_ITEM}{ANY}(?! out)"
    ),
    Wording("right", "A apply", rf"({LISTED})\s*(?:options?|choices?)?\s*{_APPLIES}"),
    Wording("right", "A都可", rf"({LISTED}){_ALL}可(?=\s*(?:[,;。.!]|$))"),
    Wording("right", "A都选", rf"({LISTED}){_ALL}(?:应该?|要|可以?|得)?选"),
    Wording("right", "A都对", rf"({LISTED}){_ALL}{_TAIL}{_RIGHT}"),
    Wording("right", "A对", rf"({TIGHT}){_TAIL}{_RIGHT}"),
    Wording("right", "A, C are right", rf"({LISTED})\s*(?:options?|choices?)?\s*(?=are\b){_IS_RIGHT}"),
    Wording("right", "A is right", rf"({TIGHT})\s*(?:option|choice)?\s*{_IS_RIGHT}"),
)

# A base model that goes on asking itself has answered before.
NEXT_QUESTION = re.compile(r"\n\s*(?:问题|题目|下一题|[Qq]uestion|Q\s*\d*\s*:|\d+[.、]\s*(?:下列|以下))")
# The question asks for what is wrong, so that "C is wrong" is the answer.
ASKS_FOR_WRONG = re.compile(
    r"错误的|不正确|不对的|不属于|不包括|不是|不符合|不恰当|不宜|不应|除外|除.{0,12}外|有误"
    r"|\b(?:EXCEPT|except|NOT|not|incorrect|false|wrong|least)\b"
)
HEDGE = re.compile(r"或|还是|\bor\b|就是|[A-Z]{2,} ?/ ?[A-Z]{2,}")
# Behind letters that are left open: A? or one of A、C
LEFT_OPEN = re.compile(r"\s*(?:\?|选?项?(?:中的?(?:一|某|任|其)|之一|之间|二选一|任选))")
ALTERNATIVE = re.compile(r"[\s,、]*(?:或者?|还是|\bor\b)\s*(?:应?选|(?:the )?answer is)?\s*")
RETRACTION = re.compile(
    r"不[对是][,。!]|更正|等等|等一下|重新|但|然而|不过|\b(?:[Ww]ait|[Aa]ctually|[Hh]owever|[Bb]ut|[Cc]orrection|no)\b"
)
EVERYTHING = re.compile(
    r"^(?:答案|应该?)?[:是为]*\s*(?:全选|(?:以上|所有)?(?:选项|说法)?全部(?:都)?(?:正确|对|选)|(?:以上)?(?:[四五]个)?(?:选项)?(?:都|全|均)(?:是|对|正确|选|符合))|"
    r"^[Aa]ll of (?:the above|them)",
    re.MULTILINE,
)
# “The others are right”, which is said of a judgement before it
_REST = (
    r"(?:(?:其[余他它]|剩[下余])的?(?:选项|说法|[各三两]项)?|\b[Ee]verything else"
    r"|\b[Tt]he (?:others?|rest)(?: options?| statements?)?)\s*"
)
REST_RIGHT = re.compile(
    rf"{_REST}(?:(?:都|均|全|皆)?{_RIGHT}|(?:都|均|全)应?选|(?:is|are)\s+(?:all\s+)?(?:correct|right|true)\b)"
)
REST_WRONG = re.compile(rf"{_REST}(?:(?:都|均|全|皆)?{_WRONG}|(?:is|are)\s+(?:all\s+)?{_EN_WRONG})")
# Letters that stand before the first of a list: 'A, ' of “A, C是对的”
LISTED_BEFORE = re.compile(rf"((?:{_LETTER} ?, ?){{1,25}})$")
# One answer is added to another: 选A，也选C
RANKED = re.compile(r"其次|次选|\bsecond(?:ly)?\b")  # 首选A，其次选B
ADDITION = re.compile(r"也|还|其次|次选|另外|同时|再|\b(?:also|too|as well|additionally)\b")
ALSO = re.compile(r"\s*选?项?\s*(?:也|同样)\s*(?:是|应)?(?:对|正确|符合|成立|选)")
LEAD_BEFORE = re.compile(r"(?:答案|选|是|为|\b[Aa]nswers?|\bis|\bbe)\s*:?\s*$")
RUNS = re.compile(_RUN)
MENTION = re.compile(rf"({_LETTER})")
QUESTIONED = re.compile(rf"{LOOSE} ?(?:吗|\?)")  # A and C? is no statement
LEADING = re.compile(
    rf"\s*{ANY}(?=\s*(?:\.(?!\.)|[:、,;。)(\]!]| [–—-] |选?项|因为|(?:解|分)析|理由"
    r"|\b(?:because|since|rather than|(?:but |and )?not)\b|\n(?!\s*[A-Z]\b)|$))"
)
FURTHER = re.compile(
    rf"[ .]?(?:(?:[、;/&.,]|和|与|及|and\b) ?(?:and also\b|and\b|also\b|as well as\b|plus\b|along with\b"
    rf"|另外|还有|外加)?"
    rf"|as well as\b|plus\b) ?{_ITEM}[(\[]?([A-Z]+)(?![A-Za-z])"
)
LABELLED = re.compile(r"(?:(?:^|(?<=[;,])) ?(?=[A-Z][.)] ?\S)|(?:^|[\s。.;,])(?=[A-Z]\s*:))([A-Z])")
LISTED_OPTION = re.compile(r"^\s*[(\[]?([A-Z])[)\]]?\s*[.:、)]\s*(.+?)\s*$", re.MULTILINE)

_MARKS = {**dict.fromkeys("√✓✔✅☑", "对"), **dict.fromkeys("×✗✘❌✕✖", "错")}
_MARKED = str.maketrans(_MARKS)
_JUDGED_ZH = re.compile(
    r"(?<![A-Za-z0-9])([A-Z](?: ?选?项)?) ?(?:[(\[] ?|[:.、=] ?)"
    r"(正确|错误|不正确|不对|对|错)(?![一-鿿]| ?:)(?: ?[)\]])?"
)
_JUDGED_EN = re.compile(
    r"(?<![A-Za-z0-9])([A-Z]) ?(?:[(\[] ?|[:.=)] ?| ?[–—-] )"
    r"((?i:true|false|correct|incorrect|right|wrong))\b(?! ?:)(?: ?[)\]])?"
)

_RANGE = re.compile(r"(?<![A-Za-z0-9])([A-Z]) ?(?:到|至|~|through|thru) ?([A-Z])(?![A-Za-z0-9])")


def spell_ranges(text: str) -> str:
    """Letters from one to another: "A至C" is "A、B、C"."""
    return _RANGE.sub(lambda ends: "、".join(map(chr, range(ord(ends[1]), ord(ends[2]) + 1))) or ends[0], text)


def spell_judgements(text: str) -> str:
    """Judgements behind a letter as a sentence: "A√", "A（对）" and "A：对" are "A对"; "A: true" is "A is true"."""
    marked = _JUDGED_ZH.sub(r"\1\2", text.translate(_MARKED) if not text.isascii() else text)
    return _JUDGED_EN.sub(lambda match: f"{match[1]} is {match[2].lower()}", marked)
