"""Reflective rewriting: a model reads wrong answers and proposes instructions that might mend them.

After Agrawal et al. 2025, GEPA, section 3: an instruction is mutated from the errors that it makes, and a mutation is
kept as what is mutated next where it does better on the rows that it was made from.
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from baselines.search.trial_ledger import TrialLedger
from baselines.support.built_in_wordings import built_in
from harness.components.calls import NotPlannableError
from harness.components.completing import for_model
from harness.components.fields import ModelName
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.inputs import Generation, Message, Sample
from harness.records.outputs import Completion, Prediction
from harness.records.searches import Rewriting
from harness.text.excerpts import shortened
from harness.text.replies import without_reasoning

ROWS = 8  # that a round asks about, beside those of the rounds before
QUESTION_LENGTH = 1500  # characters of a question that are shown, its passages and examples among them
REPLY_LENGTH = 500
LONGEST = 4000  # characters of an instruction
REPLY_TOKENS = 1024
_TAGGED = re.compile(r"<instruction>(.*?)(?:</instruction>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"\{[{%#]")  # what a template would take for its own


class Rewrite(BaseModel):
    """Instructions are proposed by a model, and are tried as further levels of `system`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: ModelName
    """The model in `models` that reads wrong answers and writes instructions."""
    rounds: int = Field(3, ge=1, le=10)
    """Most proposals, each from the errors of the best instruction so far."""

    def most_rows(self) -> int:
        """How many rows the last round compares instructions on."""
        return ROWS * self.rounds


def propose(ledger: TrialLedger, rewrite: Rewrite) -> list[Rewriting]:
    """Have a model propose instructions, from the errors of the first setting and of the best proposal so far."""
    parent, text = 0, _instruction_of(ledger)
    rewritings: list[Rewriting] = []
    for number in range(1, rewrite.rounds + 1):
        count = min(ROWS * number, len(ledger.rows.rows))
        ledger.ask([parent], count)
        wrong = ledger.wrong(parent, ROWS * (number - 1), count) or ledger.wrong(parent, 0, count)
        if not wrong:
            rewritings.append(Rewriting(number=number, note="there is no wrong answer to learn from", rows=count))
            break
        earlier = [own.text for own in rewritings if own.text and own.text != text]
        completion = _ask(ledger, rewrite.model, text, wrong[:ROWS], earlier)
        proposal, note = read_instruction(completion, [text, *earlier])
        if not proposal:
            rewritings.append(Rewriting(number=number, note=note, errors=len(wrong[:ROWS]), rows=count))
            continue
        place = ledger.enter(with_instruction(ledger.answers[0].variant, proposal))
        ledger.ask([place], count)
        before, after = (ledger.trial(own, count).score for own in (parent, place))
        rewritings.append(
            Rewriting(number=number, text=proposal, errors=len(wrong[:ROWS]), rows=count, before=before, after=after)
        )
        if ledger.figure.sign * (after - before) > 0:
            parent, text = place, proposal
    return rewritings


def with_instruction(variant: Variant, text: str) -> Variant:
    """A setting with a proposed instruction, of which nothing is read as a template."""
    return variant.model_copy(update={"system": _OPENING.sub(lambda match: f"{{{{ '{match[0]}' }}}}", text)})


def read_instruction(completion: Completion, tried: Sequence[str]) -> tuple[str, str]:
    """The instruction in a reply, and why there is none that could be tried."""
    if completion.error is not None or completion.finish == "error":
        return "", f"the model failed: {shortened(completion.error or 'without a reason', REPLY_LENGTH)}"
    reply, reason = without_reasoning(completion.text)
    if reason is not None:
        return "", reason
    matches = _TAGGED.findall(reply) or _FENCED.findall(reply) or [reply]
    text = str(matches[-1]).strip()
    if not text:
        return "", "the reply is empty"
    if len(text) > LONGEST:
        return "", f"the instruction has {len(text):,} characters; at most {LONGEST:,} are tried"
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        return "", "the reply holds half of a character"
    if text in tried:
        return "", "the reply repeats an instruction that was tried already"
    return text, ""


def _instruction_of(ledger: TrialLedger) -> str:
    """The system turn that the first setting has now."""
    task: Task = ledger.rows.task
    own: Any = getattr(ledger.answers[0].variant, "system", None)
    return str(own if own is not None else task.system.text if task.system else "").strip()


def _ask(
    ledger: TrialLedger, model: str, text: str, wrong: Sequence[tuple[Sample, Prediction]], earlier: Sequence[str]
) -> Completion:
    """The reply of the rewriting model. Raises NotPlannableError while a run is only planned and it is not known."""
    task, calls = ledger.rows.task, ledger.calls
    errors = [
        {
            "question": shortened(
                prediction.messages[-1].content if prediction.messages else row.input, QUESTION_LENGTH
            ),
            "reply": shortened(prediction.error or prediction.text, REPLY_LENGTH),
            "target": shortened(task.answer.example(row), REPLY_LENGTH),
        }
        for row, prediction in wrong
    ]
    template = built_in("rewrite", task.language)
    prompt = template.render_values({"instruction": text, "errors": errors, "earlier": list(earlier)})
    generation = for_model(Generation(max_tokens=REPLY_TOKENS), calls.model(model), False)
    ledger.spent += 1
    (completion,) = calls.generate(model, [(Message("user", prompt),)], generation)
    if calls.planning and completion.error is not None:
        raise NotPlannableError("an instruction to be proposed")
    ledger.proposals.append(completion)
    return completion
