"""Answers of other tools find their items by id or by what was asked; another test set is refused in one line."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from baselines.foreign_answers.answer_file import pairing_with
from baselines.foreign_answers.answer_rows import AnswerColumns
from harness.errors import DataError
from harness.records.inputs import Sample

TERMS = [("t:1", "左膝换关节", "膝关节置换术"), ("t:2", "白内障", "白内障摘除术"), ("t:3", "阑尾", "阑尾切除术")]
QUESTIONS = [
    Sample(id=f"q:{i}", task="exam", input=f"题目{i}是什么？", targets=("ABCD"[i],), options=("甲", "乙", "丙", "丁"))
    for i in range(4)
]


def samples(rows: Sequence[tuple[str, str, str]] = TERMS) -> list[Sample]:
    return [Sample(id=key, task="norm", input=text, targets=(target,)) for key, text, target in rows]


def write(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "a.jsonl") -> str:
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def texts(path: str, own: Sequence[Sample], **columns: str) -> tuple[dict[str, str | None], str]:
    answers = pairing_with(path, "auto", AnswerColumns(**columns), own)
    return {key: row.text for key, row in answers.rows.items()}, answers.way


CHAT = "user\n原始词：{}\n标准词：\nassistant\n"
BY_ID = [{"id": "t:2", "prediction": "乙"}, {"id": "t:1", "prediction": "甲"}, {"id": "t:3", "prediction": "丙"}]
BY_TEXT = [{"原始词": text, "reply": word} for (_, text, _), word in reversed(list(zip(TERMS, "甲乙丙", strict=True)))]
OTHER_IDS = [
    {"id": i, "question": text, "reply": word}
    for i, ((_, text, _), word) in enumerate(zip(TERMS, "甲乙丙", strict=True))
]
FACTORY = [
    {"prompt": CHAT.format(text), "predict": word, "label": f"{target}\n"}
    for (_, text, target), word in zip(TERMS, "甲乙丙", strict=True)
]
LABELS_ONLY = [{"predict": row["predict"], "label": row["label"]} for row in FACTORY]


@pytest.mark.parametrize(
    ("rows", "way"),
    [
        (BY_ID, "by id"),
        (BY_TEXT, "by the texts of '原始词'"),
        (OTHER_IDS, "by the texts of 'question'"),  # ids of the file's own
        (FACTORY, "in their order, which 'prompt' proves"),
        (LABELS_ONLY, "in their order, which the right answers prove"),
        (FACTORY[::-1], "by the inputs that 'prompt' holds"),
    ],
)
def test_ways_to_find_the_item(rows: list[dict[str, Any]], way: str, tmp_path: Path) -> None:
    assert texts(write(tmp_path, rows), samples()) == ({"t:1": "甲", "t:2": "乙", "t:3": "丙"}, way)


def test_a_question_is_told_from_the_examples_before_it(tmp_path: Path) -> None:
    """A few-shot prompt holds other items' inputs; one input may stand inside another: the last and longest counts."""
    own = samples([("1", "高血压", "甲"), ("2", "高血压2级", "乙"), ("3", "2级", "丙")])
    prompts = ["例：2级\n问：高血压2级", "例：高血压2级\n问：2级", "例：2级\n问：高血压"]
    rows = [{"prompt": prompt, "response": str(i)} for i, prompt in enumerate(prompts)]
    assert texts(write(tmp_path, rows), own)[0] == {"2": "0", "3": "1", "1": "2"}


@pytest.mark.parametrize(
    ("rows", "columns", "problem"),
    [
        ([{"id": "x1", "prediction": "甲"}], {}, "none of its ids ('x1') is one of the task's ('t:1', 't:2', 't:3')"),
        ([{"prediction": "甲"}] * 3, {}, "it has no ids (the task's are 't:1', 't:2', 't:3'), and it holds no inputs"),
        ([*BY_ID, BY_ID[0]], {}, "lines 1 and 4 both answer the item 't:2'; keep one of them"),
        ([*BY_TEXT, BY_TEXT[0]], {}, "lines 1, 4 ask the same, and 1 item of the task ('t:3')"),
        ([{"id": key, "question": "别的", "reply": "甲"} for key, _, _ in TERMS], {},
         "'question' asks 3 items otherwise than the task ('t:1', 't:2', 't:3')"),
        ([{"id": key, "reply": "甲", "gold": "别的" if key == "t:2" else target} for key, _, target in TERMS],
         {"target": "gold"}, "the right answers of 1 item differ ('t:2'; of 't:2' it is '别的' there, '白内障摘除术' here)"),
        ([{**row, "label": "别的", "prompt": "别的"} for row in FACTORY], {}, "nor do its right answers stand in the task's"),
        ([{"id": key, "answer": target} for key, _, target in TERMS], {}, "'answer' repeats the right answer of every item"),
        ([{"id": "t:1", "reply": "甲", "response": "乙"}], {}, "response, reply may each hold the answers; name the right"),
        ([{"id": "t:1", "text": "甲"}], {}, "which column holds the answers? name it, answer: COLUMN (id, text)"),
        (BY_ID, {"answer": "predicton"}, "answer: there is no column 'predicton' (did you mean prediction?)"),
        ([{"prompt": "左膝换关节 白内障 阑尾", "reply": "甲"}] * 3, {}, "none of its columns ('prompt') holds the inputs"),
        ([], {}, "a.jsonl: is empty"),
    ],
)  # fmt: skip
def test_what_is_refused(rows: list[dict[str, Any]], columns: dict[str, str], problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        texts(write(tmp_path, rows), samples(), **columns)
    assert problem in str(refused.value)
    assert len(refused.value.lines) == 1


def test_labels_alone_prove_an_order_only_where_hardly_another_would_fit(tmp_path: Path) -> None:
    """20 labels in two halves: 20! / (10! 10!) = 184,756 orders, less than a million; 24: 2,704,156."""
    for count, is_proof in ((20, False), (24, True)):
        own = samples([(str(i), f"问{i}", "AB"[i % 2]) for i in range(count)])
        path = write(tmp_path, [{"predict": "A", "label": "AB"[i % 2]} for i in range(count)])
        if is_proof:
            assert len(texts(path, own)[0]) == count
        else:
            with pytest.raises(DataError, match="another test set"):
                texts(path, own)


def test_equal_questions_with_other_answers_need_more_than_their_place(tmp_path: Path) -> None:
    own = samples([("1", "同一句", "甲"), ("2", "同一句", "乙")])
    rows = [{"q": "同一句", "reply": "x", "gold": "乙"}, {"q": "同一句", "reply": "y", "gold": "甲"}]
    assert texts(write(tmp_path, rows), own, target="gold")[0] == {"2": "x", "1": "y"}
    with pytest.raises(DataError, match="2 items ask this and have other right answers"):
        texts(write(tmp_path, rows), own)


def lm_eval(i: int, **others: Any) -> dict[str, Any]:
    """A row as lm-eval 0.4.13 writes it with --log_samples."""
    prompt = f"题目{i}是什么？\nA. 甲\nB. 乙\nC. 丙\nD. 丁\nAnswer:"
    row = {
        "doc_id": i,
        "doc": {"id": i, "question": f"题目{i}是什么？", "answer": "ABCD"[i]},
        "target": str(i),
        "arguments": {f"gen_args_{k}": {"arg_0": prompt, "arg_1": f" {'ABCD'[k]}"} for k in range(4)},
        "filter": "none",
    }
    return {**row, **others}  # fmt: skip


def test_samples_of_lm_eval(tmp_path: Path) -> None:
    """The likeliest of scored options as a letter with its log-probabilities; of several filters the reply once."""
    scored = [lm_eval(i, resps=[[["-2.5", "False"]], [["-0.5", "True"]], [["-3.0", "False"]], [["-4.0", "False"]]])
              for i in range(4)]  # fmt: skip
    answers = pairing_with(write(tmp_path, scored), "auto", AnswerColumns(), QUESTIONS)
    assert {key: row.text for key, row in answers.rows.items()} == dict.fromkeys(["q:0", "q:1", "q:2", "q:3"], "B")
    assert answers.rows["q:2"].logprobs == (-2.5, -0.5, -3.0, -4.0)
    written = [lm_eval(i, resps=[[f"答案是{'ABCD'[i]}"]], filter=name) for name in ("a", "b") for i in range(4)]
    assert texts(write(tmp_path, written), QUESTIONS)[0] == {f"q:{i}": f"答案是{'ABCD'[i]}" for i in range(4)}
    with pytest.raises(DataError, match=r"a\.jsonl:5: doc_id 0 stands in line 1, too"):
        texts(write(tmp_path, [*written[:4], written[0]]), QUESTIONS)


def inspect_log(**others: Any) -> dict[str, Any]:
    """A log as inspect_ai 0.3.285 writes it, of two epochs; long texts stand among the attachments."""

    def sample(i: int, epoch: int) -> dict[str, Any]:
        key, text, _ = TERMS[i]
        content = [{"type": "reasoning", "reasoning": "…"}, {"type": "text", "text": f"attachment://{i}"}]
        return {
            "id": i + 1,
            "epoch": epoch,
            "input": [{"role": "user", "content": f"标准词？{text}"}],
            "target": "别的",
            "output": {"choices": [{"message": {"content": content}}]},
            "attachments": {str(i): f"{key}答"},
        }

    log = {
        "version": 2,
        "status": "success",
        "eval": {"task": "n"},
        "samples": [sample(i, e) for e in (1, 2) for i in range(3)],
    }
    return {**log, **others}  # fmt: skip


def test_logs_of_inspect(tmp_path: Path) -> None:
    """Its ids count samples, so that what was asked pairs them; labels of another notation matter no more then."""
    path = tmp_path / "log.json"
    log = inspect_log()
    log["samples"][2]["error"] = {"message": "out of memory"}
    path.write_text(json.dumps(log), encoding="utf-8")
    answers = pairing_with(str(path), "auto", AnswerColumns(), samples())
    assert {key: row.text for key, row in answers.rows.items()} == {"t:1": "t:1答", "t:2": "t:2答", "t:3": "t:3答"}
    assert answers.rows["t:3"].error == "out of memory"
    path.write_text(json.dumps(inspect_log(samples=None)), encoding="utf-8")
    with pytest.raises(DataError, match="the log holds no samples"):
        pairing_with(str(path), "auto", AnswerColumns(), samples())
