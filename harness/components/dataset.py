"""What a reader returns: the samples of one task in their splits, and what was left out on the way."""

from dataclasses import dataclass

from harness.records.inputs import Sample


@dataclass(frozen=True)
class Dataset:
    """Samples by split. Scores are computed on `test`; examples and training take from `train` only."""

    test: tuple[Sample, ...]
    train: tuple[Sample, ...] = ()
    validation: tuple[Sample, ...] = ()
    skipped: tuple[str, ...] = ()  # "file:line: reason" of each row left out under on_bad_row: skip
    division: str = ""  # how one source became these splits, in a sentence
    unlimited: tuple[Sample, ...] = ()  # the whole test split, in its order, where `test` is a sample of it

    @property
    def whole_test(self) -> tuple[Sample, ...]:
        """The test split as the source has it, however few of its items are asked."""
        return self.unlimited or self.test
