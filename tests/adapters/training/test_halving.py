"""A search among trainings: who goes on, who is left, what a kill costs; then the same with a real tiny model."""

import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch

from adapters.methods.lora import Lora
from adapters.training.choices import Values
from adapters.training.halving import (
    TrainingSearch,
    TrainingTrial,
    TrialWork,
    planned_share,
    planned_steps,
    search,
    shares,
)
from adapters.training.record import TrainingRecord
from adapters.training.rungs import Rung
from adapters.training.session import LearningRows
from adapters.training.settings import Recipe
from adapters.training.trainer import DivergedError
from adapters.training.training_candidates import candidates, space_mistake
from adapters.training.training_choice import TrainingChoice
from adapters.training.training_data import TrainingData
from adapters.training.training_run import train
from harness.components.display import Display
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from tests.shared.paths import ROOT
from tests.shared.short_trainings import weights
from tests.shared.training_rows import LEARN

HALF, QUARTER, EIGHTH = Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)
RECORD = TrainingRecord(
    inputs="", method={}, recipe={}, seed=0, base="", precision="float32", learning_rate=1.0, batch_size=1,
    accumulation=1, steps=8, epochs=1.0, rows=1, rows_cut=0, rows_dropped=0, rows_split=0, examples=1, tokens=1,
    labelled_tokens=1, seconds=1.0, examples_per_second=1.0, tokens_per_second=1.0, peak_memory=1,
    trainable_parameters=1, total_parameters=1, loss=((1, 1.0, 1.0),), validation=(), best_step=None, hardware={},
    packages={},
)  # fmt: skip


class SearchedRecipe(Recipe):
    """A recipe whose settings may be lists, as a tuned model's are."""


@pytest.mark.parametrize(
    ("count", "rounds", "trainings", "steps"),
    [
        (1, [], 1, 40),
        (2, [(HALF, 2)], 1.5, 60),  # 2 · 20 + 20
        (3, [(QUARTER, 3), (HALF, 2)], 1.75, 70),  # 3 · 10 + 2 · 10 + 20
        (4, [(QUARTER, 4), (HALF, 2)], 2, 80),
        (5, [(EIGHTH, 5), (QUARTER, 3), (HALF, 2)], 2, 80),  # 5 · 5 + 3 · 5 + 2 · 10 + 20
        (8, [(EIGHTH, 8), (QUARTER, 4), (HALF, 2)], 2.5, 100),
        (27, [(EIGHTH, 27), (QUARTER, 9), (HALF, 3)], 5.75, 230),  # 27 · 5 + 9 · 5 + 3 · 10 + 20
    ],
)
def test_how_many_go_on_how_far(count: int, rounds: list[tuple[Fraction, int]], trainings: float, steps: int) -> None:
    assert shares(count) == [*rounds, (1, 1)]
    assert (planned_share(count), planned_steps(count, 40)) == (trainings, steps)


class Course:
    """Trials that stand as given: for each its losses, round by round."""

    def __init__(self, folder: Path, losses: Sequence[Sequence[float | None]], costs: Sequence[float] = ()) -> None:
        recipe = SearchedRecipe(learning_rate=Values(1e-3 * place for place in range(1, len(losses) + 1)))
        self.trials = [
            TrainingTrial(candidate=candidate, folder=folder / f"{place}", cost=(costs[place] if costs else 0,))
            for place, candidate in enumerate(candidates(Lora(), recipe))
        ]
        self.losses, self.shares = losses, [share for share, _ in shares(len(losses))]
        self.done: list[tuple[int, Fraction]] = []
        self.failing: tuple[int, ...] = ()  # diverge on the way to their end
        self.killed_at = 99
        self.discarded: list[int] = []

    def run(self) -> TrainingSearch:
        parts = {"train_until": self.until, "finish": self.finish, "discard": self.discard}
        return search(self.trials, TrialWork(validation_rows=7, **parts))[0]

    def until(self, trial: TrainingTrial, share: Fraction, title: str) -> Rung:
        if len(self.done) == self.killed_at:
            raise KeyboardInterrupt
        place = self.trials.index(trial)
        self.done.append((place, share))
        loss = self.losses[place][self.shares.index(share)]
        return Rung(share=str(share), step=math.ceil(8 * share), planned=8, loss=loss, seconds=2.0)

    def finish(self, trial: TrainingTrial, title: str) -> TrainingRecord:
        place = self.trials.index(trial)
        if place in self.failing:
            raise DivergedError("the loss is not a number at step 7")
        self.done.append((place, Fraction(1)))
        return replace(RECORD, validation=((8, self.losses[place][-1] or 0.0),))

    def discard(self, trial: TrainingTrial) -> None:
        self.discarded.append(self.trials.index(trial))


@pytest.mark.parametrize(
    ("losses", "costs", "done", "chosen"),
    [
        # by the first quarter 1 and 3 are the best; by the half 3 is; it goes to its end
        (
            [[2.0], [1.5, 1.4], [2.1], [1.6, 1.2, 1.0]], (),
            [(0, QUARTER), (1, QUARTER), (2, QUARTER), (3, QUARTER), (1, HALF), (3, HALF), (3, 1)], (3, 1),
        ),
        ([[1.0], [1.0004, 0.9]], (2, 1), [(0, HALF), (1, HALF), (1, 1)], (1, 0)),  # equal to three decimals: the cheaper
        ([[1.0, 0.9], [1.0004]], (1, 1), [(0, HALF), (1, HALF), (0, 1)], (0, 1)),  # as cheap: the first
        ([[None], [3.0, 2.9]], (), [(0, HALF), (1, HALF), (1, 1)], (1, None)),  # a rate too high diverges
    ],
    ids=["the better half goes on", "equal ones", "equal ones as cheap", "diverged"],
)  # fmt: skip
def test_the_better_go_on(
    losses: Any, costs: Any, done: list[tuple[int, Fraction]], chosen: tuple[int, int | None], tmp_path: Path
) -> None:
    course = Course(tmp_path, losses, costs)
    outcome = course.run()
    assert course.done == done
    assert (outcome.chosen, outcome.runner_up) == chosen
    assert sorted(course.discarded) == [place for place in range(len(losses)) if place != chosen[0]]
    others = {place: max(share for own, share in done if own == place) for place in course.discarded}
    assert {place: outcome.trials[place].steps for place in others} == {own: 8 * part for own, part in others.items()}
    assert (outcome.validation_rows, outcome.seconds) == (7, 2.0 * len(others))
    assert outcome.trials[chosen[0]].loss == losses[chosen[0]][-1]


def test_one_that_diverges_near_its_end_makes_room_for_the_next(tmp_path: Path) -> None:
    course = Course(tmp_path, [[2.0, 1.9], [1.0]])
    course.failing = (1,)
    assert (course.run().chosen, course.done[-1]) == (0, (0, 1))


def test_where_all_diverge_the_values_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"every setting .*learning_rate 0.001; learning_rate 0.002; give lower"):
        Course(tmp_path, [[None], [None]]).run()


@pytest.mark.parametrize("killed_at", range(6))
def test_a_search_that_was_killed_repeats_nothing(killed_at: int, tmp_path: Path) -> None:
    losses = [[2.0], [1.5, 1.4], [2.1], [1.6, 1.2, 1.0]]
    course = Course(tmp_path, losses)
    course.killed_at = killed_at
    with pytest.raises(KeyboardInterrupt):
        course.run()
    again = Course(tmp_path, losses)
    outcome = again.run()
    assert len(course.done) + len(again.done) == 7
    assert (outcome.chosen, outcome.runner_up) == (3, 1)
    last = Course(tmp_path, losses)
    assert last.run() == outcome
    assert last.done == [(3, 1)]  # which takes the weights that are there


@pytest.mark.parametrize(
    ("settings", "method", "mistake"),
    [
        ({"learning_rate": [1e-4, 1e-3]}, {"r": [8, 16]}, None),
        ({"learning_rate": [1e-4]}, {}, None),
        (
            {"learning_rate": [1e-4, 1e-3, 1e-2], "epochs": [1, 2, 3, 4]}, {"r": [4, 8, 16]},
            "4 of epochs × 3 of learning_rate × 3 of r are 36 trainings to choose from; at most 32",
        ),
    ],
)  # fmt: skip
def test_the_number_of_trainings_is_bounded(settings: Any, method: Any, mistake: str | None) -> None:
    said = space_mistake(Lora(**method), SearchedRecipe(**settings))
    assert said is None if mistake is None else (said or "").startswith(mistake)


def test_each_combination_once_in_the_order_of_the_suite() -> None:
    made = candidates(Lora(r=[4, 8]), SearchedRecipe(learning_rate=[0.1, 0.2], epochs=[3]))
    assert [own.describe() for own in made] == [
        "learning_rate 0.1, r 4", "learning_rate 0.1, r 8", "learning_rate 0.2, r 4", "learning_rate 0.2, r 8",
    ]  # fmt: skip
    assert [(own.recipe.learning_rate, own.method.r) for own in made] == [(0.1, 4), (0.1, 8), (0.2, 4), (0.2, 8)]
    assert {type(own.recipe) for own in made} == {Recipe}
    with pytest.raises(ValueError, match="learning_rate is a list: a training has one value for each setting"):
        Recipe(learning_rate=[0.1, 0.2])


# -- with a real model --------------------------------------------------------------------------------------------------

RATES = [1e-6, 0.02, 1e30]
SEARCHED = SearchedRecipe(epochs=3, batch_size=4, learning_rate=RATES, max_grad_norm=1e9)
DROPPING = Lora(r=4, dropout=0.1)


def contest(base: HuggingFace, folder: Path) -> TrainingChoice:
    data = TrainingData(examples=tuple(LEARN), validation=tuple(LEARN[:4]), composition=())
    own = candidates(DROPPING, SEARCHED)
    return TrainingChoice(root=base, origin=base, candidates=own, data=data, seed=0, store=folder)


class Steps(Display):
    """Counts the steps that are trained; a process may be killed at one of them."""

    def __init__(self, kill_at: int = 0) -> None:
        self.steps, self.kill_at = 0, kill_at
        self.titles: list[str] = []

    def begin(self, title: str) -> None:
        self.titles.append(title)

    def advance(self, done: int, tokens: int = 0) -> None:
        self.steps += 1
        if self.kill_at and self.steps >= self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


KILLED = """
import sys
from pathlib import Path
import torch
from harness.models.huggingface import HuggingFace
from tests.adapters.training.test_halving import Steps, contest
torch.set_num_threads(1)
base = HuggingFace(path=sys.argv[1], dtype="float32", device="cpu")
contest(base, Path(sys.argv[2])).train(base, "m", Steps(int(sys.argv[3])))
"""


def test_a_wrong_learning_rate_is_left_and_the_chosen_weights_are_those_of_it_alone(
    base: HuggingFace, tmp_path: Path
) -> None:
    """12 steps each: 3 trials to step 3, where one has diverged after 2, 2 to step 6, one to its end.

    Killed after 3 + 3 + 2 + 1 steps, when the second round has begun with the better one.
    Bit for bit the weights of a training with the chosen settings that never stopped, dropout and all.
    """
    command = [sys.executable, "-c", KILLED, base.path, str(tmp_path / "kept"), "9"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()
    display, choice = Steps(), contest(base, tmp_path / "kept")
    assert not choice.is_decided
    record, outcome = choice.train(base, "m", display)
    assert outcome is not None
    assert (outcome.chosen, outcome.runner_up) == (1, 0)
    assert [trial.steps for trial in outcome.trials] == [6, 12, 3]
    losses = [trial.loss for trial in outcome.trials]
    assert losses[2] is None
    assert losses[1] == min(loss for _, loss in record.validation) < (losses[0] or 0)
    assert display.titles[0].startswith("train m: trial 2 of 3 (learning_rate 0.02) to 1/2")
    assert display.steps == 3 + 3 + 6  # nothing of the first round again
    (rest,) = tmp_path.glob("kept/*.search.json")
    assert sorted(path.name for path in rest.parent.iterdir() if path.suffix not in (".lock", ".json")) == [
        choice.folders[1].name
    ]
    alone = candidates(DROPPING, SEARCHED)[1]
    train(base, alone.method, alone.recipe, LearningRows(LEARN, LEARN[:4]), tmp_path / "alone", 0)
    searched, single = weights(choice.folders[1]), weights(tmp_path / "alone")
    assert all(torch.equal(value, searched[name]) for name, value in single.items())
