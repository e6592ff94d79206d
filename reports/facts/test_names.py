"""Names of the tests of significance, as records write them, in the language that is spoken."""

from collections.abc import Mapping

from reports.wording import say

KEYS: Mapping[str, str] = {
    "exact McNemar": "test_names.exact_mcnemar",
    "paired permutation": "test_names.permutation",
    "paired permutation of groups": "test_names.group_permutation",
    "approximate randomisation": "test_names.randomisation",
    "approximate randomisation of groups": "test_names.group_randomisation",
    "none": "test_names.none",
}


def spoken_test(test: str) -> str:
    """E.g. "exact McNemar"; a test that is not known by name as it stands."""
    return say(KEYS[test]) if test in KEYS else test
