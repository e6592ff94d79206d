"""What a judge is asked: a scale, what is judged on it and in which words, read from YAML."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError, nearest
from harness.judging.rubric.criteria import Criteria, Dimension, fenced
from harness.judging.rubric.rubric_check import LANGUAGES, RubricCheck, plain_number
from harness.records.inputs import JSON, Language, Message, Prompt
from harness.suite.yaml_source import Source, read_source
from harness.text.json_schemas import object_schema
from harness.text.templates import Template

VERDICTS = ("first", "second", "tie")


@dataclass(frozen=True, kw_only=True)
class Rubric(Criteria):
    """A rubric in one language: criteria with the words in which one answer is scored, and two are compared."""

    reference: Literal["required", "optional", "unused"]
    score: Template  # the user's turn about one answer
    compare: Template  # the user's turn about two
    system: Template | None

    def needs_reference(self) -> bool:
        """Whether an item without a reference answer cannot be judged."""
        return self.reference == "required"

    def messages(self, question: str, answer: str, reference: str | None) -> Prompt:
        """Asks for a score on each dimension. Raises HarnessError where a required reference is missing or blank."""
        return self._prompt(self.score, {"question": question, "answer": answer}, reference)

    def comparison(self, question: str, first: str, second: str, reference: str | None) -> Prompt:
        """Asks which answer is better. Raises HarnessError where a required reference is missing or blank."""
        return self._prompt(self.compare, {"question": question, "first": first, "second": second}, reference)

    def schema(self) -> dict[str, JSON]:
        """JSON schema of a reply to `messages`: by dimension a reason and then a score, so that the reason leads."""
        score = {
            "type": "integer" if self.whole else "number",
            "minimum": plain_number(self.low),
            "maximum": plain_number(self.high),
        }
        part = object_schema({"reason": {"type": "string"}, "score": score})
        return object_schema({dimension.name: part for dimension in self.dimensions})

    def comparison_schema(self) -> dict[str, JSON]:
        """JSON schema of a reply to `comparison`."""
        return object_schema({"reason": {"type": "string"}, "verdict": {"type": "string", "enum": list(VERDICTS)}})

    def _prompt(self, template: Template, material: dict[str, str], reference: str | None) -> Prompt:
        has_reference = reference is not None and bool(reference.strip())
        if self.needs_reference() and not has_reference:
            raise HarnessError(
                f"rubric {self.name}: an item has no reference answer; give every item one, "
                f"or take a rubric with reference: optional"
            )
        if reference is not None and has_reference and self.reference != "unused":
            material = {**material, "reference": reference}
        fixed: dict[str, JSON] = {
            "dimensions": [_template_view(dimension) for dimension in self.dimensions],
            "low": plain_number(self.low),
            "high": plain_number(self.high),
        }
        absent: dict[str, JSON] = {} if self.reference == "unused" else {"reference": None}
        user = Message("user", template.render_values({**absent, **fixed, **fenced(material)}))
        return (user,) if self.system is None else (Message("system", self.system.render_values(fixed)), user)


def names() -> list[str]:
    """The rubrics that come with the product."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _shipped() if entry.name.endswith(".yaml"))


def load(name_or_path: str, language: str) -> Rubric:
    """A shipped rubric by its name, or a user's by the path of its YAML file, in one of its languages (zh, en).

    Raises HarnessError with one line `FILE:LINE: what is wrong` for each mistake.
    """
    with _file_of(name_or_path) as path:
        return _read(path, language)


def languages(name_or_path: str) -> tuple[Language, ...]:
    """The languages in which a rubric asks. Raises HarnessError where there is no such rubric."""
    with _file_of(name_or_path) as path:
        data = read_source(path).data
    prompts = data.get("prompts") if isinstance(data, dict) else None
    return tuple(language for language in LANGUAGES if isinstance(prompts, dict) and language in prompts)


@contextmanager
def _file_of(name_or_path: str) -> Iterator[Path]:
    """The file of a rubric. Raises HarnessError where there is none."""
    if name_or_path in names():
        with as_file(files("harness") / "rubrics" / f"{name_or_path}.yaml") as path:
            yield path
        return
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        raise HarnessError(
            f"{name_or_path}: is not a rubric ({nearest(name_or_path, names())}); "
            "a rubric of your own is named by its path, which ends in .yaml"
        )
    if not path.is_file():
        raise HarnessError(f"{path}: there is no such file; write the rubric there or take one of {', '.join(names())}")
    yield path


def _shipped() -> Iterable[Path]:
    with as_file(files("harness") / "rubrics") as folder:
        return list(folder.iterdir())


def _read(path: Path, language: str) -> Rubric:
    source = read_source(path)
    _refuse_variables(source)
    RubricCheck(source).everything(language)
    source.raise_mistakes()
    rubric = _rubric(source, language)
    for reference in ("r", None) if rubric.reference == "optional" else ("r",):  # what only rendering finds
        rubric.messages("q", "a", reference)
        rubric.comparison("q", "a", "b", reference)
    return rubric


def _refuse_variables(source: Source) -> None:
    """An environment variable would let two judges with one and the same rubric text be asked different things."""
    mistakes = [
        (n, match[0]) for n, line in enumerate(source.text.split("\n"), 1) for match in re.finditer(r"\$\{\w+\}", line)
    ]
    if mistakes:
        source.mistakes[:] = [
            (n, f"{name} is not filled in within a rubric; write the text itself") for n, name in mistakes
        ]
        source.raise_mistakes()


def _rubric(source: Source, language: str) -> Rubric:
    data = source.data
    prompts = {
        key: Template(text, f"{source.path.name}:{source.lines['prompts', language, key]}")
        for key, text in data["prompts"][language].items()
    }
    return Rubric(
        name=source.path.stem,
        language=language,
        low=float(data["scale"]["low"]),
        high=float(data["scale"]["high"]),
        whole=data["scale"].get("whole", True),
        reference=data["reference"],
        dimensions=tuple(_dimension(name, by[language]) for name, by in data["dimensions"].items()),
        score=prompts["score"],
        compare=prompts["compare"],
        system=prompts.get("system"),
        text=source.text,
    )


def _dimension(name: str, content: Mapping[str, JSON]) -> Dimension:
    anchors = sorted((float(key), text) for key, text in content.get("anchors", {}).items())
    return Dimension(name, content["title"], content["text"], dict(anchors))


def _template_view(dimension: Dimension) -> dict[str, JSON]:
    """A dimension as a template sees it."""
    anchors = [{"value": plain_number(value), "text": text} for value, text in dimension.anchors.items()]
    return {"name": dimension.name, "title": dimension.title, "text": dimension.text, "anchors": anchors}
