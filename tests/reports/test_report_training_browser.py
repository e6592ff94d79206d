"""Training, learning curves, seeds, forgetting and leakage in a real browser, and as a file."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from reports.html import render
from tests.shared.browsing import DESK, PHONE, count
from tests.shared.finished import visible

SECTIONS = ("learning-curve", "seeds", "training", "forgetting", "leakage")


@pytest.fixture(scope="module")
def page(trained_folder: RunFolder) -> str:
    return visible(render(trained_folder.finished()))


@pytest.mark.parametrize(
    "text",
    [
        "12 variants · 1 task · 60 items · 1 general task · seed 42",
        "Forgetting: full is worse than smollm2 by 17.0 points",
        "Compare the figures on the clean 54 items. See Leakage",
        "qlora 75.0 % 66.0–84.0 +50.0 better 3 seeds, standard deviation 5.0 points 4 min 1.5 GiB 3 trainings",
        "rag 60.0 % 51.0–69.0 +35.0 better none",
        "lora-50 LoRA r 8 on all-linear 50 3 10 2.44 M 1.78 % of 137 M 14,400 5.0 s reused 30.0 2,880 1.5 GiB 1.20 × 1.2 GiB step 6",
        "full all weights 800 2 left out 3 150 135 M 100 % of 135 M 230,400 4 min 10.7 1,024 5.1 GiB",
        "1,200 rows: train rows of norm (all 800) and mix general.json (400 of 52,000).",
        "qlora-seed2 70.0 % qlora-seed3 80.0 % Mean 75.0 % 66.0–84.0 Standard deviation 5.0 points",
        "full from smollm2 61.0 % 44.0 % −17.0 −25.0 to −9.0 p = 0.002 a drop beyond noise",
        "200 55.0 % 46.0–64.0 50.0 % 41.0–59.0",
        "All 60 items Clean 54 items zero-shot 25.0 % 16.0–34.0 24.1 % 15.1–33.1",
        "identical Test item n01 右侧肩袖部分撕裂（1） train rows of norm, train.tsv:17 右侧肩袖部分撕裂（1）",
    ],
)
def test_the_page_says(page: str, text: str) -> None:
    assert text in page


def test_sections_are_there_only_where_the_run_has_them(folder: RunFolder, trained_folder: RunFolder) -> None:
    page = render(folder.finished())
    assert not any(f'id="{name}"' in page for name in SECTIONS)
    assert "tells_training" not in page
    assert ">Training<" not in page
    assert all(f'id="{name}"' in render(trained_folder.finished()) for name in SECTIONS)


def test_a_run_from_before_these_records_still_renders(
    make_folder: Callable[..., RunFolder], trained_summary: Summary, trained_folder: RunFolder
) -> None:
    run = {name: value for name, value in trained_folder.read_run().items() if name != "training"}
    old = make_folder(
        trained_summary, trained_folder.samples(), trained_folder.predictions(), trained_folder.scores(), run
    )
    fields = ("overlaps", "clean", "forgotten", "seeds", "curve")
    figures = json.loads((old.path / "summary.json").read_text(encoding="utf-8"))
    old.write_text("summary.json", json.dumps({k: v for k, v in figures.items() if k not in fields}))
    page = render(RunFolder(old.path).finished())
    assert "full beats zero-shot by 60.0 points" in visible(page)
    assert not any(f'id="{name}"' in page for name in SECTIONS)


def test_lower_is_better_is_said_where_it_matters(
    make_folder: Callable[..., RunFolder], trained_summary: Summary
) -> None:
    lower = {name: replace(info, better="lower") for name, info in trained_summary.metrics.items()}
    page = visible(render(make_folder(replace(trained_summary, metrics=lower), [], [], []).finished()))
    assert "norm.accuracy lower is better On norm.accuracy, lora is shown to be better" in page
    assert "general.accuracy 100 items, lower is better" in page
    assert "full is worse than smollm2 by 17.0 points (lower is better)" in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [PHONE, DESK], ids=["phone", "desk"])
def test_sections_fit_and_can_be_read(
    open_page: Callable[..., Any], trained_folder: RunFolder, view: dict[str, int], scheme: str
) -> None:
    page = open_page(trained_folder, view=view, scheme=scheme)
    page.evaluate("document.querySelectorAll('main details').forEach(part => { part.open = true; })")
    page.wait_for_timeout(100)
    for name in SECTIONS:
        section = page.locator(f"#{name}")
        assert section.evaluate("e => e.getBoundingClientRect().right") <= view["width"]
        for region in section.locator(".scroll").all():
            assert region.get_attribute("tabindex") == "0"  # so that a keyboard can scroll it
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    assert page.locator("#learning-curve .line-name").count() == 8  # two families, six other variants
    for frame in page.locator("#learning-curve .chart-frame, #training > .chart-frame").all():
        boxes = [name.bounding_box() for name in frame.locator(".line-name").all()]
        assert all(box["width"] > 40 and box["x"] + box["width"] <= view["width"] for box in boxes)
        ordered = sorted(boxes, key=lambda box: box["y"])
        assert all(one["y"] + one["height"] <= two["y"] + 1 for one, two in pairwise(ordered))  # no name on another
    picture = page.locator("#learning-curve .plot-area").bounding_box()
    assert picture["width"] > 200
    assert (
        page.locator("#learning-curve .plot-area").get_attribute("aria-label").startswith("norm.accuracy by labelled")
    )
    if view is DESK:
        table = page.locator("#training .scroll").first
        assert table.evaluate("e => e.scrollWidth <= e.clientWidth")  # a desk shows it whole
    drop = page.locator("#forgetting tr", has_text="full")
    assert "a drop beyond noise" in drop.inner_text()
    assert drop.locator(".verdict").bounding_box()["x"] < view["width"]


@pytest.mark.browser
def test_lines_differ_without_colour(open_page: Callable[..., Any], trained_folder: RunFolder) -> None:
    page = open_page(trained_folder)
    looks = "lines => lines.map(line => getComputedStyle(line).strokeDasharray + getComputedStyle(line).stroke)"
    found = page.locator("#training > .chart-frame .curve").evaluate_all(looks)
    dashes = page.locator("#training > .chart-frame .curve").evaluate_all(
        "lines => lines.map(line => getComputedStyle(line).strokeDasharray)"
    )
    assert len(set(found)) == len(set(dashes)) == 4


@pytest.mark.browser
def test_items_of_variants_that_pool_seeds(open_page: Callable[..., Any], trained_folder: RunFolder) -> None:
    page = open_page(trained_folder, "#task=norm")
    page.select_option("select[name=variant]", "qlora")
    assert count(page) == "60 of 160 items"
    assert page.locator("#items .variant-name").count() == 3  # one a seed
    page.select_option("select[name=variant]", "qlora-seed2")
    assert page.locator("#items .variant-name").count() == 1
    page.select_option("select[name=outcome]", "right")
    assert count(page) == "42 of 160 items"


@pytest.mark.browser
def test_a_twin_opens_its_item(open_page: Callable[..., Any], trained_folder: RunFolder) -> None:
    page = open_page(trained_folder)
    page.get_by_text("Pairs to compare").click()
    page.get_by_role("link", name="n03", exact=True).click()
    page.locator("article.item").wait_for()
    assert page.locator("article.item").get_attribute("aria-label") == "norm n03"
