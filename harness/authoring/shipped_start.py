"""A shipped suite as a beginning: its prompts and variants, with the user's data and knowledge in place."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.authoring.data_study import DataStudy, separator_of
from harness.authoring.interview import Interviewer, Wishes, studied
from harness.authoring.knowledge_study import study_knowledge
from harness.authoring.model_choice import Memory, stated_choice
from harness.authoring.row_samples import write_samples
from harness.authoring.suite_folder import move_into, refuse_existing, scratch_beside
from harness.authoring.suite_text import flow, path_from
from harness.authoring.yaml_edits import Edit, edited, keys_at, source_at
from harness.errors import HarnessError, nearest
from harness.records.inputs import JSON
from harness.stages.rehearse import examine
from harness.suite.parser import load_suite
from harness.suite.shipped import MINI, NEEDS, SUITE, shipped_suites
from harness.text.language import language_of

_LEFT_OUT = ("__pycache__", "runs")
_DATA_FILES = (NEEDS, "README.md", "data", "generate.py", "vocabulary.py")  # said of the suite's own data
_DERIVED = ("tuned", "quantised", "adapter")


def begin_shipped(
    name: str, wishes: Wishes, interviewer: Interviewer, place: tuple[Path | None, bool], memory: Memory
) -> Path:
    """Copy the suite, with what the user states in place, and check it; `place` is the folder, and whether it may be
    written over. Returns the folder. Raises HarnessError, a line a mistake.
    """
    source = _source(name)
    folder, is_forced = place[0] or Path(wishes.domain or source.name), place[1]
    has_data = bool(wishes.data)
    ignored = shutil.ignore_patterns(*_LEFT_OUT, *(_DATA_FILES if has_data else ()))
    refuse_existing(folder, [SUITE], is_forced)
    study = _studied(source, wishes, interviewer) if has_data else None
    with scratch_beside(folder) as partial:
        shutil.copytree(source, partial, ignore=ignored, dirs_exist_ok=True)
        for file in filter(Path.is_file, (partial / SUITE, partial / MINI)):
            text = file.read_text(encoding="utf-8")
            file.write_text(edited(text, list(_edits(text, wishes, study, partial, memory))), encoding="utf-8")
        if has_data:
            sentence = f"Begun by `harness init --from {source.name}`: its prompts and variants, our data."
            readme = f"# {folder.name}\n\n{sentence}\n"
            (partial / "README.md").write_text(readme, encoding="utf-8")
            examine(load_suite(partial / SUITE))
        move_into(partial, folder)
    if has_data:
        interviewer.tell(
            f"prompts and system texts are those of {source.name}: read them, and say in them what you ask"
        )
    return folder


def _source(name: str) -> Path:
    suites = shipped_suites()
    plain = name.strip("/").removeprefix("suites/")
    if plain not in suites:
        raise HarnessError(f"--from {name}: no suite of this name ships ({nearest(plain, suites)})")
    return suites[plain]


def _studied(source: Path, wishes: Wishes, interviewer: Interviewer) -> DataStudy:
    text = (source / SUITE).read_text(encoding="utf-8")
    tasks = keys_at(text, ["tasks"])
    if len(tasks) != 1:
        raise HarnessError(
            f"--from {source.name}: has the tasks {', '.join(tasks)}, and --data takes the place of one task's; begin "
            "with a suite of one task, or copy it without --data and change it there"
        )
    bases = keys_at(text, ["knowledge"])
    if bases and not wishes.knowledge:
        raise HarnessError(
            f"--knowledge is missing: {source.name} looks answers up in {', '.join(bases)}; name a file or folder"
        )
    return studied(wishes.data, wishes, interviewer)


def _edits(text: str, wishes: Wishes, study: DataStudy | None, folder: Path, memory: Memory) -> Iterator[Edit]:
    if wishes.domain:
        yield Edit(["name"], flow(wishes.domain))
    if wishes.model:
        bases = [name for name in keys_at(text, ["models"]) if keys_at(text, ["models", name])[:1][0] not in _DERIVED]
        language = language_of(text.splitlines()) or "en"
        choice = stated_choice(wishes.model, language, memory)
        yield Edit(["models", bases[0]], flow({choice.component: dict(choice.parameters)}))
    if study is None:
        return
    (task,) = keys_at(text, ["tasks"])
    if wishes.language or study.samples:
        spoken = wishes.language or language_of(sample.input for sample in study.samples[:500]) or "en"
        yield Edit(["language"], spoken)
    yield Edit(["tasks", task, "data"], flow(_data(study, folder, source_at(text, ["tasks", task, "data"]))))
    yield from _knowledge_edits(text, wishes, study, folder)


def _data(study: DataStudy, folder: Path, before: str) -> JSON:
    """The user's data; rows to choose settings by, and a limit, where the suite had them."""
    paths = study.files.by_split()
    if study.sampled:
        (folder / "data").mkdir(exist_ok=True)
        paths = write_samples(study.sampled, folder / "data")
    parameters: dict[str, JSON] = {name: path_from(folder, path) for name, path in paths.items()}
    needs_validation = "validation" in before and "validation" not in parameters
    rows = len(study.dataset.test)
    if study.division is not None:
        parameters["split"] = {"train": 70, "validation": 10, "test": 20} if needs_validation else dict(study.division)
        parameters["shuffle"] = study.is_shuffled
    elif needs_validation and rows >= 10:
        chosen = min(200, rows // 5)
        parameters["split"] = {"validation": f"0:{chosen}", "test": f"{chosen}:"}
    limit = _limit(before)
    extra: Mapping[str, JSON] = {
        **({"limit": limit} if limit else {}),
        **({"on_bad_row": "skip"} if study.faults else {}),
    }
    return {study.reader: {**parameters, **study.parameters, **extra}}


def _limit(before: str) -> int | None:
    _, _, rest = before.partition("limit:")
    digits = rest.strip().split("\n")[0].split(",")[0].strip(" }")
    return int(digits) if digits.isdigit() else None


def _knowledge_edits(text: str, wishes: Wishes, study: DataStudy, folder: Path) -> Iterator[Edit]:
    """Every knowledge base that names a file reads the user's; one made of it by an alias follows."""
    if not wishes.knowledge:
        return
    separator = separator_of([target for sample in study.samples for target in sample.targets])
    base = study_knowledge(wishes.knowledge[0], study.dataset.test, separator)
    for name in keys_at(text, ["knowledge"]):
        for component in keys_at(text, ["knowledge", name]):
            place = ["knowledge", name, component]
            if "path" not in keys_at(text, place):
                continue
            if component != base.component and source_at(text, place).startswith("&"):
                raise HarnessError(
                    f"--knowledge {base.path}: is read as {base.component}, the suite looks answers up in {component}; "
                    "give a file of that kind"
                )
            parameters: dict[str, JSON] = {"path": path_from(folder, base.path), **base.parameters}
            if component == base.component:
                yield Edit(place, flow(parameters))
            else:
                yield Edit(place[:2], flow({base.component: parameters}))
