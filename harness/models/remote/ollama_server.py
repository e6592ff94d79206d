"""An Ollama server: what it tells about itself and its models, and its replies part by part, as plain JSON."""

import json
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING

from harness.models.remote.call_error import CallError
from harness.models.remote.server_reply import error_of, json_of, page_in, page_of, status_failure
from harness.records.inputs import JSON

if TYPE_CHECKING:
    import httpx

PREFIX = "Ollama: "
LIBRARY = "registry.ollama.ai/library/"  # where a name without a place is looked for
EXCERPT = 80  # characters shown of a part that cannot be read


class OllamaServer:
    """One address. The official client knows how hosts and keys are written; whatever goes wrong is a CallError."""

    def __init__(self, host: str, timeout: float) -> None:
        from ollama import Client

        from harness.models.remote.transport import BoundedTransport

        client = Client(host=host, timeout=timeout, transport=BoundedTransport())
        self._http: httpx.Client = client._client
        self.address = str(self._http.base_url).rstrip("/")

    def version(self) -> str | None:
        """Its version; None where what it says is none."""
        content = self._ask("GET", "/api/version")
        version = content.get("version") if isinstance(content, dict) else None
        return version.strip() if isinstance(version, str) and version.strip() else None

    def digests(self) -> dict[str, str]:
        """The digest of each model that was pulled or created, by its name."""
        return {_name_of(entry): str(entry.get("digest", "")) for entry in self._models("/api/tags")}

    def running(self) -> list[str]:
        """The models that are loaded."""
        return [_name_of(entry) for entry in self._models("/api/ps")]

    def show(self, model: str) -> dict[str, JSON]:
        """What it knows of a model: `capabilities`, `model_info`, `parameters`, `template`, each where it is told."""
        content = self._ask("POST", "/api/show", {"model": model})
        return content if isinstance(content, dict) else {}

    def unload(self, model: str) -> None:
        """Have a model's weights unloaded: it answers at once, and lists the model a little longer."""
        self._ask("POST", "/api/generate", {"model": model, "stream": False, "keep_alive": 0})

    def reply(self, path: str, body: Mapping[str, JSON]) -> dict[str, JSON]:
        """A reply in a single part."""
        content = self._ask("POST", path, {**body, "stream": False})
        if not isinstance(content, dict):
            raise CallError(f"{PREFIX}the reply is no JSON object", lasting=False)
        return content

    def parts(self, path: str, body: Mapping[str, JSON]) -> Generator[dict[str, JSON], None, None]:
        """The parts of a streamed reply as they come. Closing the iterator ends the work on it."""
        with self._http.stream("POST", path, json={**body, "stream": True}) as response:
            if not response.is_success:
                response.read()
                raise status_failure(response, PREFIX)
            for line in _lines(response):
                part = _part(line)
                if (problem := error_of(part)) is not None:
                    raise CallError(f"{PREFIX}the server answered with an error: {problem}", lasting=False)
                yield part

    def speaks_openai(self) -> bool:
        """Whether the address answers as a server of OpenAI's protocol."""
        for path in ("/v1/models", "/models"):
            try:
                content = self._ask("GET", path)
            except CallError:
                continue
            if isinstance(content, dict) and isinstance(content.get("data"), list):
                return True
        return False

    def close(self) -> None:
        self._http.close()

    def _models(self, path: str) -> list[dict[str, JSON]]:
        content = self._ask("GET", path)
        entries = content.get("models") if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise CallError(f"{PREFIX}{path} lists no models", lasting=True)
        return [entry for entry in entries if isinstance(entry, dict)]

    def _ask(self, method: str, path: str, body: Mapping[str, JSON] | None = None) -> JSON:
        response = self._http.request(method, path, json=body)
        if not response.is_success:
            raise status_failure(response, PREFIX)
        content = json_of(response)
        if (problem := error_of(content)) is not None:
            raise CallError(f"{PREFIX}the server answered with an error: {problem}", lasting=False)
        if content is None:
            raise CallError(f"{PREFIX}the reply is {page_of(response) or 'no JSON'}", lasting=False)
        return content


def whole_name(name: str) -> str:
    """A model's name as Ollama compares them: without regard to case, with a tag, without the place of its library."""
    name = name.strip().casefold().rpartition("://")[2]
    last = name.rpartition("/")[2]
    name = name if ":" in last else f"{name}:latest"
    return name.removeprefix(LIBRARY).removeprefix("library/")


def _name_of(entry: Mapping[str, JSON]) -> str:
    return str(entry.get("model") or entry.get("name") or "")


def _lines(response: "httpx.Response") -> Iterator[bytes]:
    """The lines of a body. Only line feeds part them: in a text of JSON other breaks may stand as they are."""
    rest = b""
    for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        yield from filter(bytes.strip, lines)
    if rest.strip():
        yield rest


def _part(line: bytes) -> dict[str, JSON]:
    try:
        part = json.loads(line.decode("utf-8"))
    except ValueError as error:
        excerpt = line[:EXCERPT].decode("utf-8", "replace")
        if (page := page_in(excerpt)) is not None:
            raise CallError(
                f"{PREFIX}the reply is {page}, as a proxy or another address answers", lasting=False
            ) from error
        raise CallError(f"{PREFIX}a part of the reply is cut or no JSON: “{excerpt}”", lasting=False) from error
    if not isinstance(part, dict):
        raise CallError(f"{PREFIX}a part of the reply is no JSON object: “{str(part)[:EXCERPT]}”", lasting=False)
    return part
