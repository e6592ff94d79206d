"""Rows into batches: order, packing, shared prefixes, padding. Every batch gives the loss of its rows alone."""

import random
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.training.encoding import IGNORED, Row, shared_prefix
from harness.errors import ModelError

STRETCH = 50  # batches among which rows are sorted by length: enough for little padding, few enough to stay random
SHARED_MOST = 4096  # tokens of a batch up to which prefixes are shared: the mask grows with their square


def pack(rows: Sequence[Row], cutoff: int) -> list[tuple[Row, ...]]:
    """Rows joined up to `cutoff` tokens, longest first into the fullest place that has room (best fit)."""
    bins: list[list[Row]] = []
    room: list[tuple[int, int]] = []  # (tokens left, bin), sorted
    for row in sorted(rows, key=lambda row: -len(row.ids)):
        at = bisect_left(room, (len(row.ids), -1))
        left, place = room.pop(at) if at < len(room) else (cutoff, len(bins))
        if place == len(bins):
            bins.append([])
        bins[place].append(row)
        insort(room, (left - len(row.ids), place))
    return [tuple(some) for some in bins]


def check_packing(config: Any) -> None:
    """Raise ModelError for layers that carry a state from token to token: packed rows would see each other."""
    other = set(getattr(config, "layer_types", None) or ()) - {
        "full_attention",
        "sliding_attention",
        "chunked_attention",
    }
    if other:
        raise ModelError(f"packing: rows would see each other through layers of type {min(other)}; set packing: false")


@dataclass
class Order:
    """The order of an epoch's items: depends on the seed and the epoch alone, so that a resumed run meets the same."""

    lengths: Sequence[int]
    step: int  # items a step
    seed: int
    by_length: bool
    epoch: int = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.lengths)))
        chance = random.Random(f"{self.seed}|{self.epoch}")
        chance.shuffle(order)
        return iter(self._grouped(order, chance) if self.by_length else order)

    def _grouped(self, order: list[int], chance: random.Random) -> list[int]:
        """Steps of rows of like length in random order, the one with the longest row first: memory fails early."""
        many = self.step * STRETCH
        stretches = [
            sorted(order[i : i + many], key=lambda item: -self.lengths[item]) for i in range(0, len(order), many)
        ]
        steps = [some[i : i + self.step] for some in stretches for i in range(0, len(some), self.step)]
        last = [steps.pop()] if len(steps[-1]) < self.step else []  # a short step stays the last
        chance.shuffle(steps)
        if steps:
            longest = max(range(len(steps)), key=lambda i: self.lengths[steps[i][0]])
            steps[0], steps[longest] = steps[longest], steps[0]
        return [item for some in [*steps, *last] for item in some]


@dataclass(frozen=True)
class Collator:
    """Makes tensors of the items of a batch; an item is one row, or several that were packed."""

    pad: int
    share: bool = False  # compute a prefix that all rows share once
    mask: bool = False  # say what is padding: for methods that put tokens before the prompt
    flat: bool = False  # all rows behind each other, for attention kernels that know where a row begins

    def __call__(self, items: Sequence[tuple[Row, ...]]) -> dict[str, Any]:
        import torch

        rows = [row for item in items for row in item]
        packed = len(rows) > len(items)
        shared = shared_prefix(rows) if self.share and not packed and len(rows) > 1 else 0
        tokens = shared + sum(len(row.ids) - shared for row in rows)
        if 8 * shared * len(rows) >= tokens and shared and tokens <= SHARED_MOST:
            batch = _shared(rows, shared)
        elif self.flat:
            batch = _padded([tuple(rows)], self.pad, positions=True)
        else:
            batch = _padded(items, self.pad, positions=packed)
            if self.mask:
                lengths = [sum(len(row.ids) for row in item) for item in items]
                wide = batch["input_ids"].shape[1]
                batch["attention_mask"] = torch.tensor([[1] * n + [0] * (wide - n) for n in lengths])
        batch["counts"] = torch.tensor([[len(rows), sum(len(row.ids) for row in rows)]])
        return batch


def _padded(items: Sequence[tuple[Row, ...]], pad: int, positions: bool) -> dict[str, Any]:
    """Right-padded, without a mask: what is causal never looks at what follows.

    With `positions` each row of an item starts at position 0; transformers then isolates the rows, provided that no
    mask is given and no cache is used. Each padding token is a row of its own.
    """
    import torch

    wide = max(sum(len(row.ids) for row in item) for item in items)
    columns: dict[str, list[list[int]]] = {"input_ids": [], "labels": [], "position_ids": []}
    for item in items:
        fill = wide - sum(len(row.ids) for row in item)
        columns["input_ids"].append([token for row in item for token in row.ids] + [pad] * fill)
        columns["labels"].append([label for row in item for label in row.labels] + [IGNORED] * fill)
        columns["position_ids"].append([place for row in item for place in range(len(row.ids))] + [0] * fill)
    if not positions:
        del columns["position_ids"]
    return {name: torch.tensor(values) for name, values in columns.items()}


def _shared(rows: Sequence[Row], shared: int) -> dict[str, Any]:
    """One sequence: the shared prefix, then what is each row's own; a mask lets each row see the prefix and itself."""
    import torch

    parts = [row.ids[shared:] for row in rows]
    ids = [*rows[0].ids[:shared], *(token for part in parts for token in part)]
    labels = [IGNORED] * shared + [label for row in rows for label in row.labels[shared:]]
    positions = [*range(shared), *(shared + place for part in parts for place in range(len(part)))]
    owner = torch.tensor([-1] * shared + [number for number, part in enumerate(parts) for _ in part])
    sees = ((owner[:, None] == owner[None, :]) | (owner == -1)[None, :]).tril()
    tensors = {"input_ids": ids, "labels": labels, "position_ids": positions}
    return {**{name: torch.tensor([values]) for name, values in tensors.items()}, "attention_mask": sees[None, None]}
