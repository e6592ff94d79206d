"""An evaluation-first harness: prompting, RAG or fine-tuning, compared on the same items with honest statistics.

In Python: `run = harness.run("suite.yaml")` runs a suite, `harness.load("runs/NAME")` reads a run that is there, and
`harness.testing` holds assertions for tests (docs/python.md). Nothing is imported before it is asked for.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__version__ = "0.1.0"


class MainPath(ModuleType):
    """The module harness.run, which is a function, too: `harness.run("suite.yaml")`."""

    def __call__(
        self,
        suite: str | Path,
        *,
        out: str | Path | None = None,
        start: str = "train",
        progress: bool = True,
        language: str | None = None,
        **options: Any,
    ) -> Any:
        """Run a suite and return its Run, as the command `harness run` does.

        `suite` is a suite file, a folder with a suite.yaml, or the name of a shipped suite. `out` is the run folder;
        None: runs/NAME/TIME, or the unfinished run, which goes on. `start` is the first stage. `progress` shows how far
        it is. `language` of the report: en or zh; None: that of the suite's prompts. Of `options`, `limit`, `only`,
        `tasks` and `skip_training` make it a limited run, and `on` and `devices` say where it computes, as the options
        of the command do. `shard="1/3"` answers a third of the items and returns a part without figures, for `harness
        merge`. Raises HarnessError with the messages of the command line.
        """
        calls = import_module("harness.python.run_calls")
        return calls.run_suite(suite, out=out, start=start, progress=progress, language=language, **options)


def __getattr__(name: str) -> Any:
    if name in ("run", "testing"):
        return import_module(f"harness.{name}")
    if name == "load":
        return import_module("harness.python.run_calls").load
    raise AttributeError(f"module 'harness' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), "load", "run", "testing"])
