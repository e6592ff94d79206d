"""A run keeps the prompt as the model read it, and the report shows that text, not the turns it was made of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.runtime.run_folder import RunFolder
from reports.facts.item_payload import ItemRecords, items_payload
from reports.facts.item_texts import rendered_pieces
from tests.shared.finished import rendered_text
from tests.shared.reciting_model import save_reciting

SUITE = """\
name: rendered
models:
  tiny: {huggingface: {path: "FOLDER", dtype: float32, device: cpu, SETTINGS}}
  made: {scripted: {default: A}}
tasks:
  norm:
    data: {tsv: {path: test.tsv, train: train.tsv, input: q, target: a}}
    system: Be brief.
    prompt: "{{ input }}?"
    generation: {max_tokens: 2}
    metrics: {accuracy: exact_match}
variants:
  direct: {prompting: {model: tiny}}
  shots: {prompting: {model: tiny, shots: 1}}
  made: {prompting: {model: made}}
"""
NO_SYSTEM = (
    "{% for m in messages if m.role != 'system' %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_reciting(tmp_path_factory.mktemp("rendered") / "model", {"fever?": "A"}, NO_SYSTEM)


CHAT = "<|im_start|>user\nBe brief.\n\n{}<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize(
    ("settings", "direct", "shots"),
    [
        ("format: chat", CHAT.format("fever?"),
         CHAT.format("cough?") + "B<|im_end|>\n<|im_start|>user\nfever?<|im_end|>\n<|im_start|>assistant\n"),
        ("format: plain", "Be brief.\n\nfever?", "Be brief.\n\ncough? B\n\nfever?"),
        ("format: plain, delimiter: '→'", "Be brief.\n\nfever?→", "Be brief.\n\ncough?→B\n\nfever?→"),
    ],
)  # fmt: skip
def test_the_prompt_as_the_model_read_it(
    settings: str, direct: str, shots: str, folder: Path, write_suite: Callable[..., Path],
    run_suite: Callable[..., RunFolder],
) -> None:  # fmt: skip
    text = SUITE.replace("FOLDER", str(folder)).replace("SETTINGS", settings)
    run = run_suite(write_suite(text, test__tsv="q\ta\nfever\tA\n", train__tsv="q\ta\ncough\tB\n"))
    rendered = {prediction.variant: prediction.rendered for prediction in run.predictions()}
    assert rendered == {"direct": direct, "shots": shots, "made": None}
    content = items_payload(ItemRecords(run.finished()), 0, 0)
    answers = {answer["variant"]: answer for answer in content["items"][0]["answers"]}
    assert rendered_text(answers["shots"], content["texts"]) == shots
    assert "rendered" not in answers["made"]
    for prediction in run.predictions():
        assert "".join(rendered_pieces(prediction)) == (prediction.rendered or "")
