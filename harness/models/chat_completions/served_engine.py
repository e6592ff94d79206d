"""What stands behind an address: the engine, its version and what else determines replies, as far as it tells."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from harness.models.remote.call_error import CallError
from harness.models.remote.server_reply import count_of, object_of, status_failure
from harness.records.inputs import JSON

if TYPE_CHECKING:
    import httpx

LLAMA_CPP, VLLM, OLLAMA = "llama.cpp", "vLLM", "Ollama"
ANSWERING = 10.0  # seconds for one answer about itself
ATTEMPTS = 3  # to get it
LOADING = 503  # how a server answers that is not ready to tell anything


@dataclass(frozen=True, kw_only=True)
class ServedEngine:
    """An engine as it tells of itself. Whatever is empty or None is not told."""

    name: str = ""
    version: str = ""
    facts: Mapping[str, JSON] = field(default_factory=dict)  # what else determines its replies
    context: int | None = None  # tokens of a prompt and its reply together
    slots: int | None = None  # calls at once

    def identity(self) -> dict[str, JSON]:
        """Its part of a model's identity; empty for an engine that tells nothing."""
        content = {"engine": self.name, "version": self.version, **self.facts}
        return {name: value for name, value in content.items() if value not in ("", None)}


@dataclass(frozen=True)
class ServerRoot:
    """The root of a server, where it tells of itself, and the model that is asked for."""

    client: "httpx.Client"
    url: str  # without a slash at its end
    model: str

    def get(self, path: str) -> dict[str, JSON]:
        """The JSON object at a path; empty where there is none. Raises CallError where nothing answers in time."""
        return self._object(lambda: self.client.get(self.url + path))

    def post(self, path: str, body: JSON) -> dict[str, JSON]:
        """What a request is answered with; empty where that is no success. Raises CallError as `get` does."""
        return self._object(lambda: self.client.post(self.url + path, json=body))

    def _object(self, send: "Callable[[], httpx.Response]") -> dict[str, JSON]:
        """A path that is not known may be answered by anything, but silence or a server that loads tells nothing."""
        import httpx

        from harness.models.remote.transport import RefusedReplyError, exchange

        for attempt in range(ATTEMPTS):
            try:
                with exchange(ANSWERING):
                    response = send()
                break
            except CallError as failure:
                cause = failure.__cause__
                if isinstance(cause, httpx.NetworkError | httpx.ProtocolError) and attempt < ATTEMPTS - 1:
                    continue  # a connection that was kept may be closed by now
                if isinstance(cause, httpx.ProtocolError | httpx.DecodingError | RefusedReplyError):
                    return {}
                raise
        if response.status_code == LOADING:
            raise status_failure(response)
        return object_of(response) if response.is_success else {}


def root_of(url: str) -> str:
    """The root of a server, by the address of its API: http://host:8080 for http://host:8080/v1."""
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def engine_at(root: ServerRoot, listing: Mapping[str, JSON]) -> ServedEngine:
    """The engine at a root; `listing` is what its API says of the model. Raises CallError where nothing answers.

    A path that an engine does not know is answered by others in many ways: only what has the right form counts.
    """
    props = root.get("/props")
    if props.get("role") == "router":  # of several llama.cpp servers, one for each model
        props = root.get(f"/props?model={quote(root.model, safe='')}")
    if "build_info" in props or "default_generation_settings" in props:
        return _llama_cpp(props, listing)
    if "version" in (content := root.get("/api/version")):
        return _ollama(root.model, root.get("/api/tags"), _text(content["version"]))
    if version := _text(root.get("/version").get("version")):
        context = count_of(listing.get("max_model_len"))
        facts = {"root": _text(listing.get("root")), "max_model_len": context}
        return ServedEngine(name=VLLM, version=version, facts=facts, context=context)
    tags = root.get("/api/tags")
    return _ollama(root.model, tags) if any(_text(entry.get("digest")) for entry in _entries(tags)) else ServedEngine()


def _llama_cpp(props: Mapping[str, JSON], listing: Mapping[str, JSON]) -> ServedEngine:
    defaults, meta = props.get("default_generation_settings"), listing.get("meta")
    context = count_of(defaults.get("n_ctx")) if isinstance(defaults, dict) else None
    template = _text(props.get("chat_template"))
    facts = {
        "model_path": _text(props.get("model_path")),
        "template": hashlib.sha256(template.encode("utf-8", "replace")).hexdigest()[:16] if template else "",
        "n_ctx": context,
        "bytes": count_of(meta.get("size")) if isinstance(meta, dict) else None,
        "parameters": count_of(meta.get("n_params")) if isinstance(meta, dict) else None,
    }
    return ServedEngine(
        name=LLAMA_CPP, version=_text(props.get("build_info")), facts=facts, context=context or None,
        slots=count_of(props.get("total_slots")) or None,
    )  # fmt: skip


def _ollama(model: str, tags: Mapping[str, JSON], version: str = "") -> ServedEngine:
    digests = [
        _text(entry.get("digest"))
        for entry in _entries(tags)
        if with_tag(_text(entry.get("model") or entry.get("name"))) == with_tag(model)
    ]
    return ServedEngine(name=OLLAMA, version=version, facts={"digest": next(iter(digests), "")})


def _entries(tags: Mapping[str, JSON]) -> list[Mapping[str, JSON]]:
    models = tags.get("models")
    return [entry for entry in models if isinstance(entry, dict)] if isinstance(models, list) else []


def with_tag(name: str) -> str:
    """A model's name as Ollama compares it."""
    return (name if ":" in name.rpartition("/")[2] else f"{name}:latest").lower()


def changed_facts(before: ServedEngine, after: ServedEngine) -> str:
    """What differs between two looks at one server, in words; empty where nothing does."""
    old, new = before.identity(), after.identity()
    return "; ".join(
        f"{name}: {old.get(name, 'not told')} → {new.get(name, 'not told')}"
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    )


def is_unreachable(failure: CallError) -> bool:
    """Whether nothing answered: no connection."""
    import httpx

    return isinstance(failure.__cause__, httpx.ConnectError | httpx.ConnectTimeout)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""
