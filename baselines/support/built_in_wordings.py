"""What the product itself writes into the prompts of variants, by language."""

from functools import cache
from importlib.resources import files

from harness.records.inputs import Language
from harness.text.templates import Template

MARKERS: dict[Language, str] = {"zh": "答案：", "en": "Answer: "}  # what the final answer follows after reasoning


@cache
def built_in(name: str, language: Language) -> Template:
    """A template of baselines/prompts."""
    path = f"prompts/{name}_{language}.j2"
    return Template(files("baselines").joinpath(path).read_text(encoding="utf-8"), f"baselines/{path}")
