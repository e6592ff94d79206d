"""Tuned models in a suite: trained once, answering beside their base, recorded; sizes, seeds, chains, mistakes."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness.checks.leakage import contamination
from harness.components.display import Display
from harness.errors import ModelError, StoreError, SuiteError
from harness.models.huggingface import HuggingFace
from harness.models.local.loading import LocalModel
from harness.runtime.cache import Cache
from harness.runtime.dry_context import DryContext
from harness.runtime.run_folder import RunFolder
from harness.stages.plan import Plan, plan, planned_cells
from harness.stages.prepare import planning_door, prepare
from harness.suite.parser import load_suite
from tests.shared.training_rows import GENERAL

SUITE = """\
name: letters
models:
  base: {huggingface: {path: "FOLDER", dtype: float32, device: cpu, format: plain, delimiter: ""}}
  TUNED
datasets:
  general: {alpaca: {path: general.json}}
tasks:
  letters:
    data: {tsv: {path: test.tsv, train: train.tsv, input: 词, target: 字}}
    prompt: "{{ input }} "
    generation: {max_tokens: 3}
    metrics: {accuracy: exact_match}
variants:
  plain: {prompting: {model: base}}
  VARIANTS
"""
RECIPE = "batch_size: 4, epochs: 4, learning_rate: 0.03"
TRAIN = "词\t字\n" + "".join(f"w{i:02d}\t{'AB'[i % 2]}\n" for i in range(12))
TEST = "词\t字\nx1\tA\nx2\tB\nx3\tA\n"

Run = Callable[..., RunFolder]
Make = Callable[..., Path]


@pytest.fixture
def suite(write_suite: Make, make_folder: Callable[..., Path]) -> Make:
    """Write a suite with the tuned models given, as YAML, and one variant for each of them."""

    def write(
        tuned: dict[str, str], text: str = SUITE, train: str = TRAIN, variants: str = "", test: str = TEST
    ) -> Path:
        models = "\n  ".join(f"{name}: {{tuned: {{{made}, {RECIPE}}}}}" for name, made in tuned.items())
        asked = "\n  ".join(f"{name}: {{prompting: {{model: {name}}}}}" for name in tuned)
        filled = text.replace("FOLDER", str(make_folder())).replace("TUNED", models)
        filled = filled.replace("VARIANTS", variants or asked)
        return write_suite(filled, test__tsv=test, train__tsv=train, general__json=GENERAL)

    return write


def planned(path: Path, cache: Path) -> Plan:
    loaded = load_suite(path)
    calls = Cache(cache / "calls.sqlite", read_only=True)
    try:
        return plan(loaded, DryContext(loaded.models, calls, Display(), loaded.seed))
    finally:
        calls.close()


def mistakes(path: Path, cache: Path) -> str:
    with pytest.raises(SuiteError) as caught:
        planned(path, cache)
    return str(caught.value)


LORA = "base: base, method: {lora: {r: 4}}, on: [letters]"


def test_a_tuned_model_is_trained_once_and_answers_otherwise(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    path = suite({"lora": LORA})
    before = planned(path, tmp_path / "cache")
    assert before.preparations["lora"].what == "lora on 12 rows, 12 steps"
    assert not before.preparations["lora"].done
    assert 0 < (before.preparations["lora"].needs or 0) < (before.preparations["lora"].has or 0)
    one = run_suite(path, "one")
    texts = {variant: [p.text for p in one.predictions() if p.variant == variant] for variant in ("plain", "lora")}
    assert texts["lora"] != texts["plain"]
    record = one.read_run()["training"]["lora"]
    (stage,) = record["stages"]
    assert (record["entry"], record["base"], record["rows"], stage["stage"]) == ("lora", "base", 12, "sft")
    assert stage["composition"] == [{"source": "train rows of letters", "kind": "task", "rows": 12, "of": 12}]
    losses = [loss for _, loss, _ in stage["record"]["loss"]]
    assert losses[-1] < losses[0] - 1
    assert (stage["reused"], stage["record"]["steps"], stage["record"]["examples"]) == (False, 12, 48)
    assert planned(path, tmp_path / "cache").preparations["lora"].done
    took = datetime.fromisoformat(one.read_run()["finished"]) - datetime.fromisoformat(one.read_run()["started"])
    assert took.total_seconds() + 1 > stage["record"]["seconds"]  # training is part of the run; times are whole seconds
    two = run_suite(path, "two").read_run()
    assert two["training"]["lora"]["stages"][0]["reused"]
    assert [cell["calls"] for cell in two["cells"]] == [0, 0]
    assert two["models"]["lora"]["digest"] == one.read_run()["models"]["lora"]["digest"]


def test_a_later_first_stage_takes_what_was_trained_and_refuses_what_was_not(suite: Make, run_suite: Run) -> None:
    folder = run_suite(suite({"lora": LORA}))
    before, training = folder.predictions(), folder.read_run()["training"]
    for start in ("index", "predict"):
        again = run_suite(suite({"lora": LORA}), start=start)
        assert (again.predictions(), again.read_run()["training"]) == (before, training)
        assert [cell["calls"] for cell in again.read_run()["cells"]] == [0, 0]
    for start in ("index", "predict"):
        with pytest.raises(
            ModelError, match=r"models\.lora is not trained yet \(lora on 12 rows, .*run with --from train"
        ):
            run_suite(suite({"lora": LORA.replace("r: 4", "r: 2")}), start=start)
    assert folder.path.joinpath("predictions.jsonl").is_file()  # a refusal leaves the folder as it was
    assert RunFolder(folder.path).predictions() == before


def test_the_next_plan_estimates_the_time_of_a_training(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    path = suite({"lora": LORA})
    assert planned(path, tmp_path / "cache").preparations["lora"].seconds is None
    record = run_suite(path).read_run()["training"]["lora"]["stages"][0]["record"]
    path.write_text(path.read_text(encoding="utf-8").replace("epochs: 4", "epochs: 10"), encoding="utf-8")
    preparation = planned(path, tmp_path / "cache").preparations["lora"]
    assert not preparation.done
    assert preparation.seconds == pytest.approx(2.5 * record["seconds"])  # 10 epochs of the rows instead of 4


def test_what_weights_depend_on_changes_the_model(suite: Make, run_suite: Run) -> None:
    def digest(tuned: str, **files: str) -> str:
        folder = run_suite(suite({"lora": tuned}, **files))
        found: str = folder.read_run()["models"]["lora"]["digest"]
        return found

    others = [
        digest(LORA),
        digest(LORA.replace("r: 4", "r: 2")),
        digest(LORA, train=TRAIN.replace("w03\tB", "w03\tA")),
        digest(LORA + ", warmup: 0.5"),
        digest(LORA + ", seed: 7"),
    ]
    assert len(set(others)) == len(others)


def test_adapters_of_one_base_load_it_once(suite: Make, run_suite: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    methods = {
        "a": "lora: {r: 2}",
        "b": "ia3: {}",
        "c": "bottleneck: {width: 4}",
        "d": "prefix: {tokens: 2}",
        "e": "lora: {r: 4, dora: true}",
    }
    path = suite({name: f"base: base, method: {{{method}}}, on: [letters]" for name, method in methods.items()})
    run_suite(path, "trained")
    alone = {}
    for prediction in RunFolder(path.parents[1] / "trained").predictions():
        alone.setdefault(prediction.variant, []).append((prediction.text, prediction.confidence))
    loads: list[str] = []
    load = LocalModel.load

    def counted(self: LocalModel, *arguments: Any, **options: Any) -> Any:
        loads.append(self.path)
        return load(self, *arguments, **options)

    monkeypatch.setattr(LocalModel, "load", counted)
    (path.parents[1] / "cache" / "calls.sqlite").unlink()
    again = run_suite(path, "again")
    assert len(loads) == 1
    found: dict[str, Any] = {}
    for prediction in again.predictions():
        found.setdefault(prediction.variant, []).append((prediction.text, prediction.confidence))
    assert found == alone


INTERLEAVED = {  # below the base and its 4 bits
    "a": "base: base, method: {lora: {r: 2}}, on: [letters]",
    "further": "base: a, method: {lora: {r: 2}}, on: [letters]",
    "full": "base: base, method: {full: {}}, on: [letters]",
    "b": "base: base, method: {lora: {r: 4}}, on: [letters]",
}
QUANTISED = "  nf4: {quantised: {base: base}}\n  TUNED"
IN_TURN = ["plain", "a", "b", "bits", "further", "full"]


def interleaved(suite: Make, tuned: dict[str, str]) -> Path:
    text = SUITE.replace("  TUNED", QUANTISED).replace("  VARIANTS", "  bits: {prompting: {model: nf4}}\n  VARIANTS")
    return suite(tuned, text)


def test_cells_are_ordered_by_what_lies_in_memory(suite: Make, tmp_path: Path) -> None:
    """However the suite orders them: base and adapters, their 4 bits, what is merged, what has weights of its own."""
    bits = {"q": "base: base, method: {qlora: {double_quant: false}}, on: [letters]"}
    loaded = load_suite(interleaved(suite, INTERLEAVED | bits))
    door = planning_door(loaded, Cache(tmp_path / "calls.sqlite"), Display())
    tasks = prepare(loaded, loaded.usage.asked_from("train"), door)
    order = [cell.variant for cell in planned_cells(loaded, tasks)]
    assert order == ["plain", "a", "b", "bits", "q", "further", "full"]


@pytest.mark.nightly
def test_what_lies_in_memory_is_loaded_once(suite: Make, run_suite: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path = interleaved(suite, INTERLEAVED)
    loads: list[str] = []
    load = LocalModel.load

    def counted(self: LocalModel, *arguments: Any, **options: Any) -> Any:
        loads.append("4 bits" if "quantization_config" in self.loading() else Path(self.path).name[-6:])
        return load(self, *arguments, **options)

    monkeypatch.setattr(LocalModel, "load", counted)
    trained = run_suite(path, "one")
    loads.clear()
    (path.parents[1] / "cache" / "calls.sqlite").unlink()
    run_suite(path, "two")
    assert [cell["variant"] for cell in trained.read_run()["cells"]] == IN_TURN
    assert len(loads) == 4  # base and adapters, 4 bits, merged and further, full
    assert loads[1:3] == ["4 bits", "merged"]


def test_taking_an_adapter_off_leaves_the_base_as_it_was(base: HuggingFace, tmp_path: Path) -> None:
    import torch

    from adapters.training.session import LearningRows
    from adapters.training.settings import Recipe
    from adapters.training.training_run import train
    from tests.shared.training_methods import CASES, method
    from tests.shared.training_rows import LEARN

    ids = torch.tensor([base.encode(LEARN[0].prompt)])
    network = base._model()
    with torch.no_grad():
        before = network(ids).logits
    modules = [name for name, _ in network.named_modules()]
    for name in ("lora", "prefix", "prompt", "ia3", "bottleneck"):
        made = method(name, **CASES[name])
        train(
            base, made, Recipe(max_steps=2, learning_rate=0.05, batch_size=4), LearningRows(LEARN), tmp_path / name, 0
        )
        worn = made.load(network, tmp_path / name)
        with torch.no_grad():
            if name not in ("prefix", "prompt"):
                assert not torch.equal(worn(ids).logits, before), name
            made.remove(worn)
            assert torch.equal(network(ids).logits, before), name
        assert [inner for inner, _ in network.named_modules()] == modules, name


def test_settings_that_are_lists_are_chosen_once(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    """9 rows of 12, 4 a step, 4 epochs: 12 steps. Both to step 6, the better one to its end: 18 steps in all."""
    path = suite({"lora": "base: base, method: {lora: {r: [2, 4]}}, on: [letters], validation: 0.25"})
    before = planned(path, tmp_path / "cache").preparations["lora"]
    assert (before.what, before.done) == ("lora on 9 rows, 2 settings to choose from, 18 steps", False)
    first = run_suite(path, "one")
    (stage,) = first.read_run()["training"]["lora"]["stages"]
    search = stage["search"]
    assert [trial["settings"] for trial in search["trials"]] == [{"r": 2}, {"r": 4}]
    chosen = search["trials"][search["chosen"]]
    assert (chosen["settings"]["r"], chosen["steps"]) == (stage["record"]["method"]["lora"]["r"], 12)
    left = search["trials"][search["runner_up"]]
    assert (left["steps"], left["planned"], search["validation_rows"]) == (6, 12, 3)
    assert search["seconds"] == left["seconds"] > 0
    assert "was chosen by the loss of the answers’ tokens on 3 rows" in (first.path / "report.html").read_text("utf-8")
    assert planned(path, tmp_path / "cache").preparations["lora"].done
    again = run_suite(path, "two").read_run()
    (reused,) = again["training"]["lora"]["stages"]
    assert (reused["reused"], reused["search"], reused["record"]) == (True, search, stage["record"])
    assert [cell["calls"] for cell in again["cells"]] == [0, 0]


def test_sizes_make_one_variant_each_and_a_curve(suite: Make, run_suite: Run) -> None:
    folder = run_suite(suite({"lora": LORA + ", sizes: [4, all]"}))
    summary = folder.summary()
    assert list(dict.fromkeys(p.variant for p in folder.predictions())) == ["plain", "lora-4", "lora-all"]
    assert [(point.family, point.variant, point.rows) for point in summary.curve] == [
        ("lora", "lora-4", 4), ("lora", "lora-all", 12),
    ]  # fmt: skip
    training = folder.read_run()["training"]
    assert {name: (one["entry"], one["rows"]) for name, one in training.items()} == {
        "lora-4": ("lora", 4), "lora-all": ("lora", 12),
    }  # fmt: skip


def test_seeds_are_pooled_into_one_variant(suite: Make, run_suite: Run) -> None:
    folder = run_suite(suite({"lora": LORA + ", seeds: 2"}))
    summary = folder.summary()
    assert [result.variant for result in summary.results] == ["plain", "lora"]
    (seeds,) = summary.seeds
    assert [name for name, _ in seeds.members] == ["lora~1", "lora~2"]
    records = folder.read_run()["training"]
    assert [records[name]["seed"] for name in ("lora~1", "lora~2")] == [42, 43]
    means = [mean for _, mean in seeds.members]
    assert None not in means
    (pooled,) = (result for result in summary.results if result.variant == "lora")
    assert pooled.mean == pytest.approx(sum(mean or 0 for mean in means) / 2)
    assert [one.variant for one in summary.usage] == ["plain", "lora"]


def test_mix_and_size_are_exact_and_recorded(suite: Make, run_suite: Run) -> None:
    folder = run_suite(suite({"lora": LORA + ", max_samples: 8, mix: {general: 0.5}"}))
    (stage,) = folder.read_run()["training"]["lora"]["stages"]
    assert stage["composition"] == [
        {"source": "train rows of letters", "kind": "task", "rows": 8, "of": 12},
        {"source": "mix general", "kind": "mix", "rows": 4, "of": 5},
    ]
    assert stage["record"]["rows"] == 12


def test_a_tuned_model_can_be_the_base_of_another(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    path = suite({
        "first": "base: base, method: {lora: {r: 2}}, on: [letters]",
        "second": "base: first, method: {lora: {r: 2}}, on: [letters]",
    })  # fmt: skip
    folder = run_suite(path)
    trained = tmp_path / "cache" / "trained"
    before = sorted(trained.iterdir())
    assert [one.done for one in planned(path, tmp_path / "cache").preparations.values()] == [True, True]
    shutil.rmtree(next(trained.glob("*.merged")))
    assert [one.done for one in planned(path, tmp_path / "cache").preparations.values()] == [True, False]
    assert not list(trained.glob("*.merged"))  # a plan makes nothing
    again = run_suite(path, "again").read_run()
    assert sorted(trained.iterdir()) == before
    assert [cell["calls"] for cell in again["cells"]] == [0, 0, 0]
    record = folder.read_run()["training"]["second"]
    path.write_text(path.read_text(encoding="utf-8").replace("epochs: 4", "epochs: 10"), encoding="utf-8")
    expected = pytest.approx(2.5 * record["stages"][1]["record"]["seconds"])  # the last timed, of merged weights
    assert [p.seconds for p in planned(path, tmp_path / "cache").preparations.values()] == [expected, expected]
    assert (record["base"], len(record["stages"])) == ("first", 2)
    # The second starts from what the first has learnt.
    first, second = record["stages"]
    assert second["record"]["loss"][0][1] < first["record"]["loss"][0][1] - 0.5


WRONG = [
    ("base: robot, method: lora, on: [letters]", "'robot' is not among models"),
    ("base: base, method: lora, on: [words]", "'words' is not among tasks (known: letters)"),
    (
        "base: base, method: lora",
        "name tasks to learn (on: [...]), knowledge to read (texts: [...]) or general data (mix)",
    ),
    ("base: base, method: {lora: {r: 0}}, on: [letters]", "models.t.tuned.method.lora.r: must be at least 1"),
    ("base: base, method: loar, on: [letters]", "method 'loar' is not known (did you mean lora?)"),
    (
        "base: base, method: {lora: {targets: [q_prj]}}, on: [letters]",
        "no linear module 'q_prj' (did you mean q_proj?)",
    ),
    (
        "base: base, method: lora, on: [letters], mix: {genral: 1.0}",
        "'genral' is not among datasets (did you mean general?)",
    ),
    (
        "base: base, method: lora, on: [letters], max_samples: 13",
        "13 rows are asked for, but letters has 12 to train on",
    ),
    ("base: base, method: lora, on: [letters], patience: 2", "patience needs validation rows"),
    ("base: base, method: prefix, on: [letters], packing: true", "it cannot do packing or pretraining"),
    ("base: base, method: prompt, on: [letters], gradient_checkpointing: true", "it cannot do gradient_checkpointing"),
    ("base: t, method: lora, on: [letters]", "is made of itself: t → t"),
    ("base: base, method: lora, on: [letters, letters]", "on names an entry twice"),
    ("base: base, method: lora, on: [letters], validation: 0.95", "keeps all 12 rows and leaves none to train on"),
    ("base: base, method: lora, on: [letters], cutoff: 8", None),
    (
        "base: base, method: {lora: {r: [2, 4]}}, on: [letters]",
        "r is a list, of which the loss on validation rows chooses: give the task a validation split, or validation: 0.1",
    ),
    ("base: base, method: {lora: {r: [4]}}, on: [letters]", None),  # one value is no choice
    ("base: base, method: {lora: {r: [4, 0]}}, on: [letters], validation: 0.25", "r: must be at least 1"),
    (
        "base: base, method: {lora: {r: [1, 2, 3, 4, 5, 6]}}, on: [letters], warmup: [0, 0.1, 0.2, 0.3, 0.4, 0.5]",
        "6 of warmup × 6 of r are 36 trainings to choose from; at most 32 are searched: shorten the lists",
    ),
    (
        "base: base, method: lora, on: [letters], schedule: reduce_lr_on_plateau",
        "schedule: reduce_lr_on_plateau goes by the loss on validation rows: give the task a validation split",
    ),
    ("base: base, method: lora, on: [letters], weights: bfloat16", "weights: bfloat16 is for full and freeze"),
    ("base: base, method: lora, on: [letters], turns: all, loss: all", "turns: all belongs to loss: answer"),
]


@pytest.mark.parametrize(("tuned", "message"), WRONG)
def test_mistakes_are_told_before_anything_is_trained(
    tuned: str, message: str | None, suite: Make, tmp_path: Path
) -> None:
    path = suite({"t": tuned})
    if message is None:
        planned(path, tmp_path / "cache")
    else:
        assert message in mistakes(path, tmp_path / "cache")


def test_rows_that_cannot_be_learnt_are_refused(suite: Make, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    long = TRAIN.replace("w", "w" * 60)
    said = mistakes(suite({"t": LORA + ", cutoff: 16"}, train=long), cache)
    assert "all 12 rows are longer than the cutoff of 16 tokens" in said
    no_train = SUITE.replace(", train: train.tsv", "")
    assert "task letters has no train rows" in mistakes(suite({"t": LORA}, text=no_train), cache)


def test_train_rows_among_the_test_items_are_refused(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    leaking = TRAIN + "Ｘ1\tA\n"  # full width, upper case: the same question
    said = mistakes(suite({"t": LORA}, train=leaking), tmp_path / "cache")
    assert said.startswith("models.t: 1 of 3 test items of task letters stand in what it learns (e.g. 'x1', ")
    assert "of the train rows of letters" in said
    assert "leakage: {allowed: 0.334}" in said
    allowed = SUITE + "leakage: {allowed: 0.34}\n"
    folder = run_suite(suite({"t": LORA}, text=allowed, train=leaking))
    summary = folder.summary()
    (found,) = (one for one in summary.overlaps if one.source == "train rows of letters")
    assert (found.exact, found.normalised, found.samples, found.models) == (0, 1, 3, ("t",))
    assert [(one.variant, one.samples) for one in summary.clean] == [("plain", 2), ("t", 2)]


def test_leaks_add_up_over_all_that_a_model_and_its_bases_learn(suite: Make, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    text = SUITE.replace("variants:", """\
  second:
    data: {tsv: {path: test.tsv, train: second.tsv, input: 词, target: 字}}
    prompt: "{{ input }} "
    metrics: {accuracy: exact_match}
variants:""") + "leakage: {allowed: 0.334}\n"  # fmt: skip
    second = tmp_path / "suite" / "second.tsv"
    second.parent.mkdir()
    second.write_text(TRAIN + "x2\tB\n", encoding="utf-8")
    leaking = TRAIN + "x1\tA\n"  # one of three from each task
    for tuned in ({"t": LORA}, {"t": LORA.replace("[letters]", "[second]")}):
        planned(suite(tuned, text=text, train=leaking), cache)
    both = {"t": LORA.replace("[letters]", "[letters, second]")}
    assert "models.t: 2 of 3 test items" in mistakes(suite(both, text=text, train=leaking), cache)
    chain = {"s": LORA, "t": LORA.replace("base: base", "base: s").replace("[letters]", "[second]")}
    said = mistakes(suite(chain, text=text, train=leaking), cache)
    assert "models.t: 2 of 3 test items" in said
    assert "models.s" not in said


def test_only_what_a_model_sees_is_held_against_it(suite: Make, tmp_path: Path) -> None:
    """Which rows the fewer are is drawn: of all twelve places for a leaking row some are among the four."""
    accused = set()
    for place in range(12):
        lines = TRAIN.splitlines()
        lines[place + 1] = "x1\tA"
        said = mistakes(suite({"t": LORA + ", sizes: [4, all]"}, train="\n".join(lines) + "\n"), tmp_path / "cache")
        accused.add(tuple(line.partition(":")[0] for line in said.splitlines()))
    assert accused == {("models.t-4", "models.t-all"), ("models.t-all",)}


def test_rows_that_choose_the_checkpoint_are_seen(suite: Make, tmp_path: Path) -> None:
    text = SUITE.replace("train: train.tsv", "train: train.tsv, validation: watched.tsv")
    watched = tmp_path / "suite" / "watched.tsv"
    watched.parent.mkdir()
    watched.write_text("词\t字\nx1\tA\nx2\tB\n", encoding="utf-8")
    said = mistakes(suite({"t": LORA + ", patience: 1"}, text=text), tmp_path / "cache")
    assert "2 of 3 test items" in said
    assert "validation rows of letters" in said


def test_worked_examples_are_looked_through_but_not_refused(suite: Make, run_suite: Run) -> None:
    shown = "few: {prompting: {model: base, shots: 1, pick: nearest}}"
    summary = run_suite(suite({}, train=TRAIN + "Ｘ1\tA\n", variants=shown)).summary()
    (found,) = summary.overlaps
    assert (found.source, found.models, found.normalised) == ("examples of letters", (), 1)
    assert [(one.variant, one.samples) for one in summary.clean] == [("plain", 2), ("few", 2)]


GENERAL_TASK = SUITE.replace("variants:", """\
  other:
    data: {tsv: {path: test.tsv, input: 词, target: 字}}
    prompt: "{{ input }}? "
    generation: {max_tokens: 3}
    metrics: {accuracy: exact_match}
general: [other]
variants:""")  # fmt: skip


def test_what_training_made_a_model_forget_is_told(suite: Make, run_suite: Run) -> None:
    folder = run_suite(suite({"lora": LORA}, text=GENERAL_TASK))
    summary = folder.summary()
    assert {(r.task, r.variant) for r in summary.results} == {("letters", "plain"), ("letters", "lora")}
    assert [(r.task, r.variant, r.samples) for r in summary.general] == [("other", "base", 3), ("other", "lora", 3)]
    (one,) = summary.forgotten
    assert (one.task, one.variant, one.reference, one.samples) == ("other", "lora", "base", 3)
    assert summary.headline == ("letters.accuracy",)
    again = run_suite(suite({"lora": LORA}, text=GENERAL_TASK), start="summarize").summary()
    assert again == summary


def test_seeds_of_a_model_are_one_in_what_it_forgot(suite: Make, run_suite: Run) -> None:
    summary = run_suite(suite({"lora": LORA + ", seeds: 2"}, text=GENERAL_TASK)).summary()
    assert [(r.task, r.variant) for r in summary.general] == [("other", "base"), ("other", "lora")]
    (one,) = summary.forgotten
    assert (one.variant, one.reference) == ("lora", "base")
    assert one.test.endswith("items crossed with seeds")


def test_quantised_models_stand_beside_their_base(suite: Make, run_suite: Run) -> None:
    text = SUITE.replace(
        "  TUNED", "  TUNED\n  nf4: {quantised: {base: base}}\n  int8: {quantised: {base: base, bits: 8}}"
    )
    path = suite(
        {"qlora": LORA.replace("lora:", "qlora:")},
        text=text,
        variants="q: {prompting: {model: qlora}}\n  n: {prompting: {model: nf4}}\n  i: {prompting: {model: int8}}",
    )
    run = run_suite(path).read_run()
    identities = {name: one["identity"] for name, one in run["models"].items()}
    assert identities["nf4"]["quantisation"]["kind"] == "nf4"
    assert identities["int8"]["quantisation"]["bits"] == 8
    assert identities["qlora"]["quantisation"]["double_quant"]
    assert len({one["digest"] for one in run["models"].values()}) == 4
    assert all("bitsandbytes" in identities[name]["packages"] for name in ("nf4", "int8", "qlora"))


def test_rows_without_an_answer_are_no_lessons(suite: Make, tmp_path: Path) -> None:
    said = mistakes(suite({"t": LORA}, train=TRAIN + "w99\t \n"), tmp_path / "cache")
    assert "train.tsv:14: '字' is empty: no target" in said


@pytest.mark.parametrize("tuned", ["base: base, method: qlora, on: [letters]", LORA + ", optimiser: adamw_8bit"])
def test_missing_bitsandbytes_is_told_at_plan_time(
    tuned: str, suite: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "bitsandbytes" else find(name, *rest)
    )
    said = mistakes(suite({"t": tuned}), tmp_path / "cache")
    assert "models.t: the package bitsandbytes is missing: pip install 'domain-harness[train]'" in said


def test_what_cannot_fit_is_refused_with_what_would(
    suite: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = suite({"t": LORA.replace("lora: {r: 4}", "full: {}") + ", cutoff: 256"})
    needs = planned(path, tmp_path / "cache").preparations["t"].needs or 0
    monkeypatch.setattr("adapters.memory.requirement.available", lambda device: needs - 1)
    said = mistakes(path, tmp_path / "cache")
    assert said.startswith("models.t: ")
    assert any(setting in said for setting in ("batch_size", "gradient_checkpointing", "lora"))
    monkeypatch.setattr("harness.models.local.loading.available", lambda device: 1 << 20)
    assert "set dtype: bfloat16" in mistakes(path, tmp_path / "cache")


def test_a_plan_says_when_activations_are_computed_twice(
    suite: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = suite({"t": LORA + ", cutoff: 256"})
    before = planned(path, tmp_path / "cache").preparations["t"]
    monkeypatch.setattr("adapters.memory.estimate.available", lambda device: before.needs)
    after = planned(path, tmp_path / "cache").preparations["t"]
    assert after.what == f"{before.what}, activations computed twice to save memory"
    assert (after.needs or 0) < (before.needs or 0)


def test_a_tuned_model_in_fewer_bits(suite: Make, run_suite: Run, tmp_path: Path) -> None:
    text = SUITE.replace("  TUNED", "  TUNED\n  small: {quantised: {base: lora}}")
    path = suite({"lora": LORA}, text=text, variants="s: {prompting: {model: small}}")
    assert list(planned(path, tmp_path / "cache").preparations) == ["lora"]
    run = run_suite(path).read_run()
    assert run["models"]["small"]["identity"]["quantisation"]["bits"] == 4
    unmergeable = suite(
        {"lora": LORA.replace("lora: {r: 4}", "prefix: {tokens: 2}")},
        text=text,
        variants="s: {prompting: {model: small}}",
    )
    assert "models.small: base: lora cannot be one: it is trained by prefix" in mistakes(
        unmergeable, tmp_path / "cache"
    )


def test_no_threshold_is_learnt_on_what_a_model_was_trained_on(suite: Make, tmp_path: Path) -> None:
    asked = "lora: {prompting: {model: lora}}\n  both: {cascade: {of: [lora, plain]}}"
    said = mistakes(suite({"lora": LORA}, variants=asked), tmp_path / "cache")
    assert "the model of step lora is trained on the train rows" in said
    given = asked.replace("[lora, plain]", "[lora, plain], thresholds: [-1.0]")
    planned(suite({"lora": LORA}, variants=given), tmp_path / "cache")


def test_later_stages_see_a_changed_base(suite: Make, run_suite: Run) -> None:
    chain = {"first": LORA, "second": LORA.replace("base: base", "base: first")}
    asked = "second: {prompting: {model: second}}"
    run_suite(suite(chain, variants=asked))
    run_suite(suite(chain, variants=asked), start="summarize")
    chain["first"] = LORA.replace("r: 4", "r: 2")
    with pytest.raises(StoreError, match=r"changed since its predictions were made: models\.first"):
        run_suite(suite(chain, variants=asked), start="summarize")


TEXTS = """
knowledge:
  book: {texts: {path: book.txt}}
  named: {texts: {path: book.txt, gold: contains, examples: letters}}
variants:"""
READ = "base: base, method: {lora: {r: 4}}, texts: [book]"
SEARCHING = "rag: {rag: {model: t, knowledge: book}}"
NAMED = "rag: {rag: {model: t, knowledge: named}}"
FEW = "few: {prompting: {model: base, shots: 1}}\n  t: {prompting: {model: t}}"


@pytest.mark.parametrize(
    ("tuned", "variants", "train", "expected"),
    [
        ({"t": LORA}, "", "", {"train rows of letters": ("t",)}),  # without a twin
        (
            {"s": LORA, "t": LORA.replace("base: base", "base: s")},
            "",
            "",
            {"train rows of letters": ("s", "t")},
        ),
        ({"t": LORA}, FEW, "", {"train rows of letters": ("t",), "examples of letters": ("t",)}),
        ({"t": LORA}, FEW, "x1\tA\n", {"train rows of letters": ("t",), "examples of letters": ("t",)}),  # with one
        ({"t": READ}, SEARCHING, "", {"texts of book": ("t",), "knowledge book": ("t",)}),
        ({"t": LORA}, SEARCHING, "", {"train rows of letters": ("t",), "knowledge book": ()}),
        # names of passages are train rows: said where the model's are, and by themselves where it learns fewer
        ({"t": LORA}, NAMED, "x1\tA\n", {"train rows of letters": ("t",), "knowledge named": ()}),
        (
            {"t": LORA + ", max_samples: 2"},
            NAMED,
            "x1\tA\n",
            {"train rows of letters": ("t",), "examples of letters": (), "knowledge named": ()},
        ),
        ({"t": LORA + ", mix: {general: 0.5}"}, "", "", {"train rows of letters": ("t",), "mix general": ("t",)}),
        ({"t": LORA + ", sizes: [4, all]"}, "", "", {"train rows of letters": ("t-4", "t-all")}),
    ],
)
def test_what_is_learnt_is_never_called_not_learnt(
    tuned: dict[str, str], variants: str, train: str, expected: dict[str, tuple[str, ...]], suite: Make
) -> None:
    text = SUITE.replace("variants:", TEXTS) + "leakage: {allowed: 1.0}\n"
    path = suite(tuned, text=text, train=TRAIN + train, variants=variants)
    (path.parent / "book.txt").write_text("w00 B\nw01 A\n", encoding="utf-8")
    loaded = load_suite(path)
    shared = contamination(loaded, prepare(loaded))
    assert {overlap.source: overlap.models for overlap in shared} == expected


def test_texts_and_answers_are_learnt_in_one_training(suite: Make, run_suite: Run) -> None:
    path = suite({"t": READ + ", on: [letters], mix: {general: 0.5}"}, text=SUITE.replace("variants:", TEXTS))
    (path.parent / "book.txt").write_text("w00 B\nw01 A\n", encoding="utf-8")
    (stage,) = run_suite(path).read_run()["training"]["t"]["stages"]
    assert stage["stage"] == "pretrain"
    assert {part["source"]: part["rows"] for part in stage["composition"]} == {
        "train rows of letters": 12, "texts of book": 2, "mix general": 5,
    }  # fmt: skip
    assert (stage["record"]["rows"], stage["record"]["rows_dropped"]) == (19, 0)
    assert stage["record"]["examples"] == 19 * 4  # epochs
