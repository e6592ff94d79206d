"""The network behind token vectors: a transformers encoder cut at a layer, which reads long texts in windows.

Why not the loading of bert-score: `get_model` keeps the checkpoint's dtype, hides weights that are missing and so
random, and takes any path with "t5" in it for a T5; `sent_encode` fails on empty texts and on tokenizers without a
length, cuts long texts, and has lost RoBERTa's leading space under transformers 5.
"""

import itertools
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.errors import ModelError

TOKENS_A_BATCH = 8192  # of padded input: bounds the memory of a forward pass whatever the lengths
UNSTATED = 512  # tokens a window, where neither tokenizer nor model has a bound


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a text that the model reads at once, and the part of it whose vectors are kept."""

    ids: Sequence[int]  # with special tokens
    keep: slice


def windows(ids: Sequence[int], limit: int, before: int, after: int) -> list[Window]:
    """The windows in which a text is read: one if it fits, else of `limit` tokens, overlapping by half.

    `before` and `after` are the special tokens around it, which every window gets. Each token is kept where the middle
    of the window is nearest, the earlier one on a tie; the special tokens come from the first and last window.
    """
    if len(ids) <= limit:
        return [Window(ids, slice(0, len(ids)))]
    body = ids[before : len(ids) - after]
    room = limit - before - after
    last = len(body) - room
    starts = [*range(0, last, max(1, room // 2)), last]
    cuts = [(start + following + room + 1) // 2 for start, following in itertools.pairwise(starts)]
    lows = [-before, *cuts]
    highs = [*cuts, len(body) + after]
    return [
        Window(
            [*ids[:before], *body[start : start + room], *ids[len(ids) - after :]],
            slice(before + low - start, before + high - start),
        )
        for start, low, high in zip(starts, lows, highs, strict=True)
    ]


class TokenReader:
    """A model up to one layer with its tokenizer, in float32, on a device."""

    def __init__(self, folder: str, layer: int, device: str, batch_size: int) -> None:
        from transformers import AutoTokenizer

        self.batch_size, self.device = batch_size, device
        with _quietly():
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, use_fast=False)
            self._model = _load_encoder(folder, layer).to(device)
        self._limit = _token_limit(self._tokenizer, self._model)
        self._around = _special_tokens_around(self._tokenizer)
        self.width: int = self._model.config.hidden_size
        self._markers = {self._tokenizer.cls_token_id, self._tokenizer.sep_token_id} - {None}

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """All tokens of each text, special ones included. RoBERTa's and GPT-2's first word gets its leading space."""
        from transformers import GPT2Tokenizer, RobertaTokenizer

        spaced = isinstance(self._tokenizer, GPT2Tokenizer | RobertaTokenizer)
        encoded = self._tokenizer([f" {text}" if spaced else text for text in texts], truncation=False, verbose=False)
        return [list(ids) for ids in encoded["input_ids"]]

    def weights(self, ids: Sequence[int]) -> list[float]:
        """1 for each token that counts, 0 for the markers of beginning and end, which can only be matched."""
        if len(ids) <= sum(self._around):  # nothing is left of the text; T5's marker would count, as the library has it
            return [0.0] * len(ids)
        return [0.0 if token in self._markers else 1.0 for token in ids]

    def split(self, ids: Sequence[int]) -> list[Window]:
        """The windows in which a text of these tokens is read."""
        return windows(ids, self._limit, *self._around)

    def vectors(self, texts: Sequence[Sequence[Window]]) -> list[Any]:
        """The vectors of length one of each text's tokens, [tokens, width], on the device."""
        import torch

        places = [(i, window) for i, text in enumerate(texts) for window in text]
        pieces: list[Any] = [None] * len(places)
        for batch in self._batches([len(window.ids) for _, window in places]):
            output = self._read([places[i][1].ids for i in batch])
            for row, i in enumerate(batch):
                rows = output[row, places[i][1].keep]
                pieces[i] = rows / torch.norm(rows, dim=-1, keepdim=True)
        by_text: list[list[Any]] = [[] for _ in texts]
        for (i, _), piece in zip(places, pieces, strict=True):
            by_text[i].append(piece)
        return [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in by_text]

    def _read(self, batch: Sequence[Sequence[int]]) -> Any:
        """The last layer's output [texts, tokens, width] of texts padded on the right."""
        import torch

        length, padding = max(map(len, batch)), self._tokenizer.pad_token_id or 0
        ids = torch.tensor([[*text, *[padding] * (length - len(text))] for text in batch])
        mask = torch.tensor([[1] * len(text) + [0] * (length - len(text)) for text in batch])
        with torch.no_grad():
            return self._model(ids.to(self.device), attention_mask=mask.to(self.device))[0]

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Indices in batches, longest first, so that padding is small and memory fails early."""
        order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        while order:
            size = min(self.batch_size, max(1, TOKENS_A_BATCH // lengths[order[0]]))
            yield order[:size]
            order = order[size:]


def _load_encoder(folder: str, layer: int) -> Any:
    """The encoder up to a layer. Refuses weights that the files do not hold: they would be random."""
    import torch
    from transformers import AutoConfig, AutoModel, T5EncoderModel

    kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
    architecture: Any = T5EncoderModel if "t5" in kind else AutoModel
    model, loading = architecture.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    missing = sorted(key for key in loading["missing_keys"] if "pooler" not in key)  # the pooler is not used
    if missing:
        raise ModelError(
            f"model {folder}: its files lack weights ({len(missing)}), e.g. {missing[0]}, which would be random; "
            "get the whole model"
        )
    if hasattr(model, "encoder") and hasattr(model, "decoder"):
        model = model.encoder
    return _up_to(model.eval(), layer)


def _up_to(model: Any, layer: int) -> Any:
    """The model without the layers above, as bert-score's get_model cuts it; a final norm stays."""
    from torch.nn import ModuleList

    encoder: Any = getattr(model, "encoder", None)
    transformer: Any = getattr(model, "transformer", None)
    if hasattr(model, "n_layers"):  # XLM
        model.n_layers = layer
        return model
    if hasattr(encoder, "albert_layer_groups"):  # one group of weights, run several times
        encoder.config.num_hidden_layers = layer
        return model
    stacks = ((model, "layer"), (encoder, "block"), (encoder, "layer"), (transformer, "layer"), (model, "layers"))
    for owner, stack in stacks:
        layers = getattr(owner, stack, None)
        if isinstance(layers, ModuleList):
            setattr(owner, stack, layers[:layer])
            return model
    raise ModelError(f"a {type(model).__name__} has no stack of layers that can be cut at one, as bert-score does it")


def _token_limit(tokenizer: Any, model: Any) -> int:
    """How many tokens the model reads at once, special ones included."""
    embeddings = getattr(model, "embeddings", None)
    positions = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
    first = 0 if positions is None else positions + 1  # RoBERTa counts positions from behind its padding's
    trained = getattr(model.config, "max_position_embeddings", None)
    stated = tokenizer.model_max_length
    bounds = [trained - first] if isinstance(trained, int) and trained > first else []
    if stated < 1 << 30:  # a tokenizer without a bound states 1e30
        bounds.append(stated)
    return min(bounds, default=UNSTATED)


def _special_tokens_around(tokenizer: Any) -> tuple[int, int]:
    """How many special tokens the tokenizer puts before and after a text."""
    plain, whole = (tokenizer.encode("a", add_special_tokens=special) for special in (False, True))
    before = whole.index(plain[0])
    return before, len(whole) - before - len(plain)


@contextmanager
def _quietly() -> Iterator[None]:
    """Loading without the libraries' notes: the run has its own display, and missing weights raise."""
    level = logging.root.manager.disable
    logging.disable(max(level, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
