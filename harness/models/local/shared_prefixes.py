"""Logits of rows of tokens, with what several rows begin with computed once, where that changes no result."""

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.models.local.prefix_tree import WIDTH, PrefixTree, row_key, worthwhile_prefixes
from harness.models.local.sharing_checks import cache_argument, sharing_obstacle

if TYPE_CHECKING:
    import torch

    from harness.models.local.segment_layers import Chain, PrefixSegment

SCHEME = "common prefixes once, 1"  # how texts are scored; raise when rounded values change by it
FORWARD = 512  # tokens: about what a forward more costs, beside those that it computes
FORWARD_ON_CPU = 64

Context = tuple[list[int], int]  # the tokens of a row, and the place of the first one that is scored


class Piece(NamedTuple):
    """The part of a row that one forward computes."""

    place: int  # the row's
    tokens: list[int]
    past: "Chain"  # what comes before
    scored: int  # of how many tokens, at its end, the logits are wanted


class SharedPrefixes:
    """The prefixes that the rows of a cell share, and keys and values of those that the last batch began with.

    Memory is bounded by one batch: what a batch does not begin with is released before anything is computed for it.
    """

    def __init__(self) -> None:
        self.planned = PrefixTree()  # the prefixes of all rows that are to come
        self._segments: dict[bytes, PrefixSegment] = {}
        self._network: weakref.ref[Any] | None = None
        self._obstacle: str | None = None

    def plan(self, rows: Sequence[bytes]) -> PrefixTree:
        """Choose the prefixes of all rows that are to come, as `row_key` writes them."""
        self.adopt(worthwhile_prefixes(rows))
        return self.planned

    def adopt(self, tree: PrefixTree) -> None:
        """Take prefixes that were chosen already, by this process or by another one."""
        self.release()
        self.planned = tree

    def release(self) -> None:
        """Forget what was computed."""
        self._segments = {}

    def obstacle(self, network: Any) -> str | None:
        """Why the rows of this network are computed whole, in words; None where they need not be."""
        if self._network is None or self._network() is not network:
            self.release()
            self._network, self._obstacle = weakref.ref(network), sharing_obstacle(network)
            if self._obstacle is None and not _proves_exact(network):
                self._obstacle = "its network computes other values behind a prefix that was computed before"
        return self._obstacle

    def logits(self, network: Any, contexts: Sequence[Context], pad: int) -> "list[torch.Tensor]":
        """Of each row (tokens, first) the logits that predict its token `first` and all behind it.

        The last of them predict what follows the row: shape (len(tokens) - first + 1, vocabulary).
        """
        rows = [row_key(tokens[: first - 1]) for tokens, first in contexts]
        tree = self.planned.extended(rows)
        places = [tree.chain(row) for row in rows]
        needed = {tree.prefixes[place] for chain in places for place in chain}
        self._segments = {key: own for key, own in self._segments.items() if key in needed}
        chains = self._chains(network, tree, places, pad)
        pieces = [
            Piece(index, tokens[_length(chain) :], chain, len(tokens) - first + 1)
            for index, ((tokens, first), chain) in enumerate(
                zip(contexts, (chains[own[-1] if own else -1] for own in places), strict=True)
            )
        ]
        logits: dict[int, torch.Tensor] = {}
        for part in similar(pieces):
            ordered = sorted(part, key=lambda piece: id(piece.past))
            logits.update(zip((piece.place for piece in ordered), _forward(network, ordered, pad)[0], strict=True))
        return [logits[index] for index in range(len(contexts))]

    def prompt_chains(self, network: Any, prompts: Sequence[list[int]], pad: int) -> "list[Chain] | None":
        """Keys and values of each prompt but its last token, in segments, where that is less work than padded rows.

        Nothing of it is kept here. None where the prompts are too alike in length, and too different, to repay it.
        """
        rows = [row_key(prompt[:-1]) for prompt in prompts]
        tree = PrefixTree().extended(rows)
        places = [tree.chain(row) for row in rows]
        prefixes = [(own or (-1,))[-1] for own in places]
        lengths = [len(prompt) - 1 - tree.length(place) for prompt, place in zip(prompts, prefixes, strict=True)]
        computed = sum(lengths) + sum(map(tree.own_length, range(len(tree.prefixes))))
        cost = FORWARD_ON_CPU if network.device.type == "cpu" else FORWARD
        if len(rows) * max(map(len, prompts)) - len(rows) - computed <= cost:
            return None
        self.release()
        chains = self._chains(network, tree, places, pad, cost)
        pieces = [
            Piece(index, prompts[index][len(prompts[index]) - 1 - length : -1], chains[place], 0)
            for index, (length, place) in enumerate(zip(lengths, prefixes, strict=True))
            if length
        ]
        whole = [chains[place] for place in prefixes]
        for piece, segment in _computed(network, pieces, pad, cost):
            whole[piece.place] = (*piece.past, segment)
        self.release()
        return whole

    def _chains(
        self, network: Any, tree: PrefixTree, places: Sequence[tuple[int, ...]], pad: int, cost: int = FORWARD
    ) -> "dict[int, Chain]":
        """By place in the tree, the segments of a prefix; those that are missing are computed, parents first."""
        chains: dict[int, Chain] = {-1: ()}
        for level in range(max(map(len, places), default=0)):
            due = sorted({own[level] for own in places if len(own) > level})
            missing = [place for place in due if tree.prefixes[place] not in self._segments]
            pieces = [_piece(tree, place, chains[tree.parents[place]]) for place in missing]
            self._segments.update(
                (tree.prefixes[piece.place], segment) for piece, segment in _computed(network, pieces, pad, cost)
            )
            for place in due:
                chains[place] = (*chains[tree.parents[place]], self._segments[tree.prefixes[place]])
        return chains


def similar(pieces: Sequence[Piece], cost: int = FORWARD) -> Iterator[list[Piece]]:
    """Pieces of one batch, cut where padding would cost more than another forward, whose `cost` is in tokens."""
    ordered = sorted(pieces, key=lambda piece: (-len(piece.tokens), piece.place))
    if not ordered:
        return
    longest, count = len(ordered[0].tokens), len(ordered)
    saved = [(count - place) * (longest - len(piece.tokens)) for place, piece in enumerate(ordered)]
    cut = max(range(count), key=saved.__getitem__)
    if saved[cut] <= cost:
        yield ordered
        return
    yield from similar(ordered[:cut], cost)
    yield from similar(ordered[cut:], cost)


def _computed(network: Any, pieces: Sequence[Piece], pad: int, cost: int) -> "Iterator[tuple[Piece, PrefixSegment]]":
    """Keys and values of pieces, those of similar length in one forward."""
    for part in similar(pieces, cost):
        ordered = sorted(part, key=lambda piece: id(piece.past))
        yield from zip(ordered, _forward(network, ordered, pad)[1], strict=True)


def _piece(tree: PrefixTree, place: int, past: "Chain") -> Piece:
    import numpy as np

    tokens = np.frombuffer(tree.prefixes[place], dtype=f">i{WIDTH}")[_length(past) :]
    return Piece(place, tokens.tolist(), past, 0)


def _length(chain: "Chain") -> int:
    return sum(segment.length for segment in chain)


def _forward(network: Any, pieces: Sequence[Piece], pad: int) -> "tuple[list[torch.Tensor], list[PrefixSegment]]":
    """One forward of pieces: the logits wanted of each, and its keys and values; those with one past stand together."""
    import torch

    from harness.models.local.segment_layers import computed_segments, segment_cache

    starts, lengths = [_length(piece.past) for piece in pieces], [len(piece.tokens) for piece in pieces]
    width, longest = max(starts), max(lengths)
    rows = list(zip(starts, lengths, strict=True))
    ids = [[*piece.tokens, *[pad] * (longest - len(piece.tokens))] for piece in pieces]
    mask = [[0] * (width - start) + [1] * (start + length) + [0] * (longest - length) for start, length in rows]
    positions = [[start + min(place, length - 1) for place in range(longest)] for start, length in rows]
    outputs = [
        (row, place)
        for row, piece in enumerate(pieces)
        for place in range(len(piece.tokens) - piece.scored, len(piece.tokens))
    ]
    cache = segment_cache([piece.past for piece in pieces], network.config.get_text_config().num_hidden_layers)
    device = network.device
    with torch.inference_mode(), _output_of(network, torch.tensor(outputs or [(0, 0)], device=device)):
        logits = network(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(mask, device=device),
            position_ids=torch.tensor(positions, device=device),
            use_cache=True,
            **{cache_argument(network): cache},
        ).logits
    if logits.shape[:2] != (1, max(len(outputs), 1)):
        raise ValueError("the network does not compute its logits from the hidden states alone")
    if not outputs:
        return [], computed_segments(cache, lengths)
    return list(logits[0].split([piece.scored for piece in pieces])), []


@contextmanager
def _output_of(network: Any, outputs: "torch.Tensor") -> Iterator[None]:
    """Let the output layer see the hidden states at some places (row, position) only: shape [1, places, size].

    What the model does to its logits, e.g. a cap, is done to them; no other logits are computed.
    """
    hook = network.get_output_embeddings().register_forward_pre_hook(
        lambda _, inputs: (inputs[0][outputs[:, 0], outputs[:, 1]][None], *inputs[1:])
    )
    try:
        yield
    finally:
        hook.remove()


PROBE = 12  # tokens of the prefix that a network is tried with


def _proves_exact(network: Any) -> bool:
    """Whether a network gives the logits of whole rows behind a prefix, in a batch of rows with and without one."""
    import torch

    size = network.config.get_text_config().vocab_size
    row = [7 * place * place % min(size, 1000) for place in range(1, 2 * PROBE)]
    try:
        segment = _forward(network, [Piece(0, row[:PROBE], (), 0)], row[0])[1]
        pieces = [
            Piece(0, row[:-4], (), 1),
            Piece(1, row[PROBE:], (past := tuple(segment)), 1),
            Piece(2, row[PROBE:-4], past, 1),
        ]
        logits = _forward(network, pieces, row[0])[0]
        with torch.inference_mode():
            whole = [
                network(input_ids=torch.tensor([ids], device=network.device), use_cache=False).logits[0, -1:]
                for ids in (row[:-4], row)
            ]
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError) as error:
        if "out of memory" in str(error).lower():
            raise
        return False
    pairs = zip(logits, (whole[0], whole[1], whole[0]), strict=True)
    return all(_agree(own, expected, _tolerance(network)) for own, expected in pairs)


def _agree(own: "torch.Tensor", expected: "torch.Tensor", tolerance: float) -> bool:
    """Whether the log-probabilities of tokens that are at all likely agree; NaN agrees with nothing."""
    a, b = own.float().log_softmax(-1), expected.float().log_softmax(-1)
    return bool(((a - b).abs()[b > -12] <= tolerance).all())


def _tolerance(network: Any) -> float:
    import torch

    rounds = getattr(network, "quantization_method", None) is not None or network.dtype != torch.float32
    return 0.5 if rounds else 1e-3
