"""How much memory this process, or its accelerator, takes at the highest point since it was last asked to forget."""

import sys
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def reset_peak(device: str) -> None:
    """Forget the highest point so far, so that `peak_memory` is of what comes and not of what was."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
    elif RESET.exists():
        with suppress(OSError):  # a sandbox may forbid it: the peak is then the process's
            RESET.write_text("5")  # proc(5): sets the high-water mark to what is resident now


def peak_memory(device: str) -> int:
    """Bytes at the highest point since `reset_peak`; of the whole process where neither CUDA nor Linux can reset it."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    if STATUS.exists():
        marks = (line.split() for line in STATUS.read_text().splitlines())
        for name, *value in marks:
            if name == "VmHWM:":
                return int(value[0]) * 1024
    import resource  # not on every system

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def device_in_use() -> str:
    """Where networks of this process compute, as far as one was loaded: "cuda", or else "cpu"."""
    torch = sys.modules.get("torch")
    return "cuda" if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized() else "cpu"
