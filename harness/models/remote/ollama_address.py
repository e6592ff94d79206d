"""What stands at an address where Ollama did not answer as it should, and what to do about it."""

from urllib.parse import urlsplit

from harness.models.remote.address import without_credentials
from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_server import PREFIX, OllamaServer
from harness.text.inert import inert_line

CHECKING = 30.0  # seconds that a check waits at most


def is_silent(failure: CallError) -> bool:
    """Whether nothing answered at all, as where no server runs."""
    import httpx

    return isinstance(failure.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)


def address_fault(host: str, timeout: float, failure: CallError) -> str:
    """What is wrong at a host as the suite writes it, in one sentence with its remedy."""
    import httpx

    shown = inert_line(without_credentials(host))
    if is_silent(failure):
        return f"Ollama does not answer at {shown}; start it with `ollama serve`"
    if isinstance(failure.__cause__, httpx.TimeoutException):
        return f"the server at {shown} takes the connection but does not answer in time; look at what it is doing"
    if failure.status in (401, 403):
        return (
            f"the server at {shown} refuses the key, or the lack of one (HTTP {failure.status}): "
            "put the right one into the environment variable OLLAMA_API_KEY"
        )
    if (failure.status or 0) >= 500 or failure.status == 429:
        return f"the server at {shown} answers with an error: {failure}; look at the server, then run again"
    return _stranger(host, shown, timeout, failure)


def _stranger(host: str, shown: str, timeout: float, failure: CallError) -> str:
    """Of an address at which something else answers, or Ollama under another path."""
    from harness.models.remote.transport import exchange

    reason = str(failure).removeprefix(PREFIX)
    server = OllamaServer(host, timeout, 1)
    parts = urlsplit(server.address)
    try:
        if parts.path.strip("/"):
            root = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            if _is_ollama(host.replace(parts.path, ""), timeout):
                return f"there is no Ollama at {shown}, but there is one at {root}: give the host without a path"
            return f"what answers at {shown} is no Ollama ({reason}); give the host without a path, e.g. {root}"
        with exchange(timeout):
            if server.speaks_openai():
                return (
                    f"what answers at {shown} is no Ollama but a server of OpenAI's protocol: ask it by openai, with "
                    f"url: {shown.rstrip('/')}/v1"
                )
    except CallError:
        pass
    finally:
        server.close()
    return f"what answers at {shown} is no Ollama ({reason}); look at host, or at OLLAMA_HOST"


def _is_ollama(host: str, timeout: float) -> bool:
    from harness.models.remote.transport import exchange

    root = OllamaServer(host, timeout, 1)
    try:
        with exchange(timeout):
            return root.version() is not None
    except CallError:
        return False
    finally:
        root.close()
