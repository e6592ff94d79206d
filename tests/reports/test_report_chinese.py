"""Judges, method, anomalies and leakage are said in Chinese as in English, what records hold included."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.records.anomalies import Anomaly, PromptMismatch
from harness.records.decisions import Statement
from harness.records.figures import Grouping
from harness.records.finished_run import FinishedRun
from harness.records.inputs import Message, Sample
from harness.records.judgements import Judging, Ranking
from harness.records.outputs import Prediction, Reading, RetrievalTrace, Serving, Step
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from harness.summary.groupings import grouping_warnings
from reports.facts.answer_path import retrieval_note, route_reasons, timing_note
from reports.facts.metric_columns import direction_of
from reports.facts.source_names import spoken_source
from reports.facts.spoken_sentences import spoken_sentences
from reports.facts.test_names import spoken_test
from reports.html import render
from reports.section import find_sections
from reports.sections.rankings import Rankings
from reports.wording import speaking
from tests.shared import grounded, judged, trained
from tests.shared.finished import finished
from tests.shared.spoken import english_words, explanations, section_of

ANOMALY = Anomaly(
    task="norm",
    variant="rag",
    kind="same answer",
    count=6,
    answers=10,
    excerpt="胃炎",
    cause="the model prefers this option whatever is asked",
    remedy="raise max_tokens, give stop strings, or say in the prompt how long an answer may be",
    examples=("n01",),
    statements=(Statement("anomaly_causes.preferred_option"), Statement("anomaly_remedies.long_answers")),
)
MISMATCH = PromptMismatch(
    task="norm",
    variant="lora+rag",
    model="lora",
    difference="was trained on prompts without passages, and is asked with passages",
    remedy="leave out one of the two variants, or look at what the setting is to change",
    statements=(
        Statement(
            "prompt_mismatches.same_task",
            {
                "trained": {"key": "prompt_shapes.without_passages", "values": {}},
                "asked": {"key": "prompt_shapes.with_passages", "values": {}},
            },
        ),
        Statement("no_effect.look_at_setting"),
    ),
)


def asked(variant: str, rendered: str) -> Prediction:
    return Prediction(
        sample_id="n01",
        task="norm",
        variant=variant,
        messages=(Message("user", "说出一种树。"),),
        text="橡树",
        reading=Reading("橡树"),
        rendered=rendered,
        tokens_in=11,
    )


@pytest.fixture(scope="module")
def runs(folder: RunFolder) -> dict[str, FinishedRun]:
    odd = Summary(
        name="odd",
        reference=None,
        headline=(),
        metrics={},
        results=(),
        comparisons=(),
        usage=(),
        anomalies=(ANOMALY,),
        mismatches=(MISMATCH,),
    )
    return {
        "plain": folder.finished(),
        "judged": finished(judged.summary(), judged.RUN, *judged.records()),
        "grounded": finished(grounded.summary(), grounded.RUN, *grounded.records()),
        "trained": finished(trained.summary(), trained.RUN, *trained.records()),
        "odd": finished(
            odd,
            {},
            [Sample(id="n01", task="norm", input="说出一种树。", targets=("橡树",))],
            [asked("a", "<|u|>说出一种树。"), asked("b", "系统：答。说出一种树。")],
        ),
    }


@pytest.fixture(scope="module")
def page_of(runs: dict[str, FinishedRun]) -> Callable[[str], str]:
    pages: dict[str, str] = {}
    return lambda name: pages.setdefault(name, render(runs[name]))


@pytest.mark.parametrize(
    ("run", "anchor", "explained"),
    [  # how many are explained: facts of 4 cards, heads of columns, groups of facts
        ("judged", "judges", 73),
        ("judged", "rankings", 5),
        ("judged", "people", 7),
        ("judged", "confusions", 19),
        ("plain", "method", 9),
        ("grounded", "method", 5),
        ("trained", "leakage", 7),
        ("odd", "anomalies", 1),
        ("odd", "renderings", 2),
    ],
)
def test_a_section_is_in_chinese_and_explained(
    run: str, anchor: str, explained: int, runs: dict[str, FinishedRun], page_of: Callable[[str], str]
) -> None:
    section = section_of(page_of(run), "zh", anchor)
    assert english_words(section, runs[run], ("icd9",)) == []
    assert len(explanations(section)) == explained
    assert all(sentence.endswith("。") for sentence in explanations(section))
    english = explanations(section_of(page_of(run), "en", anchor))
    assert len(english) == explained
    assert all(sentence.endswith(".") for sentence in english)


def test_english_words_are_noticed(runs: dict[str, FinishedRun], page_of: Callable[[str], str]) -> None:
    section = section_of(page_of("judged"), "en", "judges")
    assert len(english_words(section, runs["judged"])) > 50
    assert english_words('<p title="a word">好</p><code>plain code</code>', names=("word",)) == []
    assert english_words("<p>rag 比 zero-shot 好 by far</p>", names=("rag", "zero-shot")) == [
        "by, far in: rag 比 zero-shot 好 by far"
    ]


@pytest.mark.parametrize(
    ("run", "name", "sentence"),
    [
        ("judged", "judges", "gemma3 在 report.style 上不可信：与人工的 κ 为 0.21，低于 0.4。"),
        ("judged", "judges", "qwen3 在 report.quality 上可信：在 118 个样本上与人工的 κ 为 0.62。"),
        (
            "judged",
            "corrected_means",
            "在 report.quality 上，zero-shot 的评审均值为 2.91；由人来评会是 2.43（95 % 置信区间 2.19–2.67），依据 12 个人工标注样本。",
        ),
        (
            "odd",
            "first_look",
            "norm：回答都一样，而期望的答案并不相同：rag（10 个中有 6 个），“胃炎”。可能的原因：无论问什么，模型都偏爱这个选项。"
            "处理办法：提高 max_tokens，设置停止串，或在提示中说明回答可以多长。",
        ),
        (
            "odd",
            "first_look",
            "norm：lora 训练时的提示不带段落，提问时的提示带段落：lora+rag。处理办法：去掉两个变体中的一个，或检查该设置本来要改变什么。",
        ),
    ],
)
def test_the_sentences_of_a_section_in_chinese(
    run: str, name: str, sentence: str, runs: dict[str, FinishedRun]
) -> None:
    (section,) = (section for section in find_sections() if section.name == name)
    with speaking("zh"):
        assert sentence in list(section.sentences(runs[run]))


@pytest.mark.parametrize(
    ("run", "name", "caution"),
    [
        ("judged", "judges", "在 report.style 上，gemma3 评判了它自己写的回答（zero-shot"),
        ("trained", "leaked_items", "答对它们可能只是记住或照抄。请比较在"),
        (
            "odd",
            "divergent_renderings",
            "在 norm 上，同样的对话被渲染成不同的文本：a：“<|u|>说出一种树。”；b：“系统：答。说出一种树。”。",
        ),
    ],
)
def test_the_cautions_of_a_section_in_chinese(run: str, name: str, caution: str, runs: dict[str, FinishedRun]) -> None:
    (section,) = (section for section in find_sections() if section.name == name)
    with speaking("zh"):
        assert any(caution in text for text in section.cautions(runs[run]))


def test_a_run_of_an_older_version_keeps_its_english_sentences() -> None:
    known = Statement("warnings.no_score", {"figure": "norm.f1"})
    with speaking("zh"):
        assert spoken_sentences(["an old text", "norm.f1: no sample has this score"], [known]) == (
            "an old text",
            "norm.f1：没有任何样本有这一评分",
        )
        assert spoken_sentences(["norm.f1: no sample has this score"], ()) == ("norm.f1: no sample has this score",)


def test_warnings_in_chinese() -> None:
    warnings = list(grouping_warnings([Grouping(task="norm", samples=30, groups=4, largest=9, repeated=3)]))
    texts, statements = [warning.text for warning in warnings], [warning.statement for warning in warnings]
    assert spoken_sentences(texts, statements) == tuple(texts)
    with speaking("zh"):
        repeated, few = spoken_sentences(texts, statements)
    assert repeated == "norm：30 个测试样本中有 3 个与前面的样本提问一字不差；相同的样本在每个区间和检验中算作一组"
    assert few.startswith("norm：其 30 个测试样本只构成 4 个组；少于 ")


@pytest.mark.parametrize(
    ("changes", "notice"),
    [
        ({"converged": False}, "拟合没有收敛，因此没有强度。"),
        ({"groups": (("a", "b"), ("c",))}, "没有任何对比把这几组联系起来，强度只能在同一组内比较：a、b；c。"),
        ({"note": "whatever"}, None),
    ],
)
def test_what_leaves_strengths_open_in_chinese(changes: dict[str, Any], notice: str | None) -> None:
    values: dict[str, Any] = {
        "standings": (), "tallies": (), "nu": None, "items": 4, "battles": 4, "unknown": 0, "groups": (("a", "b"),),
        "connected": True, "prior": 0.0, "resamples": 1000, "regularised": 0.0, "converged": True, "note": "",
    }  # fmt: skip
    run = judged.summary()
    ranked = replace(run.judging.rankings[0], ranking=Ranking(**(values | changes)))
    with speaking("zh"):
        (facts,) = Rankings().build(finished(replace(run, judging=Judging(rankings=(ranked,)))))
    assert facts.notice == notice


@pytest.mark.parametrize(
    ("say", "chinese"),
    [
        (lambda: direction_of("lower"), "越低越好"),
        (lambda: spoken_source("train rows of norm"), "norm 的训练数据"),
        (lambda: spoken_source("my.json"), "my.json"),
        (lambda: spoken_test("paired permutation of groups"), "按组的配对置换检验"),
        (lambda: spoken_test("a test of tomorrow"), "a test of tomorrow"),
        (
            lambda: route_reasons([Step("small", 0.4, 0.7), Step("large", 0.9, None)])[0][1],
            "交给下一步：置信度 0.4，低于 0.7",
        ),
        (
            lambda: route_reasons([Step("small", 0.4, 0.7), Step("large", 0.9, None)])[1][1],
            "已回答：置信度 0.9，没有阈值",
        ),
        (lambda: retrieval_note(RetrievalTrace(gold=(), depth=5, k=5, ranks=None)), "标准段落未知"),
        (
            lambda: timing_note(
                Prediction(
                    sample_id="1", task="t", variant="v", messages=(), text="", reading=Reading(), seconds=0.5,
                    serving=Serving(at_once=8, wall_seconds=4.2),
                )
            ),
            "4.20 秒（8 个调用同时进行时）",
        ),
    ],
)  # fmt: skip
def test_small_phrases_in_chinese(say: Callable[[], str], chinese: str) -> None:
    with speaking("zh"):
        assert say() == chinese
