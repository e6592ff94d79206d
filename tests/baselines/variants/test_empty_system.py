"""`system: ""` is an empty system turn, which no system at all is not: templates add a text of their own there."""

from typing import Any

import pytest

from baselines.variants.prompting import Framing, Prompting
from harness.answers.text import Text
from harness.components.dataset import Dataset
from harness.components.task import Task
from harness.models.local.chat_template import as_plain, move_turns
from harness.records.inputs import Generation, Message, Sample
from harness.text.templates import Template

SAMPLE = Sample(id="1", task="t", input="Name a tree.", targets=("Oak",), meta={"empty": ""})
USER = Message("user", "Name a tree.")


def task(system: str | None) -> Task:
    return Task(
        name="t", data=Dataset(test=(SAMPLE,)), template=Template("{{ input }}", "t"),
        system=None if system is None else Template(system, "t"), answer=Text(), generation=Generation(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("of_task", "of_variant", "turns"),
    [
        (None, {}, (USER,)),
        (None, {"system": ""}, (Message("system", ""), USER)),
        ("Be brief.", {"system": ""}, (Message("system", ""), USER)),
        ("Be brief.", {}, (Message("system", "Be brief."), USER)),
        ("Be brief.", {"system": "Be long."}, (Message("system", "Be long."), USER)),
        ("", {}, (Message("system", ""), USER)),
        ("{{ empty }}", {}, (USER,)),  # a text that this item lacks
    ],
)
def test_an_empty_system_turn(of_task: str | None, of_variant: Any, turns: Any) -> None:
    (prompt,) = Prompting(model="m", **of_variant).prompts(task(of_task), [SAMPLE], 0, Framing())
    assert prompt == turns


@pytest.mark.parametrize("system", [(), (Message("system", ""),)])
def test_an_empty_system_turn_adds_nothing_to_running_text(system: Any) -> None:
    assert as_plain((*system, USER), "\nAnswer: ") == "Name a tree.\nAnswer:"
    assert move_turns((*system, USER), {0} if system else ()) == (USER,)
