"""Two variants that answer all items alike: what they differ in had no effect, and perhaps never arrived."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from harness.components.component import settings
from harness.components.task import Task
from harness.components.variant import Variant
from harness.records.anomalies import Anomaly
from harness.records.derived_names import reported_name
from harness.records.inputs import JSON
from harness.records.outputs import Prediction
from harness.records.sentences import Sentence
from harness.suite.suite import Suite
from harness.summary.answer_marks import AnswerMarks, Rows
from harness.text.excerpts import shortened
from harness.text.normalise import as_text, normalise
from harness.text.stating import state

FEWEST = 5  # items from which equal answers to all of them say something
CLOSE = 0.005  # difference of log-probabilities that batches make
VALUE_LENGTH = 60  # characters of a setting's value
EXAMPLES = 3

Cells = Mapping[str, AnswerMarks]  # variant → its answers to one task


class EqualAnswers:
    """Of each task the variants whose answers are all those of an earlier one; each cell is added whole, and once.

    Floors and cascades give others' answers by design, and what is asked about withdrawn facts may have one answer.
    """

    def __init__(self, suite: Suite, tasks: Mapping[str, Task]) -> None:
        self._suite = suite
        self._tasks = tasks
        self._cells: dict[str, dict[str, AnswerMarks]] = {}

    def add(self, cell: Sequence[Prediction]) -> None:
        """The predictions of one cell."""
        task, variant = self._tasks[cell[0].task], cell[0].variant
        if not task.origin and _asks_a_model(self._suite, variant):
            self._cells.setdefault(cell[0].task, {})[variant] = AnswerMarks.of(cell)

    def anomalies(self) -> Iterator[Anomaly]:
        """Two for each pair."""
        for task, own in self._cells.items():
            for pair in _equal_pairs(self._suite, self._tasks[task], own):
                yield from _anomalies(self._suite, task, pair, own)


def _asks_a_model(suite: Suite, variant: str) -> bool:
    """Whether it answers by one model of its own; models that are asked by themselves are no settings."""
    component = suite.answering()[variant]
    is_plain = component.single and not component.floor and variant == reported_name(variant)
    return is_plain and suite.usage.answering_model[variant] is not None


def _equal_pairs(suite: Suite, task: Task, cells: Cells) -> Iterator[tuple[str, str]]:
    """Each variant with the first one before it that has the same answers and is to have others."""
    variants = list(cells)
    for place, second in enumerate(variants):
        equal = ((name, second) for name in variants[:place] if _are_equal(cells[name], cells[second]))
        pair = next((pair for pair in equal if not _is_no_wonder(suite, task, pair, cells)), None)
        if pair is not None:
            yield pair


def _are_equal(first: AnswerMarks, second: AnswerMarks) -> bool:
    """Whether the items that both answered have the same texts, read alike, and options that are equally likely."""
    shared = first.shared_with(second)
    if shared.sum() < FEWEST or not (first.has_text & shared).any():
        return False
    if not np.array_equal(first.replies[shared], second.replies[shared]):
        return False
    return all(_are_close(first.logprobs.get(i), second.logprobs.get(i)) for i in np.flatnonzero(shared).tolist())


def _are_close(a: Sequence[float] | None, b: Sequence[float] | None) -> bool:
    """Whether options that were scored have the same likelihoods."""
    pairs = zip(a or (), b or (), strict=False)
    return len(a or ()) == len(b or ()) and all(abs(x - y) <= CLOSE for x, y in pairs)


def _is_no_wonder(suite: Suite, task: Task, pair: tuple[str, str], cells: Cells) -> bool:
    """Whether equal answers are to be hoped for: of seeds, in all orders of the options, of models that are right."""
    variants = suite.answering()
    if any(set(pair) <= set(seeds) for seeds in suite.expansion.pools.values()):
        return True
    if len({settings(variants[variant]).get("circular") for variant in pair}) > 1:
        return True
    models = {suite.usage.answering_model[variant] for variant in pair}
    if len(models) == 1:
        return False
    targets = {sample.id: set(map(_plain, sample.targets)) for sample in task.data.test}
    first = cells[pair[0]]
    shared = np.flatnonzero(first.shared_with(cells[pair[1]])).tolist()
    return all(_plain(first.answers[i]) in targets[first.ids[i]] for i in shared)


def _plain(answer: JSON) -> str:
    return normalise(as_text(answer), punctuation="drop")


def _anomalies(suite: Suite, task: str, pair: tuple[str, str], cells: Cells) -> Iterator[Anomaly]:
    shared, variants = cells[pair[0]].shared_with(cells[pair[1]]), suite.answering()
    difference = differences(variants[pair[0]], variants[pair[1]])
    evidence, remedy = _evidence(suite, pair, (cells[pair[0]], cells[pair[1]]))
    count = int(shared.sum())
    items = (
        state("no_effect.items", "{count} items", count=count)
        if count == len(shared)
        else state("no_effect.shared_items", "{count} items that both answered", count=count)
    )
    cause = state(
        "no_effect.cause",
        "{first} and {second} {difference}, and gave equal answers to all {items}: {evidence}",
        first=pair[0],
        second=pair[1],
        difference=difference,
        items=items,
        evidence=evidence,
    )
    for variant in pair:
        yield Anomaly(
            task=task,
            variant=variant,
            kind="no effect",
            count=count,
            answers=int(cells[variant].is_answered.sum()),
            excerpt="",
            cause=cause.text,
            remedy=remedy.text,
            examples=tuple(cells[variant].ids[i] for i in np.flatnonzero(shared)[:EXAMPLES].tolist()),
            statements=(cause.statement, remedy.statement),
        )


def _evidence(suite: Suite, pair: tuple[str, str], cells: tuple[AnswerMarks, AnswerMarks]) -> tuple[Sentence, Sentence]:
    """Where the difference was lost, as far as the prompts tell, and the remedy."""
    models = [suite.usage.answering_model[variant] for variant in pair]
    if models[0] != models[1]:
        return (
            state(
                "no_effect.same_model",
                "their models may be one and the same, for instance an adapter without effect, or two names of one "
                "model",
            ),
            state(
                "no_effect.compare_models",
                "compare what the two models are under Method, or leave out one of the two variants",
            ),
        )
    first, second = cells
    shared = first.shared_with(second)
    if np.array_equal(first.prompts[shared], second.prompts[shared]):
        return (
            state("no_effect.same_prompts", "the prompts that were sent are the same"),
            state(
                "no_effect.look_at_setting",
                "leave out one of the two variants, or look at what the setting is to change",
            ),
        )
    if dropped := _dropped_turn(first, second, shared):
        return dropped, state(
            "no_effect.mend_template",
            "give the model a template that shows every turn: in Ollama a Modelfile with TEMPLATE, or template: chatml",
        )
    return (
        state("no_effect.different_prompts", "the prompts differ, the answers do not"),
        state(
            "no_effect.look_at_prompts",
            "look at some of the prompts as the model read them, or leave out one of the two variants",
        ),
    )


def _dropped_turn(first: AnswerMarks, second: AnswerMarks, shared: Rows) -> Sentence | None:
    """Of prompts that differ: how they are the same none the less, as far as is known."""
    text = "the prompts that were sent differ, but {proof} they are the same: the model’s template drops a turn"
    if first.is_rendered[shared].all() and np.array_equal(first.renderings[shared], second.renderings[shared]):
        return state("no_effect.same_rendering", text.replace("{proof}", "as the model read them"))
    tokens = first.tokens_in[shared]
    if np.array_equal(tokens, second.tokens_in[shared]) and (tokens > 0).all():
        return state("no_effect.same_counts", text.replace("{proof}", "by their counts of tokens"))
    return None


def differences(first: Variant, second: Variant) -> Sentence:
    """What two variants differ in, as the verb of a sentence, e.g. "differ in shots (0 and 5)"."""
    kinds = [type(variant).__name__ for variant in (first, second)]
    if kinds[0] != kinds[1]:
        text = "answer in different ways ({first} and {second})"
        return state("no_effect.other_ways", text, first=kinds[0], second=kinds[1])
    fields = [
        state("no_effect.field", "{name} ({first} and {second})", name=name, first=_value(a), second=_value(b))
        for name, a, b in _different(settings(first), settings(second))
    ]
    if not fields:
        return state("no_effect.same_settings", "have the same settings")
    return state("no_effect.other_settings", "differ in {fields}", fields=fields)


def _different(first: dict[str, JSON], second: dict[str, JSON], path: str = "") -> Iterator[tuple[str, JSON, JSON]]:
    """The parameters in which they differ, with both values; of a part of one kind, e.g. "retriever.k1", its own."""
    for name in first | second:
        a, b = first.get(name), second.get(name)
        part, other = _part(a), _part(b)
        if part is not None and other is not None and part[0] == other[0]:
            yield from _different(part[1], other[1], f"{path}{name}.")
        elif a != b:
            yield f"{path}{name}", a, b


def _part(value: JSON) -> tuple[str, dict[str, JSON]] | None:
    """A component, written `{name: {parameters}}`; None of what is none."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, parameters),) = value.items()
        return (str(name), parameters) if isinstance(parameters, dict) else None
    return None


def _value(value: JSON) -> str | Sentence:
    if value in (None, "", [], {}):
        return state("no_effect.none", "none")
    part = _part(value)
    text = part[0] if part else shortened(" ".join(as_text(value).split()), VALUE_LENGTH)
    return f"“{text}”" if isinstance(value, str) else text
