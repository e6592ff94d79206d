"""What the prompts of a batch begin with alike goes through the network once; its keys and values serve all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.models.local.sharing_checks import cache_argument

if TYPE_CHECKING:
    import torch

REPAID = 0.9  # sharing has to leave less than this of the tokens: it takes a forward of its own
CANDIDATES = 8  # lengths of the suffixes that are tried


@dataclass(frozen=True, kw_only=True)
class BatchPrefixes:
    """Which tokens of a batch are run once, and how many at the end of each row are run for itself."""

    prefixes: Sequence[list[int]]
    of: Sequence[int]  # by row: its prefix, of which it may need only a beginning
    suffix: int  # tokens, equal for all rows: shorter rows run a part of their prefix again


def find_prefixes(rows: Sequence[list[int]]) -> BatchPrefixes | None:
    """How the rows share what they begin with so that the fewest tokens are run; None where that does not repay.

    Rows in the order of their tokens have those that begin alike as neighbours.
    """
    order = sorted(range(len(rows)), key=rows.__getitem__)
    common = [common_length(rows[a], rows[b]) for a, b in pairwise(order)]
    alike = [max(pair) for pair in zip([0, *common], [*common, 0], strict=True)]
    own = sorted({max(1, len(rows[i]) - length) for i, length in zip(order, alike, strict=True)})
    tried = own[:: max(1, len(own) // CANDIDATES)] + own[-1:]
    plans = [_with_suffix(rows, order, suffix) for suffix in tried]
    best = min(plans, key=lambda plan: _tokens_run(plan, len(rows)), default=None)
    if best is None or _tokens_run(best, len(rows)) > REPAID * len(rows) * max(map(len, rows)):
        return None
    return best


def common_length(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens two rows begin with alike."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if first[low:middle] == second[low:middle] else (low, middle - 1)
    return low


def cached_prefixes(network: Any, rows: Sequence[list[int]], shared: BatchPrefixes, width: int, pad: int) -> Any:
    """The network's cache, filled with all but the last `suffix` of `width` columns, in which rows end at the right.

    A row lies in it as it would after a run of its own: padding at the left, then its own first tokens. Sliding windows
    are cut from whole keys and values, so that they are those of a run of its own, too.
    """
    from harness.models.local.growing_cache import growing_cache

    network = network.get_base_model() if hasattr(network, "get_base_model") else network
    whole, padding = _run(network, shared.prefixes, pad)
    columns = width - shared.suffix
    places = [
        [max(0, padding[prefix] + column - (width - len(row))) for column in range(columns)]
        for row, prefix in zip(rows, shared.of, strict=True)
    ]
    cache = growing_cache(network.config.get_text_config())
    for number, layer in enumerate(whole.layers):
        cache.update(_laid(layer.keys, shared.of, places), _laid(layer.values, shared.of, places), number)
        layer.keys = layer.values = None  # two copies of one layer at a time
    return cache


def _laid(values: "torch.Tensor", of: Sequence[int], places: Sequence[Sequence[int]]) -> "torch.Tensor":
    """Of each row the columns at `places` of its prefix, shape (rows, heads, columns, size)."""
    import torch

    owners = torch.tensor(of, device=values.device)[:, None]
    columns = torch.tensor(places, device=values.device)
    return values[owners, :, columns].transpose(1, 2).contiguous()


def _run(network: Any, prefixes: Sequence[list[int]], pad: int) -> tuple[Any, list[int]]:
    """Keys and values of prefixes, padded at the left, and by how much each is."""
    import torch
    from transformers import DynamicCache

    width = max(map(len, prefixes))
    padding = [width - len(prefix) for prefix in prefixes]
    ids = torch.tensor([[pad] * count + prefix for count, prefix in zip(padding, prefixes, strict=True)])
    mask = torch.tensor([[0] * count + [1] * len(prefix) for count, prefix in zip(padding, prefixes, strict=True)])
    cache = DynamicCache()  # sliding layers whole: rows of different lengths need different parts of them
    inputs = network.prepare_inputs_for_generation(
        ids.to(network.device),
        is_first_iteration=True,
        attention_mask=mask.to(network.device) if any(padding) else None,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0).to(network.device),
        use_cache=True,
        logits_to_keep=1,
        **{cache_argument(network): cache},
    )
    network(**inputs, return_dict=True)
    return cache, padding


def _with_suffix(rows: Sequence[list[int]], order: Sequence[int], suffix: int) -> BatchPrefixes:
    """The prefixes for suffixes of a length: a row that another's prefix begins with needs none of its own."""
    heads = sorted(((rows[i][: max(0, len(rows[i]) - suffix)], i) for i in order), reverse=True)
    prefixes: list[list[int]] = []
    of = [0] * len(rows)
    for head, i in heads:
        if not prefixes or prefixes[-1][: len(head)] != head:
            prefixes.append(head)
        of[i] = len(prefixes) - 1
    return BatchPrefixes(prefixes=prefixes, of=of, suffix=suffix)


def _tokens_run(plan: BatchPrefixes, rows: int) -> int:
    return len(plan.prefixes) * max(map(len, plan.prefixes)) + rows * plan.suffix
