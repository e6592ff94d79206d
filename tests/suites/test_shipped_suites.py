"""Every suite that ships: it states what it needs, its file is right, and where the data is, a run could begin."""

import re
import shutil
from pathlib import Path

import pytest

from harness.selftest.tiny_models import TinyModels
from harness.stages.rehearse import examine
from harness.suite.needs import read_needs
from harness.suite.parser import load_suite
from harness.suite.yaml_source import read_source
from harness.text.variables import names_in
from tests.shared.paths import ROOT

FOLDERS = sorted(path.parent for path in (ROOT / "suites").glob("*/suite.yaml"))
FILES = sorted(file for folder in FOLDERS for file in folder.glob("*.yaml") if file.name != "needs.yaml")
OTHERS = [file for file in FILES if not file.parent.name.startswith("medical")]  # those: test_medical_suites.py
PACKAGE_MODEL = re.compile(r'"pypi:[^"]*"|pypi:[^\s,}]*')
FOLDER_IDS = [folder.name for folder in FOLDERS]
FILE_IDS = [f"{file.parent.name}/{file.stem}" for file in FILES]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return TinyModels(tmp_path_factory.mktemp("tiny"), "cpu").model().path


@pytest.mark.parametrize("folder", FOLDERS, ids=FOLDER_IDS)
def test_needs_are_those_of_the_files(folder: Path) -> None:
    needs = read_needs(folder)
    assert needs is not None
    files = [file for file in FILES if file.parent == folder]
    assert set(needs.runs) == {file.name for file in files}
    texts = [text for file in files for text in read_source(file).spelling.values()]
    assert set(needs.variables) == {name for text in texts for name in names_in(text)} - {"DATA"}
    places = {text.removeprefix("${DATA}/").split("/")[0] for text in texts if text.startswith("${DATA}/")}
    assert {name.split("/")[0] for name in needs.data} == places
    assert (folder / "README.md").is_file()


@pytest.mark.parametrize("file", FILES, ids=FILE_IDS)
def test_the_file_is_right(file: Path) -> None:
    load_suite(file)


@pytest.mark.nightly  # real data, whole: minutes
@pytest.mark.parametrize("file", OTHERS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_a_run_could_begin(
    file: Path, tmp_path: Path, tiny_model: str, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a tiny model in the place of each, and the data as downloaded."""
    folder = tmp_path / file.parent.name
    shutil.copytree(file.parent, folder)
    copy = folder / file.name
    copy.write_text(PACKAGE_MODEL.sub(f'"{tiny_model}"', file.read_text(encoding="utf-8")), encoding="utf-8")
    needs = read_needs(folder)
    for name, variable in needs.variables.items() if needs else ():
        if "/" in (variable.default or "/"):  # a hub id; names in Ollama stay
            monkeypatch.setenv(name, tiny_model)
    examine(load_suite(copy))
