"""How long something takes, as people say it."""


def about(seconds: float) -> str:
    """ "about 12 s", "about 5 min", "about 1.5 h"."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
