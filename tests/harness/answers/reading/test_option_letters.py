"""The extraction table: hand-made replies beside what a strict and a lenient reader must make of them."""

import pytest

from harness.answers.choice import Choice
from harness.records.inputs import Sample

OPTIONS = ("高血压", "糖尿病", "冠心病", "胃镜检查")
ENGLISH = ("hypertension", "diabetes mellitus", "an abdominal CT", "gastroscopy")


def sample(question: str = "该患者首先考虑什么？", options: tuple[str, ...] = OPTIONS) -> Sample:
    return Sample(id="1", task="t", input=question, targets=("A",), options=options)


# reply, strict, lenient
CHINESE = [
    # nothing but the letter, however it is wrapped
    ("B", "B", "B"),
    (" B \n", "B", "B"),
    ("b", "B", "B"),
    ("B.", "B", "B"),
    ("B。", "B", "B"),
    ("（B）", "B", "B"),
    ("【C】", "C", "C"),
    ("「D」", "D", "D"),
    ("Ｂ", "B", "B"),
    ("ｃ", "C", "C"),
    ("Ⓒ", "C", "C"),
    ("🅱️", "B", "B"),
    ("**B**", "B", "B"),
    ("`D`", "D", "D"),
    ("B选项", "B", "B"),
    ("选项B", "B", "B"),
    ("选B", "B", "B"),
    ("选择C。", "C", "C"),
    ("应选A", "A", "A"),
    ("故选D。", "D", "D"),
    ("答案：B", "B", "B"),
    ("答案是 B。", "B", "B"),
    ("答案为：（C）", "C", "C"),
    ("正确答案：Ａ", "A", "A"),
    ("**正确答案：** D", "D", "D"),
    ("因此，答案是C。", "C", "C"),
    ("答：A", "A", "A"),
    ("正确的是C", "C", "C"),
    ("我认为选B", "B", "B"),
    ("\\boxed{B}", "B", "B"),
    ("$\\boxed{\\text{C}}$", "C", "C"),
    ('{"答案": "B"}', "B", "B"),
    # the letter with its option's own text
    ("B. 糖尿病", "B", "B"),
    ("D、胃镜检查。", "D", "D"),
    ("答案：C. 冠心病", "C", "C"),
    # reasoning does not count
    ("<think>A看起来不错，选A吧。</think>答案：C", "C", "C"),
    ("先看A，再看B。</think>\n\nD", "D", "D"),
    ("<think>应该选A，但是", None, None),
    ("<think>选A</think>", None, None),
    # an announced answer on a line of its own beside an explanation
    ("答案：B\n解析：患者多饮多尿，A和C不支持。", "B", "B"),
    ("患者空腹血糖升高，符合诊断标准。\n答案：B", "B", "B"),
    ("B\n\n解析：血糖升高。", "B", "B"),
    ("B\n\n问题：下列哪项正确？\nA. 甲\nB. 乙\n答案：C", "B", "B"),
    # announced one, concluded another
    ("答案：A\n不对，更正一下，应该是C。", None, "C"),
    ("答案：A\n答案：B", None, "B"),
    # free prose
    ("A、C、D都错，只有B是对的", None, "B"),
    ("A，C，D均不正确，故选B项为宜", None, "B"),
    ("不是A，是B", None, "B"),
    ("不选A，而是选D。", None, "D"),
    ("本题答案不是A，而是C。", None, "C"),
    ("这道题的正确答案应该是D，因为需要看到黏膜。", None, "D"),
    ("根据症状，我觉得是B吧", None, "B"),
    ("B选项是正确的，其余都不对。", None, "B"),
    ("A项错误，B项正确，C项错误，D项错误。", None, "B"),
    ("只剩下C符合题意", None, "C"),
    ("除了B都不对", None, "B"),
    ("A是血压问题，B是血糖问题，本题问血糖，因此B", None, "B"),
    ("正确答案：B\n错误答案：A", "B", "B"),
    ("【答案】C", "C", "C"),
    ("【答案】C【解析】胸痛与活动有关", None, "C"),
    ("C是对的吗？不是。D才对。", None, "D"),
    ("答案不是B", None, None),
    ("可以排除A和B，D也不考虑，剩下C。", None, "C"),
    ("排除A、B、D。", None, "C"),
    ("A不对，C不对，D也不对", None, "B"),
    ("A错了吗？A没错，选A。", None, "A"),
    ("我先选了A，后来想想不对，应该选C。", None, "C"),
    ("虽然A和B都有可能，但最可能的是D。", None, "D"),
    ("综合考虑，最佳选项为B", None, "B"),
    ("选项A是血压问题，选项B是血糖问题，故答案选B。", None, "B"),
    ("A. 高血压\nB. 糖尿病\nC. 冠心病\nD. 胃镜检查\n答案：D", "D", "D"),
    ("A. 错误\nB. 正确\nC. 错误\nD. 错误", None, "B"),
    ("C，因为胸痛在活动后出现", None, "C"),
    ("答案：B（糖尿病），理由是血糖高", None, "B"),
    # the option's text in place of its letter
    ("糖尿病", None, "B"),
    ("胃镜检查。", None, "D"),
    ("应当首先考虑冠心病。", None, "C"),
    ("不是糖尿病。", None, None),
    ("高血压或者糖尿病都有可能", None, None),
    # letters that are parts of terms
    ("需要补充维生素C。", None, None),
    ("建议先做B超再说", None, None),
    ("体温39℃，心电图T波倒置", None, None),
    ("维生素B缺乏，选D", None, "D"),
    ("心功能Ⅱ级，Ⅴ导联异常", None, None),
    # no single answer
    ("AC", None, None),
    ("A、C", None, None),
    ("答案：A和B", None, None),
    ("A或B", None, None),
    ("A\nB\nC", None, None),
    ("A. 高血压\nC. 冠心病", None, None),
    ("答案是A或者C", None, None),
    ("不是A就是B", None, None),
    ("可能是A，也可能是B", None, None),
    ("A正确，C也正确", None, None),
    ("A和B都有道理", None, None),
    ("E", None, None),
    ("答案：F", None, None),
    ("无法确定", None, None),
    ("", None, None),
    ("   \n", None, None),
    ("以上都不对", None, None),
]

ENGLISH_REPLIES = [
    ("The answer is B", "B", "B"),
    ("the correct answer is: (C).", "C", "C"),
    ("Answer: D", "D", "D"),
    ("ANSWER: A", "A", "A"),
    ("Final answer: **A**", "A", "A"),
    ("(b)", "B", "B"),
    ("Option C", "C", "C"),
    ("So the answer is C.", "C", "C"),
    ("B) diabetes mellitus", "B", "B"),
    ("The answer is A because the pressure is high.", None, "A"),
    ("The answer is not A but C.", None, "C"),
    ("not A but C", None, "C"),
    ("A is wrong and B is correct.", None, "B"),
    ("A, C and D are incorrect, only B fits.", None, "B"),
    ("It isn't A. It must be D.", None, "D"),
    ("I would choose option D here.", None, "D"),
    ("We can rule out A, B and C.", None, "D"),
    ("I first picked A. Wait, the sugar is high, so the answer is B.", None, "B"),
    ("A patient like this needs rest.", None, None),
    ("A patient like this needs gastroscopy.", None, "D"),
    ("I think a second opinion helps.", None, None),
    ("The answer is a patient-centred plan.", None, None),
    ("Either A or B", None, None),
    ("My answer is B", "B", "B"),
    ("The answer cannot be A.", None, None),
    ("It could be A, but B is more likely.", None, "B"),
    ("A: no. B: yes.", None, None),
    ("gastroscopy", None, "D"),
    ("Give vitamin C and rest.", None, None),
    ("I don't know.", None, None),
]

MULTIPLE = [
    ("AC", "AC", "AC"),
    ("CA", "AC", "AC"),
    ("A、C", "AC", "AC"),
    ("A, C", "AC", "AC"),
    ("A C D", "ACD", "ACD"),
    ("Ａ、Ｃ", "AC", "AC"),
    ("答案：ABD。", "ABD", "ABD"),
    ("答案：A，C", "AC", "AC"),
    ("选A和C", "AC", "AC"),
    ("The answer is A and C", "AC", "AC"),
    ("B", "B", "B"),
    ("A. 高血压\nC. 冠心病", "AC", "AC"),
    ("<think>A、B、C？B不行</think>A、C", "AC", "AC"),
    ("A、C正确，B、D错误", None, "AC"),
    ("A对，B错，C对，D错", None, "AC"),
    ("正确的有A、B、D，因为C与题干无关", None, "ABD"),
    ("以上都对", None, "ABCD"),
    ("全选", None, "ABCD"),
    ("答案是A或C", None, None),
    ("ACE", None, None),
]

# (question, reply, strict, lenient): the question asks for the wrong one
REVERSED = [
    ("下列说法错误的是", "错误的是C", None, "C"),
    ("下列哪项不正确？", "A、B、D都正确，C错误", None, "C"),
    ("关于糖尿病，不正确的是", "B选项说法错误，其余正确。", None, "B"),
    ("下列各项不属于并发症的是", "答案：D", "D", "D"),
    ("All of the following are true EXCEPT", "B is false, the others are true.", None, "B"),
]

BLOOD = ("B", "A", "AB", "O")
ELEMENTS = ("C", "N", "O", "H")
IMAGING = ("CT", "MRI", "X线", "B超")

# options, reply, strict, lenient: the options' texts are letters themselves
LETTERS_AS_TEXT = [
    (BLOOD, "A", "A", "A"),
    (BLOOD, "b", "B", "B"),
    (BLOOD, "（A）", "A", "A"),
    (BLOOD, "答案：B", "B", "B"),
    (BLOOD, "A. B", "A", "A"),
    (BLOOD, "答案：C. AB", "C", "C"),
    (BLOOD, "D. O", "D", "D"),
    (BLOOD, "C. O", None, "C"),  # the letter with another option's text
    (BLOOD, "O", None, None),
    (BLOOD, "AB", None, None),
    (BLOOD, "A. B\nB. A\nC. AB\nD. O\n答案：B", "B", "B"),
    (ELEMENTS, "C", "C", "C"),
    (ELEMENTS, "答案是A。", "A", "A"),
    (ELEMENTS, "A. C", "A", "A"),
    (IMAGING, "CT", None, "A"),  # T is no option's letter: a text like any other
    (IMAGING, "首选MRI检查", None, "B"),
    (("good", "bad", "fair", "none"), "bad", None, "B"),  # a word, not the letters BAD
]


def check(reply: str, strict: str | None, lenient: str | None, multiple: bool, question: Sample) -> None:
    reading = Choice(multiple=multiple).read(question, reply)
    assert (reading.answer, reading.lenient) == (strict, lenient), reading.reason
    assert (reading.answer is None) == (reading.reason is not None)


@pytest.mark.parametrize(("reply", "strict", "lenient"), CHINESE)
def test_chinese_replies(reply: str, strict: str | None, lenient: str | None) -> None:
    check(reply, strict, lenient, False, sample())


@pytest.mark.parametrize(("reply", "strict", "lenient"), ENGLISH_REPLIES)
def test_english_replies(reply: str, strict: str | None, lenient: str | None) -> None:
    check(reply, strict, lenient, False, sample("What comes first?", ENGLISH))


@pytest.mark.parametrize(("reply", "strict", "lenient"), MULTIPLE)
def test_several_letters(reply: str, strict: str | None, lenient: str | None) -> None:
    check(reply, strict, lenient, True, sample("正确的有哪些？"))


@pytest.mark.parametrize(("question", "reply", "strict", "lenient"), REVERSED)
def test_questions_for_the_wrong_option(question: str, reply: str, strict: str | None, lenient: str | None) -> None:
    options = ENGLISH if question.isascii() else OPTIONS
    check(reply, strict, lenient, False, sample(question, options))


@pytest.mark.parametrize(("options", "reply", "strict", "lenient"), LETTERS_AS_TEXT)
def test_options_that_are_letters(
    options: tuple[str, ...], reply: str, strict: str | None, lenient: str | None
) -> None:
    check(reply, strict, lenient, False, sample("血型是？", options))
