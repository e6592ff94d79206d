"""A judge against people: the figures by hand, the stored verdicts of PandaLM, and the whole path of the command."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.judging.asking.judge_metric import JudgeMetric
from harness.judging.people.against_people import calibration, doubts
from harness.judging.people.calibrate import calibrate, chosen
from harness.judging.people.calibrations import stored
from harness.judging.people.labels import LabelledPair, Labels, ScoredItem, read_labels
from harness.records.judgements import Calibration, Judgement
from harness.runtime.context import Context
from harness.runtime.run_folder import RunFolder
from harness.suite.options import Trust
from harness.suite.parser import load_suite
from harness.suite.suite import Suite
from tests.shared.commands import run_command

WriteSuite = Callable[..., Path]
Open = Callable[[Suite], Context]


def reply(value: Any) -> str:
    """What a judge says: a score, or a verdict."""
    if isinstance(value, str):
        return json.dumps({"reason": "r", "verdict": value})
    return json.dumps({"score": {"reason": "r", "score": value}})


def rule(pattern: str, value: Any) -> dict[str, Any]:
    return {"match": pattern, "reply": reply(value).replace("\\", "\\\\")}


def first(answer: str, verdict: str) -> dict[str, Any]:
    """The verdict where an answer is shown first."""
    return rule(rf"<first-\w+>\n{answer}\n", verdict)


SCORE_RULES = [rule(r"<answer-\w+>\n甲\n", 85), rule(r"<answer-\w+>\n乙\n", 35), rule(r"<answer-\w+>\n丙\n", 50)]
PAIR_RULES = [
    first("甲1", "first"), first("乙1", "second"),  # the first answer, both times
    first("甲2", "first"), first("乙2", "first"),  # what is shown first: a flip
    first("甲3", "first"), first("乙3", "second"),
    first("甲4", "second"), first("乙4", "first"),  # the second answer, both times
    first("甲7", "second"), first("乙7", "first"),
    first("甲6", "first"),  # and nothing that can be read in the other order
]  # fmt: skip
SUITE = {
    "name": "cal",
    "models": {
        "robot": {"scripted": {"default": "甲"}},
        "judge": {"scripted": {"rules": SCORE_RULES + PAIR_RULES, "default": "说不好"}},
    },
    "tasks": {
        "t": {
            "data": {"jsonl": {"path": "data.jsonl"}},
            "metrics": {
                "quality": {"judge": {"model": "judge", "rubric": "score100"}},
                "better": {"pairwise": {"model": "judge", "rubric": "clinical"}},
            },
        }
    },
    "variants": {"a": {"prompting": {"model": "robot"}}},
}
DATA = json.dumps({"input": "问", "target": "对"}, ensure_ascii=False) + "\n"
SCORES = """\
question,reference,answer,score_anna,score_ben
问,对,甲,80,90
问,对,乙,20,30
问,对,丙,50,
问,对,丁,100,100
问,对,,0,0
问,对,戊,,
"""
VERDICTS = """\
question,first,second,verdict_x,verdict_y,verdict_z
问1,甲1,乙1,A,A,B
问2,甲2,乙2,tie,tie,A
问3,甲3,乙3,B,B,B
问4,甲4,乙4,A,B,tie
问5,同,同,A,A,A
问6,甲6,乙6,A,A,A
问7,甲7,乙7,B,B,B
"""


@pytest.fixture
def made(write_suite: WriteSuite) -> Path:
    return write_suite(json.dumps(SUITE), data__jsonl=DATA, scores__csv=SCORES, verdicts__csv=VERDICTS)


def run(path: Path, labels: str, context: Open, figure: str | None = None) -> tuple[list[Calibration], Context]:
    suite = load_suite(path)
    door = context(suite)
    return calibrate(suite, path.parent / labels, figure, door), door


def test_scores_by_hand(made: Path, context: Open) -> None:
    ((found,), _) = run(made, "scores.csv", context)
    # asked about 4 items: the empty answer is decided without a judge, 戊 nobody scored; 丁 cannot be read
    assert (found.judge, found.items, found.unreadable, found.failed, found.pairwise) == ("judge", 4, 1, 0, False)
    # people's means 85 25 50, the judge 85 35 50: 2 of 3 equal. Squares 0+100+0 → 100/3; expected, each x against
    # each y: 85: 0+2500+1225, 25: 3600+100+625, 50: 1225+225+0 → 9500/9. κ = 1 - 300/9500
    assert (found.against.items, found.against.agreement) == (3, pytest.approx(2 / 3))
    assert found.against.kappa == pytest.approx(1 - 300 / 9500)
    assert (found.spearman, found.kendall, found.flips) == (pytest.approx(1), pytest.approx(1), None)
    # anna 80 20 100, ben 90 30 100: 1 of 3 equal; squares 200/3; expected 80: 100+2500+400, 20: 4900+100+6400,
    # 100: 100+4900+0 → 19400/9
    assert found.ceiling is not None
    assert (found.annotators, found.ceiling.items, found.ceiling.agreement) == (2, 3, pytest.approx(1 / 3))
    assert found.ceiling.kappa == pytest.approx(1 - 600 / 19400)
    # Fleiss: 3 items of two ratings, 1 agrees: P = 1/3; labels 80 90 20 30 once of 6, 100 twice: 4/36 + 4/36 = 2/9
    assert found.fleiss == pytest.approx((1 / 3 - 2 / 9) / (7 / 9))


def test_pairs_by_hand(made: Path, context: Open) -> None:
    ((found,), _) = run(made, "verdicts.csv", context)
    # asked about 6 pairs (问5: equal answers); 问6 is unreadable in one order
    assert (found.items, found.unreadable, found.failed, found.pairwise) == (6, 1, 0, True)
    # people: first, tie, second, none, first, second. judge: first, flip → tie, first, second, unknown, second.
    # Known to both: 问1-3, 问7; agree 3/4; by chance first 1/4·1/2, tie 1/4·1/4, second 1/2·1/4 = 5/16; κ = 7/11
    assert (found.against.items, found.against.agreement) == (4, pytest.approx(3 / 4))
    assert found.against.kappa == pytest.approx(7 / 11)
    assert found.flips == pytest.approx(1 / 5)  # of the five pairs read in both orders
    # on the six pairs x: A tie B A A B, y: A tie B B A B, z: B A B tie A B. x y agree 5/6, x z and y z 3/6; by chance
    # (3·2 + 1 + 2·3)/36, the same, (2·2 + 1 + 3·3)/36. κ = 17/23, 5/23, 4/22
    assert found.ceiling is not None
    assert (found.ceiling.items, found.ceiling.agreement) == (6, pytest.approx(11 / 18))
    assert found.ceiling.kappa == pytest.approx((17 / 23 + 5 / 23 + 2 / 11) / 3)


def test_it_is_kept_under_what_a_run_calls_the_judge(made: Path, context: Open) -> None:
    ((found,), door) = run(made, "scores.csv", context)
    metric = load_suite(made).tasks["t"].metrics["quality"]
    assert isinstance(metric, JudgeMetric)
    assert stored(metric.identity(door.model_digest("judge"))) == found
    (_, again) = run(made, "scores.csv", context, "t.quality")
    assert again.counts.calls == 0
    other = metric.model_copy(update={"temperature": 1.0})
    assert stored(other.identity(door.model_digest("judge"))) is None


def test_a_judge_is_asked_as_a_run_asks_it(made: Path, context: Open, run_suite: Callable[..., RunFolder]) -> None:
    """What a run asked before is served from the cache: the prompts, options and numbers are the same to the letter."""
    suite = json.loads(made.read_text(encoding="utf-8"))
    suite["variants"]["b"] = {"prompting": {"model": "other"}}
    suite["models"]["robot"]["scripted"]["default"] = "甲4"
    suite["models"]["other"] = {"scripted": {"default": "乙4"}}
    suite["models"]["judge"]["scripted"]["default"] = reply(7)
    made.write_text(json.dumps(suite), encoding="utf-8")
    run_suite(made)
    (made.parent / "one.csv").write_text("question,reference,answer,score\n问,对,甲4,40\n", encoding="utf-8")
    ((found,), door) = run(made, "one.csv", context)
    assert (found.items, door.counts.calls, door.counts.cached) == (1, 0, 1)
    (made.parent / "two.csv").write_text("question,reference,first,second,verdict\n问,对,甲4,乙4,A\n", encoding="utf-8")
    ((found,), door) = run(made, "two.csv", context)
    assert (found.items, door.counts.calls, door.counts.cached) == (1, 0, 2)


def test_repeats_do_not_make_a_judge_look_better(made: Path, context: Open) -> None:
    text = made.read_text(encoding="utf-8")
    assert '"rubric": "score100"' in text
    made.write_text(text.replace('"rubric": "score100"', '"rubric": "score100", "repeats": 5'), encoding="utf-8")
    (_, door) = run(made, "scores.csv", context)
    assert door.counts.calls == 4 + 2  # one reading of each item, and 丁 asked twice again


def test_a_judge_that_is_down_is_not_measured(made: Path, context: Open) -> None:
    ((before,), _) = run(made, "scores.csv", context)
    broken = json.loads(made.read_text(encoding="utf-8"))
    broken["models"]["judge"]["scripted"]["rules"] = [{"match": ".", "fail": "out of power"}]
    made.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(HarnessError, match=r"judge judge failed on 4 of 4 items \(out of power\): nothing was stored"):
        run(made, "scores.csv", context)
    assert stored(before.identity) == before


def test_a_failure_is_counted_and_never_a_score(made: Path, context: Open) -> None:
    broken = json.loads(made.read_text(encoding="utf-8"))
    rules = broken["models"]["judge"]["scripted"]["rules"]
    rules.insert(0, {"match": r"<answer-\w+>\n丁\n", "fail": "out of power"})
    made.write_text(json.dumps(broken), encoding="utf-8")
    ((found,), _) = run(made, "scores.csv", context)
    assert (found.items, found.unreadable, found.failed, found.against.items) == (4, 0, 1, 3)


# -- mistakes ---------------------------------------------------------------------------------------------------------

MISTAKES = [
    ("scores.csv", "t.qualty", {}, "--metric t.qualty: no metric of that name asks a judge (did you mean t.quality?)"),
    ("scores.csv", "t.better", {}, "--metric t.better: these labels need a metric that judges single answers"),
    ("verdicts.csv", "t.quality", {}, "these labels need a metric that compares two answers (known: t.better)"),
    ("scores.csv", None, {"quality": "exact_match"}, "need a metric that judges single answers; metrics with a judge: t.better"),
    ("scores.csv", None, {"other": {"judge": {"model": "judge", "rubric": "clinical"}}}, "name one with --metric: t.quality, t.other"),
    ("scores.csv", None, {"quality": {"judge": {"model": "judge", "rubric": "clinical"}}}, "scores.csv:2: score 80 of anna is outside the rubric's scale, 1 to 5"),
    ("noref.csv", None, {}, "rubric score100 needs a reference answer, "),
    ("empty.csv", None, {}, "no item is left that a judge is asked about"),
    ("parts.csv", "t.quality", {"quality": {"judge": {"model": "judge", "rubric": "clinical"}}}, "safe: a dimension of rubric clinical stands where an annotator should"),
]  # fmt: skip


@pytest.mark.parametrize(("labels", "figure", "metrics", "message"), MISTAKES, ids=[row[3][:50] for row in MISTAKES])
def test_mistakes(
    made: Path, context: Open, labels: str, figure: str | None, metrics: dict[str, Any], message: str
) -> None:
    suite = json.loads(made.read_text(encoding="utf-8"))
    suite["tasks"]["t"]["metrics"].update(metrics)
    made.write_text(json.dumps(suite), encoding="utf-8")
    (made.parent / "noref.csv").write_text("question,answer,score\n问,甲,80\n", encoding="utf-8")
    (made.parent / "empty.csv").write_text("question,reference,answer,score\n问,对,,0\n", encoding="utf-8")
    (made.parent / "parts.csv").write_text("question,answer,score_safe,score_x\n问,甲,3,4\n", encoding="utf-8")
    with pytest.raises(HarnessError) as caught:
        run(made, labels, context, figure)
    assert message in str(caught.value)


def test_equal_metrics_of_several_tasks_are_one(made: Path) -> None:
    suite = json.loads(made.read_text(encoding="utf-8"))
    suite["tasks"]["u"] = suite["tasks"]["t"]
    made.write_text(json.dumps(suite), encoding="utf-8")
    assert chosen(load_suite(made), None, pairwise=False)[0] == "t.quality"


def test_labels_longer_than_the_judges_context_are_refused(made: Path, context: Open, monkeypatch: Any) -> None:
    monkeypatch.setattr("harness.models.scripted.Scripted.context_length", lambda self: 1500)
    run(made, "scores.csv", context)  # the rubric and 1024 tokens of reply
    (made.parent / "long.csv").write_text(
        f"question,reference,answer,score\n问,对,甲,80\n问,对,{'很' * 4000},80\n", encoding="utf-8"
    )
    with pytest.raises(HarnessError, match=r"judge judge needs about .* tokens for .*long\.csv:3"):
        run(made, "long.csv", context)


# -- the figures alone ------------------------------------------------------------------------------------------------


def metric_of(made: Path, name: str, **changed: Any) -> JudgeMetric:
    metric = load_suite(made).tasks["t"].metrics[name]
    assert isinstance(metric, JudgeMetric)
    return metric.model_copy(update=changed)


def scored(*rows: tuple[float | None, float]) -> tuple[Labels, list[Judgement]]:
    """One annotator's scores and a judge's."""
    items = tuple(
        ScoredItem(id=None, question="q", answer="a", reference=None, scores=(human,), place=str(n))
        for n, (human, _) in enumerate(rows)
    )
    said = [
        Judgement(task="t", metric="m", judge="j", sample_id=str(n), variant="answer", values={"score": value})
        for n, (_, value) in enumerate(rows)
    ]
    return Labels(name="f", digest="d", annotators=("",), scored=items), said


def test_scores_are_compared_as_whole_numbers_a_half_upwards(made: Path) -> None:
    metric = metric_of(made, "quality")
    labels, said = scored((85.5, 86), (84.5, 85), (20, 20.4), (10, 11))
    found = calibration("j", metric, "i", labels, said, 0)
    assert found.against.agreement == 3 / 4  # 86 86, 85 85, 20 20, 10 11
    assert (found.annotators, found.ceiling, found.fleiss) == (1, None, None)
    assert found.spearman == 1.0


def test_on_a_scale_of_fractions_nothing_is_rounded(made: Path) -> None:
    metric = metric_of(made, "quality")
    rules = type(metric.rules)(**{**vars(metric.rules), "whole": False, "low": 0.0, "high": 1.0})
    fractions = metric.model_copy()
    fractions.__dict__["rules"] = rules
    labels, said = scored((0.2, 0.3), (0.6, 0.7), (0.9, 0.8))
    found = calibration("j", fractions, "i", labels, said, 0)
    # squares 3·0.01/3; expected, each human against each judge score: 0.2: .01+.25+.36, 0.6: .09+.01+.04,
    # 0.9: .36+.04+.01 → 1.17/9. Rounded to whole numbers all would agree.
    assert found.against.kappa == pytest.approx(1 - 0.01 / 0.13)
    assert found.against.agreement is None


def test_the_interval_of_kappa(made: Path) -> None:
    labels, said = scored(*[(score, score if n % 3 else score + 10) for n, score in enumerate(range(0, 90, 3))])
    found = calibration("j", metric_of(made, "quality"), "i", labels, said, 0).against
    assert found.kappa is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.kappa < found.high < 1
    assert calibration("j", metric_of(made, "quality"), "i", labels, said, 0).against == found


POLICIES = [
    (Trust(min_items=None), ["25.0% of its judgements have no verdict, more than 2%"]),
    (Trust(min_kappa=0.99, max_unreadable=None, min_items=None), ["its κ against people is 0.97, less than 0.99"]),
    (Trust(max_unreadable=0.3, min_items=None, min_kappa=None), []),
    (Trust(max_unreadable=0.3), ["it is calibrated on only 3 items, fewer than 30"]),
]


@pytest.mark.parametrize(("policy", "expected"), POLICIES)
def test_what_a_policy_makes_of_it(made: Path, context: Open, policy: Trust, expected: list[str]) -> None:
    ((found,), _) = run(made, "scores.csv", context)
    assert list(doubts(found, policy)) == expected


# -- real data --------------------------------------------------------------------------------------------------------


def test_the_stored_verdicts_of_pandalm(shared_data: Path, made: Path) -> None:
    """GPT-3.5's verdicts as if a judge had said them in both orders: the published figures."""
    folder = shared_data / "pandalm"
    outcomes = {"1": 1.0, "2": 0.0, "Tie": 0.5}
    rows = json.loads((folder / "gpt-3.5-turbo-testset-v1.json").read_text(encoding="utf-8"))
    verdicts = {str(row["idx"]): outcomes.get(row["gpt_result"]) for row in rows}
    labels = read_labels(folder / "testset-v1.json")
    found = calibration("gpt", metric_of(made, "better"), "i", labels, list(said(labels, verdicts)), 0)
    assert (found.items, found.unreadable, found.failed, found.flips) == (999, 25, 0, 0.0)
    assert (found.against.items, found.annotators) == (974, 3)
    assert found.against.agreement == pytest.approx(0.7156, abs=5e-5)
    assert found.against.kappa == pytest.approx(0.4929, abs=5e-5)
    assert found.against.low is not None
    assert found.against.high is not None
    assert 0.42 < found.against.low < 0.4929 < found.against.high < 0.565  # some questions stand there several times
    assert found.ceiling is not None
    assert found.ceiling.kappa == pytest.approx((0.852 + 0.879 + 0.862) / 3, abs=5e-4)
    assert found.ceiling.items == 999
    assert doubts(found, Trust()) == ("2.5% of its judgements have no verdict, more than 2%",)


def said(labels: Labels, verdicts: dict[str, float | None]) -> list[Judgement]:
    def one(pair: LabelledPair, turned: bool) -> Judgement:
        value = verdicts[pair.id or ""]
        variant, rival = ("second", "first") if turned else ("first", "second")
        place: dict[str, Any] = {"task": "t", "metric": "m", "judge": "gpt", "sample_id": pair.place}
        place |= {"variant": variant, "rival": rival}
        if value is None:
            return Judgement(**place, unreadable="garbage")
        return Judgement(**place, values={"": 1 - value if turned else value})

    return [one(pair, turned) for pair in labels.pairs for turned in (False, True)]


def test_llama_against_gpt4_on_the_stored_scores(shared_data: Path, made: Path) -> None:
    folder = shared_data / "instruction"
    items = folder / "eval-example-data.json"
    labels = read_labels(folder / "scores" / "gpt4-model-1-response.json", items, "model 1 response")
    llama = json.loads((folder / "scores" / "llama3-8b-model-1-response.json").read_text(encoding="utf-8"))
    judged = [
        Judgement(
            task="t", metric="m", judge="llama", sample_id=item.place, variant="answer", values={"score": float(value)}
        )
        for item, value in zip(labels.scored, llama, strict=True)
    ]
    found = calibration("llama", metric_of(made, "quality"), "i", labels, judged, 0)
    # Quadratic κ is 2 cov / (var + var + (difference of means)²), all with the number of items below.
    gpt4 = [one.scores[0] or 0.0 for one in labels.scored]
    a, b = sum(gpt4) / 100, sum(llama) / 100
    assert (a, b) == (pytest.approx(74.09), pytest.approx(77.05))
    covariance = sum((x - a) * (y - b) for x, y in zip(gpt4, llama, strict=True)) / 100
    spread = sum((x - a) ** 2 for x in gpt4) / 100 + sum((y - b) ** 2 for y in llama) / 100
    assert found.against.kappa == pytest.approx(2 * covariance / (spread + (a - b) ** 2))
    assert (found.items, found.unreadable, found.against.items) == (100, 0, 100)


# -- the command ------------------------------------------------------------------------------------------------------


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return run_command("calibrate", *arguments, cwd=cwd)


def test_the_command(made: Path) -> None:
    result = command("suite.yaml", "--labels", "scores.csv", cwd=made.parent)
    assert result.returncode == 0, result.stderr
    assert "Judges against people: scores.csv" in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.startswith("│ judge "))
    assert [cell.strip() for cell in row.split("│")[2:6]] == ["4", "1", "66.7%", "0.97"]
    assert "25.0% of its judgements have no verdict, more than 2%" in result.stdout
    assert "left out: 1 of 5 items, which are decided without a judge" in result.stdout
    assert "left out: 1 of 6 items, which nobody labelled" in result.stdout


def test_the_command_refuses_a_list_that_is_one_short(made: Path) -> None:
    (made.parent / "two.json").write_text("[1, 2]", encoding="utf-8")
    items = [{"question": "q", "reference": "r", "reply": "a"}] * 3
    (made.parent / "items.json").write_text(json.dumps(items), encoding="utf-8")
    arguments = ("suite.yaml", "--labels", "two.json", "--items", "items.json", "--answer", "reply")
    result = command(*arguments, cwd=made.parent)
    assert result.returncode == 2
    assert result.stderr.startswith("error: two.json: 2 scores for 3 items (items.json): a score is missing somewhere")
    assert len(result.stderr.splitlines()) == 1


def test_the_help_tells_how(tmp_path: Path) -> None:
    result = command("--help", cwd=tmp_path)
    assert result.returncode == 0
    assert "harness calibrate suite.yaml --labels ratings.csv --metric summary.judge" in result.stdout
