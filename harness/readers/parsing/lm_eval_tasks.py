"""The tasks of lm-evaluation-harness: found by name, group, tag or pattern, and loaded with their data."""

import difflib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError

if TYPE_CHECKING:
    from lm_eval.api.task import Task as LmEvalTask
    from lm_eval.tasks import TaskManager

log = logging.getLogger("harness")
INSTALL = 'pip install "domain-harness[lm-eval]"'
_NEAREST = 3  # names that a message offers


def load_tasks(names: Sequence[str], include_path: str | None) -> "dict[str, dict[str, LmEvalTask]]":
    """By each given name, the tasks that it stands for, by their own names.

    Raises DataError with one line for each name that is not known and each task that cannot be loaded.
    """
    manager = _manager_for(tuple(names), include_path)
    mistakes: list[str] = []
    tasks: dict[str, dict[str, LmEvalTask]] = {}
    for name in names:
        matches = _matches(manager, name)
        mistakes += [] if matches else [_unknown(name, manager, include_path)]
        for match in matches:
            try:
                tasks.setdefault(name, {}).update(_load(manager, match, include_path))
            except DataError as error:
                mistakes += error.lines
    if mistakes:
        raise DataError(*mistakes)
    return tasks


def load_task(name: str, within: str, include_path: str | None) -> "LmEvalTask":
    """One task, one of those that a group, tag or pattern stands for or itself. Raises DataError."""
    manager = _manager_for((within,), include_path)
    for match in _matches(manager, within):
        loaded = _load(manager, match, include_path)
        if name in loaded:
            return loaded[name]
    raise DataError(_unknown(name, manager, include_path))


def documents_of(task: "LmEvalTask") -> Any:
    """The documents that a task is scored on, by their places; made once, where the task keeps them."""
    return task.task_docs if hasattr(task, "task_docs") else task.eval_docs


def _matches(manager: "TaskManager", name: str) -> list[str]:
    """The names in lm-eval's list that a name or a pattern with * means."""
    if any(sign in name for sign in "*?["):
        return sorted(manager.match_tasks([name]))
    return [name] if name in manager.task_index else []


def _manager_for(names: tuple[str, ...], include_path: str | None) -> "TaskManager":
    """lm-eval's list of tasks. Its own 13,000 take half a minute: only names that stand elsewhere need them."""
    if include_path is not None:
        if not Path(include_path).is_dir():
            raise DataError(
                f"include_path: {include_path} is no folder; name the one with the .yaml files of your tasks"
            )
        own = _manager(include_path, False)
        if all(_matches(own, name) for name in names):
            return own
    return _manager(include_path, True)


@lru_cache(maxsize=8)
def _manager(include_path: str | None, with_defaults: bool) -> "TaskManager":
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise DataError(f"tasks of lm-eval need the package lm_eval: {INSTALL}") from error
    if with_defaults:
        log.info("reading lm-eval's list of tasks (some 20 seconds)")
    with quiet():
        return TaskManager(include_path=include_path, include_defaults=with_defaults)


_LOADED: "dict[tuple[str, str | None], dict[str, LmEvalTask]]" = {}


def _load(manager: "TaskManager", name: str, include_path: str | None) -> "dict[str, LmEvalTask]":
    """The tasks that a name in the list stands for, each loaded once. Raises DataError."""
    key = (name, include_path)
    if key not in _LOADED:
        with quiet(), _translated(name, manager):
            _LOADED[key] = dict(manager.load([name])["tasks"])
    return _LOADED[key]


@contextmanager
def quiet() -> Iterator[None]:
    """lm-eval's remarks on its own defaults, and the bars of datasets, say nothing to somebody who runs a suite."""
    import datasets

    logger, level, shown = logging.getLogger("lm_eval"), logging.getLogger("lm_eval").level, False
    shown = datasets.is_progress_bar_enabled()
    logger.setLevel(logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if shown:
            datasets.enable_progress_bars()


@contextmanager
def _translated(name: str, manager: "TaskManager") -> Iterator[None]:
    """Whatever keeps a task from being loaded is the user's to mend: a DataError of one line."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # of the hub, the network, a task's own Python or its files: all told alike
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        config: Mapping[str, Any] = getattr(manager.task_index[name], "cfg", None) or {}
        data = config.get("dataset_path")
        if is_hub_id(data) and _is_out_of_reach(error):
            raise DataError(
                f"{name}: its data set {data} is on the Hugging Face hub, which cannot be reached: load it once where "
                f"there is a network, or name a task of your own over local files in include_path ({reason})"
            ) from error
        raise DataError(f"{name}: lm-eval cannot load it: {reason}{_folder_remedy(error)}") from error


def is_hub_id(data: object) -> bool:
    """Whether what a task calls its data set is not one of the kinds of local files, or a folder."""
    return isinstance(data, str) and data not in ("json", "csv", "parquet", "text", "arrow") and not Path(data).exists()


def _is_out_of_reach(error: BaseException | None) -> bool:
    """Whether a failure comes from the network, or from being set to use none."""
    names = ("Connection", "Offline", "Timeout", "DatasetNotFound", "LocalEntryNotFound", "HTTP", "Proxy", "gaierror")
    while error is not None:
        if any(
            name.lower() in f"{type(error).__name__} {error}".lower() for name in (*names, "couldn't find", "reach")
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def _folder_remedy(error: Exception) -> str:
    is_missing = isinstance(error, FileNotFoundError)
    return (
        "; lm-eval takes data_files from the folder in which the command runs: write whole paths" if is_missing else ""
    )


def _unknown(name: str, manager: "TaskManager", include_path: str | None) -> str:
    near = difflib.get_close_matches(name, manager.all_tasks, n=_NEAREST, cutoff=0.6)
    remedy = f"did you mean {', '.join(near)}?" if near else "lm_eval ls tasks lists them"
    own = (
        "" if include_path is None else f"; a .yaml file in {include_path} that lm-eval cannot read is not in its list"
    )
    return f"lm-eval has no task, group or tag '{name}' ({remedy}){own}"
