"""The commands about the cache: what lies in it, whether it is whole, and how it becomes smaller or shared."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import HarnessError
from harness.text.byte_sizes import sized

if TYPE_CHECKING:
    from rich.console import Console

    from harness.records.cache_contents import PrunedCache

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
SECONDS = {"h": 3600, "d": 86_400, "w": 7 * 86_400}

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object")]


def show_cache(
    context: typer.Context,
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Where runs lie, to tell whose answers they are")] = Path(
        "runs"
    ),
    as_json: Json = False,
) -> None:
    """Show the cache: its place, its size by kind, and how much of its answers each suite has used.

    HARNESS_CACHE names another place; HARNESS_SHARED_CACHE names a second cache, which is only read. For example:

    harness cache prune --below 20GB --older 90d
    """
    from harness.printing import make_console
    from harness.runtime.cache_inventory import inventory
    from harness.runtime.shared_cache import shared_root
    from harness.text.counting import counted

    if context.invoked_subcommand:
        return
    contents = inventory(runs)
    if as_json:
        print(
            json.dumps(
                {**asdict(contents), "size": contents.size, "shared": str(shared_root() or "") or None}, indent=1
            )
        )
        return
    console = make_console()
    console.print(f"{contents.place}: {sized(contents.size)}, {sized(contents.free)} free on its disk", soft_wrap=True)
    for kind in contents.kinds:
        console.print(f"  {sized(kind.size):>9}  {kind.name}: {counted(kind.count, kind.unit)}", soft_wrap=True)
    if contents.suites or contents.unused:
        console.print(f"\nAnswers by suite, as runs below {runs} name their models:", soft_wrap=True)
    for suite in contents.suites:
        console.print(f"  {sized(suite.size):>9}  {suite.name}: {counted(suite.answers, 'answer')}", soft_wrap=True)
    if contents.unused:
        count = counted(contents.unused.answers, "answer")
        console.print(f"  {sized(contents.unused.size):>9}  of no run there: {count}", soft_wrap=True)
    _print_shared(console)


def _print_shared(console: "Console") -> None:
    """Where the second cache lies, if there is any."""
    from harness.runtime.shared_cache import shared_root

    if (shared := shared_root()) is not None:
        state = "read after it" if shared.is_dir() else "not there, so it is ignored"
        console.print(f"\nShared cache: {shared}: {state}", soft_wrap=True)


def verify_cache(
    place: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Another cache, e.g. a shared one")] = None,
    is_repairing: Annotated[
        bool, typer.Option("--repair", help="Remove what is broken or left over; keep the rows that can be read")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the cache: its databases, the digests of stored weights, and what killed processes left.

    Weights are read whole, which takes as long as that takes. Exit status: 0 all is well, or was mended; 1 something is
    broken.
    """
    from harness.printing import make_console
    from harness.runtime.cache import cache_root
    from harness.runtime.cache_checks import verify

    if place is not None and not place.is_dir():
        raise HarnessError(f"{place}: no folder here; name a cache")
    faults = verify(is_repairing, place)
    if as_json:
        print(
            json.dumps({"place": str(place or cache_root()), "faults": [asdict(fault) for fault in faults]}, indent=1)
        )
    else:
        console = make_console()
        for fault in faults:
            outcome = " (mended)" if fault.is_mended else ""
            console.print(f"{fault.place}: {fault.reason}; {sized(fault.size)}{outcome}", soft_wrap=True)
        remedy = ": harness cache verify --repair" if faults and not is_repairing else ""
        console.print(
            f"{place or cache_root()}: {f'{len(faults)} faults' if faults else 'all is well'}{remedy}", soft_wrap=True
        )
    raise typer.Exit(int(any(fault.is_broken and not fault.is_mended for fault in faults)))


def prune(
    below: Annotated[str | None, typer.Option(metavar="SIZE", help="At most so much, e.g. 20GB or 500MB")] = None,
    older: Annotated[
        str | None, typer.Option(metavar="AGE", help="What was not used for so long, e.g. 90d, 12h or 8w")
    ] = None,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed")] = False,
) -> None:
    """Make the cache smaller: indexes, conversions and downloads that were not used for longest, then trained weights.

    Answers stay. What a process uses at present stays, too. For example:

    harness cache prune --below 20GB --older 90d
    """
    from harness.printing import make_console
    from harness.runtime.pruning import prune_cache

    if below is None and older is None:
        raise HarnessError(
            "harness cache prune: give --below SIZE, --older AGE, or both; e.g. --below 20GB --older 90d"
        )
    most = None if below is None else parse_size(below)
    print_pruned(prune_cache(most, None if older is None else parse_age(older), is_dry), most, is_dry, make_console())


def print_pruned(pruned: "PrunedCache", most: int | None, is_dry: bool, console: "Console") -> None:
    """What went, or would go, and how large the cache is then."""
    for name, size in pruned.removed.items():
        console.print(f"{'would remove' if is_dry else 'removed'} {name}: {sized(size)}", soft_wrap=True)
    verb = "would be" if is_dry else "is"
    console.print(f"The cache {verb} {sized(pruned.size_after)}; it was {sized(pruned.size_before)}.", soft_wrap=True)
    if most is not None and pruned.size_after > most:
        console.print("What remains are answers, and what processes use: neither is removed.", soft_wrap=True)


def publish_cache(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The shared cache; made where it is not there")],
) -> None:
    """Add this machine's cache to one that several machines read: answers, embeddings, weights, indexes.

    The others set HARNESS_SHARED_CACHE=DIR: what their own cache lacks is then looked up there, without any lock, and
    nothing is written there. For example:

    harness cache publish /mnt/team/harness-cache
    """
    from harness.printing import make_console
    from harness.runtime.cache_publishing import publish

    console, added = make_console(), publish(folder)
    for line in added:
        console.print(line, soft_wrap=True)
    state = "published" if added else "has all of it already"
    console.print(f"{folder}: {state}. Others set HARNESS_SHARED_CACHE to it.", soft_wrap=True)


def parse_size(text: str, option: str = "--below") -> int:
    """Bytes of "20GB". Raises HarnessError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?B?)", text.strip(), re.IGNORECASE)
    unit = match[2].upper() if match else "?"
    unit = f"{unit}B" if unit in ("K", "M", "G", "T") else unit
    if match is None or unit not in UNITS:
        raise HarnessError(f"{option} {text}: must be a size such as 20GB or 500MB")
    return int(float(match[1]) * UNITS[unit])


def parse_age(text: str) -> float:
    """Seconds of "90d". Raises HarnessError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([hdw])", text.strip().lower())
    if match is None:
        raise HarnessError(f"--older {text}: must be an age such as 90d, 12h or 8w")
    return float(match[1]) * SECONDS[match[2]]
