"""Which family a model is of, because a judge tends to prefer answers of its own kind (self-preference)."""

import re
from collections.abc import Mapping

from harness.components.model import Model

# Looked for in this order: a name that holds several is of the family whose weights it began as, so that
# "DeepSeek-R1-Distill-Qwen-7B" is qwen and "HuatuoGPT" is huatuo. What is short must stand by itself.
LINEAGES = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("smollm", r"smollm"),
        ("huatuo", r"huatuo"),
        ("internlm", r"internlm"),
        ("baichuan", r"baichuan"),
        ("qwen", r"qwen|qwq|tongyi"),
        ("llama", r"(?<!o)llama(?![.-]?cpp)"),  # the programs are no models
        ("mistral", r"mi[sx]tral|ministral|magistral|codestral|devstral"),
        ("gemma", r"gemma"),
        ("gemini", r"gemini"),
        ("deepseek", r"deepseek"),
        ("glm", r"glm"),
        ("claude", r"claude"),
        ("minicpm", r"minicpm"),
        ("hunyuan", r"hunyuan"),
        ("ernie", r"(?<![a-z])ernie(?![a-z])"),
        ("kimi", r"(?<![a-z])kimi(?![a-z])|moonshot"),
        ("gpt", r"(?<![a-z])(?:chat)?gpt(?![a-z]|-?neo|-?j)|(?<![a-z\d])o[134]-mini"),
        ("phi", r"(?<![a-z])phi(?![a-z])"),
        ("yi", r"(?<![a-z])yi(?![a-z])"),
        ("llama", r"vicuna|alpaca"),  # last: also the names of formats and data sets
    )
)
NAMING = ("model", "path")  # the fields that say whose weights answer


def model_lineage(model: Model, models: Mapping[str, Model]) -> str | None:
    """The family of a model in lower case, such as qwen or llama; None where nothing tells it.

    Read from the name or path of its weights. A tuned, quantised or adapted model has the family of its base, which
    is among `models`. Models of one family are related, not equal: Qwen 1.5 and Qwen 3 are one family.
    """
    base = models.get(model.base_name or "")
    lineage = None if base is None else model_lineage(base, models)
    names = [value for field in NAMING if isinstance(value := getattr(model, field, None), str)]
    return lineage or next((lineage for name in names if (lineage := name_lineage(name))), None)


def name_lineage(name: str) -> str | None:
    """The family that a model's name, hub id or path tells; the last part of a path that tells one decides."""
    place = name.lower().partition("#")[0]
    for part in reversed(re.split(r"[/\\]", place)):
        for lineage, pattern in LINEAGES:
            if pattern.search(part):
                return lineage
    return None
