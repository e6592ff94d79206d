"""A suite with knowledge, from its mistakes to its report."""

import html
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
from reports.html import render
from reports.sections.retrieval_quality import RetrievalQuality

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
    del record["seconds"], record["first_seconds"], record["request"]
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


COPIES = "code\tname\n1\t胃炎\n2\t肝炎\n3\t胃炎\n"  # two passages with one text, as their codes differ


@pytest.mark.parametrize(
    ("terms", "target", "query", "expected"),
    [
        (COPIES, "胃炎", "胃炎", {"recall@1": 1.0, "ndcg@10": 1.0}),
        (COPIES, "肝炎##胃炎", "胃炎", {"recall@1": 0.5, "recall@5": 1.0}),
        (COPIES, "胃炎##肺炎", "胃炎", {"recall@1": 0.5, "recall@10": 0.5}),  # 肺炎 is not there, and counts
        ("code\tname\n1\t胃炎\n2\t胃 炎\n3\t胃痛\n", "胃炎", "胃炎", {"recall@1": 1.0, "mrr": 1.0}),
    ],
)
def test_recall_counts_right_answers(
    write_suite: Write, run_suite: Run, terms: str, target: str, query: str, expected: dict[str, float]
) -> None:
    suite = SUITE.replace("path: terms.txt,", "path: terms.tsv, column: name,").replace(", train: train.tsv", "")
    suite = suite.replace("  nearest: {floor: {by: nearest}}\n", "").replace(
        "of: [rag, plain]", "of: [rag, plain], thresholds: [0]"
    )
    rows = f"input\ttarget\n{query}\t{target}\n"
    summary = run_suite(write_suite(suite, terms__tsv=terms, test__tsv=rows)).summary()
    means = {(r.variant, r.metric): r.mean for r in summary.results}
    for variant in ("rag", "first"):  # what asks no model retrieves as well
        assert {part: means[variant, f"retrieval.{part}"] for part in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("columns", "hit", "recall"),
    [
        ("甲\t乙", "甲", 1.0),  # either of two alternatives
        ("甲\t乙", "乙", 1.0),
        ("无\t乙", "乙", 1.0),
        ("甲\t无", "丙", 0.0),
    ],
)
def test_alternatives_are_one_right_answer(
    write_suite: Write, run_suite: Run, columns: str, hit: str, recall: float
) -> None:
    suite = SUITE.replace("train: train.tsv", "target: [a, b]").replace("  nearest: {floor: {by: nearest}}\n", "")
    suite = suite.replace("of: [rag, plain]", "of: [rag, plain], thresholds: [0]")
    files = {"terms__txt": "甲\n乙\n丙\n", "test__tsv": f"input\ta\tb\n{hit}\t{columns}\n"}
    summary = run_suite(write_suite(suite, **files)).summary()
    means = {(r.variant, r.metric): r.mean for r in summary.results}
    assert means["rag", "retrieval.recall@1"] == means["first", "retrieval.recall@1"] == recall


@pytest.mark.parametrize(
    ("headline", "deciding"),
    [
        ("[norm.retrieval]", "accuracy"),
        ("[norm.retrieval.recall@5, norm.accuracy]", "accuracy"),
        ("[norm.retrieval.mrr]", "accuracy"),
    ],
)
def test_retrieval_stands_in_the_headline_without_being_declared(
    write_suite: Write, run_suite: Run, headline: str, deciding: str
) -> None:
    summary = run_suite(write_suite(f"{SUITE}compare: {{headline: {headline}}}\n", **FILES)).summary()
    assert f"[{', '.join(summary.headline)}]" == headline
    assert {cell.metric for cell in summary.retrieved} == {deciding}
    assert not any("no sample has this score" in line for line in summary.warnings)
    reasons = [line for line in summary.warnings if ".retrieval" in line]
    assert all("1 of 3 samples are unknown (no passage of the knowledge is right)" in line for line in reasons)
    assert reasons
    assert not [c for c in summary.floors if c.metric.startswith("retrieval")]  # no model has a part in it


@pytest.mark.parametrize(
    ("headline", "told"),
    [
        ("norm.retrieval.recall@3", "'norm.retrieval.recall@3' is not a part of Retrieval"),
        ("norm.retrival", "'norm.retrival' is not a metric (did you mean norm.retrieval?)"),
        ("norm.stale", "'norm.stale' is not a metric"),
    ],
)
def test_a_headline_that_retrieval_does_not_have(write_suite: Write, headline: str, told: str) -> None:
    assert told in mistakes(write_suite(f"{SUITE}compare: {{headline: [{headline}]}}\n", **FILES))[0]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("rag: {rag: {model: robot", "rag: {rag: {modle: robot"), ("metrics: {", "metricks: {}\n    metrics: {")],
)
def test_a_mistake_elsewhere_makes_none_of_a_headline_of_retrieval(write_suite: Write, right: str, wrong: str) -> None:
    assert right in SUITE
    text = SUITE.replace(right, wrong, 1) + "compare: {headline: [norm.retrieval.mrr]}\n"
    assert not [mistake for mistake in mistakes(write_suite(text, **FILES)) if "is not a metric" in mistake]


def test_retrieval_is_no_figure_where_nothing_retrieves(write_suite: Write) -> None:
    suite = "".join(
        line for line in SUITE.splitlines(True) if not line.lstrip().startswith(("rag:", "oracle:", "first:", "both:"))
    )
    (mistake,) = mistakes(write_suite(f"{suite}compare: {{headline: [norm.retrieval]}}\n", **FILES))
    assert "'norm.retrieval' is not a metric" in mistake


def test_queries_that_find_nothing_and_absent_answers_are_said(write_suite: Write, run_suite: Run) -> None:
    """invoice is not invoices, unless by its stem; 2 of 4 targets are not in the list."""
    rows = "input\ttarget\ninvoice\tinvoices\nrefunds\trefunds\nlosses\tloss\nzzz\tzzz\n"
    files = {**FILES, "terms__txt": "invoices\nrefunds\ndelay\n", "test__tsv": rows}
    run = run_suite(write_suite(SUITE, **files)).finished()
    page = html.unescape(render(run))
    (caution,) = RetrievalQuality().cautions(run)
    assert caution == "On norm, 3 of 4 queries of rag, first and both matched no passage."
    gaps = "2 of 4 items have no right passage in the knowledge of rag, oracle, first and both; recall is that of the other 2."
    assert RetrievalQuality().sentences(run)[-1] == f"On norm, {gaps}"
    assert caution in page
    assert gaps in page
    assert "No right passage: rag, oracle, first and both</h4>" in page
    assert "No passage for the query: rag, first and both</h4>" in page
    for sample in run.samples[2:]:
        assert f'<a href="#sample=norm%2F{sample.id.replace(":", "%3A")}">{sample.id}</a> “{sample.targets[0]}”' in page
    stemmed = SUITE.replace("knowledge: terms", "knowledge: terms, retriever: {lexical: {tokens: words}}")
    again = run_suite(
        write_suite(
            stemmed.replace(
                "knowledge: terms, retriever: {lexical: {tokens: words}}, oracle", "knowledge: terms, oracle"
            ),
            **files,
        ),
        "stemmed",
    )
    assert RetrievalQuality().cautions(again.finished()) == (
        "On norm, 2 of 4 queries of rag, first and both matched no passage.",
    )
