"""Packages that a light installation lacks: which a component is made with, and the command that installs them."""

import importlib.util
from collections.abc import Sequence

LOCAL = "local"
EXTRAS = {
    "bert_score": "bertscore",
    "bitsandbytes": "train",
    "lm_eval": "lm-eval",
    "vllm": "vllm",
}  # LOCAL brings the others
MODULES = {  # what tells that an extra is installed
    LOCAL: "torch", "train": "bitsandbytes", "bertscore": "bert_score", "documents": "markitdown",
    "lm-eval": "lm_eval", "hub": "datasets", "ray": "ray", "vllm": "vllm",
}  # fmt: skip


def remedy_for(modules: Sequence[str]) -> str | None:
    """Which of these modules cannot be imported, and the command that installs them; None where all can."""
    missing = [module for module in modules if not is_installed(module)]
    if not missing:
        return None
    extras = dict.fromkeys(EXTRAS.get(module, LOCAL) for module in missing)
    verb = "is" if len(missing) == 1 else "are"
    names = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
    return f'{names}, which {verb} not installed: pip install "domain-harness[{",".join(extras)}]"'


def is_extra_installed(extra: str) -> bool:
    """Whether an extra of the installation is there, as far as its first package tells."""
    return is_installed(MODULES[extra])


def is_installed(module: str) -> bool:
    """Whether a module can be imported, without importing it. A folder of its name in the way is no package."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None
