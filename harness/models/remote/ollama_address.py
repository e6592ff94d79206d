"""What stands at an address where Ollama did not answer as it should, and what to do about it."""

from contextlib import closing
from urllib.parse import urlsplit

from harness.models.remote.address import without_credentials
from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_server import PREFIX, OllamaServer
from harness.text.inert import inert_line
from harness.text.variables import expanded

KEY = "OLLAMA_API_KEY"  # the environment variable whose value the client sends, where it is set
CHECKING = 30.0  # seconds that a check waits at most


def is_silent(failure: CallError) -> bool:
    """Whether nothing answered at all, as where no server runs."""
    import httpx

    return isinstance(failure.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)


def address_fault(host: str, timeout: float, failure: CallError) -> str:
    """What is wrong at a host as the suite writes it, in one sentence with its remedy."""
    import httpx

    place = inert_line(without_credentials(host))
    if is_silent(failure):
        return f"Ollama does not answer at {place}; start it with `ollama serve`"
    if isinstance(failure.__cause__, httpx.TimeoutException):
        return f"Ollama does not answer at {place} in time, but takes the connection; look at what the server is doing"
    if failure.status in (401, 403):
        return (
            f"the server at {place} refuses the key, or the lack of one (HTTP {failure.status}): "
            f"put the right one into the environment variable {KEY}"
        )
    if (failure.status or 0) >= 500 or failure.status == 429:
        reason = str(failure).removeprefix(PREFIX)
        return f"the server at {place} answers with a failure ({reason}); look at the server, then run again"
    return f"Ollama does not answer at {place}: {_stranger(host, timeout, failure)}"


def _stranger(host: str, timeout: float, failure: CallError) -> str:
    """What answers instead, or where Ollama answers, and the remedy."""
    from harness.models.remote.transport import exchange

    reason = str(failure).removeprefix(PREFIX)
    try:
        server = OllamaServer(str(expanded(host)), timeout)
    except ValueError:
        return "that is no address; write http://HOST:PORT"
    parts = urlsplit(server.address)
    root = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    try:
        with exchange(timeout), closing(server):
            if parts.path.strip("/"):
                is_ollama = _is_ollama(server.address.removesuffix(parts.path), timeout)
                finding = "there is one" if is_ollama else f"what answers is no Ollama ({reason})"
                return f"{finding}{f' at {root}' if is_ollama else ''}; give the host without a path: {root}"
            if server.speaks_openai():
                return (
                    f"what answers there speaks OpenAI's protocol; ask it under openai instead of ollama, with "
                    f"url: {root}/v1"
                )
    except CallError:
        pass
    return f"what answers there is no Ollama ({reason}); look at host, or at OLLAMA_HOST"


def _is_ollama(host: str, timeout: float) -> bool:
    from harness.models.remote.transport import exchange

    try:
        with exchange(timeout), closing(OllamaServer(host, timeout)) as root:
            return root.version() is not None
    except CallError:
        return False
