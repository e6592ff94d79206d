"""Entries that stand for several: which models and variants they make, and what may not name them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.suite.expansion import SizedVariant
from harness.suite.parser import load_suite

SUITE = """\
name: colours
models:
  base: {huggingface: {path: some/model}}
  lora: {tuned: {base: base, method: lora, on: [colour], SEVERAL}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
variants:
  plain: {prompting: {model: base}}
  shots: {prompting: {model: lora, shots: 1}}
"""
Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("several", "models", "variants", "pools", "sized"),
    [
        ("epochs: 1", ["base", "lora"], ["plain", "shots"], {}, {}),
        (
            "sizes: [100, all]", ["base", "lora-100", "lora-all"], ["plain", "shots-100", "shots-all"], {},
            {"shots-100": SizedVariant("shots", "lora-100"), "shots-all": SizedVariant("shots", "lora-all")},
        ),
        (
            "seeds: 2", ["base", "lora~1", "lora~2"], ["plain", "shots~1", "shots~2"],
            {"shots": ("shots~1", "shots~2")}, {},
        ),
        (
            "sizes: [5], seeds: 2", ["base", "lora-5~1", "lora-5~2"], ["plain", "shots-5~1", "shots-5~2"],
            {"shots-5": ("shots-5~1", "shots-5~2")}, {"shots-5": SizedVariant("shots", "lora-5~1")},
        ),
        ("sizes: [7]", ["base", "lora-7"], ["plain", "shots-7"], {}, {"shots-7": SizedVariant("shots", "lora-7")}),
    ],
)  # fmt: skip
def test_an_entry_becomes_its_members(
    several: str,
    models: list[str],
    variants: list[str],
    pools: dict[str, tuple[str, ...]],
    sized: dict[str, SizedVariant],
    write_suite: Write,
) -> None:
    suite = load_suite(write_suite(SUITE.replace("SEVERAL", several)))
    assert list(suite.models) == models
    assert list(suite.variants) == variants
    assert suite.expansion.pools == pools
    assert suite.expansion.sized == sized
    for name in variants[1:]:
        assert suite.variants[name].model_dump()["model"] == name.replace("shots", "lora")
        assert suite.variants[name].model_dump()["shots"] == 1


def test_members_differ_in_size_and_seed_only(write_suite: Write) -> None:
    suite = load_suite(write_suite("seed: 5\n" + SUITE.replace("SEVERAL", "sizes: [4, 9], seeds: 2")))
    made = {
        name: (one.model_dump()["max_samples"], one.model_dump()["seed"])
        for name, one in suite.models.items()
        if name != "base"
    }
    assert made == {"lora-4~1": (4, 5), "lora-4~2": (4, 6), "lora-9~1": (9, 5), "lora-9~2": (9, 6)}


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("compare: {reference: shots~1}", "'shots~1' is not among variants"),
        ("compare: {reference: shots}", None),  # pooled
        ("compare: {reference: shot}", "'shot' is not among variants (did you mean shots?)"),
        (
            "  both: {cascade: {of: [shots, plain], thresholds: [-1.0]}}",
            "'shots' stands for shots~1, shots~2; name one of them",
        ),
        ("  both: {cascade: {of: [shots~2, plain], thresholds: [-1.0]}}", None),
    ],
)
def test_who_may_name_an_entry_that_stands_for_several(extra: str, message: str | None, write_suite: Write) -> None:
    path = write_suite(SUITE.replace("SEVERAL", "seeds: 2") + extra + "\n")
    if message is None:
        load_suite(path)
    else:
        with pytest.raises(SuiteError) as caught:
            load_suite(path)
        assert message in str(caught.value)


def test_the_base_of_a_model_is_one_model(write_suite: Write) -> None:
    text = SUITE.replace("SEVERAL", "sizes: [3, 4]").replace(
        "tasks:", "  next: {tuned: {base: lora, method: lora, on: [colour]}}\ntasks:", 1
    )
    with pytest.raises(SuiteError, match="'lora' stands for lora-3, lora-4; name one of them"):
        load_suite(write_suite(text))


def test_a_cycle_of_bases_is_told(write_suite: Write) -> None:
    text = SUITE.replace("base: base, method: lora, on: [colour], SEVERAL", "base: next, method: lora, on: [colour]")
    text = text.replace("tasks:", "  next: {tuned: {base: lora, method: lora, on: [colour]}}\ntasks:", 1)
    with pytest.raises(SuiteError) as caught:
        load_suite(write_suite(text))
    assert "models.lora: is made of itself: lora → next → lora" in str(caught.value)


def test_general_tasks_are_asked_by_models_alone(write_suite: Write) -> None:
    suite = load_suite(write_suite(SUITE.replace("SEVERAL", "epochs: 1") + "general: [colour]\n"))
    assert list(suite.asked("colour")) == ["model:base", "model:lora"]
    with pytest.raises(SuiteError, match="figure of a general task"):
        load_suite(
            write_suite(
                SUITE.replace("SEVERAL", "epochs: 1") + "general: [colour]\ncompare: {headline: [colour.accuracy]}\n"
            )
        )
    with pytest.raises(SuiteError, match=r"'color' is not among tasks \(did you mean colour\?\)"):
        load_suite(write_suite(SUITE.replace("SEVERAL", "epochs: 1") + "general: [color]\n"))


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("tasks:", "  lora-4: {tuned: {base: base, method: lora, on: [colour]}}\ntasks:", "lora-4"),
        ("variants:", "variants:\n  shots-4: {prompting: {model: base}}", "shots-4"),
    ],
)
def test_a_member_cannot_have_another_entrys_name(old: str, new: str, name: str, write_suite: Write) -> None:
    with pytest.raises(SuiteError, match=f"'{name}' would stand for two entries"):
        load_suite(write_suite(SUITE.replace("SEVERAL", "sizes: [4, 9]").replace(old, new, 1)))


def test_general_tasks_need_a_model_made_of_another(write_suite: Write) -> None:
    text = SUITE.replace("SEVERAL", "epochs: 1").replace("model: lora, shots: 1", "model: base, shots: 1")
    with pytest.raises(SuiteError, match="general: is asked of models that are made of others"):
        load_suite(write_suite(text + "general: [colour]\n"))


SEARCHING = """\
models:
  base: {huggingface: {path: some/model}}
  lora: {tuned: {base: base, method: lora, on: [colour], SEVERAL}}
knowledge: {kb: {texts: {path: kb.txt, examples: colour, sizes: KNOWN}}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
variants:
  first: {floor: {by: top_passage, knowledge: kb}}
  rag: {rag: {model: base, knowledge: kb}}
  both: {rag: {model: lora, knowledge: kb}}
MORE
"""


@pytest.mark.parametrize(
    ("several", "known", "both", "sized"),
    [
        (
            "epochs: 1", "[9, all]", {"both-9": ("lora", "kb-9"), "both-all": ("lora", "kb-all")},
            {"both-9": SizedVariant("both", "", "kb-9"), "both-all": SizedVariant("both", "", "kb-all")},
        ),
        (  # each seed at each size
            "seeds: 2", "[9]", {"both-9~1": ("lora~1", "kb-9"), "both-9~2": ("lora~2", "kb-9")},
            {"both-9": SizedVariant("both", "", "kb-9")},
        ),
        (  # equal sizes, in whatever order: the same size together
            "sizes: [all, 9]", "[9, all]", {"both-all": ("lora-all", "kb-all"), "both-9": ("lora-9", "kb-9")},
            {"both-all": SizedVariant("both", "lora-all", "kb-all"), "both-9": SizedVariant("both", "lora-9", "kb-9")},
        ),
        (
            "sizes: [9], seeds: 2", "[9]", {"both-9~1": ("lora-9~1", "kb-9"), "both-9~2": ("lora-9~2", "kb-9")},
            {"both-9": SizedVariant("both", "lora-9~1", "kb-9")},
        ),
    ],
)  # fmt: skip
def test_knowledge_of_several_sizes(
    several: str,
    known: str,
    both: dict[str, tuple[str, str]],
    sized: dict[str, SizedVariant],
    write_suite: Write,
) -> None:
    text = SEARCHING.replace("SEVERAL", several).replace("KNOWN", known).replace("MORE\n", "")
    suite = load_suite(write_suite(text, kb__txt="红\n"))
    settings = {name: variant.model_dump() for name, variant in suite.variants.items()}
    own = {name: (v["model"], v["knowledge"]) for name, v in settings.items() if name.startswith("both")}
    assert own == both
    assert {name: origin for name, origin in suite.expansion.sized.items() if name.startswith("both")} == sized
    assert [name for name in settings if name.startswith("first")] == [
        f"first-{n}" for n in known.strip("[]").split(", ")
    ]
    assert set(suite.knowledge) == set(suite.usage.knowledge)
    assert "kb" not in suite.knowledge


@pytest.mark.parametrize(
    ("several", "more", "message"),
    [
        (
            "sizes: [9, 20]", "",
            "variants.both: models.lora has the sizes 9, 20 and knowledge.kb has 9, all, and a variant of both learns "
            "the same rows by both; give both the same sizes, or name one member, e.g. knowledge: kb-all",
        ),
        ("epochs: 1", "  one: {rag: {model: base, knowledge: kb-9}}", None),
        ("epochs: 1", "  one: {rag: {model: base, knowledge: kb-8}}", "'kb-8' is not among knowledge"),
        (
            "epochs: 1", "  one: {cascade: {of: [rag, first], thresholds: [0.5], confidence: retrieval}}",
            "'rag' stands for rag-9, rag-all; name one of them",
        ),
    ],
)  # fmt: skip
def test_who_may_name_knowledge_of_several_sizes(
    several: str, more: str, message: str | None, write_suite: Write
) -> None:
    text = SEARCHING.replace("SEVERAL", several).replace("KNOWN", "[9, all]").replace("MORE", more)
    if message is None:
        assert "one" in load_suite(write_suite(text, kb__txt="红\n")).variants
        return
    with pytest.raises(SuiteError) as caught:
        load_suite(write_suite(text, kb__txt="红\n"))
    assert message in str(caught.value)


def test_texts_of_knowledge_with_sizes_are_one_of_them(write_suite: Write) -> None:
    text = SEARCHING.replace("on: [colour], SEVERAL", "texts: [kb]").replace("KNOWN", "[9]").replace("MORE\n", "")
    with pytest.raises(SuiteError, match="'kb' stands for kb-9; name one of them"):
        load_suite(write_suite(text, kb__txt="红\n"))
