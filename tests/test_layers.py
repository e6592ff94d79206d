"""Imports point down only, and nothing heavy is imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = {
    0: ("types", "tally", "figures", "judgements", "errors"),
    1: (
        "component",
        "retrieval",
        "registry",
        "markers",
        "vectors",
        "cache",
        "store",
        "stats",
        "prompts",
        "text",
        "segmentation",
        "source",
        "progress",
        "training",
    ),
    2: ("models", "data"),
    3: ("context", "dry_context"),
    4: ("tasks", "scoring", "judging", "metrics"),
    5: ("suite", "schema", "build", "agreement", "families", "leakage"),
    6: (
        "run",
        "planning",
        "design",
        "contamination",
        "prepare",
        "probes",
        "provenance",
        "summarize",
        "comparisons",
        "judges",
        "corpus",
        "task_figures",
        "outcomes",
        "runs",
        "describe",
    ),
    7: ("cli", "tables"),
}
LEVEL = {f"harness.{name}": level for level, names in LAYERS.items() for name in names}
ALLOWED = {  # what the other packages may import of ours
    "baselines": ("harness", "baselines"),
    "adapters": ("harness", "adapters"),
    "reports": (
        "harness.types",
        "harness.figures",
        "harness.judgements",
        "harness.store",
        "harness.errors",
        "harness.outcomes",
        "reports",
    ),  # records only
}


def imports(path: Path) -> list[str]:
    """Modules imported anywhere in a file, except for types only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def area(module: str) -> str:
    return ".".join(module.split(".")[:2])


def sources(package: str) -> list[tuple[str, Path]]:
    files = sorted((ROOT / package).rglob("*.py"))
    return [(".".join(file.relative_to(ROOT).with_suffix("").parts), file) for file in files]


def test_every_module_of_the_engine_has_a_layer() -> None:
    unknown = {area(name) for name, _ in sources("harness")} - set(LEVEL) - {"harness.__init__"}
    assert not unknown, f"add to LAYERS: {sorted(unknown)}"


def test_imports_point_down() -> None:
    upward = [
        f"{name} imports {module}"
        for name, file in sources("harness")
        for module in imports(file)
        if LEVEL.get(area(module), -1) > LEVEL.get(area(name), 9)
    ]
    assert not upward


def test_the_engine_joins_other_packages_only_in_the_command_line() -> None:
    foreign = [
        f"{name} imports {module}"
        for name, file in sources("harness")
        for module in imports(file)
        if module.split(".")[0] in ALLOWED and name != "harness.cli"
    ]
    assert not foreign


@pytest.mark.parametrize("package", list(ALLOWED))
def test_other_packages_import_only_what_they_may(package: str) -> None:
    ours = {"harness", *ALLOWED}
    wrong = [
        f"{name} imports {module}"
        for name, file in sources(package)
        for module in imports(file)
        if module.split(".")[0] in ours and not module.startswith(ALLOWED[package])
    ]
    assert not [line for line in wrong if not line.endswith("imports harness")]


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["check", "suites/quickstart/suite.yaml"]])
def test_listing_and_checking_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom harness.cli import app\n"
        f"try: app({arguments!r})\nexcept SystemExit as stop: assert not stop.code, stop.code\n"
        "print('HEAVY', [name for name in ('torch', 'transformers', 'sklearn', 'scipy', 'numpy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "HEAVY []" in result.stdout
