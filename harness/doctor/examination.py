"""Everything that is looked at, in the order in which it is told."""

from collections.abc import Callable, Iterator

from harness.doctor.disk_and_network import look_at_cache, look_at_disk, look_at_fonts, look_at_hub, look_at_ollama
from harness.doctor.installation import (
    look_at_device,
    look_at_four_bits,
    look_at_packages,
    look_at_python,
    look_at_search,
)
from harness.errors import HarnessError
from harness.records.diagnoses import Diagnosis

Look = Callable[[], Iterator[Diagnosis]]
LOOKS: dict[str, Look] = {
    "Python": look_at_python,
    "packages": look_at_packages,
    "device": look_at_device,
    "faiss search": look_at_search,
    "4 bits": look_at_four_bits,
    "Ollama": look_at_ollama,
    "disk": look_at_disk,
    "cache": look_at_cache,
    "hub": look_at_hub,
    "fonts": look_at_fonts,
}


def examine_machine() -> Iterator[Diagnosis]:
    """Each diagnosis as it is made. What cannot even be looked at is a diagnosis, too: the others are still made."""
    for subject, look in LOOKS.items():
        try:
            yield from look()
        except HarnessError as error:
            yield Diagnosis(
                subject=subject, state="problem", text=str(error), is_essential=subject in ("disk", "cache")
            )
        except Exception as error:  # a broken library may raise anything
            reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            yield Diagnosis(
                subject=subject,
                state="problem" if subject in ("disk", "cache") else "warning",
                text=f"cannot be looked at: {reason}",
                remedy='pip install --force-reinstall "domain-harness[local]"' if subject in _LIBRARIES else "",
            )


_LIBRARIES = ("packages", "device", "faiss search", "4 bits")
