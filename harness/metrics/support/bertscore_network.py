"""The model behind BERTScore: token vectors of texts from one layer, long texts read in windows.

What is taken from bert-score: its tokenizer, padding, forward pass and choice of layers. What is not, and why:
`get_model` keeps the checkpoint's dtype, hides weights that are missing and so random, and takes any path with "t5" in
it for a T5; `sent_encode` fails on empty texts and on tokenizers without a length, cuts long texts, and has lost
RoBERTa's leading space under transformers 5.
"""

import gc
import importlib
import itertools
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ModelError
from harness.models.local.batches import out_of_memory
from harness.models.local.device import choose_device

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


class Network:
    """A model up to one layer, with its tokenizer, in float32. Used in a `with` block; raises ModelError."""

    def __init__(self, folder: Path, name: str, layer: int, device: str, batch_size: int) -> None:
        self.name, self.batch_size, self.device = name, batch_size, choose_device(device)
        with self._translated("cannot be loaded"), _quietly():
            self._library: Any = importlib.import_module("bert_score.utils")
            self._tokenizer = self._library.get_tokenizer(str(folder))
            self._model = _loaded(folder, name, layer).to(self.device)
        self._limit = _limit(self._tokenizer, self._model)
        self._around = _around(self._tokenizer)
        self.width: int = self._model.config.hidden_size
        self._markers = {self._tokenizer.cls_token_id, self._tokenizer.sep_token_id} - {None}

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        del self._model
        gc.collect()
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()

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
        return [0.0 if one in self._markers else 1.0 for one in ids]

    def split(self, ids: Sequence[int]) -> list[Window]:
        """The windows in which a text of these tokens is read."""
        return windows(ids, self._limit, *self._around)

    def vectors(self, texts: Sequence[Sequence[Window]]) -> list[Any]:
        """The vectors of length one of each text's tokens, [tokens, width], on the device."""
        import torch

        places = [(i, window) for i, text in enumerate(texts) for window in text]
        pieces: list[Any] = [None] * len(places)
        for batch in self._batches([len(window.ids) for _, window in places]):
            with self._translated("cannot read the texts"):
                output = self._read([places[i][1].ids for i in batch])
            for row, i in enumerate(batch):
                kept = output[row, places[i][1].keep]
                pieces[i] = kept / torch.norm(kept, dim=-1, keepdim=True)
        by_text: list[list[Any]] = [[] for _ in texts]
        for (i, _), piece in zip(places, pieces, strict=True):
            by_text[i].append(piece)
        return [some[0] if len(some) == 1 else torch.cat(some) for some in by_text]

    def _read(self, batch: Sequence[Sequence[int]]) -> Any:
        padding = self._tokenizer.pad_token_id
        padded, _, mask = self._library.padding(batch, 0 if padding is None else padding)
        return self._library.bert_encode(self._model, padded.to(self.device), mask.to(self.device))

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Indices in batches, longest first, so that padding is small and memory fails early."""
        order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
        while order:
            size = min(self.batch_size, max(1, TOKENS_A_BATCH // lengths[order[0]]))
            yield order[:size]
            order = order[size:]

    @contextmanager
    def _translated(self, failure: str) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise ModelError(
                f"metric bertscore: model {self.name} {failure}: out of memory; use a smaller batch_size or model"
            ) from error
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelError(
                f"metric bertscore: model {self.name} {failure}: {' '.join(str(error).split())}"
            ) from error


# -- loading ----------------------------------------------------------------------------------------------------------


def _loaded(folder: Path, name: str, layer: int) -> Any:
    """The encoder up to a layer. Refuses weights that the files do not hold: they would be random."""
    import torch
    from transformers import AutoConfig, AutoModel, T5EncoderModel

    kind = AutoConfig.from_pretrained(str(folder), local_files_only=True).model_type
    made_of: Any = T5EncoderModel if "t5" in kind else AutoModel
    model, told = made_of.from_pretrained(
        str(folder), dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    missing = sorted(key for key in told["missing_keys"] if "pooler" not in key)  # the pooler is not used
    if missing:
        raise ModelError(
            f"metric bertscore: model {name}: its files lack {len(missing)} weights, e.g. {missing[0]}, which would be "
            "random; get the whole model"
        )
    if hasattr(model, "encoder") and hasattr(model, "decoder"):
        model = model.encoder
    return _up_to(model.eval(), name, layer)


def _up_to(model: Any, name: str, layer: int) -> Any:
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
    for owner, stack in (
        (model, "layer"),
        (encoder, "block"),
        (encoder, "layer"),
        (transformer, "layer"),
        (model, "layers"),
    ):
        layers = getattr(owner, stack, None)
        if isinstance(layers, ModuleList):
            setattr(owner, stack, layers[:layer])
            return model
    raise ModelError(f"metric bertscore: model {name} is a {type(model).__name__}, of which bert-score takes no layer")


def _limit(tokenizer: Any, model: Any) -> int:
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


def _around(tokenizer: Any) -> tuple[int, int]:
    """How many special tokens the tokenizer puts before and after a text."""
    plain, whole = (tokenizer.encode("a", add_special_tokens=special) for special in (False, True))
    before = whole.index(plain[0])
    return before, len(whole) - before - len(plain)


@contextmanager
def _quietly() -> Iterator[None]:
    """Loading without the libraries' notes and bars: the display of the run has its own, and missing weights raise."""
    from transformers.utils import logging as bars

    shown, level = bars.is_progress_bar_enabled(), logging.root.manager.disable
    bars.disable_progress_bar()
    logging.disable(max(level, logging.WARNING))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        if shown:
            bars.enable_progress_bar()
