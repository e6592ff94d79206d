"""Replies that name several letters, and replies that must not be guessed at: expected readings beside each."""

import pytest

from harness.answers.choice import Choice
from harness.records.inputs import Sample

OPTIONS = ("高血压", "糖尿病", "冠心病", "胃镜检查")
ENGLISH = ("hypertension", "diabetes mellitus", "an abdominal CT", "gastroscopy")

# Nothing but the answer, or an answer and a bracket that rejects the rest: strict and lenient are one.
PLAIN = [
    # English lists
    ("A, B, and C", "ABC"),
    ("A, B and D", "ABD"),
    ("A, B, C, and D.", "ABCD"),
    ("A and C", "AC"),
    ("A & C", "AC"),
    ("A + C", "AC"),
    ("Options A and C", "AC"),
    ("options B, C and D", "BCD"),
    ("Option A and option C", "AC"),
    ("Choices A, D", "AD"),
    ("Options: A, C", "AC"),
    ("Answers: A, C", "AC"),
    ("Answer(s): A, C", "AC"),
    ("**Answers:** A, C", "AC"),
    ("The answers are A, C, and D.", "ACD"),
    ("Correct answers: A and B", "AB"),
    ("The correct options are B and D.", "BD"),
    ("My answers: b, c", "BC"),
    ("Final answers: A, C.", "AC"),
    ("The correct answers are (A), (B) and (D).", "ABD"),
    ("Both A and C", "AC"),
    ("A and C only", "AC"),
    ("AB and D", "ABD"),
    # Chinese lists
    ("A选项和C选项", "AC"),
    ("A选项、B选项和D选项", "ABD"),
    ("A项和C项", "AC"),
    ("选项A和选项C", "AC"),
    ("选A项、D项", "AD"),
    ("A、C选项", "AC"),
    ("A、C两项", "AC"),
    ("ABD三项", "ABD"),
    ("AB和D", "ABD"),
    ("AB、D", "ABD"),
    ("A和CD", "ACD"),
    ("答案：AB，D", "ABD"),
    ("BC及D", "BCD"),
    ("本题选ABD。", "ABD"),
    ("正确的有A、C", "AC"),
    ("正确的选项有A、B和D。", "ABD"),
    ("答案应为A、C项。", "AC"),
    ("A、B以及D", "ABD"),
    # lower case
    ("ac", "AC"),
    ("abd", "ABD"),
    ("答案：ac", "AC"),
    ("答案：bd。", "BD"),
    ("Answer: acd", "ACD"),
    ("a、b、d", "ABD"),
    ("ａｃ", "AC"),
    # full width, brackets, bold
    ("Ａ、Ｃ", "AC"),
    ("ＡＣ", "AC"),
    ("ＡＢ和Ｄ", "ABD"),
    ("（A）（C）", "AC"),
    ("【A】【C】", "AC"),
    ("(A) and (D)", "AD"),
    ("**A**、**C**", "AC"),
    ("**A**, **B**, and **C**", "ABC"),
    ("「A」和「C」", "AC"),
    ("\\boxed{A, C}", "AC"),
    ("答案：【AC】", "AC"),
    ("答案：（A）、（C）", "AC"),
    ('{"answer": ["A", "C"]}', "AC"),
    ("A.C", "AC"),
    # a bracket that rejects others
    ("答案：AC（B不对）", "AC"),
    ("答案：A、C（B、D错误）", "AC"),
    ("答案是ABD（C项不符合题意）", "ABD"),
    ("AC（排除B、D）", "AC"),
    ("选AC(不选B)", "AC"),
    ("**答案：AC**（B不对）", "AC"),
    ("A, C (not B or D)", "AC"),
    ("A and D (B and C are wrong)", "AD"),
    ("Answer: A, C (B is incorrect)", "AC"),
    # exceptions
    ("除C外均正确", "ABD"),
    ("除C以外都对", "ABD"),
    ("除了B，其余都正确。", "ACD"),
    ("除A、D外全选", "BC"),
    ("除A、D两项外，其余均正确", "BC"),
    ("除Ｃ项外均正确", "ABD"),
    ("C除外，其余都选", "ABD"),
    ("All except B", "ACD"),
    ("All of the options except C are correct.", "ABD"),
    ("Everything but D", "ABC"),
    ("All of the above except A and B", "CD"),
    # what is not seen
    ("\u200eA、\u200fC\u202c", "AC"),
    ("\ufeffA and\u200b C", "AC"),
    # on lines, and with the options' own texts
    ("答案：\nA. 高血压\nC. 冠心病", "AC"),
    ("正确答案是：\n- A\n- C", "AC"),
    ("### 答案\nAC", "AC"),
    ("A选项和D选项\n\n解析：B、C与题干不符。", "AD"),
    ("A. 高血压、C. 冠心病", "AC"),
    ("A高血压，C冠心病", "AC"),
    ("A（高血压）和C（冠心病）", "AC"),
    ("高血压（A）、冠心病（C）", "AC"),
    ("A. 高血压\nB. 糖尿病", "AB"),
    ("A、高血压；B、糖尿病；D、胃镜检查", "ABD"),
]

# Free prose: strict reads nothing
PROSE = [
    ("AC，因为B和D与题干不符", "AC"),
    ("A、C。B项错误，故不选。", "AC"),
    ("A, C because B is wrong", "AC"),
    ("The answer is A, C because B is wrong.", "AC"),
    ("I would choose A, B, and D here.", "ABD"),
    ("A and C are correct, B and D are wrong", "AC"),
    ("A, C, and D are all correct.", "ACD"),
    ("A√ B× C√ D×", "AC"),
    ("A正确；B错误；C正确；D错误。", "AC"),
    ("A（正确）B（错误）C（正确）D（错误）", "AC"),
    ("A: true\nB: false\nC: true\nD: false", "AC"),
    ("只有B不对", "ACD"),
    ("Only C is wrong.", "ABD"),
    ("B错误，其余都正确", "ACD"),
    ("B is wrong; the others are correct", "ACD"),
    ("C、D两项错误，其余选项均正确。", "AB"),
    ("正确的是A、C和D，B说法错误", "ACD"),
    ("本题应选A和C，不选B、D", "AC"),
    ("综上，A、C符合题意。", "AC"),
    ("A和C都应选", "AC"),
    ("因此除B外均为正确选项", "ACD"),
    ("All of the statements are true except D, which confuses the two.", "ABC"),
    ("患者血压高，选A；又有胸痛，也选C。", "AC"),
    ("I would pick A. I would also pick D.", "AD"),
    ("答案是AB和D，C与题干无关。", "ABD"),
    ("综合考虑，选A选项和C选项比较合适", "AC"),
    ("高血压和冠心病", "AC"),
    ("A至C都正确", "ABC"),
    ("A and C, not B", "AC"),
    ("A、C，B除外", "AC"),
    ("I think A, B and D.", "ABD"),
    ("Therefore, A, C and D.", "ACD"),
    ("A. 正确 B. 错误 C. 正确 D. 错误", "AC"),
    ("A=true, B=false, C=true", "AC"),
    ("C先排除，剩下的都对", "ABD"),
    ("不选C，其余都选", "ABD"),
    ("A, C是对的", "AC"),
    ("A is right and so is C", "AC"),
    ("除了A和B以外，其余选项都是正确的", "CD"),
    ("A到D全对", "ABCD"),
]

# Nothing certain: neither reading
OPEN = [
    "A或C",
    "A或C，不确定",
    "AC或AD",
    "A and/or C",
    "选A或选C",
    "AC/AD",
    "答案为B、C中的一个",
    "A、C还是D？",
    "A or C",
    "Either A and C or B and D",
    "可能是A和C，也可能是B和D",
    "不是A和C",
    "not A and C",
    "ACE",
    "A, C, and F",
    "bad",
    "A bad case",
    "It is a cad.",
    "以上都不对",
    "None of the above",
    "A-C",
    "答案：AC？不，AD",
    "It depends on the case",
    "A和C之间难以取舍",
    "A、C（C不确定）",
    "A. 高血压\nB. 糖尿病\nC. 冠心病\nD. 胃镜检查",
    "A. hypertension, B. gastritis",
    "答案是AC还是AD？",
    "除了C",
    "1和3",
    "A, C look plausible to many",
    "D-dimer and C-reactive protein",
    "维生素A和维生素D",
]

# (reply, strict, lenient) where one letter is asked for
SINGLE = [
    ("A选项和C选项", None, None),
    ("AB和D", None, None),
    ("Options A and C", None, None),
    ("A, B, and C", None, None),
    ("Answers: A, C", None, None),
    ("A.C", None, None),
    ("A, C because B is wrong", None, None),
    ("ac", None, None),
    ("除C外均正确", None, None),
    ("All except B", None, None),
    ("除C外均错误", None, "C"),
    ("All except B are wrong.", None, "B"),
    ("答案：A（B不对）", "A", "A"),
    ("B (not A or C)", "B", "B"),
    ("答案：A（B也可能）", None, "A"),
    ("答案是A，B、C、D都错", None, "A"),
    ("The answer is A, B and C are wrong.", None, "A"),
    ("只有C不对", None, None),
    ("A、高血压", "A", "A"),
    ("选项C", "C", "C"),
    ("答案为A C D", None, None),
    ("[A] [C]", None, None),
    ("A，也可能C", None, "A"),
    ("答案是C，冠心病", "C", "C"),
    ("A：错误。B：正确。C：错误。D：错误。", None, "B"),
    ("高血压（A）", "A", "A"),
]

# (question, several letters asked for, reply, lenient)
ASKED_FOR_WRONG = [
    ("下列说法错误的是", False, "除C外均正确", "C"),
    ("下列说法错误的有", True, "除A、C外均正确", "AC"),
    ("不正确的有哪些？", True, "A、C错误，B、D正确", "AC"),
    ("Which is NOT true?", False, "All except D are true.", "D"),
    ("下列各项不属于并发症的是", False, "除B外都属于", "B"),
]


def sample(reply: str, question: str | None = None) -> Sample:
    options = ENGLISH if reply.isascii() and "hyper" not in reply else OPTIONS
    return Sample(id="1", task="t", input=question or "正确的有哪些？", targets=("A",), options=options)


@pytest.mark.parametrize(("reply", "letters"), PLAIN)
def test_a_reply_that_is_nothing_but_letters(reply: str, letters: str) -> None:
    reading = Choice(multiple=True).read(sample(reply), reply)
    assert (reading.answer, reading.lenient, reading.reason) == (letters, letters, None)


@pytest.mark.parametrize(("reply", "letters"), PROSE)
def test_letters_in_prose_are_read_leniently(reply: str, letters: str) -> None:
    reading = Choice(multiple=True).read(sample(reply), reply)
    assert (reading.answer, reading.lenient) == (None, letters), reading.reason
    assert reading.reason is not None


@pytest.mark.parametrize("multiple", [True, False])
@pytest.mark.parametrize("reply", OPEN)
def test_what_is_not_certain_is_not_guessed(reply: str, multiple: bool) -> None:
    reading = Choice(multiple=multiple).read(sample(reply), reply)
    assert (reading.answer, reading.lenient) == (None, None)
    assert reading.reason is not None


@pytest.mark.parametrize(("reply", "strict", "lenient"), SINGLE)
def test_several_letters_where_one_is_asked_for(reply: str, strict: str | None, lenient: str | None) -> None:
    reading = Choice().read(sample(reply, "该患者首先考虑什么？"), reply)
    assert (reading.answer, reading.lenient) == (strict, lenient), reading.reason


@pytest.mark.parametrize(("question", "multiple", "reply", "lenient"), ASKED_FOR_WRONG)
def test_exceptions_where_the_wrong_is_asked_for(question: str, multiple: bool, reply: str, lenient: str) -> None:
    reading = Choice(multiple=multiple).read(sample(reply, question), reply)
    assert reading.lenient == lenient, reading.reason
