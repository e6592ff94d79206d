"""The mean of word vectors as a text's vector: the simplest embedding, without a network that was trained for texts."""

import logging
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from harness.components.fields import FilePath
from harness.components.model import Model, Use
from harness.errors import ModelError
from harness.models.local.word_vector_file import read_word_vectors
from harness.records.inputs import JSON
from harness.runtime.digests import file_digest

if TYPE_CHECKING:
    from harness.components.model import Vector

log = logging.getLogger("harness")
WORDS = 1  # raise when the same text becomes other words


class WordVectors(Model):
    """Averaged word vectors of a text file as word2vec or GloVe write it, through sentence-transformers; for `dense`.

    Chinese is cut into words by jieba. A word without a vector counts for nothing, a Chinese one for its characters. A
    text without any known word has the zero vector: `dense` never finds it, and finds nothing by it.
    """

    imports: ClassVar[tuple[str, ...]] = ("torch", "transformers", "sentence_transformers")
    local: ClassVar[bool] = True
    generates: ClassVar[bool] = False
    embeds: ClassVar[bool] = True
    embeds_all_texts: ClassVar[bool] = False

    path: FilePath
    """The file in the text form of word2vec or GloVe, perhaps a .gz."""
    limit: int | None = Field(None, ge=1)
    """Only the first so many words, which are the commonest in such files; null: all."""
    batch_size: int = Field(256, ge=1)
    """Texts at once."""

    _network: Any = PrivateAttr(None)

    def identity(self) -> dict[str, JSON]:
        return {
            "component": "word_vectors",
            "file": file_digest(Path(self.path)),
            "limit": self.limit,
            "words": WORDS,
            "packages": {name: version(name) for name in ("jieba", "sentence-transformers", "torch")},
        }

    def check_path(self) -> None:
        if not Path(self.path).is_file():
            raise ModelError(f"model {self.path}: there is no such file; name a text file of word2vec or GloVe")

    def check(self) -> None:
        self.check_path()
        read_word_vectors(Path(self.path), limit=1)

    def at_hand(self) -> bool:
        return Path(self.path).is_file()

    def describe(self) -> str:
        return f"word vectors of {Path(self.path).name}"

    def embed(self, texts: Sequence[str], use: Use) -> "Vector":
        import numpy as np

        vectors = self._loaded().encode(
            list(texts), batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True
        )
        means: Vector = np.asarray(vectors, dtype=np.float32)
        return means

    def close(self) -> None:
        self._network = None

    def _loaded(self) -> Any:
        """sentence-transformers' network of a table of words and a mean, read at the first call."""
        if self._network is None:
            import torch
            from sentence_transformers import SentenceTransformer
            from sentence_transformers.sentence_transformer.modules import Pooling, WordEmbeddings

            from harness.models.local.vocabulary_tokenizer import VocabularyTokenizer

            log.info("reading %s", self.describe())
            table = read_word_vectors(Path(self.path), self.limit)
            vectors = torch.from_numpy(table.vectors)
            padded = torch.cat([torch.zeros(1, vectors.shape[1]), vectors])
            words = WordEmbeddings(VocabularyTokenizer(table.words), padded)
            mean = Pooling(vectors.shape[1], pooling_mode="mean")
            self._network = SentenceTransformer(modules=[words, mean], device="cpu").eval()
        return self._network
