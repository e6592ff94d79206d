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
    """Whether full width, half width and other forms of the same character are equal (Unicode NFKC)."""
    punctuation: Punctuation = "drop"
    """Whether punctuation counts as written, in one form for Chinese and Western marks, or not at all."""
    case: bool = True
    """Whether upper and lower case are equal."""
    whitespace: bool = True
    """Whether differences of white space are overlooked."""

    def normal(self, text: str) -> str:
        """`text` in the form in which it is compared."""
        return normalise(text, nfkc=self.nfkc, punctuation=self.punctuation, case=self.case, whitespace=self.whitespace)
