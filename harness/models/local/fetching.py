"""Weights that come from elsewhere are fetched beside work that computes: a download waits, a self-test does not."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from harness.components.model import Model
from harness.models.local.loading import LocalModel
from harness.models.local.weights import Weights


@contextmanager
def fetching_ahead(models: Iterable[Model]) -> Iterator[None]:
    """Fetch what models in this process lack while the block runs; it ends when both have ended.

    What cannot be fetched is met again, and told, where a model is loaded. Nothing is converted: that computes, too,
    and would share the interpreter and the seeds of the block.
    """
    stated = dict.fromkeys(Weights(model.path, model.revision) for model in models if isinstance(model, LocalModel))

    def fetch() -> None:
        for weights in stated:
            with suppress(Exception):
                if not weights.is_here():
                    weights.locate()

    worker = threading.Thread(target=fetch, daemon=True)
    if stated:
        worker.start()
    try:
        yield
    finally:
        if stated:
            worker.join()
