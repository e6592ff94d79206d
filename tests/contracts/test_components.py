"""What every component owes, checked for all that the folders hold: a new file is covered the day it is written."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from harness.components.component import Component
from harness.components.model import Model
from harness.components.registry import KINDS, components, find, find_class, names, summaries, summary
from harness.models.remote.server_model import RemoteModel
from harness.suite.schema import suite_schema
from harness.suite.yaml_source import read_source
from tests.shared.paths import ROOT

HEAVY = (
    "torch",
    "transformers",
    "numpy",
    "scipy",
    "sklearn",
    "openpyxl",
    "httpx",
    "ollama",
    "jieba",
    "faiss",
    "datasets",
    "ray",
)
ALL = [(kind, name, component) for kind in KINDS for name, component in components(kind)]
every_component = pytest.mark.parametrize(
    "component", [pytest.param(component, id=f"{kind}-{name}") for kind, name, component in ALL]
)
SUITES = sorted([*ROOT.glob("suites/**/suite.yaml"), *ROOT.glob("tests/suites/*.yaml")])


def test_the_folders_hold_components_of_every_kind() -> None:
    shipped = {kind: set(names(kind)) for kind in KINDS}
    assert {"huggingface", "ollama", "openai", "scripted"} <= shipped["model"]
    assert {"csv", "jsonl"} <= shipped["reader"]
    assert {"text", "choice", "json"} <= shipped["answer"]
    assert {"exact_match", "term_set"} <= shipped["metric"]
    assert {"prompting"} <= shipped["variant"]


@pytest.mark.parametrize("kind", KINDS)
def test_listing_reads_what_importing_would_tell(kind: str) -> None:
    own = dict(components(kind))
    assert summaries(kind) == {name: summary(component) for name, component in own.items()}
    assert {find_class(kind, component.__name__) for component in own.values()} == set(own.values())
    assert find_class(kind, "Exactmatch") is None  # a class is not named but for its capitals


def test_listing_imports_nothing_heavy() -> None:
    """`harness list` and `harness check` import every component: in a fresh process, or another test's imports count."""
    code = (
        "import json, sys\n"
        "from harness.components.registry import KINDS, components\n"
        "found = {}\n"
        "for kind in KINDS:\n"
        "    for name, component in components(kind):\n"
        f"        heavy = sorted(set({HEAVY!r}) & set(sys.modules) - set(sum(found.values(), [])))\n"
        "        if heavy: found[f'{kind} {name}'] = heavy\n"
        "print(json.dumps(found))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert json.loads(result.stdout) == {}


@every_component
def test_it_says_in_a_line_what_it_is(component: type[Component]) -> None:
    own = inspect.cleandoc(component.__doc__ or "")  # pydantic does not inherit a docstring, getdoc would
    assert own, f"{component.__name__} has no docstring"
    assert 20 <= len(summary(component)) <= 120
    assert summary(component) == own.partition("\n")[0]
    assert not any(summary(component) == summary(base) for base in component.__mro__[1:] if issubclass(base, Component))


@every_component
def test_its_module_says_why_it_exists(component: type[Component]) -> None:
    assert (inspect.getdoc(inspect.getmodule(component)) or "").partition("\n")[0].endswith((".", ":", ";"))


@every_component
def test_it_is_frozen_and_refuses_unknown_parameters(component: type[Component]) -> None:
    config: Any = component.model_config
    assert (config.get("frozen"), config.get("extra")) == (True, "forbid")
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        component.model_validate({"no_such_parameter": 1})


@every_component
def test_its_schema_is_a_schema(component: type[Component]) -> None:
    schema = component.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name, _ in ALL])
def test_it_is_found_by_its_name(kind: str, name: str) -> None:
    found = find(kind, name)
    assert issubclass(found, KINDS[kind].base)
    assert found is dict(components(kind))[name]


@pytest.mark.parametrize("model", [component for kind, _, component in ALL if kind == "model"])
def test_a_model_states_its_own_identity_and_generation(model: type[Model]) -> None:
    assert model.identity is not Model.identity
    assert model.generates is (model.generate is not Model.generate)
    assert model.embeds is (model.embed is not Model.embed)
    assert model.ranks is (model.relevance is not Model.relevance)
    assert not issubclass(model, RemoteModel) or model.call is not RemoteModel.call
    assert model.scores_options is (model.score_options is not Model.score_options)
    assert model.tells_likelihood is (model.likelihood is not Model.likelihood)
    assert not model.local or model.close is not Model.close  # one local model at a time: it must go when told


# -- the schema of suites -----------------------------------------------------------------------------------------------


def test_the_shipped_schema_is_the_components_own() -> None:
    shipped = json.loads((ROOT / "schema" / "suite.schema.json").read_text(encoding="utf-8"))
    assert shipped == suite_schema(), "write it again: harness schema > schema/suite.schema.json"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(suite_schema())


@pytest.mark.parametrize("path", SUITES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_suite_is_valid_by_the_schema(path: Path) -> None:
    jsonschema.validate(read_source(path).data, suite_schema(), jsonschema.Draft202012Validator)


def test_there_are_suites() -> None:
    assert ROOT / "suites" / "quickstart" / "suite.yaml" in SUITES
    assert len(SUITES) >= 5


def smallest() -> dict[str, Any]:
    return {
        "models": {"m": {"scripted": {"default": "x"}}},
        "tasks": {
            "t": {
                "data": {"csv": {"path": "x.csv", "input": "q", "target": "a"}},
                "metrics": {"accuracy": "exact_match"},
            }
        },
        "variants": {"v": {"prompting": {"model": "m"}}},
    }


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("tasks", "t", "metrics", "accuracy"), "exact_mach"),  # an unknown component
        (("tasks", "t", "metrics", "accuracy"), {"exact_match": {"no_such": 1}}),  # an unknown parameter
        (("tasks", "t", "metrics"), {}),
        (("tasks", "t", "generation"), {"max_tokens": 0}),
        (("tasks", "t", "prompts"), "x"),  # an unknown key
        (("tasks", "t", "data"), {"csv": {}}),  # a required parameter
        (("variants",), {}),
        (("variants", "v"), {"prompting": {"model": "m"}, "again": {}}),  # two names
        (("models", "m"), {"openai": {"model": "x", "url": "ftp://x"}}),
        (("seed",), -1),
        (("unknown",), 1),
    ],
)  # fmt: skip
def test_the_schema_refuses_what_a_suite_may_not_hold(where: tuple[str, ...], value: Any) -> None:
    validator = jsonschema.Draft202012Validator(suite_schema())
    suite = smallest()
    assert validator.is_valid(suite)
    place = suite
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    assert not validator.is_valid(suite)


@pytest.mark.parametrize("own", ["package.module.Class", {"package.module.Class": {"any": 1}}])
def test_the_schema_lets_users_name_their_own_classes(own: Any) -> None:
    suite = smallest()
    suite["models"]["m"] = own
    assert jsonschema.Draft202012Validator(suite_schema()).is_valid(suite)
