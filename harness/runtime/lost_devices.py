"""A GPU that fails, or whose memory runs out, in the middle of the work: told apart from a mistake in the program."""

from harness.errors import DeviceGoneError

SIGNS = ("cuda error:", "cuda driver error", "hip error:", "nccl error", "cublas_status_", "cudnn_status_")
OWN_FAULTS = ("device-side assert",)  # a mistake in the program, which its traceback shows
NO_MEMORY = ("out of memory", "can't allocate memory", "alloc_failed")
KEPT = "what was finished is kept: run the same command again"


def device_loss(error: BaseException) -> DeviceGoneError | None:
    """What an exception of torch says of a device, in one line; None where it says nothing of the kind."""
    reason = " ".join(str(error).partition("\n")[0].split())
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(sign in text for sign in NO_MEMORY):
        return DeviceGoneError(
            f"memory ran out in the middle of the work ({reason or 'MemoryError'}); {KEPT}, with less beside it on the "
            "machine, or with a lower batch_size, another dtype or a smaller model"
        )
    if any(sign in text for sign in OWN_FAULTS) or not any(sign in text for sign in SIGNS):
        return None
    return DeviceGoneError(
        f"the GPU failed in the middle of the work ({reason}); {KEPT}, when nvidia-smi shows the device again"
    )
