"""The quickstart's data: reproducible, without leaks, unambiguous, and of the difficulty that its README states."""

import importlib

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from harness.records.inputs import Sample
from harness.text.normalise import normalise
from harness.text.templates import Template
from tests.shared.paths import ROOT

FOLDER = ROOT / "suites" / "quickstart"
Rows = list[tuple[str, str]]


def rows(name: str) -> Rows:
    lines = (FOLDER / "data" / name).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "原始词\t标准词"
    return [(text, term) for text, term in (line.split("\t") for line in lines[1:])]


@pytest.fixture(scope="module")
def train() -> Rows:
    return rows("train.tsv")


@pytest.fixture(scope="module")
def test() -> Rows:
    return rows("test.tsv")


def bare(text: str) -> str:
    return normalise(text, punctuation="drop").replace(" ", "")


def test_the_committed_files_are_what_the_generator_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    for name, content in importlib.import_module("generate").generate().items():
        assert (FOLDER / "data" / name).read_bytes() == content.encode("utf-8"), f"{name}: run generate.py"


def test_sizes(train: Rows, test: Rows) -> None:
    known = {term for _, term in train}
    assert (len(train), len(test), len(known)) == (400, 60, 65)
    assert sum(term in known for _, term in test) == 46


def test_no_written_form_occurs_twice_or_is_a_standard_term(train: Rows, test: Rows) -> None:
    forms = [bare(text) for text, _ in train + test]
    assert len(set(forms)) == len(forms)
    assert not set(forms) & {bare(term) for _, term in train + test}


def test_every_target_is_a_known_term(train: Rows, test: Rows) -> None:
    terms = (FOLDER / "data/terms.txt").read_text(encoding="utf-8").splitlines()
    assert len(terms) == len(set(terms)) == 235
    assert {term for _, term in train + test} <= set(terms)


@pytest.mark.parametrize(("standard", "written"), [("左侧", "左Ｌ"), ("右侧", "右R"), ("双侧", "双两")])
def test_the_side_of_a_written_form_is_the_side_of_its_term(
    standard: str, written: str, train: Rows, test: Rows
) -> None:
    for text, term in train + test:
        assert term.startswith(standard) == any(mark in text.replace("ORIF", "") for mark in written), (text, term)


def test_the_nearest_train_row_is_right_for_33_of_60(train: Rows, test: Rows) -> None:
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
    known = vectorizer.fit_transform([text for text, _ in train])
    nearest = (vectorizer.transform([text for text, _ in test]) @ known.T).toarray().argmax(axis=1)
    assert sum(train[index][1] == term for index, (_, term) in zip(nearest, test, strict=True)) == 33


def test_the_prompt_ends_where_the_standard_term_begins() -> None:
    template = Template((FOLDER / "prompts/norm.j2").read_text(encoding="utf-8"), "norm.j2")
    text = template.render(Sample(id="1", task="norm", input="左膝换关节手术", targets=("左侧膝关节置换术",)))
    assert text.endswith("原始词：左膝换关节手术\n标准词：")
