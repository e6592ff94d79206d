"""The address of a server as a suite writes it: what is wrong with it, and which secrets it and other fields hold."""

import base64
import hashlib
import ipaddress
import json
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from harness.records.inputs import JSON
from harness.text.redaction import is_secret, resembles_key
from harness.text.variables import VARIABLE, expanded, names_in, variables_in


def address_mistake(written: str) -> str | None:
    """What is wrong with an address such as http://localhost:8000/v1; None for a good one. Shows none of its values.

    A variable in it that is not set is the suite's mistake and said there.
    """
    import httpx

    if any(name not in variables_in(written) for name in names_in(written)):
        return None
    text = expanded(written)
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except (httpx.InvalidURL, ValueError, TypeError):
        return "is no address; write http://HOST:PORT/PATH"
    if url.scheme not in ("http", "https") or not _is_host(url.raw_host.decode()):
        return "is no address; write http://HOST:PORT/PATH"
    if url.port is not None and not 0 < url.port < 65536:
        return "has a port that does not exist; ports go from 1 to 65535"
    if url.query or url.fragment:
        return "must end before ? and #; further fields of a request go into its body"
    if url.password and not VARIABLE.search(written.partition("@")[0]):
        return "holds a password; put it into an environment variable and write ${NAME} in its place"
    return None


def _is_host(host: str) -> bool:
    """Whether a name could be looked up: parts of 1 to 63 characters, 253 together; or an address of version 6."""
    if ":" in host:
        return True
    parts = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(re.fullmatch(r"[\w~-]{1,63}", part, re.ASCII) for part in parts)


def literal_secret(content: JSON, name: str = "") -> str | None:
    """The name of a field that holds a secret as it is, instead of `${NAME}`; None where there is none."""
    parts: Iterable[tuple[str, JSON]] = content.items() if isinstance(content, Mapping) else ()
    if isinstance(content, list | tuple):
        parts = ((name, part) for part in content)
    for key, part in parts:
        if (field := literal_secret(part, str(key))) is not None:
            return field
    if not isinstance(content, str) or VARIABLE.search(content):
        return None
    value = content.split(" ")[-1]  # Bearer …
    return name if is_secret(name, value) and resembles_key(value) else None


def server_secrets(written: JSON, key_name: str, key: str) -> dict[str, str]:
    """What must be written nowhere: the key that is sent, and what the variables of a model's fields hold."""
    secrets = {name: v for name, v in variables_in(written).items() if is_secret(name, v) or resembles_key(v)}
    for address in _texts(written):
        secrets |= _basic_credentials(address)
    return secrets | ({key_name: key} if key else {})


def variables_digest(written: JSON) -> str | None:
    """What the variables of a model's fields hold, as a digest that is slow to guess; None where there are none."""
    values = variables_in(written)
    if not values:
        return None
    content = json.dumps(values, sort_keys=True).encode()
    return hashlib.scrypt(content, salt=b"domain-harness", n=2**14, r=8, p=1, dklen=8).hex()


def without_credentials(address: str) -> str:
    """An address without the name and the password before its host."""
    scheme, mark, rest = address.rpartition("://")
    place, slash, path = rest.partition("/")
    return scheme + mark + place.rpartition("@")[2] + slash + path


def _basic_credentials(address: str) -> dict[str, str]:
    """`name:password` before a host, as a server may echo it: the password, and both as HTTP sends them."""
    credentials, mark, _ = expanded(address).rpartition("://")[2].partition("/")[0].rpartition("@")
    user, colon, password = credentials.partition(":")
    if not (mark and colon and password):
        return {}
    plain = f"{unquote(user)}:{unquote(password)}".encode("utf-8", "replace")
    return {"PASSWORD": unquote(password), "CREDENTIALS": base64.b64encode(plain).decode()}


def _texts(content: JSON) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content.values() if isinstance(content, Mapping) else content if isinstance(content, list) else ():
        yield from _texts(part)


def is_this_machine(address: str) -> bool:
    """Whether a server at an address, as the suite writes it, runs on the machine that asks it."""
    import httpx

    text = str(expanded(address))
    try:
        host = httpx.URL(text if "://" in text else f"http://{text}").host
    except (httpx.InvalidURL, ValueError, TypeError):
        return False
    if host in ("localhost", socket.gethostname()) or host.endswith(".localhost"):
        return True
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return False
    return number.is_loopback or number.is_unspecified
