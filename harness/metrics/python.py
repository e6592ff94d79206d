"""A user's own function as a metric: what no shipped metric measures needs one file beside the suite, not a package."""

import hashlib
import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, computed_field, field_serializer, model_validator

from harness.components.fields import FilePath
from harness.components.metric import Mark, Marks, Metric, Scale
from harness.errors import HarnessError, nearest
from harness.records.inputs import Sample
from harness.records.outputs import Prediction
from harness.text.excerpts import shortened

if TYPE_CHECKING:
    from harness.components.scoring import Scoring


class Python(Metric):
    """The value of `function(answer, targets, sample)` in a Python file, on a scale from `low` to `high`.

    `answer` is the answer as read (text, {field: text} or letters), `targets` the right ones, `sample` the whole
    Sample. It returns a number (True is 1), a pair of number and reason, None for unknown, or a mapping of part to one
    of these, with its own value under "". An answer that could not be read is the worst end of the scale, unasked. An
    exception, something that is no number, and a number outside the scale are unknown, with the reason: never 0. The
    file runs once, by itself: it can import what is installed, not files beside it. Its digest is shown.
    """

    file: FilePath
    """The Python file, relative to the suite's folder."""
    function: str = Field(default="score", min_length=1)
    """The function in it, called as function(answer, targets, sample)."""
    low: float = 0.0
    """The lowest value."""
    high: float = 1.0
    """The highest value."""
    better: Literal["higher", "lower", "neither"] = "higher"
    """Whether higher or lower values are better, or neither."""

    @model_validator(mode="after")
    def _scale_has_a_width(self) -> "Python":
        if self.low >= self.high:
            raise ValueError(f"low: {self.low} must be less than high: {self.high}")
        if mistake := self.scale_of("").mistake():
            raise ValueError(mistake)
        return self

    @field_serializer("file")
    def _name(self, file: str) -> str:
        return Path(file).name  # the folder is the machine's affair; the digest tells which file it was

    @computed_field  # type: ignore[prop-decorator]
    @property
    def sha256(self) -> str:
        """Of the file as it was run."""
        return hashlib.sha256(self._source).hexdigest()

    def parts(self) -> tuple[str, ...] | None:
        return None

    def scale_of(self, part: str) -> Scale:
        return Scale(self.low, self.high, self.better)

    def check(self) -> None:
        """Run the file. Raises HarnessError with file and line if there is no such function in it, or it cannot run."""
        self._function  # noqa: B018 - loading is the check

    def score_batch(
        self, samples: Sequence[Sample], predictions: Sequence[Prediction], scoring: "Scoring | None" = None
    ) -> list[Marks]:
        """What an unread answer or an exception leaves without parts has the parts of all others."""
        all_marks = [self._marks(sample, prediction) for sample, prediction in zip(samples, predictions, strict=True)]
        parts = dict.fromkeys(part for marks in all_marks if isinstance(marks, Mapping) for part in marks) or {"": None}
        return [marks if isinstance(marks, Mapping) else dict.fromkeys(parts, marks) for marks in all_marks]

    def _marks(self, sample: Sample, prediction: Prediction) -> Mark | dict[str, Mark]:
        """A single Mark stands for all parts."""
        answer = prediction.reading.answer
        if answer is None:
            worst = {"higher": self.low, "lower": self.high, "neither": None}[self.better]
            return Mark(worst, prediction.reading.reason)
        function = self._function
        try:
            returned = function(answer, sample.targets, sample)
        except (Exception, SystemExit) as error:
            return Mark(None, f"{self.function} failed: {_error_line(error, self.file, Path(self.file).name)}")
        if not isinstance(returned, Mapping):
            return {"": self._mark(returned)}
        if "" not in returned or not all(isinstance(part, str) for part in returned):
            return Mark(None, f'{self.function} returned the parts {list(returned)}; its own value under "" is missing')
        return {part: self._mark(value) for part, value in returned.items()}

    def _mark(self, returned: object) -> Mark:
        value, reason = returned if isinstance(returned, tuple) and len(returned) == 2 else (returned, None)
        text = None if reason is None else str(reason)
        if value is None:
            return Mark(None, text or f"{self.function} returned None")
        number = _number(value)
        if number is None:
            return Mark(None, f"{self.function} returned {_short_repr(value)}, which is no number")
        if not self.low <= number <= self.high:
            return Mark(None, f"{self.function} returned {number:g}, which is outside {self.low:g} to {self.high:g}")
        return Mark(number, text)

    @cached_property
    def _source(self) -> bytes:
        try:
            return Path(self.file).read_bytes()
        except OSError as error:
            near = [path.name for path in Path(self.file).parent.glob("*.py")]
            hint = f" ({nearest(Path(self.file).name, near)})" if near else ""
            raise HarnessError(f"{self.file}: cannot be read: {error.strerror or error}{hint}") from error

    @cached_property
    def _function(self) -> Callable[..., Any]:
        module = _load(self._source, self.file)
        function = getattr(module, self.function, None)
        if function is None:
            own = [name for name, value in vars(module).items() if inspect.isfunction(value)]
            raise HarnessError(f"{self.file}: has no function {self.function} ({nearest(self.function, own)})")
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise HarnessError(f"{self.file}: {self.function} must be a plain function")
        _check_parameters(function, self.function, self.file)
        return function  # type: ignore[no-any-return]


def _load(source: bytes, file: str) -> ModuleType:
    """The file as a module under a name of its own, run from these bytes: no path is searched, nothing is compiled."""
    name = f"_harness_python_{hashlib.sha256(file.encode() + source).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__file__ = file
    sys.modules[name] = module  # dataclasses look their own module up
    try:
        exec(compile(source, file, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise HarnessError(_error_line(error, file, file)) from error
    return module


def _check_parameters(function: Callable[..., Any], name: str, file: str) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function written in C may not tell
        return
    try:
        signature.bind("answer", (), None)
    except TypeError as error:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
        place = f"{file}:{line}" if line else file
        raise HarnessError(f"{place}: {name}{signature} must take (answer, targets, sample)") from error


def _error_line(error: BaseException, file: str, name: str) -> str:
    """An exception as one line with the place in the user's file, called `shown`."""
    message = " ".join(f"{type(error).__name__}: {error}".split())
    if isinstance(error, SyntaxError) and error.filename == file:
        return f"{name}:{error.lineno}: {type(error).__name__}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{name}:{lines[-1]}: {message}" if lines else f"{name}: {message}"


def _number(value: Any) -> float | None:
    if isinstance(value, str | bytes | bytearray):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _short_repr(value: object) -> str:
    return shortened(repr(value), 80)
