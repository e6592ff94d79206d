"""What holds of the catalogues of sentences, as lists of what breaks it; and where the product names their keys."""

import ast
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter

from jinja2 import Environment, nodes

from reports.wording import Entry

Catalogue = Mapping[str, Mapping[str, Entry]]

KEY = re.compile(
    r"[a-z_]+\.(?!(?:js|css|csv|html|json|jsonl|md|toml|tsv|txt)$)[a-z0-9_]*[a-z0-9]"
)  # and no file's name
LATIN = re.compile(r"[A-Za-zµÀ-ɏ]+(?:[-'’][A-Za-z]+)*")
SPEAKERS, COUNTERS = ("say", "say_markup"), ("counted", "counted_range")
HOLE = "\0"  # where an f-string has a value
OF_A_SECTION = ("title", "heading", "label")
OF_SCRIPTS = ("page", "explorer", "rating", "trend_chart")
# What is written in Latin letters in Chinese, too: names, abbreviations, signs of statistics, units.
SAME_IN_CHINESE = {
    *(
        "RAG",
        "LoRA",
        "QLoRA",
        "DoRA",
        "IA",
        "SFT",
        "DPO",
        "McNemar",
        "Holm",
        "MRR",
        "nDCG",
        "BERTScore",
        "ROUGE",
        "BLEU",
    ),
    *(
        "GPU",
        "CPU",
        "HTTP",
        "URL",
        "API",
        "JSON",
        "JSONL",
        "CSV",
        "HTML",
        "PDF",
        "ID",
        "SHA",
        "harness",
        "domain-harness",
    ),
    *("F", "k", "p", "r", "x", "n", "N", "B", "M", "MiB", "GiB", "MB", "GB", "s", "ms", "min", "h"),
}


@dataclass(slots=True)
class NamedKeys:
    """The keys that some files name: whole, or as patterns of f-strings; and the nouns that are counted."""

    spoken: dict[str, str] = field(default_factory=dict)  # what must exist → where it is said
    patterns: dict[str, str] = field(default_factory=dict)
    literals: dict[str, str] = field(default_factory=dict)  # whatever looks like a key
    nouns: dict[str, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)  # literals and fields, as they stand in a key: what a hole may be

    def add(self, template: str, place: str) -> None:
        """A literal, or one with holes, that is said at this place."""
        (self.patterns if HOLE in template else self.spoken)[template] = place


def keys_in_python(
    files: Iterable[Path], speakers: tuple[str, ...] = SPEAKERS, counters: tuple[str, ...] = COUNTERS
) -> NamedKeys:
    """What `say("…")` and its like name in these modules."""
    keys = NamedKeys()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                keys.words.add(_slug(node.value))
                if KEY.fullmatch(node.value):
                    keys.literals[node.value] = f"{file.name}:{node.lineno}"
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                keys.words.add(node.target.id)
            elif isinstance(node, ast.Dict):
                for template in _stated(node):
                    keys.add(template, f"{file.name}:{node.lineno}")
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = f"{file.name}:{node.lineno}"
                if node.func.id in speakers and node.args:
                    for template in _templates(node.args[0]):
                        keys.add(template, place)
                if node.func.id in counters:
                    keys.nouns |= {text: place for argument in node.args[1:] for text in _templates(argument)}
    return keys


def keys_in_templates(files: Iterable[Path]) -> NamedKeys:
    """What `{{ say("…") }}` and its like name in these templates."""
    keys, environment = NamedKeys(), Environment()
    for file in files:
        tree = environment.parse(file.read_text(encoding="utf-8"))
        for constant in tree.find_all(nodes.Const):
            if isinstance(constant.value, str):
                keys.words.add(_slug(constant.value))
                if KEY.fullmatch(constant.value):
                    keys.literals[constant.value] = f"{file.name}:{constant.lineno}"
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in SPEAKERS and call.args:
                for template in _jinja_templates(call.args[0]):
                    keys.add(template, f"{file.name}:{call.lineno}")
        for counter in tree.find_all(nodes.Filter):
            if counter.name in COUNTERS:
                place = f"{file.name}:{counter.lineno}"
                keys.nouns |= {text: place for argument in counter.args for text in _jinja_templates(argument)}
    return keys


def merged(*parts: NamedKeys) -> NamedKeys:
    """What any of them names."""
    keys = NamedKeys()
    for part in parts:
        keys.spoken |= part.spoken
        keys.patterns |= part.patterns
        keys.literals |= part.literals
        keys.nouns |= part.nouns
        keys.words |= part.words
    return keys


def differences(catalogues: Mapping[str, Catalogue]) -> list[str]:
    """Files, keys and places for values that one language has and another lacks."""
    (first, model), *others = ((language, _by_key(catalogue)) for language, catalogue in catalogues.items())
    return [
        complaint
        for language, entries in others
        for complaint in (
            *(
                f"{key} is only in {first if key in model else language}"
                for key in sorted(model.keys() ^ entries.keys())
            ),
            *(
                f"{key}: the values of {first} and {language} differ"
                for key in sorted(model.keys() & entries.keys())
                if not _have_same_values(_forms(model[key]), _forms(entries[key]))
            ),
        )
    ]


def malformed(catalogue: Catalogue) -> list[str]:
    """Entries that are neither a sentence nor a table with `other` and at most `one`, or whose braces do not match."""
    broken = []
    for file, name, entry in _entries(catalogue):
        if isinstance(entry, Mapping) and not {"other"} <= entry.keys() <= {"one", "other"}:
            broken.append(f"{file}.{name} is a table of {', '.join(entry)}")
            continue
        try:
            for text in _forms(entry).values():
                list(_values(text))
        except ValueError as error:
            broken.append(f"{file}.{name}: {error}")
    return broken


def missing(keys: NamedKeys, catalogue: Catalogue) -> list[str]:
    """What is said and has no entry."""
    names = {f"{file}.{name}" for file, name, _ in _entries(catalogue)}
    said = {key: place for key, place in keys.literals.items() if key.partition(".")[0] in catalogue}
    said |= {f"nouns.{noun.replace(' ', '_')}": place for noun, place in keys.nouns.items()} | keys.spoken
    broken = [f"{key} ({place})" for key, place in said.items() if HOLE not in key and key not in names]
    for pattern, place in keys.patterns.items():
        if not any(_regex(pattern).fullmatch(name) for name in names):
            broken.append(f"{pattern.replace(HOLE, '{…}')} ({place})")
    return sorted(broken)


def unused(keys: NamedKeys, sections: Iterable[str], scripts: str, catalogue: Catalogue) -> list[str]:
    """Entries that nothing says: no literal, no section of that name, no count, no script, no pattern.

    A pattern says only what its holes may be: words that are literals or fields somewhere.
    """
    used = keys.literals.keys() | keys.spoken.keys() | {f"nouns.{noun.replace(' ', '_')}" for noun in keys.nouns}
    used |= {f"{section}.{name}" for section in sections for name in OF_A_SECTION}
    open_ended = (HOLE, f"nouns.{HOLE}")  # they would say every title, and every noun
    patterns = [pattern.split(HOLE) for pattern in keys.patterns if not pattern.startswith(open_ended)]
    words = set(re.findall(r"\w+", scripts))  # what the holes of a script's template may be, too
    composed = [
        re.sub(r"\$\{[^}]*\}", HOLE, template).split(HOLE)
        for template in re.findall(r"`(\w*\$\{[^`}]*\}\w*)`", scripts)
        if re.sub(r"\$\{[^}]*\}", "", template)
    ]
    return [
        f"{file}.{name}"
        for file, name, _ in _entries(catalogue)
        if (key := f"{file}.{name}") not in used
        and not any(_is_made_of(key, pattern, keys.words) for pattern in patterns)
        and not (file in OF_SCRIPTS and (name in words or any(_is_made_of(name, parts, words) for parts in composed)))
    ]


def untranslated(english: Catalogue, chinese: Catalogue) -> list[str]:
    """Chinese entries that are the English ones, though they hold words that Chinese has of its own."""
    broken = []
    for file, name, entry in _entries(chinese):
        ours = _forms(english.get(file, {}).get(name, {}))
        for form, text in _forms(entry).items():
            if text == ours.get(form) and set(LATIN.findall(_prose(text))) - SAME_IN_CHINESE:
                broken.append(f"{file}.{name}: {text}")
    return broken


def _templates(argument: ast.expr) -> Iterator[str]:
    """The keys that an expression may be, as far as they can be read from it."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in argument.values)
    elif isinstance(argument, ast.IfExp):
        yield from _templates(argument.body)
        yield from _templates(argument.orelse)


def _jinja_templates(argument: nodes.Node) -> Iterator[str]:
    if isinstance(argument, nodes.Const) and isinstance(argument.value, str):
        yield argument.value
    elif isinstance(argument, nodes.Concat):
        yield "".join(str(part.value) if isinstance(part, nodes.Const) else HOLE for part in argument.nodes)
    elif isinstance(argument, nodes.CondExpr):
        yield from _jinja_templates(argument.expr1)
        yield from _jinja_templates(argument.expr2) if argument.expr2 else ()


def _stated(record: ast.Dict) -> Iterator[str]:
    """The key of a statement that is written as data: {"key": "…", "values": …}."""
    entries = {
        key.value: value for key, value in zip(record.keys, record.values, strict=True) if isinstance(key, ast.Constant)
    }
    if entries.keys() == {"key", "values"}:
        yield from _templates(entries["key"])


def _slug(text: str) -> str:
    return re.sub("[^a-z0-9]+", "_", text.lower()).strip("_")


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("[a-z0-9_]+".join(map(re.escape, pattern.split(HOLE))))


def _is_made_of(text: str, pieces: Sequence[str], words: Container[str]) -> bool:
    """Whether these pieces, with a number or one of the words between each two, are the text."""
    first, *others = pieces
    if not others or not text.startswith(first):
        return not others and text == first
    rest = text.removeprefix(first)
    return any(
        (rest[:end].isdecimal() or rest[:end] in words) and _is_made_of(rest[end:], others, words)
        for end in range(1, len(rest) + 1)
    )


def _have_same_values(ours: Mapping[str, str], theirs: Mapping[str, str]) -> bool:
    return all(set(_values(ours[form])) == set(_values(theirs[form])) for form in ours.keys() & theirs.keys())


def _by_key(catalogue: Catalogue) -> dict[str, Entry]:
    """The entries by key; a file, too, is a key, so that an empty one counts."""
    files: dict[str, Entry] = {f"{file}.toml": "" for file in catalogue}
    return files | {f"{file}.{name}": entry for file, name, entry in _entries(catalogue)}


def _entries(catalogue: Catalogue) -> Iterator[tuple[str, str, Entry]]:
    return ((file, name, entry) for file, entries in catalogue.items() for name, entry in entries.items())


def _forms(entry: Entry) -> Mapping[str, str]:
    return {"other": entry} if isinstance(entry, str) else entry


def _values(text: str) -> Iterator[str]:
    return (re.split(r"[.\[]", name)[0] for _, name, _, _ in Formatter().parse(text) if name is not None)


def _prose(text: str) -> str:
    """Without the places for values, tags, and what is code."""
    return re.sub(r"<code>.*?</code>|<[^>]*>|\{[^}]*\}", " ", text)
