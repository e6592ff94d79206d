"""Which packages are missing, and the command that installs them."""

import sys
from pathlib import Path

import pytest

from harness.components.packages import is_installed, remedy_for


@pytest.mark.parametrize(
    ("needed", "missing", "expected"),
    [
        (("json",), (), None),
        ((), ("torch",), None),
        (("torch",), ("torch",), 'torch, which is not installed: pip install "domain-harness[local]"'),
        (("torch", "peft"), ("peft",), 'peft, which is not installed: pip install "domain-harness[local]"'),
        (
            ("torch", "transformers", "peft"),
            ("torch", "peft"),
            'torch and peft, which are not installed: pip install "domain-harness[local]"',
        ),
        (("faiss",), ("faiss", "torch"), 'faiss, which is not installed: pip install "domain-harness[local]"'),
        (
            ("torch", "bert_score"),
            ("bert_score",),
            'bert_score, which is not installed: pip install "domain-harness[bertscore]"',
        ),
        (
            ("torch", "bitsandbytes"),
            ("torch", "bitsandbytes"),
            'torch and bitsandbytes, which are not installed: pip install "domain-harness[local,train]"',
        ),
    ],
)
def test_what_is_missing_and_its_command(
    monkeypatch: pytest.MonkeyPatch, needed: tuple[str, ...], missing: tuple[str, ...], expected: str | None
) -> None:
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)
    assert remedy_for(needed) == expected


def test_a_folder_of_its_name_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no_such_package").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert not is_installed("no_such_package")
    (tmp_path / "no_such_package" / "__init__.py").touch()
    assert is_installed("no_such_package")


def test_a_finder_that_refuses_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "no_such_package":
                raise ModuleNotFoundError(name)

    monkeypatch.setattr(sys, "meta_path", [Refusing(), *sys.meta_path])
    assert not is_installed("no_such_package")
