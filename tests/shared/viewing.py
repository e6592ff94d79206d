"""A viewer that answers in this process, as `harness view` starts it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.records.inputs import Language
from harness.runtime.run_shelf import RunShelf
from reports.html import render
from reports.viewer.report_desk import ReportDesk
from reports.viewer.routes import Routes
from reports.viewer.viewer_server import ViewerServer, open_server


def made_routes(root: Path, language: Language | None = None) -> Routes:
    shelf = RunShelf(root)
    return Routes(shelf, ReportDesk(shelf, render), language)


@contextmanager
def viewing(root: Path, language: Language | None = None) -> Iterator[ViewerServer]:
    with open_server(0, made_routes(root, language), print) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
