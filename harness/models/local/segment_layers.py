"""transformers' cache of a batch whose rows begin with segments that were computed before, each kept once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers.cache_utils import Cache, DynamicLayer


@dataclass(frozen=True)
class PrefixSegment:
    """Keys and values of some tokens of a row, behind those of the segments before it.

    `layers` has a pair for each layer, shape (heads, tokens, size); None for a layer that keeps nothing of its own.
    """

    length: int
    layers: tuple[tuple[torch.Tensor, torch.Tensor] | None, ...]


Chain = tuple[PrefixSegment, ...]


class SegmentLayer(DynamicLayer):  # type: ignore[misc]
    """A layer's keys and values: those of each row's segments, ending together, and the batch's own behind them."""

    def __init__(self, groups: Sequence[tuple[slice, Chain]], layer: int, width: int) -> None:
        """`groups` are rows with one chain; `width` is the length of the longest chain in tokens."""
        super().__init__()
        self.groups, self.layer, self.width = groups, layer, width
        self.own: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of all tokens, shape (rows, heads, width + new tokens, size). They are not kept."""
        self.own = (key_states, value_states)
        return (self._joined(key_states, 0), self._joined(value_states, 1)) if self.width else self.own

    def get_seq_length(self) -> int:
        return self.width + (self.own[0].shape[-2] if self.own is not None else 0)

    def _joined(self, new: torch.Tensor, part: int) -> torch.Tensor:
        rows, heads, tokens, size = new.shape
        whole = new.new_empty(rows, heads, self.width + tokens, size)
        whole[:, :, self.width :] = new
        for place, chain in self.groups:
            start = self.width - sum(segment.length for segment in chain)
            whole[place, :, :start] = 0  # masked, but NaN times 0 would be NaN
            for segment in chain:
                pair = segment.layers[self.layer]
                if pair is None:
                    raise RuntimeError("a layer keeps values of some rows and not of others")
                whole[place, :, start : start + segment.length] = pair[part]
                start += segment.length
        return whole


def segment_cache(chains: Sequence[Chain], layers: int) -> Cache:
    """The cache of a batch whose row i follows the segments `chains[i]`; rows with equal chains stand together."""
    width = max(sum(segment.length for segment in chain) for chain in chains)
    starts = [row for row, chain in enumerate(chains) if row == 0 or chain is not chains[row - 1]]
    groups = [(slice(start, end), chains[start]) for start, end in zip(starts, [*starts[1:], len(chains)], strict=True)]
    return Cache(layers=[SegmentLayer(groups, layer, width) for layer in range(layers)])


def computed_segments(cache: Cache, lengths: Sequence[int]) -> list[PrefixSegment]:
    """What a forward has added to each row of a cache: its first `lengths[i]` tokens."""
    own = [layer.own for layer in cache.layers]
    return [
        PrefixSegment(
            length,
            tuple(None if pair is None else (pair[0][row, :, :length], pair[1][row, :, :length]) for pair in own),
        )
        for row, length in enumerate(lengths)
    ]
