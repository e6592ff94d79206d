"""How much general data is mixed in: ratios as numbers and as texts, numbers of rows, and what goes together."""

import pytest
from pydantic import TypeAdapter, ValidationError

from adapters.training.mixing import Mix, MixedRows, Share, mixing_mistake

MIX: TypeAdapter[float | str | MixedRows] = TypeAdapter(Mix)


@pytest.mark.parametrize(
    ("written", "domain", "available", "rows", "keeps_domain"),
    [
        ("0.5", 12, 100, 6, True),
        ("2", 12, 100, 24, True),
        ("2", 12, 20, 20, True),  # there are no more
        ("0", 12, 100, 0, True),
        ('"1:1"', 12, 100, 12, True),
        ('"4:1"', 12, 100, 3, True),
        ('"1:0"', 12, 100, 0, True),
        ('"0:1"', 12, 100, 12, False),  # as many as the tasks have, which are left out
        ('" 0 : 2.5 "', 12, 100, 30, False),
        ('{"ratio": 1.0, "max_samples": 5}', 12, 100, 5, True),
        ('{"ratio": "0:1", "max_samples": 50}', 12, 100, 12, False),
        ('{"max_samples": 5}', 12, 100, 5, True),
        ('{"max_samples": 5}', 0, 100, 5, True),
        ("{}", 0, 100, 100, True),
    ],
)
def test_rows(written: str, domain: int, available: int, rows: int, keeps_domain: bool) -> None:
    share = Share.of(MIX.validate_json(written, strict=True))
    assert (share.count(domain, available), share.keeps_domain) == (rows, keeps_domain)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("-1", "a ratio is a number from 0 to 1,000, not -1"),
        ("NaN", "a ratio is a number from 0 to 1,000, not nan"),
        ("1e9", "for a number of rows use max_samples"),
        ('"1:9999999"', "a ratio is a number from 0 to 1,000, not 1:9999999"),
        ('"0:0"', "0:0 leaves no row to learn"),
        ('"1:-1"', "a ratio in text is written domain:general, e.g. 1:1, 2:1 or 0:1, not '1:-1'"),
        ('"half"', "not 'half'"),
        ("true", 'must be a ratio such as 0.5 or "1:1", or {max_samples: 500}, not True'),
        ("[1]", "not [1]"),
        ('{"max_samples": 0}', "greater than or equal to 1"),
        ('{"ratio": -0.5}', "a ratio is a number from 0 to 1,000, not -0.5"),
        ('{"count": 5}', "Extra inputs are not permitted"),
    ],
)
def test_what_is_no_share(written: str, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MIX.validate_json(written, strict=True)
    (error,) = caught.value.errors()
    assert message in error["msg"]


@pytest.mark.parametrize(
    ("mix", "has_domain", "message"),
    [
        ({"a": 0.5, "b": "2:1"}, True, None),
        ({"a": "0:1", "b": "0:3", "c": MixedRows(max_samples=5)}, True, None),
        ({"a": MixedRows(max_samples=5)}, False, None),
        ({"a": "0:1", "b": 0.5}, True, "mix.a leaves out the rows of tasks and texts (0:…), mix.b does not"),
        ({"a": "0:1"}, False, "mix.a: with no task in on and no text in texts there is nothing to be in a ratio to"),
        ({"a": MixedRows(ratio=1.0, max_samples=5)}, False, "or name the task and write 0:1"),
    ],
)
def test_what_goes_together(mix: dict[str, float | str | MixedRows], has_domain: bool, message: str | None) -> None:
    mistake = mixing_mistake(mix, has_domain)
    assert mistake is None if message is None else message in (mistake or "")
