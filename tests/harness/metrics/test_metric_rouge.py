"""rouge against hand-computed values and against rouge_score, the reference implementation, on random texts."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer

from harness.components.dataset import Dataset
from harness.components.metric import Mark
from harness.components.scoring import Scoring
from harness.metrics.rouge import Rouge, common_length, common_positions
from harness.metrics.support.token_overlap import cut
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.stages.score_metric import score_metric
from tests.shared.paths import ROOT

PARTS = ("", "rouge1", "rouge2", "rougeLsum")


def pair(answer: str | None, *targets: str, reason: str | None = None) -> tuple[Sample, Prediction]:
    prediction = Prediction(
        sample_id="1", task="t", variant="v", messages=(), text=answer or "", reading=Reading(answer, reason)
    )
    return Sample(id="1", task="t", input="q", targets=targets), prediction


def values(answer: str | None, *targets: str, **settings: str) -> dict[str, float | None]:
    marks = Rouge(**settings).score(*pair(answer, *targets))
    return {part: mark.value for part, mark in marks.items()}


@pytest.mark.parametrize(
    ("answer", "targets", "settings", "expected"),
    [
        ("患者咳嗽三天。", ("患者咳嗽三天",), {}, (1, 1, 1, 1)),
        # 6 characters each, all shared; pairs 患者 咳嗽 三天 of 5; in order 患者 and one of 咳嗽, 三天: 4 of 6
        ("患者咳嗽三天", ("患者三天咳嗽",), {}, (4 / 6, 1, 3 / 5, 4 / 6)),
        # 8 characters; in order one sentence, 4; sentence by sentence all 8; pairs 3 + 3 and 天+发 against 天+咳: 6 of 7
        ("发热一天。咳嗽三天。", ("咳嗽三天。发热一天。",), {}, (4 / 8, 1, 6 / 7, 1)),
        ("发热一天\n咳嗽三天", ("咳嗽三天！发热一天？",), {}, (4 / 8, 1, 6 / 7, 1)),
        # 咳嗽 | 三天 against 咳嗽 | 两天 as jieba's words: 1 of 2, no pair
        ("咳嗽三天", ("咳嗽两天",), {"tokens": "jieba"}, (1 / 2, 1 / 2, 0, 1 / 2)),
        # ct 示 1.5cm 结 节 against ct 示 15cm 结 节: 4 of 5; pairs ct示, 结节 of 4
        ("ＣＴ示1.5cm结节", ("CT示15cm结节",), {}, (4 / 5, 4 / 5, 2 / 4, 4 / 5)),
        # stems: pain increas dai | pain increas, 2 · 2 / (3 + 2); pairs 1 of 2 and 1: 2 · 1 / (2 + 1)
        ("Pains increased daily", ("pain increases",), {}, (4 / 5, 4 / 5, 2 / 3, 4 / 5)),
        ("ills", ("ill",), {}, (1, 1, 1, 1)),
        ("its", ("it",), {}, (0, 0, 0, 0)),  # too short to be stemmed
        # the best of two references, for each part by itself
        ("咳嗽发热", ("热发嗽咳", "咳嗽"), {}, (2 * 2 / 6, 1, 2 / 4, 2 * 2 / 6)),
        ("咳", ("咳",), {}, (1, 1, 1, 1)),  # no pair of neighbours on either side, and yet the same
        ("咳", ("痰",), {}, (0, 0, 0, 0)),
        ("咳", ("咳嗽",), {}, (2 / 3, 2 / 3, 0, 2 / 3)),
        ("头痛", ("腹泻",), {}, (0, 0, 0, 0)),
        ("好😀", ("好",), {}, (1, 1, 1, 1)),
        ("好\ud800", ("好",), {}, (1, 1, 1, 1)),  # half a surrogate pair
    ],
)
def test_rouge(answer: str, targets: tuple[str, ...], settings: dict[str, str], expected: tuple[float, ...]) -> None:
    assert values(answer, *targets, **settings) == pytest.approx(dict(zip(PARTS, expected, strict=True)))


def test_the_default_tokenizer_of_rouge_score_is_wrong_for_chinese() -> None:
    """Both ways: the same text scores 0, and texts that share only digits and Latin letters score 1."""
    theirs = RougeScorer(["rouge1", "rougeL"])
    same = "患者咳嗽三天"
    assert theirs.score(same, same)["rougeL"].fmeasure == 0.0
    assert set(values(same, same).values()) == {1.0}
    one, other = "血压120，CT正常", "体温120，CT异常"
    assert theirs.score(one, other)["rouge1"].fmeasure == theirs.score(one, other)["rougeL"].fmeasure == 1.0
    # 血 压 120 ct 正 常 against 体 温 120 ct 异 常: 3 of 6; pairs: 120+ct of 5
    assert values(one, other) == pytest.approx({"": 0.5, "rouge1": 0.5, "rouge2": 0.2, "rougeLsum": 0.5})


@pytest.mark.parametrize(
    ("answer", "reason", "told"),
    [
        (None, "the reply is empty", "the reply is empty"),
        ("", None, "no word or number is in the answer"),
        (" \n\u3000", None, "no word or number is in the answer"),
        ("😀。", None, "no word or number is in the answer"),
    ],
)
def test_no_answer_is_wrong_in_every_part(answer: str | None, reason: str | None, told: str) -> None:
    marks = Rouge().score(*pair(answer, "咳嗽", reason=reason))
    assert marks == dict.fromkeys(PARTS, Mark(0.0, told))


@pytest.mark.parametrize("target", ["", " ", "。", "😀"])
def test_a_reference_without_a_token_is_refused(target: str, scoring: Callable[..., Scoring]) -> None:
    task = scoring().task
    bad = replace(
        task,
        data=Dataset(
            (
                Sample(id="a", task="t", input="q", targets=("咳嗽",)),
                Sample(id="b", task="t", input="q", targets=("咳嗽", target)),
            )
        ),
    )
    problem = Rouge().check_task(bad)
    assert problem is not None
    assert problem.startswith("sample b: a reference is ")
    assert (
        Rouge().check_task(replace(task, data=Dataset((Sample(id="a", task="t", input="q", targets=("咳嗽",)),))))
        is None
    )


def test_the_tokens_are_chosen_once_for_a_task(scoring: Callable[..., Scoring]) -> None:
    """The answers that are compared have English references; most of the task's are Chinese."""
    english, chinese = (
        Sample(id="1", task="t", input="q", targets=("daily pains",)),
        Sample(id="2", task="t", input="q", targets=("患者咳嗽三天",)),
    )
    surroundings = scoring("rouge")
    whole = replace(surroundings.task, data=Dataset((english, chinese)))
    said = replace(pair("daily pain", "")[1], sample_id="1")
    alone, among = (
        score_metric(Rouge(), [english], [said], replace(surroundings, task=task))[0]
        for task in (surroundings.task, whole)
    )
    assert Rouge().resolved(whole) == {"tokens": "characters"}
    assert Rouge(tokens="jieba").resolved(whole) == {"tokens": "jieba"}
    assert (alone.value, alone.reason) == (1.0, "2 of the reference's 2 words in their order; the answer has 2")
    assert among.value == 0.5  # not stemmed: daily of daily pains
    assert among.reason == "1 of the reference's 2 characters in their order; the answer has 2"


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("CT示右肺1.5cm结节。", "characters", "ct 示 右 肺 1.5cm 结 节"),
        ("患者咳嗽三天，体温38.5℃", "jieba", "患者 咳嗽 三天 体温 38.5 c"),
        ("BP 120/80 mmHg", "words", "bp 120 80 mmhg"),
        ("10⁹/L", "characters", "10 9 l"),
        ("v1.2. End.", "words", "v1.2 end"),
        ("かぜ", "characters", "か ぜ"),
        ("𠮷", "characters", "𠮷"),
        # no word reaches over a line break: 血常规, 高血压, 维生素 are words of jieba's
        ("复查血\n常规检查", "jieba", "复查 血 常规 检查"),
        ("测量高\r\n血压", "jieba", "测量 高 血压"),
        ("维生\u2028素", "jieba", "维生 素"),
        ("3.\n5 mg\n", "words", "3 5 mg"),
    ],
)
def test_cut(text: str, tokens: str, expected: str) -> None:
    assert " ".join(cut(text, tokens)) == expected  # type: ignore[arg-type]


class Characters:
    """Ours, for the reference implementation: it asks for a tokenizer and splits sentences at line ends only."""

    def tokenize(self, text: str) -> list[str]:
        return list(cut(text, "characters"))


def test_every_part_equals_the_reference_implementation_on_random_texts() -> None:
    draw = random.Random(7)
    theirs = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], tokenizer=Characters())

    def text() -> str:
        return "\n".join("".join(draw.choices("甲乙丙丁戊", k=draw.randint(2, 9))) for _ in range(draw.randint(1, 4)))

    for _ in range(300):
        answer, target = text(), text()
        expected = theirs.score(target, answer)
        found = values(answer, target, tokens="characters")
        names = {"": "rougeL", **{part: part for part in PARTS[1:]}}
        assert found == pytest.approx({part: expected[name].fmeasure for part, name in names.items()})


def test_english_words_equal_the_stemming_default_of_the_reference_implementation() -> None:
    theirs = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=True)
    answer = "The patient's pains increased daily; no fever was reported.\nShe is resting."
    target = "Patient reports daily increasing pain, and no fevers.\nShe rests at home."
    expected = theirs.score(target, answer)
    names = {"": "rougeL", **{part: part for part in PARTS[1:]}}
    assert values(answer, target) == pytest.approx({part: expected[name].fmeasure for part, name in names.items()})


def test_common_subsequence_of_every_row_is_right() -> None:
    def longest(first: Sequence[str], second: Sequence[str]) -> int:
        row = [0] * (len(second) + 1)
        for token in first:
            row = _next(row, token, second)
        return row[-1]

    draw = random.Random(3)
    for _ in range(300):
        first, second = ("".join(draw.choices("abcd", k=draw.randint(0, 90))) for _ in range(2))
        positions = common_positions(first, second)
        assert common_length(first, second) == len(positions) == longest(first, second)


def _next(row: list[int], token: str, second: Sequence[str]) -> list[int]:
    found = [0]
    for j, other in enumerate(second):
        found.append(row[j] + 1 if token == other else max(row[j + 1], found[-1]))
    return found


def test_an_answer_of_10_000_characters_is_no_problem() -> None:
    draw = random.Random(1)
    characters = [chr(0x4E00 + i) for i in range(600)]
    weights = [1 / (i + 1) for i in range(600)]
    answer = "。".join("".join(draw.choices(characters, weights, k=40)) for _ in range(250))
    found = values(answer, answer[:400])
    # 40 characters and a full stop, again and again: 400 places hold 9 full stops, so 391 characters of 10,000
    assert found[""] == pytest.approx(2 * 391 / (391 + 10_000))


def test_listing_imports_no_reference_implementation_and_scoring_prints_nothing() -> None:
    code = (
        "import sys\nfrom harness.cli import app\n"
        "try: app(['list', 'metric'])\nexcept SystemExit: pass\n"
        "print('IMPORTED', [n for n in ('rouge_score', 'sacrebleu', 'nltk', 'jieba', 'absl', 'numpy') if n in sys.modules])"
    )
    listed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "IMPORTED []" in listed.stdout
    assert all(f" {name} " in listed.stdout for name in ("rouge", "bleu", "chrf", "meteor", "python"))
    code = (
        "from harness.metrics.rouge import Rouge\nfrom harness.records.inputs import Sample\n"
        "from harness.records.outputs import Prediction, Reading\n"
        "for tokens in ('characters', 'jieba', 'words'):\n"
        "    Rouge(tokens=tokens).score(Sample(id='1', task='t', input='q', targets=('咳嗽',)), Prediction(sample_id='1', task='t', variant='v', messages=(), text='', reading=Reading('咳')))"
    )
    scored = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (scored.stdout, scored.stderr) == ("", "")


def test_real_reports_score_1_against_themselves(shared_data: Path) -> None:
    rows = json.loads((shared_data / "imcs-mrg" / "IMCS-MRG-900.json").read_text(encoding="utf-8"))
    reports = [row["target"] for row in rows[:50]]
    assert all(set(values(report, report).values()) == {1.0} for report in reports)
    assert all(0 < (values(one, other)[""] or 0) < 1 for one, other in pairwise(reports))
