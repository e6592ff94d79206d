"""What speaks against a figure: models that forgot, and test items that were seen before."""

from dataclasses import replace

from harness.records.figures import Overlap, Summary
from reports.facts.columns import general, ordinary, variants
from reports.sections import forgetting
from reports.sections import leakage as overlap
from reports.verdict import Caution, cautions


def test_before_and_after(trained_summary: Summary) -> None:
    (part,) = forgetting.section(trained_summary)
    assert (part.column.name, part.samples) == ("general.accuracy", "100 items")
    assert [(row.model, row.base, row.before, row.after, row.difference, row.told) for row in part.rows] == [
        ("lora-800", "smollm2", "61.0 %", "59.0 %", "−2.0", "no change shown"),
        ("bottleneck-800", "smollm2", "61.0 %", "61.0 %", "0.0", "no change shown"),
        ("qlora-seed1", "smollm2", "61.0 %", "60.0 %", "−1.0", "no change shown"),
        ("full", "smollm2", "61.0 %", "44.0 %", "−17.0", "a drop beyond noise"),
    ]
    assert part.rows[0].advice == "100 items can only show changes of 9.0 points or more"
    assert part.rows[3].advice is None
    assert part.rows[3].interval == "−25.0 to −9.0"
    assert part.rows[3].whisker.high < part.zero


def test_a_model_without_an_answer_has_no_mean(trained_summary: Summary) -> None:
    (part,) = forgetting.section(replace(trained_summary, general=()))
    assert part.rows[3].before == "–"
    lost = replace(trained_summary.forgotten[0], samples=0, difference=None, low=None, high=None, detectable=None)
    (part,) = forgetting.section(replace(trained_summary, forgotten=(lost,)))
    assert (part.rows[0].told, part.rows[0].whisker, part.rows[0].advice) == ("no item is known for both", None, None)
    assert forgetting.sentences(replace(trained_summary, forgotten=(lost,))) == (
        "Whether lora-800 forgot anything on general.accuracy is unknown: no item is known for both.",
    )


def test_a_drop_is_said_first(trained_summary: Summary) -> None:
    assert cautions(trained_summary)[1] == Caution(
        "Forgetting: full is worse than smollm2 by 17.0 points on general.accuracy (95 % CI −25.0 to −9.0, "
        "p = 0.002, 100 items).",
        "forgetting",
    )
    assert forgetting.sentences(trained_summary)[0] == (
        "lora-800 shows no drop on general.accuracy against smollm2 (−2.0, 95 % CI −10.0 to 6.0, p = 0.41, 100 items)."
    )
    assert len(forgetting.sentences(trained_summary)) == 3
    gained = tuple(replace(found, verdict="better") for found in trained_summary.forgotten)
    assert forgetting.alarms(replace(trained_summary, forgotten=gained)) == ()


def test_general_tasks_stand_apart(trained_summary: Summary) -> None:
    assert general(trained_summary) == {"general"}
    assert [column.name for column in ordinary(trained_summary)] == ["norm.accuracy"]
    assert "smollm2" not in variants(trained_summary)


def test_leakage(trained_summary: Summary) -> None:
    found = overlap.section(trained_summary)
    assert found is not None
    (part,) = found.parts
    assert [(row.source, row.used, row.exact, row.normalised, row.near, row.share) for row in part.rows] == [
        # (2 + 1 + 3)/60
        ("train rows of norm", "learnt by qlora-seed1, qlora-seed2, qlora-seed3 and full", 2, 1, 3, "10.0 %"),
        ("knowledge icd9", "looked up, not learnt", 0, 0, 0, "0.0 %"),
    ]
    assert [(pair.sample_id, pair.kind, pair.similarity, pair.place) for pair in part.pairs] == [
        ("n01", "equal", "", "train.tsv:17"),
        ("n03", "equal but for writing", "", "train.tsv:204"),
        ("n04", "near", "83 % alike", "train.tsv:388"),
    ]
    assert part.pairs[0].address == "#sample=norm%2Fn01"
    assert part.more  # 3 of 6
    (figure,) = part.figures
    assert (figure.items, figure.clean_items) == ("60 items", "54 items")
    rows = {row.variant: (row.all[0], row.clean[0]) for row in figure.rows}
    assert rows["zero-shot"] == ("25.0 %", "24.1 %")  # 13/54
    assert rows["full"] == ("85.0 %", "83.3 %")  # 45/54
    assert found.calm == (
        "None of the 100 test items of general was found in train rows of norm (learnt by qlora-seed1, qlora-seed2, "
        "qlora-seed3 and full): not as it is, not but for case, width, spaces and punctuation, and nothing nearly the same.",
    )


def test_items_seen_before_are_said_first(trained_summary: Summary) -> None:
    assert cautions(trained_summary)[0] == Caution(
        "Of the 60 test items of norm, some also stand elsewhere: 3 in train rows of norm (learnt by qlora-seed1, "
        "qlora-seed2, qlora-seed3 and full, some but for writing). A right answer to them may be remembered or copied. "
        "Compare the figures on the clean 54 items.",
        "leakage",
    )
    one = Overlap("norm", "knowledge icd9", (), 60, 0, 1, 0, ())
    assert overlap.alarms(replace(trained_summary, overlaps=(one,), clean=())) == (
        "Of the 60 test items of norm, some also stand elsewhere: 1 in knowledge icd9 (looked up, not learnt, but for "
        "writing). A right answer to them may be remembered or copied.",
    )
    near = replace(one, normalised=0, near=5)  # may be chance: told in the section, but no warning
    assert overlap.alarms(replace(trained_summary, overlaps=(near,))) == ()
    assert overlap.section(replace(trained_summary, overlaps=(near,))).parts[0].rows[0].share == "8.3 %"


def test_nothing_checked_nothing_said(trained_summary: Summary) -> None:
    assert overlap.section(replace(trained_summary, overlaps=())) is None
    calm = overlap.section(replace(trained_summary, overlaps=trained_summary.overlaps[1:]))
    assert calm is not None
    assert calm.parts == ()
    assert [sentence[:44] for sentence in calm.calm] == [
        "None of the 60 test items of norm was found ",
        "None of the 100 test items of general was fo",
    ]
