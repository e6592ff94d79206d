"""Rating by people: what a sheet asks, and how what they saved becomes labels."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import DataError, HarnessError
from harness.judging.people.calibrate import calibrate
from harness.judging.people.gathered_ratings import gather, label_lines, tallies, variant_ratings
from harness.judging.people.human_scores import human_labels
from harness.judging.people.labels import read_labels
from harness.judging.people.rated_task import rated_task
from harness.judging.people.rating_criteria import rating_criteria
from harness.judging.people.rating_files import read_ratings
from harness.judging.people.rating_sheet import SheetOptions, all_entries, draw_sheet
from harness.records.finished_run import FinishedRun
from harness.records.rating_sheets import RatingSheet
from harness.suite.parser import load_suite
from reports.rating_page import render_rating
from tests.shared.commands import run_command
from tests.shared.rated import DIMENSIONS, NASTY, QUESTIONS, SUITE, rated_run, ratings_of


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """One run for all tests that only read it."""
    return rated_run(tmp_path_factory.mktemp("rated")).finished()


def sheet_of(finished: FinishedRun, rubric: str | None = None, **options: Any) -> RatingSheet:
    task = rated_task(finished, None)
    criteria = rating_criteria(rubric, task.metrics, finished.run["rubrics"], options.get("pairwise", False))
    return draw_sheet(task, criteria, SheetOptions(**options))


def keys_of(finished: FinishedRun) -> dict[tuple[str, ...], str]:
    """By sample and variants the key of the entry."""
    return {(sample, *names): key for key, (sample, names) in all_entries(rated_task(finished, None)).items()}


def test_a_sheet_asks_about_the_same_items_of_all_variants_and_names_none(finished: FinishedRun) -> None:
    sheet = sheet_of(finished, items=2, shows_reference=True)
    assert (sheet.rubric, [dimension.name for dimension in sheet.dimensions]) == ("clinical", list(DIMENSIONS))
    assert [len(question.entries) for question in sheet.questions] == [3, 3]
    whose = all_entries(rated_task(finished, None))
    for question in sheet.questions:
        entries = [whose[entry.key] for entry in question.entries]
        assert len({sample for sample, _ in entries}) == 1
        assert {names for _, names in entries} == {("zero-shot",), ("lexical-rag",), ("tuned-twin",)}
        assert question.text.startswith("请回答患者的问题：\n")  # what judges are shown
        assert (question.reference, len(question.passages)) == ("见说明书。", 1)  # passages of one are shown with all
        assert all(entry.passages == () for entry in question.entries)
    page = render_rating(sheet, "zh")
    names = (*SUITE["variants"], "clinic", *(sample.id for sample in finished.samples))
    assert [name for name in names if re.search(rf"\b{re.escape(name)}\b", page)] == []
    assert "</script><img" not in page
    assert sheet == sheet_of(finished, items=2, shows_reference=True)
    drawn = {tuple(question.text for question in sheet_of(finished, items=2, seed=seed).questions) for seed in range(8)}
    assert len(drawn) > 1


def test_where_all_show_passages_each_answer_has_its_own(finished: FinishedRun) -> None:
    sheet = sheet_of(finished, "faithful", variants=("lexical-rag",))
    assert (sheet.low, sheet.high, sheet.whole, sheet.dimensions[0].titles["en"]) == (0, 1, False, "Supported claims")
    assert all(question.passages == () and len(question.entries[0].passages) == 1 for question in sheet.questions)
    hidden = sheet_of(finished, variants=("lexical-rag",), shows_passages=False)
    assert all(question.entries[0].passages == () for question in hidden.questions)


def test_pairs_are_of_different_answers_and_either_may_come_first(finished: FinishedRun) -> None:
    """The twin answers as the reference does: nobody is asked which is better."""
    sheet = sheet_of(finished, pairwise=True)
    assert [len(question.entries) for question in sheet.questions] == [1, 1, 1]
    firsts = {
        question.entries[0].answers[0]
        for seed in range(6)
        for question in sheet_of(finished, pairwise=True, seed=seed).questions
    }
    assert len(firsts) == 2


FAULTY_OPTIONS = [
    ({"variants": ("rag",)}, "--variants: rag did not answer task advice (known: lexical-rag, tuned-twin, zero-shot)"),
    ({"variants": ("zero-shot",), "pairwise": True}, "only one variant to rate; name two or more"),
    ({"variants": ("zero-shot", "tuned-twin"), "pairwise": True}, "no item has answers to rate of all of zero-shot, tuned-twin"),
    ({"rubric": "clinicl"}, "clinicl: is not a rubric (did you mean clinical?"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), FAULTY_OPTIONS)
def test_what_cannot_be_asked(finished: FinishedRun, options: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError) as caught:
        sheet_of(finished, **options)
    assert message in str(caught.value)
    with pytest.raises(HarnessError, match="--task norm: the run has no answers to a task of that name"):
        rated_task(finished, "norm")


def scores(*values: float) -> dict[str, Any]:
    return {"scores": dict(zip(DIMENSIONS, values, strict=False))}


def test_scores_of_several_raters_become_labels(context: Any, tmp_path: Path) -> None:
    """Li: 4 of 9 begun, 3 to the end; somebody without a name 1. A score is the mean of the dimensions."""
    finished = rated_run(tmp_path).finished()
    keys, sheet = keys_of(finished), sheet_of(finished)
    first, second, third = (sample.id for sample in finished.samples)
    li = {
        keys[first, "zero-shot"]: {**scores(1, 2, 3, 4), "note": " 剂量有误 "},  # 10 / 4
        keys[first, "lexical-rag"]: scores(5, 5, 5, 5),
        keys[second, "lexical-rag"]: scores(3, 3, 3, 3),
        keys[third, "lexical-rag"]: scores(3, 3),  # not to the end
    }
    files = [
        ratings_of(sheet, li, tmp_path / "b.jsonl", rater="Li "),
        ratings_of(sheet, {keys[first, "zero-shot"]: scores(2, 2, 2, 2)}, tmp_path / "a.jsonl", sitting="9"),
    ]
    task, read = read_ratings(files, finished, None)
    ratings = gather(read)
    assert {(tally.rater, tally.rated, tally.total) for tally in tallies(ratings)} == {("Li", 3, 9), ("rater 1", 1, 9)}
    assert [(own.variant, own.ratings, own.mean) for own in variant_ratings(task, ratings)] == [
        ("lexical-rag", 2, 4.0), ("zero-shot", 2, pytest.approx((2.5 + 2) / 2)),
    ]  # fmt: skip
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(label_lines(task, ratings)), encoding="utf-8")
    labels = read_labels(path)
    by_answer = {
        (item.id, item.variant): dict(zip(labels.annotators, item.scores, strict=True)) for item in labels.scored
    }
    assert by_answer[first, "zero-shot"] == {"Li": 2.5, "rater 1": 2.0}
    assert by_answer[second, "lexical-rag"] == {"Li": 3.0, "rater 1": None}
    assert {item.passages != () for item in labels.scored if item.variant == "lexical-rag"} == {True}
    assert next(item for item in labels.scored if item.variant == "lexical-rag").answer == NASTY
    assert "剂量有误" in path.read_text(encoding="utf-8")
    assert len(human_labels(path, 1, 5)) == 3
    loaded = load_suite(tmp_path / "suite.yaml")
    door = context(loaded)
    (calibration,) = calibrate(loaded, path, "advice.quality", door)
    assert (calibration.items, calibration.annotators) == (3, 2)
    assert (door.counts.calls, door.counts.cached) == (0, 3)  # the very questions that the run asked


def test_verdicts_become_labels_of_the_right_side(finished: FinishedRun, tmp_path: Path) -> None:
    """In the file a verdict is of the entry's own order, whatever was on the left of the screen."""
    sheet, whose = sheet_of(finished, pairwise=True), all_entries(rated_task(finished, None))
    given: dict[str, Mapping[str, Any]] = {}
    for question in sheet.questions:
        (entry,) = question.entries
        given[entry.key] = {"verdict": "first" if whose[entry.key][1][0] == "lexical-rag" else "second"}
    task, read = read_ratings([ratings_of(sheet, given, tmp_path / "p.jsonl", rater="x")], finished, None)
    ratings = gather(read)
    assert [(own.variant, own.mean) for own in variant_ratings(task, ratings)] == [
        ("lexical-rag", 1.0),
        ("zero-shot", 0.0),
    ]
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join(label_lines(task, ratings)), encoding="utf-8")
    pairs = read_labels(path).pairs
    assert {pair.question.splitlines()[1] for pair in pairs} == set(QUESTIONS)
    assert {(pair.first == NASTY, pair.verdicts) for pair in pairs} <= {(True, ("first",)), (False, ("second",))}


def test_what_one_browser_saved_later_replaces_and_two_people_of_one_name_do_not(
    finished: FinishedRun, tmp_path: Path
) -> None:
    sheet, key = sheet_of(finished), next(iter(sheet_of(finished).questions)).entries[0].key
    early = ratings_of(sheet, {key: scores(1, 1, 1, 1)}, tmp_path / "1.jsonl", rater="Li")
    late = ratings_of(
        sheet, {key: scores(5, 5, 5, 5)}, tmp_path / "2.jsonl", rater="Li", saved="2026-05-02T10:00:00.000Z"
    )
    _, read = read_ratings([late, early], finished, None)
    (own,) = gather(read).raters.values()
    assert set(own[key].scores.values()) == {5.0}
    other = ratings_of(
        sheet, {key: scores(2, 2, 2, 2)}, tmp_path / "3.jsonl", rater="Li", sitting="7", saved="2026-06-01"
    )
    with pytest.raises(DataError, match=r"3\.jsonl:2: Li rated this otherwise in .*2\.jsonl; if they are two people"):
        gather(read_ratings([early, late, other], finished, None)[1])


# (what is done to the lines of a good file, the message behind its name)
FAULTS: list[tuple[Callable[[list[str]], list[str]], str]] = [
    (lambda lines: [*lines[:1], lines[1][:30]], ":2: not JSON"),
    (lambda lines: lines[:-1], ":2: the file ends after 1 of the 2 ratings that its first line tells of"),
    (lambda lines: [lines[0], lines[1], lines[1]], ":3: rates the entry of 2 again; keep one of the lines"),
    (lambda lines: [lines[0], lines[1].replace(": 4", ": 6"), lines[2]], ":2: 'faithful' is 6; it must be a whole number from 1 to 5"),
    (lambda lines: [lines[0], lines[1].replace(": 4", ": 4.5"), lines[2]], ":2: 'faithful' is 4.5; it must be a whole number"),
    (lambda lines: [lines[0], lines[1].replace(": 4", ': "4"'), lines[2]], ":2: 'faithful' is 4; it must be a whole number"),
    (lambda lines: [lines[0], lines[1].replace("safe", "unsafe"), lines[2]], ":2: 'unsafe' is no dimension of the rubric"),
    (lambda lines: [lines[0], re.sub(r'"entry": "\w+"', '"entry": "x"', lines[1]), lines[2]], ":2: 'entry' is x, which is no entry of this run"),
    (lambda lines: [re.sub(r'"run": "\w+"', '"run": "0123"', lines[0]), *lines[1:]], ": rates the answers of another run"),
    (lambda lines: [lines[0].replace('"sitting"', '"sit"'), *lines[1:]], ":1: its first line lacks 'sitting'"),
    (lambda lines: [lines[0].replace('"rater": ""', '"rater": "Mean"'), *lines[1:]], ":1: 'rater' is Mean, like a summary"),
    (lambda lines: ["name: clinic", "models:"], ":1: it is no file of ratings"),
    (lambda lines: lines[1:], ":1: it is no file of ratings; name what the page of `harness rate` saved"),
    (lambda lines: [lines[0].replace('"harness_ratings": 1', '"harness_ratings": 2'), *lines[1:]], ":1: was saved by a page of another version"),
]  # fmt: skip


def test_a_file_that_was_cut_or_edited_is_named_with_its_line(finished: FinishedRun, tmp_path: Path) -> None:
    sheet = sheet_of(finished)
    keys = [entry.key for question in sheet.questions for entry in question.entries][:2]
    good = ratings_of(sheet, dict.fromkeys(keys, scores(4, 4, 4, 4)), tmp_path / "r.jsonl").read_text(encoding="utf-8")
    for change, message in FAULTS:
        lines = change(good.splitlines())
        (tmp_path / "r.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        with pytest.raises(DataError) as caught:
            read_ratings([tmp_path / "r.jsonl"], finished, None)
        assert f"{tmp_path / 'r.jsonl'}{message}" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_scores_and_pairs_are_read_apart(finished: FinishedRun, tmp_path: Path) -> None:
    one, two = sheet_of(finished), sheet_of(finished, pairwise=True)
    files = [ratings_of(one, {}, tmp_path / "a.jsonl"), ratings_of(two, {}, tmp_path / "b.jsonl")]
    with pytest.raises(DataError, match="rate by different rubrics, or scores and pairs; read them apart"):
        read_ratings(files, finished, None)
    task, read = read_ratings(files[:1], finished, None)
    with pytest.raises(DataError, match="no entry is rated to the end yet"):
        label_lines(task, gather(read))


def test_the_command_writes_a_page_and_reads_back_what_stands_behind_the_run(tmp_path: Path) -> None:
    run = rated_run(tmp_path).path
    wrong = run_command("rate", str(run), "--show", "passages,texts", cwd=tmp_path)
    assert (wrong.returncode, wrong.stderr) == (2, "error: --show texts: a page can show reference and passages\n")
    written = run_command("rate", str(run), "--items", "2", "--show", "reference", cwd=tmp_path)
    (page,) = run.glob("rating-*.html")
    assert (written.returncode, "见说明书。" in page.read_text(encoding="utf-8")) == (0, True)
    assert f"harness rate {run} ratings*.jsonl" in " ".join(written.stdout.split())
    missing = run_command("rate", str(run), "said.jsonl", cwd=tmp_path)
    assert (missing.returncode, missing.stderr[:31]) == (2, "error: said.jsonl: no such file")
