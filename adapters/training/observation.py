"""What a training is looked at by: losses before its first step, and answers to a few rows before, during and after.

Nothing of it touches the weights: random numbers are put back, and the time is counted apart.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from adapters.models.base.engines import copy_settings
from adapters.training.encoding import Example
from adapters.training.record import SampleAnswer
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation

FILE = "observed.json"  # in the work folder: a training that is killed still has what was seen before
FEWEST, MOST = 16, 64  # train items whose loss is computed before the first step
PART = 20  # between these, one for so many that the training will process: a look costs little beside the steps
SHORT, LONGEST = 8, 64  # an answer has the tokens of the longest target and this many more, at most so many


@dataclass
class Sights:
    """What has been seen so far, over all sessions of a training."""

    before: dict[str, float] = field(default_factory=dict)  # "train" and "validation": losses before the first step
    answers: dict[str, list[str]] = field(default_factory=dict)  # by step, in the order of the samples
    seconds: float = 0.0

    @classmethod
    def read(cls, work: Path) -> "Sights":
        file = work / FILE
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else cls()


class Observer:
    """Looks at a training at its steps; on several devices all compute the losses, the first one answers and writes."""

    def __init__(self, base: HuggingFace, samples: Sequence[Example], work: Path, trainer: Any) -> None:
        self.base, self.trainer, self.work = base, trainer, work
        self.samples = () if trainer.is_sharded() else tuple(samples)  # no process has the whole network
        self.sights = Sights.read(work)

    def look_before(self, rows: Sequence[Any], validation: Sequence[Any]) -> None:
        """The mean losses of learnt tokens, of some train rows and of all validation rows, and answers, at step 0."""
        if self.sights.before:
            return
        with self._aside():
            processed = self.trainer.state.max_steps * self.trainer.order.step
            count = min(MOST, max(FEWEST, processed // PART))
            chosen = {"train": rows[:: math.ceil(len(rows) / count)], "validation": validation}
            losses = {name: self.trainer.mean_loss(items) for name, items in chosen.items() if items}
            self.sights.before = {name: loss for name, loss in losses.items() if math.isfinite(loss)}
        self.look(0)

    def look(self, step: int) -> None:
        """The answers of the weights as they are."""
        if not self.trainer.args.should_save:
            return
        with self._aside():
            self.sights.answers[str(step)] = self._answers() if self.samples else []
        (self.work / FILE).write_text(json.dumps(asdict(self.sights)), encoding="utf-8")

    def sample_answers(self) -> tuple[SampleAnswer, ...]:
        """What was answered to each sample, in the order of the steps; last, by the weights that were kept."""
        steps = [int(step) for step, answers in self.sights.answers.items() if answers]
        return tuple(
            SampleAnswer(
                question=sample.prompt[-1].content,
                target=sample.answer,
                answers=tuple((step, self.sights.answers[str(step)][place]) for step in steps),
            )
            for place, sample in enumerate(self.samples)
        )

    def _answers(self) -> list[str]:
        """Greedy and short. Raises what torch raises when memory runs out."""
        longest = max(self.base.count_tokens(sample.answer) or 0 for sample in self.samples)
        most = min(longest + SHORT, LONGEST)
        engine = copy_settings(self.base, NetworkInTraining, engine="transformers")
        engine._base, engine._trained = self.base, self.trainer.model.eval()
        prompts = [sample.prompt for sample in self.samples]
        generation = Generation(max_tokens=most, reasoning_tokens=most)
        with self.trainer.evaluation_mode():
            return [reply.text for reply in engine.generate(prompts, generation, [0] * len(prompts))]

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Beside the training: neither its random numbers nor its time."""
        import torch

        start = time.monotonic()
        with torch.random.fork_rng():
            yield
        seconds = time.monotonic() - start
        self.trainer.started += seconds
        self.sights.seconds += seconds


class NetworkInTraining(HuggingFace):
    """A base that answers by a network that is being trained."""

    _base: HuggingFace = PrivateAttr()
    _trained: Any = PrivateAttr()

    @property
    def tokenizer(self) -> Any:
        return self._base.tokenizer

    def _model(self) -> Any:
        return self._trained


def watching(callback: Any, observer: Observer, middle: int) -> Any:
    """transformers' callback that has the observer look before the first step and in the middle."""

    class Watch(callback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if not state.global_step:
                observer.look_before(observer.trainer.train_dataset, observer.trainer.eval_dataset or ())

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == middle:
                observer.look(middle)

    return Watch()


def stopping(callback: Any, step: int, note: Callable[[], None]) -> Any:
    """transformers' callback that ends a training at a step, with a checkpoint from which it can go on."""

    class Stop(callback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step >= step:
                note()
                control.should_save = control.should_training_stop = True

    return Stop()
