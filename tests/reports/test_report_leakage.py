"""What speaks against a figure: models that forgot, and test items that were seen before."""

from dataclasses import replace

import pytest

from harness.records.figures import Overlap
from harness.records.summary import Summary
from reports.facts.metric_columns import general_tasks, ordinary_columns, variant_names
from reports.sections.forgetting import Forgetting
from reports.sections.leaked_items import LeakedItems
from tests.shared.finished import finished


def test_before_and_after(trained_summary: Summary) -> None:
    (part,) = Forgetting().build(finished(trained_summary))
    assert (part.column.name, part.samples) == ("general.accuracy", "100 items")
    assert [(row.comparison.variant, row.before, row.after, row.explanation) for row in part.rows] == [
        ("lora-800", "61.0 %", "59.0 %", "no change shown"),
        ("bottleneck-800", "61.0 %", "61.0 %", "no change shown"),
        ("qlora-seed1", "61.0 %", "60.0 %", "no change shown"),
        ("full", "61.0 %", "44.0 %", "a drop beyond noise"),
    ]
    assert part.rows[0].advice == "100 items can only show changes of 9.0 points or more"
    assert part.rows[3].advice is None
    assert part.rows[3].whisker.high < part.zero


def test_a_model_without_an_answer_has_no_mean(trained_summary: Summary) -> None:
    (part,) = Forgetting().build(finished(replace(trained_summary, general=())))
    assert part.rows[3].before == "–"
    lost = replace(trained_summary.forgotten[0], samples=0, difference=None, low=None, high=None, detectable=None)
    (part,) = Forgetting().build(finished(replace(trained_summary, forgotten=(lost,))))
    assert (part.rows[0].explanation, part.rows[0].whisker, part.rows[0].advice) == (
        "no item has a value for both",
        None,
        None,
    )
    assert Forgetting().sentences(finished(replace(trained_summary, forgotten=(lost,)))) == (
        "Whether lora-800 forgot anything on general.accuracy is unknown: no item has a value for both.",
    )


def test_a_drop_is_said_first(trained_summary: Summary) -> None:
    assert Forgetting().cautions(finished(trained_summary)) == (
        "Forgetting: full is worse than smollm2 by 17.0 points on general.accuracy (95 % CI −25.0 to −9.0, "
        "p = 0.002, 100 items).",
    )
    assert Forgetting().sentences(finished(trained_summary))[0] == (
        "lora-800 shows no drop on general.accuracy against smollm2 (−2.0, 95 % CI −10.0 to 6.0, p = 0.41, 100 items)."
    )
    assert len(Forgetting().sentences(finished(trained_summary))) == 3
    gained = tuple(replace(found, verdict="better") for found in trained_summary.forgotten)
    assert Forgetting().cautions(finished(replace(trained_summary, forgotten=gained))) == ()


def test_general_tasks_stand_apart(trained_summary: Summary) -> None:
    assert general_tasks(trained_summary) == {"general"}
    assert [column.name for column in ordinary_columns(trained_summary)] == ["norm.accuracy"]
    assert "smollm2" not in variant_names(trained_summary)


def test_leakage(trained_summary: Summary) -> None:
    found = LeakedItems().build(finished(trained_summary))
    assert found is not None
    (part,) = found.tasks
    counts = [(row.overlap.exact, row.overlap.normalised, row.overlap.near) for row in part.overlaps]
    assert [(row.source, row.use, *own, row.share) for row, own in zip(part.overlaps, counts, strict=True)] == [
        # (2 + 1 + 3)/60
        ("train rows of norm", "learnt by qlora-seed1, qlora-seed2, qlora-seed3 and full", 2, 1, 3, "10.0 %"),
        ("knowledge icd9", "looked up, not learnt", 0, 0, 0, "0.0 %"),
    ]
    assert [(pair.twin.sample_id, pair.kind, pair.place) for pair in part.pairs] == [
        ("n01", "identical", "train rows of norm, train.tsv:17"),
        ("n03", "identical but for writing", "train rows of norm, train.tsv:204"),
        ("n04", "nearly identical", "train rows of norm, train.tsv:388"),
    ]
    assert part.pairs[0].address == "#sample=norm%2Fn01"
    assert part.has_more  # 3 of 6
    (figure,) = part.tables
    assert (figure.items, figure.clean_items) == ("60 items", "54 items")
    rows = {row.variant: (row.all[0], row.clean[0]) for row in figure.rows}
    assert rows["zero-shot"] == ("25.0 %", "24.1 %")  # 13/54
    assert rows["full"] == ("85.0 %", "83.3 %")  # 45/54
    assert found.clean == (
        "None of the 100 test items of general was found in train rows of norm (learnt by qlora-seed1, qlora-seed2, "
        "qlora-seed3 and full), neither identical (apart from case, width, spaces and punctuation) nor nearly identical.",
    )


def test_items_seen_before_are_said_first(trained_summary: Summary) -> None:
    assert LeakedItems().cautions(finished(trained_summary)) == (
        "Of the 60 test items of norm, some also stand elsewhere: 3 in train rows of norm (learnt by qlora-seed1, "
        "qlora-seed2, qlora-seed3 and full, some in other writing, 3 more nearly identical). A right answer to them may be "
        "remembered or copied. Compare the figures on the clean 54 items.",  # 60 - 3 - 3
    )
    one = Overlap(task="norm", source="knowledge icd9", models=(), samples=60, exact=0, normalised=1, near=0, twins=())
    assert LeakedItems().cautions(finished(replace(trained_summary, overlaps=(one,), clean=()))) == (
        "Of the 60 test items of norm, some also stand elsewhere: 1 in knowledge icd9 (looked up, not learnt, in other "
        "writing). A right answer to them may be remembered or copied.",
    )
    beside = replace(one, source="examples of norm", normalised=0, near=2)
    assert LeakedItems().cautions(finished(replace(trained_summary, overlaps=(one, beside), clean=()))) == (
        "Of the 60 test items of norm, some also stand elsewhere: 1 in knowledge icd9 (looked up, not learnt, in other "
        "writing) and 2 in examples of norm (looked up, not learnt, nearly identical). A right answer to them may be "
        "remembered or copied.",
    )
    near = replace(one, normalised=0, near=5)  # may be chance: told in the section, but no warning
    assert LeakedItems().cautions(finished(replace(trained_summary, overlaps=(near,)))) == ()
    assert (
        LeakedItems().build(finished(replace(trained_summary, overlaps=(near,)))).tasks[0].overlaps[0].share == "8.3 %"
    )


def test_nothing_checked_nothing_said(trained_summary: Summary) -> None:
    assert LeakedItems().build(finished(replace(trained_summary, overlaps=()))) is None
    calm = LeakedItems().build(finished(replace(trained_summary, overlaps=trained_summary.overlaps[1:])))
    assert calm is not None
    assert calm.tasks == ()
    assert [sentence[:44] for sentence in calm.clean] == [
        "None of the 60 test items of norm was found ",
        "None of the 100 test items of general was fo",
    ]


def overlap(source: str, *models: str, normalised: int = 0) -> Overlap:
    return Overlap(
        task="norm", source=source, models=models, samples=9, exact=0, normalised=normalised, near=0, twins=()
    )


@pytest.mark.parametrize(
    ("overlaps", "expected"),
    [
        ([overlap("train rows of norm", "lora")], "train rows of norm (learnt by lora)"),
        ([overlap("train rows of norm")], "train rows of norm (learnt)"),  # an older run does not say by whom
        ([overlap("mix general")], "mix general (learnt)"),
        ([overlap("texts of icd9", "lora"), overlap("knowledge icd9")],
         "texts of icd9 (learnt by lora) and knowledge icd9 (looked up)"),
        ([overlap("knowledge icd9", "lora")], "knowledge icd9 (learnt by lora)"),
        ([overlap("knowledge icd9")], "knowledge icd9 (looked up, not learnt)"),
        ([overlap("train rows of other", "lora"), overlap("examples of norm")],
         "train rows of other (learnt by lora) and examples of norm (looked up, not learnt)"),
        ([overlap("train rows of norm", "lora"), overlap("examples of norm")],
         "train rows of norm (learnt by lora) and examples of norm (looked up)"),
    ],
)  # fmt: skip
def test_what_is_learnt_is_never_called_not_learnt(
    trained_summary: Summary, overlaps: list[Overlap], expected: str
) -> None:
    facts = LeakedItems().build(finished(replace(trained_summary, overlaps=tuple(overlaps))))
    assert facts is not None
    assert facts.clean == (
        f"None of the 9 test items of norm was found in {expected}, neither identical (apart from case, width, spaces and "
        "punctuation) nor nearly identical.",
    )
    leaking = (*overlaps[:-1], replace(overlaps[-1], normalised=1))
    (caution,) = LeakedItems().cautions(finished(replace(trained_summary, overlaps=leaking)))
    assert ("not learnt" in caution) is expected.endswith("not learnt)")
