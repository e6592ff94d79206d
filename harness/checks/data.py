"""What is wrong with a task's samples and prompts, found before any model is asked."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from harness.components.reader import Reader
from harness.components.task import Task
from harness.errors import DataError, HarnessError, nearest
from harness.records.inputs import JSON, Prompt, Sample
from harness.text.normalise import column_value
from harness.text.templates import LETTERS

MOST_VALUES = 200  # of a column in a table of the report
_UNDEFINED = re.compile(r"'(\w+)' is undefined")
_ELSEWHERE = {  # what only the prompt of a variant that searches can name, or none
    **dict.fromkeys(("passages", "several_sources"), "known only in the prompt of a rag variant: write it there"),
    "question": "the rendered prompt, known only in the prompt of a rag variant: here write {{ input }}",
    **dict.fromkeys(("target", "targets", "output", "answer"), "the right answer, which no prompt shows"),
}


def data_mistakes(task: Task) -> list[str]:
    """One line for the first unfit sample, and one for the first prompt that cannot be asked."""
    return [*_sample_mistakes(task), *(_prompt_mistakes(task) or _tool_mistakes(task))]


def with_remedy(mistake: str, reader: Reader) -> str:
    """A mistake of a prompt; where it names what has another name in prompts, with that name."""
    undefined = _UNDEFINED.search(mistake)
    meaning = {**_ELSEWHERE, **reader.meanings()}.get(undefined[1]) if undefined else None
    return f"{mistake}; '{undefined[1]}' is {meaning}" if undefined and meaning else mistake


def refuse_equal_ids(task: str, samples: Sequence[Sample]) -> None:
    """Raise DataError if two samples of a task have the same id."""
    ids: set[str] = set()
    for sample in samples:
        if sample.id in ids:
            raise DataError(f"tasks.{task}.data: two samples have the id {sample.id}; ids must differ")
        ids.add(sample.id)


def column_mistakes(columns: Sequence[str], tasks: Iterable[Task]) -> list[str]:
    """The columns of compare.by that no task has, or that tell too many items apart to be a table."""
    rows = {task.name: [sample.meta for sample in task.data.test] for task in tasks}
    names = dict.fromkeys(name for metas in rows.values() for meta in metas for name in meta)
    mistakes = []
    for column in columns:
        if column not in names:
            mistakes.append(f"compare.by: no task has a column '{column}' ({nearest(column, names)})")
        for task, metas in rows.items():
            count = len({column_value(meta, column) for meta in metas})
            if count > MOST_VALUES:
                mistakes.append(
                    f"compare.by: '{column}' has {count:,} values in tasks.{task}, a table at most {MOST_VALUES}; "
                    "name a column that joins items"
                )
    return mistakes


def _sample_mistakes(task: Task) -> list[str]:
    """The first sample that is unfit for the answer, has options without letters, or numbers that are none."""
    for sample in (*task.data.test, *task.data.train):
        problem = task.answer.check(sample)
        if problem is None and len(sample.options) > len(LETTERS):
            problem = f"{len(sample.options)} options, but letters for {len(LETTERS)}"
        strange = next((name for name, value in sample.meta.items() if _holds_no_number(value)), None)
        if strange is not None:
            problem = f"column '{strange}' holds NaN or infinity, which no file of a run can keep; make it text or null"
        if problem:
            return [f"tasks.{task.name}: sample {sample.id}: {problem}"]
    return []


def _holds_no_number(value: JSON) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return any(map(_holds_no_number, inner))


def _prompt_mistakes(task: Task) -> list[str]:
    """The first sample, or train row shown as an example, without a proper prompt; or the same prompt for all."""
    place = f"tasks.{task.name}.prompt"
    prompts: set[Prompt] = set()
    try:
        for sample in task.data.test:
            prompts.add(task.prompt(sample))
            if not task.answer.needs_question:
                continue
            _refuse_blank(task, sample, task.ask(sample).content)
        for row in task.data.train if task.answer.needs_question else ():
            _refuse_blank(task, row, task.template.render(row))
    except HarnessError as error:
        return [f"{place}: {error}"]
    if task.answer.needs_question and len(prompts) == 1 and len({sample.input for sample in task.data.test}) > 1:
        return [f"{place}: {task.template.origin}: the prompt is the same for every sample; use {{{{ input }}}}"]
    return []


def _tool_mistakes(task: Task) -> list[str]:
    """Rows that let an answer call functions which the prompt does not show: they would ask for what is not known."""
    rows = [*task.data.test, *task.data.train, *task.data.validation]
    with_tools = [sample.id for sample in rows if sample.tools]
    templates = [task.template, *([task.system] if task.system else [])]
    if not with_tools or any(template.names("tools") for template in templates):
        return []
    return [
        f"tasks.{task.name}.prompt: {task.template.origin}: {len(with_tools)} of {len(rows)} rows, the first "
        f"{with_tools[0]}, have tools, which the prompt does not show; write {{{{ tools }}}} into prompt or system, or "
        "leave these rows out of the file"
    ]


def _refuse_blank(task: Task, sample: Sample, question: str) -> None:
    if not question.strip():
        raise HarnessError(f"{task.template.origin}: sample {sample.id}: the prompt is empty; use {{{{ input }}}}")
