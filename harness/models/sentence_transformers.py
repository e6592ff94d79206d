"""Embedding models in this process through sentence-transformers."""

import json
import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PrivateAttr

from harness.components.model import Use
from harness.errors import ModelError
from harness.models.local.encoders import Encoder
from harness.records.inputs import JSON

if TYPE_CHECKING:
    from harness.components.model import Vector

log = logging.getLogger("harness")
PROMPTS: dict[Use, tuple[str, ...]] = {"query": ("query",), "passage": ("passage", "document", "corpus")}
CHARACTERS_A_TOKEN = 0.25  # a character is seldom more than four tokens: shorter texts need no count


class SentenceTransformers(Encoder):
    """An embedding model by hub id, folder, or package:NAME/FOLDER (a folder of an installed package)."""

    embeds: ClassVar[bool] = True

    query_prefix: str | None = None
    """What the model wants before a query; null: what its own configuration says."""
    passage_prefix: str | None = None
    """What the model wants before a passage; null: what its own configuration says."""
    normalise: bool = True
    """Whether vectors get length 1; false: as the model gives them, for dense by dot or euclidean."""

    _cut: int = PrivateAttr(0)  # texts longer than the model reads, since it was loaded

    def identity(self) -> dict[str, JSON]:
        as_given = {} if self.normalise else {"normalise": False}
        prefixes = {use: self._prefix(use) for use in PROMPTS}
        return {"component": "sentence_transformers", **super().identity(), "prefixes": prefixes, **as_given}

    def check_folder(self, folder: Path) -> None:
        if not (folder / "modules.json").is_file():
            raise ModelError(
                f"model {self.path}: {folder} is no sentence-transformers folder: it has no modules.json; "
                "an embedding model needs one (a cross-encoder is a cross_encoder, a language model a huggingface)"
            )

    def embed(self, texts: Sequence[str], use: Use) -> "Vector":
        import numpy as np

        network, prefix = self.network(), self._prefix(use)
        prefixed = [prefix + text for text in texts]
        self._cut += self._too_long(prefixed)
        with self._translated("cannot embed"):  # the library sorts by length
            vectors = network.encode(
                prefixed, prompt="", batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True
            )
        vectors = np.asarray(vectors, dtype=np.float32)
        if not self.normalise:
            return vectors
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vector = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32, copy=False)
        return unit  # a zero vector stays one: the caller says which text it is

    def count_tokens(self, text: str) -> int | None:
        return len(self.network().tokenizer(text, verbose=False)["input_ids"])

    def close(self) -> None:
        if self._cut:
            log.warning(
                "model %s: %d texts were longer than %d tokens and were embedded by their beginning",
                self.path, self._cut, self.network().max_seq_length,
            )  # fmt: skip
        self._cut = 0
        super().close()

    def load(self, folder: str, dtype: Any) -> Any:
        from sentence_transformers import SentenceTransformer

        network = SentenceTransformer(folder, device=self._device, local_files_only=True, model_kwargs={"dtype": dtype})
        if self.max_length is not None:
            network.max_seq_length = min(self.max_length, network.max_seq_length or self.max_length)
        return network.eval()

    def _prefix(self, use: Use) -> str:
        own = self.query_prefix if use == "query" else self.passage_prefix
        if own is not None:
            return own
        return next((self._prompts[name] for name in PROMPTS[use] if name in self._prompts), "")

    @cached_property
    def _prompts(self) -> dict[str, str]:
        """The prompts that the model's authors give, by name."""
        file = self.folder() / "config_sentence_transformers.json"
        try:
            stated = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        except ValueError as error:
            raise ModelError(f"model {self.path}: {file} is no JSON: {error}") from error
        prompts = stated.get("prompts") or {}
        return {name: text for name, text in prompts.items() if isinstance(text, str)}

    def _too_long(self, texts: Sequence[str]) -> int:
        """How many texts have more tokens than the model reads."""
        network = self.network()
        longest = network.max_seq_length
        if not longest:
            return 0
        long = [text for text in texts if len(text) > longest * CHARACTERS_A_TOKEN - 8]
        if not long:
            return 0
        counted = network.tokenizer(long, truncation=False, padding=False, verbose=False)["input_ids"]
        return sum(len(ids) > longest for ids in counted)
