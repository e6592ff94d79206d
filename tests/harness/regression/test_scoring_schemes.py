"""Where a model's numbers are rounded, texts scored in another way are another model to the tasks that score them."""

from typing import Any

import pytest

from harness.regression.run_differences import _models

SCHEME = {"prefixes": "common prefixes once, 1"}


def identity(answer: dict[str, Any], metrics: dict[str, Any], scoring: dict[str, str] | None, digest: str) -> Any:
    model = {"component": "HuggingFace", "digest": digest, "description": "m, bfloat16", "uses": []}
    return {
        "models": {"m": {**model, **({"scoring": scoring} if scoring else {})}},
        "variants": {"plain": {"component": "Prompting", "uses": ["models.m"]}},
        "tasks": {"exam": {"answer": answer, "metrics": metrics}, "notes": {"answer": {"component": "Text"}}},
    }


CHOICE = {"component": "Choice", "settings": {"by": "loglikelihood"}}
WRITTEN = {"component": "Choice", "settings": {"by": "generation"}}


@pytest.mark.parametrize(
    ("answer", "metrics", "before", "tasks"),
    [
        (CHOICE, {}, None, ("exam",)),
        ({"component": "Choice", "settings": {"by": "first_token"}}, {}, None, ("exam",)),
        ({"component": "LmEval"}, {}, None, ("exam",)),
        (WRITTEN, {"ppl": {"component": "Perplexity"}}, None, ("exam",)),
        (WRITTEN, {}, None, None),  # nothing is scored: generated answers are the same
        (CHOICE, {}, SCHEME, None),
    ],
)
def test_another_scheme_touches_the_tasks_that_score_texts(
    answer: Any, metrics: Any, before: Any, tasks: tuple[str, ...] | None
) -> None:
    sides = [identity(answer, metrics, scoring, "ab") for scoring in (before, SCHEME)]
    found = list(_models(*sides))
    assert [own.tasks for own in found] == ([] if tasks is None else [tasks])
    for own in found:
        assert (own.before, own.after) == (
            "m, bfloat16 ab, texts scored by: whole prompts", "m, bfloat16 ab, texts scored by: common prefixes once, 1"
        )  # fmt: skip
        assert "plain" in own.variants


def test_another_model_is_one_difference() -> None:
    (found,) = _models(identity(CHOICE, {}, None, "ab"), identity(CHOICE, {}, SCHEME, "cd"))
    assert found.tasks == ()
