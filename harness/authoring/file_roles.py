"""Which of a user's files is asked, which is learnt from: told by their names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError

Role = Literal["path", "train", "validation"]
_WORDS: Mapping[str, str] = {
    "train": "train", "training": "train", "训练集": "train", "训练": "train",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation", "验证集": "validation",
    "test": "path", "eval": "path", "测试集": "path", "测试": "path",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRoles:
    """The files by what they are for; without `train` the one file may be divided."""

    test: str
    train: str | None = None
    validation: str | None = None

    def by_split(self) -> dict[str, str]:
        """As a reader's parameters."""
        files = {"path": self.test, "train": self.train, "validation": self.validation}
        return {name: file for name, file in files.items() if file is not None}


def file_roles(files: Sequence[str]) -> FileRoles:
    """Who is who. Raises HarnessError where names do not tell, or where a file is given twice."""
    if len({Path(file).resolve() for file in files}) < len(files):
        raise HarnessError(f"--data: a file is given twice: {', '.join(files)}")
    if len(files) == 1:
        return FileRoles(test=files[0])
    roles: dict[str, str] = {}
    named = {file: _role(file) for file in files}
    if (
        "train" not in named.values() and list(named.values()).count("validation") == 2
    ):  # C-Eval: dev is shown, val asked
        named |= {file: "train" for file in files if re.search(r"(?<![a-z])dev(?![a-z])", Path(file).name.lower())}
    for file, role in named.items():
        if role is None or role in roles:
            raise HarnessError(
                f"--data: which of {', '.join(Path(name).name for name in files)} is learnt from and which is asked is "
                "not clear; have train, val and test in their names, one file each"
            )
        roles[role] = file
    if "path" not in roles and "validation" in roles:
        roles["path"] = roles.pop("validation")
    if "path" not in roles:
        raise HarnessError(f"--data: which file is asked? {', '.join(files)}; have test or val in its name")
    return FileRoles(test=roles["path"], train=roles.get("train"), validation=roles.get("validation"))


def _role(file: str) -> str | None:
    words = re.split(r"[\W_]+|(?<=[^\x00-\x7f])(?=[\x00-\x7f])", Path(file.rstrip("/")).name.lower())
    roles = {_WORDS[word] for word in words if word in _WORDS}
    return roles.pop() if len(roles) == 1 else None
