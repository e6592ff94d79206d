"""lm-eval's own command with one model more: that of a suite."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from harness.errors import HarnessError, ModelError, nearest

if TYPE_CHECKING:
    from harness.components.calls import Calls
    from harness.suite.suite import Suite

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def lm_eval(context: typer.Context) -> None:
    """Run lm-eval's own command with a model of a suite; everything behind lm-eval is lm-eval's. For example:

    harness lm-eval run --model harness --model_args suite=suite.yaml,model=lora --tasks arc_easy --limit 50

    lm-eval loads no models from other packages, so its command is started from here. `harness lm-eval run --help` shows
    its options. Run the suite first where it trains the model.
    """
    from harness.components.packages import remedy_for

    if remedy := remedy_for(("lm_eval",)):
        raise HarnessError(f"harness lm-eval needs {remedy}")
    from lm_eval import models  # registers lm-eval's own
    from lm_eval.__main__ import cli_evaluate
    from lm_eval.api.registry import model_registry

    from adapters.export.lm_eval_model import HarnessModel

    assert models
    with ExitStack() as opened:

        class SuiteModel(HarnessModel):
            def open_suite(self, suite: str, model: str) -> "Calls":
                return _open(Path(suite), model, opened)

        model_registry.register("harness", target=SuiteModel)
        sys.argv = ["lm-eval", *context.args]
        cli_evaluate()


def _open(path: Path, model: str, opened: ExitStack) -> "Calls":
    """The door to a suite's models, of which one will be asked; it is closed with `opened`. Raises HarnessError."""
    from contextlib import closing

    from harness.components.display import Display
    from harness.runtime.cache import Cache, cache_root
    from harness.runtime.context import Context
    from harness.stages.prepare import prepare
    from harness.suite.parser import load_suite

    suite = load_suite(path)
    _refuse_unready(suite, model)
    prepare(suite, [model])
    cache = opened.enter_context(closing(Cache(cache_root() / "calls.sqlite")))
    calls = Context(suite.models, cache, Display(), suite.seed, suite.secrets)
    opened.callback(calls.close)
    _refuse_untrained(suite, model, path)
    return calls


def _refuse_unready(suite: "Suite", model: str) -> None:
    if model not in suite.models:
        raise HarnessError(f"{suite.path.name} has no model '{model}' ({nearest(model, suite.models)})")
    if not suite.models[model].generates:
        raise ModelError(f"models.{model} writes no text; name another model")


def _refuse_untrained(suite: "Suite", model: str, path: Path) -> None:
    preparation = suite.models[model].preparation()
    if preparation is not None and not preparation.done:
        raise ModelError(f"models.{model} is not trained yet ({preparation.what}); first: harness run {path}")
