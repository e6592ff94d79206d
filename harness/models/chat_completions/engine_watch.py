"""Who answers, by what each reply says of itself: an engine that changes in the middle of a run is noticed."""

import logging
import threading

from harness.models.chat_completions.served_engine import LLAMA_CPP, ServedEngine
from harness.models.remote.call_error import CallError
from harness.records.inputs import JSON

log = logging.getLogger("harness")

SAYINGS = {"system_fingerprint": "fingerprint", "model": "model"}


class EngineWatch:
    """What the first reply said holds for all. llama.cpp says the same in each; of a hosted service it may change."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._first: dict[str, str] = {}
        self._reported: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self.change = ""  # that makes what is answered now another engine's; empty while there is none

    def notice(self, content: JSON, engine: ServedEngine) -> None:
        """Compare a reply of an engine. Raises CallError for one of another engine than the first reply's."""
        for name, title in SAYINGS.items():
            saying = content.get(name) if isinstance(content, dict) else None
            if not isinstance(saying, str) or not saying:
                continue
            with self._lock:
                first = self._first.setdefault(name, saying)
                is_new = saying != first and (name, saying) not in self._reported
                self._reported.add((name, saying))
            if saying == first:
                continue
            if engine.name == LLAMA_CPP:
                self.change = f"{title}: {first} → {saying}"
                raise CallError(f"the server changed during the run ({self.change})", lasting=True)
            if is_new:
                log.warning("%s: the %s of replies changed from %s to %s", self._title, title, first, saying)
