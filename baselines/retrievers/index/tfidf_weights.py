"""Tf-idf of character features, as scikit-learn's TfidfVectorizer weighs them, without a string a feature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baselines.retrievers.index.character_features import CharacterFeatures, Characters, string_features
from baselines.retrievers.index.posting_lists import PostingLists
from baselines.retrievers.index.token_counts import (
    BLOCK,
    TokenCounts,
    Vocabulary,
    count_tokens,
    places_in,
    weighted_lists,
)
from harness.text.segmentation import comparable_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class TfidfWeights:
    """The weights of documents, and the weights of queries over the same vocabulary."""

    lists: PostingLists
    encode: Callable[[Sequence[str]], Any]  # queries → csr matrix (queries, tokens)

    @classmethod
    def of(cls, texts: Sequence[str], ngrams: tuple[int, int], pairs: int) -> "TfidfWeights":
        """Term frequency is 1 + ln count, idf is 1 + ln((1 + n) / (1 + df)), a document's weights have length 1.

        Manning, Raghavan and Schütze 2008, section 6.4, with the smoothed idf of scikit-learn.
        """
        import numpy as np

        characters = [Characters.of(texts[start : start + BLOCK]) for start in range(0, max(1, len(texts)), BLOCK)]
        alphabet = np.unique(np.concatenate([np.unique(block.code_points) for block in characters]))
        features = CharacterFeatures(alphabet, ngrams, pairs)
        if not features.fit_into_numbers:
            return weights_of_strings(texts, ngrams, pairs)
        characters.reverse()
        blocks = [count_tokens(*features.numbers(characters.pop())) for _ in range(len(characters))]
        vocabulary = Vocabulary.of(blocks)
        idf = np.full(len(vocabulary.tokens), 1 + len(texts), dtype=np.float32)
        idf /= vocabulary.frequencies.astype(np.float32) + np.float32(1)
        np.log(idf, out=idf)
        idf += np.float32(1)
        lists = weighted_lists(blocks, vocabulary, lambda block, places, _: _weights(block, idf[places]), len(texts))
        return cls(lists, lambda queries: _encoded(queries, features, vocabulary, idf))


def _weights(block: TokenCounts, idf: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """The weight of each count, of length 1 a document; `idf` is that of the block's tokens."""
    import numpy as np

    weights = np.log(block.counts.astype(np.float32))
    weights += np.float32(1)
    weights *= np.repeat(idf, block.frequencies)
    squares = np.bincount(block.documents, weights=weights * weights)
    return (weights / np.sqrt(squares)[block.documents]).astype(np.float32)


def _encoded(
    queries: Sequence[str], features: CharacterFeatures, vocabulary: Vocabulary, idf: "NDArray[np.float32]"
) -> Any:
    """Queries as rows of weights over the vocabulary, each row's tokens ascending. Shape (queries, tokens)."""
    import numpy as np
    from scipy.sparse import csr_matrix

    numbers, texts = features.numbers(Characters.of(queries))
    _, present = places_in(vocabulary.tokens, numbers)
    block = count_tokens(numbers[present], texts[present])
    places, _ = places_in(vocabulary.tokens, block.tokens)
    weights = _weights(block, idf[places])
    order = np.argsort(block.documents, kind="stable")
    ends = np.cumsum(np.bincount(block.documents, minlength=len(queries)))
    columns = np.repeat(places, block.frequencies)[order]
    return csr_matrix((weights[order], columns, [0, *ends]), (len(queries), max(1, len(vocabulary.tokens))))


def weights_of_strings(texts: Sequence[str], ngrams: tuple[int, int], pairs: int) -> TfidfWeights:
    """The same by scikit-learn's vectorizer, for n-grams too long to be numbers: slower, and with more memory."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    def analyse(text: str) -> list[str]:
        return string_features(comparable_lines(text), ngrams, pairs)

    vectorizer = TfidfVectorizer(analyzer=analyse, sublinear_tf=True, dtype=np.float32)
    weights = vectorizer.fit_transform(texts).tocsc()
    lists = PostingLists(
        starts=weights.indptr.astype(np.int64),
        documents=weights.indices.astype(np.int32, copy=False),
        weights=weights.data,
        size=len(texts),
    )
    return TfidfWeights(lists, vectorizer.transform)
