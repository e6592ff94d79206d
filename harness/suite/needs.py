"""needs.yaml beside a suite: what it takes to run it that does not ship with it, and where to get that."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.suite.shipped import NEEDS
from harness.suite.yaml_source import read_source

Extra = Literal["local", "train", "bertscore", "documents", "lm-eval", "hub", "ray"]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n]+$")]


class _Need(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataNeed(_Need):
    """A data set that users obtain themselves."""

    name: Line  # as people call it
    files: list[str | list[str]] = Field(min_length=1)  # in its folder; a list: any one of them serves
    source: Line  # where to get it
    licence: Line  # in a few words, and what it forbids


class VariableNeed(_Need):
    """A variable of the environment that the suite names."""

    meaning: Line
    default: str | None = None  # what the suite takes where it is not set; without one it must be set


class RunNeed(_Need):
    """What a run of one file takes."""

    hardware: Line  # on which the figures hold, e.g. 2 CPU cores
    memory_gb: float = Field(gt=0)  # at most at once, of the device that answers
    minutes: float = Field(gt=0)
    measured: bool = False  # or estimated


class SuiteNeeds(_Need):
    """The whole file."""

    question: Line  # that the suite answers
    data: dict[str, DataNeed] = {}  # by the folder below ${DATA}
    models: list[Line] = []  # that are downloaded or served, in words, with their size
    variables: dict[str, VariableNeed] = {}
    extras: list[Extra] = []  # of the installation
    runs: dict[str, RunNeed] = Field(min_length=1)  # by the file: suite.yaml, mini.yaml


def read_needs(folder: Path) -> SuiteNeeds | None:
    """The needs of the suite in a folder; None where it states none. Raises SuiteError, one line a mistake."""
    file = folder / NEEDS
    if not file.is_file():
        return None
    source = read_source(file)
    try:
        return SuiteNeeds.model_validate_json(json.dumps(source.data), strict=True)
    except ValidationError as error:
        for detail in error.errors():
            source.complain(detail["loc"], detail["msg"])
        source.raise_mistakes()
        raise


def missing_files(folder: Path, need: DataNeed) -> list[str]:
    """The files of a data set that are not in a folder; of several that serve, the first."""
    choices = [[entry] if isinstance(entry, str) else entry for entry in need.files]
    return [names[0] for names in choices if not any((folder / name).exists() for name in names)]
