"""What `harness plan` prints: the time of the trainings and of the calls."""

import io

import pytest
from rich.console import Console

from harness.components.model import Preparation
from harness.printing import print_plan
from harness.records.anomalies import PromptMismatch
from harness.records.call_counts import CallCounts
from harness.records.inputs import Cell
from harness.stages.plan import Plan, PlannedCell

LORA = Preparation(what="lora on 400 rows, 50 steps", done=False, needs=3 << 30, has=16 << 30)
TIMED = Preparation(what="full on 400 rows, 50 steps", done=False, needs=3 << 30, has=16 << 30, seconds=150.0)
DONE = Preparation(what="ia3 on 400 rows, 50 steps", done=True, needs=3 << 30, has=16 << 30)
AWAY = Preparation(what="lora on 400 rows", done=False)  # the base is not on this machine
ASKED = CallCounts(calls=30, estimate=60.0)


def printed(
    preparations: list[Preparation], counts: CallCounts = ASKED, mismatches: tuple[PromptMismatch, ...] = ()
) -> list[str]:
    """The lines, one space for any white space."""
    file = io.StringIO()
    models = {f"m{number}": preparation for number, preparation in enumerate(preparations)}
    cell = PlannedCell(cell=Cell("norm", "plain"), samples=30, counts=counts)
    plan = Plan(
        cells=[cell], indexes=[], preparations=models, judging=[], languages={"norm": "zh"}, mismatches=mismatches
    )
    print_plan(plan, Console(file=file, width=160, markup=False))
    return [" ".join(line.strip("│ ").split()) for line in file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("preparation", "row"),
    [
        (LORA, "m0 │ lora on 400 rows, 50 steps │ not timed yet │ 3.0 GiB │ 16.0 GiB"),
        (TIMED, "m0 │ full on 400 rows, 50 steps │ about 2 min │ 3.0 GiB │ 16.0 GiB"),  # 150 s, to the even minute
        (DONE, "m0 │ ia3 on 400 rows, 50 steps (done before) │ - │ 3.0 GiB │ 16.0 GiB"),
        (AWAY, "m0 │ lora on 400 rows │ not timed yet │ - │ -"),
    ],
)
def test_the_row_of_a_training(preparation: Preparation, row: str) -> None:
    assert row in printed([preparation])


@pytest.mark.parametrize(
    ("preparations", "sentence"),
    [
        ([], "30 calls to compute: about 60 s. Nothing was changed."),
        ([DONE], "30 calls to compute: about 60 s. Nothing was changed."),
        ([TIMED, DONE], "1 model to train: about 2 min. 30 calls to compute: about 60 s. Nothing was changed."),
        ([LORA], "1 model to train: not timed yet. 30 calls to compute: about 60 s. Nothing was changed."),
        ([TIMED] * 2, "2 models to train: about 5 min. 30 calls to compute: about 60 s. Nothing was changed."),
        ([TIMED] * 60, "60 models to train: about 2.5 h. 30 calls to compute: about 60 s. Nothing was changed."),
        (
            [TIMED, LORA],
            "2 models to train: about 2 min, and 1 of them is not timed yet. 30 calls to compute: about 60 s. Nothing was changed.",
        ),
        (
            [TIMED, LORA, AWAY],
            "3 models to train: about 2 min, and 2 of them are not timed yet. 30 calls to compute: about 60 s. Nothing was changed.",
        ),
    ],
)
def test_the_total_includes_the_training(preparations: list[Preparation], sentence: str) -> None:
    assert sentence in printed(preparations)


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        (CallCounts(calls=0), "0 calls to compute. Nothing was changed."),
        (CallCounts(calls=1), "1 call to compute: no call of this model timed yet. Nothing was changed."),
    ],
)
def test_the_calls_of_the_total(counts: CallCounts, sentence: str) -> None:
    assert sentence in printed([], counts)
