"""suite.yaml → Suite: the only reader of suite files, and the place where every mistake is found at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel

from harness.components.component import Component, named
from harness.components.knowledge import Knowledge
from harness.components.metric import Metric
from harness.components.model import Model
from harness.components.reader import Reader
from harness.components.registry import find
from harness.components.variant import Variant
from harness.records.inputs import JSON
from harness.suite.deployment import DeploymentWishes, deployment_terms
from harness.suite.entry_names import name_problem
from harness.suite.expansion import Expansion, expand, forgetting_probes
from harness.suite.grid import Grid, read_grid
from harness.suite.options import (
    Compare,
    ConstraintOptions,
    LatencyOptions,
    Leakage,
    Prices,
    ProfileOptions,
    TokenPrices,
    Trust,
)
from harness.suite.references import (
    Metrics,
    Sections,
    check_agreement,
    check_bases,
    check_compare,
    check_references,
)
from harness.suite.stated_amounts import DecidingFigures
from harness.suite.suite import Suite, TaskSpec
from harness.suite.task_builder import TaskBuilder, section_of
from harness.suite.task_language import LanguageSetting
from harness.suite.usage import usage_of
from harness.suite.yaml_source import read_source
from harness.text.redaction import secret_variables


def load_suite(path: Path) -> Suite:
    """Read and check a suite file. Raises SuiteError with every mistake, one line each."""
    source = read_source(path)
    suite = _Parser(source).suite()
    source.raise_mistakes()
    return cast(Suite, suite)


SECTIONS = (
    "name", "seed", "language", "models", "knowledge", "datasets", "tasks", "general", "variants", "compare", "trust",
    "leakage", "latency", "prices", "constraints", "profile",
)  # fmt: skip
LARGEST_SEED = 2**32 - 1  # what NumPy takes
KINDS_OF = {"models": "model", "knowledge": "knowledge", "datasets": "reader", "variants": "variant"}


class _Parser(TaskBuilder):
    """Builds a Suite; every problem goes to the source's list instead of being raised."""

    def suite(self) -> Suite | None:
        data = self.source.data
        if not isinstance(data, dict):
            self.source.complain((), "a suite is a mapping with models, tasks and variants")
            return None
        self.known_keys(data, SECTIONS, ())
        for section in ("tasks", "variants"):
            if not data.get(section):
                place, subject = ((section,), "") if section in data else ((), f"{section}: ")
                self.source.complain(place, f"{subject}at least one entry is needed")
        written = {section: self.mapping(data, (section,)) for section in KINDS_OF}
        grid = read_grid(written["variants"], self.source)
        written["variants"] = grid.entries(written["variants"])
        sections = {name: self.components(kind, name, written[name]) for name, kind in KINDS_OF.items()}
        tasks = self.tasks(self.mapping(data, ("tasks",)))
        plain, wishes = self.plain(data), self.wishes(data)
        check_bases(self.source, sections["models"], sections["variants"])
        expansion = None if grid.is_faulty else _expansion(sections, plain["seed"])
        tasks = _with_retrieval(tasks, sections["variants"])
        figures = DecidingFigures(self.source, wishes.compare or Compare(), self.metrics(data, tasks), plain["general"])
        reported = expansion.reported() if expansion else _unexpanded(written["variants"], wishes.compare, grid)
        check_compare(self.source, figures.compare, figures.general, figures.metrics, reported, written["variants"])
        terms = deployment_terms(self.source, wishes, figures, expansion, list(sections["models"]))
        expansion = expansion or Expansion(models={}, variants={})
        unknown = [name for own, _ in self.places for name in named(own, "variants")] if grid.is_faulty else ()
        referable: Sections = {**sections, "tasks": tasks, "models": {**sections["models"], **expansion.models},
                 "knowledge": {**sections["knowledge"], **expansion.knowledge},
                 "variants": {**dict.fromkeys(unknown), **sections["variants"], **expansion.variants}}  # fmt: skip
        check_references(self.source, self.places, referable, expansion)
        if self.source.mistakes:
            return None
        plain |= {"compare": wishes.compare, "latency": wishes.latency, "terms": terms, "grid": grid.levels()}
        suite = self.record(plain, sections, cast(dict[str, TaskSpec], tasks), expansion)
        check_agreement(self.source, suite, expansion)
        return suite

    def plain(self, data: dict[str, JSON]) -> dict[str, Any]:
        """The sections that hang together with no other one."""
        return {
            "leakage": self.options(Leakage, section_of(data, "leakage"), ("leakage",)),
            "trust": self.options(Trust, section_of(data, "trust"), ("trust",)),
            "name": self.name(data),
            "seed": self.seed(data),
            "language": self.language(data),
            "general": self.general(data),
        }

    def wishes(self, data: dict[str, JSON]) -> DeploymentWishes:
        """The sections that say how variants are compared, and what a deployment has to keep and to pay."""
        kinds: dict[str, type[BaseModel]] = {
            "compare": Compare, "latency": LatencyOptions, "constraints": ConstraintOptions, "profile": ProfileOptions
        }  # fmt: skip
        wishes = {name: self.options(kind, section_of(data, name), (name,)) for name, kind in kinds.items()}
        if data.get("prices") is not None:
            wishes["prices"] = self.options(Prices, data["prices"], ("prices",))
        models = _inside(data, "prices", "models")
        tokens = models if isinstance(models, dict) else {}
        return DeploymentWishes(
            **wishes,
            has_prices=data.get("prices") is not None,
            min_quality=_inside(data, "constraints", "min_quality"),
            tokens_by_model={
                model: self.options(TokenPrices, own, ("prices", "models", model)) for model, own in tokens.items()
            },
        )

    def metrics(self, data: dict[str, JSON], tasks: Mapping[str, TaskSpec | None]) -> Metrics:
        """The metrics by task; of a task with a mistake their names only, and what may join them."""
        written = {name: data["tasks"].get(name) for name, spec in tasks.items() if spec is None}
        named = {
            name: dict.fromkeys([*task["metrics"], "retrieval"])
            for name, task in written.items()
            if isinstance(task, dict) and isinstance(task.get("metrics"), dict)
        }
        return {name: spec.metrics if spec else named.get(name, {}) for name, spec in tasks.items()}

    def record(
        self, plain: dict[str, Any], sections: Sections, specs: dict[str, TaskSpec], expansion: Expansion
    ) -> Suite:
        """The record of a suite whose parts have no mistakes of their own."""
        knowledge = expansion.knowledge
        probes = forgetting_probes(expansion) if plain["general"] else {}
        metrics = [metric for spec in specs.values() for metric in spec.metrics.values()]
        return Suite(
            **plain,
            models=expansion.models,
            tasks=specs,
            variants=expansion.variants,
            path=self.source.path,
            text=self.source.text,
            prompts=self.prompts,
            knowledge=knowledge,
            datasets=cast(dict[str, Reader], sections["datasets"]),
            probes=probes,
            expansion=expansion,
            usage=usage_of(expansion.models, knowledge, expansion.variants, probes, metrics),
            task_groups=tuple(self.task_groups),
            secrets=self.secrets(expansion.models),
        )

    def secrets(self, models: Mapping[str, Model]) -> dict[str, str]:
        """What is sent to servers and must be written nowhere, and variables that hold a secret by their name."""
        of_models = {name: value for model in models.values() for name, value in model.secrets().items()}
        return secret_variables(self.source.variables) | of_models

    # -- sections ---------------------------------------------------------------------------------------------------

    def name(self, data: dict[str, JSON]) -> str:
        name = data.get("name", self.folder.name)
        problem = name_problem(name) if isinstance(name, str) else "is text"
        if problem:
            self.source.complain(("name",), f"the name of a suite {problem}")
        return str(name)

    def seed(self, data: dict[str, JSON]) -> int:
        seed = data.get("seed", 42)
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            self.source.complain(("seed",), "must be a whole number, 0 or more")
            return 0
        if seed > LARGEST_SEED:
            self.source.complain(("seed",), f"must be at most {LARGEST_SEED}")
            return 0
        return seed

    def language(self, data: dict[str, JSON]) -> LanguageSetting:
        language = data.get("language", "auto")
        if language not in ("auto", "zh", "en"):
            written = self.source.spelling.get(("language",), str(language))
            self.source.complain(("language",), f"must be auto, zh or en, not {written}")
            return "auto"
        return cast(LanguageSetting, language)

    def general(self, data: dict[str, JSON]) -> tuple[str, ...]:
        value = data.get("general") or []
        if not isinstance(value, list) or not all(isinstance(task, str) for task in value):
            self.source.complain(("general",), "must be a list of tasks")
            return ()
        return tuple(value)

    def components(self, kind: str, section: str, entries: Mapping[str, JSON]) -> dict[str, Component | None]:
        return {name: self.component(kind, value, (section, name)) for name, value in entries.items()}


def _expansion(sections: Sections, seed: int) -> Expansion | None:
    """The members of entries with sizes or seeds; None where an entry has a mistake of its own."""
    models, knowledge, variants = sections["models"], sections["knowledge"], sections["variants"]
    if not all(all(entries.values()) for entries in (models, knowledge, variants)):
        return None
    return expand(
        cast(dict[str, Model], models), cast(dict[str, Knowledge], knowledge), cast(dict[str, Variant], variants), seed
    )


def _unexpanded(variants: Iterable[str], compare: Compare | None, grid: Grid) -> list[str]:
    """The variants as written, while it is not known what they stand for: the reference may be one of those."""
    reference = compare.reference if compare else None
    made = [reference for name in variants if reference and reference.startswith(name)]
    return [*variants, *made, *([reference] if reference and grid.is_faulty else [])]


def _with_retrieval(tasks: Mapping[str, TaskSpec | None], variants: Mapping[str, object]) -> dict[str, TaskSpec | None]:
    """The tasks, scored also by how well retrieval did where a variant retrieves, be it a floor.

    One with a mistake of its own may retrieve.
    """
    if not any(variant is None or named(cast(Component, variant), "knowledge") for variant in variants.values()):
        return dict(tasks)
    metric = cast(Metric, find("metric", "retrieval")())
    return {
        name: spec
        if spec is None
        or "retrieval" in spec.metrics
        or any(isinstance(own, type(metric)) for own in spec.metrics.values())
        else replace(spec, metrics={**spec.metrics, "retrieval": metric})
        for name, spec in tasks.items()
    }


def _inside(data: Mapping[str, JSON], section: str, key: str) -> JSON:
    """What stands at a key of a section, whatever else is wrong with it."""
    return data[section].get(key) if isinstance(data.get(section), dict) else None
