"""Several calls at once, in threads that nobody has to wait for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def map_in_threads(function: Callable[[int, threading.Event], T], count: int, workers: int) -> list[T]:
    """What `function(index, stopped)` returns for each index, in their order; the first exception is raised.

    The threads are daemons: Ctrl-C ends the waiting at once, whatever the calls are doing. `stopped` is set then, so
    that none of them begins anything new.
    """
    futures: list[Future[T]] = [Future() for _ in range(count)]
    indices: SimpleQueue[int] = SimpleQueue()
    stopped = threading.Event()
    for index in range(count):
        indices.put(index)

    def work() -> None:
        while not stopped.is_set():
            try:
                index = indices.get_nowait()
            except Empty:
                return
            try:
                futures[index].set_result(function(index, stopped))
            except BaseException as error:  # raised again where the result is read
                futures[index].set_exception(error)

    for _ in range(min(workers, count)):
        threading.Thread(target=work, daemon=True).start()
    try:
        return [future.result() for future in futures]
    except BaseException:
        stopped.set()
        raise
