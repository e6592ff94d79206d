"""What is installed: Python, the packages against the versions that were tested, the device and what computes on it."""

import logging
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from harness.components.packages import is_installed
from harness.models.local.device import UNLIMITED, cgroup_limit, choose_device
from harness.records.diagnoses import Diagnosis
from harness.text.counting import counted

PYTHON = (3, 11)
DISTRIBUTION = "domain-harness"
MODULES = {  # distribution → module, extra, what it is for
    "torch": ("torch", "local", "models in this process"),
    "transformers": ("transformers", "local", "models in this process"),
    "peft": ("peft", "local", "training of adapters"),
    "faiss-cpu": ("faiss", "local", "fast search of passages"),
    "bitsandbytes": ("bitsandbytes", "train", "models in 4 or 8 bits"),
}
LITTLE = 2 << 30  # bytes of free memory below which a small model hardly fits
SIDE = 64  # of the matrices that are multiplied
LARGEST_ERROR = 0.25  # of a product through 4 bits, against the same through the weights that these stand for


def look_at_python() -> Iterator[Diagnosis]:
    """Its version, and the platform."""
    text = f"Python {platform.python_version()} ({sys.executable}), {platform.platform(terse=True)}"
    is_fit = sys.version_info[:2] >= PYTHON
    remedy = "" if is_fit else f"install Python {PYTHON[0]}.{PYTHON[1]} or newer, and domain-harness into it"
    yield Diagnosis(
        subject="Python", state="ok" if is_fit else "problem", text=text, remedy=remedy, is_essential=True
    )  # fmt: skip


def look_at_packages() -> Iterator[Diagnosis]:
    """The packages whose inner workings matter, against the bounds within which they were tested."""
    bounds = tested_bounds()
    for distribution, (module, extra, purpose) in MODULES.items():
        install = f'pip install "{DISTRIBUTION}[{extra}]"'
        try:
            number = version(distribution)
        except PackageNotFoundError:
            number = ""
        if not number and not is_installed(module):
            text = f"not installed; only {purpose} need it"
            yield Diagnosis(subject=distribution, state="warning", text=text, remedy=install)
            continue
        bound = bounds.get(distribution)
        is_tested = bound is None or not number or bound.specifier.contains(number.partition("+")[0], prereleases=True)
        text = f"{number or 'a version that is not told'}{f', tested: {bound.specifier}' if bound else ''}"
        yield Diagnosis(
            subject=distribution, state="ok" if is_tested else "warning", text=text,
            remedy="" if is_tested else f'pip install "{distribution}{bound.specifier if bound else ""}"',
        )  # fmt: skip


def tested_bounds() -> Mapping[str, Requirement]:
    """The bounds that the package states, by distribution; none of a source tree that is not installed."""
    try:
        stated = [Requirement(line) for line in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        return {}
    return {requirement.name: requirement for requirement in stated if str(requirement.specifier)}


def look_at_device() -> Iterator[Diagnosis]:
    """What models in this process compute on, and its free memory."""
    if not is_installed("torch"):
        yield Diagnosis(
            subject="device", state="ok", text=f"{_gib(free_main_memory())} of memory free; no torch, so none is used"
        )
        return
    import torch

    device = choose_device("auto")
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        text = f"{torch.cuda.get_device_name(0)} (cuda), {_gib(free)} of {_gib(total)} free"
        remedy = "" if free > LITTLE else "end what uses its memory: nvidia-smi lists it"
    else:
        free = free_main_memory()
        cores = f", {counted(torch.get_num_threads(), 'thread')}" if device == "cpu" else ""
        text = f"{device}{cores}, {_gib(free)} of memory free"
        remedy = "" if free > LITTLE else "end what uses the memory, or take a smaller model: harness plan MODEL"
    yield Diagnosis(subject="device", state="warning" if remedy else "ok", text=text, remedy=remedy)
    if device == "cpu" and _has_nvidia_card():
        text = f"there is an NVIDIA card, and torch {torch.__version__} does not use it"
        remedy = "install the torch of your CUDA version: see docs/training.md"
        yield Diagnosis(subject="accelerator", state="warning", text=text, remedy=remedy)


def look_at_search() -> Iterator[Diagnosis]:
    """Whether FAISS finds a vector."""
    if not is_installed("faiss"):
        return
    import faiss
    import numpy as np

    vectors = np.eye(4, dtype=np.float32)
    index = faiss.IndexFlatIP(4)
    index.add(vectors)
    places = index.search(vectors, 1)[1].reshape(-1).tolist()
    is_right = places == [0, 1, 2, 3]
    text = "finds what it should" if is_right else f"finds {places} in place of [0, 1, 2, 3]"
    remedy = "" if is_right else 'pip install --force-reinstall "domain-harness[local]"'
    yield Diagnosis(subject="faiss search", state="ok" if is_right else "problem", text=text, remedy=remedy)


def look_at_four_bits() -> Iterator[Diagnosis]:
    """Whether bitsandbytes multiplies by a matrix in 4 bits on this device (NF4, Dettmers et al. 2023)."""
    if not is_installed("bitsandbytes") or not is_installed("torch"):
        return
    import torch

    device = choose_device("auto")
    install = 'pip install --upgrade "domain-harness[train]"'
    try:
        import bitsandbytes

        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it tells of kernels that would be faster
        generator = torch.Generator().manual_seed(0)
        weights = torch.randn(SIDE, SIDE, generator=generator).to(device)
        inputs = torch.randn(4, SIDE, generator=generator).to(device)
        packed, state = bitsandbytes.functional.quantize_4bit(weights, quant_type="nf4")
        product = bitsandbytes.matmul_4bit(inputs, packed.t(), quant_state=state)
        exact = inputs @ bitsandbytes.functional.dequantize_4bit(packed, state).t()
        error = float(((product - exact).norm() / exact.norm()).item())
    except Exception as failure:  # of many kinds: a library that is not there, a device that it does not know
        text = f"does not compute in 4 bits on {device}: {str(failure).partition(chr(10))[0]}"
        remedy = f"{install}; models without bits: 4 do not need it"
        yield Diagnosis(subject="4 bits", state="warning", text=text, remedy=remedy)
        return
    is_right = error < LARGEST_ERROR
    text = f"a product in 4 bits on {device} is {'right' if is_right else f'wrong by {error:.0%}'}"
    yield Diagnosis(
        subject="4 bits", state="ok" if is_right else "problem", text=text, remedy="" if is_right else install
    )


def free_main_memory() -> int:
    """Bytes of memory that can be had: of the machine, or of what the container's limit leaves."""
    import psutil

    limit = cgroup_limit(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup"))
    used = Path("/sys/fs/cgroup/memory.current")
    taken = int(used.read_text()) if limit and used.is_file() else 0
    return min(int(psutil.virtual_memory().available), (limit or UNLIMITED) - taken)


def _has_nvidia_card() -> bool:
    return any(Path("/proc/driver/nvidia/gpus").glob("*"))


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
