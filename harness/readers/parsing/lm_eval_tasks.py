"""The tasks of lm-evaluation-harness: found by name, group, tag or pattern, and loaded with their data."""

import difflib
import importlib.util
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError

if TYPE_CHECKING:
    from lm_eval.api.group import Group
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


def load_groups(names: Sequence[str], include_path: str | None) -> "dict[str, Group]":
    """The groups that some names stand for, and those inside them, by their names. Raises DataError."""
    manager = _manager_for(tuple(names), include_path)
    groups: dict[str, Group] = {}
    for match in (match for name in names for match in _matches(manager, name)):
        _load(manager, match, include_path)
        groups |= _GROUPS[match, include_path]
    return groups


def documents_of(task: "LmEvalTask") -> Any:
    """The documents that a task is scored on, by their places; made once, where the task keeps them."""
    return task.task_docs if hasattr(task, "task_docs") else task.eval_docs


def _matches(manager: "TaskManager", name: str) -> list[str]:
    """The names in lm-eval's list that a name or a pattern with * means."""
    if any(sign in name for sign in "*?["):
        return sorted(manager.match_tasks([name]))
    return [name] if name in manager.task_index else []


def _manager_for(names: tuple[str, ...], include_path: str | None) -> "TaskManager":
    """A list of tasks that has the names, if lm-eval's whole one has; that takes half a minute to read, parts a moment.

    A group or tag may have members anywhere, so only names of tasks are looked for in parts.
    """
    own = () if include_path is None else (include_path,)
    if include_path is not None:
        if not Path(include_path).is_dir():
            raise DataError(
                f"include_path: {include_path} is no folder; name the one with the .yaml files of your tasks"
            )
        if all(_matches(_manager(own, False), name) for name in names):
            return _manager(own, False)
    part = _manager((*_folders_naming(names), *own), False)
    if all(name in part.task_index and part.task_index[name].kind.name.endswith("TASK") for name in names):
        return part
    return _manager(own, True)


@lru_cache(maxsize=8)
def _folders_naming(names: tuple[str, ...]) -> tuple[str, ...]:
    """The folders of lm-eval's own tasks in whose files one of some names stands."""
    spec = importlib.util.find_spec("lm_eval")
    if spec is None or spec.origin is None:
        raise DataError(f"tasks of lm-eval need the package lm_eval: {INSTALL}")
    folders = sorted(path for path in (Path(spec.origin).parent / "tasks").iterdir() if path.is_dir())
    words = [name.encode() for name in names]
    return tuple(
        str(folder)
        for folder in folders
        if any(any(word in text for word in words) for file in folder.rglob("*.yaml") for text in [file.read_bytes()])
    )


@lru_cache(maxsize=8)
def _manager(folders: tuple[str, ...], with_defaults: bool) -> "TaskManager":
    try:
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise DataError(f"tasks of lm-eval need the package lm_eval: {INSTALL}") from error
    if with_defaults:
        log.info("reading lm-eval's list of tasks (some 20 seconds)")
    with quiet():
        return TaskManager(include_path=list(folders) or None, include_defaults=with_defaults)


_LOADED: "dict[tuple[str, str | None], dict[str, LmEvalTask]]" = {}
_GROUPS: "dict[tuple[str, str | None], dict[str, Group]]" = {}


def _load(manager: "TaskManager", name: str, include_path: str | None) -> "dict[str, LmEvalTask]":
    """The tasks that a name in the list stands for, each loaded once. Raises DataError."""
    key = (name, include_path)
    if key not in _LOADED:
        with quiet(), _translated(name, manager):
            loaded = manager.load([name])
            _LOADED[key], _GROUPS[key] = dict(loaded["tasks"]), dict(loaded["groups"])
    return _LOADED[key]


@contextmanager
def quiet() -> Iterator[None]:
    """lm-eval's remarks on its own defaults, and the bars of datasets, say nothing to somebody who runs a suite."""
    import datasets

    logger, has_bars = logging.getLogger("lm_eval"), datasets.is_progress_bar_enabled()
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        logger.setLevel(level)
        if has_bars:
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
        if _is_out_of_reach(error):
            config: Mapping[str, Any] = getattr(manager.task_index[name], "cfg", None) or {}
            raise DataError(
                f"{name}: its data set {config.get('dataset_path') or ''} is on the Hugging Face hub, which cannot be "
                "reached: load it once where there is a network, or name a task of your own over local files in "
                f"include_path ({reason})"
            ) from error
        raise DataError(f"{name}: lm-eval cannot load it: {reason}{_folder_remedy(error)}") from error


def _is_out_of_reach(error: BaseException | None) -> bool:
    """Whether a failure comes from the network, or from being set to use none."""
    kinds = ("Connection", "Connect", "Offline", "Timeout", "DatasetNotFound", "LocalEntryNotFound", "HTTP", "Proxy")
    while error is not None:
        if any(kind in type(error).__name__ for kind in kinds) or "Couldn't reach" in str(error):
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
