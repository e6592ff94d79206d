"""The metrics that ask a judge, from the suite to the figures, with a judge whose every reply is written down."""

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.metric import Mark
from harness.components.model import Model
from harness.components.scoring import Scoring
from harness.errors import StoreError, SuiteError
from harness.metrics.judge import Judge
from harness.metrics.pairwise import Pairwise
from harness.metrics.retrieval import Retrieval
from harness.models.scripted import Scripted
from harness.records.inputs import JSON, Generation, Prompt, Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import PlannedJudging, plan
from harness.stages.prepare import prepare
from harness.suite.parser import load_suite
from harness.summary.comparison_plan import comparison_plan

Make = Callable[..., Scoring]
ASK = r"(?s)<answer-\w+>\n"
SAMPLES = [
    Sample(id=str(i), task="t", input=question, targets=("好",)) for i, question in enumerate(("甲", "乙", "丙"))
]


def answers(variant: str, texts: Sequence[str]) -> list[Prediction]:
    return [
        Prediction(sample_id=sample.id, task="t", variant=variant, messages=(), text=text, reading=Reading(text))
        for sample, text in zip(SAMPLES, texts, strict=False)
    ]


def judging(*rules: tuple[str, str], default: str = "") -> Scripted:
    return Scripted.model_validate({"rules": [{"match": m, "reply": r} for m, r in rules], "default": default})


def reply(score: float, reason: str = "依据") -> str:
    return json.dumps({"score": {"reason": reason, "score": score}}, ensure_ascii=False)


def marks(metric: Judge | Pairwise, predictions: list[Prediction], scoring: Scoring) -> list[Any]:
    by_id = {sample.id: sample for sample in SAMPLES}
    return metric.score_batch([by_id[one.sample_id] for one in predictions], predictions, scoring)


def test_an_answer_has_the_score_and_the_reason_that_the_judge_gives(scoring: Make) -> None:
    judge = judging((ASK + "好", reply(90, "正确")), (ASK + "坏", reply(20, "错误")))
    place = scoring("quality", {"j": judge})
    found = marks(Judge(model="j"), answers("a", ["好", "坏", "  "]), place)
    assert found == [
        {"": Mark(90.0, "正确")},
        {"": Mark(20.0, "错误")},
        {"": Mark(0.0, "the answer is empty")},
    ]
    assert [one.attempts for one in place.judgements] == [1, 1, 0]
    assert place.context.counts.calls == 2


def test_a_reply_that_cannot_be_read_is_shown_to_the_judge_twice_and_then_unknown(scoring: Make) -> None:
    judge = judging(
        ("(?s)JSON Schema", reply(70)),  # it does better when told
        (ASK + "坏", "我觉得还行"),
    )
    place = scoring("quality", {"j": judge, "stubborn": judging(default="不好说")})
    told, stubborn = (marks(Judge(model=name), answers("a", ["坏"]), place)[0][""] for name in ("j", "stubborn"))
    assert told == Mark(70.0, "依据")
    assert stubborn.value is None
    assert stubborn.reason.startswith("stubborn: ")
    first, second = place.judgements
    assert (first.attempts, first.unreadable) == (2, None)
    assert (second.attempts, second.unreadable is not None, second.error, second.values) == (3, True, None, {})
    assert second.tokens_out == 3 * len("不好说")


class Watching(Model):
    """Replies one thing and keeps what it was asked."""

    answer: str = ""
    asked: list[tuple[Prompt, Generation, int]] = Field(default_factory=list)

    def identity(self) -> dict[str, JSON]:
        return {"watching": self.answer}

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        self.asked.extend((prompt, generation, repeat) for prompt, repeat in zip(prompts, repeats, strict=True))
        return [Completion(text=f'{{"score": {{"reason": "r", "score": {10 * (repeat + 1)}}}}}') for repeat in repeats]


def test_the_retry_holds_the_reply_the_problem_and_the_schema(scoring: Make) -> None:
    class Vague(Watching):
        def generate(
            self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]
        ) -> list[Completion]:
            self.asked.extend((prompt, generation, 0) for prompt in prompts)
            return [Completion(text="八十左右", finish="length") for _ in prompts]

    vague = Vague()
    place = scoring("quality", {"j": vague})
    mark = marks(Judge(model="j", language="en"), answers("a", ["坏"]), place)[0][""]
    assert mark.value is None
    assert mark.reason == "j: the reply was cut at 1024 tokens"
    assert [len(prompt) for prompt, _, _ in vague.asked] == [2, 4, 6]
    last = vague.asked[-1][0]
    assert [message.role for message in last] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert last[2].content == "八十左右"
    assert "could not be read" in last[3].content
    assert '"additionalProperties": false' in last[3].content
    assert vague.asked[0][1].schema == Judge(model="j").rules.schema()


def test_repeats_are_asked_apart_and_their_mean_counts(scoring: Make) -> None:
    watching = Watching()
    place = scoring("quality", {"j": watching}, seed=5)
    mark = marks(Judge(model="j", repeats=3, temperature=0.5), answers("a", ["坏"]), place)[0][""]
    assert mark.value == 20  # of 10, 20, 30
    assert [repeat for _, _, repeat in watching.asked] == [0, 1, 2]
    assert [one.repeat for one in place.judgements] == [0, 1, 2]


def test_a_rubric_with_several_dimensions_gives_each_and_their_mean(scoring: Make) -> None:
    names = [dimension.name for dimension in Judge(model="j", rubric="clinical").rules.dimensions]
    scores = dict(zip(names, (5, 4, 2, 1), strict=True))
    text = json.dumps({name: {"reason": f"因{name}", "score": score} for name, score in scores.items()})
    place = scoring("quality", {"j": judging(default=text)})
    metric = Judge(model="j", rubric="clinical")
    found = marks(metric, answers("a", ["好"]), place)[0]
    assert found[""].value == 3  # (5 + 4 + 2 + 1) / 4
    assert {name: mark.value for name, mark in found.items() if name} == scores
    assert found[names[2]].reason == f"因{names[2]}"
    assert metric.parts() == tuple(names)
    assert (metric.scale_of("").low, metric.scale_of(names[0]).high) == (1, 5)


# -- pairs ----------------------------------------------------------------------------------------------------------

FAIR = judging(
    (r"(?s)<first-\w+>\n好", '{"reason": "前者", "verdict": "first"}'),
    (r"(?s)<second-\w+>\n好", '{"reason": "后者", "verdict": "second"}'),
    default='{"reason": "相当", "verdict": "tie"}',
)
VAIN = judging(default='{"reason": "前者", "verdict": "first"}')


def test_pairs_against_the_reference(scoring: Make) -> None:
    place = scoring("better", {"j": FAIR}, reference="a")
    predictions = answers("a", ["坏", "坏", "好了"]) + answers("b", ["好", "差", "坏"])
    found = marks(Pairwise(model="j"), predictions, place)
    assert found[:3] == [Mark(0.5, "the reference itself")] * 3
    assert found[3:] == [Mark(1.0, "better than a"), Mark(0.5, "tied with a"), Mark(0.0, "worse than a")]
    assert len(place.judgements) == 6


def test_a_judge_that_prefers_a_place_decides_nothing(scoring: Make) -> None:
    place = scoring("better", {"j": VAIN}, reference="a")
    found = marks(Pairwise(model="j"), answers("a", ["坏"]) + answers("b", ["好"]), place)
    assert found[1] == Mark(0.5, "tied with a")


def test_equal_and_empty_answers_are_decided_without_asking(scoring: Make) -> None:
    place = scoring("better", {"j": judging(default="never read")}, reference="a")
    predictions = answers("a", ["好", "好", ""]) + answers("b", ["好", " ", ""])
    found = marks(Pairwise(model="j"), predictions, place)
    assert [mark.value for mark in found[3:]] == [0.5, 0.0, 0.5]
    assert place.context.counts.calls == 0


def test_every_pair_meets_once_in_both_orders(scoring: Make) -> None:
    place = scoring("better", {"j": FAIR})
    predictions = answers("a", ["好"]) + answers("b", ["坏"]) + answers("c", ["差"])
    found = marks(Pairwise(model="j", against="all"), predictions, place)
    assert [mark.value for mark in found] == [1.0, 0.25, 0.25]  # b: lost to a, tied with c
    assert len(place.judgements) == 6


def test_with_at_most_every_pair_gets_its_turn(scoring: Make) -> None:
    samples = [Sample(id=str(i), task="t", input=f"问{i}", targets=("好",)) for i in range(12)]
    predictions = [
        Prediction(sample_id=s.id, task="t", variant=v, messages=(), text=f"{v}{s.id}", reading=Reading("x"))
        for v in "abcd"
        for s in samples
    ]
    place = scoring("better", {"j": judging(default='{"reason": "r", "verdict": "tie"}')})
    metric = Pairwise(model="j", against="all", at_most=2)
    metric.score_batch([s for _ in "abcd" for s in samples], predictions, place)
    met: dict[frozenset[str | None], int] = {}
    for one in place.judgements:
        met[frozenset((one.variant, one.rival))] = met.get(frozenset((one.variant, one.rival)), 0) + 1
    assert list(met.values()) == [8] * 6  # 12 items × 2 pairs / 6 pairs = 4 duels of each, in both orders
    assert metric.calls(12, 4) == 48


def test_a_verdict_that_cannot_be_read_is_no_tie(scoring: Make) -> None:
    place = scoring("better", {"j": judging(default="两个都可以吧，也许")}, reference="a")
    found = marks(Pairwise(model="j"), answers("a", ["坏"]) + answers("b", ["好"]), place)
    assert found[1] == Mark(None, "no verdict against a")


def test_an_opponent_that_failed_makes_it_unknown(scoring: Make) -> None:
    place = scoring("better", {"j": FAIR}, reference="a")
    found = marks(Pairwise(model="j"), answers("b", ["好"]), place)
    assert found == [Mark(None, "it met no opponent")]
    predictions = [
        *answers("a", ["好", "好"]),
        *answers("b", ["坏", "坏"]),
        *answers("c", ["差"]),
    ]  # c failed on item 1
    found = marks(Pairwise(model="j", against="all"), predictions, place)
    assert [one.value for one in found] == [1.0, None, 0.25, None, 0.25]


def test_a_duel_without_a_verdict_is_not_left_out_of_the_mean(scoring: Make) -> None:
    torn = judging(("JSON Schema", "也许"), (r"(?s)>\n差", "也许"), (r"(?s)<first-\w+>\n好", '{"reason": "", "verdict": "first"}'),
                   default='{"reason": "", "verdict": "second"}')  # fmt: skip
    predictions = [*answers("a", ["好"]), *answers("b", ["坏"]), *answers("c", ["差"])]
    found = marks(Pairwise(model="j", against="all"), predictions, scoring("better", {"j": torn}))
    assert [one.value for one in found] == [None, None, None]  # each met c, whose duels have no verdict


def test_seeds_of_one_model_are_one_opponent(scoring: Make) -> None:
    pools = {"lora": ("lora~1", "lora~2")}
    place = scoring("better", {"j": FAIR}, pools=pools)
    predictions = [
        *answers("base", ["坏"]),
        *answers("lora~1", ["好"]),
        *answers("lora~2", ["好了"]),
        *answers("c", ["差"]),
    ]
    found = marks(Pairwise(model="j", against="all"), predictions, place)
    # base: lost to both seeds (one opponent), tied with c: (0 + 1/2) / 2; a seed does not meet its sibling
    assert [one.value for one in found] == [0.25, 1.0, 1.0, 0.25]
    pooled = scoring("better", {"j": FAIR}, pools=pools, reference="lora")
    found = marks(Pairwise(model="j"), predictions, pooled)
    assert [one.value for one in found] == [0.0, 0.5, 0.5, 0.0]


def test_no_two_pairs_are_always_dealt_together(scoring: Make) -> None:
    """A variant that meets the weak only would look good: with at_most, who is met is drawn for each item anew."""
    items = [str(i) for i in range(60)]
    dealt = Pairwise(model="j", against="all", at_most=2)._pairs(items, ["a", "b", "c", "d"], scoring())
    together = {frozenset(some) for some in dealt.values()}
    assert len(together) > 10  # of the 15 pairs of pairs; in turn it would be 3
    assert sorted(Counter(pair for some in dealt.values() for pair in some).values()) == [20] * 6  # 60 × 2 / 6
    assert all(len(set(some)) == 2 for some in dealt.values())


# -- the whole path -------------------------------------------------------------------------------------------------

ROWS = "q\ta\n甲\t好\n乙\t好\n丙\t好\n丁\t好\n戊\t好\n己\t好\n"
SUITE = """
name: judged
models:
  good: {scripted: {default: 好}}
  poor: {scripted: {default: 坏}}
  judge:
    scripted:
      rules:
        - {match: '(?s)<answer-\\w+>\\n好', reply: '{"score": {"reason": "对", "score": 90}}'}
        - {match: '(?s)<first-\\w+>\\n好', reply: '{"reason": "前者", "verdict": "first"}'}
        - {match: '(?s)<second-\\w+>\\n好', reply: '{"reason": "后者", "verdict": "second"}'}
      default: '{"score": {"reason": "错", "score": 20}}'
tasks:
  t:
    data: {tsv: {path: test.tsv, input: q, target: a}}
    metrics: {quality: {judge: {model: judge}}, better: {pairwise: {model: judge}}, accuracy: exact_match}
variants: {poor: {prompting: {model: poor}}, good: {prompting: {model: good}}}
TRUST
"""


def test_a_judge_nobody_has_calibrated_does_not_decide(write_suite: Any, run_suite: Any) -> None:
    folder: RunFolder = run_suite(write_suite(SUITE.replace("TRUST", ""), test__tsv=ROWS))
    summary = folder.summary()
    assert summary.headline == ("t.accuracy",)
    assert set(summary.judging.demoted) == {"t.quality", "t.better"}
    assert "not calibrated" in summary.judging.demoted["t.quality"]
    means = {(one.metric, one.variant): one.mean for one in summary.results}
    assert means["quality", "good"] == 90
    assert means["quality", "poor"] == 20
    assert means["better", "good"] == 1.0
    ranking = summary.judging.rankings[0].ranking
    assert [(t.first, t.wins) for t in ranking.tallies] == [("good", 6), ("poor", 0)]
    record = folder.read_run()
    assert record["judges"]["judge"]["component"] == "Scripted"
    assert [(one["metric"], one["calls"]) for one in record["judging"]] == [("quality", 12), ("better", 12)]
    assert len(folder.judgements()) == 24
    assert record["rubrics"] == {"score100": Judge(model="j").rules.text}
    assert "rubric score100" in (folder.path / "report.html").read_text(encoding="utf-8")


def test_a_judge_that_is_not_asked_to_be_calibrated_decides(write_suite: Any, run_suite: Any) -> None:
    folder = run_suite(write_suite(SUITE.replace("TRUST", "trust: {min_kappa: null}"), test__tsv=ROWS))
    summary = folder.summary()
    assert summary.headline == ("t.quality",)
    assert summary.judging.demoted == {}
    found = next(one for one in summary.comparisons if one.metric == "quality")
    assert (found.variant, found.difference, found.verdict) == ("good", 70, "better")


def test_scoring_again_asks_nothing_again_and_gives_the_same_bytes(write_suite: Any, run_suite: Any) -> None:
    path = write_suite(SUITE.replace("TRUST", ""), test__tsv=ROWS)
    folder = run_suite(path)
    names = ("scores.jsonl", "judgements.jsonl", "summary.json")
    before = {name: (folder.path / name).read_bytes() for name in names}
    run_suite(path, start="score")
    assert {name: (folder.path / name).read_bytes() for name in names} == before
    assert [one["calls"] for one in folder.read_run()["judging"]] == [0, 0]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("quality: {judge: {model: judge}}", "opinion: {judge: {model: judge}}", "the metrics of task t"),
        ("quality: {judge: {model: judge}}", "quality: exact_match", "the metrics of task t"),
        ('"score": 20}', '"score": 30}', "models.judge"),
    ],
)
def test_a_summary_is_of_the_metrics_and_judges_that_scored(
    write_suite: Any, run_suite: Any, old: str, new: str, named: str
) -> None:
    text = SUITE.replace("TRUST", "")
    run_suite(write_suite(text, test__tsv=ROWS))
    with pytest.raises(StoreError, match=f"changed since it was scored: {named}; run with --from score"):
        run_suite(write_suite(text.replace(old, new), test__tsv=ROWS), start="summarize")


def test_what_judged_nothing_does_not_decide(write_suite: Any, run_suite: Any) -> None:
    """All other variants failed: the reference's one half would be the only figure."""
    text = SUITE.replace("TRUST", "trust: {min_kappa: null}").replace(
        "{scripted: {default: 好}}", "{scripted: {rules: [{match: '', fail: down}]}}"
    )
    metrics = "metrics: {better: {pairwise: {model: judge}}, accuracy: exact_match}"
    text = re.sub(r"metrics: \{quality.*", metrics, text)
    summary = run_suite(write_suite(text, test__tsv=ROWS)).summary()
    assert summary.judging.demoted == {"t.better": "it was not asked about any answer"}
    assert summary.headline == ("t.accuracy",)


def test_how_retrieval_did_is_no_headline_that_nobody_declared(write_suite: Any) -> None:
    suite = load_suite(write_suite(SUITE.replace("TRUST", ""), test__tsv=ROWS))
    task = prepare(suite)["t"]
    metrics = {"quality": suite.metrics_of(task)["quality"], "retrieval": Retrieval()}
    demoted = {"t.quality": "why"}
    assert (
        comparison_plan(
            replace(suite, tasks={"t": replace(suite.tasks["t"], metrics=metrics)}), {"t": task}, {}, demoted
        ).headline
        == []
    )
    assert comparison_plan(suite, {"t": task}, {}, demoted).headline == ["t.better"]


def test_a_judge_that_is_trained_is_trained_though_no_variant_asks_it(write_suite: Any) -> None:
    text = (
        SUITE.replace("TRUST", "")
        .replace("{judge: {model: judge}}", "{judge: {model: own}}")
        .replace(
            "  judge:\n",
            "  own: {tuned: {base: hf, method: lora, on: [t]}}\n  hf: {huggingface: {path: x/y}}\n  judge:\n",
        )
    )
    assert load_suite(write_suite(text, test__tsv=ROWS)).usage.trained == ("own",)


def test_a_judge_cannot_be_several_models(write_suite: Any) -> None:
    text = (
        SUITE.replace("TRUST", "")
        .replace("{judge: {model: judge}}", "{judge: {model: lora}}")
        .replace(
            "  judge:\n",
            "  lora: {tuned: {base: hf, method: lora, on: [t], seeds: 2}}\n  hf: {huggingface: {path: x/y}}\n  judge:\n",
        )
    )
    with pytest.raises(SuiteError, match="'lora' stands for lora~1, lora~2; name one of them"):
        load_suite(write_suite(text, test__tsv=ROWS))


def test_an_empty_label_of_people_is_a_warning(write_suite: Any, run_suite: Any) -> None:
    text = SUITE.replace("TRUST", "").replace("{judge: {model: judge}}", "{judge: {model: judge, human: people.csv}}")
    rows = "id,question,answer,score\n1,问,好,50\n2,问,好,60\n3,问,好,70\n"
    summary = run_suite(write_suite(text, test__tsv=ROWS, people__csv=rows)).summary()
    assert summary.judging.human == ()
    assert any("no judged mean is corrected" in line for line in summary.warnings)


def test_the_plan_counts_what_judges_will_be_asked(write_suite: Any, tmp_path: Path) -> None:
    suite = load_suite(write_suite(SUITE.replace("TRUST", ""), test__tsv=ROWS))
    cache = Cache(tmp_path / "cache" / "calls.sqlite", read_only=True)
    found = plan(suite, DryContext(suite.models, cache, Display(), suite.seed))
    # 6 items × 2 variants; 6 items × 1 pair × 2 orders
    assert found.judging == [PlannedJudging("t", "quality", "judge", 12), PlannedJudging("t", "better", "judge", 12)]
    cache.close()


def test_human_scores_of_this_runs_answers_correct_the_judged_mean(write_suite: Any, run_suite: Any) -> None:
    text = SUITE.replace("TRUST", "").replace("{judge: {model: judge}}", "{judge: {model: judge, human: people.csv}}")
    path = write_suite(text, test__tsv=ROWS, people__csv="id,question,answer,score\n")
    with pytest.raises(SuiteError, match=r"people\.csv"):
        run_suite(path)  # no label in it: said before anything is computed
    plain = run_suite(write_suite(SUITE.replace("TRUST", ""), test__tsv=ROWS))
    ids = [sample.id for sample in plain.samples()]
    rows = "".join(f"{one},问,好,{score}\n" for one, score in zip(ids, (100, 80, 90, 100), strict=False))
    path = write_suite(text, test__tsv=ROWS, people__csv=f"id,question,answer,score\n{rows}{ids[5]},问,别的,0\n")
    found = run_suite(path, "corrected").summary().judging.human
    assert [(one.variant, one.corrected.labelled, one.unmatched) for one in found] == [("good", 4, 1)]
    # The judge said 90 throughout, so it weighs nothing: the mean of 100, 80, 90, 100.
    assert (found[0].corrected.mean, found[0].corrected.lam, found[0].corrected.judged_mean) == (92.5, 0.0, 90.0)


def test_without_a_judge_there_are_no_judgements(write_suite: Any, run_suite: Any) -> None:
    text = SUITE.replace("TRUST", "").replace(
        "{quality: {judge: {model: judge}}, better: {pairwise: {model: judge}}, accuracy", "{accuracy"
    )
    path = write_suite(text, test__tsv=ROWS)
    folder = run_suite(path)
    assert not (folder.path / "judgements.jsonl").exists()
    assert folder.summary().judging.judges == ()


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ("{judge: {model: jugde}}", "'jugde' is not among models (did you mean judge?)"),
        ("{judge: {model: judge, rubric: clinicl}}", "is not a rubric (did you mean clinical?)"),
        ("{judge: {model: judge, rubric: none.yaml}}", "there is no such file"),
        ("{judge: {model: judge, rubric: own.yaml}}", "scale"),
        ("{judge: {model: [judge, judge]}}", "must name one judge or several different ones"),
        ("{judge: {model: []}}", "must name one judge or several different ones"),
        ("{judge: {model: judge, repeats: 0}}", "must be at least 1"),
    ],
)
def test_what_is_wrong_with_a_judge_is_said_where_it_stands(write_suite: Any, given: str, mistake: str) -> None:
    path: Path = write_suite(
        SUITE.replace("TRUST", "").replace("{judge: {model: judge}}", given),
        test__tsv=ROWS,
        own__yaml="reference: optional\ndimensions: {}\n",
    )
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    lines = str(caught.value).splitlines()
    assert any("suite.yaml:" in line and mistake in line for line in lines), lines


def test_an_item_without_a_reference_is_refused_by_a_rubric_that_needs_one(scoring: Make) -> None:
    blank = replace(scoring().task, data=Dataset((*SAMPLES, Sample(id="9", task="t", input="丁", targets=(" ",)))))
    assert Judge(model="j").check_task(blank) == "rubric score100 needs a reference answer, 9 has none"
    assert Judge(model="j", rubric="clinical").check_task(blank) is None


def test_a_judge_without_room_for_the_longest_item_is_refused_before_anything_runs(scoring: Make) -> None:
    class Narrow(Watching):
        def context_length(self) -> int:
            return 2500

    long = replace(
        scoring().task, data=Dataset((*SAMPLES, Sample(id="9", task="t", input="长" * 10_000, targets=("好",))))
    )
    problem = Judge(model="j").check_models(long, {"j": Narrow()})
    assert problem is not None
    assert re.fullmatch(
        r"judge j needs about [\d,]+ tokens for 9, its reply included, and has room for 2,500: .*", problem
    )
    short = replace(long, data=Dataset(tuple(SAMPLES)))
    assert Judge(model="j").check_models(short, {"j": Narrow()}) is None
