"""Keys and values that grow in place: transformers' own cache copies all of them for each new token.

It imports torch, and is imported where a network runs.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

SPARE = 64  # tokens for which there is room each time that it runs out


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Of full attention: keys and values are views of a longer buffer, shape (rows, heads, tokens, size)."""

    keys: Any
    values: Any
    _buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Put the new tokens behind those that are there, and return all."""
        length, more = self.get_seq_length(), key_states.shape[-2]
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        if self._buffers is None or self._buffers[0].shape[-2] < length + more:
            self._buffers = (
                self._longer(self.keys, key_states, length),
                self._longer(self.values, value_states, length),
            )
        for buffer, new in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, length : length + more] = new
        self.keys, self.values = (buffer[:, :, : length + more] for buffer in self._buffers)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        super().batch_select_indices(indices)
        self._buffers = None

    @staticmethod
    def _longer(kept: torch.Tensor, new: torch.Tensor, length: int) -> torch.Tensor:
        rows, heads, tokens, size = new.shape
        buffer = new.new_empty(rows, heads, length + tokens + SPARE, size)
        if length:
            buffer[:, :, :length] = kept
        return buffer


def growing_cache(config: Any) -> DynamicCache:
    """The cache of a network by its configuration, whose layers of full attention grow in place."""
    cache = DynamicCache(config=config)
    cache.layers = [GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
