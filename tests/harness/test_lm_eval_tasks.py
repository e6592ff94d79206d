"""Tasks of lm-eval in a suite: what stands for what, what is refused, and that figures over all items are lm-eval's."""

import random
from pathlib import Path

import pytest

from harness.answers.asking.lm_eval_prompts import item_of, running_text, system_text
from harness.components.generation_kwargs import generation_of
from harness.errors import HarnessError
from harness.metrics.support.lm_eval_aggregations import AGGREGATIONS
from harness.records.inputs import Generation
from harness.records.lm_eval_items import LmEvalItem
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from tests.shared.lm_eval_tasks import write_tasks

pytest.importorskip("lm_eval")
pytestmark = pytest.mark.filterwarnings("default")

SUITE = """models:
  m: {{scripted: {{default: A}}}}
tasks:
  exams: {task}
variants:
  v: {{prompting: {{model: m{further}}}}}
  commonest: {{floor: {{by: majority}}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    write_tasks(folder / "tasks")
    return folder


def read(folder: Path, task: str, further: str = "") -> Suite:
    file = folder / "suite.yaml"
    file.write_text(SUITE.format(task=task, further=further), encoding="utf-8")
    return load_suite(file)


def named(tasks: str, further: str = "") -> str:
    return f"{{lm_eval: {{tasks: {tasks}, include_path: tasks{further}}}}}"


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ("[chosen]", {"exams": ["acc", "acc_norm"]}),
        ("[written]", {"exams": ["exact_match-letter", "exact_match-whole", "chrf-letter", "chrf-whole"]}),
        ("[own_group]", {"exams-chosen": ["acc", "acc_norm"], "exams-likeliest": ["perplexity", "acc"]}),
        ("[own_exams, bare]", {
            "exams-chosen": ["acc", "acc_norm"],
            "exams-written": ["exact_match-letter", "exact_match-whole", "chrf-letter", "chrf-whole"],
            "exams-bare": ["acc", "acc_mutual_info"]}),
        ("['begun*']", {"exams-begun": ["acc"], "exams-begun_text": ["exact_match"]}),
    ],
)  # fmt: skip
def test_a_name_stands_for_a_task_or_all_of_a_group_tag_or_pattern(
    folder: Path, tasks: str, expected: dict[str, list[str]]
) -> None:
    suite = read(folder, named(tasks))
    assert {name: list(task.metrics) for name, task in suite.tasks.items()} == expected


@pytest.mark.parametrize(
    ("task", "line"),
    [
        (named("[far]"), "far: its data set nobody/no-such-data is on the Hugging Face hub, which cannot be reached"),
        (named("[lost]"), "lost: lm-eval cannot load it: Unable to find"),
        (named("[middling]"), "its metric acc_norm is made of all items at once by median"),
        (named("[middling]"), "leave it out: metrics: [acc]"),
        (named("[chosen]", ", metrics: [f1]"), "chosen: metrics: none of f1 is a metric of it (acc, acc_norm)"),
        (named("[voted]"), "voted: it asks each document 4 times (repeats)"),
        (named("[coded]"), "coded: it runs code that a model wrote"),
        (named("[]"), "tasks: name at least one task"),
        (named("[chosen, chosen]"), "tasks: a name stands twice"),
        (named("[chosen]", ", fewshot: 2"), "tasks.exams.lm_eval.fewshot: is not a parameter of LmEval (did you mean num_fewshot?)"),
        ("{lm_eval: {tasks: [chosen], include_path: nowhere}}", "nowhere is no folder"),
        (f"{named('[chosen]')[:-1]}, prompt: p}}", "lm_eval brings its own prompts and metrics; leave out prompt"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_or_scored_is_one_line(
    folder: Path, task: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(HarnessError) as error:
        read(folder, task)
    assert len(error.value.lines) == 1
    assert error.value.lines[0].startswith("suite.yaml:4: tasks.exams")
    assert line in error.value.lines[0]


def test_the_nearest_names_are_offered_for_an_unknown_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the tasks of the folder: lm-eval's whole list takes half a minute to read."""
    from harness.readers.parsing import lm_eval_tasks

    real = lm_eval_tasks._manager
    monkeypatch.setattr(lm_eval_tasks, "_manager", lambda folders, with_defaults: real(folders, False))
    with pytest.raises(HarnessError, match=r"has no task, group or tag 'chosn' \(did you mean chosen"):
        read(folder, named("[chosn]"))


@pytest.mark.parametrize(
    ("tasks", "further", "line"),
    [
        ("[chosen]", "", "variants.v on tasks.exams: model m tells no log-probability of a given text"),
        ("[written]", ", shots: 2", "variants.v on tasks.exams: shots: the examples of an lm-eval task are lm-eval's own"),
        ("[written]", ", chain_of_thought: true", "variants.v on tasks.exams: chain_of_thought: an lm-eval task is asked as"),
        ("[begun_text]", "", "model m is behind a server, which goes on with no answer that is begun (gen_prefix)"),
        ("[long]", ', system: "Be brief."', "variants.v on tasks.exams: system: lm-eval asks for the likelihood of each text by itself"),
    ],
)  # fmt: skip
def test_what_a_variant_cannot_add_or_a_model_cannot_tell_is_refused(
    folder: Path, tasks: str, further: str, line: str
) -> None:
    with pytest.raises(HarnessError) as error:
        prepare(read(folder, named(tasks), further))
    assert any(line in mistake for mistake in error.value.lines)


def items(kind: str, draw: random.Random) -> list[object]:
    """Values as lm-eval's process_results gives them."""
    words = ("a", "cat", "sat", "on", "the", "mat", "there")
    text = lambda: " ".join(draw.choices(words, k=draw.randint(4, 9)))  # noqa: E731
    if kind == "perplexity":
        return [-draw.random() * 5 for _ in range(20)]
    if kind in ("weighted_perplexity", "bits_per_byte"):
        return [(-draw.random() * 90, draw.randint(5, 40)) for _ in range(20)]
    if kind in ("f1", "matthews_corrcoef"):
        return [(draw.randint(0, 1), draw.randint(0, 1)) for _ in range(20)]
    return [(text(), text()) for _ in range(20)]


@pytest.mark.parametrize("kind", list(AGGREGATIONS))
def test_a_figure_of_all_items_is_lm_evals(kind: str) -> None:
    """By lm-eval's own function of the items, ours by the sums of what each counts."""
    import lm_eval.api.metrics  # noqa: F401  (registers them)
    import numpy as np
    from lm_eval.api.registry import get_aggregation

    own = items(kind, random.Random(kind))
    marks = [AGGREGATIONS[kind].mark(item) for item in own]
    names = list(marks[0].counts or {})
    totals = {name: np.array([sum((mark.counts or {})[name] for mark in marks)]) for name in names}
    assert AGGREGATIONS[kind].figure(totals)[0] == pytest.approx(get_aggregation(kind)(own))


def test_a_floor_answers_a_choice_by_the_commonest_answer(folder: Path) -> None:
    """The right answers of the examples' rows are counted; its choice is certain, so that lm-eval's acc is its hits."""
    suite = read(folder, named("[chosen]"))
    data = suite.tasks["exams"].data.read("exams", 0)
    right = [sample.targets[0] for sample in data.train]
    commonest = max(right, key=right.count)
    from harness.records.outputs import Prediction, Reading

    for sample in data.test:
        told = Prediction(sample_id=sample.id, task="exams", variant="commonest", messages=(), text=commonest,
                          reading=Reading(commonest))  # fmt: skip
        mark = suite.tasks["exams"].metrics["acc"].score(sample, told)
        assert mark.value == float(sample.targets[0] == commonest)  # type: ignore[union-attr]


def test_examples_come_from_lm_evals_sampler_and_a_group_sets_their_number(folder: Path) -> None:
    """First the two of the task itself; then one, as the group has it; then three, as the suite has it."""
    numbers = []
    for task in (named("[chosen]"), named("[own_group]"), named("[chosen]", ", num_fewshot: 3")):
        suite = read(folder, task)
        reader = next(spec.data for name, spec in suite.tasks.items() if "acc_norm" in spec.metrics)
        test = reader.read("exams", 0).test
        numbers.append({len(sample.history) for sample in test})
        item = item_of(test[0])
        assert item.description == "Answer the questions.\n\n"
    assert numbers == [{2}, {1}, {3}]


@pytest.mark.parametrize(
    ("description", "stated", "expected"),
    [
        ("", None, None), ("", "Be brief.", "Be brief."), ("Exam.\n\n", None, "Exam.\n\n"),
        ("Exam.", "Be brief.", "Be brief.\n\nExam."), ("\nExam.", "Be brief.", "Be brief.\nExam."),
        ("Exam.", "Be brief. ", "Be brief. Exam."),
    ],
)  # fmt: skip
def test_a_stated_text_stands_before_the_description(
    description: str, stated: str | None, expected: str | None
) -> None:
    item = LmEvalItem(
        document=0, choices=(), requests=(), description=description, description_joint="\n\n", question_joint=" ",
        example_joint="\n\n", examples=None, ending="", prefix="",
    )  # fmt: skip
    assert system_text(item, stated) == expected


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, Generation(max_tokens=256)),
        ({"until": ["\n", "Q:"], "max_gen_toks": 8, "do_sample": False, "temperature": 0.7},
         Generation(max_tokens=8, stop=("\n", "Q:"))),
        ({"until": "\n", "max_tokens": 9, "temperature": 0.7}, Generation(max_tokens=9, stop=("\n",), temperature=0.7)),
        ({"max_new_tokens": 7, "do_sample": True, "temperature": 1.0, "top_p": 0.9, "top_k": 5},
         Generation(max_tokens=7, temperature=1.0, top_p=0.9, top_k=5)),
    ],
)  # fmt: skip
def test_options_of_generation_are_read_by_lm_evals_rules(kwargs: dict[str, object], expected: Generation) -> None:
    assert generation_of(kwargs) == expected


def test_running_text_is_what_lm_eval_joins(folder: Path) -> None:
    """By its own `fewshot_context`, for a task with examples behind a description."""
    from harness.readers.parsing.lm_eval_tasks import load_task

    suite = read(folder, named("[chosen]"))
    sample = suite.tasks["exams"].data.read("exams", 0).test[0]
    task = load_task("chosen", "chosen", str(folder / "tasks"))
    task.set_fewshot_seed(1234)
    turns = prepare(read(folder, named("[written]")))["exams"].prompt(sample)
    assert running_text(item_of(sample), turns) == task.fewshot_context(task.eval_docs[0], num_fewshot=2)
