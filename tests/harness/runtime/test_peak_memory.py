"""The highest point of memory since it was last forgotten."""

from pathlib import Path

import pytest

from adapters.memory.machine import return_freed_memory
from harness.runtime import peak_memory as record


@pytest.mark.skipif(not record.RESET.exists(), reason="needs Linux")
def test_the_peak_is_of_what_came_after_the_reset() -> None:
    torch = pytest.importorskip("torch")
    return_freed_memory()
    big = torch.ones(64 << 20)  # 256 MiB
    high = record.peak_memory("cpu")
    del big
    record.reset_peak("cpu")
    low = record.peak_memory("cpu")
    if "VmHWM" not in record.STATUS.read_text():
        pytest.skip("this kernel does not say")
    assert high - low > 200 << 20


def test_the_peak_where_nothing_can_be_reset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(record, "RESET", tmp_path / "absent")
    monkeypatch.setattr(record, "STATUS", tmp_path / "absent")
    record.reset_peak("cpu")
    assert record.peak_memory("cpu") > 100 << 20
