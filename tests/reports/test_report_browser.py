"""The page in a real browser: what a reader clicks, on a desk and on a phone, by day and by night."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from harness.records.inputs import Message, Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from reports.html import render
from tests.shared.browsing import CONTRAST, DESK, PHONE, cells, count, item_labels

pytestmark = pytest.mark.browser


# Counted from norm_right and exam_right in conftest.py (norm: i = 1 … 30, exam: i = 1 … 6).
@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, 36),
        ({"task": "norm"}, 30),
        ({"task": "exam"}, 6),
        # zero-shot is wrong at the 15 odd items of norm and at 4, 5, 6 of exam
        ({"variant": "zero-shot", "outcome": "wrong"}, 18),
        ({"variant": "zero-shot", "outcome": "right", "task": "norm"}, 15),
        # rag: 30 - 6 multiples of 5 - 2 failures
        ({"variant": "rag", "outcome": "right", "metric": "norm.accuracy"}, 22),
        ({"variant": "rag", "outcome": "unknown"}, 2),
        ({"outcome": "unknown"}, 2),
        # partly right by terms: i = 1, 5, 9, …, 29
        ({"outcome": "partly", "metric": "norm.terms"}, 8),
        ({"outcome": "partly"}, 0),
        # any variant wrong: all but the even items that are multiples of neither 3 nor 5: 30 - 8 (2 4 8 14 16 22 26 28)
        ({"outcome": "wrong", "task": "norm"}, 22),
        # choosing a metric chooses its task
        ({"metric": "exam.accuracy"}, 6),
        ({"metric": "exam.accuracy", "task": "norm"}, 0),
    ],
)
def test_filters(open_page: Callable[..., Any], folder: RunFolder, chosen: dict[str, str], expected: int) -> None:
    page = open_page(folder)
    for name, value in chosen.items():
        page.select_option(f"select[name={name}]", value)
    assert count(page) == f"{expected} of 36 items"
    assert page.locator("#items").get_attribute("aria-rowcount") == str(expected + 1)
    assert len(item_labels(page)) == expected or expected > 20


def test_disagreement(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder)
    page.get_by_label("variants disagree").check()
    # norm: 30 - 8 without a wrong answer - 1 (n15) without a right one = 21; exam: 1, 4, 5, 6
    assert count(page) == "25 of 36 items"
    page.select_option("select[name=task]", "exam")
    assert item_labels(page) == ["exam e1", "exam e4", "exam e5", "exam e6"]
    page.get_by_role("button", name="Reset").click()
    assert count(page) == "36 of 36 items"
    assert not page.get_by_label("variants disagree").is_checked()


def test_search_and_shared_address(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder)
    page.get_by_label("Search").fill("双眼干涩")  # the question of i % 6 == 2: 2, 8, 14, 20, 26
    page.locator("#count", has_text="5 of 36 items").wait_for()
    page.select_option("select[name=variant]", "few-shot-nearest")
    page.select_option("select[name=outcome]", "right")
    assert item_labels(page) == ["norm n02", "norm n08", "norm n14", "norm n20", "norm n26"]
    assert cells(page, "norm/n02") == ["few-shot-nearest: right 100 %"]  # only the chosen variant's column
    page.locator("#items").focus()
    page.keyboard.press("j")
    page.locator("article.item").wait_for()
    assert page.locator("article .reply h4").all_inner_texts() == ["few-shot-nearest\n✓\nright"]
    page.keyboard.press("Escape")
    other = open_page(folder, page.evaluate("location.hash"))
    assert item_labels(other) == item_labels(page)
    assert other.locator("select[name=variant]").input_value() == "few-shot-nearest"
    assert other.get_by_label("Search").input_value() == "双眼干涩"


def test_link_to_one_item(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, f"#sample={quote('norm/n05')}")
    page.locator("article.item").wait_for()
    text = page.locator("article.item").inner_text()
    for part in (
        "标准词：膝关节疼痛。",
        "Read leniently",
        "a tie among votes",
        "expected 腰椎间盘突出##坐骨神经痛",
    ):
        assert part in text
    assert page.locator("[aria-selected=true]").get_attribute("aria-label") == "norm n05"
    page.locator(".reply").first.get_by_text("Prompt as sent").click()
    sent = page.locator(".reply").first.locator(".messages pre")
    assert sent.first.text_content() == "你是一名病案编码员。"
    assert (
        sent.last.text_content()
        == "把下面的原始诊断改写为标准词，只输出标准词。\n\n原始词：腰椎间盘突出伴左下肢放射痛\n标准词："
    )
    page.get_by_role("button", name="Close").click()
    assert count(page) == "36 of 36 items"
    assert page.evaluate("location.hash") == "#samples"
    missing = open_page(folder, f"#sample={quote('norm/n77')}")
    assert count(missing) == "36 of 36 items · There is no item norm/n77 in this run"


def test_prompt_and_passages_unfold(open_page: Callable[..., Any], folder: RunFolder) -> None:
    reply = open_page(folder, "#sample=norm/n01").locator("article.item .reply").nth(2)
    assert reply.locator("pre").count() == 0
    reply.get_by_text("Prompt as sent (2 messages)").click()
    reply.get_by_text("Retrieved passages (2)").click()
    assert reply.locator("pre").count() == 2
    assert "膝关节疼痛：左膝关节置换术后疼痛" in reply.locator(".passages").inner_text()
    assert "source icd.txt" in reply.locator(".passages").inner_text()


def test_choice_task_shows_options_and_likelihoods(open_page: Callable[..., Any], folder: RunFolder) -> None:
    text = open_page(folder, "#sample=exam/e1").locator("article.item").inner_text()
    assert "A 血清铁蛋白降低 expected" in text
    assert "A −0.31 · B −2.40 · C −1.90 · D −3.30" in text


def test_copied_link_leads_back(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#outcome=unknown")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("link", name="Results").click()  # a section's address does not lose the filter
    page.get_by_role("button", name="Copy link").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").endswith("report.html#outcome=unknown")
    assert count(page) == "2 of 36 items"


def test_hostile_text_is_only_text(open_page: Callable[..., Any], nasty_folder: RunFolder) -> None:
    nasty = nasty_folder.summary().name
    page = open_page(nasty_folder, f"#sample={quote(f'task.x/{nasty}')}")
    page.locator("article.item").wait_for()
    assert page.title() == f"{nasty} – report"
    for closed in page.locator("#item details").all():
        closed.locator("summary").click()
    assert page.locator("img").count() == 0
    assert page.locator(".explorer script").count() == 0
    assert page.evaluate("document.title") == f"{nasty} – report"
    for place in ("#items", "#item", "#item .reply h4", "#items .variant-name", ".passages mark"):
        assert nasty in page.locator(place).first.text_content()
    assert page.locator(".messages pre").first.text_content() == f"  {nasty}\n\n\tend"
    unanswered = open_page(nasty_folder, "#sample=task.x/unanswered")
    unanswered.locator("#item", has_text="No answer to this item yet.").wait_for()


def test_long_text_folds(open_page: Callable[..., Any], nasty_folder: RunFolder) -> None:
    page = open_page(nasty_folder, "#sample=task.x/long")
    text = page.locator(".reply .text").first
    folded = text.bounding_box()["height"]
    page.get_by_role("button", name="Show all 10,000 characters").click()
    assert text.bounding_box()["height"] > 2 * folded
    assert page.get_by_role("button", name="Show less").is_visible()
    assert text.text_content() == "长" * 5_000 + "🫀x" * 2_500


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("name", ["folder", "nasty_folder", "grounded_folder", "trained_folder", "judged_folder"])
def test_fits_and_reads(
    open_page: Callable[..., Any], request: pytest.FixtureRequest, name: str, view: dict[str, int], scheme: str
) -> None:
    page = open_page(request.getfixturevalue(name), view=view, scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    assert page.evaluate(CONTRAST) == []


def test_theme_button_overrides_the_system(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.locator("#theme").click()
    assert "light" in page.locator("#theme").inner_text()
    light = page.evaluate(ground)
    assert light != dark
    page.locator("#theme").click()
    assert page.evaluate(ground) == dark
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink')").strip() == "#1c2127"


@pytest.fixture(scope="module")
def big_folder(tmp_path_factory: pytest.TempPathFactory, summary: Summary) -> RunFolder:
    """5,000 items × 4 variants = 20,000 predictions, each with five worked examples."""
    folder = RunFolder(tmp_path_factory.mktemp("big"))
    names = ("zero-shot", "few-shot-nearest", "rag", "lora")
    samples = [
        Sample(id=f"s{i:05}", task="norm", input=f"原始词 {i} 术后复查", targets=(f"标准词 {i % 997}",))
        for i in range(5_000)
    ]
    predictions, scores = [], []
    for variant in names:
        for i, sample in enumerate(samples):
            turns = [(f"把原始词改写为标准词：示例 {(i * 7 + k) % 800}，" * 6, f"标准词 {k}") for k in range(5)]
            shots = [part for ask, answer in turns for part in (Message("user", ask), Message("assistant", answer))]
            messages = (*shots, Message("user", f"把原始词改写为标准词：{sample.input}"))
            predictions.append(
                Prediction(
                    sample_id=sample.id,
                    task="norm",
                    variant=variant,
                    messages=messages,
                    text=f"答：{i}",
                    reading=Reading(str(i)),
                )
            )
            scores.append(
                Score(
                    sample_id=sample.id,
                    task="norm",
                    variant=variant,
                    metric="accuracy",
                    value=float(i % 3 == 0),
                    reason="expected another term",
                )
            )
    folder.write_run({"suite": {}})
    folder.write_samples(samples)
    folder.write_predictions(predictions)
    folder.write_scores(scores)
    folder.write_summary(summary)
    return folder


def test_twenty_thousand_predictions_are_shown_and_chosen_from(
    open_page: Callable[..., Any], big_folder: RunFolder
) -> None:
    big_folder.write_report(render(big_folder.finished()))
    page = open_page(big_folder)
    assert count(page) == "5,000 of 5,000 items"
    page.select_option("select[name=outcome]", "right")
    assert count(page) == "1,667 of 5,000 items"  # multiples of 3 below 5,000
