"""From what a user's data are to what a suite says of them: task, prompt, metrics, models, variants."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.authoring.data_study import AnswerKind, DataStudy, json_fields, separator_of
from harness.authoring.knowledge_study import KnowledgeStudy
from harness.authoring.model_choice import SMALL, ModelChoice
from harness.authoring.surroundings import Machine
from harness.records.inputs import JSON, Language
from harness.statistics.spreads import spread_of

FEWEST_TAUGHT = 30  # train rows from which a training is proposed
FIRST_ITEMS = 50  # test items of a first run


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteDraft:
    """All that the writer of a suite's files needs."""

    name: str
    language: Language
    kind: AnswerKind
    study: DataStudy
    knowledge: tuple[KnowledgeStudy, ...]
    model: ModelChoice
    machine: Machine
    repeats: int = 0  # test items that stand in train: no model may learn them

    @property
    def targets(self) -> list[str]:
        """All right answers."""
        return [target for sample in self.study.samples for target in sample.targets]

    @property
    def labels(self) -> list[str]:
        """The labels, the commonest first."""
        counts: dict[str, int] = {}
        for target in self.targets:
            counts[target] = counts.get(target, 0) + 1
        return sorted(counts, key=lambda label: -counts[label])

    @property
    def has_train(self) -> bool:
        """Whether there are rows to show and to learn from."""
        return bool(self.study.dataset.train)

    @property
    def training_problem(self) -> str | None:
        """Why no training is begun at once; None where one is."""
        if self.repeats:
            return f"{self.repeats:,} test items stand in train: remove them from one of the two first"
        if not self.machine.has_local:
            return 'it needs pip install "domain-harness[local]"'
        if not self.model.is_local:
            return "only a model in this process can be trained: name a folder or a hub id by --model"
        if not self.machine.accelerator and (self.model.training or SMALL + 1) > SMALL:
            return "without a GPU the training of this model takes hours"
        if self.model.training is not None and self.model.training > self.machine.room:
            return f"it takes {self.model.training / 2**30:.1f} GiB, there are {self.machine.room / 2**30:.1f} GiB"
        return None if self.machine.accelerator else "without a GPU it takes minutes to hours: take the # away to train"


def answer_of(draft: SuiteDraft) -> JSON:
    """The kind of answer."""
    if draft.kind == "choice":
        return {"choice": {"by": "generation"}}
    if draft.kind == "json":
        return {"json": {"fields": list(json_fields(draft.targets))}}
    return "text"


def metrics_of(draft: SuiteDraft) -> dict[str, JSON]:
    """What scores the answers; the first is the headline."""
    if draft.kind == "choice":
        return {"accuracy": "choice"}
    if draft.kind == "json":
        return {"fields": "json_fields"}
    if draft.kind == "labels":
        return {"accuracy": "exact_match", "f1": {"classification": {"labels": list(draft.labels)}}}
    if draft.kind == "terms":
        separator = separator_of(draft.targets)
        sets: dict[str, JSON] = {"terms": {"term_set": {"separator": separator}}} if separator else {}
        return {"accuracy": "exact_match", **sets}
    return {"rouge": "rouge", "chrf": "chrf"}


def generation_of(draft: SuiteDraft) -> dict[str, JSON]:
    """Room for nearly all right answers: a Chinese character is about one token, of other scripts three are."""
    if draft.kind == "choice":
        return {"max_tokens": 16}
    p95 = spread_of([len(target) for target in draft.targets]).p95
    tokens = p95 * (1.2 if draft.language == "zh" else 0.5)
    room = min(1024, max(16, 16 * math.ceil((tokens + 8) / 16)))
    is_line = draft.kind in ("labels", "terms") and not any("\n" in target for target in draft.targets)
    return {"max_tokens": room, **({"stop": ["\n"]} if is_line else {})}


def prompt_of(draft: SuiteDraft) -> str:
    """The template of the question."""
    is_chinese = draft.language == "zh"
    if draft.kind == "choice":
        request = (
            "只写正确选项的字母。\n答案：" if is_chinese else "Write only the letter of the right option.\nAnswer:"
        )
        return "{{ input }}\n{% for letter, option in options %}{{ letter }}. {{ option }}\n{% endfor %}" + request
    context = _context(draft)
    if draft.kind == "labels":
        listed = "\n".join(f"- {label}" for label in draft.labels)
        request = (
            "从下列类别中选出一个，只写它的名称："
            if is_chinese
            else "Choose one of these labels and write only its name:"
        )
        return f"{context}{{{{ input }}}}\n\n{_raw(f'{request}{chr(10)}{listed}')}"
    if draft.kind == "terms":
        separator = separator_of(draft.targets)
        several = (
            _raw(f"有几个时用 {separator} 连接。" if is_chinese else f" Join several by {separator}")
            if separator
            else ""
        )
        request = "写出它的标准名称，只写名称。" if is_chinese else "Write its standard name and nothing else."
        return f"{context}{{{{ input }}}}\n\n{request}{several}"
    if draft.kind == "json":
        names = json_fields(draft.targets)
        fields = "、".join(names) if is_chinese else ", ".join(names)
        request = "写出一个 JSON 对象，字段为：" if is_chinese else "Write one JSON object with the fields "
        return f"{context}{{{{ input }}}}\n\n{_raw(f'{request}{fields}')}"
    return f"{context}{{{{ input }}}}"


def _context(draft: SuiteDraft) -> str:
    """A question on a text is asked below it, where no knowledge is searched for it."""
    if draft.study.reader == "squad" and not draft.knowledge:
        return "{{ context }}\n\n"
    shows_tools = any(sample.tools for sample in draft.study.samples)
    return "{{ tools }}\n\n" if shows_tools else ""


def _raw(text: str) -> str:
    """A text of the data inside a template."""
    return f"{{% raw %}}{text}{{% endraw %}}" if "{{" in text or "{%" in text or "{#" in text else text


def variants_of(draft: SuiteDraft) -> dict[str, Mapping[str, JSON]]:
    """What is compared at once, by name; the first is the reference."""
    variants: dict[str, Mapping[str, JSON]] = {"zero-shot": {"prompting": {"model": "base"}}}
    examples: dict[str, JSON] = {"shots": 3, "pick": "nearest"} if draft.has_train else {}
    if draft.has_train:
        variants["few-shot"] = {"prompting": {"model": "base", **examples}}
    for number, base in enumerate(draft.knowledge, start=1):
        name, searched = knowledge_name(number), retrieval_of(base)
        suffix = "" if number == 1 else f"-{number}"
        variants[f"rag{suffix}"] = {"rag": {"model": "base", "knowledge": name, **searched, **examples}}
    if draft.has_train:
        floor = "majority" if draft.kind in ("labels", "choice") else "nearest"
        variants["majority" if floor == "majority" else "nearest-row"] = {"floor": {"by": floor}}
    lists = [number for number, base in enumerate(draft.knowledge, start=1) if base.is_list]
    if lists:
        variants["first-found"] = {
            "floor": {"by": "top_passage", "knowledge": knowledge_name(lists[0]), "retriever": "tfidf"}
        }
    return variants


def knowledge_name(number: int) -> str:
    """The name of a knowledge base in the suite."""
    return "knowledge" if number == 1 else f"knowledge-{number}"


def retrieval_of(base: KnowledgeStudy) -> dict[str, JSON]:
    """Character tf-idf is best for short terms, BM25 for texts."""
    return {"retriever": "tfidf", "k": 5} if base.lengths.p95 <= 60 else {"k": 3}
