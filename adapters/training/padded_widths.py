"""A few lengths to pad batches to: a GPU prepares its kernels, and a compiler its code, for each shape anew."""

from collections.abc import Sequence

GRAIN = 8  # tokens: tensor cores multiply in blocks of 8


def choose_widths(longest: Sequence[int], most: int) -> tuple[int, ...]:
    """At most `most` lengths, ascending, that pad batches least; `longest` [batches]: tokens of the longest item.

    Each is a multiple of 8, and the last holds every batch. Exact, by dynamic programming over the distinct lengths:
    the least tokens with k lengths of which the last is the j-th is a minimum over where the one before stands.
    """
    counts: dict[int, int] = {}
    for length in longest:
        width = -(-length // GRAIN) * GRAIN
        counts[width] = counts.get(width, 0) + 1
    widths = sorted(counts)
    batches = [0]  # up to each width
    for width in widths:
        batches.append(batches[-1] + counts[width])
    least: list[tuple[int, tuple[int, ...]]] = [
        (width * batches[place + 1], (width,)) for place, width in enumerate(widths)
    ]
    best = least
    for _ in range(min(most, len(widths)) - 1):
        best = [
            min(
                least[place],
                *(
                    (total + width * (batches[place + 1] - batches[before + 1]), (*chosen, width))
                    for before, (total, chosen) in enumerate(best[:place])
                ),
            )
            if place
            else least[place]
            for place, width in enumerate(widths)
        ]
    return best[-1][1] if best else ()


def padded_width(length: int, widths: Sequence[int]) -> int:
    """The first of the widths that holds `length` tokens; the length itself where none does."""
    return next((width for width in widths if width >= length), length)
