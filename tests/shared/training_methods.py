"""Every training method at the size of a tiny model, plainly and in its variations."""

from typing import Any

from harness.components.method import Method
from harness.components.registry import find

RATES = {"full": 3e-3, "freeze": 1e-2, "ia3": 0.1, "prefix": 0.1, "prompt": 0.1}  # a model of 64 dimensions needs more
CASES: dict[str, dict[str, Any]] = {
    "full": {}, "freeze": {"last": 1, "norm": True, "head": True}, "lora": {"r": 4}, "qlora": {"r": 4},
    "prefix": {"tokens": 4}, "prompt": {"tokens": 4}, "ia3": {}, "bottleneck": {"width": 8},
}  # fmt: skip
VARIED: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, parameters) for name, parameters in CASES.items()},
    "dora": ("lora", {"r": 4, "dora": True}),
    "rslora": ("lora", {"r": 4, "rslora": True, "targets": "attention", "dropout": 0.1}),
    "fp4": ("qlora", {"r": 4, "quant": "fp4", "double_quant": False}),
    "projected": ("prefix", {"tokens": 4, "projection": True, "hidden": 16}),
    "p-tuning": ("prompt", {"tokens": 4, "encoder": "mlp"}),
    "p-tuning-lstm": ("prompt", {"tokens": 4, "encoder": "lstm"}),
    "modules": ("freeze", {"last": 0, "modules": ["layers.0.mlp"]}),
}


def method(name: str, **parameters: Any) -> Method:
    made = find("method", name)(**parameters)
    assert isinstance(made, Method)
    return made
