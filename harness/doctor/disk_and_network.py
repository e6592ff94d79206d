"""What a run needs around it: a place for its cache, servers, the hub, and fonts for those who read its report."""

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError, URLError

from harness.components.packages import is_installed
from harness.errors import HarnessError, StoreError, reason_of
from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_server import OllamaServer
from harness.models.remote.transport import exchange
from harness.records.diagnoses import Diagnosis, State
from harness.runtime.cache import Cache, cache_root
from harness.runtime.cache_inventory import size_of
from harness.runtime.shared_cache import SharedTable, shared_root
from harness.text.byte_sizes import sized

PATIENCE = 3.0  # seconds that a server may take
LITTLE, TOO_LITTLE = 10 * 10**9, 5 * 10**8  # free bytes on a disk
MOST_MODELS = 8  # that are named


def look_at_disk() -> Iterator[Diagnosis]:
    """Free space where the cache and the runs of this folder lie."""
    cache, here = _existing(cache_root()), Path.cwd()
    places = {path.stat().st_dev: path for path in (here, cache)}
    for path in places.values():
        free = shutil.disk_usage(path).free
        state: State = "problem" if free < TOO_LITTLE else "warning" if free < LITTLE else "ok"
        remedy = "" if state == "ok" else "free some space: harness cache prune --below 20GB"
        yield Diagnosis(
            subject="disk", state=state, text=f"{sized(free)} free at {path}", remedy=remedy, is_essential=True
        )  # fmt: skip


def look_at_cache() -> Iterator[Diagnosis]:
    """Its place, whether it can be written and read, and its size."""
    root = cache_root()
    try:
        with tempfile.TemporaryFile(dir=_existing(root)):
            pass
        with closing(Cache(root / "calls.sqlite", read_only=True)):
            pass
    except OSError as error:
        text, remedy = f"{root} cannot be written: {reason_of(error)}", "set HARNESS_CACHE to a folder of yours"
        yield Diagnosis(subject="cache", state="problem", text=text, remedy=remedy, is_essential=True)
        return
    except StoreError as error:
        remedy = "harness cache verify --repair"
        yield Diagnosis(subject="cache", state="problem", text=str(error), remedy=remedy, is_essential=True)
        return
    text = f"{root}, {sized(size_of(root))}" if root.is_dir() else f"{root}, which the first run makes"
    yield Diagnosis(subject="cache", state="ok", text=text)
    if (shared := shared_root()) is not None:
        table = SharedTable(shared / "calls.sqlite")
        is_usable = shared.is_dir() and (table.rows("SELECT key, value FROM calls LIMIT 1") or not table.is_ignored)
        text = f"{shared} {'is read after it' if is_usable else 'has nothing that can be read'}"
        remedy = "" if is_usable else f"harness cache publish {shared}, or unset HARNESS_SHARED_CACHE"
        table.close()
        yield Diagnosis(subject="shared cache", state="ok" if is_usable else "warning", text=text, remedy=remedy)


def look_at_ollama() -> Iterator[Diagnosis]:
    """Whether one answers at OLLAMA_HOST, and its models."""
    host = os.environ.get("OLLAMA_HOST", "").strip()
    is_expected = bool(host) or shutil.which("ollama") is not None
    try:
        with exchange(PATIENCE), closing(OllamaServer(host, PATIENCE)) as server:
            address, models = server.address, sorted(server.digests())
    except (CallError, ValueError, OSError) as error:
        place = host or "this machine"
        text = f"none answers at {place} ({str(error).removeprefix('Ollama: ')}); only its models need one"
        remedy = "ollama serve; or set OLLAMA_HOST" if is_expected else ""
        yield Diagnosis(subject="Ollama", state="warning" if is_expected else "ok", text=text, remedy=remedy)
        return
    more = f" and {len(models) - MOST_MODELS} more" if len(models) > MOST_MODELS else ""
    listed = f"{', '.join(models[:MOST_MODELS])}{more}" if models else "without a model"
    yield Diagnosis(
        subject="Ollama", state="ok" if models else "warning", text=f"at {address}: {listed}",
        remedy="" if models else "ollama pull qwen3:0.6b",
    )  # fmt: skip


def look_at_hub() -> Iterator[Diagnosis]:
    """Whether models can be downloaded by their hub ids, at HF_ENDPOINT where that is set."""
    if not is_installed("huggingface_hub"):
        yield Diagnosis(subject="hub", state="ok", text="not needed: no models in this process are installed")
        return
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        text = "HF_HUB_OFFLINE is set: only models that were downloaded before are there"
        yield Diagnosis(subject="hub", state="ok", text=text, remedy="unset HF_HUB_OFFLINE to download others")
        return
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        with urllib.request.urlopen(request, timeout=PATIENCE):
            pass
        yield Diagnosis(subject="hub", state="ok", text=f"{constants.ENDPOINT} answers")
    except HTTPError as error:
        yield Diagnosis(subject="hub", state="ok", text=f"{constants.ENDPOINT} answers (HTTP {error.code})")
    except (OSError, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        reason = reason_of(cause)
        text = f"{constants.ENDPOINT} cannot be reached ({reason}); models on the disk and of packages work"
        remedy = "export HF_ENDPOINT=URL of a mirror; or export HF_HUB_OFFLINE=1, which spares the waiting"
        yield Diagnosis(subject="hub", state="warning", text=text, remedy=remedy)


def look_at_fonts() -> Iterator[Diagnosis]:
    """Whether this machine can show a report in Chinese: pages bring no fonts."""
    if sys.platform in ("darwin", "win32"):
        yield Diagnosis(subject="fonts", state="ok", text="the system has Chinese fonts")
        return
    lister = shutil.which("fc-list")
    remedy = "apt-get install fonts-noto-cjk, where reports in Chinese are to be read on this machine"
    if lister is None:
        text = "fontconfig is not installed, so there is nothing to show a page with here"
        yield Diagnosis(subject="fonts", state="ok", text=text, remedy=remedy)
        return
    fonts = subprocess.run([lister, ":lang=zh", "family"], capture_output=True, text=True, timeout=20, check=False)
    families = sorted({line.split(",")[0].strip() for line in fonts.stdout.splitlines() if line.strip()})
    if families:
        yield Diagnosis(subject="fonts", state="ok", text=f"Chinese: {', '.join(families[:3])}")
    else:
        yield Diagnosis(subject="fonts", state="warning", text="none has Chinese characters", remedy=remedy)


def _existing(path: Path) -> Path:
    """The folder, or the nearest above it that is there. Raises HarnessError where a file is in the way."""
    nearest = next(own for own in (path, *path.parents) if own.exists())
    if not nearest.is_dir():
        raise HarnessError(f"{nearest} is a file; set HARNESS_CACHE to a folder")
    return nearest
