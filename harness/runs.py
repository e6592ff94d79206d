"""Which folder a run writes to: a new one, or the unfinished one of the same suite, so that a run can be resumed."""

from datetime import datetime
from pathlib import Path

from harness.errors import StoreError
from harness.store import RunFolder
from harness.suite import Suite
from harness.types import JSON

ROOT = Path("runs")


def folder_for(suite: Suite, out: Path | None) -> RunFolder:
    """The folder named by the user, else the suite's unfinished one, else a new one named by the time."""
    if out is not None:
        return _named(suite, out)
    root = ROOT / suite.name
    last = latest(root)
    if last is not None and is_unfinished(last.read_run(), suite):
        return last
    stamp = datetime.now().strftime("%Y-%m-%d_%H%M%S")
    fresh = [stamp, *(f"{stamp}-{i}" for i in range(2, 1000))]
    return RunFolder(root / next(name for name in fresh if not (root / name).exists()))


def latest(root: Path) -> RunFolder | None:
    """The newest run below a suite's folder."""
    runs = sorted((path.parent for path in root.glob("*/run.json")), key=lambda path: path.name)
    return RunFolder(runs[-1]) if runs else None


def run_at(place: Path) -> RunFolder:
    """The run that a path means: a run folder, or the newest run below a suite's folder."""
    if (place / "run.json").is_file():
        return RunFolder(place)
    last = latest(place)
    if last is None:
        raise StoreError(f"{place}: no run here; name a folder made by `harness run`, such as {ROOT}/NAME")
    return last


def is_unfinished(record: dict[str, JSON], suite: Suite) -> bool:
    """Whether a run of this very suite was cut short."""
    same = record["suite"]["text"] == suite.text and record["suite"]["prompts"] == dict(suite.prompts)
    return bool(same and record["status"] != "complete")


def _named(suite: Suite, out: Path) -> RunFolder:
    folder = RunFolder(out)
    if (out / "run.json").exists() and (name := folder.read_run()["suite"]["name"]) != suite.name:
        raise StoreError(f"{out} holds a run of suite {name}; choose another folder with --out")
    if out.exists() and not out.is_dir():
        raise StoreError(f"{out} is a file; choose another place with --out")
    return folder
