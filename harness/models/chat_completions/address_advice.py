"""What stands at an address where no model is listed: what the right address would be, if anything tells it."""

from typing import TYPE_CHECKING

from harness.models.remote.server_reply import error_of, json_of, object_of, text_of

if TYPE_CHECKING:
    import httpx

ENDPOINTS = ("/chat/completions", "/completions", "/models", "/embeddings", "/responses")
NO_PATH = (404, 405)  # statuses of a path that is not there
EXCERPT = 80  # characters


def model_entries(response: "httpx.Response") -> list[dict[str, object]]:
    """The entries of a list of models; none where the answer is no such list."""
    entries = object_of(response).get("data") if response.is_success else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def address_fault(client: "httpx.Client", url: str, listing: "httpx.Response") -> str | None:
    """What is wrong with an address whose list of models was answered so; None where it may be right.

    Some services list no models, so the address of the calls has the last word. Raises CallError where nothing answers.
    """
    if not _leads_nowhere(listing):
        return None
    for other in _others(url.rstrip("/")):
        if isinstance(object_of(client.get(f"{other}/models")).get("data"), list):
            return f"{url} lists no models ({_excerpt(listing)}), but {other} does; set url: {other}"
    call = client.post("/chat/completions", json={})
    if not _leads_nowhere(call):
        return None
    return (
        f"what answers at {url} speaks no chat completions (GET /models: {_excerpt(listing)}; POST /chat/completions: "
        f"{_excerpt(call)}); give the server's address up to its /v1"
    )


def _others(url: str) -> list[str]:
    """Addresses that may have been meant, the likeliest first."""
    shortened = next((url.removesuffix(ending) for ending in ENDPOINTS if url.endswith(ending)), url)
    scheme, mark, rest = shortened.partition("://")
    host = scheme + mark + rest.partition("/")[0]
    candidates = (shortened, f"{shortened}/v1", f"{host}/v1", f"{host}/api/v1", f"{host}/openai/v1")
    return [other for other in dict.fromkeys(candidates) if other != url]


def _leads_nowhere(response: "httpx.Response") -> bool:
    return response.status_code in NO_PATH or _is_page(response)


def _is_page(response: "httpx.Response") -> bool:
    """Whether it is a page for people; a gateway's page about a failure is none."""
    return response.status_code < 500 and json_of(response) is None and "<html" in text_of(response)[:2000].lower()


def _excerpt(response: "httpx.Response") -> str:
    if _is_page(response):
        return f"HTTP {response.status_code}, a web page"
    reason = " ".join((error_of(json_of(response)) or text_of(response)).split())
    return f"HTTP {response.status_code}: {reason[:EXCERPT]}" if reason else f"HTTP {response.status_code}"
