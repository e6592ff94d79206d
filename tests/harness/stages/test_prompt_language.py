"""The language of what the product itself writes into prompts: detected by task, or as the suite says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.components.task import Task
from harness.errors import SuiteError
from harness.judging.asking.rubric_metric import RubricMetric
from harness.runtime.run_folder import RunFolder
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from harness.suite.suite import Suite

Write = Callable[..., Path]
WIDE = re.compile(r"[\u2e80-\u9fff\uff00-\uffef\u3000-\u303f“”]")
SUITE = """\
name: t
LANGUAGE
models:
  echo: {scripted: {echo: last_line}}
  judge: {scripted: {default: '{"score": {"reason": "r", "score": 50}}'}}
knowledge:
  notes: {files: {path: notes, split: paragraph}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv}}
    PROMPT
    metrics: {accuracy: exact_match, opinion: {judge: {model: judge}}, better: {pairwise: {model: judge, rubric: clinical}}}
  exam:
    data: {csv: {path: exam.csv, train: more.csv, input: q, target: t, options: [A, B, C]}}
    answer: choice
    metrics: {accuracy: choice}
  form:
    data: {jsonl: {path: form.jsonl, train: forms.jsonl}}
    answer: {json: {fields: [FIELD], form: sections}}
    metrics: {fields: json_fields}
variants:
  plain: {prompting: {model: echo}}
  examples: {prompting: {model: echo, shots: 2}}
  reasoned: {prompting: {model: echo, shots: 1, chain_of_thought: true}}
  rag: {rag: {model: echo, knowledge: notes, k: 2, shots: 1, example_k: 1}}
  reasoned-rag: {rag: {model: echo, knowledge: notes, k: 2, chain_of_thought: true}}
"""
ENGLISH = {
    "FIELD": "Diagnosis",
    "files": {
        "test__tsv": "input\ttarget\nknee pain for days\tgonalgia\nburning stomach\tgastritis\n",
        "train__tsv": "input\ttarget\nsore knee\tgonalgia\nsore stomach\tgastritis\n",
        "exam__csv": "q,A,B,C,t\nWhich is a fruit?,apple,stone,car,A\n",
        "more__csv": "q,A,B,C,t\nWhich is a stone?,apple,granite,car,B\nWhich is a car?,apple,granite,jeep,C\n",
        "form__jsonl": '{"input": "Fever and cough", "target": "{\\"Diagnosis\\": \\"flu\\"}"}\n',
        "forms__jsonl": '{"input": "Fever", "target": "{\\"Diagnosis\\": \\"cold\\"}"}\n'
        '{"input": "Cough", "target": "{\\"Diagnosis\\": \\"flu\\"}"}\n',
    },
    "notes": {
        "a.md": "# Knee\n\nGonalgia is knee pain.\n",
        "b.md": "# Stomach\n\nGastritis: burning stomach, fever.\n",
    },
}
CHINESE = {
    "FIELD": "诊断",
    "files": {
        "test__tsv": "input\ttarget\n膝盖疼几天\t膝关节痛\n胃里烧\t胃炎\n",
        "train__tsv": "input\ttarget\n膝盖酸\t膝关节痛\n胃酸\t胃炎\n",
        "exam__csv": "q,A,B,C,t\n哪个是水果？,苹果,石头,车,A\n",
        "more__csv": "q,A,B,C,t\n哪个是石头？,苹果,花岗岩,车,B\n哪个是车？,苹果,花岗岩,吉普,C\n",
        "form__jsonl": '{"input": "发热咳嗽", "target": "{\\"诊断\\": \\"流感\\"}"}\n',
        "forms__jsonl": '{"input": "发热", "target": "{\\"诊断\\": \\"感冒\\"}"}\n'
        '{"input": "咳嗽", "target": "{\\"诊断\\": \\"流感\\"}"}\n',
    },
    "notes": {"a.md": "# 膝\n\n膝关节痛就是膝盖疼。\n", "b.md": "# 胃\n\n胃炎：胃里烧，发热。\n"},
}


@pytest.fixture
def make(write_suite: Write, tmp_path: Path) -> Callable[..., Path]:
    def write(content: dict[str, Any], language: str = "", prompt: str = "") -> Path:
        notes = tmp_path / "suite" / "notes"
        notes.mkdir(parents=True, exist_ok=True)
        for name, text in content["notes"].items():
            (notes / name).write_text(text, encoding="utf-8")
        text = SUITE.replace("LANGUAGE", language).replace("PROMPT", prompt).replace("FIELD", content["FIELD"])
        return write_suite(text, **content["files"])

    return write


def judge_prompts(suite: Suite, task: Task) -> list[str]:
    """What the judges of a task are asked, and what they are told about a reply that cannot be read."""
    prompts = []
    for metric in suite.metrics_of(task).values():
        if isinstance(metric, RubricMetric):
            own = (
                metric.rules.comparison("q", "a", "b", "r") if metric.pairwise else metric.rules.messages("q", "a", "r")
            )
            prompts += [message.content for message in own]
    return prompts


def sent(folder: RunFolder) -> list[str]:
    return [message.content for prediction in folder.predictions() for message in prediction.messages]


def test_an_english_suite_has_no_chinese_in_any_prompt(
    make: Callable[..., Path], run_suite: Callable[..., RunFolder]
) -> None:
    path = make(ENGLISH)
    folder = run_suite(path)
    suite = load_suite(path)
    tasks = prepare(suite)
    texts = [*sent(folder), *judge_prompts(suite, tasks["norm"])]
    assert [text for text in texts if WIDE.search(text)] == []
    assert any(text.startswith("Reference material:\n[1] Knee: Gonalgia is knee pain. (a.md)") for text in texts)
    assert any(text.endswith('begins with "Answer:".') for text in texts)
    assert any(text == "Answer: gonalgia" for text in texts)  # a worked example that reasons first
    assert any(text == "Diagnosis: cold" for text in texts)
    assert any(text.endswith("A. apple\nB. stone\nC. car\nAnswer:") for text in texts)
    assert any("impartial assessor" in text for text in texts)
    record = folder.read_run()["tasks"]
    assert {name: task["language"] for name, task in record.items()} == {"norm": "en", "exam": "en", "form": "en"}
    assert record["norm"]["metrics"]["opinion"]["settings"]["language"] == "en"


def test_a_chinese_suite_is_asked_as_before(make: Callable[..., Path], run_suite: Callable[..., RunFolder]) -> None:
    path = make(CHINESE)
    folder = run_suite(path)
    suite = load_suite(path)
    texts = [*sent(folder), *judge_prompts(suite, prepare(suite)["norm"])]
    assert any(text.startswith("参考资料：\n[1] 膝：膝关节痛就是膝盖疼。（a.md）\n\n膝盖疼几天") for text in texts)
    assert any(text.endswith("\n\n请先逐步分析，最后另起一行，以“答案：”开头写出最终答案。") for text in texts)
    assert any(text == "答案：膝关节痛" for text in texts)
    assert any(text == "诊断：感冒" for text in texts)
    assert any(text.endswith("A. 苹果\nB. 石头\nC. 车\n答案：") for text in texts)
    assert any("你是一名严谨、公正的评审员" in text for text in texts)


@pytest.mark.parametrize(
    ("content", "language", "prompt", "expected"),
    [
        (ENGLISH, "", "", "en"),
        (CHINESE, "", "", "zh"),
        (CHINESE, "language: auto", "", "zh"),
        (CHINESE, "language: en", "", "en"),
        (ENGLISH, "language: zh", "", "zh"),
        (ENGLISH, "", 'prompt: "翻译：{{ input }}"', "en"),  # the data decide
        ({**ENGLISH, "files": {**ENGLISH["files"], "test__tsv": "input\ttarget\n1+1\t2\n"}}, "", "", "en"),
        (
            {**ENGLISH, "files": {**ENGLISH["files"], "test__tsv": "input\ttarget\n1+1\t2\n"}},
            "",
            'prompt: "计算：{{ input }}"',
            "zh",
        ),
    ],
)
def test_the_language_of_a_task(
    make: Callable[..., Path], content: dict[str, Any], language: str, prompt: str, expected: str
) -> None:
    suite = load_suite(make(content, language, prompt))
    task = prepare(suite)["norm"]
    assert task.language == expected
    assert {
        metric.rules.language for metric in suite.metrics_of(task).values() if isinstance(metric, RubricMetric)
    } == {expected}


@pytest.mark.parametrize("value", ["fr", "Chinese", "[zh]", "1"])
def test_another_language_is_refused(make: Callable[..., Path], value: str) -> None:
    with pytest.raises(SuiteError, match=r"^suite.yaml:2: language: must be auto, zh or en, not "):
        load_suite(make(ENGLISH, f"language: {value}"))


def test_tasks_of_one_suite_may_differ(make: Callable[..., Path]) -> None:
    mixed = {**ENGLISH, "files": {**ENGLISH["files"], "test__tsv": CHINESE["files"]["test__tsv"]}}
    tasks = prepare(load_suite(make(mixed)))
    assert {name: task.language for name, task in tasks.items()} == {"norm": "zh", "exam": "en", "form": "en"}


def test_a_rubric_without_the_language_is_asked_in_the_one_that_it_has(make: Callable[..., Path]) -> None:
    path = make(CHINESE)
    rubric = (
        "scale: {low: 0, high: 1}\nreference: unused\n"
        "dimensions: {good: {en: {title: Good, text: Whether it is good.}}}\n"
        "prompts: {en: {score: '{{ question }} {{ answer }} {{ mark }} {% for d in dimensions %}{{ d.name }}{{ d.title }}"
        "{{ d.text }}{% endfor %}{{ low }}{{ high }}', compare: '{{ question }} {{ first }} {{ second }} {{ mark }}'}}\n"
    )
    (path.parent / "own.yaml").write_text(rubric, encoding="utf-8")
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            "{judge: {model: judge}}", "{judge: {model: judge, rubric: own.yaml}}"
        ),
        encoding="utf-8",
    )
    suite = load_suite(path)
    opinion = suite.metrics_of(prepare(suite)["norm"])["opinion"]
    assert isinstance(opinion, RubricMetric)
    assert opinion.rules.language == "en"


INSTRUCTIONS = [
    ('instruction: "Think. Write {{ marker }}and the answer."', "Think. Write Answer: and the answer."),
    ('instruction: "Think of {{ input }}, then ANSWER = x", marker: "ANSWER ="', "ANSWER = x"),
    ("instruction: think.j2", "Weigh it.\nAnswer: last."),
]


@pytest.mark.parametrize(("setting", "expected"), INSTRUCTIONS)
def test_the_instruction_to_reason_is_a_parameter(
    make: Callable[..., Path], run_suite: Callable[..., RunFolder], setting: str, expected: str
) -> None:
    path = make(ENGLISH)
    (path.parent / "think.j2").write_text("Weigh it.\n{{ marker }}last.\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8").replace("chain_of_thought: true", f"chain_of_thought: true, {setting}")
    path.write_text(text, encoding="utf-8")
    folder = run_suite(path)
    asked = [p.messages[-1].content for p in folder.predictions() if p.variant == "reasoned"]
    assert all(expected in text for text in asked)
    assert asked[0].startswith("knee pain for days\n\n")


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ('instruction: "Think first."', "the marker “Answer:”, which the answer follows, is not in it"),
        ('instruction: "Think. {{ merker }}"', "'merker' is undefined"),
        ('instruction: "Answer:", marker: "Result:"', "the marker “Result:”, which the answer follows, is not in it"),
    ],
)
def test_an_instruction_that_lets_nothing_be_read_is_refused(
    make: Callable[..., Path], setting: str, problem: str
) -> None:
    path = make(ENGLISH)
    text = path.read_text(encoding="utf-8").replace("chain_of_thought: true", f"chain_of_thought: true, {setting}")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match=re.escape(problem)):
        prepare(load_suite(path))


def test_an_instruction_belongs_to_reasoning(make: Callable[..., Path]) -> None:
    path = make(ENGLISH)
    text = path.read_text(encoding="utf-8").replace("chain_of_thought: true", "instruction: Think.")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match=r"instruction belongs to chain_of_thought: true"):
        load_suite(path)
