"""How one call to a server fails: as data, with a reason that names neither this program's insides nor a traceback."""

from typing import Literal

REASON_LENGTH = 2_000  # characters kept of what a server says; a prediction shows fewer
BUSY = frozenset((429, 502, 503, 504))  # how a server says, or a proxy before it, that it takes no calls now

Blame = Literal["call", "prompt", "silence", "server"]


class CallError(Exception):
    """One call failed. `lasting` means that trying again cannot help.

    blame: "prompt" for one that is too long or cannot be sent, "silence" for a reply that stopped flowing, "server"
    where nothing answers at the address, or nothing came back for too long; "call" is anything else.
    """

    def __init__(
        self, reason: str, lasting: bool, wait: float = 0.0, status: int | None = None, blame: Blame = "call"
    ) -> None:
        super().__init__(" ".join(reason.split())[:REASON_LENGTH])
        self.lasting = lasting
        self.wait = wait  # seconds that the server asked for
        self.status = status  # of HTTP, where the server answered with a failure
        self.blame: Blame = blame

    @property
    def takes_no_calls(self) -> bool:
        """Whether the server is gone or busy: no fault of the call."""
        return self.blame == "server" or (self.status in BUSY and not self.lasting)
