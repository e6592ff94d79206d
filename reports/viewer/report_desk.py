"""Reports for whoever asks: the stored page where it is current, else one that is made now and kept for the next."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from harness.records.finished_run import FinishedRun
from reports.facts.item_packing import as_json
from reports.facts.item_payload import ItemRecords, items_payload
from reports.viewer.run_library import RunLibrary

KEPT_PAGES = 4  # a page is up to 25 MB
KEPT_RUNS = 2  # whose items are asked for: all records of a run, in memory
MOST_ITEMS = 500  # in one answer
T = TypeVar("T")


class NewestValues(Generic[T]):
    """The newest few of what is costly to make. Whoever asks for something while it is made waits for it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[Hashable, T]] = OrderedDict()

    def value(self, key: str, version: Hashable, make: Callable[[], T]) -> T:
        """The value of this version, made where it is not there."""
        with self._lock:
            before = self._values.pop(key, None)
            current = before if before is not None and before[0] == version else (version, make())
            self._values[key] = current
            while len(self._values) > self.size:
                self._values.popitem(last=False)
            return current[1]


class ReportDesk:
    """Pages of runs."""

    def __init__(self, library: RunLibrary, render: Callable[[FinishedRun], str]) -> None:
        self.library = library
        self._render = render
        self._pages: NewestValues[bytes] = NewestValues(KEPT_PAGES)
        self._records: NewestValues[ItemRecords] = NewestValues(KEPT_RUNS)

    def page(self, key: str) -> bytes:
        """The page of a run that has figures. Raises StoreError for what is missing or broken."""
        stored = self.library.page(key)
        if stored is not None:
            return stored
        return self._pages.value(key, self.library.version(key), lambda: self._rendered(key))

    def items(self, key: str, first: int, last: int) -> bytes:
        """Items of a run, from number `first` to `last`, as a page that does not hold them asks for them.

        Raises StoreError for what is missing or broken.
        """
        version = self.library.version(key)
        records = self._records.value(key, version, lambda: ItemRecords(self.library.finished(key)))
        payload = items_payload(records, first, min(last, first + MOST_ITEMS - 1))
        return as_json(payload).encode("utf-8", "replace")

    def _rendered(self, key: str) -> bytes:
        return self._render(self.library.finished(key)).encode("utf-8", "replace")
