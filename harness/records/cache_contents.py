"""What lies in a cache, what is wrong with it, and what was removed from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheKind:
    """One kind of what is kept."""

    name: str  # e.g. "answers of models"
    place: str  # file or folder of the cache
    count: int
    unit: str  # of the count, in the singular
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedSuite:
    """What of the answers the runs of one suite have used, as far as their run folders are known."""

    name: str
    answers: int
    size: int  # bytes; of answers that several suites use, in each of them


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheContents:
    """A cache, by kind and by suite."""

    place: str
    kinds: tuple[CacheKind, ...]
    suites: tuple[CachedSuite, ...] = ()
    unused: CachedSuite | None = None  # answers of models that no known run names
    free: int = 0  # bytes on its disk

    @property
    def size(self) -> int:
        """Bytes of all kinds."""
        return sum(kind.size for kind in self.kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFault:
    """Something in a cache that cannot be used, or that nothing needs."""

    place: str
    reason: str
    size: int = 0  # bytes
    is_broken: bool = True  # False: it is only left over
    is_mended: bool = False  # removed, or replaced by what could be read


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedCache:
    """What pruning has removed, or would remove."""

    removed: Mapping[str, int] = field(default_factory=dict)  # place → bytes
    size_before: int = 0
    size_after: int = 0
