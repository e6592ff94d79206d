"""A suite with knowledge, from its mistakes to its report."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.components.display import Display
from harness.errors import StoreError, SuiteError
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import plan
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite

Write = Callable[..., Path]
Run = Callable[..., RunFolder]

SUITE = """\
name: small
models:
  robot: {scripted: {rules: [{match: '\\[1\\] (\\S+)', reply: '\\1'}], default: 不知道}}
knowledge:
  terms: {texts: {path: terms.txt, gold: {separator: '##'}}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv}}
    metrics: {accuracy: exact_match}
variants:
  plain: {prompting: {model: robot}}
  rag: {rag: {model: robot, knowledge: terms, k: 2}}
  oracle: {rag: {model: robot, knowledge: terms, oracle: true}}
  nearest: {floor: {by: nearest}}
  first: {floor: {by: top_passage, knowledge: terms}}
  both: {cascade: {of: [rag, plain], confidence: retrieval}}
"""
FILES = {
    "terms__txt": "左膝关节置换术\n白内障摘除术\n阑尾切除术\n\n阑尾切除术\n",
    "test__tsv": "input\ttarget\n左膝换关节\t左膝关节置换术\n白内障摘了\t白内障摘除术\n肝移植\t肝移植术\n",
    "train__tsv": "input\ttarget\n左膝关节换\t左膝关节置换术\n切阑尾\t阑尾切除术\n",
}


def mistakes(path: Path) -> tuple[str, ...]:
    with pytest.raises(SuiteError) as caught:
        prepare(load_suite(path))
    return tuple(line.partition("suite.yaml:")[2] or line for line in caught.value.mistakes)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("k: 2", "k: 2, retriever: lexicl", ["12: variants.rag.rag.retriever: retriever 'lexicl' is not known (did you mean lexical?)"]),
        ("k: 2", "k: 2, retriever: {lexical: {k2: 1}}", ["12: variants.rag.rag.retriever.lexical.k2: is not a parameter of Lexical (known: b, k1, method, tokens)"]),
        ("k: 2", "k: 2, retriever: {dense: {model: robot}}", ["12: variants.rag.rag.retriever.dense.model: 'robot' is Scripted, which cannot embed texts; none of the models can"]),
        ("k: 2", "k: 2, retriever: {hybrid: {of: [lexical, tfidff]}}", ["12: variants.rag.rag.retriever.hybrid.of.1: retriever 'tfidff' is not known (did you mean tfidf?)"]),
        ("knowledge: terms, k", "knowledge: term, k", ["12: variants.rag.rag.knowledge: 'term' is not among knowledge (did you mean terms?)"]),
        ("k: 2", "k: 2, prompt: rag.j2", ["12: variants.rag.rag.prompt: no file rag.j2 beside the suite or in prompts/ (none is defined)"]),
        ("of: [rag, plain]", "of: [rag, plan]", ["16: variants.both.cascade.of.1: 'plan' is not among variants (did you mean plain?)"]),
        ("of: [rag, plain]", "of: [rag, both]", ["16: variants.both.cascade.of.1: 'both' is Cascade, which cannot be a step of another variant; these can: plain, rag, oracle, nearest, first"]),
        ("{accuracy: exact_match}", "{retrieval: exact_match}", ["9: tasks.norm.metrics.retrieval: the name retrieval belongs to the metric of that name; choose another"]),
        ("confidence: retrieval", "confidence: logprob", ["variants.both on tasks.norm: confidence: logprob: step rag asks robot, which does not tell log-probabilities; use confidence: agreement or retrieval"]),
        ("texts: {path", "text: {path", ["5: knowledge.terms: knowledge 'text' is not known (did you mean texts?)"]),
    ],
)  # fmt: skip
def test_mistakes_in_a_suite(write_suite: Write, old: str, new: str, expected: list[str]) -> None:
    assert old in SUITE
    found = mistakes(write_suite(SUITE.replace(old, new, 1), **FILES))
    assert list(found) == expected


def test_mistakes_in_knowledge_are_told_once(write_suite: Write) -> None:
    (line,) = mistakes(write_suite(SUITE, **{**FILES, "terms__txt": "\n\n"}))
    assert line.startswith("knowledge.terms: ")
    assert line.endswith("is empty")
    (line,) = mistakes(write_suite(SUITE.replace("separator: '##'", "by: field, field: inptu"), **FILES))
    assert "no column 'inptu'" in line


def test_the_whole_path(write_suite: Write, run_suite: Run) -> None:
    folder = run_suite(write_suite(SUITE, **FILES))
    summary = folder.summary()
    means = {(r.variant, r.metric): r.mean for r in summary.results}
    # plain says 不知道; rag, oracle and first give the first passage: right for two of three
    assert [means[v, "accuracy"] for v in ("plain", "rag", "oracle", "first")] == pytest.approx(
        [0, 2 / 3, 2 / 3, 2 / 3]
    )
    assert means["rag", "retrieval"] == means["rag", "retrieval.mrr"] == 1.0  # of the two whose gold passage is known
    known = {(r.variant, r.metric): r.known for r in summary.results}
    assert known["rag", "retrieval"] == 2
    assert ("plain", "retrieval") not in means
    assert summary.headline == ("norm.accuracy",)
    found = {r.variant: r.counts for r in summary.retrieved}
    assert found["rag"] == {
        "hit and right": 2, "hit and wrong": 0, "miss and right": 0, "miss and wrong": 0, "not shown": 0, "unknown": 1,
    }  # fmt: skip
    assert {c.variant for c in summary.floors} == {"plain", "rag", "both"}  # not the oracle
    assert {r.variant for r in summary.routed} == {"both"}
    record = folder.read_run()["knowledge"]["terms"]
    assert (record["passages"], record["merged"], record["settings"]["gold"]["separator"]) == (3, 1, "##")


def test_a_second_run_repeats_nothing_and_scores_the_same(write_suite: Write, run_suite: Run) -> None:
    path = write_suite(SUITE, **FILES)
    first, second = run_suite(path), run_suite(path, "again")
    assert sum(cell["calls"] for cell in second.read_run()["cells"]) == 0
    assert (first.path / "scores.jsonl").read_bytes() == (second.path / "scores.jsonl").read_bytes()
    assert (first.path / "predictions.jsonl").read_bytes() == (second.path / "predictions.jsonl").read_bytes()


def test_a_cascade_over_an_oracle_is_an_upper_bound_too(write_suite: Write, run_suite: Run) -> None:
    folder = run_suite(write_suite(SUITE.replace("of: [rag, plain]", "of: [rag, oracle]"), **FILES))
    assert folder.summary().bounds == ("oracle", "both")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("separator: '##'", "by: contains", "knowledge.terms"),
        ("default: 不知道", "default: 知道", "models.robot"),
    ],
)
def test_scoring_again_refuses_what_made_the_predictions_if_it_changed(
    write_suite: Write, run_suite: Run, old: str, new: str, told: str
) -> None:
    run_suite(write_suite(SUITE, **FILES))
    with pytest.raises(StoreError, match=f"changed since its predictions were made: {told}"):
        run_suite(write_suite(SUITE.replace(old, new), **FILES), start="score")


def test_scoring_again_refuses_a_changed_knowledge_file(write_suite: Write, run_suite: Run) -> None:
    run_suite(write_suite(SUITE, **FILES))
    changed = {**FILES, "terms__txt": FILES["terms__txt"] + "胆囊切除术\n"}
    with pytest.raises(StoreError, match=r"knowledge\.terms"):
        run_suite(write_suite(SUITE, **changed), start="score")


def test_a_changed_knowledge_file_is_searched_anew(write_suite: Write, run_suite: Run) -> None:
    run_suite(write_suite(SUITE, **FILES))
    changed = {**FILES, "terms__txt": "肝移植术\n"}
    folder = run_suite(write_suite(SUITE.replace("oracle: true", "k: 1"), **changed), "again")
    right = {p.sample_id for p in folder.predictions() if p.variant == "rag" and p.reading.answer == "肝移植术"}
    assert right == {"test:3"}


def test_a_prompt_may_use_only_columns_that_all_passages_have(write_suite: Write) -> None:
    suite = SUITE.replace("texts: {path: terms.txt, gold: {separator: '##'}}", "jsonl: {path: terms.jsonl}").replace(
        "k: 2", "k: 2, prompt: '{% for p in passages %}{{ p.meta.year }}{% endfor %}{{ question }}'"
    )
    terms = '{"text": "左膝关节置换术", "year": 2020}\n{"text": "白内障摘除术"}\n'
    (line,) = mistakes(write_suite(suite, **{**FILES, "terms__jsonl": terms}))
    assert "variants.rag on tasks.norm" in line
    assert "'dict object' has no attribute 'year'" in line


def test_an_index_is_planned_built_once_and_recorded(write_suite: Write, run_suite: Run, tmp_path: Path) -> None:
    path = write_suite(SUITE, **FILES)
    suite, cache = load_suite(path), Cache(tmp_path / "cache" / "calls.sqlite")
    planned = plan(suite, DryContext(suite.models, cache, Display(), suite.seed))
    cache.close()
    assert [(index.name, index.passages, index.missing) for index in planned.indexes] == [("terms (lexical)", 3, "")]
    folder = run_suite(path)
    (record,) = folder.read_run()["indexes"]  # rag, both and first search one index; oracle and nearest search none
    del record["seconds"]
    assert record == {"knowledge": "terms", "retriever": "Lexical", "updated": False, "passages": 3, "embedded": 0}
    assert "train" in run_suite(path, start="predict").read_run()["stages"]
    assert folder.read_run()["indexes"][0]["passages"] == 3


def test_a_first_stage_clears_no_folder_of_another_suite(write_suite: Write, run_suite: Run) -> None:
    folder = run_suite(write_suite(SUITE, **FILES))
    before = (folder.path / "predictions.jsonl").read_bytes()
    other = write_suite(SUITE.replace("name: small", "name: other"), **FILES)
    for start in ("index", "predict"):
        with pytest.raises(StoreError, match="holds a run of suite small; choose another folder with --out"):
            run_suite(other, start=start)
    assert (folder.path / "predictions.jsonl").read_bytes() == before
