"""The questions of `harness init`, each with the answer that the data suggest; who is asked is the caller's matter."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from harness.authoring.column_roles import ColumnRoles
from harness.authoring.data_study import (
    KINDS,
    AnswerKind,
    DataStudy,
    answer_kind,
    json_fields,
    look_into,
    missing_role,
    separator_of,
    stem_of,
    understand,
)
from harness.authoring.file_roles import file_roles
from harness.authoring.knowledge_study import KnowledgeStudy, study_knowledge
from harness.authoring.model_choice import Memory, ModelChoice, proposed_choice, stated_choice
from harness.authoring.suite_draft import SuiteDraft
from harness.authoring.surroundings import Machine
from harness.errors import HarnessError, nearest
from harness.records.inputs import Language
from harness.text.language import language_of
from harness.text.normalise import whole_question

_READ_FOR_LANGUAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """What a user states; None and empty for what is to be asked or guessed."""

    domain: str | None = None
    data: tuple[str, ...] = ()
    input: str | None = None
    target: str | None = None
    id: str | None = None
    kind: str | None = None
    model: str | None = None
    language: str | None = None
    knowledge: tuple[str, ...] = ()


class Interviewer(Protocol):
    """Who answers the questions: a person at a terminal, or nobody."""

    def choose(self, question: str, default: str | None, choices: Sequence[str], flag: str) -> str:
        """An answer; nobody gives the default, and raises HarnessError naming the flag where there is none."""

    def tell(self, sentence: str) -> None:
        """Show what the data or the machine are."""


class Nobody:
    """Takes every default. Raises HarnessError, in one line, for an answer that has none."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell

    def choose(self, question: str, default: str | None, choices: Sequence[str], flag: str) -> str:
        if default is None:
            raise HarnessError(f"{flag} is missing: {question}")
        return default


def interview(
    wishes: Wishes, interviewer: Interviewer, look_around: Callable[[], Machine], memory: Memory
) -> SuiteDraft:
    """Everything a suite needs. Raises HarnessError, a line a mistake."""
    _refuse_unknown(wishes)
    files = wishes.data or tuple(
        interviewer.choose("Your data file (csv, tsv, xlsx, json or jsonl)", None, (), "--data FILE").split(",")
    )
    study = studied(tuple(file.strip() for file in files), wishes, interviewer)
    kind = _kind(study, wishes, interviewer)
    language = _language(study, wishes, interviewer)
    knowledge = _knowledge(study, wishes, interviewer)
    machine = look_around()
    interviewer.tell(machine.sentence())
    return SuiteDraft(
        name=_name(study, wishes, interviewer),
        language=language,
        kind=kind,
        study=study,
        knowledge=knowledge,
        model=_model(wishes, interviewer, machine, language, memory),
        machine=machine,
        repeats=_repeats(study),
    )


def _refuse_unknown(wishes: Wishes) -> None:
    for flag, value, choices in (("--kind", wishes.kind, KINDS), ("--language", wishes.language, ("zh", "en"))):
        if value is not None and value not in choices:
            raise HarnessError(f"{flag} {value}: must be one of {', '.join(choices)} ({nearest(value, choices)})")


def studied(files: tuple[str, ...], wishes: Wishes, interviewer: Interviewer) -> DataStudy:
    """The data; for a column that cannot be told the user is asked."""
    roles = file_roles(files)
    table = look_into(roles)
    stated = ColumnRoles(input=wishes.input, target=wishes.target, id=wishes.id)
    study = understand(roles, table, stated)
    if table is not None and (study.roles.target is not None or not study.samples):
        confirmed = _columns(study, stated, interviewer)
        study = study if confirmed == study.roles else understand(roles, table, confirmed)
    if (missing := missing_role(study)) is not None:
        raise HarnessError(missing)
    for sentence in described(study):
        interviewer.tell(sentence)
    return study


def _columns(study: DataStudy, stated: ColumnRoles, interviewer: Interviewer) -> ColumnRoles:
    """The columns of question and right answer, the guessed ones confirmed."""
    names = [column.name for column in study.columns]
    roles = study.roles
    try:
        question = stated.input or interviewer.choose(
            "Which column holds what is asked?", roles.input, names, "--input COLUMN"
        )
        right = stated.target or interviewer.choose(
            "Which column holds the right answers?", roles.target, names, "--target COLUMN"
        )
    except HarnessError:
        raise HarnessError(missing_role(study) or "") from None
    if (question, right) == (roles.input, roles.target):
        return roles
    return ColumnRoles(input=question, target=right, id=stated.id)


def described(study: DataStudy) -> list[str]:
    """What was found in the data, as sentences."""
    table, rows = study.table, len(study.samples)
    sampled = (
        ""
        if table is None or table.is_whole
        else f" (a sample of about {table.total:,}: the file is too large to be read whole)"
    )
    roles = (
        f"input {study.roles.input}, right answer {study.roles.target}"
        if study.roles.target
        else f"in the form {study.reader}"
    )
    splits = ", ".join(
        f"{name} {len(part):,}"
        for name, part in (
            ("train", study.dataset.train), ("validation", study.dataset.validation), ("test", study.dataset.test),
        )
        if part
    )  # fmt: skip
    sentences = [f"{study.files.test}: {rows:,} rows{sampled}: {roles}; {splits}"]
    if study.faults:
        sentences.append(f"{len(study.faults):,} rows cannot be used and are left out, e.g. {study.faults[0]}")
    if repeats := _repeats(study):
        sentences.append(f"{repeats:,} test items are asked in train, too")
    return sentences


def _kind(study: DataStudy, wishes: Wishes, interviewer: Interviewer) -> AnswerKind:
    guess = answer_kind(study.samples)
    kind = cast(AnswerKind, wishes.kind or interviewer.choose("What is the right answer?", guess, KINDS, "--kind"))
    if kind == "choice" and not all(sample.options for sample in study.samples):
        raise HarnessError("--kind choice: the rows have no columns with options (A, B, C, … or options)")
    if kind == "json" and not json_fields([target for sample in study.samples for target in sample.targets]):
        raise HarnessError("--kind json: the right answers are no JSON objects with a field in common")
    return kind


def _language(study: DataStudy, wishes: Wishes, interviewer: Interviewer) -> Language:
    guess = language_of(whole_question(sample) for sample in study.samples[:_READ_FOR_LANGUAGE]) or "en"
    return cast(
        Language, wishes.language or interviewer.choose("Language of the prompts", guess, ("zh", "en"), "--language")
    )


def _knowledge(study: DataStudy, wishes: Wishes, interviewer: Interviewer) -> tuple[KnowledgeStudy, ...]:
    files = wishes.knowledge
    if not files:
        default = study.files.test if study.reader == "squad" and Path(study.files.test).is_file() else ""
        answer = interviewer.choose(
            "Knowledge to look answers up in (a file or folder; empty: none)", default, (), "--knowledge"
        )
        files = tuple(filter(None, (name.strip() for name in answer.split(","))))
    targets = [target for sample in study.samples for target in sample.targets]
    studies = tuple(study_knowledge(file, study.dataset.test, separator_of(targets)) for file in files)
    for base in studies:
        interviewer.tell(
            f"{base.path}: {base.passages:,} passages; {base.covered} of {base.judged} items have their answer in one"
        )
    return studies


def _model(
    wishes: Wishes, interviewer: Interviewer, machine: Machine, language: Language, memory: Memory
) -> ModelChoice:
    if wishes.model is not None:
        return stated_choice(wishes.model, language, memory)
    proposal = proposed_choice(machine, language, memory)
    interviewer.tell(f"Model proposed: {proposal.reason}")
    answer = interviewer.choose(
        "Model (ollama:NAME, hub id, folder, URL#NAME, scripted; empty: as proposed)", "", (), "--model"
    )
    return stated_choice(answer, language, memory) if answer else proposal


def _name(study: DataStudy, wishes: Wishes, interviewer: Interviewer) -> str:
    name = wishes.domain or interviewer.choose("Name of the suite", stem_of(study.files.test), (), "DOMAIN")
    return "-".join(name.split()) or "suite"


def _repeats(study: DataStudy) -> int:
    taught = {whole_question(sample) for sample in study.dataset.train}
    return sum(whole_question(sample) in taught for sample in study.dataset.test)
