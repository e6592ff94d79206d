"""Words whose letters bear vowels, tones or points: other signs are other words, for every metric of texts."""

import pytest

from baselines.retrievers.index.tokenising import tokenise
from harness.components.metric import Mark, Metric
from harness.metrics.bleu import Bleu
from harness.metrics.chrf import Chrf
from harness.metrics.exact_match import ExactMatch
from harness.metrics.meteor import Meteor
from harness.metrics.rouge import Rouge
from harness.metrics.support.token_overlap import cut
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading
from harness.text.normalise import normalise

# Words that differ in their signs only, not in their letters
PAIRS = [
    ("काला", "कीला"),  # Hindi: black, nail
    ("दिल", "दुल"),
    ("কাল", "কুল"),  # Bengali
    ("கால்", "கில்"),  # Tamil: leg
    ("ไก่", "ไก้"),  # Thai, another tone
    ("ปี", "ปู"),  # Thai: year, crab
    ("ກາ", "ກິ"),  # Lao
    ("မီး", "မူး"),  # Burmese
    ("ខែ", "ខុ"),  # Khmer
    ("كَتَبَ", "كُتِبَ"),  # Arabic: wrote, was written
    ("سَلام", "سِلام"),
    ("שָׁלוֹם", "שִׁלּוּם"),  # Hebrew points
    ("བོད", "བུད"),  # Tibetan
]
METRICS = (Rouge(), Rouge(tokens="characters"), Rouge(tokens="words"), Meteor(), Meteor(tokens="jieba"), Bleu(), Chrf())


def value(metric: Metric, answer: str, target: str) -> float:
    item = Sample(id="1", task="t", input="", targets=(target,))
    prediction = Prediction(
        sample_id="1", task="t", variant="v", messages=(), text=answer, reading=Reading(answer=answer)
    )
    (marks,) = metric.score_batch([item], [prediction])
    mark = marks if isinstance(marks, Mark) else marks[""]
    assert mark.value is not None
    return mark.value


@pytest.mark.parametrize(
    "metric", METRICS, ids=lambda metric: f"{type(metric).__name__} {getattr(metric, 'tokens', '')}"
)
@pytest.mark.parametrize(("word", "other"), PAIRS)
def test_other_signs_are_another_word(metric: Metric, word: str, other: str) -> None:
    if isinstance(metric, Chrf):
        assert value(metric, word, other) < 90  # letters that are equal count
    else:
        assert value(metric, word, other) == pytest.approx(0.0)
    assert value(metric, word, word) >= (0.5 if isinstance(metric, Meteor) else 1.0)


@pytest.mark.parametrize("word", [word for pair in PAIRS for word in pair])
def test_a_word_is_one_token(word: str) -> None:
    assert len(cut(word, "words")) == len(cut(word, "characters")) == len(tokenise(word, "words")) == 1


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("काला घोड़ा, सफेद।", ("काला", "घोड़ा", "सफेद")),
        ("كَتَبَ الوَلَد", ("كَتَبَ", "الوَلَد")),
        ("胃炎 काला 1.5", ("胃", "炎", "काला", "1.5")),
        ("葛\U000e0100城", ("葛", "城")),  # a variant of the ideograph
        ("か\u3099ん", ("が", "ん")),
        ("x̂ cafe\u0301", ("x̂", "café")),
        ("\u200fשלום\u200e", ("שלום",)),
        ("می\u200cخواهم", ("میخواهم",)),
        ("क\u094d\u200dष", ("क्ष",)),
    ],
)
def test_tokens_of_mixed_texts(text: str, tokens: tuple[str, ...]) -> None:
    assert cut(text, "characters") == tuple(map(normalise, tokens))


@pytest.mark.parametrize("metric", [Rouge(), Meteor(), ExactMatch()], ids=lambda metric: type(metric).__name__)
@pytest.mark.parametrize(
    "answer", ["\u202bסוכרת\u202c", "سكري\u061c", "dia\u00adbetes", "胃\ufe00炎", "胃\u2066炎\u2069", "胃炎\x00"]
)
def test_what_is_not_seen_changes_no_score(metric: Metric, answer: str) -> None:
    target = "".join(character for character in answer if character.isalpha())
    assert value(metric, answer, target) == value(metric, target, target)
