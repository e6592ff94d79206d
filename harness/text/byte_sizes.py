"""How large something is on a disk, as people say it."""


def sized(size: float) -> str:
    """ "12 kB", "3 MB", "1.2 GB": powers of 1,000."""
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"
