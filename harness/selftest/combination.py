"""What a self-test's results hold for: versions of packages, our own, and the device."""

import platform

import harness
from harness.components.packages import remedy_for
from harness.errors import ModelError
from harness.models.local.device import choose_device
from harness.runtime.provenance import processor_name, versions

DEVICES = ("auto", "cpu", "cuda", "mps")
PACKAGES = ("torch", "transformers", "tokenizers", "peft", "accelerate", "bitsandbytes", "llguidance")


def combination_on(device: str) -> dict[str, str]:
    """The combination on a device; "auto": the one that models take. Raises ModelError for one that is not there."""
    if remedy := remedy_for(("torch", "transformers", "peft")):
        raise ModelError(f"the self-test proves models in this process, and needs {remedy}")
    import torch

    if device not in DEVICES:
        raise ModelError(f"device {device} is not known: it must be one of {', '.join(DEVICES)}")
    device = choose_device(device)
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}.get(device, True)
    if not present:
        raise ModelError(
            f"device: {device} is not on this machine, as torch {torch.__version__} sees it; set device: cpu"
        )
    return {
        "harness": harness.__version__,
        "python": platform.python_version(),
        **versions(PACKAGES),
        "device": device,
        "hardware": torch.cuda.get_device_name() if device == "cuda" else processor_name(),
    }
