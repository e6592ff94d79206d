"""Proofs that a model learns the very tokens that it is asked with later."""

from collections.abc import Iterator
from functools import partial

from adapters.training.encoding import IGNORED, Example, encode_examples
from harness.models.huggingface import HuggingFace
from harness.selftest.plain_models import PROMPTS, TEMPLATES
from harness.selftest.proof import Proof
from harness.selftest.tiny_models import TinyModels

SUBJECT = "tuned"
RENDERING = "training and inference render the same token ids"
DELIMITERS = {"plain text": "\n", "plain text with a label": "\n标准词："}
ANSWERS = ("B", "支气管炎 A", "fever or cough")


def proofs(tiny: TinyModels) -> Iterator[Proof]:
    """Of each kind of chat template, and of plain text."""
    for label, template in TEMPLATES.items():
        yield Proof(
            name=f"{RENDERING} ({label})",
            subject=SUBJECT,
            prove=partial(lambda template: rendering_difference(tiny.model(template=template)), template),
        )
    for label, delimiter in DELIMITERS.items():
        yield Proof(
            name=f"{RENDERING} ({label})",
            subject=SUBJECT,
            prove=partial(lambda text: rendering_difference(tiny.model(format="plain", delimiter=text)), delimiter),
        )


def rendering_difference(base: HuggingFace) -> str | None:
    """Where a training row is another text than the prompt as it is asked, then the answer and an end token."""
    for label, prompt in PROMPTS.items():
        for answer in ANSWERS:
            (row,) = encode_examples(base, [Example(prompt, answer)], 1 << 20, "answer").rows
            asked, first = base.encode(prompt), row.labels.count(IGNORED)
            if list(row.ids[:first]) != asked:
                return f"{label}: what is not learnt is not the prompt as it is asked"
            if row.labels[first:] != row.ids[first:]:
                return f"{label}: a token behind the prompt is not learnt"
            learnt = base.tokenizer.decode(row.ids[first:-1])
            joint = base.delimiter if base.format == "plain" else ""
            if not learnt.endswith(answer) or not joint.endswith(learnt.removesuffix(answer)):
                return f"{label}: the text {learnt!r} is learnt for the answer {answer!r}"
            if row.ids[-1] not in base.end_tokens():
                return f"{label}: generation would not stop at the token that ends the answer"
    return None
