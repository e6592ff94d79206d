"""Random rows, and items that are those rows a little altered: what a leak looks like."""

import random

SOME = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"


def changed(text: str, edits: int, chance: random.Random) -> str:
    """`text` with some characters replaced, inserted or taken away."""
    letters = list(text)
    for _ in range(edits):
        at = chance.randrange(len(letters))
        letters[at : at + chance.randrange(2)] = chance.choice(["", *SOME])
    return "".join(letters)


def material(
    seed: int, size: int, length: tuple[int, int], share: float = 0.125
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Rows, and items that are rows with one change up to `share` of their characters."""
    chance = random.Random(seed)
    texts = ["".join(chance.choices(SOME, k=chance.randint(*length))) for _ in range(size)]
    items = [changed(text, chance.randint(1, max(1, int(len(text) * share))), chance) for text in texts]
    chance.shuffle(texts)
    return [(f"i{n}", text) for n, text in enumerate(items)], [(f"r{n}", text) for n, text in enumerate(texts)]
