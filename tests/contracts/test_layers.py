"""Imports point down only, nothing runs in circles, and nothing heavy is imported before it is needed.

    records
    text, statistics
    components
    suite, readers, answers
    runtime, checks
    models, judging
    metrics, selftest, doctor
    summary
    regression
    stages
    authoring, cluster
    run
    nightly
    printing
    python
    testing
    cli

A module imports from lower lines and from its own folder. Imports for types count like any other.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.shared.paths import ROOT

PACKAGES = ("harness", "baselines", "adapters", "reports")
LAYERS = [line.split(", ") for line in (__doc__ or "").split("\n\n")[1].replace("    ", "").splitlines()]
BELOW = tuple(f"harness.{folder}" for folder in ("errors", "records", "text", "statistics", "components"))
ALLOWED = {  # what the other packages may import of ours
    "baselines": (*BELOW, "harness.readers"),  # a knowledge base is read by the code that reads data
    "adapters": (*BELOW, "harness.models", "harness.runtime", "harness.selftest"),
    "reports": ("harness.errors", "harness.records", "harness.statistics"),
}
LEVEL = {folder: level for level, folders in enumerate(LAYERS, 1) for folder in folders} | {"errors": 0, "__init__": 0}


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_name(file): file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))}


def imports(file: Path) -> Iterator[str]:
    """Our modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in FILES or node.module in FILES:
                    yield whole if whole in FILES else node.module


GRAPH = {name: sorted(set(imports(file))) for name, file in FILES.items()}


def layer(module: str) -> str:
    return ([*module.split("."), "__init__"])[1]


def upward(name: str, module: str) -> bool:
    """Whether an import inside the engine points to the same or a higher line of the drawing."""
    return layer(name) != layer(module) and LEVEL[layer(module)] >= LEVEL[layer(name)]


def circles(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The groups of modules that import each other, however long the way round. Tarjan 1972."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for module in graph[name]:
            if module not in order:
                visit(module)
                low[name] = min(low[name], low[module])
            elif module in stack:
                low[name] = min(low[name], order[module])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            groups.extend([group] if len(group) > 1 else [])

    for name in graph:
        if name not in order:
            visit(name)
    return groups


def test_circles_are_found() -> None:
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) == [["a", "b", "c"]]
    assert circles({"a": ["b"], "b": [], "c": ["a", "b"]}) == []


def test_imports_point_down() -> None:
    assert {module.split(".")[0] for module in FILES} == set(PACKAGES)
    wrong = [
        f"{name} imports {module}"
        for name, modules in GRAPH.items()
        for module in modules
        if name.startswith("harness.") and module.startswith("harness.") and upward(name, module)
    ]
    assert not wrong, "\n".join(wrong)


def test_nothing_runs_in_circles() -> None:
    assert circles(GRAPH) == []


def test_the_engine_joins_other_packages_only_in_the_command_line_and_in_python() -> None:
    foreign = [
        f"{name} imports {module}"
        for name, modules in GRAPH.items()
        for module in modules
        if name.startswith("harness.") and not module.startswith("harness") and layer(name) not in ("cli", "python")
    ]
    assert not foreign


@pytest.mark.parametrize("package", list(ALLOWED))
def test_other_packages_import_only_what_they_may(package: str) -> None:
    wrong = [
        f"{name} imports {module}"
        for name, modules in GRAPH.items()
        for module in modules
        if name.split(".")[0] == package and module.split(".")[0] != package and not module.startswith(ALLOWED[package])
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["check", "suites/quickstart/suite.yaml"]])
def test_listing_and_checking_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom harness.cli import app\n"
        f"try: app({arguments!r})\nexcept SystemExit as stop: assert not stop.code, stop.code\n"
        "print('HEAVY', [name for name in ('torch', 'transformers', 'sklearn', 'scipy', 'numpy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "HEAVY []" in result.stdout
