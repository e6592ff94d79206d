"""Prose that stands in the report's code and templates, where it is said in one language only."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from tests.shared.catalogue_rules import SPEAKERS
from tests.shared.spoken import english_words

PIECE = re.compile(r"(?:^|[ (“])[A-Za-z][a-z]+[,;:.]? (?:[a-z]|$)|^[,;:(]? ?[a-z]{2,}[ ,;:.)]|(?:^| )[a-z]{2,}[:.]? ?$")
STYLES = ("bold ",)  # of the terminal
SENTENCE = re.compile(r"[A-Za-z’]+(?:[,;:]? [A-Za-z’]+){4,}")  # five words in a row


def prose_in_template(file: Path) -> list[str]:
    """The texts of a template, and those of its attributes that are read out or shown, which hold words."""
    return english_words(_text(Environment().parse(file.read_text(encoding="utf-8"))))


def prose_in_module(file: Path) -> list[str]:
    """The words between the values of an f-string, and whole sentences; docstrings and errors are for programmers."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    silent = set(_unsaid(tree))
    pieces = []
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, ast.JoinedStr):
            pieces += [(part, PIECE) for part in node.values if isinstance(part, ast.Constant)]
        elif isinstance(node, ast.Constant):
            pieces.append((node, SENTENCE))
    return [
        f"{file.name}:{piece.lineno} {piece.value}"
        for piece, pattern in pieces
        if isinstance(piece.value, str) and piece.value not in STYLES and pattern.search(piece.value)
    ]


def _unsaid(tree: ast.AST) -> Iterator[int]:
    """Docstrings, everything within an error, and keys of the catalogue."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        elif isinstance(node, ast.Raise):
            yield from map(id, ast.walk(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPEAKERS:
            yield from map(id, node.args)


def _text(node: nodes.Node | None) -> str:
    """What a template writes by itself, all branches in a row."""
    if isinstance(node, nodes.TemplateData):
        return node.data
    if isinstance(node, nodes.Const):
        return str(node.value)
    if isinstance(node, nodes.CondExpr):
        return f"{_text(node.expr1)} {_text(node.expr2)}"
    if isinstance(node, nodes.Concat):
        return "".join(map(_text, node.nodes))
    if isinstance(node, nodes.Template | nodes.Output | nodes.Macro | nodes.If | nodes.For):
        fields = ("nodes", "body", "elif_", "else_")
        return "".join(_text(part) for name in fields for part in getattr(node, name, None) or ())
    return ""
