"""A process that has imported what a run needs, and forks for each command that tests ask of it."""

import atexit
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterable
from importlib.abc import MetaPathFinder
from typing import NoReturn

PACKAGES = ("harness.cli", "harness.runtime", "harness.stages", "harness.suite", "harness.summary", "reports")
MODULES = ("harness.run", "harness.printing", "baselines.variants.prompting", "harness.models.scripted",
           "harness.answers.text", "harness.metrics.exact_match", "psutil", "scipy.stats")  # fmt: skip


class NotInstalled(MetaPathFinder):
    """Packages that are not there, whatever is installed."""

    def __init__(self, packages: Iterable[str]) -> None:
        self.packages = frozenset(packages)

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self.packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def serve(descriptor: int) -> NoReturn:
    """Answers requests until the tests end.

    A request is a datagram of `arguments`, `cwd`, `environment` and `missing`, the packages that cannot be imported, with
    three files: standard output, standard error, and where the number of the process and, in the end, its exit code are
    written, a line each.
    """
    _import_all()
    channel = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        message, files, _, _ = socket.recv_fds(channel, 1 << 20, 3)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            channel.close()
            _run(json.loads(message), *files)
        for file in files:
            os.close(file)


def _import_all() -> None:
    for name in (*PACKAGES, *MODULES):
        importlib.import_module(name)
    for name in PACKAGES:
        for module in pkgutil.walk_packages(sys.modules[name].__path__, f"{name}."):
            importlib.import_module(module.name)


def _run(request: dict, output: int, errors: int, status: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        os.write(status, b"%d\n" % child)
        _, ended = os.waitpid(child, 0)
        os.write(status, b"%d\n" % os.waitstatus_to_exitcode(ended))
        os._exit(0)
    os.dup2(output, 1)
    os.dup2(errors, 2)
    for file in (output, errors, status):
        os.close(file)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]
    if request["missing"]:
        assert not sys.modules.keys() & set(request["missing"]), "imported before anything asked for it"
        sys.meta_path.insert(0, NotInstalled(request["missing"]))
    code = _exit_code()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking apart what was imported would cost more than most commands


def _exit_code() -> int:
    """As the interpreter ends: what an exception leaves on standard error and as the code."""
    from harness.cli import main

    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
