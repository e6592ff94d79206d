"""What a result depends on, for run.json: versions, commit, hardware, and the digests of data and models."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import harness
from harness.components.component import Component, settings
from harness.components.knowledge import Knowledge
from harness.components.model import Model
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.inputs import JSON
from harness.records.run_scopes import LIMITED
from harness.records.shards import SHARD
from harness.runtime.computing_place import elsewhere
from harness.runtime.context import Context
from harness.runtime.digests import file_digest
from harness.suite.suite import Suite

PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "bitsandbytes",
    "numpy",
    "pydantic",
    "scikit-learn",
    "jinja2",
)


CALLER: ContextVar[str | None] = ContextVar("CALLER", default=None)  # by which a run was begun, if no command


def provenance(suite: Suite, tasks: Mapping[str, Task], context: Context) -> dict[str, JSON]:
    """Everything run.json says before the first prediction. Model identities are computed, no weights are loaded."""
    return {
        "format": 1,
        "status": "running",
        "command": CALLER.get() or " ".join(["harness", *sys.argv[1:]]),
        "seed": suite.seed,
        "harness": harness.__version__,
        "packages": versions(PACKAGES),
        "commit": _commit(suite.path.resolve().parent),
        "hardware": _hardware(),
        "data": {name: _data(suite, name, task) for name, task in tasks.items()},
        "knowledge": {name: _knowledge(knowledge) for name, knowledge in _searched(suite).items()},
        "models": {name: _model(suite.models[name], context.model_digest(name)) for name in suite.usage.predicting},
        **described_suite(suite, tasks),
    }


def described_suite(suite: Suite, tasks: Mapping[str, Task]) -> dict[str, JSON]:
    """The part of run.json that says what was asked and how it is scored."""
    return {
        "suite": {"name": suite.name, "path": suite.path.name, "text": suite.text, "prompts": dict(suite.prompts)},
        "tasks": {
            name: {
                "answer": described(task.answer),
                "metrics": {metric: described(component) for metric, component in suite.metrics_of(task).items()},
                "prompt": task.template.text,
                "system": task.system.text if task.system else None,
                "language": task.language,
                "generation": {
                    "max_tokens": "auto" if task.is_limited_by_targets else task.generation.max_tokens,
                    "temperature": task.generation.temperature,
                    "top_p": task.generation.top_p,
                    "stop": list(task.generation.stop),
                    **_without_none(
                        reasoning_tokens=task.generation.reasoning_tokens,
                        top_k=task.generation.top_k,
                        repetition_penalty=task.generation.repetition_penalty,
                    ),
                },
            }
            for name, task in tasks.items()
        },
        "variants": {name: _answered_from(variant) for name, variant in suite.answering().items()},
    }


def described_scope(suite: Suite, tasks: Mapping[str, Task]) -> dict[str, JSON]:
    """How far a run reaches, where it is no whole one, and of how many items those of each task are a sample."""
    shard = suite.scope.shard
    own: dict[str, JSON] = {} if shard is None else {SHARD: {"number": shard.number, "of": shard.of}}
    if not suite.scope.is_limited:
        return own
    items = {name: len(task.data.whole_test) for name, task in tasks.items() if not task.origin}
    return {**own, LIMITED: replace(suite.scope, items=items if suite.scope.limit is not None else {}).record()}


def described_judges(suite: Suite, context: Context) -> dict[str, JSON]:
    """The models that metrics ask: what run.json says of them."""
    return {name: _model(suite.models[name], context.model_digest(name)) for name in suite.usage.judges}


def now() -> str:
    """The time in ISO 8601, to the second, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def described_entries(suite: Suite, kind: str) -> dict[str, dict[str, JSON]]:
    """What predictions depend on in a section, without asking for weights: settings, and the files of knowledge."""
    if kind == "models":
        return {name: described(suite.models[name]) for name in suite.usage.predicting}
    return {name: _read_from(knowledge) for name, knowledge in _searched(suite).items()}


def _searched(suite: Suite) -> dict[str, Knowledge]:
    return {name: suite.knowledge[name] for name in suite.usage.knowledge}


def _answered_from(variant: Variant) -> dict[str, JSON]:
    """The settings of a variant, and the files that its answers come from, where it has any."""
    files = _files(variant)
    return {**described(variant), "files": files} if files else described(variant)


def _files(component: Knowledge | Variant) -> list[dict[str, JSON]]:
    return [{"path": Path(path).name, "sha256": file_digest(Path(path))} for path in component.sources()]


def _model(model: Model, digest: str) -> dict[str, JSON]:
    return {
        **described(model),
        "identity": model.identity(),
        "digest": digest,
        "description": model.describe(),
        "weights_bytes": model.weights_bytes(),
        "tells_version": model.tells_version,
        **({"scoring": scheme} if (scheme := model.scoring_identity()) else {}),
    }


def _knowledge(knowledge: Knowledge) -> dict[str, JSON]:
    passage_set = knowledge.passage_set()
    return {
        **_read_from(knowledge),
        "passages": len(passage_set.passages),
        "merged": passage_set.merged,
        "skipped": list(passage_set.skipped),
    }


def _read_from(knowledge: Knowledge) -> dict[str, JSON]:
    """The settings of a knowledge base, its files, and the train rows whose inputs are names of its passages."""
    own = {**described(knowledge), "files": _files(knowledge)}
    if knowledge.learned_rows:
        own["learned_names"] = {"rows": len(knowledge.learned_rows), "sha256": knowledge.learned_digest}
    return own


def described(component: Component) -> dict[str, JSON]:
    """What a component is, and its settings."""
    return {"component": type(component).__name__, "settings": settings(component)}


def _data(suite: Suite, name: str, task: Task) -> dict[str, JSON]:
    sources = suite.tasks[task.origin or name].data.sources()
    return {
        "files": [{"path": Path(path).name, "sha256": file_digest(Path(path))} for path in sources],
        "rows": {split: len(getattr(task.data, split)) for split in ("train", "validation", "test")},
        "skipped": list(task.data.skipped),
    }


def versions(names: Sequence[str]) -> dict[str, str]:
    """The versions of the packages that are installed."""
    installed = {}
    for name in names:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def _commit(folder: Path) -> dict[str, JSON] | None:
    """The commit of the folder that holds the suite, where it is a git checkout."""

    def git(*arguments: str) -> str:
        result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
        return result.stdout.strip()

    try:
        return {"hash": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.CalledProcessError):
        return None


def _hardware() -> dict[str, JSON]:
    import psutil

    return {
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "accelerators": _accelerators(),
        **({"attention": "without cuDNN"} if _accelerators() else {}),
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
    }


def processor_name() -> str:
    """The model of the CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _accelerators() -> list[str]:
    """Names of the accelerators, if the run has loaded torch; asking costs nothing then."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def _without_none(**fields: JSON) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value is not None}


def machine() -> dict[str, JSON]:
    """What of this machine determines how fast it computes; the same whether or not torch was loaded."""
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    models = (line.partition(":")[2].strip() for card in cards for line in card.read_text().splitlines()[:1])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    own = {"cpu": processor_name(), "cores": cores, "accelerators": list(models)}
    place = elsewhere()
    return own if place is None else {**own, "computes on": [place.device, place.name]}
