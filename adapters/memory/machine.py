"""Giving back to the machine the memory that we free."""

import ctypes
from contextlib import suppress

MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h
LARGE = 256 << 10  # bytes


def return_freed_memory() -> None:
    """Let freed tensors go back to the system at once, on Linux; call it before a training on the CPU.

    glibc gives large blocks pages of their own, but raises what it calls large to the size of whatever is freed, up to
    32 MiB (mallopt(3)). Freed activations then stay in a heap full of holes: a training took up to twice its tensors
    (benchmarks/memory.py --heap). A limit that is set stays where it is.
    """
    with suppress(OSError, AttributeError):  # musl and others have no such limit
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE)
