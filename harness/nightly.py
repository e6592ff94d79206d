"""A night of a suite: check → run → gate → trend → summary → prune, and one exit code for all of it.

The same command is given every night, by cron or by a CI job. One that was killed is gone on with where it stopped; two
at once there are never. Without a baseline there is no verdict: the night is told apart from one that passed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from harness.errors import StoreError
from harness.records.gate_results import EXIT_CODES, GateResult
from harness.records.inputs import JSON
from harness.records.night_outcomes import NightOutcome, NightStart
from harness.records.prunings import RunPruning
from harness.records.run_evidence import RunEvidence
from harness.regression.evidence import read_evidence
from harness.regression.history import History, read_histories
from harness.regression.policy_file import read_policy
from harness.regression.trend import make_trend
from harness.runtime.run_folder import PATIENCE, RunFolder
from harness.runtime.run_lookup import folder_for, is_unfinished, root_for
from harness.runtime.run_order import read_time
from harness.runtime.run_pruning import plan_run_pruning, remove_runs
from harness.runtime.whole_files import replace_file, writing
from harness.suite.suite import Suite

SUMMARY, JUNIT, VERDICT, TREND = "summary.md", "junit.xml", "gate.json", "trend.html"
FILES = (SUMMARY, JUNIT, VERDICT, TREND)
LOCK, STATE = ".lock", ".night.json"
STALE = timedelta(hours=12)  # after which a finished run is not gated any more: the next night is due


@dataclass(frozen=True, kw_only=True)
class NightOptions:
    """What a night is held to, and what stays of earlier ones."""

    baseline: Path
    policy: Path | None = None
    keep: int | None = None  # nights; None: all
    protected: frozenset[str] = frozenset()  # runs that stay for other reasons, by the names of their folders


@dataclass(frozen=True, kw_only=True)
class NightSteps:
    """What the command hands in: how a run is made and gated, and how files are written of what came of it."""

    run: Callable[[Suite, RunFolder], None]
    gate: Callable[[Path, Path, Path | None], GateResult]  # of a run, a baseline and a policy
    render: Callable[[NightOutcome], dict[str, str]]  # the files, by name


def nightly(suite: Suite, options: NightOptions, steps: NightSteps) -> NightOutcome:
    """One night from its begin to its end. Raises HarnessError for what is refused, before anything is paid for."""
    desk = NightDesk(root_for(suite))
    with desk.claimed():
        baseline = baseline_for(suite, options, desk)
        folder, start = desk.folder_of(suite)
        desk.begin(folder)
        if start != "gate continued":
            steps.run(suite, folder)
        result = steps.gate(folder.path, options.baseline, options.policy) if baseline is not None else None
        outcome = NightOutcome(
            suite=suite.name,
            run=str(folder.path),
            start=start,
            baseline=str(options.baseline),
            accepting=f'harness baseline accept {folder.path} --into {options.baseline} --why "…"',
            result=result,
            trend=make_trend(_history_of(suite, desk.root), str(desk.root)),
            pruning=_pruned(desk.root, options, baseline, folder),
        )
        desk.end(steps.render(outcome))
    return outcome


def exit_code(outcome: NightOutcome) -> int:
    """That of the gate; 0 where there is no baseline yet."""
    return 0 if outcome.result is None else EXIT_CODES[outcome.result.verdict]


def baseline_for(suite: Suite, options: NightOptions, desk: "NightDesk") -> RunEvidence | None:
    """The baseline; None where there is none yet. Raises HarnessError for one that is unfit or gone."""
    read_policy(options.policy)
    place = options.baseline
    if not place.exists() or (place.is_dir() and not any(place.iterdir())):
        if desk.was_gated():
            raise StoreError(
                f"{place}: the last night was held against a baseline, and there is none here now; give it back, or "
                f"delete {desk.path / STATE} to begin anew without one"
            )
        return None
    evidence = read_evidence(place)
    if evidence.suite != suite.name:
        raise StoreError(f"{place} is of suite {evidence.suite}, not of {suite.name}; name another with --baseline")
    return evidence


def _history_of(suite: Suite, root: Path) -> History:
    histories, _ = read_histories(root)
    return next(own for own in histories if own.suite == suite.name)


def _pruned(root: Path, options: NightOptions, baseline: RunEvidence | None, folder: RunFolder) -> RunPruning | None:
    """Remove the nights beyond those that are to be kept."""
    if options.keep is None:
        return None
    own = {folder.path.name, *options.protected, *([baseline.key] if baseline else [])}
    pruning = plan_run_pruning(root, options.keep, own)
    remove_runs(pruning, root)
    return pruning


class NightDesk:
    """The folder `nightly` among a suite's runs: who is at work, which run that is, and what came of the last night."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "nightly"

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold it for one night. Raises StoreError while another one goes on."""
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout as error:
            raise StoreError(
                f"{self.path}: another `harness nightly` of this suite is at work; wait for it, or look at it with "
                f"`harness status {self.root}`"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def folder_of(self, suite: Suite) -> tuple[RunFolder, NightStart]:
        """The run of a night that was cut short, where it is of this very suite; else a new one."""
        name = self._begun()
        if name is not None:
            folder = RunFolder(self.root / name)
            if is_unfinished(folder, suite) and not folder.is_locked():
                return folder, "run continued"
            if self._is_ungated(folder, suite):
                return folder, "gate continued"
        folder = folder_for(suite, None)
        return folder, "run continued" if (folder.path / "run.json").is_file() else "new"

    def _begun(self) -> str | None:
        """The run of the night that did not come to its end; None where the last one did."""
        name = self._state().get("run")
        return name if isinstance(name, str) and Path(name).name == name else None

    def _state(self) -> dict[str, JSON]:
        """What is noted of the last night; nothing where there was none, or its note is broken."""
        try:
            state = json.loads((self.path / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _is_ungated(self, folder: RunFolder, suite: Suite) -> bool:
        """Whether a run of this very suite has come to its end a short time ago."""
        try:
            record = folder.read_run()
        except StoreError:
            return False
        finished = read_time(record.get("finished"))
        texts = record["suite"].get("text"), record["suite"].get("prompts")
        is_whole = record.get("status") == "complete" and texts == (suite.text, dict(suite.prompts))
        return is_whole and finished is not None and datetime.now(UTC) - finished < STALE

    def was_gated(self) -> bool:
        """Whether the last night that came to its end was held against a baseline."""
        return self._state().get("gated") is True

    def begin(self, folder: RunFolder) -> None:
        """Note which run it is; what came of an earlier night is no longer shown."""
        self._write({STATE: json.dumps({"run": folder.path.name, "gated": self.was_gated()})})

    def end(self, files: Mapping[str, str]) -> None:
        """Write what came of the night; then it is over."""
        self._write({**files, STATE: json.dumps({"run": None, "gated": VERDICT in files})})

    def _write(self, files: Mapping[str, str]) -> None:
        """Replace the files, the last one last; those of an earlier night that are not among them go."""
        with writing(self.path):
            for name in FILES:
                if name not in files:
                    (self.path / name).unlink(missing_ok=True)
            for name, text in files.items():
                replace_file(self.path / name, [text.encode("utf-8", "backslashreplace")])
