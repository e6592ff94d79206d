"""IMCS-V2-MRG and C-Eval: on hand-made files of their layouts, and their published counts on the real ones."""

import json
from collections import Counter
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.readers.parsing.subject_areas import areas, china_specific

PROMPT = "请总结：\n问诊对话历史：\n患者：宝宝咳嗽\n医生：几天了\n患者：两天\n说明：分六个章节。\n答："
REPORT = "报告如下：\n主诉：咳嗽两天。\n现病史：咳嗽，\n夜间重。\n辅助检查：。\n既往史：不详。\n建议：多饮水。"
FILLED = {
    "主诉": "咳嗽两天。",
    "现病史": "咳嗽，\n夜间重。",
    "辅助检查": "无",  # a bare full stop
    "既往史": "不详。",  # the annotators' own word is kept
    "诊断": "无",  # absent
    "建议": "多饮水。",
}
ORIGINAL = {
    "10001": {
        "self_report": "宝宝咳嗽。",
        "dialogue": [{"speaker": "医生", "sentence": "几天了"}, {"speaker": "患者", "sentence": "两天"}],
        "report": [{"主诉": "咳嗽两天", "诊断": "感冒"}, {"主诉": "咳嗽2天", "诊断": "感冒"}],
        "diagnosis": "感冒",
    }
}


def test_imcs_mrg_as_promptcblue_has_it(write, read):
    path = write("mrg.json", json.dumps([{"input": PROMPT, "target": REPORT, "task_dataset": "IMCS-V2-MRG"}]))
    sample = read("imcs_mrg", path=path).test[0]
    assert sample.id == "mrg:1"
    assert sample.input == "患者：宝宝咳嗽\n医生：几天了\n患者：两天"
    assert sample.targets == (json.dumps(FILLED, ensure_ascii=False),)
    assert dict(sample.meta) == {"task_dataset": "IMCS-V2-MRG", "promptcblue": PROMPT}


def test_imcs_mrg_original_has_two_targets(write, read, tmp_path):
    write("folder/IMCS-V2_dev.json", json.dumps(ORIGINAL, indent=2))
    write("folder/IMCS-V2_train.json", json.dumps({"10002": ORIGINAL["10001"]}))
    data = read("imcs_mrg", path=str(tmp_path / "folder"))
    sample = data.test[0]
    assert (sample.id, data.train[0].id) == ("10001", "10002")
    assert sample.input == "患者：宝宝咳嗽。\n医生：几天了\n患者：两天"
    nothing = dict.fromkeys(["主诉", "现病史", "辅助检查", "既往史", "诊断", "建议"], "无")
    assert [json.loads(target) for target in sample.targets] == [
        {**nothing, "主诉": "咳嗽两天", "诊断": "感冒"},
        {**nothing, "主诉": "咳嗽2天", "诊断": "感冒"},
    ]
    assert list(json.loads(sample.targets[0])) == list(nothing)  # the order of sections is the report's
    assert dict(sample.meta) == {"diagnosis": "感冒"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"input": PROMPT, "target": "没有报告"}], ":1: 'target' has none of the sections 主诉 现病史"),
        ([{"input": "没有对话", "target": REPORT}], ":1: 'input' holds no line that begins with"),
        ([{"input": PROMPT, "target": "主诉：咳嗽\n主诉：发热"}], ":1: 'target' has the section 主诉 twice"),
        ([{"question": "?"}], ":1: neither input and target (PromptCBLUE) nor dialogue and report"),
        ({"1": {"dialogue": [], "report": [{"主诉": "a"}]}}, ":1: 'dialogue' is empty"),
        ({"1": {"dialogue": [{"speaker": "医生"}], "report": [{"主诉": "a"}]}}, ":1: 'dialogue': turn 1 is not"),
        (
            {"1": {"dialogue": [{"speaker": "a", "sentence": "b"}], "report": [{"x": "a"}]}},
            ":1: 'report' 1 has x where",
        ),
        ({"1": {"dialogue": [{"speaker": "a", "sentence": "b"}], "report": []}}, ":1: 'report' is empty: no target"),
        (
            {"1": {"dialogue": [{"speaker": "a", "sentence": "b"}], "report": [{"主诉": "a", "诊断意见": "c"}]}},
            ":1: 'report' 1 has no section 诊断, but 诊断意见; call it 诊断, or take it out",
        ),
        (
            [{"input": PROMPT, "target": "主诉：咳嗽\n辅助检查结果：血常规正常"}],
            ":1: 'target' has no section 辅助检查, but 辅助检查结果; call it 辅助检查, or take it out",
        ),
        ({"1": {"dialogue": [{"speaker": "a", "sentence": "b"}]}}, ":1: there is no 'report': IMCS-V2_test.json has"),
        ([{"input": "a", "target": "b", "task_dataset": "CMeEE-V2"}], ": no row has the task_dataset IMCS-V2-MRG; "),
    ],
)
def test_imcs_mrg_rows_refused(write, read, content, message):
    path = write("mrg.json", json.dumps(content))
    with pytest.raises(DataError) as error:
        read("imcs_mrg", path=path)
    assert str(error.value).startswith(path + message)


def test_promptcblue_has_other_data_sets_in_the_same_file(write, read):
    other = {"input": "找出实体：…", "target": "上述句子中的实体", "task_dataset": "CMeEE-V2"}
    rows = [other, {"input": PROMPT, "target": REPORT, "task_dataset": "IMCS-V2-MRG"}, other]
    path = write("dev.json", "\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    assert [sample.id for sample in read("imcs_mrg", path=path).test] == ["dev:1"]


def test_split_divides_one_file_and_not_what_the_original_divides(write, read, tmp_path):
    row = {"input": PROMPT, "target": REPORT}
    split = {"train": 75, "test": 25}
    folder = Path(write("list/rows.json", json.dumps([row] * 4))).parent
    data = read("imcs_mrg", path=str(folder), split=split)
    assert (len(data.test), len(data.train)) == (1, 3)
    write("original/IMCS-V2_dev.json", json.dumps(ORIGINAL))
    write("original/IMCS-V2_train.json", json.dumps({"10002": ORIGINAL["10001"]}))
    data = read("imcs_mrg", path=str(tmp_path / "original"), split=split)
    assert ([s.id for s in data.test], [s.id for s in data.train], data.division) == (["10001"], ["10002"], "")


def test_imcs_mrg_folder_with_a_choice(write, read, tmp_path):
    for name in ("a.json", "b.json"):
        write(f"folder/{name}", "[]")
    with pytest.raises(DataError, match=r"name the file to read; the folder holds a\.json, b\.json"):
        read("imcs_mrg", path=str(tmp_path / "folder"))


HEADER = "id,question,A,B,C,D,answer"


@pytest.fixture
def ceval(write, tmp_path):
    for subject in ("physician", "law"):
        rows = "".join(f'{i},"{subject} question {i}, long",w,x,y,z,B\n' for i in range(3))
        write(f"val/{subject}_val.csv", f"{HEADER}\n{rows}")
        write(f"dev/{subject}_dev.csv", f"{HEADER},explanation\n0,example of {subject},w,x,y,z,D,because\n")
    write("subject_mapping.json", json.dumps({"physician": ["Physician", "医师资格", "Other"]}))
    return str(tmp_path)


def test_ceval(ceval, read):
    data = read("ceval", path=ceval, subjects=["physician"])
    sample, example = data.test[0], data.train[0]
    assert (len(data.test), len(data.train)) == (3, 1)
    assert (sample.id, sample.input, sample.targets) == ("physician_val:1", "physician question 0, long", ("B",))
    assert sample.options == ("w", "x", "y", "z")
    about = {"subject": "physician", "subject_zh": "医师资格", "cluster": "Other", "id": "0"}
    assert dict(sample.meta) == {**about, "explanation": ""}
    assert dict(example.meta) == {**about, "explanation": "because"}


def test_ceval_limit_is_for_each_subject_and_all_are_read(ceval, read):
    data = read("ceval", path=ceval, limit=2)
    assert [s.id for s in data.test] == ["law_val:1", "law_val:2", "physician_val:1", "physician_val:2"]
    assert [s.meta["subject"] for s in data.train] == ["law", "physician"]


def test_ceval_mistakes(ceval, read, write):
    with pytest.raises(DataError, match=r"no subject 'phisician' \(did you mean physician\?\)"):
        read("ceval", path=ceval, subjects=["phisician"])
    with pytest.raises(DataError, match=r"holds no val/<subject>_val\.csv"):
        read("ceval", path=ceval + "/val")
    write("val/law_val.csv", f"{HEADER}\n0,q,w,x,y,z,E\n1,q,w,x,y,,A\n")
    with pytest.raises(DataError) as error:
        read("ceval", path=ceval, subjects=["law"])
    assert [line.partition("law_val.csv")[2] for line in str(error.value).split("\n")] == [
        ":2: the answer 'E' is not one of four filled options A, B, C, D",
        ":3: the answer 'A' is not one of four filled options A, B, C, D",
    ]


QUESTION = ("q1", ("w", "x", "y", "z"), ("B",))


@pytest.mark.parametrize("reader", ["ceval", "cmmlu", "mmlu"])
@pytest.mark.parametrize(
    "content",
    [
        "id,question,A,B,C,D,answer\n0,q1,w,x,y,z,B\n",  # C-Eval
        ",Question,A,B,C,D,Answer\n0,q1,w,x,y,z,B\n",  # CMMLU: a blank index column
        "q1,w,x,y,z,B\n",  # MMLU: no header
        "0,q1,w,x,y,z,B\n",  # neither, but counted
        ",q1,w,x,y,z,B\n",
        "0,q1,w,x,y,z,B,because\n",
        "题目,选项A,选项B,选项C,选项D,答案\nq1,w,x,y,z,B\n",
        "Prompt,Option_A,Option B,option-c,OPTION D,Correct Answer\nq1,w,x,y,z,B\n",
        "ｑｕｅｓｔｉｏｎ,Ａ,Ｂ,Ｃ,Ｄ,ａｎｓｗｅｒ\nq1,w,x,y,z,Ｂ\n",  # full width
        "question,A,B,C,D,answer\n\nq1,w,x,y,z,（ｂ）\n",
        "answer,D,C,B,A,question\nb.,z,y,x,w,q1\n",
    ],
)
def test_every_form_of_an_exam_file(write, read, tmp_path, reader, content):
    names = {
        "ceval": ("val/s_val.csv", "dev/s_dev.csv"),
        "cmmlu": ("test/s.csv", "dev/s.csv"),
        "mmlu": ("test/s_test.csv", "dev/s_dev.csv"),
    }
    for name in names[reader]:
        write(name, content)
    data = read(reader, path=str(tmp_path))
    assert [(s.input, s.options, s.targets) for s in (*data.test, *data.train)] == [QUESTION, QUESTION]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,question,A,B,C,D\n0,q,w,x,y,z\n", ":1: the header has no column for answer; it has id, question, A, B, C, D; questions without answers cannot be scored"),
        ("题目,问题,A,B,C,D,答案\n", ":1: the header names question twice; columns need different names"),
        ("question,subject,choices,answer\nq,s,\"['w','x']\",1\n", ":1: the header has no column for A, B, C, D; it has question, subject, choices, answer"),
        ("one,two\n", ":1: neither a header that names question, A, B, C, D, answer nor a question with four options and the letter of the right one, but 2 fields"),
    ],
)  # fmt: skip
def test_exam_files_that_are_none(ceval, read, write, content, message):
    path = write("val/law_val.csv", content)
    with pytest.raises(DataError) as error:
        read("ceval", path=ceval, subjects=["law"])
    assert str(error.value) == path + message


def test_ceval_asks_test_where_it_has_answers(ceval, read, write):
    write("test/law_test.csv", f"{HEADER}\n0,q1,w,x,y,z,B\n")
    data = read("ceval", path=ceval, scored="test")
    assert [(s.id, s.meta["cluster"]) for s in data.test] == [("law_test:1", "Humanities")]  # in no table beside it


@pytest.mark.parametrize(
    ("benchmark", "sizes"),  # subjects by group as published: Hendrycks et al. 2021, Li et al. 2024, Huang et al. 2023
    [("mmlu", (18, 13, 12, 14)), ("cmmlu", (17, 13, 22, 15)), ("ceval", (20, 11, 10, 11))],
)
def test_groups_of_subjects(benchmark, sizes):
    counts = Counter(areas(benchmark).values())
    assert tuple(counts[area] for area in ("STEM", "Humanities", "Social Science", "Other")) == sizes
    assert len(china_specific()) == 15
    assert china_specific() <= areas("cmmlu").keys()


def test_real_yidu(shared, read):
    folder = shared / "yidu-n7k"
    data = read("tsv", path=str(folder / "val.tsv"), input="原始词", target="标准词", train=str(folder / "train.tsv"))
    assert (len(data.test), len(data.train), data.skipped) == (1000, 4000, ())
    several = sum("##" in s.targets[0] for s in (*data.test, *data.train))
    assert several / 5000 == pytest.approx(0.05, abs=0.001)  # data/README.md: about 5 %
    assert {len(s.targets) for s in data.test} == {1}  # `##` stays: the term_set metric splits it


def test_real_imcs_mrg(shared, read):
    data = read("imcs_mrg", path=str(shared / "imcs-mrg"))
    assert len(data.test) == 900
    assert {tuple(json.loads(s.targets[0])) for s in data.test} == {
        ("主诉", "现病史", "辅助检查", "既往史", "诊断", "建议")
    }
    assert all(s.input.startswith(("患者：", "医生：")) and "说明：诊疗报告" not in s.input for s in data.test)
    assert all(text.strip("。 ") for s in data.test for text in json.loads(s.targets[0]).values())


def test_real_ceval(shared, read):
    data = read("ceval", path=str(shared / "ceval"))
    assert len(data.test) == 1346
    assert set(Counter(s.meta["subject"] for s in data.train).values()) == {5}
    assert len({s.meta["subject"] for s in data.test}) == 52
    assert all(s.meta["cluster"] for s in data.test)
    assert all(s.meta["explanation"] for s in data.train)


def test_real_toyhom_is_detected_as_gb18030(shared, read):
    path = shared / "toyhom-cmdd" / "internal-medicine.gb18030.csv"
    data = read("csv", path=str(path), input="ask", target="answer")
    assert len(data.test) == 7644
    assert {s.meta["department"] for s in data.test} >= {"心血管科", "内分泌科"}


@pytest.mark.parametrize(
    ("name", "rows"),
    [("alpaca_zh_demo", 1000), ("alpaca_en_demo", 999), ("identity", 91), ("glaive_toolcall_zh_demo", 300)],
)
def test_real_llamafactory_entries(shared, read, name, rows):
    path = str(shared / "llamafactory-demo" / "dataset_info.json")
    assert len(read("dataset_info", path=path, name=name).test) == rows


def test_real_llamafactory_ranking_is_refused(shared, read):
    path = str(shared / "llamafactory-demo" / "dataset_info.json")
    with pytest.raises(DataError, match=r"dataset_info\.json:\d+: dpo_zh_demo: ranking: "):
        read("dataset_info", path=path, name="dpo_zh_demo")


@pytest.fixture
def mmlu(write, tmp_path):
    for subject in ("virology", "law"):
        for part, answer in (("test", "B"), ("dev", "D"), ("val", "A")):
            if (subject, part) != ("law", "val"):
                write(f"{part}/{subject}_{part}.csv", f'"{subject}, what?",w,x,y,z,{answer}\n"two\nlines",w,x,y,z,C\n')
    return str(tmp_path)


@pytest.fixture
def cmmlu(write, tmp_path):
    for part, answer in (("test", "B"), ("dev", "D")):
        write(
            f"{part}/genetics.csv", f',Question,A,B,C,D,Answer\n0,"问，题",甲,乙,丙,丁,{answer}\n1,再问,甲,乙,丙,丁,C\n'
        )
    return str(tmp_path)


def test_mmlu_has_no_header_and_keeps_its_first_question(mmlu, read):
    data = read("mmlu", path=mmlu, subjects=["virology"])
    assert [(s.id, s.input, s.targets, s.options) for s in data.test] == [
        ("virology_test:1", "virology, what?", ("B",), ("w", "x", "y", "z")),
        ("virology_test:2", "two\nlines", ("C",), ("w", "x", "y", "z")),
    ]
    assert [s.targets for s in (*data.train, *data.validation)] == [("D",), ("C",), ("A",), ("C",)]
    assert dict(data.test[0].meta) == {"subject": "virology", "cluster": "Other"}


def test_mmlu_reads_all_subjects_each_up_to_the_limit(mmlu, read):
    data = read("mmlu", path=mmlu, limit=1)
    assert [s.id for s in data.test] == ["law_test:1", "virology_test:1"]
    assert [s.id for s in data.train] == ["law_dev:1", "law_dev:2", "virology_dev:1", "virology_dev:2"]
    assert [s.id for s in data.validation] == ["virology_val:1", "virology_val:2"]  # law has none


def test_cmmlu(cmmlu, read):
    data = read("cmmlu", path=cmmlu)
    assert [(s.input, s.targets, s.options, dict(s.meta)) for s in data.test] == [
        (
            "问，题",
            ("B",),
            ("甲", "乙", "丙", "丁"),
            {"subject": "genetics", "cluster": "STEM", "china_specific": "no"},
        ),
        ("再问", ("C",), ("甲", "乙", "丙", "丁"), {"subject": "genetics", "cluster": "STEM", "china_specific": "no"}),
    ]
    assert [s.targets for s in data.train] == [("D",), ("C",)]


@pytest.mark.parametrize(
    ("reader", "parameters", "message"),
    [
        ("mmlu", {"subjects": ["virolgy"]}, ": no subject 'virolgy' (did you mean virology?)"),
        (
            "mmlu",
            {"path": "/test"},
            "/test: holds no test/<subject>_test.csv; path is the folder with dev/ and test/ and val/",
        ),
        ("cmmlu", {"subjects": ["law"]}, ": no subject 'law' (known: genetics)"),
        ("cmmlu", {"path": "/dev"}, "/dev: holds no test/<subject>.csv; path is the folder with dev/ and test/"),
    ],
)
def test_subjects_that_are_not_there(mmlu, cmmlu, read, reader, parameters, message):
    folder = {"mmlu": mmlu, "cmmlu": cmmlu}[reader]
    if reader == "cmmlu":
        for file in Path(folder).glob("*/*_*.csv"):
            file.unlink()
    with pytest.raises(DataError) as error:
        read(reader, **{**parameters, "path": folder + parameters.get("path", "")})
    assert str(error.value) == folder + message


@pytest.mark.parametrize(
    ("reader", "file", "content", "message"),
    [
        (
            "mmlu",
            "test/virology_test.csv",
            "q,w,x,y,z,E\n",
            ":1: the answer 'E' is not one of four filled options A, B, C, D",
        ),
        (
            "mmlu",
            "test/virology_test.csv",
            "q,w,x,y,z,A\nq,w,x,y,A\n",
            ":2: 5 fields where question, A, B, C, D, answer are expected",
        ),
        ("mmlu", "dev/virology_dev.csv", 'q,"w,x,y,z,A\n', ":1: not CSV: "),
        (
            "cmmlu",
            "test/genetics.csv",
            ",Question,A,B,C,D,Answer\n0,问,甲,乙,丙,,A\n",
            ":2: the answer 'A' is not one of four filled options",
        ),
        (
            "cmmlu",
            "dev/genetics.csv",
            ",Frage,A,B,C,D,Answer\n0,问,甲,乙,丙,丁,A\n",
            ":1: the header has no column for question; it has Frage, A, B, C, D, Answer",
        ),
    ],
)
def test_rows_of_mmlu_and_cmmlu_refused(mmlu, cmmlu, read, write, reader, file, content, message):
    path = write(file, content)
    subjects = {"mmlu": ["virology"], "cmmlu": ["genetics"]}[reader]
    with pytest.raises(DataError) as error:
        read(reader, path=str(Path(mmlu)), subjects=subjects)
    assert str(error.value).startswith(path + message)


@pytest.mark.parametrize(("reader", "sizes"), [("mmlu", (266, 10, 29)), ("cmmlu", (361, 10, 0))])
def test_the_published_files_of_two_subjects(shared, read, reader, sizes):
    data = read(reader, path=str(shared / reader))
    assert (len(data.test), len(data.train), len(data.validation)) == sizes
    assert len({s.meta["subject"] for s in data.test}) == 2
