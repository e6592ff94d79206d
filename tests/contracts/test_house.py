"""The house holds: every line lives where its name says, nothing grows without limit, and names say what things are.

The tree is read anew each time; no list of files is kept by hand. A constant that begins with PENDING counts what does
not hold yet: it is only ever lowered, and goes when it is 0.
"""

import ast
import importlib.util
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from harness.components.registry import KINDS, components
from tests.shared.paths import ROOT

PACKAGES = ("harness", "baselines", "adapters", "reports")
FLAT = {"run", "nightly", "printing", "errors", "__init__"}  # what may lie at the top of harness/
LINES_OF_A_FUNCTION, LINES_OF_A_FILE = 42, 300
FUNCTION_WORDS = 3.0  # of 1,000 name tokens
PENDING_LONG_FUNCTIONS = 0
PENDING_CLASS_NAMES, PENDING_FILE_NAMES = 0, 0

FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in FILES}
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def place(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Every module that a tree may import, also those named in a `from` line: `a.b` and `a.b.c` for `from a.b import c`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def is_test_module(module: str) -> bool:
    """Whether a module holds tests or fixtures of a folder, rather than what tests share."""
    name = module.rpartition(".")[2]
    return module.startswith(("tests.", ".")) and (name.startswith("test_") or name == "conftest")


def component_modules() -> set[str]:
    return {component.__module__ for kind in KINDS for _, component in components(kind)}


def repeated(names: dict[str, set[str]]) -> list[str]:
    """The names that stand in several files, each with its files."""
    return [f"{name}: {', '.join(sorted(files))}" for name, files in sorted(names.items()) if len(files) > 1]


def spells_a_figure(node: ast.AST) -> bool:
    """Whether it joins a task and a metric, or a metric and its part, by a dot, or splits such a name at one."""
    if isinstance(node, ast.JoinedStr):
        return any(
            isinstance(dot, ast.Constant) and dot.value == "."
            and ("task" in ast.unparse(before) or re.search(r"metric|part", ast.unparse(after)))
            for before, dot, after in zip(node.values, node.values[1:], node.values[2:], strict=False)
        )  # fmt: skip
    match node:
        case ast.Call(
            ast.Attribute(receiver, "partition" | "rpartition" | "split" | "rsplit"), [ast.Constant("."), *_]
        ):
            return bool(re.search(r"metric|figure", ast.unparse(receiver)))
    return False


def benchmark(name: str) -> ModuleType:
    """A script of benchmarks/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from tests.adapters.test_trainer import close", True),
        ("from tests.adapters import test_trainer", True),
        ("import tests.adapters.test_trainer", True),
        ("from tests.conftest import ROOT", True),
        ("from .test_trainer import close", True),
        ("from tests.shared.paths import ROOT", False),
        ("from harness.statistics.tests import holm", False),
    ],
)
def test_imports_of_test_modules_are_noticed(line: str, expected: bool) -> None:
    assert any(map(is_test_module, imported_modules(ast.parse(line)))) is expected


def test_no_test_module_imports_another() -> None:
    wrong = [
        f"{place(file)} imports {module}"
        for file in TESTS
        for module in imported_modules(ast.parse(file.read_text(encoding="utf-8")))
        if is_test_module(module)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_lies_flat_in_the_engine() -> None:
    wrong = [place(file) for file in (ROOT / "harness").glob("*.py") if file.stem not in FLAT]
    assert not wrong, "\n".join(wrong)


def test_a_registry_folder_holds_components_only() -> None:
    """A helper lies in a sub-folder, which is not searched."""
    folders = [ROOT.joinpath(*package.split(".")) for kind in KINDS.values() for package in kind.packages]
    modules = component_modules()
    wrong = [
        place(file)
        for folder in folders
        for file in sorted(folder.glob("*.py"))
        if file.stem != "__init__" and module_name(file) not in modules
    ]
    assert not wrong, "\n".join(wrong)


def test_functions_stay_short() -> None:
    """From the `def` line to the last line of the body."""
    wrong = [
        f"{place(file)}:{node.lineno} {node.name}: {lines} lines"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > LINES_OF_A_FUNCTION
    ]
    assert len(wrong) <= PENDING_LONG_FUNCTIONS, "\n".join(wrong)


def test_files_stay_short() -> None:
    lengths = {place(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    wrong = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > LINES_OF_A_FILE]
    assert not wrong, "\n".join(wrong)


def test_no_class_name_stands_in_two_files() -> None:
    """But that components of two kinds share a YAML name: Json is a reader and an answer. They count as one file."""
    modules = component_modules()
    files = defaultdict(set)
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                shared = node.name.lower() == file.stem.replace("_", "") and module_name(file) in modules
                files[node.name].add("the component of that name" if shared else place(file))
    wrong = repeated(files)
    assert len(wrong) <= PENDING_CLASS_NAMES, "\n".join(wrong)


def test_no_file_name_stands_twice() -> None:
    """But for a component's file, whose name is the component's in YAML: json is a reader and an answer."""
    modules = component_modules()
    files = defaultdict(set)
    for file in FILES:
        if file.stem != "__init__" and module_name(file) not in modules:
            files[file.stem].add(place(file))
    wrong = repeated(files)
    assert len(wrong) <= PENDING_FILE_NAMES, "\n".join(wrong)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('f"{task}.{name}"', True),
        ('f"On {result.task}.{result.metric}, {text}"', True),
        ('f"{name}.{part}" if part else name', True),
        ('metric.partition(".")[2]', True),
        ('f"{FigureName.of(result)}, {result.variant}: {text}"', False),
        ('f"{package}.{module}"', False),
        ('module.partition(".")', False),
    ],
)
def test_spelling_of_figures_is_noticed(expression: str, expected: bool) -> None:
    assert any(map(spells_a_figure, ast.walk(ast.parse(expression)))) is expected


def test_figures_are_spelt_in_one_file() -> None:
    wrong = [
        f"{place(file)}:{node.lineno} {ast.unparse(node)}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.expr) and spells_a_figure(node) and file.name != "figure_names.py"
    ]
    assert not wrong, "\n".join(wrong)


def test_names_that_a_run_makes_are_spelt_in_one_file() -> None:
    """Of a model asked by itself; the signs of seeds and probes also stand in names of the author's own."""
    wrong = [
        f"{place(file)}:{node.lineno}"
        for file, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value == "model:" and file.name != "derived_names.py"
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", PACKAGES)
def test_names_say_what_things_are(package: str) -> None:
    share, words, _ = benchmark("names").share(sorted((ROOT / package).rglob("*.py")))
    assert share <= FUNCTION_WORDS, words.most_common(10)
