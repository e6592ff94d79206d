"""Each of several devices gets its share of a step's rows: none is lost, none is seen twice."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.training.batches import Collator
from adapters.training.encoding import IGNORED, Row


@dataclass
class Shares:
    """The batches of one device. accelerate's own division repeats rows until all batches are full; this one does not.

    A step's batches are as many on each device, so that all meet when gradients are exchanged. A step with fewer rows
    than devices leaves some with an empty batch.
    """

    sampler: Any  # the items of an epoch in order; accelerate looks for it here to set the epoch
    step: int  # items a step
    batch_size: int  # items at a time on a device, at most
    devices: int
    rank: int
    drop_last: bool = False  # accelerate asks

    def __len__(self) -> int:
        return sum(self._rounds(count) for count in self._steps())

    def __iter__(self) -> Iterator[list[int]]:
        order, start = list(self.sampler), 0
        for count in self._steps():
            parts = self._rounds(count) * self.devices
            for part in range(self.rank, parts, self.devices):
                yield order[start + count * part // parts : start + count * (part + 1) // parts]
            start += count

    def _steps(self) -> list[int]:
        """How many items each step has; the last of an epoch may have fewer."""
        full, rest = divmod(len(self.sampler), self.step)
        return [self.step] * full + [rest] * bool(rest)

    def _rounds(self, count: int) -> int:
        return math.ceil(count / (self.batch_size * self.devices))


@dataclass(frozen=True)
class ShareCollator:
    """A batch as `whole` makes it; an empty share becomes one in which nothing is learnt or counted."""

    whole: Collator

    def __call__(self, items: Sequence[tuple[Row, ...]]) -> dict[str, Any]:
        if items:
            return self.whole(items)
        batch = self.whole([(Row((self.whole.pad,) * 2, (IGNORED,) * 2),)])
        batch["counts"] = batch["counts"] * 0
        return batch


def share_loader(items: Sequence[tuple[Row, ...]], order: Any, step: int, collator: Collator, args: Any) -> Any:
    """Loads this process's shares of the items; `args` are transformers' TrainingArguments."""
    from accelerate.data_loader import prepare_data_loader  # type: ignore[import-untyped]
    from torch.utils.data import DataLoader

    shares = Shares(order, step, args.per_device_train_batch_size, args.world_size, args.process_index)
    loader: Any = DataLoader(
        items,  # type: ignore[arg-type]
        batch_sampler=shares, collate_fn=ShareCollator(collator), pin_memory=args.dataloader_pin_memory,
    )  # fmt: skip
    return prepare_data_loader(loader, args.device, num_processes=1, process_index=0, put_on_device=True)
