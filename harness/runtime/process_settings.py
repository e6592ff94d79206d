"""How the process of a command is set up before anything is imported: what libraries print, what a console can show."""

import atexit
import gc
import io
import logging
import os
import sys

USUAL_FILES = 256  # that a process has open at most beside those that it knows of


def settle_process() -> None:
    """Once, at the entry point of the command."""
    gc.set_threshold(100_000, 50, 100)  # a run holds many records without cycles: looking for cycles cost a sixth
    atexit.register(gc.freeze)  # nor at the end, when all memory goes back anyway: a fifth of what `check` takes
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")  # our own display shows progress
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # pydantic would look for some in all packages
    quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?" for it


def allow_open_files(count: int) -> None:
    """Let this process have so many files open beside its usual ones, as far as the system lets it."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    demand = count + USUAL_FILES
    if soft != resource.RLIM_INFINITY and soft < demand:
        most = demand if hard == resource.RLIM_INFINITY else min(demand, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def quiet_libraries() -> None:
    """Keep what libraries log of themselves off the console: bitsandbytes, which PEFT imports for every method, warns
    that a faster kernel for 4 bits is not installed, whether 4 bits are used or not; its own kernel answers the same.
    """
    logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
