"""A grid of factors: which variants it stands for, what they are called, and what it is refused for."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.components.component import settings
from harness.errors import SuiteError
from harness.stages.prepare import prepare
from harness.suite.grid_names import cell_names, level_texts
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from harness.summary.comparison_plan import comparison_plan

SUITE = """\
name: colours
models:
  base: {scripted: {default: 红}}
  lora: {scripted: {default: 蓝}}
knowledge:
  notes: {files: {path: notes.md}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
variants:
  grid: {GRID}
"""
LINE = 12  # of the grid
Write = Callable[..., Path]


@pytest.fixture
def load(write_suite: Write) -> Callable[..., Suite]:
    """The suite with a grid, and with what else it states."""

    def read(grid: str, more: str = "", suite: str = SUITE) -> Suite:
        text = suite.replace("{GRID}", grid) + more
        return load_suite(write_suite(text, test__tsv="词\t色\n天\t蓝\n", notes__md="天是蓝的\n"))

    return read


# (the grid, the names of its variants in their order)
NAMES = [
    ("{model: base}", ["base"]),
    ("{model: [base]}", ["base"]),
    ("{model: [base, lora]}", ["base", "lora"]),
    ("{shots: [0, 5], model: [base, lora]}", ["base+0-shot", "base+5-shot", "lora+0-shot", "lora+5-shot"]),
    ("{model: [base, lora], retriever: [none, tfidf], knowledge: notes, shots: [0, 5]}", [
        "base+0-shot", "base+5-shot", "base+tfidf+0-shot", "base+tfidf+5-shot",
        "lora+0-shot", "lora+5-shot", "lora+tfidf+0-shot", "lora+tfidf+5-shot"]),
    ("{model: base, retriever: tfidf, knowledge: notes, k: [1, 3]}", ["base+k=1", "base+k=3"]),
    ("{model: base, retriever: [null, tfidf], knowledge: notes}", ["base", "base+tfidf"]),
    ("{model: base, retriever: [none, tfidf, lexical], knowledge: notes, k: [1, 3]}", [  # k needs a retriever
        "base", "base+tfidf+k=1", "base+tfidf+k=3", "base+lexical+k=1", "base+lexical+k=3"]),
    ("{model: base, shots: [0, 2], pick: [fixed, nearest]}", [  # nothing is picked for 0 shots
        "base+0-shot", "base+2-shot+pick=fixed", "base+2-shot+pick=nearest"]),
    ("{model: base, chain_of_thought: [false, true], instruction: 'Think. {{ marker }}'}", [
        "base+no-chain_of_thought", "base+chain_of_thought"]),
    ("{model: base, retriever: [tfidf, lexical], knowledge: notes, closed_book: [false, true]}", [  # nothing is searched
        "base+tfidf+no-closed_book", "base+closed_book", "base+lexical+no-closed_book"]),
    ("{model: base, retriever: [{lexical: {k1: 1.0}}, {lexical: {k1: 2.0}}], knowledge: notes}", [
        "base+lexical,k1-1.0", "base+lexical,k1-2.0"]),
    ("{model: base, system: [null, Be brief., 'Take your time, and then answer in one word.']}", [
        "base+system=none#1", "base+system=Be_brief.#2", "base+system=Take_your_time,_and_then_answer_in_one_w#3"]),
    ("{model: [base, lora], shots: [0, 5], exclude: [{model: base, shots: 5}]}", [
        "base+0-shot", "lora+0-shot", "lora+5-shot"]),
    ("{model: [base, lora], shots: [0, 5], exclude: [{shots: 5}, {model: lora, shots: 5}]}", [
        "base+0-shot", "lora+0-shot"]),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "names"), NAMES, ids=[row[0][:70] for row in NAMES])
def test_a_grid_stands_for_named_variants(load: Callable[..., Suite], grid: str, names: list[str]) -> None:
    assert list(load(grid).variants) == names


def test_a_cell_is_what_the_suite_would_write_by_hand(load: Callable[..., Suite]) -> None:
    grid = "{model: [base, lora], retriever: [none, {lexical: {k1: 2.0}}], knowledge: notes, k: 3, shots: 2}"
    hand = "\n  a: {prompting: {model: lora, shots: 2}}\n  b: {rag: {model: lora, retriever: {lexical: {k1: 2.0}}, knowledge: notes, k: 3, shots: 2}}\n"
    variants = load(grid, hand).variants
    for cell, written in (("lora", "a"), ("lora+lexical", "b")):
        assert type(variants[cell]) is type(variants[written])
        assert settings(variants[cell]) == settings(variants[written])


def test_other_variants_stand_beside_it_and_name_its_cells(load: Callable[..., Suite]) -> None:
    more = """\
  plain: {prompting: {model: base}}
  both: {cascade: {of: [base, lora], thresholds: [-1.0]}}
compare: {reference: lora, approaches: {lora: fine-tuning}}
"""
    suite = load("{model: [base, lora]}", more)
    assert list(suite.variants) == ["base", "lora", "plain", "both"]
    assert suite.usage.models_of["both"] == ("base", "lora")


# (the grid, what is said of it)
REFUSED = [
    ("null", ["variants.grid: 'grid' holds factors, e.g. {model: [base, lora], retriever: [none, tfidf], knowledge: notes, shots: [0, 5]}; a variant needs another name"]),
    ("{prompting: {model: base}}", ["variants.grid: 'grid' holds factors, e.g. {model: [base, lora], retriever: [none, tfidf], knowledge: notes, shots: [0, 5]}; a variant needs another name"]),
    ("{my.module.Variant: {model: base}}", ["variants.grid: 'grid' holds factors, e.g. {model: [base, lora], retriever: [none, tfidf], knowledge: notes, shots: [0, 5]}; a variant needs another name"]),
    ("{shots: [0, 5]}", ["variants.grid: model is required: one model, or a list of them"]),
    ("{model: []}", ["variants.grid.model: has no level; name at least one"]),
    ("{model: [base, base]}", ["variants.grid.model: names the level base twice"]),
    ("{model: base, shots: [0, 5, 0, 0]}", ["variants.grid.shots: names the level 0 3 times"]),
    ("{model: base, knowledge: notes, retriever: [tfidf, {tfidf: null}]}", ["variants.grid.retriever: names the level tfidf twice"]),
    ("{model: base, shot: [0, 5]}", ["variants.grid.shot: is not a parameter of a grid (did you mean shots?)"]),
    ("{model: [base, lroa], shots: [0, 5]}", ["variants.grid.model.1: 'lroa' is not among models (did you mean lora?)"]),
    ("{model: [base, lora], shots: [0, -5]}", ["variants.grid.shots.1: must be at least 0"]),
    ("{model: [base, lora], shots: [0, many]}", ["variants.grid.shots.1: input should be a valid integer, not many"]),
    ("{model: [base, lora], retriever: [none, tfdif], knowledge: notes}", ["variants.grid.retriever.1: retriever 'tfdif' is not known (did you mean tfidf?)"]),
    ("{model: [base, lora], retriever: [none, {tfidf: {pair: 1}}], knowledge: notes}", ["variants.grid.retriever.1.tfidf.pair: is not a parameter of Tfidf (did you mean pairs?)"]),
    ("{model: [base, lora], retriever: [none, tfidf]}", ["variants.grid.knowledge: is required"]),
    ("{model: [base, lora], retriever: [none, tfidf], knowledge: nots}", ["variants.grid.knowledge: 'nots' is not among knowledge (did you mean notes?)"]),
    ("{model: [base, lora], k: [1, 3]}", ["variants.grid.k: belongs to retrieval, and no cell retrieves; add e.g. retriever: [none, tfidf]"]),
    ("{model: [base, lora], samples: 3}", ["variants.grid: samples above 1 need a temperature above 0, or all answers are the same (try 0.7)"]),
    ("{model: [base, lora], system: 'Hello {{ name'}", ["variants.grid.system: suite.yaml:12:1: unexpected end of template, expected 'end of print statement'."]),
    ("{model: base, exclude: {model: base}}", ["variants.grid.exclude: must be a list of combinations, e.g. [{model: base, shots: 5}]"]),
    ("{model: [base, lora], exclude: [{shots: 5}]}", ["variants.grid.exclude.0.shots: is not a factor of the grid (known: model)"]),
    ("{model: [base, lora], exclude: [{model: other}]}", ["variants.grid.exclude.0.model: other is not a level of model (known: base, lora)"]),
    ("{model: [base, lora], exclude: [{model: base}, {model: lora}]}", ["variants.grid.exclude: leaves no cell of the grid; leave fewer out"]),
    ("{model: [base, lora], shots: [" + ", ".join(map(str, range(251))) + "]}", ["variants.grid: stands for 502 variants; at most 500: leave out factors or levels"]),
    ("{model: [base, lora], shots: [], k: 1, pick: [fixed, fixed]}", [
        "variants.grid.k: belongs to retrieval, and no cell retrieves; add e.g. retriever: [none, tfidf]",
        "variants.grid.pick: names the level fixed twice",
        "variants.grid.shots: has no level; name at least one",
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "lines"), REFUSED, ids=[row[0][:70] for row in REFUSED])
def test_a_mistake_is_said_once_at_the_line_of_the_grid(
    load: Callable[..., Suite], grid: str, lines: list[str]
) -> None:
    with pytest.raises(SuiteError) as caught:
        load(grid)
    assert list(caught.value.mistakes) == [f"suite.yaml:{LINE}: {line}" for line in lines]


def test_a_mistake_in_a_list_has_its_own_line(load: Callable[..., Suite]) -> None:
    with pytest.raises(SuiteError) as caught:
        load("\n    model:\n      - base\n      - lroa\n    shots: [0, 1]")
    assert list(caught.value.mistakes) == [
        "suite.yaml:15: variants.grid.model.1: 'lroa' is not among models (did you mean lora?)"
    ]


def test_a_name_that_another_variant_has_is_refused(load: Callable[..., Suite]) -> None:
    with pytest.raises(SuiteError) as caught:
        load("{model: [base, lora]}", "  lora: {prompting: {model: base}}\n")
    assert list(caught.value.mistakes) == [
        "suite.yaml:12: variants.grid: 'lora' would stand for two variants; rename the other one, or a model"
    ]


def test_models_whose_names_make_equal_cells_are_refused(load: Callable[..., Suite]) -> None:
    suite = SUITE.replace("  lora:", "  base+tfidf:")
    with pytest.raises(SuiteError) as caught:
        load("{model: [base, base+tfidf], retriever: [none, tfidf], knowledge: notes}", suite=suite)
    assert "'base+tfidf' would stand for two variants" in str(caught.value)


def test_a_name_that_no_folder_could_have_is_refused(load: Callable[..., Suite]) -> None:
    suite = SUITE.replace("  lora:", f"  {'n' * 195}:")
    with pytest.raises(SuiteError) as caught:
        load(f"{{model: [base, {'n' * 195}], shots: [0, 5]}}", suite=suite)
    assert list(caught.value.mistakes) == [
        "suite.yaml:12: variants.grid: the name that is made of a cell's levels has at most 200 bytes, not 202; shorten it"
    ]


def test_a_faulty_grid_brings_no_complaints_about_its_cells(load: Callable[..., Suite]) -> None:
    more = "  both: {cascade: {of: [base, lora], thresholds: [-1.0]}}\ncompare: {reference: lora, approaches: {lora: RAG}}\n"
    with pytest.raises(SuiteError) as caught:
        load("{model: [base, lora], shot: 1}", more)
    assert list(caught.value.mistakes) == [
        "suite.yaml:12: variants.grid.shot: is not a parameter of a grid (did you mean shots?)"
    ]


def test_200_variants_are_a_suite(load: Callable[..., Suite]) -> None:
    suite = load("{model: [base, lora], shots: [" + ", ".join(map(str, range(100))) + "]}")
    assert (len(suite.variants), len(set(suite.variants))) == (200, 200)


def test_what_data_says_against_cells_is_said_once(load: Callable[..., Suite]) -> None:
    suite = load("{model: [base, lora], shots: [0, 5, 7]}")
    with pytest.raises(SuiteError) as caught:
        prepare(suite)
    assert [line.partition(":")[0] for line in caught.value.mistakes] == [
        "variants.grid (base+5-shot, lora+5-shot) on tasks.colour",
        "variants.grid (base+7-shot, lora+7-shot) on tasks.colour",
    ]


# (values of a factor, how they are told apart)
LEVELS = [
    ([0, 5], ["0", "5"]),
    ([True, False], ["true", "false"]),
    ([None, "a"], ["none", "a"]),
    (["none", None], ["none#1", "none#2"]),
    (["a b", "a_b"], ["a_b#1", "a_b#2"]),
    (["x/y", "x:z"], ["x_y", "x_z"]),
    (["", "a"], ["#1", "a#2"]),
    ([{"dense": {"model": "bge"}}, {"dense": {"model": "gte"}}, "tfidf"], ["dense,model-bge", "dense,model-gte", "tfidf"]),
    ([{"rerank": {"of": {"tfidf": {"pairs": 1}}}}, {"rerank": {"of": {"tfidf": {"pairs": 2}}}}], ["rerank#1", "rerank#2"]),
    (["x" * 41, "y"], [f"{'x' * 40}#1", "y#2"]),
]  # fmt: skip


@pytest.mark.parametrize(("values", "texts"), LEVELS, ids=str)
def test_levels_are_told_apart(values: list[object], texts: list[str]) -> None:
    assert level_texts(values) == texts


def test_parts_of_a_name() -> None:
    cell = {"model": "m", "retriever": "none", "knowledge": "kb", "shots": "3", "circular": "true", "oracle": "false"}
    assert cell_names([{**cell, "k": "2"}]) == ["m+kb+3-shot+circular+no-oracle+k=2"]


# (the grid, more of the suite, the factors and levels of each variant as reported)
DESIGNS = [
    ("{model: [base, lora], shots: [0, 5]}", "model × shots", {
        "base+0-shot": {"model": "base", "shots": "0"}, "base+5-shot": {"model": "base", "shots": "5"},
        "lora+0-shot": {"model": "lora", "shots": "0"}, "lora+5-shot": {"model": "lora", "shots": "5"}}),
    ("{model: base, retriever: [none, tfidf], knowledge: notes, k: [1, 3]}", "retriever × k", {
        "base": {"retriever": "none"}, "base+tfidf+k=1": {"retriever": "tfidf", "k": "1"},
        "base+tfidf+k=3": {"retriever": "tfidf", "k": "3"}}),
    ("{model: base, shots: [0, 5], exclude: [{shots: 5}]}", None, {}),
    ("{model: base}", None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("grid", "name", "cells"), DESIGNS, ids=[row[0] for row in DESIGNS])
def test_the_comparison_plan_knows_the_factors(
    load: Callable[..., Suite], grid: str, name: str | None, cells: dict[str, dict[str, str]]
) -> None:
    grids = comparison_plan(load(grid, "  more: {prompting: {model: base}}\n"), {}, {}, {}).grids
    assert grids == ({name: cells} if name else {})


TUNED = SUITE.replace("base: {scripted: {default: 红}}", "base: {huggingface: {path: some/model}}")


@pytest.mark.parametrize(
    ("several", "levels"),
    [
        ("seeds: 2", {"base": "base", "base+tfidf": "base", "lora": "lora", "lora+tfidf": "lora"}),
        ("sizes: [5, all]", {
            "base": "base", "base+tfidf": "base", "lora-5": "lora-5", "lora-all": "lora-all",
            "lora+tfidf-5": "lora-5", "lora+tfidf-all": "lora-all"}),
        ("sizes: [5], seeds: 2", {"base": "base", "base+tfidf": "base", "lora-5": "lora-5", "lora+tfidf-5": "lora-5"}),
    ],
)  # fmt: skip
def test_models_of_several_sizes_and_seeds(load: Callable[..., Suite], several: str, levels: dict[str, str]) -> None:
    lora = f"lora: {{tuned: {{base: base, method: lora, on: [colour], {several}}}}}"
    suite = TUNED.replace("lora: {scripted: {default: 蓝}}", lora)
    loaded = load("{model: [base, lora], retriever: [none, tfidf], knowledge: notes}", suite=suite)
    (cells,) = comparison_plan(loaded, {}, {}, {}).grids.values()
    assert {name: cell["model"] for name, cell in cells.items()} == levels
    assert {name: cell["retriever"] for name, cell in cells.items()} == {
        name: "tfidf" if "tfidf" in name else "none" for name in levels
    }
