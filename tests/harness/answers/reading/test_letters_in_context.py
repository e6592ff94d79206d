"""Letters by what stands around them: names of which they are a part, lists, exceptions, questions, ranks."""

import pytest

from harness.answers.choice import Choice
from harness.records.inputs import Sample

PLAIN = ("心电图", "胸部平片", "腹腔镜", "活检", "骨髓穿刺")
PLAIN_ENGLISH = ("ECG", "ultrasound", "MRI", "biopsy", "laparoscopy")

# A letter right behind a word that announces no answer is a part of a name, in no list of names that is ever complete.
NO_CHOICE = [
    "血友病A", "血友病B", "细胞色素C", "细胞色素C氧化酶", "麻醉药品A", "Rh(D)阳性", "A带", "Aδ纤维", "E选择素", "E钙黏蛋白",
    "D值", "A:G比值", "A/G倒置", "E/e'升高", "A酸", "E·coli", "没有B选项", "是B吗", "B?", "A、C?", "非A即C", "DEAD",
    "hemophilia A", "Haemophilia B is X-linked", "hemoglobin C disease", "Hb A", "cytochrome C", "mitomycin C", "strain B",
    "actinomycin D", "cluster B personality disorder", "antigen D", "Rh D", "Plan B", "toxin A and B", "enterotoxin B",
    "serogroup C", "clade B", "genotype C", "apolipoprotein E", "cyclin D", "granzyme B", "endothelin B receptor",
    "Medicare Part D", "Criterion A is not met", "zone A", "Criteria A and B", "Appendix B", "Dr. A. B. Smith", "C. G. Jung",
    "B positive", "C spine injury", "B subunit", "A. fib", "E. g. an infection", "A. niger", "B. subtilis", "A vs C",
    "Is it B?", "B can't be right", "Do not select B", "I would never choose B", "It depends: A if stable, B if not",
    "A 45-year-old man with pain", "A CT scan would delay care",
]  # fmt: skip

# (reply, letter)
CHOSEN = [
    ("患者血友病A，故选B", "B"),
    ("检查细胞色素C后，答案为B", "B"),
    ("ABO血型不合，选B", "B"),
    ("A？不对，B", "B"),
    ("看似A，实为B", "B"),
    ("答案很可能是B", "B"),
    ("首选B，其次选C", "B"),
    ("倾向于B", "B"),
    ("很明显B正确", "B"),
    ("A药无效，B正确", "B"),
    ("ans: b", "B"),
    ("OK: B", "B"),
    ("A? No, B", "B"),
    ("A: B", "B"),
    ("A, C, D and E are wrong", "B"),
    ("A, C, D, and E can be ruled out.", "B"),
    ("In type A dissection, the best choice is B.", "B"),
    ("Because group A strep is suspected, B is correct.", "B"),
    ("Protein C is low; therefore B", "B"),
    ("I vote B", "B"),
    ("By exclusion B remains", "B"),
    ("That leaves us with B", "B"),
]

# (reply, letters) where several are asked for
SEVERAL = [
    ("以上全部正确", "ABCDE"),
    ("除去C都对", "ABDE"),
    ("唯一错误的是C", "ABDE"),
    ("AC（不含B）", "AC"),
    ("符合题意的是A和C", "AC"),
    ("正确的选项包括A、C、E", "ACE"),
    ("AC 解析：B错误", "AC"),
    ("我觉得A和C比较好", "AC"),
    ("所以A和C最合适", "AC"),
    ("B不能选，A、C可以选", "AC"),
    ("AC为本题答案", "AC"),
    ("A,B,D对;C,E错", "ABD"),
    ("首选A，其次选C", "AC"),
    ("答案（多选）：A、C", "AC"),
    ("答案有两个：A和C", "AC"),
    ("A、C皆可", "AC"),
    ("除A、B外，其余三项均正确", "CDE"),
    ("\\boxed{A}, \\boxed{C}", "AC"),
    ('```json\n["A", "C"]\n```', "AC"),
    ("C is the only wrong one", "ABDE"),
    ("The only incorrect option is C.", "ABDE"),
    ("B is false; everything else is true", "ACDE"),
    ("All of these but E", "ABCD"),
    ("A, C – B is wrong", "AC"),
    ("A, C (B, D, E are incorrect)", "AC"),
    ("A and C (but not B, D, or E)", "AC"),
    ("A and C rather than B", "AC"),
    ("A - correct\nB - incorrect\nC - correct", "AC"),
    ("A) correct\nB) wrong\nC) correct", "AC"),
    ("True: A, C. False: B, D, E.", "AC"),
    ("Just A and C", "AC"),
    ("The correct answers are A and C; B, D and E are distractors.", "AC"),
    ("Correct answers include A and C", "AC"),
    ("The following options are correct: A, C, E", "ACE"),
    ("A, B and D should be chosen", "ABD"),
    ("B, D, and E can be ruled out, leaving A and C.", "AC"),
    ("A, as well as C", None),
    ("A; also C", None),
    ("A，另外C", None),
    ("A together with C", None),
]


def read(reply: str, *, multiple: bool = False) -> tuple[str | None, str | None]:
    options = PLAIN_ENGLISH if reply.isascii() else PLAIN
    sample = Sample(id="1", task="t", input="应当考虑哪一项？", targets=("A",), options=options)
    reading = Choice(multiple=multiple).read(sample, reply)
    return reading.answer, reading.lenient


@pytest.mark.parametrize("reply", NO_CHOICE)
def test_a_letter_of_a_name_or_a_question_is_no_choice(reply: str) -> None:
    assert read(reply) == (None, None)


@pytest.mark.parametrize(("reply", "letter"), CHOSEN)
def test_a_letter_that_the_reply_gives_as_its_answer(reply: str, letter: str) -> None:
    assert read(reply)[1] == letter


@pytest.mark.parametrize(("reply", "letters"), SEVERAL)
def test_several_letters_are_read_whole_or_not_at_all(reply: str, letters: str | None) -> None:
    answer, lenient = read(reply, multiple=True)
    assert lenient == letters
    assert answer in (None, letters)


def test_a_letter_beside_the_text_of_another_option_leaves_doubt() -> None:
    assert read("A（胸部平片）")[0] is None
    assert read("B（胸部平片）") == ("B", "B")
