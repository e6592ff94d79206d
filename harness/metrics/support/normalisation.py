"""Which differences between two texts a metric overlooks: the switches that several metrics share."""

from harness.components.component import Component
from harness.text.normalise import Punctuation, normalise


class Normalisation(Component):
    """Switches of `harness.text.normalise.normalise`. By default only differences without meaning are overlooked.

    punctuation: "drop" overlooks commas, full stops, quotes and brackets (as SQuAD does), not + - < > % / # and nothing
    that belongs to a number (1.5, .5, 12:30; but 1,000 is 1000); "unify" only their full-width and CJK forms; "keep"
    nothing.
    """

    nfkc: bool = True
    punctuation: Punctuation = "drop"
    case: bool = True
    whitespace: bool = True

    def normal(self, text: str) -> str:
        """`text` in the form in which it is compared."""
        return normalise(text, nfkc=self.nfkc, punctuation=self.punctuation, case=self.case, whitespace=self.whitespace)
