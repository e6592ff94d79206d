"""Names that a run makes: what is written is read back, and a user's own name is left as it is."""

import pytest

from harness.records.derived_names import FreshnessProbe, direct_variant, reported_name, seed_suffix, without_seed


def test_a_model_asked_by_itself_is_reported_by_its_own_name() -> None:
    assert direct_variant("lora") == "model:lora"
    assert reported_name("model:lora") == reported_name("lora") == "lora"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lora" + seed_suffix(2), "lora"),
        ("lora-100~12", "lora-100"),
        ("~1", ""),  # a suffix by itself
        ("lora", "lora"),
        ("lora~b", "lora~b"),  # names of the author's own
        ("lora~", "lora~"),
        ("lora~2~1", "lora~2"),
    ],
)
def test_the_seed_of_a_name(name: str, expected: str) -> None:
    assert without_seed(name) == expected


@pytest.mark.parametrize("version", ["before", "after", "withdrawn"])
def test_a_probe_is_read_as_it_is_written(version: str) -> None:
    probe = FreshnessProbe("norm", "icd-9", version)
    assert str(probe) == f"norm@icd-9-{version}"
    assert FreshnessProbe.parse(str(probe), ["norm", "other"]) == probe
    assert FreshnessProbe.parse(str(probe), ["other"]) is None


def test_a_probe_belongs_to_the_task_with_the_longest_name() -> None:
    probe = FreshnessProbe.parse("norm@a@icd-after", ["norm", "norm@a"])
    assert probe == FreshnessProbe("norm@a", "icd", "after")
