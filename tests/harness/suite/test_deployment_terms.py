"""Margins, prices, constraints and the profile of a suite: what is understood, and what is refused in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SuiteError
from harness.records.deployment_terms import Constraints, DeploymentTerms, PriceList, Profile, TokenPrice
from harness.suite.parser import load_suite

SUITE = """\
name: colours
models:
  base: {huggingface: {path: some/model}}
  lora: {tuned: {base: base, method: lora, on: [colour], seeds: 2}}
tasks:
  colour:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match, bleu: bleu, ppl: perplexity, brier: {python: {file: m.py, low: -2, high: 3, better: lower}}, length: {python: {file: m.py, high: 90, better: neither}}}
  other:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
  school:
    data: {tsv: {path: test.tsv, input: 词, target: 色}}
    metrics: {accuracy: exact_match}
general: [school]
variants:
  plain: {prompting: {model: base}}
  tuned: {prompting: {model: lora}}
"""
LINE = len(SUITE.splitlines()) + 1
SERVED = SUITE.replace("  base:", "  api: {openai: {model: m, url: 'http://127.0.0.1:1/v1'}}\n  base:")
Write = Callable[..., Path]
Terms = Callable[..., DeploymentTerms]


@pytest.fixture
def terms(write_suite: Write) -> Terms:
    """The terms of the suite with further sections."""

    def read(more: str, suite: str = SUITE) -> DeploymentTerms:
        timed = "" if "\nlatency:" in f"\n{suite}{more}" else "\nlatency: {}\n"
        return load_suite(write_suite(suite + more + timed, m__py="score = len\n")).terms

    return read


# The range of each figure: accuracy 0 to 1, bleu 0 to 100, brier -2 to 3; ppl has no end, length no better one.
DEFAULTS = {"colour.accuracy": 0.02, "colour.bleu": 2.0, "colour.brier": 0.1, "other.accuracy": 0.02}

# (the section compare, the margins: 2 % of the range where nothing else is said)
MARGINS = [
    ("{}", DEFAULTS),
    ("{margin: null}", DEFAULTS),
    ("{margin: 2 points}", {**DEFAULTS, "colour.accuracy": 0.02, "colour.bleu": 2.0, "other.accuracy": 0.02}),
    ("{margin: 5 points}", {**DEFAULTS, "colour.accuracy": 0.05, "colour.bleu": 5.0, "other.accuracy": 0.05}),
    ("{margin: 1 point}", {**DEFAULTS, "colour.accuracy": 0.01, "colour.bleu": 1.0, "other.accuracy": 0.01}),
    ("{margin: 1.5points}", {**DEFAULTS, "colour.accuracy": 0.015, "colour.bleu": 1.5, "other.accuracy": 0.015}),
    ("{margin: 0.03}", {"colour.accuracy": 0.03, "colour.bleu": 0.03, "colour.ppl": 0.03, "colour.brier": 0.03, "other.accuracy": 0.03}),
    ("{margin: {colour.accuracy: 3 points}}", {**DEFAULTS, "colour.accuracy": 0.03}),
    ("{margin: {colour.ppl: 1.5, colour.brier: 4.9}}", {**DEFAULTS, "colour.ppl": 1.5, "colour.brier": 4.9}),
    ("{headline: [colour.ppl]}", {}),
    ("{headline: [colour.ppl], margin: 1.5}", {"colour.ppl": 1.5}),
    ("{headline: [colour.bleu], margin: 1.5}", {"colour.bleu": 1.5}),
    ("{headline: [colour.bleu, other.accuracy], margin: 1.5 points}", {"colour.bleu": 1.5, "other.accuracy": 0.015}),
]  # fmt: skip


@pytest.mark.parametrize(("compare", "margins"), MARGINS, ids=[row[0] for row in MARGINS])
def test_margins_are_in_the_units_of_their_figures(terms: Terms, compare: str, margins: dict[str, float]) -> None:
    understood = terms(f"compare: {compare}\n")
    assert understood.margins == pytest.approx(margins)
    assert understood.stated_margin is ("margin" in compare and "null" not in compare)


def test_what_is_not_said_is_not_there(terms: Terms) -> None:
    assert terms("prices: null\nconstraints: null\nprofile:\nlatency:\ncompare:\n") == DeploymentTerms(margins=DEFAULTS)


def test_prices(terms: Terms) -> None:
    written = """\
prices:
  currency: CNY
  device_hour: 12.5
  million_tokens_in: 1
  million_tokens_out: 4.5
  models: {lora: {million_tokens_in: 0, million_tokens_out: 2}}
  labelled_row: 3
  upkeep_hour: 200
  hours_per_change: 4
  amortise_days: 90
"""
    assert terms(written).prices == PriceList(
        currency="CNY",
        device_hour=12.5,
        tokens=TokenPrice(million_tokens_in=1.0, million_tokens_out=4.5),
        tokens_by_model=dict.fromkeys(["lora~1", "lora~2"], TokenPrice(million_tokens_out=2.0)),  # of both seeds
        labelled_row=3.0,
        upkeep_hour=200.0,
        hours_per_change=4.0,
        amortise_days=90,
    )


def test_constraints_and_profile(terms: Terms) -> None:
    understood = terms("""\
prices: {device_hour: 2}
compare: {correction: holm}
constraints: {max_p95_ms: 800, max_memory_gb: 8, min_quality: 80 points, max_cost_per_1000: 3, local_only: true, knowledge_changes: weekly}
profile: {labelled_rows: 0, knowledge_changes: weekly, explainability: required, hardware: one-gpu, latency: real-time, team: machine-learning}
""")
    assert understood.constraints == Constraints(
        max_p95_ms=800.0,
        max_memory_gb=8.0,
        min_quality={"colour.accuracy": 0.8, "other.accuracy": 0.8},
        max_cost_per_1000=3.0,
        local_only=True,
        knowledge_changes="weekly",
    )
    assert understood.profile == Profile(
        labelled_rows=0,
        knowledge_changes="weekly",
        explainability="required",
        hardware="one-gpu",
        latency="real-time",
        team="machine-learning",
    )
    assert understood.correction == "holm"


@pytest.mark.parametrize(
    ("quality", "figures"),
    [
        ("0.7", {"colour.accuracy": 0.7, "other.accuracy": 0.7}),
        ("1", {"colour.accuracy": 1.0, "other.accuracy": 1.0}),
        ("{colour.accuracy: 0.9}", {"colour.accuracy": 0.9}),
        ("{colour.bleu: 30, colour.ppl: 12}", {"colour.bleu": 30.0, "colour.ppl": 12.0}),
        ("{colour.bleu: 30 points}", {"colour.bleu": 30.0}),
    ],
)
def test_quality_is_asked_of_headline_figures(terms: Terms, quality: str, figures: dict[str, float]) -> None:
    assert terms(f"constraints: {{min_quality: {quality}}}\n").constraints.min_quality == figures


RANGE = "must be less than the whole range of a figure that goes from"
# (further sections, what is said; all on the first of their lines)
REFUSED = [
    ("compare: {margin: 0}", ["compare.margin: for colour.accuracy: must be more than 0; leave it out for 2 % of the range"]),
    ("compare: {margin: -0.01}", ["compare.margin: for colour.accuracy: must be more than 0; leave it out for 2 % of the range"]),
    ("compare: {margin: -2 points}", ["compare.margin: for colour.accuracy: must be more than 0; leave it out for 2 % of the range"]),
    ("compare: {margin: .nan}", ["compare.margin: for colour.accuracy: must be a finite number, not .nan"]),
    ("compare: {margin: {colour.accuracy: .inf}}", ["compare.margin.colour.accuracy: must be a finite number, not .inf"]),
    ("compare: {margin: 2}", [f"compare.margin: for colour.accuracy: 2 {RANGE} 0 to 1"]),
    ("compare: {margin: 1}", [f"compare.margin: for colour.accuracy: 1 {RANGE} 0 to 1"]),
    ("compare: {margin: 200 points}", [f"compare.margin: for colour.accuracy: 2 {RANGE} 0 to 1"]),
    ("compare: {margin: {colour.brier: 5}}", [f"compare.margin.colour.brier: 5 {RANGE} -2 to 3"]),
    ("compare: {margin: {colour.length: 3}}", ["compare.margin.colour.length: no end of its scale is better, so that nothing can be as good; leave it out"]),
    ("compare: {margin: 2 %}", ["compare.margin: for colour.accuracy: '2 %' may be meant of the scale or of a variant's figure; write 2 points"]),
    ("compare: {margin: 2%}", ["compare.margin: for colour.accuracy: '2%' may be meant of the scale or of a variant's figure; write 2 points"]),
    ("compare: {margin: '0.02'}", ["compare.margin: for colour.accuracy: is text; write the number 0.02 without quotes"]),
    ("compare: {margin: true}", ["compare.margin: for colour.accuracy: must be a number in the metric's own units, or e.g. 2 points, not true"]),
    ("compare: {margin: [2]}", ["compare.margin: for colour.accuracy: must be a number in the metric's own units, or e.g. 2 points, not [2]"]),
    ("compare: {margin: two points}", ["compare.margin: for colour.accuracy: must be a number in the metric's own units, or e.g. 2 points, not two points"]),
    ("compare: {margin: ''}", ["compare.margin: for colour.accuracy: must be a number in the metric's own units, or e.g. 2 points, not \"\""]),
    ("compare: {margin: {colour.acuracy: 0.1, colour: 1, school.accuracy: 0.1}}", [
        "compare.margin.colour.acuracy: 'colour.acuracy' is not a metric (did you mean colour.accuracy?)",
        "compare.margin.colour: 'colour' is not a metric (did you mean colour.ppl?)",
        "compare.margin.school.accuracy: 'school.accuracy' is a figure of a general task, which only tells what training made a model forget"]),
    ("compare: {headline: [colour.bleu], margin: {colour.accuracy: 0.1}}", ["compare.margin.colour.accuracy: 'colour.accuracy' is no headline figure (colour.bleu); add it there, or leave it out"]),
    ("compare: {headline: [colour.brier], margin: 2 points}", ["compare.margin: points are hundredths of a figure from 0 to 1, and colour.brier goes from -2 to 3; write a number in its own units, e.g. {colour.brier: 0.1}"]),
    ("compare: {headline: [colour.ppl], margin: 2 points}", ["compare.margin: points are hundredths of a figure from 0 to 1, and colour.ppl has no end; write a number in its own units, e.g. {colour.ppl: 0.5}"]),
    ("compare: {correction: bonferroni}", ["compare.correction: must be 'max-t' or 'holm', not bonferroni"]),
    ("prices: {}", ["prices: no price is stated; give e.g. device_hour: 2.5, or leave prices out"]),
    ("prices: {currency: EUR}", ["prices: no price is stated; give e.g. device_hour: 2.5, or leave prices out"]),
    ("prices: {device_hour: -1, labelled_row: .nan, upkeep_hour: 1e10, amortise_days: 0}", [
        "prices.amortise_days: must be at least 1", "prices.device_hour: must be at least 0.0",
        "prices.labelled_row: must be a finite number, not .nan", "prices.upkeep_hour: must be at most 1000000000.0"]),
    ("prices: {device_hours: 1}", ["prices.device_hours: is not a parameter of prices (did you mean device_hour?)"]),
    ("prices: {million_tokens_in: 1}", ["prices: million_tokens_out is missing beside the other one; write 0 where tokens are free"]),
    ("prices: {models: {bse: {million_tokens_in: 1, million_tokens_out: 1}}}", ["prices.models.bse: 'bse' is not among models (did you mean base?)"]),
    ("prices: {models: {base: {million_tokens_in: -1, tokens_out: 1}}}", [
        "prices.models.base.million_tokens_in: must be at least 0.0", "prices.models.base.million_tokens_out: is required",
        "prices.models.base.tokens_out: is not a parameter of the prices of a model (did you mean million_tokens_out?)"]),
    ("prices: [1]", ["prices: must be a mapping"]),
    ("constraints: {max_p95_ms: 0, max_memory_gb: -1}", ["constraints.max_memory_gb: must be more than 0.0", "constraints.max_p95_ms: must be more than 0.0"]),
    ("constraints: {knowledge_changes: hourly}", ["constraints.knowledge_changes: must be 'never', 'yearly', 'monthly', 'weekly' or 'daily', not hourly"]),
    ("constraints: {local_only: 1}", ["constraints.local_only: must be true or false, not 1"]),
    ("constraints: {min_quality: 80}", ["constraints.min_quality: for colour.accuracy: 80 is outside a figure that goes from 0 to 1"]),
    ("constraints: {min_quality: 80 %}", ["constraints.min_quality: for colour.accuracy: '80 %' may be meant of the scale or of a variant's figure; write 80 points"]),
    ("constraints: {min_quality: {colour.length: 3}}", ["constraints.min_quality.colour.length: no end of its scale is better, so that it has no quality to ask for; leave it out"]),
    ("constraints: {min_quality: {colour.acc: 1}}", ["constraints.min_quality.colour.acc: 'colour.acc' is not a metric (did you mean colour.accuracy?)"]),
    ("constraints: {max_cost_per_1000: 3}", ["constraints.max_cost_per_1000: needs prices; add e.g. prices: {device_hour: 2.5}"]),
    ("prices: {labelled_row: 3}\nconstraints: {max_cost_per_1000: 3}", ["+1 constraints.max_cost_per_1000: needs the price of a request; add device_hour, or million_tokens_in and million_tokens_out, to prices"]),
    ("prices: {million_tokens_in: 1, million_tokens_out: 2}\nconstraints: {max_cost_per_1000: 3}", ["+1 constraints.max_cost_per_1000: needs the price of this machine, which runs all models; add device_hour to prices"]),
    ("prices: {device_hour: -1}\nconstraints: {max_cost_per_1000: 3}", ["prices.device_hour: must be at least 0.0"]),
    ("latency: {items: 0}\nconstraints: {max_p95_ms: 800}", ["+1 constraints.max_p95_ms: latency is not measured with latency: {items: 0}; give at least 1, e.g. 20"]),
    ("latency: {items: -1, task: school}", ["latency.items: must be at least 0"]),
    ("latency: {task: school}", ["latency.task: 'school' is a general task, which variants do not answer (colour, other)"]),
    ("latency: {task: color}", ["latency.task: 'color' is not among tasks (did you mean colour?)"]),
    ("latency: {items: 20.5}", ["latency.items: input should be a valid integer, not 20.5"]),
    ("profile: {labelled_rows: -1, team: clinic, hardware: gpu}", [
        "profile.hardware: must be 'cpu', 'one-gpu', 'several-gpus' or 'hosted', not gpu", "profile.labelled_rows: must be at least 0",
        "profile.team: must be 'domain', 'software' or 'machine-learning', not clinic"]),
    ("profile: {knowledge_changes: daily}\nconstraints: {knowledge_changes: weekly}", ["profile.knowledge_changes: is daily here and weekly in constraints; say it in one place"]),
    ("price: {device_hour: 1}", ["price: is not a known key (did you mean prices?)"]),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "lines"), REFUSED, ids=[row[0][:80] for row in REFUSED])
def test_what_is_refused(terms: Terms, sections: str, lines: list[str]) -> None:
    with pytest.raises(SuiteError) as caught:
        terms(f"{sections}\n")
    expected = [f"{LINE + line.startswith('+1 ')}: {line.removeprefix('+1 ')}" for line in lines]
    assert list(caught.value.mistakes) == [f"suite.yaml:{line}" for line in expected]


def test_all_mistakes_come_together_with_their_lines(terms: Terms) -> None:
    with pytest.raises(SuiteError) as caught:
        terms("""\
compare: {margin: 3, reference: plan}
prices:
  device_hour: -1
  models: {bse: {million_tokens_in: 1, million_tokens_out: 1}}
constraints: {max_p95_ms: 0, min_quality: 7}
profile: {team: clinic}
latency: {task: color}
""")
    assert [line.split(":")[1] for line in caught.value.mistakes] == [
        str(LINE + offset) for offset in (0, 0, 2, 3, 4, 4, 5, 6)
    ]


def test_tokens_of_a_served_model_have_a_price(terms: Terms) -> None:
    sections = "prices: {million_tokens_in: 1, million_tokens_out: 2}\nconstraints: {max_cost_per_1000: 3}\n"
    assert terms(sections, SERVED).constraints.max_cost_per_1000 == 3.0


HOSTILE = ["</script><script>alert(1)</script>", "${HOME}x", "名" * 60, "[bold]", "=cmd()"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_quoted_as_they_are(terms: Terms, name: str) -> None:
    with pytest.raises(SuiteError) as caught:
        terms(f"compare: {{margin: {{'{name}': 1}}, approaches: {{'{name}': RAG}}}}\n")
    assert all("\n" not in line for line in caught.value.mistakes)
    assert len(caught.value.mistakes) >= 2
