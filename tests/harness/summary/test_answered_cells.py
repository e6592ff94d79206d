"""A cell without its prompts: what figures and faults are made of stays, and of prompts whether they are equal."""

from dataclasses import replace

from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction, Reading, Serving, Step
from harness.summary.answered_cells import AnsweredCell, prompts_digest

TEXTS = ["which?", "where?", "which?"]
ANSWERS = [
    Prediction(
        sample_id=f"s{place}", task="t", variant="v", messages=(Message("system", "be brief"), Message("user", text)),
        text="x", reading=Reading("x"), rendered=f"<{text}>", tokens_in=7,
    )
    for place, text in enumerate(TEXTS)
]  # fmt: skip


def cell_of(answers: list[Prediction]) -> AnsweredCell:
    return AnsweredCell.of((Sample(id=own.sample_id, task="t", input="", targets=("x",)), own) for own in answers)


def test_prompts_are_equal_where_they_were() -> None:
    first, second, third = cell_of(ANSWERS).predictions
    assert first.messages == third.messages != second.messages
    assert first.rendered == third.rendered != second.rendered
    assert all(text not in str(cell_of(ANSWERS)) for text in ("which?", "where?", "be brief"))


def test_all_else_stays_and_unknown_renderings_are_unknown() -> None:
    answers = [replace(ANSWERS[0], rendered=None), ANSWERS[1]]
    own = cell_of(answers)
    assert own.predictions[0].rendered is None
    held = [replace(p, messages=a.messages, rendered=a.rendered) for p, a in zip(own.predictions, answers, strict=True)]
    assert held == answers
    assert all(prediction.sample_id is sample.id for sample, prediction in own.items)


def test_the_digest_of_a_cell_is_that_of_its_prompts() -> None:
    assert cell_of(ANSWERS).prompts == prompts_digest(ANSWERS)
    assert cell_of(ANSWERS[:2]).prompts != cell_of(ANSWERS[1:]).prompts
    # sha256 of "user\0a\0" and "\0": as in the runs before
    assert prompts_digest([replace(ANSWERS[0], messages=(Message("user", "a"),))]) == (
        "75e05888b1a795a863cb8fed70e7f92ec5f19aa946df84061f8c6215bb99e50b"
    )


def test_what_a_server_counted_keeps_its_prompt_unless_a_cascade_asked() -> None:
    served = replace(ANSWERS[0], serving=Serving())
    routed = replace(served, route=(Step("a", None, None),))
    assert [own.messages == served.messages for own in cell_of([served, routed]).predictions] == [True, False]
