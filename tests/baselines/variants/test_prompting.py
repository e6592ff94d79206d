"""Prompting: which examples are shown, what is sent, how reasoning and votes are read."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from baselines.support.predicting import predict
from baselines.support.worked_examples import select_examples, smallest_pool
from baselines.variants.prompting import Prompting
from harness.answers.choice import Choice
from harness.answers.text import Text
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.task import Task
from harness.components.variant import Resources
from harness.models.scripted import Rule, Scripted
from harness.records.inputs import Cell, Generation, Message, Prompt, Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.text.templates import Template

TRAIN = tuple(
    Sample(id=f"train:{i}", task="norm", input=text, targets=(target,), meta={"why": f"因为{target}"})
    for i, (text, target) in enumerate([("左膝换关节", "左膝置换术"), ("右眼白内障", "右眼摘除术"), ("左膝清理", "左膝清创术"), ("阑尾切了", "阑尾切除术")])
)  # fmt: skip
TEST = (
    Sample(id="test:1", task="norm", input="左膝关节换了", targets=("左膝置换术",)),
    Sample(id="test:2", task="norm", input="右眼内障", targets=("右眼摘除术",)),
)


def task(answer: Any = None, train: tuple[Sample, ...] = TRAIN, test: tuple[Sample, ...] = TEST) -> Task:
    data = Dataset(test=test, train=train)
    return Task(
        name="norm",
        data=data,
        template=Template("{{ input }} →", "test"),
        system=None,
        answer=answer or Text(),
        generation=Generation(max_tokens=50),
    )


@pytest.fixture
def answer(tmp_path: Path) -> Any:
    cache = Cache(tmp_path / "calls.sqlite")

    def go(variant: Prompting, on: Task, model: Scripted) -> list[Prediction]:
        context = Context({"m": model}, cache, Display(), seed=7)
        context.begin(Cell("norm", "v"))
        return variant.answer(on, on.data.test, context, Resources())

    yield go
    cache.close()


Go = Callable[[Prompting, Task, Scripted], list[Prediction]]


def turns(prompt: Prompt) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in prompt]


def test_nearest_examples_end_with_the_most_similar() -> None:
    chosen = select_examples("nearest", TRAIN, TEST, 2, 0)
    assert chosen[0][-1].input == "左膝换关节"  # shares 左膝, 关节, 换 …
    assert chosen[0][0].input == "左膝清理"
    assert chosen[1][-1].input == "右眼白内障"


def test_fixed_examples_are_the_first_rows_for_all() -> None:
    assert [
        [row.id for row in some] for row_pick in [select_examples("fixed", TRAIN, TEST, 2, 0)] for some in row_pick
    ] == [["train:0", "train:1"]] * 2


def test_random_examples_depend_on_seed_and_sample_only() -> None:
    first = select_examples("random", TRAIN, TEST, 3, 1)
    assert first == select_examples("random", TRAIN, TEST, 3, 1)
    assert first[1] == select_examples("random", TRAIN, TEST[1:], 3, 1)[0]  # whatever else is asked
    assert [select_examples("random", TRAIN, TEST, 3, seed) for seed in range(5)].count(first) < 5


@pytest.mark.parametrize("pick", ["fixed", "random", "nearest"])
def test_a_row_with_the_question_itself_is_never_shown(pick: Any) -> None:
    leaked = Sample(id="test:9", task="norm", input="左膝换关节", targets=("左膝置换术",))
    assert all(row.input != leaked.input for row in select_examples(pick, TRAIN, [leaked], 3, 0)[0])


def test_examples_stay_within_the_subject() -> None:
    rows = [
        Sample(id=f"{s}:{i}", task="t", input=f"{s}{i}", targets=("A",), meta={"subject": s})
        for s in ("law", "art")
        for i in range(3)
    ]
    asked = [Sample(id="q", task="t", input="law?", targets=("A",), meta={"subject": "law"})]
    for pick in ("fixed", "random", "nearest"):
        assert {row.meta["subject"] for row in select_examples(pick, rows, asked, 3, 0)[0]} == {"law"}  # type: ignore[arg-type]
    assert smallest_pool(rows, asked) == 3


@pytest.mark.parametrize(
    ("subject", "text", "options", "pool", "expected"),
    [
        ("law", "new", (), 3, 3),
        ("law", "law0", (), 3, 1),  # two copies of three rows
        ("law", "art0", (), 3, 3),  # a row of another subject is not in the pool
        ("other", "new", (), 5, 5),  # a subject without rows draws from all
        ("other", "law0", (), 5, 3),
        ("law", "law1", ("a", "b"), 3, 3),  # the same words about other options are another question
        ("law", "law1", ("y", "x"), 3, 2),  # in another order they are the same
    ],
)
def test_what_asks_the_same_is_left_out(
    subject: str, text: str, options: tuple[str, ...], pool: int, expected: int
) -> None:
    texts = (("law", "law0"), ("law", "law0"), ("law", "law1"), ("art", "art0"), ("art", "art1"))
    rows = [
        Sample(id=f"{i}", task="t", input=row, targets=("A",), options=("x", "y") if row == "law1" else (), meta={"subject": s})
        for i, (s, row) in enumerate(texts)
    ]  # fmt: skip
    asked = [Sample(id="q", task="t", input=text, targets=("A",), options=options, meta={"subject": subject})]
    assert smallest_pool(rows, asked) == pool
    assert [len(select_examples(pick, rows, asked, 9, 0)[0]) for pick in ("fixed", "random", "nearest")] == [
        expected
    ] * 3


def test_many_samples_pick_the_same_as_few() -> None:
    many = [Sample(id=f"s{i}", task="norm", input=TEST[i % 2].input, targets=("x",)) for i in range(600)]
    chosen = select_examples("nearest", TRAIN, many, 1, 0)
    assert [row.input for (row,) in chosen[510:512]] == ["左膝换关节", "右眼白内障"]


def test_what_is_sent_few_shot(answer: Go) -> None:
    predictions = answer(Prompting(model="m", shots=1, system="你是编码员"), task(), Scripted(default="左膝置换术"))
    assert turns(predictions[0].messages) == [
        ("system", "你是编码员"),
        ("user", "左膝换关节 →"),
        ("assistant", "左膝置换术"),
        ("user", "左膝关节换了 →"),
    ]
    assert predictions[0].reading.answer == "左膝置换术"


def test_history_stands_before_the_question(answer: Go) -> None:
    asked = Sample(id="test:1", task="norm", input="现在呢", targets=("x",), history=(("你好", "您好"),))
    (prediction,) = answer(Prompting(model="m"), task(test=(asked,)), Scripted(default="x"))
    assert turns(prediction.messages) == [("user", "你好"), ("assistant", "您好"), ("user", "现在呢 →")]


def test_chain_of_thought_reads_what_follows_the_marker(answer: Go) -> None:
    variant = Prompting(model="m", shots=1, chain_of_thought=True, rationale="why", max_tokens=200)
    replies = Scripted(
        rules=(Rule(match="^左膝", reply="先看部位。答案：左膝？\n答案：左膝置换术"), Rule(match=".", reply="不清楚"))
    )
    right, unread = answer(variant, task(), replies)
    assert right.reading.answer == "左膝置换术"
    assert right.text.startswith("先看部位")
    assert unread.reading.answer is None
    assert unread.reading.reason == "the marker “答案：” is missing"
    example = turns(right.messages)[1][1]
    assert example == "因为左膝置换术\n答案：左膝置换术"
    assert "“答案：”" in turns(right.messages)[2][1]


@pytest.mark.parametrize(
    ("reply", "read", "reason"),
    [
        ("先看。答案:胃炎", "胃炎", None),  # a half-width colon
        ("先看。**答案：** 胃炎", "胃炎", None),
        ("<think>答案：肠炎</think>想好了。答案：胃炎", "胃炎", None),
        ("<think>先看。答案：肠炎，不对", None, "the reasoning block is not closed: the reply ends before an answer"),
        ("<think>答案：肠炎</think>胃炎", None, "the marker “答案：” is missing"),
        ("先看。答案：", None, "nothing follows the marker “答案：”"),
    ],
)
def test_the_conclusion_of_a_chain_of_thought(answer: Go, reply: str, read: str | None, reason: str | None) -> None:
    variant = Prompting(model="m", chain_of_thought=True)
    (prediction,) = answer(variant, task(test=TEST[:1]), Scripted(default=reply))
    assert (prediction.reading.answer, prediction.reading.reason) == (read, reason)


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"marker": ""}, "at least 1 character"),
        ({"marker": " "}, "should match pattern"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, str], mistake: str) -> None:
    with pytest.raises(ValidationError, match=mistake):
        Prompting(model="m", **settings)


def test_the_system_turn_is_a_template(answer: Go) -> None:
    (prediction,) = answer(Prompting(model="m", system="回答：{{ input }}"), task(test=TEST[:1]), Scripted(default="x"))
    assert turns(prediction.messages)[0] == ("system", "回答：左膝关节换了")
    (problem,) = Prompting(model="m", system="{{ name }}").check(task(), Resources(), {})
    assert problem.startswith("system: sample test:1: 'name' is undefined")


@pytest.mark.parametrize(("error", "said"), [("gone", "gone"), (None, "the call failed without a reason")])
def test_a_failed_call_is_a_failure(tmp_path: Path, error: str | None, said: str) -> None:
    with closing(Cache(tmp_path / "calls.sqlite")) as cache:
        context = Context({}, cache, Display(), seed=7)
        context.begin(Cell("norm", "v"))
        failed = Completion(text="胃炎", finish="error", error=error)
        (prediction,) = predict(context, TEST[:1], [()], [failed], Text().read)
    assert (prediction.error, prediction.reading) == (said, Reading())


class Sampler(Scripted):
    """Gives each repeat its own answer."""

    answers: tuple[str, ...]

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        assert generation.temperature == 0.7
        return [
            Completion(text="", finish="error", error="gone")
            if self.answers[i] == "!"
            else Completion(text=self.answers[i], tokens_out=2)
            for i in repeats
        ]


@pytest.mark.parametrize(
    ("answers", "chosen", "note"),
    [
        (("乙", "甲", "甲"), "甲", "votes of 3: 甲 × 2, 乙 × 1"),
        (("", "null", "null"), "null", "votes of 3: null × 2"),  # an answer, not an empty ballot
        (("", "", ""), None, "none of 3 samples gave a readable answer"),
        (("甲", "甲", "!"), "甲", "1 of 3 samples failed"),  # leads by 2: one more vote cannot change it
        (("!", "甲", "乙", "甲", "甲"), "甲", "votes of 5: 甲 × 3, 乙 × 1"),  # 2 > 1
        (("乙", "甲", "丙"), "乙", "tie between 乙 and 甲 and 丙; the first given was taken"),
        (("甲", "", ""), "甲", "votes of 3: 甲 × 1"),  # an empty reply is no ballot
    ],
)
def test_self_consistency(answer: Go, answers: tuple[str, ...], chosen: str | None, note: str) -> None:
    variant = Prompting(model="m", samples=len(answers), temperature=0.7)
    (prediction,) = answer(variant, task(test=TEST[:1]), Sampler(answers=answers))
    assert prediction.reading.answer == chosen
    assert note in prediction.notes
    assert prediction.error is None
    assert prediction.tokens_out == 2 * sum(reply != "!" for reply in answers)


@pytest.mark.parametrize(
    ("answers", "error", "note"),
    [
        (("!", "!"), "2 of 2 samples failed and could change the vote: gone", "votes of 2: none"),
        (("!", "甲", "!"), "2 of 3 samples failed and could change the vote: gone", "votes of 3: 甲 × 1"),
        (
            ("甲", "乙", "甲", "!"),
            "1 of 4 samples failed and could change the vote: gone",
            "votes of 4: 甲 × 2, 乙 × 1",
        ),
        (("", "!", ""), "1 of 3 samples failed and could change the vote: gone", "votes of 3: none"),
    ],
)
def test_failed_samples_that_could_change_the_vote_are_a_failure(
    answer: Go, answers: tuple[str, ...], error: str, note: str
) -> None:
    variant = Prompting(model="m", samples=len(answers), temperature=0.7)
    (prediction,) = answer(variant, task(test=TEST[:1]), Sampler(answers=answers))
    assert (prediction.error, prediction.finish, prediction.reading) == (error, "error", Reading())
    assert prediction.notes == (note,)
    assert prediction.tokens_out == 2 * sum(reply != "!" for reply in answers)


def test_what_cannot_be_is_said_before_the_run() -> None:
    assert Prompting(model="m", shots=4).check(task(), Resources(), {}) == []
    assert Prompting(model="m", shots=5).check(task(), Resources(), {}) == [
        "shots: 5 examples are asked for but train has 4 rows to choose from"
    ]
    leaked = Sample(id="test:9", task="norm", input="左膝换关节", targets=("左膝置换术",))  # a copy of it is in train
    assert Prompting(model="m", shots=4).check(task(test=(*TEST, leaked)), Resources(), {}) == []  # it has 3 examples
    asked = Sample(id="q", task="norm", input="?", targets=("A",), options=("甲", "乙"))
    by_likelihood = task(Choice(by="loglikelihood"), test=(asked,))
    (problem,) = Prompting(model="m", chain_of_thought=True).check(by_likelihood, Resources(), {})
    assert "use by: generation" in problem


def test_options_are_scored_in_a_choice_task(answer: Go) -> None:
    asked = Sample(id="q", task="norm", input="1+1", targets=("B",), options=("一", "二"))
    (prediction,) = answer(Prompting(model="m"), task(Choice(by="loglikelihood"), test=(asked,)), Scripted(default="B"))
    assert prediction.reading.answer == "B"
    assert prediction.logprobs == (-3.0, -0.1)


def test_a_message_is_data() -> None:
    assert (
        Template("{{ input }}", "t").render(Sample(id="1", task="t", input="{{ 7*7 }}", targets=("x",))) == "{{ 7*7 }}"
    )
    assert Message("user", "x") == Message("user", "x")
