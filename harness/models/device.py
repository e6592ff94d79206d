"""Which device a model in this process computes on."""


def chosen(device: str) -> str:
    """The device named, or for "auto" the first of CUDA, Apple's MPS and the CPU that is there."""
    import torch

    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
