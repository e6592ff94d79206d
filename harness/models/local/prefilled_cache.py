"""The cache that a batch is written from: keys and values of its prompts, computed in pieces, laid side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from harness.models.local.segment_layers import Chain


def prefilled_cache(config: Any, chains: "Sequence[Chain]", width: int) -> Any:
    """A network's cache of `width` columns by its configuration, in which the segments of each row end at the right.

    A row lies in it as it would after a run of its own, padding at the left, so that distances and sliding windows are
    those of a run of its own, too.
    """
    import torch

    from harness.models.local.growing_cache import growing_cache

    segments = list({id(segment): segment for chain in chains for segment in chain}.values())
    starts, total = {}, 0
    for segment in segments:
        starts[id(segment)] = total
        total += segment.length
    places = [
        [place for segment in chain for place in range(starts[id(segment)], starts[id(segment)] + segment.length)]
        for chain in chains
    ]
    columns = torch.tensor([[0] * (width - len(own)) + own for own in places])  # padding: a token that is there anyway
    cache = growing_cache(config)
    for number, pairs in enumerate(zip(*(segment.layers for segment in segments), strict=True)):
        own = [pair for pair in pairs if pair is not None]
        if own:
            cache.update(
                _laid([keys for keys, _ in own], columns), _laid([values for _, values in own], columns), number
            )
    return cache


def _laid(values: "Sequence[torch.Tensor]", columns: "torch.Tensor") -> "torch.Tensor":
    """Segments (heads, tokens, size) by the place of each column's token in them: (rows, heads, columns, size)."""
    import torch

    return torch.cat(list(values), dim=1)[:, columns.to(values[0].device)].transpose(0, 1).contiguous()
