"""What a section of the report owes, and how sections are found: the folder is the registry."""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, ClassVar

from harness.records.finished_run import FinishedRun
from reports.wording import is_sayable, say, speaking

PACKAGES = ("reports.sections",)


class Section(ABC):
    """One section: the class in the file of its name, with its template `<name>.html.j2` beside it.

    The template gets what `build` returns as `facts`. A style sheet `<name>.css` is optional. Its sentences stand in
    `catalogue/LANGUAGE/<name>.toml`: `title` and `heading`, `label` where it has any for the terminal, and its own. The
    catalogue of our sections is `reports/catalogue`; a package from elsewhere has its own beside its sections.
    """

    order: ClassVar[int]  # from the top of the page
    leads: ClassVar[bool] = False  # whether it and its sentences stand above everything but alarms
    is_printed: ClassVar[bool] = False  # whether it is on the two pages that the decision is printed on

    @property
    def name(self) -> str:
        """The name of its file, and of its sentences in the catalogue."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def catalogue_file(self) -> str:
        """Where its sentences stand, as a key begins: "cost", or "package:cost" for a section from elsewhere."""
        package = type(self).__module__.rpartition(".")[0]
        return self.name if package in PACKAGES else f"{package}:{self.name}"

    @property
    def title(self) -> str:
        """In the navigation."""
        return say(f"{self.catalogue_file}.title")

    @property
    def heading(self) -> str:
        """Above the section."""
        return say(f"{self.catalogue_file}.heading")

    @property
    def label(self) -> str:
        """What stands before its sentences in the terminal."""
        key = f"{self.catalogue_file}.label"
        return say(key) if is_sayable(key) else ""

    @property
    def anchor(self) -> str:
        """The address of the section within the page, the same in every language."""
        with speaking("en"):
            return self.title.lower().replace(" ", "-")

    @abstractmethod
    def build(self, finished: FinishedRun) -> Any:
        """The facts that the template shows. A run with none of them has no such section: then empty or None."""

    def sentences(self, finished: FinishedRun) -> Iterable[str]:
        """What the section says, for the terminal."""
        return ()

    def alarms(self, finished: FinishedRun) -> Iterable[str]:
        """What forbids a decision. It stands above everything else, on the page and in the terminal."""
        return ()

    def cautions(self, finished: FinishedRun) -> Iterable[str]:
        """What weighs against a headline. It stands below the alarms, with a link to the section."""
        return ()


def find_sections(packages: Sequence[str] = PACKAGES) -> list[Section]:
    """The sections of these packages in the order of the page."""
    sections = [
        _section_in(f"{package}.{module.name}")
        for package in packages
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
    ]
    return sorted(sections, key=lambda section: section.order)


def template_of(section: Section) -> str:
    """The name of its template, e.g. "reports.sections/judges.html.j2"."""
    package, _, name = type(section).__module__.rpartition(".")
    return f"{package}/{name}.html.j2"


def style_of(section: Section) -> str:
    """The text of its style sheet, empty where it has none."""
    package, _, name = type(section).__module__.rpartition(".")
    sheet = files(package).joinpath(f"{name}.css")
    return sheet.read_text(encoding="utf-8") if sheet.is_file() else ""


def _section_in(module_name: str) -> Section:
    class_name = module_name.rpartition(".")[2].replace("_", "")
    for value in vars(importlib.import_module(module_name)).values():
        if isinstance(value, type) and issubclass(value, Section) and value.__name__.lower() == class_name:
            return value()
    raise LookupError(f"{module_name} has no section of its own name")
