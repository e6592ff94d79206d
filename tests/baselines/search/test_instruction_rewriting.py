"""Instructions that a model proposes: what is read in its replies, what is tried, and what a search makes of it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from baselines.search.instruction_rewriting import Rewrite, read_instruction, with_instruction
from baselines.search.search_course import all_settings, chosen_setting, search
from baselines.variants.prompting import Prompting
from baselines.variants.searched import Searched
from harness.components.calls import NotPlannableError
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.task import Task
from harness.components.variant import PassageMix
from harness.models.scripted import Scripted
from harness.records.inputs import Cell, Generation, Prompt, Sample
from harness.records.outputs import Completion
from harness.records.searches import Rewriting
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.dry_context import DryContext
from harness.text.templates import Template
from tests.shared.rag_fixtures import resources
from tests.shared.rag_fixtures import task as norm_task


@pytest.mark.parametrize(
    ("reply", "text", "note"),
    [
        ("<instruction>Be brief.</instruction>", "Be brief.", ""),
        ("I think: <INSTRUCTION>\nBe brief.\n</INSTRUCTION> Done.", "Be brief.", ""),
        ("<instruction>one</instruction> or better <instruction>two</instruction>", "two", ""),
        ("<instruction>cut off", "cut off", ""),
        ("```text\nBe brief.\n```", "Be brief.", ""),
        ("只输出标准词。", "只输出标准词。", ""),
        ("<think>hm</think>Be brief.", "Be brief.", ""),
        ("", "", "the reply is empty"),
        ("<instruction> </instruction>", "", "the reply is empty"),
        ("Old.", "", "the reply repeats an instruction that was tried already"),
        ("x" * 4001, "", "the instruction has 4,001 characters; at most 4,000 are tried"),
        ("half \ud800", "", "the reply holds half of a character"),
    ],
)
def test_what_is_read_in_a_reply(reply: str, text: str, note: str) -> None:
    assert read_instruction(Completion(text=reply), ["Old."]) == (text, note)


def test_a_reply_that_failed_is_said() -> None:
    failed = Completion(text="", finish="error", error="down")
    assert read_instruction(failed, []) == ("", "the model failed: down")


@pytest.mark.parametrize(
    "text", ["{{ 7 * 7 }}", "{% for x in y %}", "{# gone #}", "{% endraw %}{{ input }}", "{{{{", "a } } %}", "<b>&lt;"]
)
def test_nothing_in_a_proposal_is_a_template(text: str) -> None:
    variant: Any = with_instruction(Prompting(model="m"), text)
    row = Sample(id="1", task="norm", input="secret", targets=("a",))
    assert Template(variant.system, "system").render(row) == text


def test_proposals_are_levels_of_system_beside_all_others() -> None:
    candidates = [Prompting(model="m", shots=shots, system=system) for shots in (0, 1) for system in (None, "s")]
    levels = [{"shots": str(own.shots), "system": own.system or "none"} for own in candidates]
    rewritings = [Rewriting(number=1, text="A"), Rewriting(number=2, note="empty"), Rewriting(number=3, text="B")]
    settings = all_settings(candidates, levels, rewritings)
    assert [(own.shots, own.system) for own, _ in settings[4:]] == [(0, "A"), (0, "B"), (1, "A"), (1, "B")]  # type: ignore[attr-defined]
    assert settings[5][1] == {"shots": "0", "system": "rewriting 3"}


class Obedient(Scripted):
    """Answers right where its system turn tells it to answer `a`, and proposes just that when asked for instructions."""

    proposal: str = "<instruction>Answer a {{ input }}</instruction>"

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        return [self.reply(prompt) for prompt in prompts]

    def reply(self, prompt: Prompt) -> Completion:
        if "<instruction>" in prompt[-1].content:
            return Completion(text=self.proposal, tokens_in=9, tokens_out=1)
        is_told = prompt[0].role == "system" and "Answer a" in prompt[0].content
        return Completion(text="a" if is_told else "b", tokens_in=len(prompt), tokens_out=1)


ROWS = tuple(Sample(id=f"v:{i}", task="norm", input=f"q{i}", targets=("a",)) for i in range(20))
TASK: Task = replace(norm_task(), data=Dataset(test=norm_task().data.test, validation=ROWS))


def searched(budget: int = 100, **further: Any) -> Searched:
    base = Prompting(model="m")
    return Searched(
        of=base, over={"max_tokens": [5, 6]}, budget=budget, rewrite=Rewrite(model="m", rounds=2),
        candidates=[base.model_copy(update={"max_tokens": n}) for n in (5, 6)],
        levels=[{"max_tokens": "5"}, {"max_tokens": "6"}], **further,
    )  # fmt: skip


def test_a_proposal_that_helps_is_chosen_and_a_second_search_asks_nothing(tmp_path: Path) -> None:
    own, model = searched(), Obedient()
    with_cache = Cache(tmp_path / "calls.sqlite")
    records, computed = [], []
    for _ in range(2):
        context = Context({"m": model}, with_cache, Display(), 7)
        context.begin(Cell("norm", "v"))
        records.append(search(own, "v", TASK, context, resources(TASK)))
        computed.append(context.counts.calls)
    first, again = records
    # 8 rows of the first setting and 1 proposal, 8 rows with it (all right: nothing to learn from in round 2, on rows
    # up to 16), then 4 settings: 24 further rows of 8 … within 100 calls
    assert [(r.number, r.text, r.before, r.after, r.note) for r in first.rewritings] == [
        (1, "Answer a {{ input }}", 0.0, 1.0, ""),
        (2, "", None, None, "there is no wrong answer to learn from"),
    ]
    chosen: Any = chosen_setting(own.candidates, own.levels, first)
    assert (first.settings[first.choice], chosen.max_tokens) == ({"max_tokens": "5", "system": "rewriting 1"}, 5)
    assert (first.rounds[-1].trials[0].score, first.calls <= 100, computed[0] > 0, computed[1]) == (1.0, True, True, 0)
    assert replace(again, cached=0, seconds=0.0) == replace(first, cached=0, seconds=0.0)
    plan = DryContext({"m": model}, with_cache, Display(), 7)
    plan.begin(Cell("norm", "v"))
    assert search(own, "v", TASK, plan, resources(TASK)).choice == first.choice  # a plan knows it, too
    with_cache.close()


def test_the_tokens_of_the_model_that_rewrites_are_counted(tmp_path: Path) -> None:
    replies: list[Completion] = []

    class Counted(Obedient):
        def reply(self, prompt: Prompt) -> Completion:
            replies.append(super().reply(prompt))
            return replies[-1]

    cache = Cache(tmp_path / "calls.sqlite")
    context = Context({"m": Counted()}, cache, Display(), 7)
    context.begin(Cell("norm", "v"))
    record = search(searched(), "v", TASK, context, resources(TASK))
    assert (record.calls, record.cached) == (len(replies), 0)
    assert record.tokens_in == sum(reply.tokens_in for reply in replies)
    assert record.tokens_out == sum(reply.tokens_out for reply in replies)
    cache.close()


def test_a_plan_says_what_a_search_takes_at_most(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    context = DryContext({"m": Obedient()}, cache, Display(), 7)
    context.begin(Cell("norm", "v"))
    with pytest.raises(NotPlannableError, match=r"at most 100 calls to choose among 6 settings") as error:
        searched().answer(TASK, TASK.data.test, context, resources(TASK))
    assert error.value.calls == 100
    cache.close()


@pytest.mark.parametrize(("proposal", "note"), [("", "the reply is empty"), ("x" * 5000, "at most 4,000 are tried")])
def test_a_rewriting_model_of_no_use_is_said_and_nothing_more(tmp_path: Path, proposal: str, note: str) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    context = Context({"m": Obedient(proposal=proposal)}, cache, Display(), 7)
    context.begin(Cell("norm", "v"))
    record = search(searched(), "v", TASK, context, resources(TASK))
    assert all(note in rewriting.note for rewriting in record.rewritings)
    assert (len(record.rewritings), len(record.settings)) == (2, 2)
    cache.close()


def test_rows_are_learnt_as_the_choice_asks_for_them(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    context = Context({"m": Obedient()}, cache, Display(), 7)
    context.begin(Cell("training", "lora"))
    own, known = searched(), resources(TASK)
    (pair,) = own.training_pairs(TASK, ROWS[:1], "lora", PassageMix(), context, known)
    assert [turn.role for turn in pair.prompt] == ["system", "user"]
    assert pair.prompt[0].content == "Answer a {{ input }}"  # of the proposal that was chosen, for base and lora alike
    assert own.prompt_shape(TASK) is None  # before the choice
    record = next(iter(known.searches.values()))
    shape: Any = own.settled({"norm": record}).prompt_shape(TASK)
    assert "Answer a" in shape.system
    cache.close()
