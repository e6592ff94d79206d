"""A model of the suite whose network computes on the cluster; all else of it, the driver does."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from harness.cluster.workers import Workers
from harness.components.model import Model

COMPUTED = frozenset({
    "plan", "plan_scoring", "generate", "generate_each", "score_options", "first_token_each", "likelihood", "embed",
    "token_matches", "relevance",
})  # fmt: skip


class ClusterModel:
    """Has the interface of a Model. What it keeps for itself, such as a tokenizer, one thread uses at a time."""

    def __init__(self, name: str, model: Model, workers: Workers) -> None:
        self._name, self._model, self._workers = name, model, workers
        self._settings: Any = None  # of the last plan, for every process that computes its batches
        self._remark: str | None = None

    def __getattr__(self, name: str) -> Any:
        if name in COMPUTED:
            return lambda *arguments: self._computed(name, arguments)
        with self._workers.lock:
            value = getattr(self._model, name)
        return self._locked(value) if callable(value) else value

    def scoring_remark(self) -> str | None:
        """What one of the processes has noticed while it wrote or scored texts."""
        return self._remark

    def _computed(self, method: str, arguments: tuple[Any, ...]) -> Any:
        outcome = self._workers.compute(self._model, method, arguments, self._name, self._settings)
        if outcome.settings is not None:
            self._settings = self._workers.share(outcome.settings)
        self._remark = outcome.remark or self._remark
        return outcome.value

    def _locked(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def locked(*arguments: Any, **options: Any) -> Any:
            with self._workers.lock:
                return call(*arguments, **options)

        return locked


def on_cluster(models: Mapping[str, Model], workers: Workers) -> dict[str, Model]:
    """The models, those with a network of their own computed by the workers. Servers are asked by the driver."""
    return {
        name: cast(Model, ClusterModel(name, model, workers)) if model.local else model
        for name, model in models.items()
    }
