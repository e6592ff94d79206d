"""What is installed is what was tested: bounds in pyproject.toml, pins in constraints.txt, and commands that use them."""

import re
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.shared.paths import ROOT

UNPINNED = {"vllm"}  # it chooses versions of its own, and is installed without constraints
INTERNALS = ("accelerate", "bitsandbytes", "faiss-cpu", "peft", "sentence-transformers", "torch", "transformers")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STATED = {
    "": [Requirement(line) for line in PROJECT["dependencies"]],
    **{extra: [Requirement(line) for line in lines] for extra, lines in PROJECT["optional-dependencies"].items()},
}
DIRECT = [
    pytest.param(requirement, id=f"{extra or 'package'}-{requirement.name}")
    for extra, requirements in STATED.items()
    for requirement in requirements
    if requirement.name not in {PROJECT["name"], *UNPINNED}  # the package itself with its extras
]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
PINS = dict(line.split("==") for line in CONSTRAINTS if not line.startswith("#"))


def script(name: str) -> ModuleType:
    """A script of .ci as a module."""
    loader = SourceFileLoader(name.replace("-", "_"), str(ROOT / ".ci" / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("requirement", DIRECT)
def test_every_dependency_is_bounded_above_and_pinned_within_its_bounds(requirement: Requirement) -> None:
    assert {part.operator for part in requirement.specifier} & {"<", "<=", "==", "~="}, "it has no upper bound"
    pin = PINS.get(canonicalize_name(requirement.name))
    assert pin is not None, "constraints.txt lacks it: run .ci/renew-constraints"
    assert requirement.specifier.contains(pin), f"constraints.txt has {pin}: run .ci/renew-constraints"


@pytest.mark.parametrize("name", INTERNALS)
def test_libraries_of_which_the_inner_workings_matter_end_at_the_tested_minor(name: str) -> None:
    """The next minor version is not installed before its tests have passed."""
    major, minor = (int(part) for part in PINS[name].split(".")[:2])
    stated = [requirement for some in STATED.values() for requirement in some if requirement.name == name]
    assert stated
    for requirement in stated:
        assert not requirement.specifier.contains(f"{major}.{minor + 1}.0")


@pytest.mark.parametrize("extra", ["train", "bertscore", "lm-eval", "test", "all"])
def test_what_computes_in_this_process_brings_the_libraries_for_it(extra: str) -> None:
    own = {part for requirement in STATED[extra] if requirement.name == PROJECT["name"] for part in requirement.extras}
    assert "local" in own


def test_a_light_installation_has_none_of_the_libraries_that_compute_in_this_process() -> None:
    heavy = {"torch", "transformers", "peft", "accelerate", "sentence-transformers", "faiss-cpu", "gguf"}
    assert heavy == {requirement.name for requirement in STATED["local"]} & heavy
    assert not heavy & {requirement.name for requirement in STATED[""]}


def test_the_newest_versions_are_those_of_the_package_its_models_and_its_tests() -> None:
    direct = script("newest").direct(PROJECT)
    assert {"torch>=2.6,<2.14", "pyyaml>=6,<7", "pytest>=8.3,<10"} <= set(direct)
    assert not [requirement for requirement in direct if requirement.startswith(PROJECT["name"])]


def test_the_constraints_are_plain_lines_for_every_machine() -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line) for line in CONSTRAINTS if not line.startswith("#"))
    assert list(PINS) == sorted(PINS)
    assert not [name for name in PINS if name.startswith(("nvidia-", "cuda-", "triton"))]
    assert CONSTRAINTS[1].startswith("# Made by .ci/renew-constraints on ")


def test_the_commands_of_the_readme_use_the_constraints() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\npip install -c constraints.txt '.[local]' && harness run suites/quickstart/suite.yaml\n" in text
    test_command = text.partition("<!-- test-command -->")[2].partition("```sh\n")[2].partition("\n```")[0]
    assert test_command == "pip install -c constraints.txt -e '.[test]' && pytest"


def test_pins_hold_no_build_and_no_part_of_a_build() -> None:
    def package(name: str, version: str) -> dict[str, dict[str, str]]:
        return {"metadata": {"name": name, "version": version}}

    resolved = [
        package("torch", "2.13.0+cpu"), package("PyYAML", "6.0"), package("et_xmlfile", "2.0"), package("triton", "3"),
        package("nvidia-nccl-cu13", "2"), package("cuda-bindings", "13"), package("domain-harness", "0.1.0"),
    ]  # fmt: skip
    assert script("renew-constraints").pins({"install": resolved}) == [
        "et-xmlfile==2.0",
        "pyyaml==6.0",
        "torch==2.13.0",
    ]


def test_the_newest_versions_are_asked_for_without_upper_bounds_but_for_torch() -> None:
    lifted = script("newest").lifted
    assert lifted("transformers>=5.20,<5.25") == "transformers>=5.20"
    assert lifted("torch>=2.6,<2.14") == "torch>=2.6,<2.14"
    assert lifted("numpy>=1.26,<3") == "numpy>=1.26,<3"
    assert set(script("newest").LIFTED) == set(INTERNALS) - {"torch"}


def test_what_is_newer_is_named_with_the_line_to_mend() -> None:
    constraints = "# made\nregex==1.0\ntorch==2.13.0\ntransformers==5.24.0\n"
    project = 'dependencies = [\n  "torch>=2.6,<2.14",\n  "transformers>=5.20,<5.25",\n]\n'
    newest = {"torch": "2.13.0+cpu", "transformers": "5.25.1", "regex": "1.1", "other": "1"}
    assert script("newest").differences(newest, constraints, project) == [
        "transformers: constraints.txt:4 has 5.24.0, the newest is 5.25.1; pyproject.toml:3 states transformers>=5.20,<5.25",
        "regex: constraints.txt:2 has 1.0, the newest is 1.1",
    ]
