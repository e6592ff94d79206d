"""How many words in our identifiers are function words: `one`, `found`, `told` say nothing about the domain.

python benchmarks/names.py [FOLDER …] prints, for each package, the function words in 1,000 name tokens, the commonest
of them, and the files that use them most. A name is counted wherever it is introduced or used: as a variable, a
parameter, an attribute, a function, a class or a keyword argument.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("harness", "baselines", "adapters", "reports")
FUNCTION_WORDS = frozenset(
    """one some found known told asked held shown same like other others each every made given kept taken it its they
    them their this that these those such there here thing things what which who how heard seen meant gone got came
    went wanted called said says tells""".split()  # noqa: SIM905
)
FOREIGN = frozenset({"empty_like", "full_like", "ones_like", "zeros_like"})  # names of numpy and torch


def name_tokens(source: str) -> Iterator[str]:
    """The lower-case words of all identifiers in a module: `best_of_each` has three, `KnowledgeBase` two."""
    for node in ast.walk(ast.parse(source)):
        for name in _names(node):
            if name in FOREIGN:
                continue
            yield from (word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name))


def _names(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Name():
            return (node.id,)
        case ast.arg():
            return (node.arg,)
        case ast.Attribute():
            return (node.attr,)
        case ast.keyword():
            return (node.arg,) if node.arg else ()
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.name,)
        case ast.alias():
            return (node.asname or node.name.rpartition(".")[2],)
    return ()


def share(files: Iterable[Path]) -> tuple[float, Counter[str], int]:
    """Function words in 1,000 name tokens, each word's count, and the number of tokens."""
    tokens = Counter(token for file in files for token in name_tokens(file.read_text(encoding="utf-8")))
    words = Counter({word: count for word, count in tokens.items() if word in FUNCTION_WORDS})
    return 1000 * words.total() / max(1, tokens.total()), words, tokens.total()


def main(folders: Iterable[str]) -> None:
    """Print the share of each folder, its commonest function words, and the files that have most of them."""
    for folder in folders:
        files = sorted(Path(folder).rglob("*.py")) if Path(folder).is_dir() else [Path(folder)]
        figure, words, total = share(files)
        print(f"{folder}: {figure:.1f} of 1,000 ({words.total()} of {total:,} name tokens)")
        print("  words:", ", ".join(f"{word} {count}" for word, count in words.most_common(15)))
        worst = sorted(((share([file])[1].total(), str(file)) for file in files), reverse=True)[:8]
        print("  files:", ", ".join(f"{file} {count}" for count, file in worst if count))


if __name__ == "__main__":
    main(sys.argv[1:] or PACKAGES)
