"""Test items in what is looked up: a passage leaks by its text, its title and its aliases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baselines.support.confidence import contains_rows
from harness.checks.leakage import contamination
from harness.errors import SuiteError
from harness.records.inputs import Passage, PassageSet, Sample
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite

SUITE = """\
models: {m: {scripted: {default: x}}}
knowledge: {kb: {jsonl: {path: kb.jsonl}}}
tasks:
  t: {data: {tsv: {path: test.tsv, input: q, target: a}}, metrics: {accuracy: exact_match}}
variants: {rag: {rag: {model: m, knowledge: kb}}}
"""
TEST = "q\ta\n左膝关节换了\t左膝关节置换术\n白内障手术怎么做\t白内障摘除术\n患者因右侧腹股沟可复性肿块三个月要求手术治疗\t疝修补术\n"


@pytest.mark.parametrize(
    ("passage", "expected"),
    [
        ({"text": "左膝关节置换术", "aliases": ["左膝关节换了"]}, (1, 0, 0)),
        ({"text": "左膝关节置换术", "aliases": ["换膝", "问：左 膝关节换了？"]}, (0, 1, 0)),
        ({"text": "左膝关节置换术", "aliases": "左膝关节换了"}, (1, 0, 0)),
        ({"text": "骨科", "aliases": ["左膝关节换了→左膝关节置换术"]}, (1, 0, 0)),  # the alias holds both
        ({"text": "左膝关节置换术", "aliases": ["左膝关节换了吗"]}, (1, 0, 0)),
        # 28 n-grams each, of which the one other character stands in 3: 25 / 31
        ({"text": "疝修补术", "aliases": ["患者因右侧腹股沟可复性肿块两个月要求手术治疗"]}, (0, 0, 1)),
        ({"text": "白内障摘除术", "title": "白内障手术怎么做"}, (1, 0, 0)),
        ({"text": "左膝关节换了", "aliases": ["左膝关节置换术"]}, (1, 0, 0)),
        ({"text": "白内障摘除术", "aliases": ["左膝关节换了"]}, (0, 0, 0)),  # with another answer
        ({"text": "左膝关节置换术", "aliases": ["换膝"]}, (0, 0, 0)),
        ({"text": "左膝关节置换术", "aliases": [7, None]}, (0, 0, 0)),
        ({"text": "左膝关节置换术", "remark": "左膝关节换了"}, (0, 0, 0)),  # not searched
    ],
)
def test_aliases_and_titles_are_looked_through(
    passage: dict[str, Any], expected: tuple[int, int, int], write_suite: Callable[..., Path]
) -> None:
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in ({"text": "阑尾切除术"}, passage))
    suite = load_suite(write_suite(SUITE, test__tsv=TEST, kb__jsonl=lines))
    (overlap,) = contamination(suite, prepare(suite))
    assert (overlap.exact, overlap.normalised, overlap.near) == expected
    assert (overlap.source, overlap.models) == ("knowledge kb", ())


@pytest.mark.parametrize(
    ("meta", "title", "expected"),
    [
        ({"aliases": ["左膝关节换了"]}, "", True),
        ({"aliases": "左膝 关节换了！"}, "", True),
        ({}, "左膝关节换了", True),
        ({"aliases": ["右膝"]}, "", False),
    ],
)
def test_a_knowledge_base_of_train_rows_is_known_by_its_aliases(
    meta: dict[str, Any], title: str, expected: bool
) -> None:
    passages = PassageSet((Passage(id="1", text="左膝关节置换术", title=title, meta=meta),))
    row = Sample(id="r", task="t", input="左膝关节换了", targets=("左膝关节置换术",))
    assert contains_rows(passages, [row]) is expected


NAMED = """\
models: {m: {scripted: {default: x}}}
knowledge: {kb: {texts: {path: kb.txt, examples: t}}, half: {texts: {path: kb.txt, examples: t, max_examples: 2}}}
tasks:
  t: {data: {tsv: {path: test.tsv, train: train.tsv, input: q, target: a}}, metrics: {accuracy: exact_match}}
variants:
  rag: {rag: {model: m, knowledge: kb}}
  MORE
leakage: {allowed: ALLOWED}
"""
ROWS = "q\ta\n左 膝关节换了\t左膝关节置换术\n摘白内障\t白内障摘除术\n白内障手术怎么做\t白内障摘除术\n"


@pytest.mark.parametrize(
    ("more", "source"),
    [
        ("", "examples of t"),
        ("few: {prompting: {model: m, shots: 1}}", "examples of t"),  # shown and searched: one source
        ("less: {rag: {model: m, knowledge: half}}", "examples of t"),
    ],
)
def test_rows_that_are_names_are_compared_as_questions(
    more: str, source: str, write_suite: Callable[..., Path]
) -> None:
    """Of three test items one stands among the train rows, one but for a space; the passage alone has no question."""
    text = NAMED.replace("MORE", more).replace("ALLOWED", "1")
    suite = load_suite(write_suite(text, test__tsv=TEST, train__tsv=ROWS, kb__txt="左膝关节置换术\n白内障摘除术\n"))
    found = {overlap.source: overlap for overlap in contamination(suite, prepare(suite))}
    assert {name for name, overlap in found.items() if overlap.twins} == {source}
    assert (found[source].exact, found[source].normalised, found[source].near) == (1, 1, 0)
    assert found[source].named_in == (("kb", "half") if "half" in more else ("kb",))


@pytest.mark.parametrize(
    ("more", "allowed", "lines"),
    [
        ("", "0.7", 0),
        ("", "0.6", 1),  # 2 of 3
        ("less: {rag: {model: m, knowledge: half}}", "0.05", 1),  # the smaller one adds nothing
    ],
)
def test_names_of_too_many_test_items_are_refused_once(
    more: str, allowed: str, lines: int, write_suite: Callable[..., Path]
) -> None:
    text = NAMED.replace("MORE", more).replace("ALLOWED", allowed)
    suite = load_suite(write_suite(text, test__tsv=TEST, train__tsv=ROWS, kb__txt="左膝关节置换术\n白内障摘除术\n"))
    tasks = prepare(suite)
    if not lines:
        contamination(suite, tasks)
        return
    with pytest.raises(SuiteError) as caught:
        contamination(suite, tasks)
    (line,) = caught.value.mistakes
    assert line.startswith("knowledge.kb: 2 of 3 test items of task t stand in what it learns")


@pytest.mark.parametrize(("learned", "expected"), [(("左膝 关节换了",), True), (("右膝",), False)])
def test_learned_names_are_noticed_however_far_down_the_rows_stand(learned: tuple[str, ...], expected: bool) -> None:
    """All 60 rows count, short ones too; 50 are looked for in the texts."""
    passages = PassageSet((Passage(id="1", text="手术", learned_names=("膝", *learned)),))
    rows = [
        Sample(id=str(n), task="t", input="左膝关节换了" if n > 45 else f"其他{n}", targets=("x",)) for n in range(60)
    ]
    assert contains_rows(passages, rows) is expected
