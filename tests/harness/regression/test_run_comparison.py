"""Two real runs of scripted models: what compare and baseline say of them, against independent computations."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.records.run_comparisons import FigureChange, RunComparison
from harness.regression.comparison import ComparisonTerms, compare_runs
from harness.regression.evidence import read_evidence
from tests.shared.commands import run_command
from tests.shared.paths import ROOT

LABELS = "ABC"
ITEMS = 60
FIRST = "{match: 'x[0-5]', reply: A}, {match: '7', fail: the line broke}"  # x7 fails; x6, x8 and x9 have the default
SECOND = "{match: 'x[0-4]', reply: A}, {match: '9', reply: B}"
SUITE = """name: letters
seed: 3
models:
  reader: {{scripted: {{rules: [{rules}], default: {default}}}}}
tasks:
  letter:
    data: {{csv: {{path: items.csv, input: input, target: target, group: group}}}}
    metrics: {{accuracy: exact_match, labels: {{classification: {{labels: [A, B, C]}}}}, rouge: rouge}}
variants:
  plain: {{prompting: {{model: reader}}}}
compare: {{reference: plain, headline: [letter.accuracy, letter.labels]}}
latency: {{items: 0}}
"""


def write_suite(folder: Path, rules: str, default: str, items: range, grouped: bool = False) -> Path:
    """Items x0, x1 … with targets A, B, C in turn; four of them a group where they are grouped."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{n},x{n} ,{LABELS[n % 3]},{f'g{n // 4}' if grouped else ''}" for n in items]
    (folder / "items.csv").write_text("id,input,target,group\n" + "\n".join(rows) + "\n")
    suite = SUITE.format(rules=rules, default=default)
    suite = suite if grouped else suite.replace(", group: group", "")
    (folder / "suite.yaml").write_text(suite)
    return folder


def run_suite(folder: Path) -> Path:
    result = run_command("run", "suite.yaml", "--out", "run", cwd=folder)
    assert (folder / "run" / "summary.json").is_file(), result.stderr
    return folder / "run"


@dataclass(frozen=True)
class Runs:
    before: Path
    after: Path
    grouped: tuple[Path, Path]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    base = tmp_path_factory.mktemp("runs")
    places = [
        run_suite(write_suite(base / name, rules, default, range(ITEMS), name.startswith("g")))
        for name, rules, default in (
            ("a", FIRST, "C"), ("b", SECOND, "B"), ("ga", FIRST, "C"), ("gb", SECOND, "B"),
        )
    ]  # fmt: skip
    return Runs(places[0], places[1], (places[2], places[3]))


@pytest.fixture(scope="module")
def compared(runs: Runs) -> RunComparison:
    return compare_runs(read_evidence(runs.before), read_evidence(runs.after))


def figure(comparison: RunComparison, metric: str) -> FigureChange:
    return next(own for own in comparison.figures if own.metric == metric)


def answers(place: Path) -> dict[str, str | None]:
    """Of each item the answer, None where it failed: read from the files without the product."""
    lines = [json.loads(line) for line in (place / "predictions.jsonl").read_text().splitlines()]
    return {line["sample_id"]: None if line["error"] else line["text"] for line in lines}


def targets(place: Path) -> dict[str, str]:
    return {own["id"]: own["targets"][0] for own in map(json.loads, (place / "samples.jsonl").read_text().splitlines())}


def test_a_mean_is_paired_on_what_both_know_and_tested_by_mcnemar(runs: Runs, compared: RunComparison) -> None:
    from scipy.stats import binomtest

    old, new, right = answers(runs.before), answers(runs.after), targets(runs.before)
    known = [own for own in right if old[own] is not None and new[own] is not None]
    ours, theirs = ([answer[own] == right[own] for own in known] for answer in (new, old))
    wins, losses = (sum(a and not b for a, b in zip(x, y, strict=True)) for x, y in ((ours, theirs), (theirs, ours)))
    change = figure(compared, "accuracy")
    tested = change.comparison
    assert tested is not None
    assert (tested.samples, tested.wins, tested.losses) == (len(known), wins, losses)
    assert wins
    assert losses
    assert tested.difference == pytest.approx((wins - losses) / len(known))
    assert change.before == pytest.approx(np.mean(theirs))
    assert change.after == pytest.approx(np.mean(ours))
    assert tested.p == pytest.approx(binomtest(wins, wins + losses).pvalue)
    assert tested.low is not None
    assert tested.high is not None
    assert tested.low < tested.difference < tested.high
    assert (tested.low > 0 or tested.high < 0) == (tested.p_adjusted is not None and tested.p_adjusted < 0.05)


def test_a_corpus_figure_is_that_of_sklearn_and_its_interval_a_paired_bootstrap(
    runs: Runs, compared: RunComparison
) -> None:
    from sklearn.metrics import f1_score

    old, new, right = answers(runs.before), answers(runs.after), targets(runs.before)
    known = [own for own in right if old[own] is not None and new[own] is not None]
    gold, first, second = (np.array([own[key] for key in known]) for own in (right, old, new))

    def f1(answer: np.ndarray, rows: np.ndarray) -> float:
        present = sorted(set(gold[rows]))
        return float(f1_score(gold[rows], answer[rows], average="macro", labels=present, zero_division=0))

    change = figure(compared, "labels")
    tested, whole = change.comparison, np.arange(len(known))
    assert tested is not None
    assert tested.low is not None
    assert tested.high is not None
    assert change.before == pytest.approx(f1(first, whole))
    assert change.after == pytest.approx(f1(second, whole))
    assert tested.difference == pytest.approx(f1(second, whole) - f1(first, whole))
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(known), len(known)) for _ in range(400)]
    level = 0.05 / tested.family if tested.family else 0.05  # Holm's first level: two headline figures
    low, high = np.percentile([f1(second, rows) - f1(first, rows) for rows in draws], [100 * level, 100 - 100 * level])
    assert tested.low <= low + 0.05  # at least as wide, but for the noise of 400 draws
    assert tested.high >= high - 0.05
    assert tested.high - tested.low < 3 * (high - low)


def test_p_is_adjusted_by_holm_over_the_headline_figures(compared: RunComparison) -> None:
    tested = [own.comparison for own in compared.figures if own.is_headline and own.comparison]
    first, second = sorted(own.p for own in tested if own.p is not None)
    smaller = min(1.0, 2 * first)  # Holm 1979 with two: the smaller counts twice, the larger is no smaller than that
    adjusted = sorted(own.p_adjusted for own in tested if own.p_adjusted is not None)
    assert adjusted == pytest.approx([smaller, max(smaller, second)])


def test_items_of_one_group_are_one_piece_of_evidence(runs: Runs, compared: RunComparison) -> None:
    grouped = compare_runs(*(read_evidence(place) for place in runs.grouped))
    tested, alone = figure(grouped, "accuracy").comparison, figure(compared, "accuracy").comparison
    assert tested is not None
    assert alone is not None
    assert tested.difference == alone.difference  # the same answers
    assert (alone.groups, tested.groups) == (None, ITEMS // 4)
    assert tested.test == "paired permutation of groups"


def test_items_that_broke_are_those_whose_value_fell(runs: Runs, compared: RunComparison) -> None:
    old, new, right = answers(runs.before), answers(runs.after), targets(runs.before)
    flips = {"broken": (True, False), "fixed": (False, True)}
    for kind, (before, after) in flips.items():
        expected = {
            own
            for own in right
            if old[own] is not None and (old[own] == right[own], new[own] == right[own]) == (before, after)
        }
        if kind == "fixed":  # an answer that no longer fails
            expected |= {own for own in right if old[own] is None}
        listed = {own.sample_id for own in compared.items if own.kind == kind and own.metric == "accuracy"}
        assert listed == expected
    item = next(own for own in compared.items if own.kind == "broken")
    assert item.texts.targets == (right[item.sample_id],)
    assert (item.texts.before, item.texts.after) == (old[item.sample_id], new[item.sample_id])


def test_what_differs_is_the_model_and_what_it_moves(compared: RunComparison) -> None:
    assert [(own.kind, own.name, own.variants) for own in compared.differences] == [("model", "reader", ("plain",))]


def test_a_baseline_stands_for_its_run(runs: Runs, compared: RunComparison, tmp_path: Path) -> None:
    result = run_command(
        "baseline", "accept", str(runs.before), "--into", "base", "--who", "somebody", "--why", "first", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    again = compare_runs(read_evidence(tmp_path / "base"), read_evidence(runs.after))
    assert again.figures == compared.figures
    assert again.differences == compared.differences
    assert [(own.sample_id, own.kind, own.texts.before) for own in again.items] == [
        (own.sample_id, own.kind, None) for own in compared.items
    ]
    content = "".join(file.read_text() for file in (tmp_path / "base").iterdir())
    assert str(runs.before.parent) not in content
    assert "the line broke" not in content
    assert not re.search(r"\bx\d+ ", content)  # no question
    shown = run_command("baseline", "show", "base", cwd=tmp_path).stdout
    assert "accepted by somebody" in shown
    assert "first" in shown
    assert "letter.accuracy" in shown


def test_a_baseline_keeps_its_history_and_its_suite(runs: Runs, tmp_path: Path) -> None:
    for place in (runs.before, runs.after):
        assert run_command("baseline", "accept", str(place), "--into", "base", cwd=tmp_path).returncode == 0
    assert "before it: run run" in run_command("baseline", "show", "base", cwd=tmp_path).stdout
    other = run_command("baseline", "accept", str(ROOT / "tests/recorded/run-forms"), "--into", "base", cwd=tmp_path)
    assert other.returncode == 2
    assert "is the baseline of suite letters, not of recorded-forms" in other.stderr


def edited(place: Path, name: str, change: Callable[[str], str]) -> Callable[[Path], Path]:
    def copy(target: Path) -> Path:
        shutil.copytree(place, target)
        (target / name).write_text(change((target / name).read_text()))
        return target

    return copy


BROKEN = [
    ("half a line", "scores.jsonl", lambda text: text[: len(text) // 2 - 7], r"scores.jsonl:\d+: not a Score record"),
    (
        "whole lines",
        "scores.jsonl",
        lambda text: "".join(text.splitlines(True)[:-9]),
        r"cut short: it holds \d+ of the",
    ),
    ("a stranger", "scores.jsonl", lambda text: text.replace('"items:5"', '"items:x"'), "is not in samples.jsonl"),
    ("interrupted", "run.json", lambda text: text.replace('"complete"', '"interrupted"'), "the run is not finished"),
]


@pytest.mark.parametrize(("name", "file", "change", "message"), BROKEN, ids=[own[0] for own in BROKEN])
def test_broken_runs_are_refused_by_name(
    runs: Runs, tmp_path: Path, name: str, file: str, change: Callable[[str], str], message: str
) -> None:
    place = edited(runs.after, file, change)(tmp_path / "broken")
    for command in (("compare", str(runs.before), str(place)), ("baseline", "accept", str(place))):
        result = run_command(*command, cwd=tmp_path)
        assert (result.returncode, len(result.stderr.splitlines())) == (2, 1), result.stderr
        assert re.search(message, result.stderr)


def test_scores_that_are_no_numbers_are_unknown_and_named(runs: Runs, tmp_path: Path) -> None:
    place = edited(runs.after, "scores.jsonl", lambda text: re.sub('"value":1.0', '"value":NaN', text, count=1))(
        tmp_path / "nan"
    )
    comparison = compare_runs(read_evidence(runs.before), read_evidence(place))
    assert ["no finite number" in own.text for own in comparison.remarks].count(True) == 1


def test_limited_runs_and_failed_cells_are_no_baseline(runs: Runs, tmp_path: Path) -> None:
    limited = edited(runs.after, "run.json", lambda text: text.replace("{", '{"limited": {"limit": 10},', 1))(
        tmp_path / "l"
    )
    result = run_command("baseline", "accept", str(limited), cwd=tmp_path)
    assert (result.returncode, "a limited run is never a baseline" in result.stderr) == (2, True)
    failing = run_suite(write_suite(tmp_path / "f", "{match: x, fail: gone}", "A", range(4)))
    result = run_command("baseline", "accept", str(failing), cwd=tmp_path)
    assert (result.returncode, "letter × plain has no value at all" in result.stderr) == (2, True)
    assert run_command("baseline", "accept", str(failing), "--with-failures", cwd=tmp_path).returncode == 0
    compared = run_command("compare", str(runs.before), str(failing), "--share", "0", cwd=tmp_path)
    assert compared.returncode == 0
    assert "letter × plain has no value at all" in " ".join(compared.stdout.split())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda text: text.replace('"format": 1', '"format": 0'),
            "a baseline of format 0; this version reads format 1",
        ),
        (lambda text: text.replace('"format": 1', '"format": 9'), "update harness"),
        (lambda text: text.replace(' "format": 1,\n', ""), "a baseline of format None"),
        (lambda text: text[:200], "not JSON as"),
        (lambda text: text.replace('"suite"', '"sweet"'), "suite is missing"),
    ],
)
def test_a_baseline_of_another_format_is_refused(
    runs: Runs, tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    run_command("baseline", "accept", str(runs.before), "--into", "base", cwd=tmp_path)
    place = edited(tmp_path / "base", "baseline.json", change)(tmp_path / "other")
    with pytest.raises(HarnessError, match=message):
        read_evidence(place)
    cut = edited(tmp_path / "base", "items.jsonl", lambda text: text[:-50])(tmp_path / "cut")
    with pytest.raises(HarnessError, match=r"items\.jsonl: not what"):
        read_evidence(cut)


def test_other_items_leave_the_intersection_or_too_little(runs: Runs, tmp_path: Path) -> None:
    fewer = run_suite(write_suite(tmp_path / "fewer", SECOND, "B", range(40)))
    comparison = compare_runs(read_evidence(runs.before), read_evidence(fewer))
    assert [(own.shared, own.only_before, own.only_after, own.changed) for own in comparison.overlaps] == [
        (40, 20, 0, 0)
    ]
    assert any("40 items are shared; 20 only in the first run" in own.text for own in comparison.remarks)
    change = figure(comparison, "accuracy")
    assert change.comparison is not None
    assert change.comparison.samples == 39  # item 7 failed before
    with pytest.raises(HarnessError, match=r"share too few items that ask the same \(letter 67 %; at least 70 %"):
        compare_runs(read_evidence(runs.before), read_evidence(fewer), ComparisonTerms(share=0.7))


def test_runs_of_different_suites_are_refused_unless_that_is_meant(runs: Runs, tmp_path: Path) -> None:
    other = edited(runs.after, "run.json", lambda text: text.replace('"name": "letters"', '"name": "signs"'))(
        tmp_path / "o"
    )
    result = run_command("compare", str(runs.before), str(other), cwd=tmp_path)
    assert (result.returncode, "--different-suites" in result.stderr) == (2, True)
    result = run_command("compare", str(runs.before), str(other), "--different-suites", "--markdown", "-", cwd=tmp_path)
    assert (result.returncode, "runs of different suites" in result.stdout) == (0, True)


@pytest.mark.parametrize("name", ["forms", pytest.param("retrieval", marks=pytest.mark.nightly)])
def test_recorded_runs_of_an_older_version_can_be_compared(name: str) -> None:
    places = [ROOT / "tests/recorded" / part / f"run-{name}" for part in ("before", ".")]
    comparison = compare_runs(*map(read_evidence, places))
    assert {own.kind for own in comparison.differences} <= {"hardware", "package", "harness"}
    assert {own.comparison.difference for own in comparison.figures if own.comparison} == {0.0}


def test_page_and_markdown_hold_what_was_compared(runs: Runs, tmp_path: Path) -> None:
    arguments = ("compare", str(runs.before), str(runs.after), "--html", "p.html", "--markdown", "p.md")
    result = run_command(*arguments, "--lang", "zh", cwd=tmp_path, COLUMNS="40")
    assert result.returncode == 0, result.stderr
    assert "新出错的题目" in result.stdout
    page, text = (tmp_path / "p.html").read_text(), (tmp_path / "p.md").read_text()
    assert "Content-Security-Policy" in page
    assert "http://" not in page
    assert "Newly broken items" in page
    assert "| letter.accuracy | plain |" in text
