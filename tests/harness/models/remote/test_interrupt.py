"""Ctrl-C ends a run within two seconds, whatever its server does; the process is a real one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.shared.paths import ROOT
from tests.shared.raw_server import RawServer, dripping, elapsed, raw_server, reply

SUITE = """
name: s
models: {{m: {{{model}}}}}
tasks:
  t:
    data: {{jsonl: {{path: rows.jsonl, input: q, target: a}}}}
    prompt: "{{{{ input }}}}"
    metrics: {{accuracy: exact_match}}
variants: {{v: {{prompting: {{model: m}}}}}}
"""
ROWS = "".join(f'{{"q": "{number}", "a": "fine"}}\n' for number in range(40))
LONG = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n"


def silent(server: RawServer) -> Iterable[bytes]:
    server.stopped.wait(60)
    return [b""]


def dripped(server: RawServer) -> Iterable[bytes]:
    return dripping(server, [LONG, *[b" "] * 90000])


def busy(server: RawServer) -> Iterable[bytes]:
    """Asks for patience after every call."""
    return [reply({"error": "later"}, 429, headers=["Retry-After: 50"])]


def flooding(server: RawServer) -> Iterable[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while not server.stopped.wait(0.05):
        yield b"1000\r\n" + b" " * 4096 + b"\r\n"


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("behaviour", [silent, dripped, busy, flooding])
def test_ctrl_c_ends_a_run(behaviour: Any, kind: str, write_suite: Callable[..., Path], tmp_path: Path) -> None:
    """The list of models is answered; calls, and with Ollama the wish to unload, meet the behaviour."""

    def answer(server: RawServer, request: bytes) -> Iterable[bytes]:
        if request.startswith(b"GET"):
            ollama = {"models": [{"model": "tiny:latest", "digest": "abc"}], "version": "0.33.0"}
            return [reply({"data": []} if kind == "openai" else ollama)]
        return [reply({"model_info": {}})] if b"/api/show" in request else behaviour(server)

    with raw_server(answer) as server:
        field = "url" if kind == "openai" else "host"
        path = write_suite(SUITE.format(model=f'{kind}: {{model: tiny, {field}: "{server.place}"}}'), rows__jsonl=ROWS)
        proxies = {"HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "OLLAMA_HOST"}
        environment = {name: value for name, value in os.environ.items() if name not in proxies}
        process = subprocess.Popen(
            [sys.executable, "-c", "from harness.cli import main; main()", "run", str(path)],
            cwd=tmp_path,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not any(b"POST" in request and b"/api/show" not in request for request in list(server.requests)):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(0.3)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert elapsed(began) < 2
    assert process.returncode == 130
    assert errors.splitlines() == ["", "interrupted; finished calls are kept: run the same command to go on"]
