"""The command `harness list models --server URL`."""

from rich.console import Console

from harness.errors import HarnessError
from harness.models.listing.lookup import list_server
from harness.models.listing.table import print_listing


def list_models(kind: str | None, server: str, key_name: str, console: Console) -> None:
    """Print what the server has. Raises HarnessError for another kind, or where no server is there."""
    if kind not in (None, "model", "models"):
        raise HarnessError(f"a server has models, no {kind}: write `harness list models --server {server}`")
    print_listing(list_server(server, key_name), console)
