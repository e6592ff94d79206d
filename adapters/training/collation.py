"""Rows into batches: order, packing, shared prefixes, padding. Every batch gives the loss of its rows alone."""

import random
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.training.encoding import IGNORED, TokenRow, shared_prefix
from adapters.training.padded_widths import padded_width
from harness.errors import ModelError

Item = tuple[TokenRow, ...]  # one row, or several that were packed
STRETCH = 50  # batches among which rows are sorted by length: enough for little padding, few enough to stay random
ATTENTION_LAYERS = {"full_attention", "sliding_attention", "chunked_attention"}
SHARED_MOST = 4096  # tokens of a batch up to which prefixes are shared: the mask grows with their square


def pack(rows: Sequence[TokenRow], cutoff: int) -> list[tuple[TokenRow, ...]]:
    """Rows joined up to `cutoff` tokens, longest first into the fullest place that has room (best fit)."""
    bins: list[list[TokenRow]] = []
    room: list[tuple[int, int]] = []  # (tokens left, bin), sorted
    for row in sorted(rows, key=lambda row: -len(row.ids)):
        at = bisect_left(room, (len(row.ids), -1))
        left, place = room.pop(at) if at < len(room) else (cutoff, len(bins))
        if place == len(bins):
            bins.append([])
        bins[place].append(row)
        insort(room, (left - len(row.ids), place))
    return [tuple(packed) for packed in bins]


def check_packing(config: Any) -> None:
    """Raise ModelError for layers that carry a state from token to token: packed rows would see each other."""
    stateful = set(getattr(config, "layer_types", None) or ()) - ATTENTION_LAYERS
    if stateful:
        raise ModelError(f"packing: rows would see each other in layers of type {min(stateful)}; set packing: false")


@dataclass
class Order:
    """The order of an epoch's items, which depends on the seed and the epoch alone: a resumed run has the same."""

    lengths: Sequence[int]
    step: int  # items a step
    seed: int
    by_length: bool
    epoch: int = field(default=0, init=False)

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.lengths)))
        generator = random.Random(f"{self.seed}|{self.epoch}")
        generator.shuffle(order)
        return iter(self._group_by_length(order, generator) if self.by_length else order)

    def _group_by_length(self, order: list[int], generator: random.Random) -> list[int]:
        """Steps of rows of similar length in random order, the longest row in the first: memory fails early."""
        size = self.step * STRETCH
        stretches = [
            sorted(order[i : i + size], key=lambda item: -self.lengths[item]) for i in range(0, len(order), size)
        ]
        steps = [items[i : i + self.step] for items in stretches for i in range(0, len(items), self.step)]
        last = [steps.pop()] if len(steps[-1]) < self.step else []  # a short step stays the last
        generator.shuffle(steps)
        if steps:
            longest = max(range(len(steps)), key=lambda i: self.lengths[steps[i][0]])
            steps[0], steps[longest] = steps[longest], steps[0]
        return [item for step in [*steps, *last] for item in step]


@dataclass(frozen=True)
class Collator:
    """Makes tensors of the items of a batch; an item is one row, or several that were packed."""

    pad: int
    share: bool = False  # compute a prefix that all rows share once
    mask: bool = False  # mark the padding: for methods that put tokens before the prompt
    flat: bool = False  # all rows in one sequence, for attention kernels that know where a row begins
    widths: tuple[int, ...] = ()  # the lengths that batches are padded to; empty: their longest item's
    rows: int = 0  # a batch with fewer is filled up with rows of padding, so that all have one shape

    def __call__(self, items: Sequence[tuple[TokenRow, ...]]) -> dict[str, Any]:
        import torch

        rows = [row for item in items for row in item]
        packed = len(rows) > len(items)
        shared = shared_prefix(rows) if self.share and not packed and len(rows) > 1 else 0
        tokens = shared + sum(len(row.ids) - shared for row in rows)
        if 8 * shared * len(rows) >= tokens and shared and tokens <= SHARED_MOST:
            batch = _share_prefix(rows, shared)
        elif self.flat:
            batch = _pad([tuple(rows)], self.pad, positions=True)
        else:
            filling = [()] * (self.rows - len(items))
            batch = _pad([*items, *filling], self.pad, positions=packed, widths=self.widths)
            if self.mask:
                lengths = [sum(len(row.ids) for row in item) for item in items]
                width = batch["input_ids"].shape[1]
                batch["attention_mask"] = torch.tensor([[1] * n + [0] * (width - n) for n in lengths])
        batch["counts"] = torch.tensor([[len(rows), sum(len(row.ids) for row in rows)]])
        return batch


def _pad(
    items: Sequence[tuple[TokenRow, ...]], pad: int, positions: bool, widths: Sequence[int] = ()
) -> dict[str, Any]:
    """Pad on the right to the first width that is enough, without a mask: a causal model never looks behind.

    With `positions` each row of an item starts at position 0; transformers then isolates the rows, provided that no
    mask is given and no cache is used. Each padding token is a row of its own.
    """
    import torch

    width = padded_width(max(sum(len(row.ids) for row in item) for item in items), widths)
    columns: dict[str, list[list[int]]] = {"input_ids": [], "labels": [], "position_ids": []}
    for item in items:
        fill = width - sum(len(row.ids) for row in item)
        columns["input_ids"].append([token for row in item for token in row.ids] + [pad] * fill)
        columns["labels"].append([label for row in item for label in row.labels] + [IGNORED] * fill)
        columns["position_ids"].append([place for row in item for place in range(len(row.ids))] + [0] * fill)
    if not positions:
        del columns["position_ids"]
    return {name: torch.tensor(values) for name, values in columns.items()}


def _share_prefix(rows: Sequence[TokenRow], shared: int) -> dict[str, Any]:
    """One sequence: the shared prefix, then the rest of each row; a mask lets each row see the prefix and itself."""
    import torch

    parts = [row.ids[shared:] for row in rows]
    ids = [*rows[0].ids[:shared], *(token for part in parts for token in part)]
    labels = [IGNORED] * shared + [label for row in rows for label in row.labels[shared:]]
    positions = [*range(shared), *(shared + place for part in parts for place in range(len(part)))]
    owner = torch.tensor([-1] * shared + [number for number, part in enumerate(parts) for _ in part])
    visible = ((owner[:, None] == owner[None, :]) | (owner == -1)[None, :]).tril()
    tensors = {"input_ids": ids, "labels": labels, "position_ids": positions}
    return {**{name: torch.tensor([values]) for name, values in tensors.items()}, "attention_mask": visible[None, None]}
