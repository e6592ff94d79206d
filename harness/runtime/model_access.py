"""The models of a suite while it runs: by name, by content, and which of them lies in memory."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from harness.components.display import Display
from harness.components.model import Model
from harness.errors import HarnessError, nearest
from harness.records.call_counts import CallCounts
from harness.records.call_prices import CallPrice
from harness.records.inputs import Cell, Prompt
from harness.records.outputs import Completion
from harness.runtime.cache import Cache
from harness.runtime.measurements import Measurements
from harness.runtime.model_history import earlier_models, model_name
from harness.runtime.shared_cache import shared_place
from harness.text.canonical import digest
from harness.text.redaction import Redaction

if TYPE_CHECKING:
    from harness.runtime.vectors import Vectors


R = TypeVar("R")
Keys = Callable[[str], Sequence[str]]  # the digest of a model → the keys of some calls, were they made of it


class ModelAccess:
    """Finds models, counts for the current cell, and keeps one local model in memory at a time."""

    planning = False

    def __init__(
        self,
        models: Mapping[str, Model],
        cache: Cache,
        display: Display,
        seed: int,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """`secrets` are values that no answer may show, by the names that stand for them; the models' own are known."""
        self.models = models
        self.cache = cache
        self.display = display
        self.seed = seed
        self.cell = Cell("", "")
        self.counts = CallCounts()
        self._secrets = dict(secrets or {})
        self._digests: dict[str, str] = {}
        self._identified: set[str] = set()  # models that the cache was told of
        self.changes: dict[str, str] = {}  # by model: why what it has answered before is asked again
        self.remarks: dict[str, str] = {}  # by model: what was noticed while it scored texts
        self.prices: Mapping[str, CallPrice] = {}  # by model, where any is stated
        self._own_models: dict[str, Model] = {}  # that a metric brings, by their description
        self._loaded: list[Model] = []
        self._holds_several = False  # local models in memory
        for model in models.values():
            model.report_to(display)

    @cached_property
    def redaction(self) -> Redaction:
        """Keeps the secrets of all models, and of the suite, out of what any model says."""
        own = {name: value for model in self.models.values() for name, value in model.secrets().items()}
        return Redaction(self._secrets | own)

    @property
    def artefacts(self) -> Path:
        """The folder for what is built from calls and kept between runs: that of the cache."""
        return self.cache.path.parent

    def artefact(self, kind: str, name: str) -> Path:
        """The place of something that is kept beside the calls, e.g. an index: one's own, else the shared cache's."""
        return shared_place(self.artefacts / kind / name, kind)

    def begin(self, cell: Cell) -> None:
        """Start counting for a cell."""
        self.cell = cell
        self.counts = CallCounts()
        self.display.start(cell)

    def model(self, name: str) -> Model:
        """A model of the suite by its name."""
        if name in self._own_models:
            return self._own_models[name]
        if name not in self.models:
            raise HarnessError(f"model '{name}' is not among models ({nearest(name, self.models)})")
        return self.models[name]

    def model_digest(self, name: str) -> str:
        """sha256 over everything that determines the model's output besides prompt and options."""
        if name not in self._digests:
            self._digests[name] = digest(self.model(name).identity())
        return self._digests[name]

    def has_answered(self, name: str) -> bool:
        """Whether some answer of a model is stored. Asks no server, downloads nothing."""
        engine = self.models[name]
        return engine.local and engine.at_hand() and self.cache.has_answers(self.model_digest(name))

    def changed_since(self, name: str, keys: Keys | None = None) -> str | None:
        """Why a model is asked again what it has answered; None where nothing stored is lost.

        `keys` are those of the calls that are to be made, by the digest of a model. Without them, any answer counts, of
        a model that has none of its own.
        """
        engine = self.models.get(name)
        if engine is None or not engine.at_hand():
            return None
        digest_now = self.model_digest(name)
        if keys is None and self.cache.has_answers(digest_now):
            return None
        earlier = earlier_models(self.cache, name, engine, digest_now, set(self._digests.values()))
        lost = (model for model in earlier if keys is None or self.cache.get(keys(model.digest)))
        return next((model.reason(name) for model in lost), None)

    def _note_change(self, name: str, keys: Keys) -> None:
        """Say once why answers of before are not used, when of some calls of a model none is stored."""
        if name not in self.changes and (reason := self.changed_since(name, keys)) is not None:
            self.changes[name] = reason
            self.display.note(reason)

    def _note_remark(self, name: str, remark: str | None) -> None:
        """Say once what a model has noticed while it answered."""
        if remark is not None and name not in self.remarks:
            self.remarks[name] = remark
            self.display.note(f"{name}: {remark}")

    def _keep_identity(self, name: str) -> None:
        """Tell the cache what a model is, once."""
        if name in self._identified or name not in self.models:
            return
        self._identified.add(name)
        engine = self.models[name]
        self.cache.keep_model(self.model_digest(name), model_name(name, engine), engine.identity())

    @cached_property
    def vectors(self) -> "Vectors":
        """The store of embeddings, beside the cache of calls."""
        from harness.runtime.vectors import Vectors

        return Vectors(self.cache.path.with_name("vectors.sqlite"), self.cache.read_only)

    @cached_property
    def measurements(self) -> Measurements:
        """What work took when it was done for the first time, beside the cache of calls."""
        return Measurements(self.cache.path.with_name("measurements.sqlite"), self.cache.read_only)

    def context_length(self, model: str) -> int | None:
        """The most tokens of a prompt and its answer together, where it is known without loading weights."""
        return self.model(model).context_length()

    def token_counter(self, model: str) -> Callable[[str], int] | None:
        """Counts the tokens of a text; None where the model's tokenizer is out of reach."""
        engine = self.model(model)
        return None if engine.count_tokens("") is None else lambda text: engine.count_tokens(text) or 0

    def _with_prompts(
        self, model: str, prompts: Sequence[Prompt], completions: Sequence[Completion]
    ) -> list[Completion]:
        """The completions with the prompts as the model read them; a failed one may have had none."""
        engine = self.model(model)
        if self.planning:
            return list(completions)
        return [
            completion
            if completion.finish == "error"
            or completion.rendered is not None
            or (text := engine.render(prompt)) is None
            else replace(completion, rendered=text)
            for prompt, completion in zip(prompts, completions, strict=True)
        ]

    def seconds_a_call(self, name: str) -> float | None:
        """Mean seconds of a model's calls of before; None before the first, and of one that cannot be told yet."""
        try:
            return self.cache.seconds(self.model_digest(name)) if self.model(name).at_hand() else None
        except HarnessError:  # a server that does not answer now is met when it is asked
            return None

    def _each(
        self, model: str, batches: Sequence[Sequence[int]], compute: Callable[[Sequence[int]], R]
    ) -> Iterator[tuple[Sequence[int], R]]:
        """The batches of a model with what they give, as it comes."""
        for batch in batches:
            yield batch, compute(batch)

    def _pay(self, model: str, completions: Iterable[Completion], seconds: float) -> None:
        """Tell the display what calls have cost, where their price is stated."""
        price = self.prices.get(model)
        if price is not None:
            tokens = [(own.tokens_in, own.tokens_out) for own in completions]
            self.display.spend(price.of(sum(i for i, _ in tokens), sum(o for _, o in tokens), seconds), price.currency)

    def close_vectors(self) -> None:
        """Close the store of embeddings, if it was opened; it can be opened again."""
        if "vectors" in self.__dict__:
            self.vectors.close()
            del self.__dict__["vectors"]

    def close(self) -> None:
        """Release every model."""
        self.close_vectors()
        if "measurements" in self.__dict__:
            self.__dict__.pop("measurements").close()
        for model in (*self.models.values(), *self._own_models.values()):
            model.close()
        self._loaded = []

    @contextmanager
    def unshown(self) -> Iterator[None]:
        """Show nothing of the calls on the display."""
        display, self.display = self.display, Display()
        try:
            yield
        finally:
            self.display = display

    @contextmanager
    def deployed(self, models: Sequence[str]) -> Iterator[None]:
        """Call these models as in production: no call is answered from a store, or kept, or shown on the display.

        All of them stay in memory together, and no other local model does.
        """
        from harness.runtime.no_stores import NoCompletions, NoVectors

        kept = (self.cache, self.vectors, self._identified)
        self.cache, self._identified = NoCompletions(self.cache.path), set()
        self.__dict__["vectors"] = NoVectors(self.vectors.path)
        self._release_but([self.model(name).carrier() for name in models if self.model(name).local])
        self._holds_several = True
        try:
            with self.unshown():
                yield
        finally:
            self.cache, self.__dict__["vectors"], self._identified = kept
            self._holds_several = False

    def _free_memory_for(self, name: str) -> None:
        """One accelerator, several models: the loaded local model goes before another comes."""
        if self.model(name).local:
            carrier = self.model(name).carrier()
            self._release_but(self._loaded if self._holds_several else [carrier])
            if not any(model is carrier for model in self._loaded):
                self._loaded.append(carrier)

    def _release_but(self, needed: Sequence[Model]) -> None:
        """Close the loaded local models that are none of these."""
        others = [model for model in self._loaded if not any(model is own for own in needed)]
        for model in others:
            model.close()
        self._loaded = [model for model in self._loaded if any(model is own for own in needed)]


def _rendered(completion: Completion, text: str | None) -> Completion:
    return completion if text is None else replace(completion, rendered=text)
