"""Prompts are data: strict, sandboxed Jinja, so that a missing variable is an error and a template runs no code."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from jinja2 import Template as CompiledTemplate
from jinja2 import TemplateError, TemplateSyntaxError, meta

from harness.errors import HarnessError
from harness.records.inputs import JSON, Sample
from harness.text.bounded_environment import BoundedEnvironment
from harness.text.template_budget import budget

_ENVIRONMENT = BoundedEnvironment()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Template:
    """A prompt's source and where it stands, for messages."""

    text: str
    origin: str

    def check(self) -> None:
        """Raise HarnessError `file:line: reason` if the template cannot be compiled."""
        self._compile()

    def names(self, variable: str) -> bool:
        """Whether it asks for a variable by name. Raises HarnessError if the template cannot be compiled."""
        self.check()
        return variable in _variables(self.text)

    def render(self, sample: Sample, **extra: JSON) -> str:
        """The text for one sample.

        Visible: `input`, `options` (a list of (letter, text)), every column of the row, and `extra`. Raises
        HarnessError for a variable that the row does not have, and for whatever else stops the template.
        """
        if (constant := _constant(self.text)) is not None:
            return constant
        values = {
            **sample.meta,
            "input": sample.input,
            "options": list(zip(LETTERS, sample.options, strict=False)),
            **extra,
        }
        return self.render_values(values, f"sample {sample.id}: ")

    def render_values(self, values: Mapping[str, JSON], subject: str = "") -> str:
        """The text for named values; `subject` opens the message of an error."""
        try:
            with budget():
                text = self._compile().render(values)
            text.encode()
            return text
        except UnicodeEncodeError as error:  # which '\ud800' in a template writes; no request and no file could hold it
            reason = "it makes half of a \\ud… pair, which is no character; write the character itself"
            raise HarnessError(f"{self.origin}: {subject}{reason}") from error
        except RecursionError as error:
            raise HarnessError(f"{self.origin}: {subject}it is nested too deeply, or calls itself") from error
        except Exception as error:  # a template is the user's program: whatever stops it is theirs to mend
            names = ", ".join(sorted(values))
            reason = " ".join(str(error).split()) or type(error).__name__
            raise HarnessError(f"{self.origin}: {subject}{reason} (there is: {names})") from error

    def _compile(self) -> CompiledTemplate:
        try:
            return _compiled(self.text)
        except TemplateSyntaxError as error:
            raise HarnessError(f"{self.origin}:{error.lineno}: {error.message}") from error
        except RecursionError as error:
            raise HarnessError(f"{self.origin}: it is nested too deeply") from error
        except (TemplateError, SyntaxError, ValueError, ArithmeticError) as error:
            raise HarnessError(f"{self.origin}: {error}") from error


@cache
def _variables(text: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(text)))


@cache
def _compiled(text: str) -> CompiledTemplate:
    with budget():
        return _ENVIRONMENT.compiled(text)


@cache
def _constant(text: str) -> str | None:
    """What a template without any variable says of every sample; None for all others, and for one that fails."""
    try:
        return None if _variables(text) else Template(text, "").render_values({})
    except (HarnessError, TemplateError, RecursionError, ValueError, ArithmeticError, SyntaxError):
        return None
