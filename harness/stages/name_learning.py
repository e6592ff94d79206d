"""Give knowledge bases the train rows whose inputs are names of their passages, and say how many became names."""

from collections.abc import Mapping

from harness.components.knowledge import Knowledge
from harness.components.task import Task
from harness.errors import HarnessError
from harness.suite.suite import Suite
from harness.text.counting import counted


def learn_names(suite: Suite, tasks: Mapping[str, Task]) -> list[str]:
    """Hand over the train rows, before any passage is read; one line for each knowledge base that cannot take them.

    A task that could not be read is told elsewhere.
    """
    mistakes = []
    for name, knowledge in _learners(suite).items():
        if (task := tasks.get(knowledge.examples or "")) is not None:
            try:
                knowledge.learn(task.data.train, suite.seed)
            except HarnessError as error:
                mistakes += [f"knowledge.{name}: {line}" for line in error.lines]
    return mistakes


def described_names(suite: Suite) -> list[str]:
    """For each knowledge base that learns names, how many of the rows became names, and what kept the others."""
    return [_described(name, knowledge) for name, knowledge in _learners(suite).items()]


def _learners(suite: Suite) -> dict[str, Knowledge]:
    return {name: suite.knowledge[name] for name in suite.usage.knowledge if suite.knowledge[name].examples}


def _described(name: str, knowledge: Knowledge) -> str:
    coverage = knowledge.name_coverage
    text = (
        f"knowledge.{name}: the inputs of {coverage.named:,} of {counted(coverage.rows, 'train row')} of task "
        f"{knowledge.examples} are names of {counted(coverage.passages, 'passage')}"
    )
    if coverage.missing:
        first = coverage.missing[0]
        text += (
            f"; {counted(len(coverage.missing), 'row')} with a target that no passage holds, e.g. row {first.id}: "
            f"{' / '.join(first.targets)[:60]!r}"
        )
    if coverage.unclear:
        text += f"; {counted(coverage.unclear, 'row')} whose target stands in several passages, and none is named"
    return text
