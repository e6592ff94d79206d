"""How every command ends: what is refused is said in a line a mistake, and Ctrl-C is no crash."""

from typing import Any

import typer
import typer.core

from harness.errors import HarnessError


class Commands(typer.core.TyperGroup):
    """A HarnessError, or what the system refuses, is one line a mistake and exit 2; Ctrl-C is exit 130; else a bug."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough
            raise
        except (HarnessError, OSError, KeyboardInterrupt) as error:
            from harness.printing import print_failure

            raise typer.Exit(print_failure(error)) from error
