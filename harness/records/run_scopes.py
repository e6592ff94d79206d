"""How far a run reaches where it is no whole one: which items, variants and tasks of its suite it asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.records.inputs import JSON
from harness.records.shards import Shard, shard_in

LIMITED = "limited"  # its key in run.json, and the folder below runs/NAME that limited runs lie in


@dataclass(frozen=True, slots=True, kw_only=True)
class RunScope:
    """What a limited run asks; empty: the run is whole."""

    limit: int | None = None  # test items of each task, at most; None: all of them
    variants: tuple[str, ...] = ()  # that are asked, as figures name them; (): all of them
    tasks: tuple[str, ...] = ()  # that are asked; (): all of them
    untrained: Mapping[str, str] = field(default_factory=dict)  # variant left out → its model that is not trained yet
    missing_reference: str = ""  # what the suite compares with, where that is left out
    items: Mapping[str, int] = field(default_factory=dict)  # by task: how many test items it has, where limited
    shard: Shard | None = None  # of these items, those that one process answers; None: all of them

    @property
    def is_limited(self) -> bool:
        """Whether anything of the suite is left out; the shards of a run leave nothing out together."""
        return bool(self.limit is not None or self.variants or self.tasks)

    def record(self) -> dict[str, JSON]:
        """As run.json holds it; empty of a whole run."""
        fields: dict[str, JSON] = {
            "limit": self.limit,
            "variants": list(self.variants),
            "tasks": list(self.tasks),
            "untrained": dict(self.untrained),
            "missing_reference": self.missing_reference,
            "items": dict(self.items),
        }
        return {name: value for name, value in fields.items() if value not in (None, [], {}, "")}

    def reaches_as(self, run: Mapping[str, JSON]) -> bool:
        """Whether a run, by its run.json, was limited and divided in the same way, or is whole as this one."""
        return self._reach() == scope_in(run)._reach()

    def _reach(self) -> tuple[object, ...]:
        return self.limit, self.variants, self.tasks, self.shard

    def options(self) -> str:
        """The options of `harness run` that limit a run so; empty of a whole run."""
        shard = [] if self.shard is None else [f"--shard {self.shard}"]
        return " ".join([*(f"--{part}" for part in self._parts()), *shard])

    def words(self) -> str:
        """The same as a text that no spreadsheet takes for a formula, e.g. "limit 4; only base,first"."""
        return "; ".join(self._parts())

    def _parts(self) -> list[str]:
        limit = [] if self.limit is None else [f"limit {self.limit}"]
        lists = (("only", self.variants), ("task", self.tasks))
        return [*limit, *(f"{name} {','.join(names)}" for name, names in lists if names)]


def scope_in(run: Mapping[str, JSON]) -> RunScope:
    """The scope of a run by its run.json; whole in runs of before there were limits, and where it cannot be read."""
    own, shard = run.get(LIMITED), shard_in(run)
    if not isinstance(own, dict):
        return RunScope(shard=shard)
    limit, items, untrained = own.get("limit"), own.get("items"), own.get("untrained")
    return RunScope(
        limit=limit if isinstance(limit, int) else None,
        variants=_names(own.get("variants")),
        tasks=_names(own.get("tasks")),
        untrained=dict(untrained) if isinstance(untrained, dict) else {},
        missing_reference=str(own.get("missing_reference") or ""),
        items=dict(items) if isinstance(items, dict) else {},
        shard=shard,
    )


def _names(value: JSON) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
