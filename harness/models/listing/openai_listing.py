"""The models of a server that speaks OpenAI's protocol."""

from collections.abc import Mapping, Sequence

from harness.errors import ModelError
from harness.models.listing.listing import (
    ListedModel,
    ServerListing,
    count_in,
    entries_in,
    object_in,
    text_in,
    texts_in,
)
from harness.models.listing.site import Site
from harness.models.remote.server_reply import json_of, status_failure
from harness.records.inputs import JSON
from harness.text.inert import inert_line

OWNERS = {  # `owned_by` of a model → the server's name, where it tells its version, and under which key
    "llamacpp": ("llama.cpp", "/props", "build_info"),
    "vllm": ("vLLM", "/version", "version"),
    "sglang": ("SGLang", "/get_server_info", "version"),
}
UNKNOWN = "an OpenAI-compatible server"


def openai_listing(site: Site, base: str, key_name: str) -> ServerListing | None:
    """What the server has whose models are listed at BASE/models; None where no list is there.

    Raises CallError where nothing answers, ModelError for a key that is refused.
    """
    response = site.get(f"{base}/models")
    if response.status_code in (401, 403):
        raise ModelError(
            f"{base} refuses the key (HTTP {response.status_code}); set the environment variable {key_name}, or name "
            "the one that holds it by --api-key"
        )
    if response.status_code == 429 or response.status_code >= 500:
        raise ModelError(f"{base} cannot list its models now: {inert_line(str(status_failure(response)))[:300]}")
    content = json_of(response)
    entries = entries_in(content, "data")
    if not response.is_success or entries is None:
        return None
    abilities = {text_in(entry.get("name")): texts_in(entry.get("capabilities")) for entry in _described(content)}
    models = [_model(entry, abilities) for entry in entries if text_in(entry.get("id"))]
    return ServerListing(
        server=_server(site, base, entries),
        address=base,
        example="openai: {model: NAME, url: " + base + "}",
        remedy="Start the server with a model.",
        models=tuple(sorted(models, key=lambda model: model.name)),
    )


def _described(content: JSON) -> list[dict[str, JSON]]:
    """What llama.cpp says of its models a second time, in Ollama's form."""
    return entries_in(content, "models") or []


def _model(entry: Mapping[str, JSON], abilities: Mapping[str | None, tuple[str, ...] | None]) -> ListedModel:
    meta, name = object_in(entry, "meta"), text_in(entry.get("id")) or ""
    context = count_in(
        meta.get("n_ctx"), entry.get("max_model_len"), entry.get("loaded_context_length"),
        entry.get("context_length"), entry.get("context_window"), entry.get("max_context_length"),
    )  # fmt: skip
    trained = count_in(meta.get("n_ctx_train"))
    return ListedModel(
        name=name,
        size=count_in(meta.get("size")),
        parameters=_parameters(count_in(meta.get("n_params"))),
        quantisation=text_in(meta.get("ftype")) or text_in(entry.get("quantization")),
        context=context or trained,
        trained=trained if context and trained and context < trained else None,
        capabilities=texts_in(entry.get("capabilities")) or abilities.get(name),
    )


def _parameters(count: int | None) -> str | None:
    """As Ollama writes them: 134.52M."""
    if count is None:
        return None
    unit, divisor = ("B", 10**9) if count >= 10**9 else ("M", 10**6)
    return f"{count / divisor:.2f}{unit}"


def _server(site: Site, base: str, entries: Sequence[Mapping[str, JSON]]) -> str:
    owners = [owner for entry in entries if isinstance(owner := entry.get("owned_by"), str) and owner in OWNERS]
    if not owners:
        return UNKNOWN
    name, path, key = OWNERS[owners[0]]
    description = site.content(base.removesuffix("/v1") + path)
    version = text_in(description.get(key)) if isinstance(description, dict) else None
    return name if version is None else f"{name} {version}"
