"""`examples`: which train rows become names of which passages, what is refused, and what records say of them."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.components.knowledge import Knowledge
from harness.components.learned_names import with_names
from harness.components.trained_model import DerivedModel
from harness.errors import SuiteError
from harness.records.inputs import Passage, PassageSet, Sample
from harness.records.outputs import RightAnswer
from harness.records.summary import Summary
from harness.runtime.provenance import described_entries
from harness.runtime.run_folder import RunFolder
from harness.stages.name_learning import described_names
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from reports.facts.approach_names import labels_used
from reports.sections.leaked_items import LeakedItems
from reports.sections.learning_curve import LearningCurve
from tests.shared.finished import finished

SUITE = """\
name: terms
models: {m: {scripted: {rules: [{match: '\\[1\\] (.+)', reply: '\\1'}], default: x}}}
knowledge: {kb: KNOWLEDGE}
tasks:
  norm: {data: {tsv: {path: test.tsv, train: train.tsv, input: q, target: aDATA}}, metrics: {accuracy: exact_match}}
  bare: {data: {tsv: {path: test.tsv, input: q, target: a}}, metrics: {accuracy: exact_match}}
variants:
  first: {floor: {by: top_passage, knowledge: kb, retriever: tfidf}}
  rag: {rag: {model: m, knowledge: kb, k: 1, retriever: tfidf}}
"""
TERMS = "肾切除术\n胃切除术\n肾切除\n胃炎\n"
TRAIN = "q\ta\n拿掉肾\t肾切除术\n割胃\t胃切除术##胃炎\n去肾\t肾切除术\n换膝\t膝关节置换术\n"
TEST = "q\ta\n摘肾\t肾切除术\n"
Write = Callable[..., Path]
Run = Callable[..., RunFolder]


def loaded(write_suite: Write, knowledge: str, data: str = "", train: str = TRAIN, terms: str = TERMS) -> Suite:
    text = SUITE.replace("KNOWLEDGE", knowledge).replace("DATA", data)
    return load_suite(write_suite(text, test__tsv=TEST, train__tsv=train, kb__txt=terms, new__txt="胃炎\n肾切除术\n"))


def names(knowledge: Knowledge, updated: bool = False) -> dict[str, set[str]]:
    passages = knowledge.passage_set(updated).passages
    return {passage.text: set(passage.learned_names) for passage in passages if passage.learned_names}


@pytest.mark.parametrize(
    ("gold", "data", "train", "expected", "missing", "unclear"),
    [
        ('{separator: "##"}', "", TRAIN, {"肾切除术": {"拿掉肾", "去肾"}, "胃切除术": {"割胃"}, "胃炎": {"割胃"}}, 1, 0),
        ("text", "", TRAIN, {"肾切除术": {"拿掉肾", "去肾"}}, 2, 0),  # A##B is one target, and no passage
        # 肾切除 stands in two passages, and either may be meant; 胃炎 in one
        ("contains", "", "q\ta\n拿掉肾\t肾切除\n胃痛\t胃炎\n", {"胃炎": {"胃痛"}}, 0, 1),
        ("{by: field, field: c}", "", "q\ta\tc\nx\t肾切除术\t1\ny\t胃炎\t2\n", {}, 0, 0),  # tested by its refusal below
        # several targets: each is right
        ("text", ", target_separator: '##'", TRAIN, {"肾切除术": {"拿掉肾", "去肾"}, "胃切除术": {"割胃"}, "胃炎": {"割胃"}}, 1, 0),
    ],
)  # fmt: skip
def test_which_rows_name_which_passages(
    gold: str, data: str, train: str, expected: dict[str, set[str]], missing: int, unclear: int, write_suite: Write
) -> None:
    suite = loaded(write_suite, f"{{texts: {{path: kb.txt, gold: {gold}, examples: norm}}}}", data, train)
    if not expected:
        with pytest.raises(SuiteError, match="none of the 2 train rows of task norm"):
            prepare(suite)
        return
    prepare(suite)
    assert names(suite.knowledge["kb"]) == expected
    coverage = suite.knowledge["kb"].name_coverage
    assert (len(coverage.missing), coverage.unclear, coverage.passages) == (missing, unclear, len(expected))


def test_of_a_choice_the_text_of_the_right_option_counts(write_suite: Write) -> None:
    data = "{tsv: {path: test.tsv, train: train.tsv, input: q, target: a, options: [A, B]}}"
    suite = load_suite(
        write_suite(
            "models: {m: {scripted: {default: A}}}\n"
            "knowledge: {kb: {texts: {path: kb.txt, examples: t}}}\n"
            f"tasks: {{t: {{data: {data}, answer: choice, metrics: {{accuracy: choice}}}}}}\n"
            "variants: {rag: {rag: {model: m, knowledge: kb}}}\n",
            test__tsv="q\tA\tB\ta\n胃痛\t胃炎\t肾切除术\tA\n",
            train__tsv="q\tA\tB\ta\n腹痛\t胃炎\t肾切除术\tA\n",
            kb__txt=TERMS,
        )
    )
    prepare(suite)
    assert names(suite.knowledge["kb"]) == {"胃炎": {"腹痛"}}


def test_a_blank_input_names_nothing() -> None:
    rows = [Sample(id=text or "blank", task="t", input=text, targets=("胃炎",)) for text in ("", " \n", "腹痛")]
    right = [((RightAnswer("胃炎", (0,)),),)] * len(rows)
    passages = PassageSet((Passage(id="1", text="胃炎"),))
    named, coverage = with_names(passages, rows, right, lambda answer: True)
    assert named.passages[0].learned_names == ("腹痛",)
    assert (coverage.rows, coverage.named) == (3, 1)


def test_both_versions_have_the_names(write_suite: Write) -> None:
    suite = loaded(write_suite, '{texts: {path: kb.txt, update: new.txt, gold: {separator: "##"}, examples: norm}}')
    prepare(suite)
    assert names(suite.knowledge["kb"], updated=True) == {"肾切除术": {"拿掉肾", "去肾"}, "胃炎": {"割胃"}}


def test_what_the_check_says(write_suite: Write) -> None:
    suite = loaded(write_suite, '{texts: {path: kb.txt, gold: {separator: "##"}, examples: norm}}')
    prepare(suite)
    assert described_names(suite) == [
        "knowledge.kb: the inputs of 3 of 4 train rows of task norm are names of 3 passages; 1 row with a target that no "
        "passage holds, e.g. row train:4: '膝关节置换术'"
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("examples: nrm", "knowledge.kb.texts.examples: 'nrm' is not among tasks (did you mean norm?)"),
        ("examples: bare", "knowledge.kb: examples: task bare has no train rows; give its data a train split"),
        (
            "examples: norm, max_examples: 6",
            "knowledge.kb: examples: 6 rows are asked for, but task norm has 4 train rows",
        ),
        ("examples: norm, sizes: [2, 9]", "knowledge.kb-9: examples: 9 rows are asked for, but task norm has 4 train"),
        ("sizes: [2]", "max_examples and sizes need examples, the task whose train rows are names"),
        ("examples: norm, sizes: [2], max_examples: 2", "give max_examples or sizes, not both"),
        ("examples: norm, sizes: [2, 2]", "sizes names an entry twice"),
        ("examples: norm, sizes: [2], update: new.txt", "sizes and update exclude each other"),
        (
            "examples: norm, gold: {separator: '|'}",
            None,  # 肾切除术 still matches
        ),
    ],
)
def test_what_is_refused(settings: str, message: str | None, write_suite: Write) -> None:
    def checked() -> None:
        prepare(loaded(write_suite, f"{{texts: {{path: kb.txt, {settings}}}}}"))

    if message is None:
        checked()
        return
    with pytest.raises(SuiteError) as caught:
        checked()
    assert message in str(caught.value)


def test_a_target_that_never_matches_is_refused_once(write_suite: Write) -> None:
    with pytest.raises(SuiteError) as caught:
        prepare(loaded(write_suite, "{texts: {path: kb.txt, examples: norm}}", terms="肺炎\n"))
    (line,) = caught.value.mistakes
    assert "examples: none of the 4 train rows of task norm has a target that names a passage" in line


def test_records_tell_of_the_rows_and_of_nothing_that_is_not_given(write_suite: Write) -> None:
    """An index is timed, and a run taken up, by what `described_entries` says."""

    def described(knowledge: str, train: str = TRAIN) -> dict[str, object]:
        suite = loaded(write_suite, knowledge, train=train)
        prepare(suite)
        return described_entries(suite, "knowledge")["kb"]

    plain = described("{texts: {path: kb.txt}}")
    assert not {"examples", "max_examples", "sizes"}.intersection(json.dumps(plain).replace('"', " ").split())
    assert "learned_names" not in plain
    first = described("{texts: {path: kb.txt, examples: norm}}")
    other_answer = described(
        "{texts: {path: kb.txt, examples: norm}}", TRAIN.replace("拿掉肾\t肾切除术", "拿掉肾\t胃炎")
    )
    assert first["learned_names"] != other_answer["learned_names"]
    assert first["learned_names"] == described("{texts: {path: kb.txt, examples: norm}}")["learned_names"]


def test_more_rows_contain_the_fewer(write_suite: Write) -> None:
    train = "q\ta\n" + "".join(f"row {number}\t胃炎\n" for number in range(40))
    suite = loaded(write_suite, "{texts: {path: kb.txt, examples: norm, sizes: [4, 20, all]}}", train=train)
    tasks = prepare(suite)
    few, more, everything = (set(suite.knowledge[f"kb-{size}"].learned_rows and
                                 [row.input for row in suite.knowledge[f"kb-{size}"].learned_rows]) for size in (4, 20, "all"))  # fmt: skip
    assert few < more < everything
    assert (len(few), len(more), len(everything)) == (4, 20, 40)
    assert few != {row.input for row in tasks["norm"].data.train[:4]}  # in an order drawn by the seed
    assert list(suite.variants) == ["first-4", "first-20", "first-all", "rag-4", "rag-20", "rag-all"]


def test_a_whole_run_with_sizes(write_suite: Write, run_suite: Run) -> None:
    """摘肾 shares one letter with two terms; the second size has learnt that it means 肾切除术."""
    text = SUITE.replace("KNOWLEDGE", "{texts: {path: kb.txt, examples: norm, sizes: [1, 2]}}").replace("DATA", "")
    text = re.sub(r"  bare: .*\n", "", text) + "compare: {reference: rag-1}\nleakage: {allowed: 1}\n"
    train = "q\ta\n胃痛\t胃炎\n摘肾了\t肾切除术\n"
    path = write_suite(text, test__tsv=TEST, train__tsv=train, kb__txt="肾切除\n胃炎\n肾切除术\n")
    folder = run_suite(path)
    summary: Summary = folder.summary()
    means = {result.variant: result.mean for result in summary.results if result.metric == "accuracy"}
    assert {name: means[name] for name in ("first-2", "rag-2")} == {"first-2": 1.0, "rag-2": 1.0}
    assert {(point.family, point.variant, point.rows) for point in summary.curve} == {
        (name, f"{name}-{size}", size) for name in ("first", "rag") for size in (1, 2)
    }
    costs = {cost.variant: (cost.labelled_rows, cost.named_rows) for cost in summary.decisions.costs}
    assert costs == {f"{name}-{size}": (size, size) for name in ("first", "rag") for size in (1, 2)}
    assert labels_used(summary, "rag-2") == "labels used: 2"
    assert LearningCurve().build(finished(summary))[0].families == ("first", "rag")
    assert "labels used: 2" in (folder.path / "report.html").read_text(encoding="utf-8")
    assert "摘肾了" not in (folder.path / "predictions.jsonl").read_text(encoding="utf-8")
    assert LeakedItems().build(finished(summary)) is not None


def test_names_and_trainings_take_the_same_rows(write_suite: Write) -> None:
    """The model of 7 rows and the knowledge of 7 rows have seen the same ones."""
    pytest.importorskip("torch")
    train = "q\ta\n" + "".join(f"row {number}\t胃炎\n" for number in range(30))
    text = SUITE.replace("KNOWLEDGE", "{texts: {path: kb.txt, examples: norm, max_examples: 7}}").replace("DATA", "")
    text = text.replace(
        "models: {m:",
        "models: {b: {huggingface: {path: x}}, l: {tuned: {base: b, method: lora, on: [norm], max_samples: 7}}, m:",
    )
    suite = load_suite(write_suite(text, test__tsv=TEST, train__tsv=train, kb__txt=TERMS))
    prepare(suite)
    model = suite.models["l"]
    assert isinstance(model, DerivedModel)
    ((_, learnt),) = model.training_questions().items()
    assert [text for _, text in learnt] == [row.input for row in suite.knowledge["kb"].learned_rows]
