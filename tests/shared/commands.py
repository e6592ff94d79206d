"""The command `harness` in a process of its own, without the one to two seconds in which a new interpreter imports a run.

The process is forked from one that has imported it (see command_server.py): arguments, folder, environment, output and exit
status are its own. A test of what happens while an interpreter starts, or that counts on another hash seed, starts its own.
"""

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path

from tests.shared.paths import ROOT

SECONDS = 120.0  # no command of a test takes as long
PROGRAM = "from tests.shared.command_server import serve; serve({})"


def run_command(
    *arguments: str, cwd: Path, missing: Collection[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """What `harness ARGUMENTS` prints and returns in this folder, with these variables beside those of the tests.

    Packages that are missing cannot be imported.
    """
    variables = {**os.environ, **environment}
    request = {"arguments": arguments, "cwd": str(cwd), "environment": variables, "missing": list(missing)}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        reading, writing = os.pipe()
        socket.send_fds(_channel(), [json.dumps(request).encode()], [output.fileno(), errors.fileno(), writing])
        os.close(writing)
        code = _exit_code(reading)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, code, output.read().decode(), errors.read().decode())


def _exit_code(reading: int) -> int:
    with open(reading, "rb", buffering=0) as status:
        process = int(status.readline())
        if not select.select([status], [], [], SECONDS)[0]:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired("harness", SECONDS)
        return int(status.readline())


@functools.cache
def _channel() -> socket.socket:
    """To the process that forks; it ends when the tests end."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(theirs.fileno())],
            cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True,
        )  # fmt: skip

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
