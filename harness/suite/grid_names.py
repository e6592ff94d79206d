"""Names for the cells of a grid, made of their levels: readable, and as short as their differences allow."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.records.inputs import JSON

LONGEST_LEVEL = 40  # characters of a text that serves as its own name
_UNFIT = re.compile(r"[\s/\\:\x00-\x1f\x7f-\x9f]+")  # in a name
_BARE = ("model", "retriever", "knowledge")  # whose levels say by themselves what they are


def level_texts(values: Sequence[JSON]) -> list[str]:
    """A text for each level of a factor, all different: the level itself, or what distinguishes it."""
    texts = [_text(value) for value in values]
    repeated = {text for text, count in Counter(texts).items() if count > 1}
    full = [_full_text(value) if text in repeated else text for value, text in zip(values, texts, strict=True)]
    usable = [text and len(text) <= LONGEST_LEVEL for text in full]
    if all(usable) and len(set(full)) == len(full):
        return full
    return [f"{text[:LONGEST_LEVEL]}#{number}" for number, text in enumerate(texts, start=1)]


def cell_names(cells: Sequence[Mapping[str, str]]) -> list[str]:
    """The name of each cell's variant from its levels: lora+tfidf+5-shot."""
    return ["+".join(filter(None, (_fit(_part(factor, level)) for factor, level in cell.items()))) for cell in cells]


def _part(factor: str, level: str) -> str:
    """What a level adds to a name; nothing where nothing is retrieved."""
    if factor in _BARE:
        return "" if (factor, level) == ("retriever", "none") else level
    if factor == "shots":
        return f"{level}-shot"
    if level in ("true", "false"):
        return factor if level == "true" else f"no-{factor}"
    return f"{factor}={level}"


def _text(value: JSON) -> str:
    """A level in short: a component by its name."""
    if isinstance(value, dict) and len(value) == 1:
        return _text(next(iter(value)))
    return _fit("none" if value is None else str(value).lower() if isinstance(value, bool) else str(value))


def _full_text(value: JSON) -> str:
    """A component by its name and those of its parameters that are no components themselves."""
    if not (isinstance(value, dict) and len(value) == 1 and isinstance(parameters := next(iter(value.values())), dict)):
        return _text(value)
    plain = [f"{name}-{_text(own)}" for name, own in parameters.items() if not isinstance(own, dict)]
    return _fit(",".join([_text(value), *plain]))


def _fit(text: str) -> str:
    """A text without the signs that no name may have."""
    return _UNFIT.sub("_", text.strip())
