"""The items as the page holds them: every letter comes back, texts stand once, and the matrix counts as the records do."""

import base64
import gzip
import json
from collections.abc import Sequence

import pytest

from harness.records.figures import MetricInfo, Result
from harness.records.finished_run import FinishedRun
from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from reports.facts import item_packing
from reports.facts.item_matrix import chunk_size, matrix_payload
from reports.facts.item_packing import Encoding, pack, packed
from reports.facts.item_payload import ItemRecords, items_payload
from reports.facts.item_texts import pieces_of, rendered_parts, rendered_pieces
from reports.html import render
from tests.shared.finished import finished, unpacked

CHINESE = "".join(chr(0x4E00 + 7919 * place % 2500) for place in range(600))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("体温 38.5 ℃，🩺", None),
        ("ḿ\ue000\ue78d\uf8ff\ufe10\ufe19龴龻", None),  # what browsers and Python read otherwise in gb18030
        ("\u2028\x7f\u00a0\ufeff\U00020087", None),
        ("half \ud83d", "half ?"),
        ("</script><!--", None),
    ],
)
def test_every_letter_comes_back(text: str, expected: str | None, encoding: Encoding) -> None:
    content = packed(json.dumps(text, ensure_ascii=False), encoding)
    assert "<" not in content
    assert json.loads(gzip.decompress(base64.b64decode(content)).decode(encoding)) == (expected or text)


@pytest.mark.parametrize("letter", ["ḿ", "\ue000", "\ue78d", "\ufe10", "龴"])
def test_what_the_edition_of_2022_moved_is_escaped(letter: str) -> None:
    content = gzip.decompress(base64.b64decode(packed(json.dumps(letter, ensure_ascii=False), "gb18030")))
    assert content == f'"\\u{ord(letter):04x}"'.encode()


@pytest.mark.parametrize(
    ("text", "encoding"), [(CHINESE, "gb18030"), ("a long answer " * 40, "utf-8"), ("ответ " * 90, None)]
)
def test_the_shorter_encoding_is_taken(text: str, encoding: str | None) -> None:
    items = pack(run([text], [[1.0]]))
    assert items.encoding == encoding or encoding is None
    assert items == pack(run([text], [[1.0]]))  # equal runs give equal pieces


@pytest.mark.parametrize(
    ("content", "repeated", "pieces"),
    [
        ("Ask: what is a fever?\nAnswer:", ["what is a fever?"], ["Ask: ", "what is a fever?", "\nAnswer:"]),
        ("what is a fever?", ["what is a fever?"], ["what is a fever?"]),
        ("short", ["short"], ["short"]),  # too short to be looked for
        ("", ["what is a fever?"], []),
        # what overlaps an earlier one stays within the rest
        ("aaaaaaaaaaaabbbbbbbbbbbb", ["aaaaaaaaaaaab", "abbbbbbbbbbbb"], ["aaaaaaaaaaaab", "bbbbbbbbbbb"]),
        ("second passage, first passage", ["first passage", "second passage"], ["second passage", ", ", "first passage"]),
    ],
)  # fmt: skip
def test_a_message_in_pieces(content: str, repeated: Sequence[str], pieces: list[str]) -> None:
    assert pieces_of(content, repeated) == pieces
    assert "".join(pieces) == content


def test_a_rendered_prompt_names_its_messages_by_place() -> None:
    messages = (Message("system", "Be brief."), Message("user", " fever? "), Message("assistant", ""))
    prompt = prediction("s0", "a", "x", messages=messages, rendered="<s>Be brief.<u>fever?<a>")
    assert rendered_parts(prompt) == ["<s>", 0, "<u>", 1, "<a>"]
    assert "".join(rendered_pieces(prompt)) == prompt.rendered


EXACT = MetricInfo(component="", settings={}, low=0.0, high=1.0, better="higher")
EDITS = MetricInfo(component="", settings={}, low=0.0, high=1e9, better="lower")
PLAIN = MetricInfo(component="", settings={}, low=0.0, high=10.0, better="neither")


@pytest.mark.parametrize(
    ("info", "values", "letters", "graded", "scale"),
    [
        (EXACT, [1.0, 0.0, None, 0.5, float("nan")], "rwupu", [0.5], (0, 1, True, 1)),
        (EXACT, [1.25, -0.5, 1 / 3], "RWp", [1.25, -0.5, 0.333333], (0, 1, True, 1)),
        (EDITS, [0.0, 3.0, 12.5], "rpp", [3.0, 12.5], (0, None, False, None)),
        (PLAIN, [0.0, 10.0, 4.0], "nnn", [0.0, 10.0, 4.0], (0, 10, False, 2)),
    ],
)
def test_the_matrix(
    info: MetricInfo, values: list[float | None], letters: str, graded: list[float], scale: tuple[object, ...]
) -> None:
    matrix = matrix_payload(ItemRecords(run(["?"] * len(values), [values, [None] * len(values)], info)))
    assert matrix["columns"] == ["v0", "v1"]
    assert matrix["outcomes"] == [[letters, "u" * len(values)]]
    assert matrix["graded"] == [[graded, []]]
    (own,) = matrix["scales"]
    assert (own["low"], own["high"], own["percent"], own["decimals"]) == scale


def test_items_without_an_answer_and_lengths() -> None:
    records = ItemRecords(run(["a  long\nquestion " * 20, "b"], [[1.0, 0.0]]))
    records.answers(records.samples[1]).clear()  # type: ignore[attr-defined]
    matrix = matrix_payload(records)
    assert matrix["outcomes"] == [["r-"]]
    assert matrix["lengths"] == [[len("v0 answers 0"), -1]]
    assert matrix["questions"] == [17 * 20, 1]
    assert matrix["excerpts"][0].startswith("a long question a long")
    assert len(matrix["excerpts"][0]) == 72


@pytest.mark.parametrize(("variants", "size"), [(1, 200), (12, 200), (24, 100), (200, 12), (5_000, 1)])
def test_chunks_shrink_with_the_variants(variants: int, size: int) -> None:
    assert chunk_size(ItemRecords(run(["?"], [[1.0]] * variants))) == size


def test_texts_of_several_chunks_stand_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.facts.item_matrix.ITEMS_OF_A_CHUNK", 2)
    whole = run([f"question number {i}" for i in range(5)], [[1.0] * 5])
    items = pack(whole)
    assert len(items.chunks) == 3
    page = unpacked(render(whole))
    assert [item["id"] for item in page["items"]] == [f"s{i}" for i in range(5)]
    assert [page["texts"][item["input"]] for item in page["items"]] == [sample.input for sample in whole.samples]
    for item, made in zip(page["items"], whole.predictions, strict=True):
        ((role, pieces),) = item["answers"][0]["messages"]
        assert "".join(page["texts"][piece] for piece in pieces) == made.messages[0].content
        assert role == "user"
    shared = json.loads(gzip.decompress(base64.b64decode(items.shared)))
    assert "Answer the question as briefly as you can: " in shared
    assert not [text for text in shared if "question number" in text]


def test_a_page_that_would_be_too_large_holds_the_matrix_alone(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = folder.finished()
    items = pack(whole)
    size = len(items.matrix) + len(items.shared) + sum(map(len, items.chunks))
    for most, is_served in ((size, False), (size - 1, True)):
        monkeypatch.setattr(item_packing, "MOST_PACKED", most)
        page = render(whole)
        assert ('data-source="items"' in page) is is_served
        assert ("connect-src 'self'" in page) is is_served
        assert ('class="chunk"' in page) is not is_served


def test_part_of_the_items(folder: RunFolder) -> None:
    records = ItemRecords(folder.finished())
    content = items_payload(records, 29, 31)
    assert [(item["task"], item["id"]) for item in content["items"]] == [
        ("norm", "n30"),
        ("exam", "e1"),
        ("exam", "e2"),
    ]
    assert content["texts"][content["items"][1]["input"]] == "下列哪一项最能提示缺铁性贫血？"
    json.dumps(content, allow_nan=False)


def prediction(sample: str, variant: str, text: str, **fields: object) -> Prediction:
    given = {"messages": (Message("user", "?"),), "reading": Reading(text)} | fields
    return Prediction(sample_id=sample, task="t", variant=variant, text=text, **given)  # type: ignore[arg-type]


def run(questions: Sequence[str], values: Sequence[Sequence[float | None]], info: MetricInfo = EXACT) -> FinishedRun:
    """One task with a metric m; `values` by variant, then by item."""
    samples = [Sample(id=f"s{i}", task="t", input=question, targets=("x",)) for i, question in enumerate(questions)]
    predictions, scores, results = [], [], []
    for place, row in enumerate(values):
        name = f"v{place}"
        results.append(
            Result(task="t", variant=name, metric="m", samples=len(row), known=0, mean=None, low=None, high=None)
        )
        for i, value in enumerate(row):
            messages = (Message("user", f"Answer the question as briefly as you can: {questions[i]}"),)
            predictions.append(prediction(f"s{i}", name, f"{name} answers {i}", messages=messages))
            scores.append(Score(sample_id=f"s{i}", task="t", variant=name, metric="m", value=value))
    summary = Summary(
        name="s", reference=None, headline=("t.m",), metrics={"t.m": info}, results=tuple(results), comparisons=(), usage=()
    )  # fmt: skip
    return finished(summary, {"suite": {}}, samples, predictions, scores)
