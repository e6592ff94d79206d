"""Makes the quickstart's data: operations as a house's notes write them, and their names in the house's list.

`python generate.py` rewrites data/train.tsv, data/test.tsv and data/terms.txt; the seed fixes every byte.

A name in the list is approach + site + procedure. A note shortens the site, words the procedure freely and gives the
approach by the house's own sign. What a site is called in full stands only in the list; what a sign means is seen only
in train rows; and no site of a test row occurs in train. So neither the list nor the train rows alone are enough.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

from vocabulary import APPROACHES, GROUPS

FOLDER = Path(__file__).parent / "data"
SEED = 2024
TRAIN, TEST = 162, 60
TEST_SITES = 12  # of 36; the others are train's

Operation = tuple[str, str, str, tuple[str, ...]]  # site, its short form, procedure, its wordings
Rows = list[tuple[str, str]]


def operations() -> list[Operation]:
    """Every procedure on every site, both procedures of a site next to each other."""
    return [
        (site, short, procedure, wordings)
        for group in GROUPS
        for site, short in group.sites.items()
        for procedure, wordings in group.procedures.items()
    ]


def rounds(values: Sequence[Operation], rng: random.Random) -> Iterator[Operation]:
    """All operations in a random order, again and again: each comes up equally often."""
    while True:
        yield from rng.sample(values, len(values))


def rows(chosen: Sequence[Operation], number: int, rng: random.Random) -> Rows:
    """Notes and their names, the approaches by turns: every third row has the same; no note occurs twice."""
    turns = {approach: rounds(chosen, rng) for approach in APPROACHES}
    made: dict[str, str] = {}
    for approach, sign in islice(cycle(APPROACHES.items()), number):
        for site, short, procedure, wordings in turns[approach]:
            note = f"{short}{rng.choice(wordings)}，{sign}"
            if note not in made:
                made[note] = approach + site + procedure
                break
    return list(made.items())


def generate() -> dict[str, str]:
    """The content of each file by its name."""
    rng = random.Random(SEED)
    every = operations()
    new = rng.sample([site for group in GROUPS for site in group.sites], TEST_SITES)
    train = rows([operation for operation in every if operation[0] not in new], TRAIN, rng)
    test = rows([operation for operation in every if operation[0] in new], TEST, rng)
    rng.shuffle(train)
    terms = [approach + site + procedure for site, _, procedure, _ in every for approach in APPROACHES]
    rng.shuffle(terms)  # names that match a note equally well are found in the list's order: that must tell nothing
    return {"train.tsv": table(train), "test.tsv": table(test), "terms.txt": "".join(f"{term}\n" for term in terms)}


def table(lines: Rows) -> str:
    """Tab-separated, with a header."""
    return "".join(f"{note}\t{name}\n" for note, name in [("原始词", "标准词"), *lines])


if __name__ == "__main__":
    for name, content in generate().items():
        (FOLDER / name).write_text(content, encoding="utf-8", newline="\n")
