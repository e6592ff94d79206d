"""What keeps a server from being asked, found before a run: another address, another protocol, a model it lacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.models.chat_completions.served_engine import LLAMA_CPP, OLLAMA, ServedEngine, root_of, with_tag
from harness.models.remote.server_reply import error_of, json_of, object_of, page_of, text_of
from harness.records.inputs import JSON
from harness.text.variables import expanded

if TYPE_CHECKING:
    import httpx

ENDPOINTS = ("/chat/completions", "/completions", "/models", "/embeddings", "/responses")
NO_PATH = (404, 405)  # statuses of a path that is not there
EXCERPT = 80  # characters
LISTED = 20  # names shown


def model_entries(listing: "httpx.Response") -> list[Mapping[str, JSON]]:
    """The entries of a list of models; none where the answer is no such list."""
    entries = object_of(listing).get("data") if listing.is_success else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def names_of(entry: Mapping[str, JSON]) -> list[str]:
    """The names under which a model of such a list can be asked for: llama.cpp may give it several."""
    aliases = entry.get("aliases")
    names = [entry.get("id"), *(aliases if isinstance(aliases, list) else [])]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


@dataclass(frozen=True, kw_only=True)
class ServerCheck:
    """Looks at a server that has answered to GET /models. Raises CallError where it no longer answers."""

    client: "httpx.Client"
    url: str  # as the suite writes it
    model: str
    engine: ServedEngine

    def fault(self, listing: "httpx.Response", stated_context: int | None) -> str | None:
        """What is wrong with the server, its address or the model's name, with the remedy; None where nothing is."""
        return self._context_fault(stated_context) or self._model_fault(listing)

    def _context_fault(self, stated: int | None) -> str | None:
        actual = self.engine.context
        if self.engine.name == OLLAMA and stated is None:
            return (
                f"what answers at {self.url} is an Ollama, whose /v1 ignores num_ctx and cuts long prompts in silence; "
                f"use ollama: {{model: {self.model}, host: {root_of(self.url)}}}, or state as server_context the "
                "context that was set on the server (OLLAMA_CONTEXT_LENGTH, in tokens)"
            )
        if actual is not None and stated is not None and stated > actual:
            return (
                f"server_context {stated} is more than the {actual} tokens that the server at {self.url} has for a "
                f"prompt and its reply; set server_context: {actual} or less, or raise the server's context"
            )
        return None

    def _model_fault(self, listing: "httpx.Response") -> str | None:
        names = [name for entry in model_entries(listing) for name in names_of(entry)]
        if not names:
            return self._address_fault(listing)
        is_listed = self.model in names
        if self.engine.name == OLLAMA:
            is_listed = with_tag(self.model) in map(with_tag, names)
        if is_listed:
            return None
        remedy = f"; write one of them, or start it with --alias {self.model}" if self.engine.name == LLAMA_CPP else ""
        return f"{self.url} has no model {self.model}; it has: {', '.join(sorted(set(names))[:LISTED])}{remedy}"

    def _address_fault(self, listing: "httpx.Response") -> str | None:
        """Some services list no models, so the address of the calls has the last word."""
        if not _leads_nowhere(listing):
            return None
        for address in _candidate_addresses(self.url.rstrip("/")):
            if isinstance(object_of(self.client.get(f"{expanded(address)}/models")).get("data"), list):
                return f"{self.url} lists no models ({_excerpt(listing)}), but {address} does; set url: {address}"
        call = self.client.post("/chat/completions", json={})
        if not _leads_nowhere(call):
            return None
        return (
            f"what answers at {self.url} speaks no chat completions (GET /models: {_excerpt(listing)}; "
            f"POST /chat/completions: {_excerpt(call)}); give the server's address up to its /v1"
        )


def _candidate_addresses(url: str) -> list[str]:
    """Addresses that may have been meant, the likeliest first."""
    shortened = next((url.removesuffix(ending) for ending in ENDPOINTS if url.endswith(ending)), url)
    scheme, mark, rest = shortened.partition("://")
    host = scheme + mark + rest.partition("/")[0]
    candidates = (shortened, f"{shortened}/v1", f"{host}/v1", f"{host}/api/v1", f"{host}/openai/v1")
    return [address for address in dict.fromkeys(candidates) if address != url]


def _leads_nowhere(response: "httpx.Response") -> bool:
    return response.status_code in NO_PATH or _is_page(response)


def _is_page(response: "httpx.Response") -> bool:
    """Whether it is a page for people; a gateway's page about a failure is none."""
    return response.status_code < 500 and page_of(response) is not None


def _excerpt(response: "httpx.Response") -> str:
    if (page := page_of(response)) is not None:
        return f"HTTP {response.status_code}, {page}"
    reason = " ".join((error_of(json_of(response)) or text_of(response)).split())
    return f"HTTP {response.status_code}: {reason[:EXCERPT]}" if reason else f"HTTP {response.status_code}"
