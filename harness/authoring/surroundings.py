"""What this machine can do, told without importing torch: memory, accelerator, extras, Ollama, models that are here."""

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.components.packages import is_extra_installed
from harness.errors import HarnessError
from harness.models.listing.listing import ListedModel
from harness.models.listing.lookup import list_server
from harness.models.local.device import UNLIMITED, cgroup_limit

_OLLAMA = "http://localhost:11434"


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What models may be proposed by; sizes in bytes."""

    memory: int  # of the machine or its container
    accelerator: str | None = None  # in words
    accelerator_memory: int = 0
    has_local: bool = False  # models in this process
    has_train: bool = False  # 4-bit training
    ollama: str | None = None  # the server, in words; None where none answers
    ollama_host: str = _OLLAMA
    ollama_models: tuple[ListedModel, ...] = ()
    hub_models: tuple[str, ...] = ()  # in the local cache of the hub

    @property
    def room(self) -> int:
        """Bytes that a model in this process has."""
        return self.accelerator_memory or self.memory

    def sentence(self) -> str:
        """The machine in words."""
        device = f"{self.accelerator} ({self.accelerator_memory / 2**30:.0f} GiB)" if self.accelerator else "no GPU"
        server = f"{self.ollama}: {len(self.ollama_models)} models" if self.ollama else "no Ollama answers"
        local = "models in this process" if self.has_local else 'no models in this process ("domain-harness[local]")'
        return f"{self.memory / 2**30:.0f} GiB of memory, {device}; {server}; {local}"


def look_around() -> Machine:
    """The machine as it is now; a server that does not answer is none."""
    import psutil

    limit = cgroup_limit(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")) or UNLIMITED
    host = os.environ.get("OLLAMA_HOST", "").strip() or _OLLAMA
    try:
        listing = list_server(host, "OPENAI_API_KEY")
    except HarnessError:
        listing = None
    is_ollama = listing is not None and listing.server.startswith("Ollama")
    accelerator, memory = _accelerator(int(psutil.virtual_memory().total))
    return Machine(
        memory=min(int(psutil.virtual_memory().total), limit),
        accelerator=accelerator,
        accelerator_memory=memory,
        has_local=is_extra_installed("local"),
        has_train=is_extra_installed("train"),
        ollama=listing.server if listing is not None and is_ollama else None,
        ollama_host=listing.address if listing is not None else host,
        ollama_models=listing.models if listing is not None and is_ollama else (),
        hub_models=_cached_models(),
    )


def _accelerator(memory: int) -> tuple[str | None, int]:
    """The first NVIDIA device, or Apple's GPU, which shares the machine's memory."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "Apple GPU", memory
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
        name, _, mebibytes = listed.stdout.splitlines()[0].rpartition(",")
        return name.strip(), int(mebibytes) << 20
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None, 0


def _cached_models() -> tuple[str, ...]:
    """The causal language models in the hub's local cache, by id."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    root = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    names = []
    for folder in sorted(root.glob("models--*")) if root.is_dir() else ():
        for file in folder.glob("snapshots/*/config.json"):
            try:
                architectures = json.loads(file.read_text(encoding="utf-8")).get("architectures") or []
            except (OSError, ValueError, AttributeError):
                continue
            if any(str(name).endswith("ForCausalLM") for name in architectures):
                names.append(folder.name.removeprefix("models--").replace("--", "/"))
    return tuple(dict.fromkeys(names))
