"""Answers with their items: what the process holds already is not held twice, and the file's items are what counts."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.runtime.run_folder import RunFolder

ITEMS = [
    Sample(id=name, task=task, input=f"{task} {name}", targets=("x",), meta={"column": ["y", 1.5, None]})
    for task in ("first", "second")
    for name in "abc"
]


def answered_folder(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.write_samples(ITEMS)
    folder.write_predictions(
        Prediction(sample_id=item.id, task=item.task, variant=variant, messages=(), text="x", reading=Reading("x"))
        for task in ("first", "second")
        for variant in ("v", "w")
        for item in ITEMS
        if item.task == task
    )
    return folder


def test_items_at_hand_are_given_in_place_of_equal_ones(tmp_path: Path) -> None:
    changed = [replace(item, input="another") if item.id == "b" else item for item in ITEMS]
    pairs = list(answered_folder(tmp_path).answered(changed))
    assert [sample for sample, _ in pairs] == [*ITEMS[:3], *ITEMS[:3], *ITEMS[3:], *ITEMS[3:]]
    assert [any(sample is item for item in changed) for sample, _ in pairs] == [True, False, True] * 4


@pytest.mark.parametrize("at_hand", [[], ITEMS[:2], ITEMS[::-1], [*ITEMS, *ITEMS]])
def test_whatever_is_at_hand_the_items_are_those_of_the_file(tmp_path: Path, at_hand: list[Sample]) -> None:
    for sample, prediction in answered_folder(tmp_path).answered(at_hand):
        assert sample in ITEMS
        assert (sample.task, sample.id) == (prediction.task, prediction.sample_id)


def test_an_answer_without_an_item_is_refused(tmp_path: Path) -> None:
    folder = answered_folder(tmp_path)
    folder.write_samples(ITEMS[:-1])
    with pytest.raises(StoreError, match=r"item second/c was answered but is not in samples\.jsonl"):
        list(folder.answered(ITEMS))
