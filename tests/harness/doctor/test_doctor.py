"""What `harness doctor` finds on machines that lack something, and what it tells to do about it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.doctor import disk_and_network, examination, installation
from harness.doctor.examination import examine_machine
from harness.records.diagnoses import Diagnosis
from tests.shared.commands import run_command
from tests.shared.light import HEAVY, light_server
from tests.shared.ollama_stand_in import serving

Looks = Callable[[], Iterator[Diagnosis]]


def test_without_torch_it_ends_well_and_names_what_to_install(tmp_path: Path) -> None:
    place = str(tmp_path / "new")
    told = run_command("doctor", "--json", cwd=tmp_path, missing=HEAVY, OLLAMA_HOST="127.0.0.1:1", HARNESS_CACHE=place)
    content = json.loads(told.stdout)
    assert (told.returncode, content["can_run"]) == (0, True)
    found = {own["subject"]: own for own in content["diagnoses"]}
    assert found["Python"]["state"] == "ok"
    assert found["device"]["text"].endswith("no torch, so none is used")
    assert (found["Ollama"]["state"], found["Ollama"]["remedy"]) == ("warning", "ollama serve; or set OLLAMA_HOST")
    assert found["cache"]["text"] == f"{place}, which the first run makes"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("cache", "text", "remedy"),
    [
        ("/proc/nowhere", "/proc/nowhere cannot be written", "set HARNESS_CACHE to a folder of yours"),
        ("broken", "file is not a database", "harness cache verify --repair"),
        ("a-file", "a-file is a file", ""),
    ],
)
def test_a_cache_that_cannot_be_used_is_a_problem(cache: str, text: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "calls.sqlite").write_bytes(b"x" * 5000)
    (tmp_path / "a-file").write_text("x")
    told = run_command("doctor", "--json", cwd=tmp_path, missing=HEAVY, HARNESS_CACHE=cache)
    found = [own for own in json.loads(told.stdout)["diagnoses"] if own["subject"] == "cache"]
    assert told.returncode == 1
    assert (found[0]["state"], found[0]["remedy"]) == ("problem", remedy)
    assert text in found[0]["text"]


def test_models_of_ollama_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(light_server()) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.place)
        (found,) = disk_and_network.look_at_ollama()
    assert (found.state, found.text) == ("ok", f"at {server.place}: judge:latest, meaning:latest, small:latest")


@pytest.mark.parametrize(
    ("version", "state", "remedy"),
    [("2.13.0+cpu", "ok", ""), ("2.5.1", "warning", 'pip install "torch<2.14,>=2.6"'), ("3.0", "warning", None)],
)
def test_versions_are_held_against_those_that_were_tested(
    version: str, state: str, remedy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "version", lambda name: version)
    found = next(own for own in installation.look_at_packages() if own.subject == "torch")
    assert found.state == state
    assert remedy in (None, found.remedy)


def test_what_breaks_while_it_is_looked_at_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Diagnosis]:
        raise ImportError("libcudart.so is missing\nmore")
        yield

    looks = {"device": broken, "hub": lambda: iter([Diagnosis(subject="hub", state="ok", text="x")])}
    monkeypatch.setattr(examination, "LOOKS", looks)
    first, second = examine_machine()
    assert (first.state, first.text) == ("warning", "cannot be looked at: ImportError: libcudart.so is missing")
    assert first.remedy.startswith("pip install")
    assert second.text == "x"


def test_four_bits_are_computed_here() -> None:
    pytest.importorskip("bitsandbytes")
    (found,) = installation.look_at_four_bits()
    assert found.state == "ok", found.text


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1"])
def test_a_hub_out_of_reach_is_told(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (offline,) = disk_and_network.look_at_hub()
    assert "HF_HUB_OFFLINE is set" in offline.text
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    (found,) = disk_and_network.look_at_hub()
    assert found.state == "warning"
    assert "cannot be reached" in found.text
    assert "HF_ENDPOINT" in found.remedy
