"""A recipe applied to data: how many steps a training has, of how many rows, and when it looks and saves."""

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from adapters.training.rungs import stop_at
from adapters.training.settings import Recipe


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """A recipe applied to data: the sizes and the number of a training's steps."""

    rows: int  # items a step
    batch_size: int  # at a time on a device
    accumulation: int
    steps: int
    evaluate_every: int  # steps between evaluations on the validation rows
    save_every: int
    saves_by_time: bool = False  # not by steps; on several devices all would have to agree
    devices: int = 1
    share: str = "1"  # of the steps, after which it is left as it is, to be gone on with or not

    @classmethod
    def of(cls, recipe: Recipe, items: int, validated: bool, devices: int = 1) -> "StepPlan":
        """Steps of an epoch are rounded up; `max_steps` ends earlier. A step has the same rows on any devices."""
        rows = recipe.batch_size * recipe.accumulation
        epoch = math.ceil(items / rows)
        steps = min(max(1, math.ceil(epoch * recipe.epochs)), recipe.max_steps or 1 << 62)
        evaluate_every = min(recipe.evaluate_every or epoch, steps)
        save_every = recipe.save_every or max(1, min(epoch, math.ceil(steps / 10)))
        plan = cls(
            rows=rows,
            batch_size=recipe.batch_size,
            accumulation=recipe.accumulation,
            steps=steps,
            evaluate_every=evaluate_every,
            save_every=evaluate_every if validated else save_every,
            saves_by_time=recipe.save_every is None and devices == 1,
            devices=devices,
        )
        return plan if devices == 1 else plan._distribute(recipe.batch_size)

    @property
    def stop(self) -> int | None:
        """The step at which it is left before its end."""
        share = Fraction(self.share)
        return stop_at(share, self.steps) if share < 1 else None

    def halve(self) -> "StepPlan":
        """The same steps with half the rows at a time, or the next fewer that a step's rows divide into."""
        if self.devices > 1:
            return self._distribute(math.ceil(self.batch_size / 2))
        half = max(size for size in range(1, self.batch_size // 2 + 1) if self.rows % size == 0)
        return replace(self, batch_size=half, accumulation=self.rows // half)

    def _distribute(self, batch_size: int) -> "StepPlan":
        """A step's rows distributed evenly: as few batches of at most `batch_size` rows as possible, and as small."""
        rows = math.ceil(self.rows / self.devices)
        accumulation = math.ceil(rows / batch_size)
        return replace(self, batch_size=math.ceil(rows / accumulation), accumulation=accumulation)
