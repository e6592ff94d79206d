"""Which device a model in this process computes on, and how much memory that has."""

import gc
from pathlib import Path

from harness.runtime.computing_place import elsewhere

UNLIMITED = 1 << 60  # version 1 of control groups writes the largest multiple of a page where there is no limit


def choose_device(device: str) -> str:
    """The device named, or for "auto" the first of CUDA, Apple's MPS and the CPU that the machine has."""
    if device != "auto":
        return device
    if (place := elsewhere()) is not None:
        return place.device
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def set_attention_kernels(device: str) -> None:
    """Keep torch from cuDNN's attention on CUDA, for the whole process, as vLLM does too.

    cuDNN builds a plan for each new shape: 2.6 ms a call for kernels of 0.01 to 0.04 ms (H100), paid at every layer of
    every step, for decoding grows the shape by one each token and batches differ in length.
    """
    import torch

    if device == "cuda":
        torch.backends.cuda.enable_cudnn_sdp(False)


def available(device: str) -> int:
    """Bytes in all: of the CUDA device, else of the machine or of the container, whichever is smaller."""
    if (place := elsewhere()) is not None and place.device == device:
        return place.memory
    import psutil
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[1])
    limit = cgroup_limit(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))
    return min(int(psutil.virtual_memory().total), limit or UNLIMITED)


def has_bfloat16(device: str) -> bool:
    """Whether the hardware computes in bfloat16."""
    if (place := elsewhere()) is not None and place.device == device:
        return place.has_bfloat16
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


def cuda_devices() -> int:
    """How many CUDA devices one process has."""
    if (place := elsewhere()) is not None:
        return place.devices if place.device == "cuda" else 0
    import torch

    return int(torch.cuda.device_count())


def cuda_name() -> str:
    """The name of the CUDA device."""
    if (place := elsewhere()) is not None and place.device == "cuda":
        return place.name
    import torch

    return str(torch.cuda.get_device_name())


def free_memory() -> None:
    """Give the memory of deleted networks back, on the CUDA device too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def cgroup_limit(mount: Path, own: Path) -> int | None:
    """The smallest limit of the process's control group and those above it, in bytes; None without one.

    `own` has a line `number:controllers:path` a hierarchy; version 2 has no controllers in it. A container may see the
    mount without the groups above its own: those that are not there are passed over.
    """
    if not own.is_file():
        return None
    limits = []
    for line in own.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (mount / "memory", "memory.limit_in_bytes") if controllers else (mount, "memory.max")
        group = root / path.lstrip("/")
        files = (folder / name for folder in (group, *group.parents) if folder.is_relative_to(root))
        limits += [file.read_text().strip() for file in files if file.is_file()]
    numbers = [int(limit) for limit in limits if limit.isdigit() and int(limit) < UNLIMITED]
    return min(numbers, default=None)
