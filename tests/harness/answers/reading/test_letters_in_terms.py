"""Letters inside terms and names: no choices, unless the options' own texts say so."""

import pytest

from harness.answers.choice import Choice
from harness.records.inputs import Sample

PLAIN = ("心电图", "胸部平片", "腹腔镜", "活检", "骨髓穿刺")
PLAIN_ENGLISH = ("ECG", "ultrasound", "MRI", "biopsy", "laparoscopy")
SPECIES = ("S. aureus", "E. coli", "K. pneumoniae", "P. aeruginosa", "C. difficile")
FULL_NAMES = ("Staphylococcus aureus", "Escherichia coli", "Candida albicans", "Clostridioides difficile")
TESTS = ("血常规", "D-二聚体", "C反应蛋白", "B型钠尿肽")
ENGLISH_TESTS = ("chest X-ray", "D-dimer", "C-reactive protein", "troponin I")
VITAMINS = ("维生素C", "维生素A", "维生素D", "维生素B")
ENGLISH_VITAMINS = ("Vitamin D", "Vitamin C", "Vitamin B12", "Vitamin A")
GRADES = ("D级", "C级", "B级", "A级")
STAGES = ("Stage D", "Stage B", "Stage A", "Stage C")
BLOOD = ("O型", "A型", "B型", "AB型")
ENGLISH_BLOOD = ("type O", "type A", "type B", "type AB")
HEPATITIS = ("Hepatitis C", "Hepatitis A", "Hepatitis E", "Hepatitis B")
IMAGING = ("CT", "MRI", "X线", "B超")
DEFICIENCIES = ("夜盲症", "佝偻病", "坏血病", "脚气病")
IMMUNITY = ("T细胞", "B细胞", "抗体", "补体")

# No option speaks of the term: no choice
NO_CHOICE = [
    (PLAIN, "最可能的病原体是E. coli"),
    (PLAIN, "E. coli"),
    (PLAIN, "E.coli感染"),
    (PLAIN, "考虑C. difficile感染"),
    (PLAIN, "B. cereus食物中毒"),
    (PLAIN, "D-二聚体升高提示血栓"),
    (PLAIN, "D二聚体升高"),
    (PLAIN, "D－二聚体明显升高"),
    (PLAIN, "C-反应蛋白升高"),
    (PLAIN, "查C反应蛋白"),
    (PLAIN, "查B超"),
    (PLAIN, "缺乏维生素C"),
    (PLAIN, "维生素A、D缺乏"),
    (PLAIN, "维A酸治疗"),
    (PLAIN, "复合维生素B"),
    (PLAIN, "B族维生素缺乏"),
    (PLAIN, "辅酶A参与代谢"),
    (PLAIN, "两性霉素B治疗"),
    (PLAIN, "C期"),
    (PLAIN, "B级推荐"),
    (PLAIN, "Child-Pugh C级"),
    (PLAIN, "肝功能Child-Pugh分级为B"),
    (PLAIN, "Stanford A型夹层"),
    (PLAIN, "A型血"),
    (PLAIN, "血型为B"),
    (PLAIN, "A组β溶血性链球菌"),
    (PLAIN, "B类证据"),
    (PLAIN, "B淋巴细胞减少"),
    (PLAIN, "B细胞淋巴瘤"),
    (PLAIN, "IgA肾病"),
    (PLAIN, "糖化血红蛋白A1c"),
    (PLAIN, "C肽降低"),
    (PLAIN_ENGLISH, "E. coli"),
    (PLAIN_ENGLISH, "The organism is E. coli."),
    (PLAIN_ENGLISH, "E. faecalis grew in the culture"),
    (PLAIN_ENGLISH, "C. diff colitis"),
    (PLAIN_ENGLISH, "B. fragilis abscess"),
    (PLAIN_ENGLISH, "A. baumannii pneumonia"),
    (PLAIN_ENGLISH, "D-dimer is elevated"),
    (PLAIN_ENGLISH, "The D dimer is high."),
    (PLAIN_ENGLISH, "C reactive protein is raised"),
    (PLAIN_ENGLISH, "B cell lymphoma"),
    (PLAIN_ENGLISH, "B-type natriuretic peptide"),
    (PLAIN_ENGLISH, "Give vitamin D."),
    (PLAIN_ENGLISH, "Deficiency of vitamins A and D"),
    (PLAIN_ENGLISH, "Hepatitis B serology"),
    (PLAIN_ENGLISH, "hepatitis A, B, and C are viral"),
    (PLAIN_ENGLISH, "stage C disease"),
    (PLAIN_ENGLISH, "Stage B"),
    (PLAIN_ENGLISH, "Child-Pugh class B"),
    (PLAIN_ENGLISH, "blood type A"),
    (PLAIN_ENGLISH, "grade B evidence"),
    (PLAIN_ENGLISH, "Stanford Type A dissection"),
    (PLAIN_ENGLISH, "Group B streptococcus"),
    (PLAIN_ENGLISH, "influenza A"),
    (PLAIN_ENGLISH, "amphotericin B"),
    (PLAIN_ENGLISH, "protein C deficiency"),
    (PLAIN_ENGLISH, "C section"),
    (PLAIN_ENGLISH, "A D-dimer test"),
    (PLAIN_ENGLISH, "vitamin B complex"),
    (PLAIN_ENGLISH, "Stage: B"),
    (PLAIN_ENGLISH, "a raised E/A ratio"),
    (PLAIN_ENGLISH, "Dr. B"),
    (PLAIN_ENGLISH, "Robert A. Smith described it"),
    (PLAIN, "D-D二聚体"),
    (PLAIN, "用C臂透视"),
    (VITAMINS, "维生素E"),
    (VITAMINS, "维生素C或维生素D"),
    (FULL_NAMES, "C. perfringens"),
    (SPECIES, "C. albicans"),
    (BLOOD, "A型或B型"),
    (STAGES, "between stage A and stage B"),
    (ENGLISH_VITAMINS, "Vitamin E"),
]

# (options, reply, lenient): the text decides, or a letter that stands apart from the term
CHOSEN = [
    (SPECIES, "E. coli", "B"),
    (SPECIES, "e. coli", "B"),
    (SPECIES, "The most likely pathogen is E. coli.", "B"),
    (SPECIES, "答案：E. coli", "B"),
    (SPECIES, "C. difficile infection", "E"),
    (SPECIES, "E. coli, not C. difficile", "B"),
    (FULL_NAMES, "E. coli", "B"),
    (FULL_NAMES, "C. albicans", "C"),
    (FULL_NAMES, "It is C. difficile.", "D"),
    (TESTS, "D-二聚体", "B"),
    (TESTS, "应查D-二聚体", "B"),
    (TESTS, "查C反应蛋白", "C"),
    (TESTS, "B型钠尿肽", "D"),
    (ENGLISH_TESTS, "D-dimer", "B"),
    (ENGLISH_TESTS, "I would order a D-dimer.", "B"),
    (ENGLISH_TESTS, "Check the C-reactive protein.", "C"),
    (ENGLISH_TESTS, "Troponin I is the best test", "D"),
    (ENGLISH_TESTS, "C-reactive protein, not D-dimer", "C"),
    (VITAMINS, "维生素C", "A"),
    (VITAMINS, "维生素D缺乏", "C"),
    (VITAMINS, "补充维生素B。", "D"),
    (VITAMINS, "答案：维生素A", "B"),
    (VITAMINS, "不是维生素C，而是维生素D", "C"),
    (ENGLISH_VITAMINS, "Vitamin C", "B"),
    (ENGLISH_VITAMINS, "The patient lacks vitamin D.", "A"),
    (ENGLISH_VITAMINS, "vitamin B12", "C"),
    (DEFICIENCIES, "维生素C缺乏导致坏血病", "C"),
    (DEFICIENCIES, "缺维生素D，选B", "B"),
    (GRADES, "A级", "D"),
    (GRADES, "推荐为B级", "C"),
    (GRADES, "Child-Pugh C级", "B"),
    (STAGES, "Stage C", "D"),
    (STAGES, "This is stage A.", "C"),
    (STAGES, "stage b", "B"),
    (BLOOD, "A型", "B"),
    (BLOOD, "AB型", "D"),
    (BLOOD, "患者血型为B型", "C"),
    (BLOOD, "答案：A型", "B"),
    (BLOOD, "不是A型，是O型", "A"),
    (ENGLISH_BLOOD, "Type A", "B"),
    (ENGLISH_BLOOD, "blood type AB", "D"),
    (ENGLISH_BLOOD, "type B blood", "C"),
    (HEPATITIS, "Hepatitis B", "D"),
    (HEPATITIS, "This is hepatitis A.", "B"),
    (HEPATITIS, "hepatitis C virus infection", "A"),
    (IMAGING, "应选择CT", "A"),
    (IMAGING, "答案：B超", "D"),
    (IMAGING, "首选B超。", "D"),
    (IMAGING, "X线", "C"),
    (IMMUNITY, "主要由B细胞介导", "B"),
    (PLAIN, "患者感染E. coli，故选B。", "B"),
    (PLAIN, "C-反应蛋白升高，选A", "A"),
    (PLAIN, "D-二聚体升高，因此答案是C", "C"),
    (PLAIN_ENGLISH, "It's a type B lesion, so C.", "C"),
    (PLAIN_ENGLISH, "Hepatitis B is excluded. The answer is D.", "D"),
    (PLAIN_ENGLISH, "C. because the pain persists", "C"),
    (PLAIN_ENGLISH, "E. laparoscopy shows the lesion", "E"),
    (PLAIN, "B. 胸部平片最合适", "B"),
]

# (options, reply, letters): form leaves no doubt
LETTER = [
    (SPECIES, "E", "E"),
    (SPECIES, "B. E. coli", "B"),
    (SPECIES, "E. C. difficile", "E"),
    (TESTS, "答案：D", "D"),
    (TESTS, "B. D-二聚体", "B"),
    (VITAMINS, "C", "C"),
    (VITAMINS, "A. 维生素C", "A"),
    (GRADES, "A", "A"),
    (GRADES, "A. D级", "A"),
    (STAGES, "C", "C"),
    (BLOOD, "A. O型", "A"),
    (BLOOD, "答案：B", "B"),
    (HEPATITIS, "C. Hepatitis E", "C"),
    (IMMUNITY, "B. B细胞", "B"),
    (IMMUNITY, "C抗体", "C"),
]

# The question itself gives a letter as a name
NAMED = [
    ("药物A与药物B合用，应如何监测？", "药物A会升高血药浓度", None),
    ("A药与B药合用，应如何监测？", "B药抑制代谢，故选C", "C"),
    ("Drug A and drug B are given. What is needed?", "Drug A is metabolised first.", None),
    ("应如何处理？", "选B方案", "B"),
]

SEVERAL = [
    (VITAMINS, "维生素A和维生素D", "BC"),
    (TESTS, "D-二聚体和C反应蛋白", "BC"),
    (ENGLISH_TESTS, "D-dimer and C-reactive protein", "BC"),
    (SPECIES, "E. coli and C. difficile", "BE"),
    (BLOOD, "A型、B型", "BC"),
    (HEPATITIS, "hepatitis A, hepatitis B", "BD"),
    (VITAMINS, "维生素A、C", "AB"),
    (VITAMINS, "维生素A、B和D", "BCD"),
    (HEPATITIS, "hepatitis A and B", "BD"),
    (ENGLISH_VITAMINS, "Vitamins A and D", "AD"),
    (PLAIN, "维生素A、C", None),
    (PLAIN_ENGLISH, "hepatitis B and C", None),
    (VITAMINS, "答案：A、C（维生素C和维生素D）", "AC"),
]


def read(
    options: tuple[str, ...], reply: str, multiple: bool = False, question: str = "应当考虑哪一项？"
) -> tuple[str | None, str | None]:
    sample = Sample(id="1", task="t", input=question, targets=("A",), options=options)
    reading = Choice(multiple=multiple).read(sample, reply)
    return reading.answer, reading.lenient


@pytest.mark.parametrize("multiple", [False, True])
@pytest.mark.parametrize(("options", "reply"), NO_CHOICE)
def test_a_letter_in_a_term_is_no_choice(options: tuple[str, ...], reply: str, multiple: bool) -> None:
    assert read(options, reply, multiple) == (None, None)


@pytest.mark.parametrize(("options", "reply", "lenient"), CHOSEN)
def test_the_options_own_texts_decide(options: tuple[str, ...], reply: str, lenient: str) -> None:
    assert read(options, reply) == (None, lenient)


@pytest.mark.parametrize(("options", "reply", "letters"), LETTER)
def test_letters_beside_options_that_are_terms(options: tuple[str, ...], reply: str, letters: str) -> None:
    assert read(options, reply) == (letters, letters)


@pytest.mark.parametrize(("options", "reply", "lenient"), SEVERAL)
def test_several_terms(options: tuple[str, ...], reply: str, lenient: str | None) -> None:
    assert read(options, reply, multiple=True)[1] == lenient


@pytest.mark.parametrize(("question", "reply", "lenient"), NAMED)
def test_names_that_the_question_gives(question: str, reply: str, lenient: str | None) -> None:
    assert read(PLAIN, reply, question=question)[1] == lenient
