"""Proofs about models as they come, without training: batches, scoring and templates."""

from collections.abc import Callable, Iterator
from functools import partial

from harness.models.huggingface import HuggingFace
from harness.records.inputs import Message, Prompt
from harness.selftest.answers import batch_difference, generation_difference, scoring_difference
from harness.selftest.proof import Proof
from harness.selftest.tiny_models import CHATML, TinyModels

SUBJECT = "huggingface"
SHAPES = ("Llama", "Gemma2")  # architectures that prepare masks and caches in ways of their own
BATCH = "padding and batch change no answer and no log-probability"
GENERATION = "generating equals plain forwards"
SCORING = "scoring options and answers equals a plain forward"
CLAIMS: dict[str, Callable[[HuggingFace], str | None]] = {
    BATCH: batch_difference, GENERATION: generation_difference, SCORING: scoring_difference,
}  # fmt: skip
TURNS = "the chat template keeps every turn"
NO_SYSTEM = (  # as Gemma's
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}[assistant]"
)
TEMPLATES = {"a template": CHATML, "a template that refuses a system turn": NO_SYSTEM, "no template": None}
CONVERSATION: Prompt = (
    Message("system", "Kxq1 按要求回答。"), Message("user", "Kxq2 fever?"), Message("assistant", "Kxq3 发热。"),
    Message("user", "Kxq4 cough?"),
)  # fmt: skip
PROMPTS = {"a question": CONVERSATION[1:2], "a system turn": CONVERSATION[:2], "earlier turns": CONVERSATION[1:],
           "all turns": CONVERSATION}  # fmt: skip


def proofs(tiny: TinyModels) -> Iterator[Proof]:
    """Of each architecture, then of each kind of chat template."""
    for shape in SHAPES:
        for name, difference in CLAIMS.items():
            yield Proof(
                name=f"{name} ({shape})",
                subject=SUBJECT,
                prove=partial(lambda shape, difference: difference(tiny.model(shape)), shape, difference),
            )
    for label, template in TEMPLATES.items():
        yield Proof(
            name=f"{TURNS} ({label})",
            subject=SUBJECT,
            prove=partial(lambda template: turn_difference(tiny.model(template=template)), template),
        )


def turn_difference(model: HuggingFace) -> str | None:
    """Which turn is not among the tokens that are sent, or not in its place."""
    for settings in ({"format": "chat"}, {"format": "plain"}):
        engine = model.model_copy(update=settings)
        for label, prompt in PROMPTS.items():
            text, start = engine.tokenizer.decode(engine.encode(prompt)), 0
            for turn in prompt:
                start = text.find(turn.content, start)
                if start < 0:
                    return (
                        f"{label}, format {engine.format}: the {turn.role} turn is not in what is sent, or out of order"
                    )
    return None
