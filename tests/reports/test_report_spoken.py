"""What was measured is said in Chinese as in English: sections, figures, turns of phrase; and each figure is explained."""

import re
from collections.abc import Callable, Sequence

import pytest

from harness.records.figures import Comparison, MetricInfo, Result
from harness.records.finished_run import FinishedRun
from reports.facts import numbers
from reports.facts.phrases import counted, counted_range, listed, parenthesised, quoted
from reports.html import _tied, render
from reports.section import find_sections
from reports.wording import speaking
from tests.shared import grounded, nasty, trained
from tests.shared.finished import finished
from tests.shared.spoken import english_words, explanations, section_of

PERCENT = MetricInfo(component="exact_match", settings={}, low=0.0, high=1.0, better="higher")
ENDLESS = MetricInfo(component="perplexity", settings={}, low=1.0, high=1e9, better="lower")
FIGURES = ("recall", "MRR", "nDCG")  # names of retrieval's figures
SETTINGS = ("seed", "name")  # names of a recipe's parameters


def run_of(fixture: str) -> FinishedRun:
    module = {"grounded": grounded, "nasty": nasty, "trained": trained}[fixture]
    return finished(module.summary(), module.RUN, *module.records())


@pytest.fixture(scope="module")
def page_of() -> Callable[[str], str]:
    pages: dict[str, str] = {}
    return lambda fixture: pages.setdefault(fixture, render(run_of(fixture)))


@pytest.mark.parametrize(
    ("fixture", "anchor", "explained"),
    [  # how many columns, rows and pictures of figures there are to be explained at least
        ("grounded", "cost", 24),  # two tables of 12 columns
        ("grounded", "cascades", 7),
        ("grounded", "freshness", 4),
        ("grounded", "retrieval", 12),
        ("trained", "cost", 10),
        ("trained", "forgetting", 4),
        ("trained", "learning-curve", 4),
        ("trained", "seeds", 3),
        ("trained", "training", 29),
        ("nasty", "retrieval", 7),
        ("nasty", "training", 15),
    ],
)
def test_a_section_is_in_chinese_and_explained(
    fixture: str, anchor: str, explained: int, page_of: Callable[[str], str]
) -> None:
    section = section_of(page_of(fixture), "zh", anchor)
    assert english_words(section, run_of(fixture), (*FIGURES, *SETTINGS)) == []
    assert len(explanations(section)) >= explained
    assert all(re.fullmatch(r"[^A-Za-z]*[\u4e00-\u9fff][^A-Za-z]*。", sentence) for sentence in explanations(section))
    assert len(explanations(section_of(page_of(fixture), "en", anchor))) == len(explanations(section))


@pytest.mark.parametrize(
    ("fixture", "name", "sentences"),
    [
        (
            "grounded",
            "cascades",
            [
                "在 norm 上，cascade 在询问 rag 之前就回答了 30 个样本中的 40.0 %；与全部交给 rag 相比，词元少 13.2 %，"
                "模型用时少 6.7 %（accuracy：82.8 % 对 62.1 %，此差异未在此检验）。"
            ],
        ),
        (
            "grounded",
            "freshness",
            [
                "icd 改动之后，rag 在 norm 的 12 个受影响的问题上 accuracy 达到 75.0 %（改动前为 83.3 %），对 8.3 % "
                "的问题重复旧答案；lora 达到 8.3 %（改动前为 91.7 %），对 83.3 % 的问题重复旧答案。",
                "对于 3 个答案已被撤回的问题，lora 仍有 100.0 % 给出旧答案；8 个变体中有 4 个从不这样。",
            ],
        ),
        (
            "grounded",
            "retrieval_quality",
            [
                "在 norm 上，rag：11 个错误回答中，5 个看到了标准段落（生成出错），5 个没有看到（检索未命中）；两者都不占主导；"
                "1 个没有看到，尽管已检索到：放不下或低于阈值。",
                "在 norm 上，oracle：全部 5 个错误回答都看到了标准段落：生成出错。",
                "在 norm 上，cascade：5 个错误回答中，4 个看到了标准段落：生成出错；1 个没有看到，尽管已检索到：放不下或低于阈值。",
            ],
        ),
        (
            "trained",
            "learning_curve",
            [
                "在 norm.accuracy 上，lora 从 200 行起显示出优于 zero-shot 和 nearest；其置信区间从 800 行起高于 few-shot 和 "
                "rag 的置信区间；其置信区间直到 800 行不高于 full 和 qlora 的置信区间。",
                "在 norm.accuracy 上，bottleneck 从 200 行起显示出优于 zero-shot；从 800 行起显示出优于 nearest；"
                "其置信区间从 800 行起高于 few-shot 的置信区间；其置信区间直到 800 行不高于 rag、full 和 qlora 的置信区间。",
            ],
        ),
        (
            "trained",
            "training_seeds",
            [
                "在 norm.accuracy 上，qlora 的 3 个随机种子从 70.0 %（qlora-seed2）到 80.0 %（qlora-seed3）不等，"
                "标准差为 5.0 个百分点。"
            ],
        ),
        (
            "trained",
            "forgetting",
            [
                "与 smollm2 相比，lora-800 在 general.accuracy 上未显示下降"
                "（−2.0，95 % 置信区间 −10.0 至 6.0，p = 0.41，100 个样本）。",
                "与 smollm2 相比，bottleneck-800 在 general.accuracy 上未显示下降"
                "（0.0，95 % 置信区间 −8.0 至 8.0，p > 0.99，100 个样本）。",
                "与 smollm2 相比，qlora-seed1 在 general.accuracy 上未显示下降"
                "（−1.0，95 % 置信区间 −9.0 至 7.0，p = 0.41，100 个样本）。",
            ],
        ),
    ],
)
def test_the_sentences_of_a_section_in_chinese(fixture: str, name: str, sentences: Sequence[str]) -> None:
    (section,) = (section for section in find_sections() if section.name == name)
    with speaking("zh"):
        assert list(section.sentences(run_of(fixture))) == sentences


def test_a_drop_beyond_noise_in_chinese() -> None:
    (section,) = (section for section in find_sections() if section.name == "forgetting")
    with speaking("zh"):
        assert list(section.cautions(run_of("trained"))) == [
            "遗忘：full 在 general.accuracy 上比 smollm2 差 17.0 个百分点（95 % 置信区间 −25.0 至 −9.0，p = 0.002，100 个样本）。"
        ]


def compared(**changes: float | None) -> Comparison:
    values = {"low": -0.05, "high": 0.081, "p": 0.03, "p_adjusted": 0.04, "needed": None, "family": 3} | changes
    return Comparison(
        task="norm",
        metric="accuracy",
        variant="rag",
        reference="base",
        samples=30,
        difference=0.02,
        test="sign flips",
        wins=5,
        losses=4,
        ties=21,
        verdict="inconclusive",
        detectable=0.2,
        **values,
    )


def result_of(known: int) -> Result:
    return Result(
        task="norm", variant="rag", metric="accuracy", samples=1200, known=known, mean=0.5, low=None, high=None
    )


@pytest.mark.parametrize(
    ("say", "english", "chinese"),
    [
        (lambda: numbers.with_unit(None, PERCENT), "unknown", "未知"),
        (lambda: numbers.with_unit(0.767, PERCENT), "76.7 %", "76.7 %"),
        (lambda: numbers.points(-0.317, PERCENT), "31.7 points", "31.7 个百分点"),
        (lambda: numbers.points(2.5, ENDLESS), "2.50", "2.50"),
        (lambda: numbers.interval(0.2, 0.433, PERCENT), "20.0–43.3", "20.0–43.3"),
        (lambda: numbers.interval(-0.2, 0.1, PERCENT), "−20.0 to 10.0", "−20.0 至 10.0"),
        (lambda: numbers.coefficient_interval(0.1, 0.5, "+"), "+0.10 to +0.50", "+0.10 至 +0.50"),
        (
            lambda: numbers.confidence(compared(), PERCENT),
            "adjusted 95 % CI −5.0 to 8.1",
            "校正后的 95 % 置信区间 −5.0 至 8.1",
        ),
        (lambda: numbers.confidence(compared(family=1), PERCENT), "95 % CI −5.0 to 8.1", "95 % 置信区间 −5.0 至 8.1"),
        (lambda: numbers.p_value(compared()), "adjusted p = 0.040", "校正后的 p = 0.040"),
        (lambda: numbers.p_value(compared(family=1, p_adjusted=None)), "p = 0.030", "p = 0.030"),
        (
            lambda: numbers.needed(compared(needed=137, needed_low=88, needed_high=1450)),
            "about 88 to 1,500 items",
            "大约 88 至 1,500 个样本",
        ),
        (
            lambda: numbers.needed(compared(needed=137, needed_low=88, needed_high=None)),
            "at least 88 items",
            "至少 88 个样本",
        ),
        (lambda: numbers.share(None), "not defined", "无定义"),
        (
            lambda: numbers.coverage(result_of(1199)),
            "1,199 of 1,200 known (99.9 %)",
            "1,200 个中有 1,199 个已知（99.9 %）",
        ),
        (lambda: numbers.among(None), "among other calls", "与其他调用同时进行"),
        (lambda: numbers.among(8), "under 8 at once", "8 个调用同时进行时"),
        (lambda: numbers.duration(5.25), "5.2 s", "5.2 秒"),
        (lambda: numbers.duration(600), "10 min", "10 分钟"),
        (lambda: numbers.duration(9000), "2.5 h", "2.5 小时"),
        (lambda: numbers.memory(3 * 2**30), "3.0 GiB", "3.0 GiB"),
        (lambda: numbers.scale(PERCENT), "0 to 1", "0 至 1"),
        (lambda: numbers.scale(ENDLESS), "1 upwards", "1 以上"),
        (lambda: counted(1, "item"), "1 item", "1 个样本"),
        (lambda: counted(1200, "wrong answer"), "1,200 wrong answers", "1,200 个错误回答"),
        (lambda: counted_range([28, 30], "item"), "28 to 30 items", "28 至 30 个样本"),
        (lambda: listed(["rag", "lora"]), "rag and lora", "rag 和 lora"),
        (lambda: listed(["a", "b", "a", "c"]), "a, b and c", "a、b 和 c"),
        (lambda: parenthesised("p = 0.04", None, "x"), "(p = 0.04, x)", "（p = 0.04，x）"),
        (lambda: quoted(["a"]), "“a”", "“a”"),
    ],
)
def test_figures_and_phrases(say: Callable[[], str | None], english: str, chinese: str) -> None:
    assert say() == english
    with speaking("zh"):
        assert say() == chinese


@pytest.mark.parametrize(
    ("loose", "tied"),
    [
        ("95 % CI 1.2–8.0, p < 0.001", "95~%~CI~1.2–8.0, p~<~0.001"),
        ("−5.0 to 8.1 of 3 items", "−5.0~to~8.1 of 3 items"),
        ("校正后的 95 % 置信区间 −5.0 至 8.1，p = 0.04", "校正后的 95~%~置信区间~−5.0~至~8.1，p~=~0.04"),
        ("从 200 行起，30 个样本", "从 200~行起，30~个样本"),
        ("保留：第 3 步", "保留：第~3~步"),
    ],
)
def test_no_line_ends_between_a_sign_and_its_figure(loose: str, tied: str) -> None:
    assert _tied(loose).replace("\u00a0", "~") == tied
