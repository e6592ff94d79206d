"""What an Ollama server tells of one of its models: digest, capabilities, trained length, stop strings."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property

from harness.models.remote.call_error import CallError
from harness.models.remote.ollama_server import OllamaServer, whole_name
from harness.records.inputs import JSON

LISTING = (0, 12, 11)  # the version from which it lists the likeliest tokens
REFUSING = (0, 12, 6)  # the version from which Ollama answers an error where it used to cut a prompt
UNTOLD = "not told"  # the version of a server that tells none


class ServedModel:
    """One model by its name, as its server told it when it was first asked. Raises CallError."""

    def __init__(self, connect: Callable[[], OllamaServer], name: str) -> None:
        self._connect, self.name = connect, name

    @property
    def server(self) -> OllamaServer:
        return self._connect()

    @cached_property
    def version(self) -> str:
        """The server's version. Answers of two versions differ, so that one that cannot be read stands as such."""
        try:
            return self.server.version() or UNTOLD
        except CallError as failure:
            if failure.status is None and failure.lasting is False and failure.__cause__ is not None:
                raise  # it did not answer
            return UNTOLD

    @cached_property
    def listed(self) -> dict[str, str]:
        """The digest of every model there, by its name as it is listed."""
        return self.server.digests()

    @property
    def digest(self) -> str | None:
        """None where there is no such model."""
        full_name = whole_name(self.name)
        return next((digest for name, digest in self.listed.items() if whole_name(name) == full_name), None)

    @cached_property
    def facts(self) -> Mapping[str, JSON]:
        """What /api/show says; nothing where the server does not know that."""
        try:
            return self.server.show(self.name)
        except CallError as failure:
            if failure.status is None:
                raise
            return {}

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do, e.g. completion, thinking, vision, embedding; nothing where that is not told."""
        named = self.facts.get("capabilities")
        return frozenset(map(str, named)) if isinstance(named, list) else frozenset()

    @property
    def trained_length(self) -> int | None:
        """The context length that it was trained with, in tokens; None where that is not told."""
        information = self.facts.get("model_info")
        information = information if isinstance(information, dict) else {}
        length = information.get(f"{information.get('general.architecture')}.context_length")
        return length if isinstance(length, int) and not isinstance(length, bool) and length > 0 else None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings of its Modelfile, which those of a request would take the place of."""
        parameters = self.facts.get("parameters")
        values = re.findall(r"^stop\s+(.+?)\s*$", parameters, re.MULTILINE) if isinstance(parameters, str) else []
        return tuple(map(_unquoted, values))

    @property
    def has_template(self) -> bool:
        """Whether it has a chat template: `ollama create` gives the weights of a file without any the bare prompt."""
        template = self.facts.get("template")
        return not isinstance(template, str) or "".join(template.split()) != "{{.Prompt}}"

    @cached_property
    def refuses_to_cut(self) -> bool:
        """Whether the server knows `truncate: false`, by its version; one without a number counts as old."""
        return self._numbers is not None and self._numbers >= REFUSING

    @property
    def lists_no_tokens(self) -> bool:
        """Whether it is too old to list the likeliest tokens; one without a number is asked (0.0.0: built by hand)."""
        return self._numbers is not None and (0, 0, 0) < self._numbers < LISTING

    @property
    def _numbers(self) -> tuple[int, ...] | None:
        """The numbers of its version; None where it has none."""
        numbers = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", self.version)
        return None if numbers is None else tuple(int(part or 0) for part in numbers.groups())


def _unquoted(value: str) -> str:
    try:
        text = json.loads(value)
    except ValueError:
        return value
    return text if isinstance(text, str) else value
