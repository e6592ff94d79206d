"""How a base answers with what a method has trained for it: the adapter attached, or its own weights replaced."""

from pathlib import Path
from typing import Any

from adapters.export.merging import MERGED, merge_weights
from adapters.methods.base.network import trained_files
from adapters.methods.base.peft import BRIDGE
from adapters.models.base.engines import adapt_base, modify_base
from adapters.models.base.offline_engine import is_attachable
from harness.components.fields import written
from harness.components.method import Method
from harness.models.huggingface import HuggingFace
from harness.runtime.digests import file_digest
from harness.text.canonical import digest


def trained_engine(base: HuggingFace, method: Method, folder: Path) -> HuggingFace:
    """The model that answers with the trained weights in `folder`; they are loaded at the first call."""
    identity = {
        "component": "tuned",
        "method": written(method),
        "trained": digest({file.name: file_digest(file) for file in trained_files(folder)}),
        "packages": ["peft", *(["bitsandbytes"] if method.quantises else [])],
        **({"prefix": BRIDGE} if method.virtual_prefix else {}),
    }
    if not method.shares_base or (base.engine == "vllm" and not is_attachable(method)):

        def merged() -> Path:
            return merge_weights(base, method, folder, folder.with_name(f"{folder.name}{MERGED}"))

        return modify_base(base, identity, {}, lambda network: method.load(network, folder), merged)

    def attach(network: Any) -> tuple[Any, Any]:
        adapted = method.load(network, folder)
        return adapted, lambda: method.remove(adapted)

    return adapt_base(method.carrier(base), identity, str(folder), attach, folder)


def merged_subject(subject: str) -> str:
    """What the self-test has to prove before a model that was trained so is merged."""
    return f"{subject}, merged"
