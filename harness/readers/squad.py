"""SQuAD-style JSON is the form of most reading comprehension: articles hold contexts, contexts hold questions."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError
from harness.readers.parsing.file_reader import FileReader
from harness.readers.parsing.json_text import DECODER, unfit
from harness.readers.parsing.rows import BadRow, Fault, Row, kind_of, list_of, optional_text, text_of
from harness.readers.parsing.text_file import read_text
from harness.records.inputs import JSON, Sample

_KEY = {name: re.compile(rf'"{name}"\s*:') for name in ("context", "question")}
_USED = ("question", "id", "answers", "context", "context_id", "title")


@dataclass(frozen=True, kw_only=True, slots=True)
class SquadContext:
    """A passage with its questions, each with the line and the place in the structure where it stands."""

    id: str
    title: str
    text: str
    line: int
    questions: tuple[Row | Fault, ...]


@dataclass(frozen=True, slots=True)
class QuestionLayout:
    """A question; its answers, which annotators may have written alike, are alternatives."""

    required: tuple[str, ...] = ()

    def identifier(self, values: Mapping[str, JSON]) -> str | None:
        return text_of(values, "id") if "id" in values else None

    def sample(self, values: Mapping[str, JSON], task: str, identifier: str) -> Sample:
        question, targets = text_of(values, "question"), []
        for number, answer in enumerate(list_of(values, "answers")):
            if not isinstance(answer, dict):
                raise BadRow(f"answers[{number}] is {kind_of(answer)}, not an object with text")
            targets.append(text_of(answer, "text"))
        if not targets:
            impossible = " (is_impossible: it is meant to have none)" if values.get("is_impossible") else ""
            raise BadRow(f"'{question[:40]}' has no answer{impossible}; on_bad_row: skip leaves such questions out")
        meta = {name: value for name, value in values.items() if name not in _USED}
        about = {name: values[name] for name in ("context", "context_id", "title")}
        return Sample(
            id=identifier, task=task, input=question, targets=tuple(dict.fromkeys(targets)), meta={**meta, **about}
        )


class Squad(FileReader):
    """SQuAD-style JSON: a sample a question; its distinct answers are the targets.

    Prompts see {{ context }}, {{ context_id }} (the passage's id in the knowledge base of the same name) and
    {{ title }}. Answers need not stand in the context. Questions on one context are a group, unless `group` names
    another, such as title; `group: null` takes each question by itself.
    """

    group: str | None = "context_id"
    """The column of what a question belongs to: questions about one context are not independent; null: all are."""
    encoding: str | None = None
    """The encoding of the file; null: UTF-8, then GB18030."""

    def rows(self, path: str) -> Iterator[Row | Fault]:
        """One row a question, with its context."""
        for context in contexts(path, self.encoding):
            if isinstance(context, Fault):
                yield context
                continue
            about = {"context": context.text, "context_id": context.id, "title": context.title}
            for row in context.questions:
                yield Row(row.line, {**row.values, **about}) if isinstance(row, Row) else row

    def layout(self) -> QuestionLayout:
        """The same for every file of this form."""
        return QuestionLayout()


def contexts(path: str, encoding: str | None = None) -> list[SquadContext | Fault]:
    """The contexts of a file in their order. Raises DataError when it is no SQuAD-style JSON.

    A context without an id is called "<title>#<its number under that title>"; without a title, after the file.
    """
    text = read_text(path, encoding)
    try:
        content = DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON: {error.msg} (column {error.colno})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {unfit(error)}") from error
    articles = content.get("data") if isinstance(content, dict) else content
    if not isinstance(articles, list):
        kind = f"an object with {', '.join(content) or 'nothing'}" if isinstance(content, dict) else kind_of(content)
        raise DataError(f'{path}:1: not SQuAD-style JSON: expected {{"data": [{{"paragraphs": […]}}]}}, found {kind}')
    return list(_ArticleWalk(text, articles, Path(path).stem).contexts())


class _ArticleWalk:
    """Goes through the articles with the line of every context and question.

    `json` forgets the lines, but keys come in the order of the text, where quotes inside a value are escaped: the nth
    key "question" of the text is the nth question. Should the counts differ, all lines are 1.
    """

    def __init__(self, text: str, articles: list[JSON], stem: str) -> None:
        self.articles, self.stem = articles, stem
        self._lines = {name: _lines(text, name, articles) for name in _KEY}
        self._counts: Counter[str] = Counter()
        self._numbers: Counter[str] = Counter()

    def contexts(self) -> Iterator[SquadContext | Fault]:
        for number, article in enumerate(self.articles):
            place = f"data[{number}]"
            paragraphs = article.get("paragraphs") if isinstance(article, dict) else None
            if not isinstance(paragraphs, list):
                yield Fault(self._line("context", step=0), f"{place}: is no object with a list of paragraphs")
                continue
            for index, paragraph in enumerate(paragraphs):
                yield self._context(article, paragraph, f"{place}.paragraphs[{index}]")

    def _context(self, article: Mapping[str, JSON], paragraph: JSON, where: str) -> SquadContext | Fault:
        line = self._line("context", step=isinstance(paragraph, dict) and "context" in paragraph)
        if not isinstance(paragraph, dict):
            return Fault(line, f"{where}: is {kind_of(paragraph)}, not an object with context and qas")
        questions = self._questions(paragraph, where)
        try:
            title = optional_text(article, "title")
            text = text_of(paragraph, "context")
            identifier = optional_text(paragraph, "id").strip()
        except BadRow as reason:
            return Fault(line, f"{where}: {reason}")
        name = title.strip() or self.stem
        self._numbers[name] += 1
        return SquadContext(
            id=identifier or f"{name}#{self._numbers[name]}", title=title, text=text, line=line, questions=questions
        )

    def _questions(self, paragraph: Mapping[str, JSON], where: str) -> tuple[Row | Fault, ...]:
        questions: list[Row | Fault] = []
        listed = paragraph.get("qas", [])
        if not isinstance(listed, list):
            return (Fault(self._line("question", step=0), f"{where}: qas is {kind_of(listed)}, not a list"),)
        for number, question in enumerate(listed):
            line = self._line("question", step=isinstance(question, dict) and "question" in question)
            if isinstance(question, dict):
                questions.append(Row(line, question))
            else:
                questions.append(Fault(line, f"{where}.qas[{number}]: is {kind_of(question)}, not an object"))
        return tuple(questions)

    def _line(self, name: str, step: int) -> int:
        """The line of the next key of a name; `step` 0 leaves it the next."""
        lines, count = self._lines[name], self._counts[name]
        self._counts[name] += step
        return lines[min(count, len(lines) - 1)] if lines else 1


def _lines(text: str, name: str, articles: list[JSON]) -> list[int]:
    """The lines of a key in the text; none if the text has more or fewer such keys."""
    lines, line, counted = [], 1, 0
    for match in _KEY[name].finditer(text):
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        lines.append(line)
    paragraphs = [
        paragraph
        for article in articles
        if isinstance(article, dict) and isinstance(article.get("paragraphs"), list)
        for paragraph in article["paragraphs"]
        if isinstance(paragraph, dict)
    ]
    if name == "context":
        count = sum("context" in paragraph for paragraph in paragraphs)
    else:
        lists = [paragraph["qas"] for paragraph in paragraphs if isinstance(paragraph.get("qas"), list)]
        count = sum(isinstance(item, dict) and "question" in item for listed in lists for item in listed)
    return lines if count == len(lines) else []
