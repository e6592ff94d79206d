"""How one call to a server fails: as data, with a reason that names neither this program's insides nor a traceback."""

REASON_LENGTH = 2_000  # characters kept of what a server says; a prediction shows fewer


class CallError(Exception):
    """One call failed. `lasting` means that trying again cannot help."""

    def __init__(self, reason: str, lasting: bool, wait: float = 0.0, status: int | None = None) -> None:
        super().__init__(" ".join(reason.split())[:REASON_LENGTH])
        self.lasting = lasting
        self.wait = wait  # seconds that the server asked for
        self.status = status  # of HTTP, where the server answered with a failure
