"""The explorer in a real browser: patterns, orders, keys, addresses, differences, files and both languages."""

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.records.inputs import Sample
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder
from harness.runtime.run_shelf import RunShelf
from reports.html import render
from reports.viewer.report_desk import ReportDesk
from reports.viewer.routes import Routes
from reports.viewer.viewer_server import ViewerServer, open_server
from tests.shared.browsing import CONTRAST, DESK, PHONE, cells, count, item_labels

pytestmark = pytest.mark.browser


def opened(page: Any) -> str:
    page.locator("article.item").wait_for()
    return page.locator("article.item").get_attribute("aria-label")


# From norm_right and exam_right in conftest.py: zero-shot right at even i; few-shot-nearest unless 3 divides i; rag unless
# 5 divides i, unknown at 7 and 14. exam: zero-shot right to 3, few-shot-nearest to 4, rag from 2.
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        # norm: rag right at odd i that 5 does not divide, and not 7: 15 - 3 (5 15 25) - 1 = 11; exam: 4 5 6
        ({"rag": "right", "zero-shot": "wrong"}, 14),
        ({"rag": "unknown"}, 2),
        # of them 3 divides neither
        ({"rag": "unknown", "few-shot-nearest": "right"}, 2),
        ({"rag": "unknown", "zero-shot": "right"}, 1),
        # norm: 15 alone divides by 2 not, by 3 and 5: 15; exam: none, since rag is wrong at 1 alone, where others are right
        ({"rag": "wrong", "zero-shot": "wrong", "few-shot-nearest": "wrong"}, 1),
        ({"rag": "partly"}, 0),
        # norm: even i neither 3 nor 5 divides: 8, less 14; exam: 2 3
        ({"rag": "right", "zero-shot": "right", "few-shot-nearest": "right"}, 9),
    ],
)
def test_patterns(open_page: Callable[..., Any], folder: RunFolder, pattern: dict[str, str], expected: int) -> None:
    page = open_page(folder)
    for variant, outcome in pattern.items():
        page.get_by_label(f"{variant}: show only the items").select_option(outcome)
    assert count(page) == f"{expected} of 36 items"
    again = open_page(folder, page.evaluate("location.hash"))
    assert count(again) == count(page)
    again.get_by_role("button", name="Reset").click()
    assert count(again) == "36 of 36 items"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("#task=exam", ["exam e1", "exam e2", "exam e3", "exam e4", "exam e5", "exam e6"]),
        ("#task=exam&reverse=1", ["exam e6", "exam e5", "exam e4", "exam e3", "exam e2", "exam e1"]),
        # right of 3: e1 2, e2 and e3 3, e4 2, e5 and e6 1
        ("#task=exam&sort=difficulty", ["exam e5", "exam e6", "exam e1", "exam e4", "exam e2", "exam e3"]),
        # spread: none where all agree, the same for 1 and for 2 of 3
        ("#task=exam&sort=disagreement", ["exam e1", "exam e4", "exam e5", "exam e6", "exam e2", "exam e3"]),
        ("#task=exam&sort=variant:rag", ["exam e1", "exam e2", "exam e3", "exam e4", "exam e5", "exam e6"]),
        (
            "#task=exam&sort=variant:zero-shot",
            ["exam e4", "exam e5", "exam e6", "exam e1", "exam e2", "exam e3"],
        ),
        # what is unknown comes last, whichever way
        ("#right=few-shot-nearest&unknown=rag&sort=variant:rag", ["norm n07", "norm n14"]),
        # edits are 4 × (1 − right): few at norm n02, where all are right, first
        ("#sort=metric:norm.edits&q=n0&task=norm", ["norm n02", "norm n04", "norm n08"]),
        # the longest question has 17 characters (i divisible by 6 is 0: 左膝…, 4: 阵发性…)
        ("#sort=question&task=norm", ["norm n04", "norm n10", "norm n16", "norm n22", "norm n28"]),
        ("#sort=nonsense&task=exam", ["exam e1", "exam e2"]),
        ("#sort=variant:nobody&task=exam", ["exam e1", "exam e2"]),
    ],
)
def test_orders(open_page: Callable[..., Any], folder: RunFolder, address: str, expected: list[str]) -> None:
    assert item_labels(open_page(folder, address))[: len(expected)] == expected


@pytest.mark.parametrize("reverse", ["", "&reverse=1"])
def test_what_is_unknown_comes_last(open_page: Callable[..., Any], folder: RunFolder, reverse: str) -> None:
    labels = item_labels(open_page(folder, f"#task=norm&right=few-shot-nearest&sort=variant:rag{reverse}"))
    # few-shot-nearest is right at 20 of them; of those rag is wrong at 5 10 20 25, unknown at 7 14
    assert len(labels) == 20
    assert labels[-2:] == ["norm n07", "norm n14"]
    wrong = ["norm n05", "norm n10", "norm n20", "norm n25"]
    assert (labels[-6:-2] if reverse else labels[:4]) == wrong


def test_a_column_sorts(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#task=exam")
    page.get_by_role("button", name="zero-shot").click()
    assert item_labels(page)[0] == "exam e4"
    assert page.locator("[aria-sort=ascending]").count() == 1
    page.get_by_role("button", name="zero-shot").click()
    assert item_labels(page)[0] == "exam e1"
    assert page.locator("select[name=sort] option:checked").inner_text() == "answers of zero-shot"
    page.select_option("select[name=outcome]", "right")  # another filter keeps the order
    assert page.evaluate("location.hash") == "#task=exam&outcome=right&sort=variant%3Azero-shot&reverse=1"


def test_keys(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder)
    for key, label in (("j", "norm n01"), ("j", "norm n02"), ("j", "norm n03"), ("k", "norm n02")):
        page.keyboard.press(key)
        page.locator(f"article.item[aria-label='{label}']").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#item").is_visible()
    assert page.evaluate("document.activeElement.id") == "items"
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert opened(page) == "norm n03"
    active = page.locator("#items").get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-label") == "rag: right 100 %"
    assert page.locator("#cell-note").inner_text() == "The answer of rag to n03: right (100 %)."
    page.keyboard.press("/")
    page.keyboard.type("j?k")  # in a field they are letters
    assert page.get_by_label("Search").input_value() == "j?k"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    page.get_by_label("Search").fill("")
    page.locator("#items").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.locator("article.item[aria-label='exam e6']").wait_for()
    page.keyboard.press("j")  # there is no next one
    assert opened(page) == "exam e6"


def test_back_closes_what_was_opened(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#task=exam", view=PHONE)
    page.locator('[data-item="exam/e2"]').click()
    assert opened(page) == "exam e2"
    box = page.locator("#item").bounding_box()
    assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, PHONE["width"], PHONE["height"])
    page.go_back()
    page.locator("article.item").wait_for(state="detached")
    assert count(page) == "6 of 36 items"


def test_an_item_that_the_filters_leave_out_says_so(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#task=exam&sample=norm%2Fn05")
    assert opened(page) == "norm n05"
    assert count(page) == "6 of 36 items · norm/n05 is open, though the filters leave it out"


def test_differences(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#sample=norm/n01")  # expected 肩袖损伤; zero-shot says 干眼症
    opened(page)
    zero = page.get_by_role("region", name="zero-shot").locator(".answer-text")
    assert (zero.locator("del").inner_text(), zero.locator("ins").inner_text()) == ("肩袖损伤", "干眼症")
    rag = page.get_by_role("region", name="rag").locator(".answer-text")
    assert rag.locator("ins, del").count() == 0
    page.get_by_label("Differences against").select_option("rag")
    assert zero.locator("ins").inner_text() == "干眼症"
    page.get_by_label("Differences against").select_option("none")
    assert page.locator(".reply ins, .reply del").count() == 0
    assert zero.inner_text().endswith("干眼症")
    assert page.evaluate("location.hash") == "#against=none&sample=norm%2Fn01"


DIFFERENCES = [
    # expected, answer, what is shown with -missing- and +extra+
    ("abc def", "abc def", "abc def"),
    ("the left knee", "the right knee", "the -left-+right+ knee"),
    ("膝关节疼痛", "左膝关节痛", "+左+膝关节-疼-痛"),
    ("", "x", "+x+"),
    ("a b c d", "", "-a b c d-"),
    ("体温 38.5 ℃", "体温 39.5 ℃", "体温 -38-+39+.5 ℃"),
    ("🩺👍", "🩺👎", "🩺-👍-+👎+"),
    ("甲乙丙", "子乙丑", "-甲乙丙-+子乙丑+"),  # a letter that is the same by chance
    ("AABBCC", "AABBCC\n", "AABBCC+\n+"),
]


@pytest.mark.parametrize(("expected", "answer", "shown"), DIFFERENCES)
def test_what_differs(open_page: Callable[..., Any], folder: RunFolder, expected: str, answer: str, shown: str) -> None:
    page = open_page(folder)
    source = Path("reports/assets/difference.js").read_text(encoding="utf-8")
    runs = page.evaluate(
        f"([from, to]) => {{ {source}\n return runsOf(difference(tokensOf(from), tokensOf(to))); }}", [expected, answer]
    )
    marks = {"same": "", "missing": "-", "extra": "+"}
    assert "".join(f"{marks[run['kind']]}{run['text']}{marks[run['kind']]}" for run in runs) == shown


def test_long_answers_are_compared_at_once_and_too_different_ones_are_not(
    open_page: Callable[..., Any], folder: RunFolder
) -> None:
    page = open_page(folder)
    source = Path("reports/assets/difference.js").read_text(encoding="utf-8")
    times = page.evaluate(f"""() => {{ {source}
      const long = Array.from({{ length: 5000 }}, (_, at) => String.fromCodePoint(0x4e00 + (at * 7919) % 3000)).join("");
      const changed = [...long].map((letter, at) => (at % 10 ? letter : "变")).join("");
      const start = performance.now();
      const steps = difference(tokensOf(long), tokensOf(changed));
      const back = steps.filter(([kind]) => kind !== "missing").map(([, token]) => token).join("") === changed;
      const forth = steps.filter(([kind]) => kind !== "extra").map(([, token]) => token).join("") === long;
      const other = [...long].reverse().join("");
      return [back, forth, performance.now() - start, difference(tokensOf(long), tokensOf(other))];
    }}""")
    assert times[:2] == [True, True]
    assert times[2] < 2_000
    assert times[3] is None


def downloaded(page: Any, name: str) -> str:
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_the_chosen_items_as_a_table(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#unknown=rag&reverse=1")
    text = downloaded(page, "CSV ↓")
    assert text.startswith("\ufefftask,id,question,expected,zero-shot: outcome")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["id"] for row in rows] == ["n14", "n07"]
    assert rows[1]["question"] == "右侧肩袖部分撕裂"
    assert (rows[1]["rag: outcome"], rows[1]["rag: value"], rows[1]["rag: answer"]) == ("unknown", "", "")
    assert (rows[1]["zero-shot: outcome"], rows[1]["zero-shot: value"]) == ("wrong", "0")
    assert rows[1]["zero-shot: reply"] == "标准词：干眼症。"
    lines = [json.loads(line) for line in downloaded(page, "JSONL ↓").splitlines()]
    assert [line["id"] for line in lines] == ["n14", "n07"]
    assert lines[0]["few-shot-nearest: value"] == 1
    assert lines[0]["rag: value"] is None
    assert count(page) == "2 of 36 items"
    page.select_option("select[name=task]", "exam")
    assert page.get_by_role("button", name="CSV ↓").is_disabled()  # nothing is chosen


FORMULAS = [
    ("=1+1", "'=1+1"),
    ("+49 170", "'+49 170"),
    ("-5", "'-5"),
    ("@SUM(A1)", "'@SUM(A1)"),
    (" =1", "' =1"),
    ("\t=1", "'\t=1"),
    ("＝1", "'＝1"),
    ('say "hi", twice', 'say "hi", twice'),
    ("two\nlines", "two\nlines"),
    ("plain", "plain"),
]


def test_a_table_holds_no_formula(open_page: Callable[..., Any], make_folder: Callable[..., RunFolder]) -> None:
    empty = Summary(name="=x", reference=None, headline=(), metrics={}, results=(), comparisons=(), usage=())
    samples = [Sample(id=text, task="t", input=text, targets=(text,)) for text, _ in FORMULAS]
    page = open_page(make_folder(empty, samples, [], []))
    rows = list(csv.DictReader(io.StringIO(downloaded(page, "CSV ↓").removeprefix("\ufeff"), newline="")))
    assert [(row["id"], row["question"], row["expected"]) for row in rows] == [(safe,) * 3 for _, safe in FORMULAS]


def test_the_open_item_as_json(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#sample=norm/n05")
    opened(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as JSON").click()
    page.locator("#item-json", has_text="Copied").wait_for()
    item = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert item["input"] == "腰椎间盘突出伴左下肢放射痛"
    zero = item["answers"][0]
    assert zero["messages"][1]["content"].endswith("原始词：腰椎间盘突出伴左下肢放射痛\n标准词：")
    assert zero["scores"][0] == {
        "metric": "accuracy", "outcome": "wrong", "figure": "0 %",
        "reason": "expected 腰椎间盘突出##坐骨神经痛, got 膝关节疼痛", "error": None,
    }  # fmt: skip
    assert item["answers"][2]["passages"][0]["text"] == "膝关节疼痛：左膝关节置换术后疼痛"


def test_hostile_names_and_answers_leave_as_they_are(open_page: Callable[..., Any], nasty_folder: RunFolder) -> None:
    nasty = nasty_folder.summary().name
    page = open_page(nasty_folder, f"#sample={quote(f'task.x/{nasty}')}")
    opened(page)
    page.get_by_label("Differences against").select_option("none")
    row, *_ = csv.DictReader(io.StringIO(downloaded(page, "CSV ↓").removeprefix("\ufeff"), newline=""))
    assert row["id"] == row["question"] == nasty
    assert row[f"{nasty}: reply"] == nasty
    page.locator("#items .pattern").select_option("unknown")
    assert count(page).startswith("1 of 3 items")
    assert nasty in page.locator("#patterns").text_content()
    page.locator("#items .variant-name").click()
    assert nasty in page.locator("select[name=sort] option:checked").text_content()
    assert page.title() == f"{nasty} – report"
    assert page.locator("img").count() == 0


def test_the_language_changes_and_the_state_stays(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#wrong=zero-shot&sort=difficulty&sample=norm%2Fn05")
    opened(page)
    page.get_by_role("button", name="中文").click()
    assert count(page) == "36 个样本中的 18 个"
    assert opened(page) == "norm n05"
    assert "参考答案" in page.locator("#item").inner_text()
    assert page.get_by_label("zero-shot：只显示此结果的样本").input_value() == "wrong"
    page.locator("#items").focus()
    page.keyboard.press("j")
    page.get_by_role("button", name="English").click()
    assert count(page) == "18 of 36 items"
    page.get_by_label("zero-shot: show only").select_option("")
    assert count(page) == "36 of 36 items"


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("view", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.nightly), "zh"])
@pytest.mark.parametrize(
    ("name", "item"), [("folder", "norm/n05"), ("grounded_folder", "norm/n08"), ("judged_folder", "report/r01")]
)
def test_an_open_item_fits_and_reads(
    open_page: Callable[..., Any], request: pytest.FixtureRequest, name: str, item: str, view: dict[str, int],
    scheme: str, language: str,
) -> None:  # fmt: skip
    page = open_page(request.getfixturevalue(name), f"#sample={quote(item, '')}", view, scheme, language)
    opened(page)
    page.evaluate("document.querySelectorAll('#item details').forEach(part => { part.open = true; })")
    page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= view["width"]
    assert page.locator("#item").evaluate("pane => pane.scrollWidth <= pane.clientWidth")
    assert page.evaluate(CONTRAST) == []


def test_every_figure_says_what_it_is(open_page: Callable[..., Any], folder: RunFolder) -> None:
    page = open_page(folder, "#sample=norm/n05")
    opened(page)
    for place in ("[role=gridcell].cell", "[role=columnheader]", ".share", ".scores", ".reply > .hint"):
        lacking = page.locator(f".explorer {place}").evaluate_all(
            "all => all.filter(element => !element.closest('[data-explain]')?.dataset.explain)"
        )
        assert lacking == []
    cell = page.locator('[data-item="norm/n05"] .cell').first
    assert cell.get_attribute("data-explain") == "The answer of zero-shot to n05: wrong (0 %)."
    assert cells(page, "norm/n07")[2] == "rag: unknown"


def test_many_items_make_no_long_page(open_page: Callable[..., Any], folder: RunFolder, summary: Summary) -> None:
    page = open_page(folder)
    assert page.locator("#items [data-item]").count() <= 36
    assert page.locator("#samples").bounding_box()["height"] < 1_400
    page.locator("#items").evaluate("grid => { grid.scrollTop = 1e6; }")
    page.locator('[data-item="exam/e6"]').wait_for()


@pytest.fixture(scope="module")
def served_page(tmp_path_factory: pytest.TempPathFactory, folder: RunFolder) -> Path:
    """The page of a run that is too large for one file."""
    patch = pytest.MonkeyPatch()
    patch.setattr("reports.facts.item_packing.MOST_PACKED", 1)
    path = tmp_path_factory.mktemp("served") / "report.html"
    path.write_text(render(folder.finished()), encoding="utf-8")
    patch.undo()
    return path


def test_a_page_without_its_items_says_how_to_read_them(served_page: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto(f"{served_page.as_uri()}#sample=norm/n05")
    page.get_by_text("run `harness view RUN` to read the items").first.wait_for()
    assert page.locator("#items .cell").count() > 60  # the matrix is there, and is filtered
    page.get_by_label("rag: show only").select_option("unknown")
    assert count(page).startswith("2 of 36 items")
    page.close()


@pytest.fixture
def viewer(
    make_folder: Callable[..., RunFolder], folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ViewerServer]:
    """The viewer as `harness view` starts it, on a run whose page does not hold its items."""
    monkeypatch.setattr("reports.facts.item_packing.MOST_PACKED", 1)
    run = make_folder(folder.summary(), folder.samples(), folder.predictions(), folder.scores())
    shelf = RunShelf(run.path)
    with open_server(0, Routes(shelf, ReportDesk(shelf, render)), print) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_server_gives_the_items(viewer: ViewerServer, browser: Any) -> None:
    page = browser.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    asked: list[str] = []
    page.on("response", lambda reply: asked.append(f"{reply.url.rpartition('/')[2]} {reply.status}"))
    page.goto(f"http://127.0.0.1:{viewer.port}{viewer.routes.start}#sample=norm/n05")
    assert opened(page) == "norm n05"
    assert "腰椎间盘突出伴左下肢放射痛" in page.locator("#item").inner_text()
    page.get_by_label("Search").fill("双眼干涩")
    page.locator("#count", has_text="5 of 36 items").wait_for()
    assert [reply for reply in asked if "-" in reply] == ["0-35 200"]
    assert problems == []
    page.close()
