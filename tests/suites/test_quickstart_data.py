"""The quickstart's data: reproducible, and such that neither the list nor the train rows alone are enough."""

import importlib
from collections import Counter
from types import ModuleType
from typing import cast

import pytest

from baselines.retrievers.lexical import Lexical
from baselines.support.worked_examples import select_examples
from harness.components.calls import Calls
from harness.records.inputs import Passage, Sample
from harness.text.normalise import normalise
from harness.text.templates import Template
from tests.shared.paths import ROOT

FOLDER = ROOT / "suites" / "quickstart"
NO_CALLS = cast(Calls, None)  # lexical retrieval asks no model
K = 3  # passages that the suite shows
ASKED = 48  # test rows that the suite asks
Rows = list[tuple[str, str]]


def rows(name: str) -> Rows:
    lines = (FOLDER / "data" / name).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "原始词\t标准词"
    return [(text, term) for text, term in (line.split("\t") for line in lines[1:])]


def samples(lines: Rows) -> list[Sample]:
    return [Sample(id=str(i), task="norm", input=text, targets=(term,)) for i, (text, term) in enumerate(lines)]


TRAIN, TEST = rows("train.tsv"), rows("test.tsv")
TERMS = (FOLDER / "data/terms.txt").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("vocabulary")


@pytest.fixture(scope="module")
def ranks() -> dict[str, int]:
    """For each note the rank of its name in the list, 1 is the first."""
    index = Lexical().index([Passage(id=str(i), text=term) for i, term in enumerate(TERMS)], NO_CALLS)
    hits = index.search([text for text, _ in TRAIN + TEST], len(TERMS))
    return {
        text: [TERMS[place] for place, _ in row].index(term) + 1
        for (text, term), row in zip(TRAIN + TEST, hits, strict=True)
    }


def test_the_committed_files_are_what_the_generator_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    for name, content in importlib.import_module("generate").generate().items():
        assert (FOLDER / "data" / name).read_bytes() == content.encode("utf-8"), f"{name}: run generate.py"


def test_sizes() -> None:
    assert (len(TRAIN), len(TEST), len(TERMS), len(set(TERMS))) == (162, 60, 216, 216)


def test_no_note_occurs_twice_or_is_a_name_of_the_list() -> None:
    notes = [normalise(text, punctuation="drop").replace(" ", "") for text, _ in TRAIN + TEST]
    assert len(set(notes)) == len(notes)
    assert not set(notes) & set(TERMS)


def test_every_name_is_in_the_list_and_no_name_or_site_of_test_in_train(vocabulary: ModuleType) -> None:
    assert {term for _, term in TRAIN + TEST} <= set(TERMS)
    sites = [site for group in vocabulary.GROUPS for site in group.sites]
    used = {split: {site for site in sites for _, term in lines if term[2:].startswith(site)} for split, lines in
            {"train": TRAIN, "test": TEST}.items()}  # fmt: skip
    assert (len(used["train"]), len(used["test"])) == (24, 12)
    assert not used["train"] & used["test"]


def test_the_sign_of_a_note_tells_the_approach_and_train_shows_each_equally_often(vocabulary: ModuleType) -> None:
    for text, term in TRAIN + TEST:
        note, _, sign = text.partition("，")
        (approach,) = [approach for approach, known in vocabulary.APPROACHES.items() if known == sign]
        assert term.startswith(approach), (text, term)
        assert not set(vocabulary.APPROACHES.values()) & set(note)
    assert set(Counter(text[-1] for text, _ in TRAIN).values()) == {len(TRAIN) // 3}


def test_no_sign_stands_in_the_list(vocabulary: ModuleType) -> None:
    """So that retrieval finds the three approaches of an operation, and cannot tell which of them is right."""
    assert not set(vocabulary.APPROACHES.values()) & set("".join(TERMS))


@pytest.mark.parametrize("asked", [12, 24, 36, ASKED, 60])
def test_the_first_rows_have_every_approach_equally_often(asked: int) -> None:
    """A run on fewer items is the same task: `limit` takes the first."""
    assert set(Counter(term[:2] for _, term in TEST[:asked]).values()) == {asked // 3}


def test_the_floors_are_those_of_the_readme(ranks: dict[str, int]) -> None:
    """The nearest row is never right, the first hit about a third of the time; the right name is always among those shown."""
    nearest = select_examples("nearest", samples(TRAIN), samples(TEST), 1, 42)
    assert not sum(shown[0].targets[0] == term for shown, (_, term) in zip(nearest, TEST, strict=True))
    asked = [ranks[text] for text, _ in TEST[:ASKED]]
    assert [asked.count(rank) for rank in range(1, K + 1)] == [12, 19, 17]
    assert sum(ranks[text] == 1 for text, _ in TEST) == 19
    assert max(ranks[text] for text, _ in TRAIN + TEST) == K


def test_the_prompt_ends_where_the_name_begins() -> None:
    sample = Sample(id="1", task="norm", input="胰尾切掉，K", targets=("开放胰尾部切除术",))
    question = Template((FOLDER / "prompts/norm.j2").read_text(encoding="utf-8"), "norm.j2").render(sample)
    assert question == "记录：胰尾切掉，K\n名称："
    template = Template((FOLDER / "prompts/rag.j2").read_text(encoding="utf-8"), "rag.j2")
    asked = template.render(
        sample, question=question, passages=[{"text": "镜下胰尾部切除术"}, {"text": "开放胰尾部切除术"}]
    )
    assert asked == f"镜下胰尾部切除术\n开放胰尾部切除术\n{question}"
