"""A searched variant from its suite to its report: settings that rules of a scripted model make right or wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SuiteError
from harness.records.searches import searches_in
from harness.run import run
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import plan
from harness.stages.prepare import planning_door, prepare
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from reports.html import render
from reports.sections.searched_settings import SearchedSettings

SUITE = """\
models:
  base: {scripted: {default: nothing, rules: [{match: '^best\\n\\[1\\] (.*)', reply: '\\1'}, {match: '^good\\n\\[1\\] (术语[0-4].*)', reply: '\\1'}]}}
knowledge:
  icd9: {texts: {path: terms.txt}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv, validation: val.tsv, input: q, target: a}}
    metrics: {accuracy: exact_match}
variants:
  hand: {rag: {model: base, knowledge: icd9, prompt: "{{ question }}"}}
  best: {searched: SEARCH}
"""
LINE = 11  # of the search
OVER = "{k: [1, 3], prompt: [plain.j2, good.j2, best.j2]}"
WORKS = f"{{of: {{rag: {{model: base, knowledge: icd9}}}}, over: {OVER}, budget: 200 calls}}"
PASSAGES = "{% for p in passages %}[{{ p.number }}] {{ p.text }}\n{% endfor %}{{ question }}"
Write = Callable[..., Path]


def rows(first: int, count: int) -> str:
    return "q\ta\n" + "".join(
        f"{i % 10}{chr(0x4E00 + i % 10)}号的诊断\t术语{i % 10}{chr(0x4E00 + i % 10)}\n"
        for i in range(first, first + count)
    )


@pytest.fixture
def run_quickly(context: Callable[[Suite], Any], tmp_path: Path) -> Callable[[Path], RunFolder]:
    """Run a suite with no page."""

    def go(path: Path) -> RunFolder:
        suite, folder = load_suite(path), RunFolder(tmp_path / "run")
        run(suite, folder, context(suite), lambda finished: "")
        return folder

    return go


@pytest.fixture
def write(write_suite: Write) -> Callable[..., Path]:
    def go(search: str = WORKS, validation: int = 20, train: int = 30, suite: str = SUITE) -> Path:
        return write_suite(
            suite.replace("SEARCH", search), rows__txt=rows(0, 60),
            terms__txt="".join(f"术语{i}{chr(0x4E00 + i)}\n" for i in range(10)), test__tsv=rows(0, 10), train__tsv=rows(0, train),
            val__tsv=rows(0, validation), plain__j2="plain\n" + PASSAGES, good__j2="good\n" + PASSAGES, best__j2="best\n" + PASSAGES,
        )  # fmt: skip

    return go


def of(over: str, budget: str = "2000 calls", rag: str = "model: base, knowledge: icd9", more: str = "") -> str:
    return f"{{of: {{rag: {{{rag}}}}}, over: {over}, budget: {budget}{more}}}"


TEN = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
# (the search, the lines that are said of it, each from its place in the search on)
MISTAKES = [
    (of(f"{{k: {TEN}, shots: {TEN}, example_k: {TEN}, distractors: {TEN}}}"),
     ["over: stands for 10,000 settings; at most 1,000: leave out parameters or values"]),
    (of("{k: [1]}"), ["over: leaves one setting, and nothing to choose; write the variant itself"]),
    (of("{shots: [0], pick: [fixed, nearest]}"), ["over: leaves one setting, and nothing to choose; write the variant itself"]),
    (of("{kk: [1, 3], shots: [], k: [2, 2, 3]}"),
     ["over.k: names the value 2 twice", "over.kk: is not a parameter of rag (did you mean k?)",
      "over.shots: has no value; name at least one"]),
    (of("{}"), ["over: names no parameter; give at least one with its values, e.g. {k: [1, 3, 5]}"]),
    (of("{k: 3}"), ["over.k: must be a list: write [3]"]),
    (of("{k: [1, 0], prompt: [good.j2, gone.j2], retriever: [tfidf, tfid, {lexical: {k1: x}}]}"),
     ["over.k.1: must be at least 1",
      "over.prompt.1: no file gone.j2 beside the suite or in prompts/ (did you mean good.j2?)",
      "over.retriever.1: retriever 'tfid' is not known (did you mean tfidf?)",
      "over.retriever.2.lexical.k1: input should be a valid number, not x"]),
    (of("{model: [base, bas]}", rag="knowledge: icd9"), ["over.model.1: 'bas' is not among models (did you mean base?)"]),
    (of("{k: [1, 3]}", rag="modle: base, model: base, knowledge: icd9"),
     ["of.rag.modle: is not a parameter of Rag (did you mean model?)"]),
    (of("{samples: [1, 5], temperature: [0, 0.7]}"),
     ["over: samples above 1 need a temperature above 0, or all answers are the same (try 0.7)"]),
    (of("{k: [1, 3]}", budget="many"), ["budget: must be a number of calls, e.g. 2000 calls, not many"]),
    (of("{k: [1, 3]}", budget="0"), ["budget: must be at least 1"]),
    (of("{k: [1, 3]}", more=", levels: []"), ["levels: is not a parameter of Searched: it is made of `of` and `over`"]),
    (of("{k: [1, 3]}", more=", rewrite: {model: gone}"), ["rewrite.model: 'gone' is not among models (known: base)"]),
    (of("{k: [1, 3]}", more=", rewrite: {model: base, rounds: 0}"), ["rewrite.rounds: must be at least 1"]),
    ("{of: {floor: {by: nearest}}, over: {by: [nearest, majority]}, budget: 100}",
     ["of: floor asks no model: a floor has no settings that could be tuned against it; name prompting or rag"]),
    ("{of: {cascade: {of: [hand, best]}}, over: {tolerance: [0, 1]}, budget: 100}",
     ["of: cascade asks other variants; search the settings of these, and name them there"]),
    (f"{{of: {{searched: {WORKS}}}, over: {{budget: [100, 200]}}, budget: 100}}",
     ["of: searched searches by itself; put all parameters into one `over`"]),
]  # fmt: skip


@pytest.mark.parametrize(("search", "lines"), MISTAKES)
def test_mistakes_name_the_value(write: Write, search: str, lines: list[str]) -> None:
    with pytest.raises(SuiteError) as error:
        load_suite(write(search))
    assert list(error.value.lines) == [f"suite.yaml:{LINE}: variants.best.searched.{line}" for line in lines]


@pytest.mark.parametrize(
    ("search", "validation", "train", "line"),
    [
        (of("{k: [1, 3], shots: [0, 1]}", budget="19 calls"), 20, 30,
         "budget: 19 calls are less than one round of 4 settings on 5 rows each; give at least 20 calls, or leave out "
         "settings"),
        # 2 settings and 2 × 2 with proposals on 5 rows, 2 proposals; 8 and 16 rows for the first setting and a proposal
        # each, 5 of them counted already: 30 + 2 + (3 + 11 + 11)
        (of("{k: [1, 3]}", budget="56", more=", rewrite: {model: base, rounds: 2}"), 20, 30,
         "budget: 56 calls are less than one round of 6 settings on 5 rows each; give at least 57 calls, or leave out "
         "settings"),
        (of("{k: [1, 3]}"), 3, 30, "3 validation rows are too few to choose settings by; give at least 5"),
        (of("{k: [1, 3], shots: [0, 40]}"), 20, 30,
         "with (k: 1, shots: 40; k: 3, shots: 40): shots: 40 examples are asked for but train has 30 rows to choose from"),
    ],
)  # fmt: skip
def test_what_makes_a_search_impossible(write: Write, search: str, validation: int, train: int, line: str) -> None:
    with pytest.raises(SuiteError) as error:
        prepare(load_suite(write(search, validation, train)))
    assert list(error.value.lines) == [f"variants.best on tasks.norm: {line}"]


def test_rows_held_back_are_refused_where_they_are_learnt_or_looked_up(write: Write) -> None:
    suite = SUITE.replace(", validation: val.tsv", "").replace("terms.txt", "rows.txt")
    with pytest.raises(SuiteError, match="knowledge icd9 holds the train rows: settings chosen by rows held back"):
        prepare(load_suite(write(suite=suite, train=60)))


def planned(suite: Suite) -> Any:
    return next(entry for entry in plan(suite, planning_door(suite)).cells if entry.cell.variant == "best")  # type: ignore[arg-type]


def test_a_search_from_its_suite_to_its_report(write: Write, run_suite: Callable[..., RunFolder]) -> None:
    path = write()
    before = planned(load_suite(path))
    assert (before.exact, before.counts.calls) == (False, 200 + 10)
    assert before.missing == "at most 200 calls to choose among 6 settings"
    folder = run_suite(path)
    (record,) = searches_in(folder.read_run()).values()
    # best.j2 repeats the first passage, always right; good.j2 does so for half of the terms; 6 × 20 rows are affordable
    assert [(turn.rows, len(turn.trials)) for turn in record.rounds] == [(20, 6)]
    assert [trial.score for trial in record.rounds[0].trials] == [1.0, 1.0, 0.5, 0.5, 0.0, 0.0]
    assert record.settings[record.choice] == {"k": "1", "prompt": "best.j2"}  # of equals the one with a shorter prompt
    assert (record.source, record.calls, record.difference) == ("validation", 120, 0.0)
    accuracies = [score.value for score in folder.scores() if (score.variant, score.metric) == ("best", "accuracy")]
    assert accuracies == [1.0] * 10
    after = planned(load_suite(path))
    assert (after.exact, after.counts.calls, after.missing) == (True, 0, "")
    cost = {own.variant: own for own in folder.summary().decisions.costs}["best"]
    assert (cost.search_calls, cost.labelled_rows) == (120, 20)
    again = run_suite(path, start="score")  # a later stage takes the choice as it is
    assert list(searches_in(again.read_run()).values()) == [record]
    assert {own.variant: own for own in again.summary().decisions.costs}["best"] == cost
    (facts,) = SearchedSettings().build(folder.finished())
    assert [(row.place, row.setting, row.figure, row.is_chosen) for row in facts.best[:2]] == [
        (1, "k: 1, prompt: best.j2", "100.0 %", True), (2, "k: 3, prompt: best.j2", "100.0 %", False)
    ]  # fmt: skip
    assert facts.sentences[:2] == (
        "On norm, best answers with k: 1, prompt: best.j2: chosen among 6 settings on 20 rows of validation (accuracy "
        "100.0 % there).",
        "The figure on these 20 rows is optimistic, because the setting was picked for it; what counts is the figure on "
        "the test items.",
    )


def test_a_search_on_rows_held_back_from_train(write: Write, run_quickly: Callable[[Path], RunFolder]) -> None:
    suite = SUITE.replace(", validation: val.tsv", "")
    folder = run_quickly(write(of("{prompt: [plain.j2, best.j2], shots: [0, 1]}"), train=50, suite=suite))
    (record,) = searches_in(folder.read_run()).values()
    assert (record.source, len(record.row_ids), record.settings[record.choice]["prompt"]) == ("train", 10, "best.j2")


def test_a_cascade_may_ask_it_and_searches_but_once(write: Write, run_quickly: Callable[[Path], RunFolder]) -> None:
    suite = SUITE + "  both: {cascade: {of: [hand, best], confidence: retrieval, thresholds: [1000]}}\n"
    record = run_quickly(write(suite=suite)).read_run()
    assert [search["variant"] for search in record["searches"]] == ["best"]
    cells = {cell["variant"]: cell["calls"] + cell["cached"] for cell in record["cells"]}
    assert cells == {"hand": 10, "best": 130, "both": 20}


def test_models_with_seeds_are_searched_one_by_one(write: Write) -> None:
    suite = SUITE.replace("models:\n", "models:\n  t: {tuned: {base: base, on: [norm], method: lora, seeds: 2}}\n")
    loaded = load_suite(
        write(
            of("{k: [1, 3]}", rag="model: t, knowledge: icd9"),
            suite=suite.replace("{scripted:", "{huggingface: {path: x}}\n  other: {scripted:"),
        )
    )
    names = [name for name in loaded.variants if name.startswith("best")]
    assert len(names) == 2
    assert [loaded.usage.answering_model[name] for name in names] == [name.replace("best", "t") for name in names]


def test_a_setting_that_always_fails_is_the_worst_and_hostile_texts_stay_texts(
    write: Write, run_quickly: Callable[[Path], RunFolder]
) -> None:
    hostile = "<script>alert(1)</script>{{ question }}"
    suite = SUITE.replace("rules: [", "rules: [{match: '^plain', fail: down}, ")
    search = of(f"{{prompt: [plain.j2, '{hostile}', good.j2]}}")
    folder = run_quickly(write(search, suite=suite))
    (record,) = searches_in(folder.read_run()).values()
    assert record.settings[record.choice] == {"prompt": "good.j2"}
    last = record.rounds[-1].trials
    assert {record.settings[t.setting]["prompt"]: t.failed for t in last}["plain.j2"] == 20
    page = render(folder.finished())
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
