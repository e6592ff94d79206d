"""What a run on a cluster is refused for before it is planned, each in a line with its remedy."""

import importlib.util
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from adapters.training.record import FILE
from harness.cli.computing import PlaceOptions
from harness.cluster import cluster_session as session
from harness.cluster.cluster_session import refuse_unfit
from harness.cluster.cluster_wish import ClusterWish
from harness.cluster.host_calls import HostReport
from harness.cluster.model_host import own_versions
from harness.cluster.processes import Demand, demands
from harness.cluster.run_place import suite_at
from harness.cluster.scratch_cache import ScratchCache
from harness.errors import HarnessError, ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.device import available, choose_device, has_bfloat16
from harness.runtime.computing_place import ComputingPlace, computed_at
from harness.stages.prepare import prepare
from harness.suite.narrowing import Narrowing
from harness.suite.parser import load_suite
from tests.shared.spread_suite import write_spread_suite

GIB = 1 << 30
CPU = ComputingPlace(device="cpu", name="a CPU", has_bfloat16=False, memory=8 * GIB)
CUDA = ComputingPlace(device="cuda", name="a card", has_bfloat16=True, memory=80 * GIB)


def node(name: str, **resources: float) -> dict[str, Any]:
    return {"Resources": {**resources, f"node:{name}": 1.0, "node:__internal_head__": 1.0}}


def demand(name: str, cpus: int, gpus: int, sharers: int) -> Demand:
    return Demand(node=f"node:{name}", cpus=cpus, gpus=gpus, sharers=sharers)


@pytest.mark.parametrize(
    ("nodes", "devices", "expected"),
    [
        ([node("a", CPU=8.0)], None, [demand("a", 8, 0, 1)]),
        ([node("a", CPU=8.0), node("b", CPU=4.0)], None, [demand("a", 8, 0, 1), demand("b", 4, 0, 1)]),
        ([node("a", CPU=8.0)], 2, [demand("a", 4, 0, 2)] * 2),
        ([node("a", CPU=2.0), node("b", CPU=8.0)], 3, [*[demand("a", 1, 0, 2)] * 2, demand("b", 8, 0, 1)]),
        ([node("a", CPU=1.0), node("b", CPU=8.0)], 3, [demand("a", 1, 0, 1), *[demand("b", 4, 0, 2)] * 2]),
        ([node("a", CPU=32.0, GPU=2.0)], "all", [demand("a", 8, 1, 2)] * 2),  # at most 8 of its 16 CPUs
        ([node("a", CPU=2.0, GPU=2.0), node("head", CPU=8.0)], None, [demand("a", 1, 1, 2)] * 2),
        ([node("a", CPU=2.0, GPU=2.0), node("b", CPU=2.0, GPU=1.0)], 1, [demand("a", 1, 1, 2)]),
    ],
)
def test_one_process_a_device(
    nodes: Sequence[Mapping[str, Any]], devices: int | Literal["all"] | None, expected: list[Demand]
) -> None:
    assert demands(nodes, devices, "") == expected


@pytest.mark.parametrize(
    ("nodes", "devices", "message"),
    [
        ([node("a", CPU=2.0)], "all", "no GPU here"),
        ([node("a", CPU=2.0)], 3, "3 are asked for, and there are 2 CPUs; write at most 2"),
        ([node("a", CPU=9.0, GPU=1.0)], 2, "2 are asked for, and there is 1 GPU; write at most 1"),
        ([node("a")], None, "neither a GPU nor a CPU"),
    ],
)
def test_more_than_there_is(nodes: Sequence[Mapping[str, Any]], devices: Any, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        demands(nodes, devices, "--devices")


def report(place: ComputingPlace = CPU, unseen: str = "", **versions: str) -> HostReport:
    return HostReport(node="n1", process=1, versions={**own_versions(), **versions}, place=place, unseen=unseen)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (report(torch="1.0"), r"the worker on n1 has other packages: torch 1\.0 \(here .*install the same"),
        (report(harness="0.0"), r"harness 0\.0 \(here "),
        (report(unseen="/home/me/cache"), "does not see /home/me/cache: set HARNESS_CACHE"),
        (report(CUDA), "computes otherwise"),
    ],
)
def test_unfit_workers(other: HostReport, message: str) -> None:
    refuse_unfit([report(), report()], ClusterWish(address="ray"))
    with pytest.raises(HarnessError, match=message) as refused:
        refuse_unfit([report(), other], ClusterWish(address="ray"))
    assert len(refused.value.lines) == 1


@contextmanager
def started(place: PlaceOptions) -> Iterator[None]:
    wish = place.wish()
    assert wish is not None
    with session.cluster_session(wish, print):
        yield


@pytest.mark.parametrize(
    ("on", "devices", "message"),
    [
        ("spark", None, r"--on spark: must be ray, .*ray://HOST:PORT"),
        ("ray://a/b", None, "must be ray"),
        ("ray://a:port", None, "must be ray"),
        ("ray://127.0.0.1:PORT", None, "127.0.0.1 does not answer on port .*ray start --head"),
        (None, "0", "--devices 0: must be a number, 1 or more, or all"),
        (None, "-1", "--devices -1: must be"),
        (None, "two", "--devices two: must be"),
        ("ray", "2", r"--on ray --devices 2 needs the package ray: pip install 'domain-harness\[ray\]'"),
    ],
)
def test_refused_before_anything_starts(
    on: str | None, devices: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        on = on and on.replace("PORT", str(free.getsockname()[1]))  # bound, and nobody listens
        have = importlib.util.find_spec
        is_missing = "package ray" in message
        monkeypatch.setattr(session, "find_spec", lambda name: None if is_missing else have("json"))
        with pytest.raises(HarnessError, match=message), started(PlaceOptions(on=on, devices=devices)):
            pass


def test_a_cluster_that_is_named_and_gone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By RAY_ADDRESS, or by what a cluster of this machine has left behind."""
    pytest.importorskip("ray", reason="needs the extra `ray`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(f"{address}\n")
        monkeypatch.setattr(session.tempfile, "tempdir", str(tmp_path))
        for source in ("ray/ray_current_cluster", "RAY_ADDRESS"):
            message = (
                f"--on ray: .*{source} names a cluster at {address}, and 127.0.0.1 does not answer on port .*ray st"
            )
            with pytest.raises(HarnessError, match=message), started(PlaceOptions(on="ray")):
                pass
            monkeypatch.setenv("RAY_ADDRESS", address)


def test_checks_go_by_where_the_network_computes(tmp_path: Path) -> None:
    with computed_at(CUDA):
        assert (choose_device("auto"), choose_device("cpu"), available("cuda")) == ("cuda", "cpu", 80 * GIB)
        assert has_bfloat16("cuda")
        assert HuggingFace(path=str(tmp_path)).dtype_name == "bfloat16"
    assert choose_device("auto") == "cpu"


def test_what_is_trained_goes_by_the_devices_of_the_workers(
    write_suite: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No GPU is here: a session that only says what its workers compute with stands for the cluster."""
    pytest.importorskip("peft", reason="needs the extra `local`")
    path = write_spread_suite(write_suite)
    path.write_text(path.read_text().replace("dtype: float32, device: cpu, ", ""))
    monkeypatch.setattr(session, "cluster_session", lambda wish, say: computed_at(CUDA))
    suite = load_suite(path)
    prepare(suite)
    for name in ("lora", "wide"):
        folder = suite.models[name].folder  # type: ignore[attr-defined]
        folder.mkdir(parents=True)
        (folder / FILE).write_text("{}")
    narrowing = Narrowing(skips_training=True)
    with suite_at(None, path, narrowing, print) as (here, _):
        assert not here.scope.untrained
    with suite_at(ClusterWish(devices=2), path, narrowing, print) as (there, _):
        assert there.scope.untrained == {"lora": "lora", "wide": "wide", "rag": "lora"}


def test_a_model_that_no_worker_can_hold(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra `local`")
    from harness.selftest.tiny_models import CHATML, save_model

    save_model(tmp_path / "model", "Llama", CHATML, 3)
    model = HuggingFace(path=str(tmp_path / "model"), device="cpu")
    model.check()
    small = ComputingPlace(device="cpu", name="a CPU", has_bfloat16=False, memory=1000)
    with computed_at(small), pytest.raises(ModelError, match=r"needs .* GiB in .*, the device has 0\.0 GiB"):
        model.check()


def test_what_a_worker_made_is_taken_by_the_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    for folder in ("trained/base", "trained/half.partial", "models/m"):
        (cache / folder).mkdir(parents=True)
    scratch = ScratchCache(cache, "making-x")
    monkeypatch.setenv("HARNESS_CACHE", "")
    scratch.open()
    seen = scratch.path / "trained"
    assert [path.name for path in seen.iterdir()] == ["base"]  # read there, and not copied
    assert (scratch.path / "models" / "m").is_dir()
    (seen / "lora").mkdir()
    (seen / "lora2.partial").mkdir()
    scratch.open()  # after it was killed: what it had begun is still there
    assert (seen / "lora2.partial").is_dir()
    scratch.take()
    assert sorted(path.name for path in (cache / "trained").iterdir()) == ["base", "half.partial", "lora"]
    assert not (cache / "cluster").exists()
