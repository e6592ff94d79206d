"""The files of a first suite: suite.yaml with a reason beside each choice, its prompt, and a line of README."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from harness.authoring.suite_draft import (
    FEWEST_TAUGHT,
    FIRST_ITEMS,
    SuiteDraft,
    answer_of,
    generation_of,
    knowledge_name,
    metrics_of,
    prompt_of,
    variants_of,
)
from harness.records.figure_names import FigureName
from harness.records.inputs import JSON
from harness.statistics.spreads import spread_of
from harness.text.counting import counted

PROMPT = "question.j2"
TASK = "answer"
_WIDTH = 110
_NEAR = 3  # folders up: a path that goes further belongs to this machine anyway


class _FlowDumper(yaml.SafeDumper):
    """Writes a text with a line break in it on one line."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if set(text) & set("\n\t\r") else None)


_FlowDumper.add_representer(str, _quoted)


def flow(value: JSON) -> str:
    """A value as YAML on one line."""
    text: str = yaml.dump(
        value, Dumper=_FlowDumper, default_flow_style=True, allow_unicode=True, width=1 << 30, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()


def path_from(folder: Path, file: str) -> str:
    """A path as a suite in the folder writes it: relative, so that both can be moved together; `$` is written twice."""
    try:
        path = os.path.relpath(Path(file).resolve(), folder.resolve())
    except ValueError:  # another drive of Windows
        path = ""
    if not path or path.count("..") > _NEAR:
        path = str(Path(file).resolve())
    return Path(path).as_posix().replace("${", "$${")


def suite_text(draft: SuiteDraft, folder: Path, paths: Mapping[str, str], name: str) -> str:
    """suite.yaml; `paths` are the data files by parameter, `name` what the folder will be called."""
    lines = [
        f"# {draft.name}: written by `harness init` from your data. Every line is yours to change.",
        f"# harness check {name}    harness plan {name}    harness run {name}",
        f"name: {flow(draft.name)}",
        "seed: 42",
        f"language: {draft.language}  # of what the product itself writes into prompts",
        "models:",
        *_wrapped(f"{draft.model.reason}. {draft.machine.sentence()}", "  "),
        f"  base: {flow({draft.model.component: dict(draft.model.parameters)})}",
        *_training_lines(draft),
        *_knowledge_lines(draft, folder),
        "tasks:",
        f"  {TASK}:",
        *_data_lines(draft, folder, paths),
        f"    prompt: {PROMPT}  # in prompts/; it sees {{{{ input }}}}{_further_columns(draft)}",
        f"    answer: {flow(answer_of(draft))}",
        f"    generation: {flow(generation_of(draft))}  # room for 95 % of the right answers",
        f"    metrics: {flow(metrics_of(draft))}",
        *_variant_lines(draft),
        f"latency: {{items: {2 if draft.model.is_local else 4}}}  # requests that are timed one at a time",
        "compare:",
        f"  reference: {next(iter(variants_of(draft)))}",
        f"  headline: [{FigureName(task=TASK, metric=next(iter(metrics_of(draft))))}]",
    ]
    return "\n".join(lines) + "\n"


def readme_text(draft: SuiteDraft, name: str) -> str:
    """What the folder is, and the next commands."""
    rows = counted(len(draft.study.dataset.test), "test row")
    return (
        f"# {draft.name}\n\nWhich approach answers {rows} of {Path(draft.study.files.test).name} best? "
        f"Begun by `harness init`; `harness run {name}` compares {', '.join(variants_of(draft))}.\n"
    )


def _wrapped(sentence: str, indent: str) -> Iterator[str]:
    line = f"{indent}#"
    for word in sentence.split():
        if len(line) + len(word) >= _WIDTH:
            yield line
            line = f"{indent}#"
        line += f" {word}"
    yield line


def _further_columns(draft: SuiteDraft) -> str:
    sample = draft.study.samples[0]
    names = [name for name in sample.meta if str(name).isidentifier()][:4]
    return ", and further columns: " + ", ".join(f"{{{{ {name} }}}}" for name in names) if names else ""


def _data_lines(draft: SuiteDraft, folder: Path, paths: Mapping[str, str]) -> list[str]:
    study = draft.study
    parameters: dict[str, JSON] = {name: path_from(folder, path) for name, path in paths.items()}
    lines = [f"    data:  # {_described(draft)}", f"      {study.reader}:"]
    lines += [f"        {name}: {flow(value)}" for name, value in {**parameters, **study.parameters}.items()]
    if study.division is not None:
        lines.append(f"        split: {flow(study.division)}  # of the one file; rows of train are shown and learnt")
        lines += ["        shuffle: true  # in an order drawn from the seed"] if study.is_shuffled else []
    if study.faults:
        lines.append(
            f"        on_bad_row: skip  # {counted(len(study.faults), 'row')} cannot be used, e.g. "
            f"{_comment(study.faults[0])}"
        )
    if len(study.dataset.test) > FIRST_ITEMS and study.takes_limit:
        lines.append(
            f"        limit: {FIRST_ITEMS}  # of {len(study.dataset.test):,}: for a first look; without it, all"
        )
    return lines


def _described(draft: SuiteDraft) -> str:
    samples = draft.study.samples
    question = spread_of([len(sample.input) for sample in samples])
    target = spread_of([len(text) for text in draft.targets])
    return (
        f"{len(samples):,} rows; input median {question.median:g}, p95 {question.p95} characters; right answer median "
        f"{target.median:g}, p95 {target.p95}, {len(set(draft.targets)):,} different"
    )


def _knowledge_lines(draft: SuiteDraft, folder: Path) -> Iterator[str]:
    if draft.knowledge:
        yield "knowledge:"
    for number, base in enumerate(draft.knowledge, start=1):
        share = f"{base.covered} of {counted(base.judged, 'item')} looked up have their right answer in a passage"
        yield f"  # {counted(base.passages, 'passage')}, median {base.lengths.median:g} characters; {share}"
        parameters: dict[str, JSON] = {"path": path_from(folder, base.path), **base.parameters}
        yield f"  {knowledge_name(number)}: {flow({base.component: parameters})}"


def _training_lines(draft: SuiteDraft) -> list[str]:
    """A LoRA adapter, or the same as a comment with the reason why not at once."""
    if len(draft.study.dataset.train) < FEWEST_TAUGHT or draft.model.is_stand_in or not draft.model.is_local:
        return []
    method = "lora"
    tuned = {"tuned": {"base": "base", "method": {method: {"r": 16}}, "on": [TASK], "epochs": 1, "max_samples": 500}}
    line = f"lora: {flow(tuned)}"
    problem = draft.training_problem
    return [f"  # {line}  # {problem}" if problem else f"  {line}  # trained on the train rows by the run"]


def _variant_lines(draft: SuiteDraft) -> list[str]:
    lines = ["variants:"]
    for name, variant in variants_of(draft).items():
        note = "  # needs no model: what every approach has to beat" if "floor" in variant else ""
        lines.append(f"  {name}: {flow(dict(variant))}{note}")
    if _training_lines(draft):
        sign = "# " if draft.training_problem else ""
        lines.append(f"  {sign}lora: {flow({'prompting': {'model': 'lora'}})}")
    return lines


def _comment(text: str) -> str:
    return " ".join(text.split())[:80]


def files_of(draft: SuiteDraft, folder: Path, paths: Mapping[str, str], name: str) -> Mapping[str, str]:
    """The files of the folder by their place in it."""
    return {
        "suite.yaml": suite_text(draft, folder, paths, name),
        f"prompts/{PROMPT}": prompt_of(draft),
        "README.md": readme_text(draft, name),
    }
