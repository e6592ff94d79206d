"""Where the suites are that ship with the product, and which file a folder or a shipped name stands for."""

from pathlib import Path

SUITE, MINI, NEEDS = "suite.yaml", "mini.yaml", "needs.yaml"
_PACKAGE = Path(__file__).parent.parent
_FOLDERS = (_PACKAGE / "shipped", _PACKAGE.parent / "suites")  # in a wheel; in a checkout
_USUAL = "suites"  # before a shipped name, as the documentation writes it


def shipped_suites() -> dict[str, Path]:
    """The folders of the shipped suites by name, sorted."""
    root = next((folder for folder in _FOLDERS if folder.is_dir()), None)
    folders = sorted(root.iterdir()) if root else []
    return {folder.name: folder for folder in folders if (folder / SUITE).is_file()}


def suite_file(path: Path) -> Path:
    """The file that is meant: of a folder its suite.yaml, of a shipped name that of this suite; else the path itself.

    What is there goes before what ships. `exams`, `suites/exams` and `suites/exams/mini.yaml` name a shipped suite.
    """
    if path.is_dir():
        return path / SUITE if (path / SUITE).exists() else path
    parts = path.parts[1:] if path.parts[:1] == (_USUAL,) else path.parts
    if path.exists() or path.is_absolute() or not parts or len(parts) > 2:
        return path
    folder = shipped_suites().get(parts[0])
    file = folder / (parts[1] if len(parts) == 2 else SUITE) if folder else path
    return file if file.is_file() else path
