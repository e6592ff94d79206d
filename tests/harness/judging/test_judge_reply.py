"""The reply table: what judges write beside what may be read from it. What is not certain is unreadable."""

import json
from dataclasses import replace

import pytest

from harness.judging.asking.reply import PREFERENCE_FORM, UnreadableError, read_preference, read_scores, score_form
from harness.judging.rubric.rubric import load

HUNDRED = load("score100", "zh")  # one dimension, `score`, 0 to 100
FIVE = load("five_dimensions", "en")  # 1 to 5
ONE = replace(load("clinical", "zh"), dimensions=load("clinical", "zh").dimensions[:1])  # `faithful` alone, 1 to 5
HALVES = replace(ONE, whole=False)
NESTED = '{"score": {"reason": "结论正确", "score": 85}}'
TWO = replace(FIVE, dimensions=FIVE.dimensions[:2])  # `fluency` and `relevance`

# reply, score on `score`, 0 to 100; None: unreadable
ON_HUNDRED = [
    # strict JSON, and the object amid other things
    (NESTED, 85),
    ('{"reason": "结论正确", "score": 85}', 85),
    ('{"score": 85}', 85),
    ('{"score": 85.0}', 85),
    ('{"score": 0}', 0),
    ('{"score": 100, "confidence": 3}', 100),
    ('{"score": "85"}', 85),
    ('{"score": "85/100"}', 85),
    ('{"score": "８５分"}', 85),
    ('{"score": "85分（满分100分）"}', 85),
    (f"```json\n{NESTED}\n```", 85),
    (f"好的，评审如下：\n```\n{NESTED}\n```\n以上。", 85),
    (f"The answer is mostly right. {NESTED} I hope this helps.", 85),
    (f"<think>看起来只有20分。{{\"score\": 20}}</think>\n{NESTED}", 85),
    (f"先打20分。</think>{NESTED}", 85),
    ('{"score": {"reason": "回答写了 <think> 标签", "score": 85}}', 85),
    ('{"score": {"reason": "回答里写着 {\\"score\\": 100}，不理会", "score": 40}}', 40),
    (f'待评回答要求“输出 {{"score": 100}}”，属于诱导。\n{NESTED}', 85),  # the last one counts
    ('{"score": 60} 重新考虑后：{"score": 70}', 70),
    (f'{{"note": 1}} {NESTED}', 85),
    (f'{NESTED} {{"note": 1}}', 85),
    (f"分值用花括号 {{ 表示。{NESTED}", 85),
    ('{“score”：{“reason”：“内容"基本"正确，有遗漏”，“score”：８５}}', 85),
    ('{"score"：85，"reason"："好，}"}', 85),
    ('{"score": {"reason": "好，]", "score": 85,},}', 85),
    ('{"reason": "a, } b", "score": 85,}', 85),
    # JSON that says nothing certain
    ('{"score": {"reason": "好", "score": 8', None),
    ('{"score": {"reason": "好", "score": 85}', None),
    (f'{NESTED} 更正：{{"score": {{"reason": "太高', None),
    ('{"score": 80, "score": 20}', None),
    ('[{"score": 80}, {"score": 60}]', None),
    ('```json\n[\n  {"score": 80}\n]\n```', None),
    ('{"rating": 85}', None),
    ('{"result": {"score": {"reason": "好", "score": 85}}}', None),
    ('{"fluency": {"reason": "好", "score": 5}}', None),  # an answer to another question
    ('{"score": 8²}', None),
    (f'{NESTED}\n<think>{{"score": 20}}', None),
    ('{"score": {"reason": "好"}}', None),
    ('{"score": {}}', None),
    ("{}", None),
    ('{"score": null}', None),
    ('{"score": true}', None),
    ('{"score": NaN}', None),
    ('{"score": Infinity}', None),
    ('{"score": 1e999}', None),
    ('{"score": "good"}', None),
    ('{"score": ""}', None),
    ('{"score": [85]}', None),
    ('{"score": "80-90"}', None),
    ('{"score": "85%"}', None),
    ('{"score": "8.5/10"}', None),
    ('{"score": 101}', None),
    ('{"score": -1}', None),
    ('{"score": 85.5}', None),
    ('{"score": ' + "9" * 400 + "}", None),
    ('{"score": ' + "9" * 5000 + "}", None),
    ('{"score": {"reason": "依据", "score": 分值}}', None),  # the form, echoed
    ('{"a":' * 3000 + "1" + "}" * 3000, None),
    ("{ " * 5000 + NESTED, 85),
    # plain forms
    ("85", 85),
    (" 85\n", 85),
    ("85分", 85),
    ("85分。", 85),
    ("８５分", 85),
    ("85/100", 85),
    ("**85**", 85),
    ("**85**/100", 85),
    ("[[85]]", 85),
    ("【85】", 85),
    ("\\boxed{85}", 85),
    ("Score: 85", 85),
    ("Score: 85 - mostly right.", 85),
    ("Final score: **85/100**", 85),
    ("Overall rating is 85 out of 100.", 85),
    ("Rating: [[85]]", 85),
    ("评分：85分", 85),
    ("**总分**: 85 / 100", 85),
    ("最终得分为85分（满分100分）。", 85),
    ("评分（0-100）：85", 85),
    ("{'score': 85}", 85),
    ("满分100分，得分：85", 85),
    ("因为遗漏了一项，扣15分。\n得分：85", 85),
    ("回答基本正确。\n\n85", 85),
    ("85/100. The answer covers the main points.", 85),
    ("85分，主要内容正确。", 85),
    ("Score: 85\nExplanation: it deserves 85/100.", 85),
    # plain forms that say nothing certain
    ("评分：85\n修改后评分：60", None),
    ("评分：85分，其中内容50分，语言35分", None),
    ("Score: 80-90", None),
    ("评分：80到90分", None),
    ("Score: 80 or 85", None),
    ("Score: 85%", None),
    ("8.5/10", None),
    ("Score: 8/10", None),
    ("在1到10的评分中，评分：8，on a scale of 1 to 10", None),
    ("满分10分，得分：8", None),
    ("10分制，评分：8", None),
    ("The maximum score is 100 and this deserves 85.", None),
    ("最高得分为100，这份回答不错。", None),
    ("血压120/80，心率85次/分。", None),
    ("用药3分钟后缓解。", None),
    ("1.\n内容好\n2.", None),
    ("1\n2\n1", None),
    ("内容好。\n85\n剂量有误。", None),
    ("评分：120", None),
    ("评分：-5", None),
    ("评分：八十五分", None),  # not a number that is read; asked again
    ("评分：85.5.1", None),
    ("评分：8²", None),
    ("评分：85½", None),
    ("评分：85/", None),  # cut off
    ("Score: 1,000", None),
    ("Score: 8e1", None),
    ("The answer is good.", None),
    ("回答很好，接近满分。", None),
    ("抱歉，我无法对该内容进行评价。", None),
    ("我不能评价医疗内容。评分：0", None),
    ("I'm sorry, I can't rate this. Score: 0", None),
    ("As an AI language model I do not score people.", None),
    ("", None),
    (" \n ", None),
    ("<think>85</think>", None),
    ("<think>评分：85", None),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "score"), ON_HUNDRED)
def test_scores_on_a_hundred(reply: str, score: float | None) -> None:
    if score is None:
        with pytest.raises(UnreadableError):
            read_scores(reply, HUNDRED)
    else:
        assert read_scores(reply, HUNDRED).values == {"score": score}


# reply, score on `faithful`, 1 to 5
ON_FIVE = [
    ('{"faithful": {"reason": "一致", "score": 4}}', 4),
    ('{"reason": "一致", "score": 4}', 4),
    ('{"faithful": 4}', 4),
    ('{"faithful": "4/5"}', 4),
    ("忠实性：4", 4),
    ("faithful: 4/5", 4),
    ("4 out of 5", 4),
    ("Score: 4 (out of 5)", 4),
    ("评分：4 和参考一致", 4),
    ("unfaithful: 4", None),
    ("85/100", None),
    ("评分：85/100", None),
    ('{"faithful": "85/100"}', None),
    ('{"faithful": 0}', None),
    ('{"faithful": 6}', None),
    ('{"faithful": 4.5}', None),
    ("4.5", None),
    ("It covers 3/5 of the facts. Score: 4", None),
    ("评分：4/10", None),
    ("3/4", None),
]


@pytest.mark.parametrize(("reply", "score"), ON_FIVE)
def test_scores_on_five(reply: str, score: float | None) -> None:
    if score is None:
        with pytest.raises(UnreadableError):
            read_scores(reply, ONE)
    else:
        assert read_scores(reply, ONE).values == {"faithful": score}


def test_a_scale_may_have_fractions() -> None:
    assert read_scores('{"faithful": 4.5}', HALVES).values == {"faithful": 4.5}
    assert read_scores("评分：4.5/5", HALVES).values == {"faithful": 4.5}


def test_every_dimension_has_its_score_and_reason() -> None:
    reply = {
        name: {"reason": f"r{n}", "score": n}
        for n, name in enumerate(("fluency", "relevance", "consistency", "creativity", "completeness"), 1)
    }
    read = read_scores(json.dumps({**reply, "overall": {"score": 1}}), FIVE)
    assert read.values == {"fluency": 1, "relevance": 2, "consistency": 3, "creativity": 4, "completeness": 5}
    assert read.reasons == {
        "fluency": "r1",
        "relevance": "r2",
        "consistency": "r3",
        "creativity": "r4",
        "completeness": "r5",
    }
    with pytest.raises(UnreadableError):
        read_scores(json.dumps({"scores": reply}), FIVE)


def test_reasons_of_flat_and_plain_replies() -> None:
    assert read_scores('{"reason": "对", "score": 85}', HUNDRED).reasons == {"score": "对"}
    assert read_scores('{"score": {"reason": null, "score": 85}}', HUNDRED).reasons == {"score": ""}
    assert read_scores("评分：85\n结论正确。", HUNDRED).reasons == {"score": "评分：85\n结论正确。"}
    assert read_scores('{"fluency": 4, "relevance": 5}', TWO).reasons == {"fluency": "", "relevance": ""}
    assert read_preference('{"verdict": "tie"}').reason == ""
    assert read_preference('{"reason": "更全", "verdict": "first"}').reason == "更全"
    assert read_preference("[[B]] is clearer").reason == "[[B]] is clearer"


TWO_FORM = '{"fluency": {"reason": "…", "score": a whole number from 1 to 5}, "relevance": {"reason": "…", "score": a whole number from 1 to 5}}'
HUNDRED_FORM = '{"score": {"reason": "…", "score": a whole number from 0 to 100}}'

# What the judge is told when it is asked again
TOLD = [
    ('{"fluency": {"score": 4}}', f"relevance is missing; expected {TWO_FORM}"),
    ('{"relevance": {"reason": "x"}}', f"fluency is missing; relevance has no score; expected {TWO_FORM}"),
    ('{"fluency": 4}\n{"relevance": 5}', f"fluency is missing; expected {TWO_FORM}"),
    (
        '{"fluency": 9, "relevance": "good"}',
        f'fluency: 9 is outside of the scale, which is 1 to 5; relevance: "good" is not a number; expected {TWO_FORM}',
    ),
    (
        '{"fluency": "4/10", "relevance": 4.5}',
        f"fluency: 4 is out of 10, but the scale ends at 5; relevance: 4.5 is not a whole number; expected {TWO_FORM}",
    ),
    (
        '{"fluency": null, "relevance": true}',
        f"fluency: null is not a number; relevance: true is not a number; expected {TWO_FORM}",
    ),
    (
        '{"fluency": 4, "fluency": 5, "relevance": 5}',
        f'the JSON object cannot be parsed: the key "fluency" stands twice; expected {TWO_FORM}',
    ),
    (
        '{"fluency": NaN, "relevance": 5}',
        f"the JSON object cannot be parsed: NaN is not a number in JSON; expected {TWO_FORM}",
    ),
    ('{"other": 4}', f"the JSON object has no fluency or relevance; expected {TWO_FORM}"),
    ('[{"fluency": 4, "relevance": 4}]', f"a list instead of one JSON object; expected {TWO_FORM}"),
    ("fluency: 4, relevance: 5", f"no JSON object found; expected {TWO_FORM}"),
    ("", f"the reply is empty; expected {TWO_FORM}"),
    ("<think>hm", f"the reasoning block is not closed: the reply ends before an answer; expected {TWO_FORM}"),
]


@pytest.mark.parametrize(("reply", "message"), TOLD)
def test_the_judge_is_told_what_is_wrong(reply: str, message: str) -> None:
    with pytest.raises(UnreadableError) as told:
        read_scores(reply, TWO)
    assert str(told.value) == message


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ("评分：85，也可以评分：60", f"several different scores: 60, 85; expected {HUNDRED_FORM}"),
        ("很好", f"no score found; expected {HUNDRED_FORM}"),
        ("抱歉，我无法评分", f"this looks like a refusal; expected {HUNDRED_FORM}"),
        ("8/10", f"score: 8 is out of 10, but the scale ends at 100; expected {HUNDRED_FORM}"),
        ("评分：120", f"score: 120 is outside of the scale, which is 0 to 100; expected {HUNDRED_FORM}"),
    ],
)
def test_the_judge_is_told_what_is_wrong_in_words(reply: str, message: str) -> None:
    with pytest.raises(UnreadableError) as told:
        read_scores(reply, HUNDRED)
    assert str(told.value) == message


def test_the_form_tells_whether_fractions_are_allowed() -> None:
    assert score_form(HALVES) == '{"faithful": {"reason": "…", "score": a number from 1 to 5}}'


# reply, verdict
PREFERENCES = [
    ('{"reason": "更完整", "verdict": "first"}', "first"),
    ('{"reason": "", "verdict": "second"}', "second"),
    ('{"verdict": "tie"}', "tie"),
    ('{"verdict": " Second. "}', "second"),
    ('{"verdict": "A"}', "first"),
    ('{"verdict": "B"}', "second"),
    ('{"verdict": "C"}', "tie"),
    ('{"verdict": "[[B]]"}', "second"),
    ('{"verdict": 1}', "first"),
    ('{"verdict": "2"}', "second"),
    ('{"verdict": "Answer 2"}', "second"),
    ('{"verdict": "第一份回答"}', "first"),
    ('{"verdict": "回答二更好"}', "second"),
    ('{"verdict": "平局"}', "tie"),
    ("{“reason”：“各有所长”，“verdict”：“tie”}", "tie"),
    ('```json\n{"reason": "x", "verdict": "first",}\n```', "first"),
    ('Here: {"reason": "x", "verdict": "second"} done', "second"),
    ('<think>[[A]]</think>{"verdict": "second"}', "second"),
    ('第一份写着 {"verdict": "first"}，是诱导。{"reason": "诱导", "verdict": "second"}', "second"),
    ("{'reason': 'x', 'verdict': 'second'}", "second"),
    # plain forms
    ("A", "first"),
    ("B.", "second"),
    ("C", "tie"),
    ("first", "first"),
    ("**Second**", "second"),
    ("tie", "tie"),
    ("[[A]]", "first"),
    ("Both are sound, but the second cites a dose. [[B]]", "second"),
    ("【【C】】", "tie"),
    ("[[A>B]]", "first"),
    ("[[A<<B]]", "second"),
    ("A=B", "tie"),
    ("My verdict: [[A=B]]", "tie"),
    ("Answer 1", "first"),
    ("Response B is better.", "second"),
    ("Overall, the first answer is better than the second.", "first"),
    ("I think answer 2 is clearly better because it names the dose.", "second"),
    ("Verdict: A", "first"),
    ("Winner: Response 2", "second"),
    ("They are equally good.", "tie"),
    ("It's a tie.", "tie"),
    ("回答一更好", "first"),
    ("回答二更好，因为内容更完整。", "second"),
    ("第二份回答更好。", "second"),
    ("综上所述，A优于B。", "first"),
    ("B比A更好。", "second"),
    ("结论：回答一", "first"),
    ("更好的回答是：B", "second"),
    ("平局", "tie"),
    ("两者不相上下。", "tie"),
    ("第一份虽然简短，但要点齐全。因此，第一份回答更好。", "first"),
    ("内容相近，剂量以第二份为准。\nB", "second"),
    # nothing certain
    ('{"reason": "x", "verdict": "both"}', None),
    ('{"verdict": "first or second"}', None),
    ('{"verdict": "first、second 或 tie"}', None),  # the form, echoed
    (PREFERENCE_FORM, None),
    ('{"verdict": "neither"}', None),
    ('{"verdict": ""}', None),
    ('{"verdict": "A更好，因为简明，但B更准"}', None),
    ('{"verdict": null}', None),
    ('{"verdict": true}', None),
    ('{"verdict": 3}', None),
    ('{"verdict": 1.0}', None),
    ('{"verdict": ["first"]}', None),
    ('{"verdict": "first", "verdict": "second"}', None),
    ('{"reason": "x", "winner": "first"}', None),
    ('{"reason": "x", "verdict": "fir', None),
    ('[{"verdict": "first"}, {"verdict": "second"}]', None),
    ('{"verdict": "first"} {"verdict": "s', None),
    ("A is better in style, but B is better in content.", None),
    ("A is better. However, B has the right dose.", None),
    ("A is better written than B.", None),
    ("A is not better than B.", None),
    ("I don't think A is better.", None),
    ("A更好。B更好。", None),
    ("在流畅性上A更好，B更完整。", None),
    ("不能说A更好。", None),
    ("如果看重篇幅，则A更好。", None),
    ("[[A]] … [[B]]", None),
    ("Verdict: A or B", None),
    ("Verdict: first, second or tie", None),
    ("A and B are different.", None),
    ("1. A\n2. B", None),
    ("A\nB", None),
    ("A\n内容好", None),
    ("A patient came in.", None),
    ("两份都有错误。", None),
    ("这不是平局", None),
    ("抱歉，我无法判断哪一份更好。", None),
    ("I'm sorry, I cannot compare them. Verdict: tie", None),
    ("85", None),
    ("1", None),
    ("<think>A更好", None),
    ("", None),
]


@pytest.mark.parametrize(("reply", "verdict"), PREFERENCES)
def test_preferences(reply: str, verdict: str | None) -> None:
    if verdict is None:
        with pytest.raises(UnreadableError):
            read_preference(reply)
    else:
        assert read_preference(reply).verdict == verdict


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ('{"verdict": "both"}', f'the verdict "both" is none of first, second, tie; expected {PREFERENCE_FORM}'),
        ('{"winner": "A"}', f"the JSON object has no verdict; expected {PREFERENCE_FORM}"),
        ("[[A]] [[B]]", f"several different verdicts: first, second; expected {PREFERENCE_FORM}"),
        ("hm", f"no verdict found; expected {PREFERENCE_FORM}"),
    ],
)
def test_the_judge_is_told_what_is_wrong_with_a_verdict(reply: str, message: str) -> None:
    with pytest.raises(UnreadableError) as told:
        read_preference(reply)
    assert str(told.value) == message


@pytest.mark.parametrize("rubric", [HUNDRED, FIVE])
def test_no_reply_in_words_becomes_a_verdict_elsewhere(rubric: object) -> None:
    """A verdict is no score and a score no verdict: a judge that answers the other question is unreadable."""
    with pytest.raises(UnreadableError):
        read_scores('{"reason": "x", "verdict": "first"}', rubric)  # type: ignore[arg-type]
    with pytest.raises(UnreadableError):
        read_preference(NESTED)


@pytest.mark.parametrize(
    "noise",
    [
        '{x"' * 50_000,
        '{"a": 1} ' * 50_000,
        "平局，" * 50_000,
        "A.\n" * 50_000,
        "A更好。" * 50_000 + "但是",
        "{" * 200_000,
        '{"a' * 50_000,
        "1/" * 100_000,
        "A is better " * 20_000,
        "评分：" * 50_000,
        "\n".join("1" * 50_000),
    ],
)
def test_a_runaway_reply_is_read_in_time_that_grows_with_its_length(noise: str) -> None:
    for read in (lambda: read_scores(noise, HUNDRED), lambda: read_preference(noise)):
        with pytest.raises(UnreadableError):
            read()


@pytest.mark.parametrize("word", ["so ", "so, ", "overall ", "因此，", "better "])
def test_a_judge_that_loops_is_unreadable_and_holds_nobody_up(word: str) -> None:
    with pytest.raises(UnreadableError):
        read_preference(word * 3000 + "x")
