"""What a page says in one language, and which words of another it still holds."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from html.parser import HTMLParser

from harness.records.finished_run import FinishedRun
from harness.records.inputs import JSON, Language

SPOKEN = ("aria-label", "aria-description", "title", "alt", "placeholder", "data-explain", "data-label")
VERBATIM = ("code", "pre", "script", "style", "kbd", "samp")  # is shown as it stands, in every language
VOID = ("br", "hr", "img", "input", "meta", "link", "wbr", "col")
_NAMES = (
    "Bradley Terry Cohen Fleiss Gaffke Holm Kendall McNemar Newcombe Spearman Student Westfall Wilcoxon Wilson Young "
    "Jaccard Pareto Likert BM25 BLEU ROUGE BERTScore CSV JSON JSONL YAML HTML CPU GPU CI ID RAG SFT LoRA QLoRA DoRA DPO "
    "GGUF GiB KiB MiB TiB GB MB KB Hz ms px sha256 UTC token tokens domain-harness harness English F1 max-T p50 p95 "
    "JavaScript Python Markdown Hugging Face Ollama Chromium"
)  # that a Chinese sentence writes so as well
NAMES = frozenset(_NAMES.split())
SENTENCES = frozenset(("warnings", "notes", "note", "demoted", "doubts", "cause", "remedy", "difference", "reason"))
_WORDS = (
    "rows files skipped name task variant metric samples rank rating value range right wrong "
    "known unknown items answer answers figure judges pairs command seed started finished stages commit data"
)  # keys of records, and values of theirs, that are words of the language too
WORDS = frozenset(_WORDS.split())

WORD = re.compile(r"(?<![A-Za-z0-9.])[A-Za-z][A-Za-z0-9’-]*[A-Za-z0-9]")
CODE = re.compile(
    r'"?\b[A-Za-z_][A-Za-z0-9_]*"?: (true|false|null)?|\b(true|false|null)\b'  # settings, as a suite writes them
    r"|\{\{?[ \w]*(: \{[\w: ]*\})?\}?\}"  # templates, components
    r"|\b[a-z]+(_[a-z0-9]+)+\b"  # names of settings
)
COMMAND = re.compile(r"harness [a-z]+( --[a-z]+| [A-Z]+)*")


def body_of(page: str, language: Language) -> str:
    """The body of the page in one language."""
    start = re.search(rf'<(div|template) class="body" lang="{language}">', page)
    assert start, f"the page does not speak {language}"
    rest = page[start.end() :]
    return re.split(r'<(?:div|template) class="body" lang=|<script type="application/octet-stream"', rest)[0]


def section_of(page: str, language: Language, anchor: str) -> str:
    """One section of that body, by its address."""
    body = body_of(page, language)
    start = body.index(f'<section id="{anchor}"')
    depth = 0
    for tag in re.finditer(r"<(/?)section\b", body[start:]):
        depth += -1 if tag[1] else 1
        if not depth:
            return body[start : start + tag.start()]
    raise AssertionError(f"section {anchor} has no end")


def english_words(markup: str, finished: FinishedRun | None = None, names: Iterable[str] = ()) -> list[str]:
    """The texts of a Chinese page that hold English words, those words first.

    What the run calls its variants, tasks, metrics and files, its data and code are no words of the page; sentences that
    the run's summary holds are.
    """
    own = {*names, *(_names_of(finished) if finished else ())}
    words = sorted((name for name in own if len(name) > 1 and re.search("[A-Za-z]", name)), key=len, reverse=True)
    own_names = re.compile("|".join(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])" for name in words) or "(?!)")
    leftovers = []
    for text in dict.fromkeys(" ".join(text.split()) for text in _texts(markup)):
        latin = WORD.findall(CODE.sub(" ", own_names.sub(" ", COMMAND.sub(" ", text))))
        if leftover := [word for word in latin if word not in NAMES]:
            leftovers.append(f"{', '.join(leftover)} in: {text}")
    return leftovers


def explanations(markup: str) -> list[str]:
    """The explanations of its figures."""
    return re.findall(r'data-explain="([^"]*)"', markup)


def _texts(markup: str) -> Iterator[str]:
    reader = _Texts()
    reader.feed(markup)
    reader.close()
    yield from reader.texts


def _names_of(finished: FinishedRun) -> Iterator[str]:
    records = [finished.run, asdict(finished.summary), *map(asdict, finished.samples)]
    for name in _strings([*records, *map(asdict, finished.predictions), *map(asdict, finished.scores)]):
        if name not in WORDS:
            yield " ".join(name.split())
            yield name.replace("_", " ")
            yield from (line.strip() for line in name.splitlines())


def _strings(record: JSON) -> Iterator[str]:
    if isinstance(record, str):
        yield record
    elif isinstance(record, Mapping):
        for key, value in record.items():
            if key in SENTENCES and not isinstance(value, int | float):
                yield from value if key == "demoted" else ()
            else:
                yield str(key)
                yield from _strings(value)
    elif isinstance(record, list | tuple):
        for value in record:
            yield from _strings(value)


class _Texts(HTMLParser):
    """Texts and spoken attributes, without what is shown verbatim."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in SPOKEN and value]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not set(VERBATIM) & set(self._open):
            self.texts.append(data)
