"""A draft becomes a folder that `harness check` accepts, or nothing at all."""

from pathlib import Path

from harness.authoring.row_samples import write_samples
from harness.authoring.suite_draft import SuiteDraft
from harness.authoring.suite_folder import move_into, refuse_existing, scratch_beside
from harness.authoring.suite_text import PROMPT, files_of
from harness.stages.rehearse import examine
from harness.suite.parser import load_suite

NAMES = ("suite.yaml", f"prompts/{PROMPT}", "README.md")


def write_suite(draft: SuiteDraft, folder: Path, is_forced: bool) -> None:
    """Write and check the suite beside its place, then put it there. Raises SuiteError for what a run would refuse."""
    refuse_existing(folder, list(NAMES), is_forced)
    with scratch_beside(folder) as partial:
        paths = draft.study.files.by_split()
        if draft.study.sampled:
            (partial / "data").mkdir()
            paths = write_samples(draft.study.sampled, partial / "data")
        for name, text in files_of(draft, partial, paths, folder.name).items():
            file = partial / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        examine(load_suite(partial / "suite.yaml"))
        move_into(partial, folder)
