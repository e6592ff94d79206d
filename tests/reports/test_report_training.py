"""What a training was: its row, its recipe, its losses, and its cost beside quality."""

from dataclasses import replace

import pytest

from harness.records.figures import Routed
from harness.records.inputs import JSON, Language
from harness.records.summary import Summary
from reports.charts.curves import Chart, ChartFrame, Curve, CurvePoint, LogAxis, axis_scale, chart, spread_out
from reports.charts.loss_curves import learning_rate_chart, loss_chart, loss_overview
from reports.charts.whiskers import Axis
from reports.facts.training_cost import TrainingCost, training_costs
from reports.facts.training_recipe import (
    answer_notices,
    composition_bar,
    composition_sentence,
    prompt_notices,
    recipe_groups,
    row_notices,
)
from reports.facts.training_samples import training_samples
from reports.facts.training_stages import TrainingStage, training_stages
from reports.html import render
from reports.sections.cost import Cost
from reports.sections.trainings import Trainings
from reports.wording import speaking
from tests.shared import trained
from tests.shared.finished import finished, visible

EMPTY = Summary(name="s", reference=None, headline=(), metrics={}, results=(), comparisons=(), usage=())


def stage(model: str, **changed: JSON) -> TrainingStage:
    """A stage of the demo, with some fields of its record changed."""
    found = next(found for found in training_stages(trained.RUN) if found.model == model)
    return replace(found, record={**found.record, **changed})


def test_nothing_trained_no_section() -> None:
    assert Trainings().build(finished(EMPTY, {})) is None
    assert (
        Trainings().build(finished(EMPTY, {"training": {"lora": {"stages": [{"stage": "sft", "record": None}]}}}))
        is None
    )


@pytest.mark.parametrize(
    "text",
    [
        # 2,442,240 of 134,515,008 + 2,442,240 = 1.783 %; 50 × 3 × 96 tokens; ⌈150/16⌉ = 10 steps of 0.5 s; 150/5 s;
        # 0.5 + 0.1 + 0.2 + 0.4 + 0.05 = 1.25 GiB estimated, 1.5 measured; 10 × 4 // 6
        "lora-50 LoRA r 8 on all-linear 50 3 10 2.44 M 1.78 % of 137 M 14,400 5.0 s reused 30.0 2,880 1.5 GiB "
        "1.20 × 1.2 GiB step 6",
        "full all weights 800 2 left out 3 150 135 M 100 % of 135 M",
    ],
)
def test_a_row_for_each_model(trained_summary: Summary, text: str) -> None:
    assert text in visible(render(finished(trained_summary, trained.RUN)))


ANSWERS = {
    "from": "big",
    "as": None,
    "asked": 4000,
    "used": 3912,
    "right": 2386,
    "unreadable": 80,
    "cut": 8,
    "failed": 0,
}


@pytest.mark.parametrize(
    ("changed", "texts"),
    [
        # 2,386 / 3,912 = 60.99 %
        ({}, ["Their answers were written by big (train rows of norm): 4,000 asked, 3,912 used, 61 % of these equal to the targets.",
              "Left out: 80 without a readable answer and 8 cut at the token limit."]),
        ({"as": "few", "unreadable": 0, "cut": 0},
         ["Their answers were written by big, asked as few (train rows of norm): 4,000 asked, 3,912 used, 61 % of these equal to the targets."]),
        ({"used": 0}, []),
    ],
)  # fmt: skip
def test_answers_of_a_teacher_are_told(changed: dict[str, JSON], texts: list[str]) -> None:
    part = {"source": "train rows of norm", "kind": "task", "rows": 3912, "answers": {**ANSWERS, **changed}}
    own = replace(stage("full"), composition=({"source": "mix g", "kind": "mix", "rows": 3}, part))
    assert [notice.text for notice in answer_notices(own)] == texts


@pytest.mark.parametrize(
    ("language", "name", "texts"),
    [
        ("en", "train rows of norm, asked as rag", ["Of the train rows of norm, asked as rag, 320 saw a right passage in the prompt that they were learnt with, and 12 saw no passage at all."]),
        ("zh", "norm 的训练数据（按 rag 的方式提问）", ["在norm 的训练数据（按 rag 的方式提问）中，320 行所学的提示里含有正确段落，12 行完全没有段落。"]),
    ],
)  # fmt: skip
def test_rows_that_are_asked_with_passages_tell_which(language: Language, name: str, texts: list[str]) -> None:
    asked = {"source": "train rows of norm, asked as rag", "kind": "task", "rows": 400, "of": 400, "as": "rag"}
    plain = {"source": "train rows of norm", "kind": "task", "rows": 400, "of": 400}
    own = replace(stage("full"), composition=(plain, {**asked, "with_gold": 320, "without_passages": 12}))
    with speaking(language):
        assert [notice.text for notice in prompt_notices(own)] == texts
        assert [segment.name for segment in composition_bar(own)][1] == name


def test_stages_share_a_model() -> None:
    first = trained.TRAINING["full"]["stages"][0]
    before = {"stage": "pretrain", "reused": True, "record": {**first["record"], "best_step": None}}
    found = Trainings().build(
        finished(EMPTY, {"training": {"m": {"entry": "e", "base": "b", "stages": [before, first]}}})
    )
    assert found is not None
    assert [(span, stage.name, stage.is_reused, stage.entry) for stage, span in found.stages] == [
        (2, "continued pretraining", True, "e"),
        (0, "fine-tuning", False, "e"),
    ]
    assert found.has_stages
    assert [detail.stage for detail in found.models["m"]] == ["continued pretraining", "fine-tuning"]


def test_a_record_that_knows_little() -> None:
    found = Trainings().build(
        finished(EMPTY, {"training": {"m": {"stages": [{"record": {"method": {"mine.py.Tune": {}}}}]}}})
    )
    assert found is not None
    ((only, _),) = found.stages
    assert (only.method_in_words(), only.number("rows"), only.number("epochs")) == ("Tune", None, None)
    (detail,) = found.models["m"]
    assert (detail.losses, detail.rates, detail.sentence, detail.notices) == (None, None, None, ())


@pytest.mark.parametrize(
    ("written", "short"),
    [
        ({"lora": {"r": 4, "targets": "attention", "dora": True}}, "DoRA r 4 on attention"),
        ({"qlora": {"r": 16, "targets": ["q_proj", "v_proj"]}}, "QLoRA r 16 on q_proj, v_proj"),
        ({"prefix": {"tokens": 20}}, "prefix of 20 tokens"),
        ({"lora": {}}, "lora"),  # of a version that called its parameters otherwise
        ({}, "unknown method"),
    ],
)
def test_method_in_short(written: JSON, short: str) -> None:
    assert stage("full", method=written).method_in_words() == short


def test_composition() -> None:
    assert composition_sentence(stage("lora-50")) == "50 rows: train rows of norm (50 of 800)."
    full = stage("full")  # 800 + 400 rows
    assert (
        composition_sentence(full) == "1,200 rows: train rows of norm (all 800) and mix general.json (400 of 52,000)."
    )
    assert [(part.place, part.start, part.width, part.share) for part in composition_bar(full)] == [
        (1, 0.0, 66.67, "66.7 %"),
        (2, 66.67, 33.33, "33.3 %"),
    ]
    again = replace(full, composition=({"source": "a", "rows": 30, "of": 10}, {"source": "b", "rows": 1}))
    assert composition_sentence(again) == "31 rows: a (30 drawn from 10, some more than once) and b (1)."


def test_lost_rows_are_a_warning() -> None:
    assert [(notice.text, notice.is_warning) for notice in row_notices(stage("full"))] == [
        ("2 rows did not fit the cutoff of 512 tokens and were left out: nothing was learnt from them.", True),
        ("3 rows lost their oldest turns to fit the cutoff of 512 tokens.", False),
    ]
    one = row_notices(stage("full", rows_dropped=1, rows_cut=1, rows_split=1))
    assert one[0].text.startswith(
        "1 row did not fit the cutoff of 512 tokens and was left out: nothing was learnt from it"
    )
    assert one[1].text == "1 row lost its oldest turns to fit the cutoff of 512 tokens."
    assert one[2].text == "1 row had to be tokenised in two pieces, prompt and answer apart."
    assert [notice.text for notice in row_notices(stage("lora-50"))] == [
        "Every row fits the cutoff of 512 tokens whole."
    ]


def test_recipe_says_what_was_used_and_what_was_asked() -> None:
    groups = {group.title: dict(group.rows) for group in recipe_groups(stage("full"))}
    assert groups["Recipe"]["batch size"] == "8 (16 asked for, halved when memory ran out)"
    shared = {group.title: dict(group.rows) for group in recipe_groups(stage("full", devices=2))}
    assert shared["Recipe"]["batch size"] == "8 (16 asked for)"  # the other device has the other 8
    assert (shared["Recipe"]["devices"], "devices" in groups["Recipe"]) == ("2", False)
    assert groups["Recipe"]["learning rate"] == "0.0002 (the method's own)"
    assert groups["Recipe"]["precision"] == "bfloat16 (auto asked for)"
    assert (groups["Recipe"]["epochs"], groups["Recipe"]["packing"]) == ("3", "no")
    assert "max steps" not in groups["Recipe"]  # nothing was asked, nothing was settled
    # 0.5 + 0.1 + 0.2 + 3.6 + 0.05 = 4.45
    assert (groups["Memory"]["peak, measured"], groups["Memory"]["peak, estimated"]) == ("5.1 GiB", "4.4 GiB")
    assert groups["Memory"]["of it activations"] == "3.6 GiB"
    assert "of it cache" not in groups["Memory"]
    assert groups["Packages"]["torch"] == "2.13.0"
    assert groups["Method"] == {"method": "full", "base": "HuggingFaceTB/SmolLM2-135M-Instruct"}


def test_loss_curves() -> None:
    drawn = loss_chart(stage("full", loss=[[0, 3.0, 1e-4], [50, 2.0, 2e-4], [100, 1.0, 0.0]], validation=[[50, 2.5]]))
    assert isinstance(drawn, Chart)
    # the axis reaches from 1 − 0.06 × 2 to 3 + 0.06 × 2: 3 is 0.12/2.24 = 5.36 % from the top, 2 in the middle
    assert drawn.lines[0].path == "M0,5.36L50,50L100,94.64"
    assert drawn.lines[0].dots == ()
    assert [(dot.x, dot.y) for dot in drawn.lines[1].dots] == [(50.0, 27.68)]  # 0.62/2.24
    assert drawn.mark == (100.0, "kept: step 100")
    assert "training: from 3 to 1" in drawn.description
    rates = learning_rate_chart(stage("full", loss=[[0, 3.0, 1e-4], [50, 2.0, 2e-4]], validation=[[100, 2.5]]))
    assert rates is not None
    assert rates.lines[0].end[0] == 50.0  # on the same axis as the losses
    assert learning_rate_chart(stage("full", loss=[])) is None
    assert loss_chart(stage("full", loss=[[1, float("nan"), 0.1]], validation=None)) is None


def test_overview_has_a_curve_for_each_entry_where_models_are_many() -> None:
    every = training_stages(trained.RUN)
    found = loss_overview(every)
    assert found is not None
    assert [line.name for line in found.chart.lines] == ["lora-800", "bottleneck-800", "qlora-seed1", "full"]
    assert [line.style for line in found.chart.lines] == ["s1", "s2", "s3", "s4"]
    assert "4 of 10 models are shown here" in found.note
    assert found.chart.title == "Loss on the validation rows"
    assert [label for _, label in found.chart.x_ticks] == ["0", "1", "2", "3"]  # epochs
    few = loss_overview([replace(one, record={**one.record, "validation": []}) for one in every[:3]])
    assert few is not None
    assert few.chart.title == "Loss on the training rows"
    assert [line.name for line in few.chart.lines] == ["lora-50", "lora-200", "lora-800"]
    assert loss_overview(every[:1]) is None  # its own picture is enough


@pytest.mark.parametrize(
    ("wanted", "gap", "expected"),
    [
        ([50.0], 10, [50.0]),
        ([50.0, 50.0], 10, [50.0, 60.0]),
        ([99.0, 98.0], 10, [95.0, 85.0]),  # no name leaves the picture, and the order stays
        ([0.0, 40.0], 10, [5.0, 40.0]),
    ],
)
def test_names_keep_clear_of_each_other(wanted: list[float], gap: float, expected: list[float]) -> None:
    assert spread_out(wanted, gap) == expected


def test_long_names_take_two_lines_and_many_make_it_taller() -> None:
    def drawn(*names: str) -> Chart:
        curves = [Curve(name=name, style="s1", points=[CurvePoint(x=0.5, y=0.5)]) for name in names]
        return chart("", "", "", ChartFrame(x=Axis(0, 1), y=Axis(0, 1), x_ticks=[], y_ticks=[]), curves)

    assert not drawn("zero-shot").is_tall
    assert drawn("左膝关节置换术后").is_tall  # 8 Chinese characters are as wide as 16 letters
    assert (drawn("a").height, drawn(*"abcdefghijkl").height) == (15.0, 17.2)  # 12 × 1.35 + 1


def test_axes() -> None:
    assert isinstance(axis_scale([1.0, 100.0], 20), LogAxis)
    assert isinstance(axis_scale([1.0, 100.0], 200), Axis)
    assert isinstance(axis_scale([0.0, 100.0], 20), Axis)  # there is no logarithm of zero
    axis = LogAxis(1.0, 100.0)
    assert [axis.place(value) for value in (1.0, 10.0, 1000.0)] == [0.0, 50.0, 100.0]
    assert axis.ticks() == [1.0, 10.0, 100.0]
    assert LogAxis(2.0, 12.0).ticks() == [2.0, 5.0, 10.0]


def test_cost_beside_quality(trained_summary: Summary) -> None:
    found = training_costs(trained.RUN, trained_summary)
    assert found["lora-800"] == TrainingCost("75 s", "1.5 GiB", 1)  # 150 steps of 0.5 s
    # run.json has no variant qlora: its seeds tell; 3 × 75 s = 225 s
    assert found["qlora"] == TrainingCost("4 min", "1.5 GiB", 3)
    assert found["full"].memory == "5.1 GiB"
    assert {"zero-shot", "rag", "nearest"}.isdisjoint(found)


SEARCH = {
    "trials": [
        {"settings": {"learning_rate": 1e-4, "r": 8}, "steps": 75, "planned": 150, "loss": 1.25, "seconds": 40.0},
        {"settings": {"learning_rate": 1e-3, "r": 8}, "steps": 150, "planned": 150, "loss": 0.75, "seconds": 75.0},
        {"settings": {"learning_rate": 1e30, "r": 8}, "steps": 19, "planned": 150, "loss": None, "seconds": 5.0},
    ],
    "chosen": 1, "runner_up": 0, "validation_rows": 80, "seconds": 45.0,
}  # fmt: skip


def test_how_settings_were_chosen_and_what_that_cost(trained_summary: Summary) -> None:
    stages = [{**stage, "search": SEARCH} for stage in trained.TRAINING["lora-800"]["stages"]]
    run = {
        **trained.RUN,
        "training": {**trained.TRAINING, "lora-800": {**trained.TRAINING["lora-800"], "stages": stages}},
    }
    page = visible(render(finished(trained_summary, run)))
    for text in (
        "Of 3 settings, learning rate 0.001, r 8 was chosen by the loss of the answers’ tokens on 80 rows of validation: "
        "0.750. Runner-up: learning rate 0.0001, r 8, 1.250 when it was left. The other trials took 45 s in all",
        "learning rate 0.0001, r 8 75 of 150 1.250 runner-up",
        "learning rate 0.001, r 8 150 of 150 0.750 chosen",
        "learning rate 1e+30, r 8 19 of 150 – diverged",
        "75 s 45 s more to choose settings",
    ):
        assert text in page
    assert training_costs(run, trained_summary)["lora-800"].time == "2 min"  # 75 + 45 s


def test_losses_and_answers_from_before_the_first_step_on(trained_summary: Summary) -> None:
    samples = [
        {"question": "膝痛", "target": "膝关节疼痛", "answers": [[0, "<b>"], [75, "膝痛"], [150, "膝关节疼痛"]]},
        {"question": "x" * 500, "target": "y", "answers": [[0, ""], [75, "z"], [150, " y"]]},
    ]
    own = stage("lora-800", before={"train": 3.5, "validation": 3.25}, samples=samples)
    losses = loss_chart(own)
    assert losses is not None
    assert "training: from 3.5" in losses.description
    assert "validation: from 3.25" in losses.description
    seen = training_samples(own)
    assert seen is not None
    assert seen.moments == ("Before the first step", "After step 75", "As kept: step 150")
    assert [[reached for _, reached in row.answers] for row in seen.rows] == [
        [False, False, True],
        [False, False, True],
    ]
    assert len(seen.rows[1].question) == 400
    changed = {"record": own.record}
    stages = [{**one, **changed} for one in trained.TRAINING["lora-800"]["stages"]]
    run = {**trained.RUN, "training": {"lora-800": {**trained.TRAINING["lora-800"], "stages": stages}}}
    page = render(finished(trained_summary, run))
    assert "膝痛 膝关节疼痛 &lt;b&gt; 膝痛 膝关节疼痛" in visible(page).replace("<b>", "&lt;b&gt;")
    assert training_samples(stage("full")) is None


def test_cost_of_what_several_share(trained_summary: Summary) -> None:
    step = Routed(
        task="norm",
        variant="full",
        step="lora-50",
        place=1,
        samples=1,
        total=1,
        metric="accuracy",
        mean=1.0,
        threshold=None,
        tokens=0,
        seconds=0.0,
    )
    cascade = training_costs(trained.RUN, replace(trained_summary, routed=(step,)))
    assert cascade["full"].trainings == 2  # its own model, and that of its step
    by_entry = {**trained.RUN, "variants": {"rag": {"settings": {"model": "lora"}}}}
    assert training_costs(by_entry, trained_summary)["rag"].trainings == 3  # all sizes
    same = {name: {**one, "stages": trained.TRAINING["full"]["stages"]} for name, one in trained.TRAINING.items()}
    assert (
        training_costs({**trained.RUN, "training": same}, trained_summary)["qlora"].trainings == 1
    )  # the same weights


def test_the_weights_of_a_variants_model_stand_with_its_cost(trained_summary: Summary) -> None:
    run = {**trained.RUN, "models": {**trained.RUN.get("models", {}), "full": {"weights_bytes": 3 << 29}}}
    (group,) = Cost().build(finished(trained_summary, run)).tasks
    asking = {name for name, one in trained.RUN["variants"].items() if one["settings"].get("model") == "full"}
    assert asking
    weights = {row.usage.variant: row.weights for row in group.rows}
    assert {weights[name] for name in asking} == {"1.5 GiB"}
    assert {shown for name, shown in weights.items() if name not in asking} == {"–"}
