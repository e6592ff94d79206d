"""Finds out what kind of server an address leads to. Only reading requests are sent, and no model is loaded."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from harness.errors import ModelError
from harness.models.listing.listing import ServerListing
from harness.models.listing.ollama_listing import ollama_listing
from harness.models.listing.openai_listing import openai_listing
from harness.models.listing.site import site
from harness.models.remote.address import address_mistake, server_secrets, without_credentials
from harness.models.remote.call_error import CallError
from harness.text.inert import inert_line
from harness.text.redaction import Redaction
from harness.text.variables import expanded, variables_in

OLLAMA_KEY = "OLLAMA_API_KEY"


def list_server(written: str, key_name: str) -> ServerListing:
    """What the server at an address has; `key_name` is the environment variable with the key of an OpenAI server.

    Raises ModelError where no such server is there.
    """
    mistake = address_mistake(written)
    if mistake is not None:
        raise ModelError(f"--server {inert_line(without_credentials(written))} {mistake}")
    address = expanded(written).rstrip("/")
    address = address if "://" in address else f"http://{address}"
    try:
        listing = _listing(address, key_name)
    except CallError as failure:
        redaction = Redaction(server_secrets([written], key_name, ""), variables_in(written))
        reason = inert_line(redaction.redact_message(str(failure)))[:300]
        raise ModelError(
            f"nothing answers at {_address_text(written)} ({reason}); start the server or correct the address"
        ) from failure
    if listing is None:
        raise ModelError(
            f"{_address_text(written)} is no model server: neither Ollama's list (/api/tags) nor OpenAI's "
            "(/v1/models) is there; give the address of the server, such as http://localhost:11434 or http://localhost:8000/v1"
        )
    return listing


def _listing(address: str, key_name: str) -> ServerListing | None:
    """The first list that an address leads to: as it is written, without its path, with OpenAI's usual one."""
    with site(OLLAMA_KEY) as ollama:
        for root in dict.fromkeys([address.removesuffix("/v1"), _origin(address)]):
            if (listing := ollama_listing(ollama, root)) is not None:
                return listing
    with site(key_name) as openai:
        for base in _bases(address):
            if (listing := openai_listing(openai, base, key_name)) is not None:
                return listing
    return None


def _bases(address: str) -> Iterator[str]:
    origin = _origin(address)
    yield from dict.fromkeys(
        ([] if address == origin else [address]) + [f"{address.removesuffix('/v1')}/v1", f"{origin}/v1"]
    )


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _address_text(written: str) -> str:
    return inert_line(without_credentials(written))
