"""Makes the quickstart's data: clinical terms as people write them, and the standard term for each.

`python generate.py` rewrites data/train.tsv, data/test.tsv and data/terms.txt; the seed fixes every byte.

A standard term is side + site + procedure. A written form says the same in other words: a colloquial site, a short or
colloquial procedure, another order, a homophone slip, or what surrounds a term in notes. Side, site and procedure are
always there in some wording, so that each written form has exactly one standard term.
"""

import random
import unicodedata
from itertools import product
from pathlib import Path

from vocabulary import AROUND, GROUPS, SIDES, SLIPS, Group

FOLDER = Path(__file__).parent / "data"
SEED = 2024
TRAIN, TEST = 400, 60
OPERATIONS = 55  # site + procedure that occur in train, each on one side
OTHER_SIDES = 10  # of these, on one more side: where the nearest row is easily the wrong one
NEW_IN_TEST = 14  # test rows whose standard term does not: about a quarter

Parts = tuple[str, str, str, Group]  # side, site, procedure


def standard(parts: Parts) -> str:
    """The standard term: 左侧 + 膝关节 + 置换术."""
    side, site, procedure, _ = parts
    return side + site + procedure


def all_parts() -> list[Parts]:
    """Every combination that makes sense: only paired sites have sides."""
    return [
        (side, site, procedure, group)
        for group in GROUPS
        for site, procedure in product(group.sites, group.procedures)
        for side in (SIDES if group.paired else ("",))
    ]


def write(parts: Parts, rng: random.Random) -> str:
    """One way in which somebody writes the term."""
    side, site, procedure, group = parts
    side = rng.choice(SIDES.get(side, ("",)))
    site = rng.choice((site, *group.sites[site]))
    procedure = rng.choice((procedure, *group.procedures[procedure]))
    orders = [side + site + procedure] * 4
    if side:
        orders += [f"{site}{procedure}（{side}）", f"{site}{procedure}({side})", f"{site}{side}{procedure}"]
    orders += [f"{procedure}（{side}{site}）", f"{side}{site} {procedure}"]
    text = rng.choice(orders)
    if rng.random() < 0.25:
        text = slip(text, rng)
    if rng.random() < 0.3:
        text = rng.choice(AROUND).replace("~", text)
    return text


def slip(text: str, rng: random.Random) -> str:
    """`text` with one character exchanged for one that sounds or looks the same, where there is one."""
    places = [place for place, character in enumerate(text) if character in SLIPS]
    if not places:
        return text
    place = rng.choice(places)
    return text[:place] + SLIPS[text[place]] + text[place + 1 :]


def key(text: str) -> str:
    """What two written forms must differ in: letters, digits and characters, not width or punctuation."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text)))


def rows(parts: list[Parts], number: int, taken: set[str], rng: random.Random) -> list[tuple[str, str]]:
    """`number` written forms, going round `parts`; each gets a key that is not yet in `taken`, and takes it."""
    made: list[tuple[str, str]] = []
    for turn in range(number * 50):
        if len(made) == number:
            break
        chosen = parts[turn % len(parts)]
        text = write(chosen, rng)
        if key(text) not in taken:
            taken.add(key(text))
            made.append((text, standard(chosen)))
    return made


def split(everything: list[Parts], rng: random.Random) -> tuple[list[Parts], list[Parts]]:
    """The standard terms of train, and those that occur only in test."""
    shuffled = rng.sample(everything, len(everything))
    one_side = list({parts[1:3]: parts for parts in shuffled}.values())[:OPERATIONS]
    rest = [parts for parts in shuffled if parts not in one_side]
    others = [parts for parts in rest if parts[1:3] in {known[1:3] for known in one_side}][:OTHER_SIDES]
    new = [parts for parts in rest if parts not in others][:NEW_IN_TEST]
    return one_side + others, new


def generate() -> dict[str, str]:
    """The content of each file by its name. No written form occurs twice, so each has one standard term."""
    rng = random.Random(SEED)
    everything = all_parts()
    known, new = split(everything, rng)
    taken = {key(standard(parts)) for parts in everything}  # a written form is never a standard term
    train = rows(known, TRAIN, taken, rng)
    test = rows(rng.sample(known, TEST - NEW_IN_TEST), TEST - NEW_IN_TEST, taken, rng)
    test += rows(new, NEW_IN_TEST, taken, rng)
    rng.shuffle(train)
    rng.shuffle(test)
    terms = sorted(standard(parts) for parts in everything)
    return {"train.tsv": table(train), "test.tsv": table(test), "terms.txt": "".join(f"{term}\n" for term in terms)}


def table(lines: list[tuple[str, str]]) -> str:
    """Tab-separated, with a header."""
    return "".join(f"{text}\t{term}\n" for text, term in [("原始词", "标准词"), *lines])


if __name__ == "__main__":
    for name, content in generate().items():
        (FOLDER / name).write_text(content, encoding="utf-8", newline="\n")
