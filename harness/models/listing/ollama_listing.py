"""The models of an Ollama server."""

from collections.abc import Mapping

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
from harness.records.inputs import JSON


def ollama_listing(site: Site, root: str) -> ServerListing | None:
    """What the Ollama at an address has; None where there is none."""
    version = site.content(f"{root}/api/version")
    entries = entries_in(site.content(f"{root}/api/tags"), "models")
    if not isinstance(version, dict) or "version" not in version or entries is None:
        return None
    running = entries_in(site.content(f"{root}/api/ps"), "models")
    loaded = None if running is None else {_name(entry): entry for entry in running}
    names = [entry for entry in entries if _name(entry)]
    return ServerListing(
        server=f"Ollama {text_in(version['version']) or 'of an unknown version'}",
        address=root,
        example="ollama: {model: NAME, host: " + root + "}",
        remedy="Pull one: ollama pull qwen2.5:0.5b",
        models=tuple(_model(site, root, entry, loaded) for entry in sorted(names, key=_name)),
    )


def _name(entry: Mapping[str, JSON]) -> str:
    return text_in(entry.get("model")) or text_in(entry.get("name")) or ""


def _model(
    site: Site, root: str, entry: Mapping[str, JSON], loaded: Mapping[str, Mapping[str, JSON]] | None
) -> ListedModel:
    """A model by its entry in the list; what older versions tell only when asked about each model is asked for."""
    details, name = object_in(entry, "details"), _name(entry)
    context, capabilities = count_in(details.get("context_length")), texts_in(entry.get("capabilities"))
    if context is None or capabilities is None:
        description = site.content(f"{root}/api/show", {"model": name})
        information = object_in(description, "model_info")
        context = context or count_in(information.get(f"{information.get('general.architecture')}.context_length"))
        named = description.get("capabilities") if isinstance(description, dict) else None
        capabilities = capabilities or texts_in(named)
    return ListedModel(
        name=name,
        size=count_in(entry.get("size")),
        parameters=text_in(details.get("parameter_size")),
        quantisation=text_in(details.get("quantization_level")),
        context=context,
        capabilities=capabilities,
        loaded=None if loaded is None else _loaded(loaded.get(name)),
    )


def _loaded(entry: Mapping[str, JSON] | None) -> str:
    if entry is None:
        return "no"
    context = count_in(entry.get("context_length"))
    return "yes" if context is None else f"yes, with context {context:,}"
