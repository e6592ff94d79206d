"""Judges on the page and in the terminal: who is trusted, what may not decide and why, whom they rank first."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.records.figures import MetricInfo
from harness.records.judgements import Judging, Panel, Reliability
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from reports.facts.comparison_table import comparison_tables
from reports.facts.demotions import undecided_sentence
from reports.facts.metric_columns import metric_columns
from reports.html import render
from reports.sections.judges import Judges
from reports.verdict import findings
from tests.shared import judged
from tests.shared.finished import finished, printed, unpacked, visible

SECTIONS = ("judges", "rankings", "people", "confusions")
WHY = "not calibrated against people (harness calibrate SUITE --labels FILE)"


@pytest.fixture(scope="module")
def page(judged_folder: RunFolder) -> str:
    return visible(render(judged_folder.finished()))


def without(summary: Summary, headline: tuple[str, ...], *demoted: str) -> Summary:
    return replace(summary, headline=headline, judging=replace(summary.judging, demoted=dict.fromkeys(demoted, WHY)))


@pytest.mark.parametrize(
    "text",
    [
        "report.style may not decide: gemma3: its κ against people is 0.21, less than 0.4. See Judges",
        "On report.style, gemma3 judges answers that it wrote itself (zero-shot and &lt;b&gt;lora&lt;/b&gt; &amp; rag, merged "
        "after three epochs on all departments, seed 42) and answers of models of its own family (few-shot): judges tend to "
        "prefer their own kind. See Judges",
        "qwen3 trusted Qwen3-8B, Q4_K_M, by Ollama at localhost:11434, num_ctx 8,192 · rubric clinical (zh)",
        "κ against people 0.62 ceiling 0.79 Noise floor 0.18 on 1 to 5 Without a verdict 0.7 % of 600 Score and length ρ = 0.31",
        "Judgements 600 each answer by itself, 3 times each Unreadable 4 (0.7 %) unknown, never a low score Failed 0 "
        "Read at a further attempt 11 (1.8 %)",
        "Cost 21 min 742,000 tokens in, 96,000 out",
        "Noise floor 0.18 mean difference between two readings of the same answer; scale 1 to 5",
        "Flip rate 11.5 % of 400 pairs read in both orders: the verdict changed with the order, and counts as a tie "
        "Place p = 0.021 it prefers a place Length 62.0 % of decided verdicts go to the longer answer",  # (1 + 0.24) / 2
        "Items 120 labelled by 3 annotators Cohen’s κ 0.62 95 % CI 0.51–0.71; quadratic weights Equal labels 60.2 % "
        "Rank correlation ρ = 0.71, τ = 0.58 Spearman, Kendall Ceiling κ = 0.79 annotators among each other, mean over their "
        "pairs; equal labels 64.0 % Fleiss’ κ 0.77 all annotators together No verdict 2 2 unreadable, 0 failed "
        "doctors.jsonl, 2026-11-20",
        "gemma3 not trusted Gemma-3-4B, Q4_K_M · rubric score100 (zh) Its κ against people is 0.21, less than 0.4.",
        "Panel of qwen3 and gemma3: two judges’ scores of the same answer differ by 11.4 on average, on a scale of 0 to 100 "
        "(200 answers).",
        "lora ranks first of 5, expected to win 76.2 % against the others; its interval overlaps that of &lt;b&gt;lora",
        "lora +1.45 +1.16 to +1.85 expected to win 76.2 % won / tied / lost 102 / 40 / 18",
        "rag 6 / 10 / 24 9 / 10 / 21 21 / 10 / 9 24 / 10 / 6",  # the third: lost to two places before, won against two after
        "400 duels on 40 items; 4 more without a verdict, which count as neither tie nor loss; intervals from 1,000 resamples",
        "zero-shot 2.91 2.43 2.19–2.67 −0.48 0.74 12 28 0",
        "心血管内科 6 2 · · 1 1 · 10 60.0 %",
        "Most frequent confusions: 呼吸与危重症医学科 for 心血管内科 (4 of 10), 骨科 for 神经内科 (3 of 10)",
        "report.perplexity Perplexity range 1 upwards, lower is better a figure of all items together, not a mean over them",
        "report.quality Judge (model: qwen3, rubric: clinical, language: zh, repeats: 3,",
        "qwen3 Ollama (model: qwen3:8b, num_ctx: 8192) description: Qwen3-8B",
    ],
)
def test_the_page_says(page: str, text: str) -> None:
    assert text in page


def test_sections_are_there_only_where_something_was_judged(folder: RunFolder, judged_folder: RunFolder) -> None:
    plain, full = render(folder.finished()), render(judged_folder.finished())
    assert not any(f'id="{name}"' in plain for name in SECTIONS)
    assert "†" not in visible(plain)
    assert all(f'id="{name}"' in full and f'href="#{name}"' in full for name in SECTIONS)


def test_demoted_columns_come_last_without_marks(judged_summary: Summary) -> None:
    table = comparison_tables(judged_summary)[1]
    assert [column.metric for column in table.columns][-3:] == ["quality.faithful", "quality.complete", "style"]
    assert [column.demoted for column in table.columns if column.demoted] == [
        "gemma3: its κ against people is 0.21, less than 0.4"
    ]
    assert {row.entries[-1].distinction for row in table.rows if row.entries[-1]} == {None}
    trusted = comparison_tables(without(judged_summary, judged_summary.headline))[1]
    place = [column.metric for column in trusted.columns].index("style")
    assert {row.entries[place].distinction for row in trusted.rows if row.entries[place]} == {None, "leading"}


def test_parts_are_demoted_with_their_metric(judged_summary: Summary) -> None:
    found = metric_columns(without(judged_summary, ("triage.f1",), "report.quality"))
    assert [c.metric for c in found if c.demoted] == ["quality", "quality.faithful", "quality.complete"]
    assert not any(c.demoted for c in found[:-3])
    page_order = [c.name for c in found]
    assert page_order[0] == "triage.f1"


# The figures that are left to decide: those of the headline, else all whole metrics, but never a demoted one.
@pytest.mark.parametrize(
    ("headline", "demoted", "decide"),
    [
        (("report.quality", "triage.f1"), ("report.style",), ["report.quality", "triage.f1"]),
        (("triage.f1",), ("report.quality",), ["triage.f1"]),
        (("report.quality", "triage.f1"), ("report.quality",), ["triage.f1"]),  # as if it had been left in
        (("report.quality.faithful",), ("report.quality",), None),
        (("report.quality",), ("report.quality",), None),
        ((), ("report.quality", "report.style"), None),
        (
            (),
            (),
            [
                "report.quality",
                "report.style",
                "report.preference",
                "report.bleu",
                "report.bertscore",
                "report.perplexity",
                "triage.f1",
            ],
        ),
    ],
)
def test_what_may_decide(
    judged_summary: Summary, headline: tuple[str, ...], demoted: tuple[str, ...], decide: list[str] | None
) -> None:
    summary = without(judged_summary, headline, *demoted)
    found = findings(summary)
    if decide is not None:
        assert undecided_sentence(summary) is None
        assert [finding.metric for finding in found] == decide
        return
    (only,) = found
    was = "was" if len(demoted) == 1 else "were"
    names = " and ".join(demoted)
    assert only.sentence == f"No figure may decide: {names} {was} demoted because: {WHY}."
    assert only.verdict == "undecided"


def test_cautions_name_each_demoted_figure_once(judged_summary: Summary) -> None:
    summary = without(judged_summary, (), "report.quality", "report.style")
    first, own = Judges().cautions(finished(summary))
    assert first == f"report.quality and report.style may not decide: {WHY}."
    assert own.startswith("On report.style, gemma3 judges answers that it wrote itself (zero-shot and <b>")
    kin = replace(judged.RELIABLE, kin=("lora",))
    both = replace(summary, judging=Judging(judges=(kin, replace(kin, metric="style"))))
    assert list(Judges().cautions(finished(both))) == [
        "On report.quality and report.style, qwen3 judges answers of models of its own family (lora): judges tend to prefer "
        "their own kind."
    ]


def test_the_reason_stands_at_each_place(page: str) -> None:
    # above the verdict, under the table, under the difference, in the judges' section, and as a doubt
    assert page.count("ts κ against people is 0.21, less than 0.4.") == 5
    for before, after in (
        ("report.style † higher is better", "† May not decide: gemma3"),
        ("report.style †", "† report.style"),
    ):
        assert page.index(before) < page.index(after)


def test_items_are_not_judged_by_what_was_demoted(
    make_folder: Callable[..., RunFolder], judged_summary: Summary
) -> None:
    page = render(make_folder(without(judged_summary, (), "report.quality"), [], [], []).finished())
    assert unpacked(page)["metrics"][0] == ["report", "style"]
    assert '<option value="report.quality">report.quality †</option>' in page
    assert "<option>report.style</option>" in page


def steady(one: Reliability, better: MetricInfo = judged.QUALITY) -> dict[str, tuple[str, str, bool]]:
    metric = f"{one.task}.{one.metric}"
    summary = Summary(
        name="s",
        reference=None,
        headline=(),
        metrics={metric: better},
        results=(),
        comparisons=(),
        usage=(),
        judging=Judging(judges=(one,)),
    )
    (metric,) = Judges().build(finished(summary))
    (card,) = metric.judges
    return {fact.title: (fact.value, fact.note, fact.is_suspicious) for fact in (*card.readings, *card.consistency)}


@pytest.mark.parametrize(
    ("rho", "value", "told", "odd"),
    [
        (0.04, "ρ = 0.04", "hardly related", False),
        (-0.02, "ρ = −0.02", "hardly related", False),
        (0.2, "ρ = 0.20", "longer answers to an item score slightly higher", False),
        (-0.35, "ρ = −0.35", "shorter answers to an item score clearly higher", True),
        (0.7, "ρ = 0.70", "longer answers to an item score much higher", True),
        (None, "not measured", "do not vary", False),
    ],
)
def test_length(rho: float | None, value: str, told: str, odd: bool) -> None:
    found = steady(replace(judged.RELIABLE, length=rho))["Length"]
    assert (found[0], told in found[1], found[2]) == (value, True, odd)


def test_what_was_not_measured_is_not_zero() -> None:
    one = replace(judged.RELIABLE, noise=None, repeats=1, judgements=9000, unreadable=3, failed=1)
    assert steady(one)["Noise floor"] == ("not measured", "give the metric repeats of 2 or more", False)
    assert steady(replace(one, repeats=3))["Noise floor"][1] == "no answer could be read twice"
    assert steady(one)["Unreadable"][0] == "3 (< 0.1 %)"  # 0.03 %: it does not read 0.0 %
    pairs = replace(one, pairwise=True, flips=None, position_p=None, length=None)
    assert steady(pairs)["Flip rate"] == ("not measured", "no pair was read in both orders", True)
    assert steady(pairs)["Place"] == ("not measured", "no verdict changed with the order", False)
    assert steady(pairs)["Length"][0] == "not measured"
    level = replace(pairs, flips=0.0, pairs=40, position_p=0.42, length=-0.5, noise=0.04)
    found = steady(level, judged.PREFERENCE)
    assert found["Place"] == ("p = 0.42", "no preference for a place is shown", False)
    assert (found["Flip rate"][0], found["Length"][0]) == ("0.0 %", "25.0 %")  # (1 − 0.5) / 2 for the longer
    assert found["Noise floor"][0] == "4.0 points"


def test_without_a_calibration_the_command_is_named(
    make_folder: Callable[..., RunFolder], judged_summary: Summary
) -> None:
    bare = replace(judged.RELIABLE, calibration=None, doubts=(WHY,))
    page = visible(render(make_folder(replace(judged_summary, judging=Judging(judges=(bare,))), [], [], []).finished()))
    assert (
        "Not calibrated. How it agrees with people is unknown. To measure it: harness calibrate SUITE --labels FILE"
        in page
    )
    assert "Not calibrated against people (harness calibrate SUITE --labels FILE)." in page


@pytest.mark.parametrize(
    ("panel", "pairwise", "told"),
    [
        (
            Panel(task="report", metric="quality", judges=("a", "b", "c"), disagreement=0.416, items=1),
            False,
            "Panel of a, b and c: two judges’ scores of the same answer differ by 0.42 on average, on a scale of 1 to 5 "
            "(1 answer).",
        ),
        (
            Panel(task="report", metric="quality", judges=("a", "b"), disagreement=0.125, items=1200),
            True,
            "Panel of a and b: on 12.5 % of 1,200 pairs the judges do not all agree.",
        ),
        (
            Panel(task="report", metric="quality", judges=("a", "b"), disagreement=None, items=0),
            True,
            "Panel of a and b: no answer was judged by two of them.",
        ),
    ],
)
def test_panel(panel: Panel, pairwise: bool, told: str) -> None:
    one = replace(judged.RELIABLE, pairwise=pairwise)
    summary = Summary(
        name="s",
        reference=None,
        headline=(),
        metrics=judged.METRICS,
        results=(),
        comparisons=(),
        usage=(),
        judging=Judging(judges=(one,), panels=(panel,)),
    )
    assert Judges().build(finished(summary))[0].panel == told


def test_terminal_in_few_lines(judged_summary: Summary) -> None:
    lines = [" ".join(line.replace("│", " ").split()) for line in printed(judged_summary, 300, "utf-8").splitlines()]
    assert lines[0] == "warning: report.style may not decide: gemma3: its κ against people is 0.21, less than 0.4."
    for line in (
        "† report.style may not decide: gemma3: its κ against people is 0.21, less than 0.4.",
        "judge: qwen3 on report.quality is trusted: κ 0.62 against people on 118 items.",
        "judge: gemma3 on report.style is not trusted: its κ against people is 0.21, less than 0.4.",
        "people: On report.quality, lora is judged 4.21; people would give 4.02 (95 % CI 3.80–4.24), from 10 labelled items.",
    ):
        assert line in lines
    assert any(line.startswith("ranking: On report.preference: lora ranks first of 5") for line in lines)
    assert any("report.style †" in line for line in lines)
    assert max(map(len, printed(judged_summary, 40, "utf-8").splitlines())) <= 40
    plain = printed(judged_summary, 100, "ascii")
    assert "* report.style may not decide: gemma3: its k against people is 0.21" in plain
    assert (
        printed(without(judged_summary, (), "report.style"), 300, "utf-8")
        .splitlines()[2]
        .startswith("undecided: No figure")
    )
