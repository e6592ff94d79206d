"""The rows of a step divided among several devices: no row is lost, and none is processed twice."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.training.collation import Collator
from adapters.training.encoding import IGNORED, TokenRow


@dataclass(kw_only=True)
class DeviceBatches:
    """The batches of one device. accelerate's own division repeats rows until all batches are full; this one does not.

    A step has the same number of batches on each device, so that all meet when gradients are exchanged. A step with
    fewer rows than devices leaves some devices with an empty batch.
    """

    sampler: Any  # the items of an epoch in order; accelerate looks for it here to set the epoch
    step: int  # items a step
    batch_size: int  # items at a time on a device, at most
    devices: int
    rank: int
    drop_last: bool = False  # accelerate reads it

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
class DeviceCollator:
    """A batch as `collator` makes it; an empty batch becomes one in which nothing is learnt or counted."""

    collator: Collator

    def __call__(self, items: Sequence[tuple[TokenRow, ...]]) -> dict[str, Any]:
        if items:
            return self.collator(items)
        batch = self.collator([(TokenRow((self.collator.pad,) * 2, (IGNORED,) * 2),)])
        batch["counts"] = batch["counts"] * 0
        return batch


def device_loader(items: Sequence[tuple[TokenRow, ...]], order: Any, step: int, collator: Collator, args: Any) -> Any:
    """Loads this process's batches of the items; `args` are transformers' TrainingArguments."""
    from accelerate.data_loader import prepare_data_loader  # type: ignore[import-untyped]
    from torch.utils.data import DataLoader

    batches = DeviceBatches(
        sampler=order,
        step=step,
        batch_size=args.per_device_train_batch_size,
        devices=args.world_size,
        rank=args.process_index,
    )
    loader: Any = DataLoader(
        items,  # type: ignore[arg-type]
        batch_sampler=batches,
        collate_fn=DeviceCollator(collator),
        pin_memory=args.dataloader_pin_memory,
    )
    return prepare_data_loader(loader, args.device, num_processes=1, process_index=0, put_on_device=True)
