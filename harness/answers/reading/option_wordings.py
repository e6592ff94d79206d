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
    "and|or|is|are|was|because|since|as|for|due|with|but|not|given|based|according|would|should|seems|looks|rather"
)
_PROSE = rf"(?!(?<=[AI])[ \t]+(?!(?:{_FOLLOWS})\b)[a-z])"
_LETTER = rf"(?<![A-Za-z0-9_+°-])[A-Z](?![A-Za-z0-9_+]|-[A-Za-z0-9]){_PROSE}"
_UNIT = rf"(?:[(\[] ?)?{_LETTER}(?: ?[)\]])?"
_ITEM = r"(?:选项|[Oo]ptions?|[Cc]hoices?)? ?"
_AND = rf" ?(?:[、/&]|,? ?(?:以及|和|与|及|跟|\band\b|或者?|还是|\bor\b)) ?{_ITEM}"
_END = r"(?= ?(?:[,、;。.!)\]]|和|与|及|\band\b|$))"

TIGHT = rf"{_UNIT}(?:{_AND}{_UNIT}){{0,25}}"  # A、B和C
LISTED = rf"{_UNIT}(?:(?:{_AND}| ?[,;] ?){_UNIT}){{0,25}}"  # A,B,C: only where 都 or "are" makes it one list
RUN = r"(?<![A-Za-z0-9-])[A-Z]{2,26}(?=\s*(?:[,;。.!)\]]|选?项|都|均|$))"  # ABD
LOOSE = rf"{_UNIT}(?:{_AND}{_UNIT}| ?[,;] ?{_UNIT}{_END}){{0,25}}"  # A, B and C, but not the B of "A, B is wrong"
ANY = rf"({LOOSE}|{RUN})"  # behind a lead such as 答案:

_TAIL = (
    r" ?(?:这?[一二三两四]?[个]?(?:选项|项|答案|说法)|(?:option|choice)s?)? ?"
    r"(?:(?:明显|显然|完全|也|则|却|说得|的?说法|的?描述|本身) ?)*"
)
_ALL = r" ?(?:这?[两三四]?[个]?(?:选项|项|者)|all)? ?(?:都|均|全都?|皆|are |were ) ?"
_WRONG = (
    r"(?:是|属于)?(?:错误|错(?!过)|不(?:太|够)?(?:对(?![称比照])|正确|符合?|选|成立|合适|恰当|属于|是|考虑|准确|行|可能)"
    r"|有误|(?:可以?|应|被|予以)?排除|(?:is|are|was|were)\s+(?:all\s+|clearly\s+|also\s+)?"
    r"(?:not\b|wrong|incorrect|false|ruled)|(?:can|could|should|do|does)\s?not\b)"
)
_RIGHT = (
    r"(?:才|都|均|就|应该?|完全)*(?:是|为)?(?:最)?"
    r"(?:正确|(?<!不)对(?![于照比称应抗症])|没错|没有错误?|无误|正解|答案|佳|合适|恰当|符合|成立|可选)"
)
_IS_RIGHT = (
    r"(?:is|are|seems|looks)\s+(?:definitely\s+|clearly\s+|therefore\s+)?(?:the\s+)?(?:only\s+)?"
    r"(?:correct|right|true|best|most|more likely|answer)"
)


@dataclass(frozen=True)
class Wording:
    """A wording. `final` states the answer; `right` and `wrong` judge options; `hedge` leaves them open."""

    kind: Literal["final", "right", "wrong", "hedge"]
    name: str
    source: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when it is first needed: all rows together take longer than listing every component."""
        return re.compile(self.source, re.MULTILINE)


RULES = (
    Wording("hedge", "不是A就是B", rf"不是\s*({_UNIT}[,\s]*就是\s*{_UNIT})"),
    Wording("hedge", "可能是A", rf"(?<!最)(?:可能|也许|或许|不确定)(?:是|选)\s*{_ITEM}({TIGHT})"),
    Wording("hedge", "如果选A", rf"(?:如果|假如|若)(?:是|选择?)\s*{_ITEM}({TIGHT})"),
    Wording("hedge", "might be A", rf"\b(?:might|may|could)\s+be\s+{_ITEM}({TIGHT})"),
    Wording(
        "right",
        "除了A都错",
        rf"除了?\s*{_ITEM}({TIGHT})(?:选?项)?(?:之外|以外|外)?,?(?:其[余他它])?(?:选项)?(?:都|均|全){_WRONG}",
    ),
    Wording("wrong", "A、C、D都错", rf"({LISTED}|{RUN}){_ALL}{_TAIL}{_WRONG}"),
    Wording("wrong", "A错", rf"({TIGHT}){_TAIL}{_WRONG}"),
    Wording(
        "wrong",
        "不是A",
        rf"(?:不(?:应该?|能|会|可能)?(?:是|选择?|为)|并非|而非|别选|非|排除了?|除了?)\s*{_ITEM}({TIGHT})",
    ),
    Wording(
        "wrong",
        "not A",
        rf"\b(?:[Nn]ot|[Nn]either|nor|rather than|instead of|cannot)\s+(?:(?:be|choose|pick)\s+)?{_ITEM}({TIGHT})",
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
        rf"(?:(?<!错误)(?<!错误的)答案\]?|(?:正确|最终)(?:的)?(?:选项|选择))\s*(?:应该?|就|只能|最终)?(?:是|为|选|:|=)*\s*{_ITEM}{ANY}",
    ),
    Wording("final", "答A", rf"^\s*(?:答|回答)\s*:\s*{_ITEM}{ANY}"),
    Wording("final", "选A", rf"(?<![不别可能挑])选(?!项)(?:择|定|了)?\s*(?:的?是|为|:)?\s*{_ITEM}{ANY}"),
    Wording("final", "应该是A", rf"(?:应该?|必须|只能|肯定|确定|结论)\s*(?:是|为|:)\s*{_ITEM}{ANY}"),
    Wording("final", "改为A", rf"(?:改[为成选]|更正[为:]?)\s*{_ITEM}{ANY}"),
    Wording(
        "final",
        "the answer is A",
        rf"\b(?:[Aa]nswer|ANSWER|(?:correct|right|best|final)\s+(?:option|choice|one))s?\s*"
        rf"(?:(?:is|are|would be|should be|must be|:|=)\s*)+{_ITEM}{ANY}",
    ),
    Wording(
        "final", "所以A", rf"(?:因此|所以|故|\b(?:[Tt]herefore|[Ss]o|[Tt]hus|[Hh]ence)\b),?\s*是?{_ITEM}({TIGHT}){_END}"
    ),
    Wording(
        "final", "I choose A", rf"\b(?:[Cc]hoos\w*|chose|[Pp]ick\w*|[Ss]elect\w*|go(?:ing)? with|go for)\s+{_ITEM}{ANY}"
    ),
    Wording("final", "it must be A", rf"\b(?:[Ii]ts|[Ii]t is|must be|should be|would be)\s+{_ITEM}({TIGHT}){_END}"),
    Wording("final", "not A but B", rf"\bbut\s+(?:rather\s+|is\s+)?{_ITEM}({TIGHT}){_END}"),
    Wording(
        "right",
        "正确的是A",
        rf"(?<!不)(?:正确|对|符合|恰当|合适|可能)的?(?:选项|说法|描述|一项|诊断)?(?:应该?|就|只有)?(?:是|为|有|:)+\s*{_ITEM}{ANY}",
    ),
    Wording("right", "只有A", rf"(?:只有|只剩下?|剩下的?(?:是|只有)?|唯有|仅有|[Oo]nly)\s*{_ITEM}({TIGHT})"),
    Wording("right", "是A", rf"(?:[,;。]|而|才|就|反而|[,;。]\s*而)是\s*{_ITEM}({TIGHT})"),
    Wording("right", "我认为是A", rf"(?:认为|觉得|感觉|考虑|判断)(?:是|为|选|应该是|:)?\s*{_ITEM}({TIGHT}){_END}"),
    Wording("right", "A都对", rf"({LISTED}|{RUN}){_ALL}{_TAIL}{_RIGHT}"),
    Wording("right", "A对", rf"({TIGHT}){_TAIL}{_RIGHT}"),
    Wording("right", "A is right", rf"({TIGHT})\s*(?:option|choice)?\s*{_IS_RIGHT}"),
)

# A reply that is nothing but the answer. Group 1 is the lead, group 2 the letters, group 3 perhaps the option's text.
_ZH_LEAD = (
    r"(?:(?:所以|因此|故|综上(?:所述)?|最终|最后|更正|好的|我(?:认为|觉得|的)|本题|那么)[,:]?\s*)*"
    r"(?:(?:正确|最佳|参考|标准|最终)?的?(?:答案|选项)\s*(?:应该?)?[是为选]?|(?:应该?|我|故)?选择?的?是?|正确的是|回?答(?=\s*:))"
)
_EN_LEAD = (
    r"(?i:(?:so|therefore|thus|hence|i think)?,?\s*(?:(?:the|my)\s+)?(?:final\s+|correct\s+|right\s+|best\s+)*"
    r"(?:answer|choice|option)(?:\s+is|\s+should\s+be)?)"
)
_SINGLE = r"[(\[]?[A-Za-z](?![A-Za-z])[)\]]?"
_LIST = rf"{_SINGLE}(?:(?: ?[,、;/&+] ?|\s|(?: ?(?:和|与|及|以及|and) ?)){_SINGLE}){{0,25}}|[A-Z]{{2,26}}(?![A-Za-z])"
STRICT = re.compile(
    rf"\[?\s*({_ZH_LEAD}|{_EN_LEAD})?\s*\]?\s*[:=]?\s*(?:选项|(?i:options?)\s)?[(\[]?\s*({_LIST})\s*[)\]]?"
    r"(?:\s*选?项)?(?:[.。:,;、)]?\s*\]?[.。!]?|[.:、)\]]?\s*(\S[^\n]*))",
)

# Where a letter is part of a term and names no option.
TERMS = re.compile(
    r"(?<=维生素)\s*[A-Z]|(?<=抗)[A-Z]|(?<=肝炎病毒)[A-Z]|(?<![A-Za-z])[A-Z](?=\s*[-－]?(?:超|型|族|群|组抗|组链|链球|级|波|线(?!索)|链|细胞|淋巴"
    r"|反应蛋白|肽|抗原|蛋白|期))|(?<=[Vv]itamin )[A-Z]|(?<=[Hh]epatitis )[A-Z]|\b[A-Z](?= cell| wave)"
)
# A base model that goes on asking itself has answered before.
NEXT_QUESTION = re.compile(r"\n\s*(?:问题|题目|下一题|[Qq]uestion|Q\s*\d*\s*:|\d+[.、]\s*(?:下列|以下))")
# The question asks for what is wrong, so that "C is wrong" is the answer.
ASKS_FOR_WRONG = re.compile(
    r"错误的|不正确|不对的|不属于|不包括|不是|不符合|不恰当|不宜|不应|除外|除.{0,12}外|有误"
    r"|\b(?:EXCEPT|except|NOT|not|incorrect|false|wrong|least)\b"
)
HEDGE = re.compile(r"或|还是|\bor\b|就是")
RETRACTION = re.compile(
    r"不[对是][,。!]|更正|等等|等一下|重新|但|然而|不过|\b(?:[Ww]ait|[Aa]ctually|[Hh]owever|[Bb]ut|[Cc]orrection|no)\b"
)
EVERYTHING = re.compile(
    r"^(?:答案|应该?)?[:是为]*\s*(?:全选|全部(?:都)?(?:正确|对|选)|(?:以上)?(?:[四五]个)?(?:选项)?(?:都|全|均)(?:是|对|正确|选|符合))|"
    r"^[Aa]ll of (?:the above|them)",
    re.MULTILINE,
)
MENTION = re.compile(rf"({_LETTER})")
LEADING = re.compile(rf"\s*{ANY}(?=\s*(?:[.:、,。)\]!]|选?项|\n(?!\s*[A-Z]\b)|$))")
LABELLED = re.compile(r"(?:^|[\s。.;,])([A-Z])\s*:")
LISTED_OPTION = re.compile(r"^\s*[(\[]?([A-Z])[)\]]?\s*[.:、)]\s*(.+?)\s*$", re.MULTILINE)
NEGATION = re.compile(r"(?:不|非|无|没|排除|除了?|\bnot\b|\bno\b)[^,。.;\n]{0,6}$")
