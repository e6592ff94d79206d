"""Assertions on the figures of a run, for tests: `assert_better(run, "lora", "few-shot", "norm.accuracy")`.

They rest on the statistics of the report: an assertion holds where the run shows it, and fails with "not shown" where
there are too few items to tell. As a plugin of pytest there is a fixture `harness_run` (docs/python.md).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.python.run_view import Run


def assert_better(run: "Run", variant: str, reference: str, figure: str) -> None:
    """Raise AssertionError unless the run shows `variant` to be better than `reference` on "task.metric".

    Better as the figure has it: higher, or lower. Shown is what the comparison of the run shows (two-sided, p corrected
    by Holm's method below 0.05); a pair that the run did not compare is tested by itself. Raises HarnessError for names
    that the run does not have.
    """
    __tracebackhide__ = True
    from harness.testing.shown_claims import failure_of_better

    _raise(failure_of_better(run, variant, reference, figure))


def assert_not_worse(run: "Run", variant: str, reference: str, figure: str, margin: float | str | None = None) -> None:
    """Raise AssertionError unless the run shows that `variant` loses less than `margin` to `reference` on a figure.

    `margin` is above 0, in the figure's own units, or "2 points"; None: the margin of the suite. Shown is it where the
    interval of the difference ends above the margin (the confidence interval approach, Westlake 1981). Raises
    HarnessError for names that the run does not have, and for a margin that cannot be one of the figure.
    """
    __tracebackhide__ = True
    from harness.testing.shown_claims import failure_of_not_worse

    _raise(failure_of_not_worse(run, variant, reference, figure, margin))


def _raise(failure: str | None) -> None:
    __tracebackhide__ = True
    if failure is not None:
        raise AssertionError(failure)
