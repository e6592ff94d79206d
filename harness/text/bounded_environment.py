"""A sandbox whose templates end: what a prompt computes is counted, and nothing in it differs from run to run.

Jinja's own sandbox keeps a template from the machine, not from 9**(9**9), 'x' * 10**9 or loops within loops. Here every
step and every character that a rendering makes is spent from a budget before it is made.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2 import Template as CompiledTemplate
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from harness.text.template_budget import (
    COST_OF_FILTERS,
    COST_OF_METHODS,
    STEP,
    counted,
    counted_text,
    printable,
    refuse_bits,
    refuse_widths,
    spend,
    spend_on,
    spend_times,
)  # fmt: skip

_UNEQUAL = {"random": "draws another item each time", "lipsum": "makes another text each time"}
_LOOKING = {  # tests that look at what is inside
    "in", "==", "eq", "equalto", "!=", "ne", "<", "lt", "lessthan", "<=", "le", ">", "gt", "greaterthan", ">=", "ge",
}  # fmt: skip
_CHEAP = {"length", "count", "first", "last", "default", "d", "safe", "attr"}  # filters that do not


def _bounded(name: str, function: Callable[..., Any], cost: Callable[..., None] | None) -> Callable[..., Any]:
    """A filter or test that spends what it is given before, and what it made after."""
    hidden = int(hasattr(function, "jinja_pass_arg"))  # the context, or the environment, comes first

    @wraps(function)
    def bounded(*arguments: Any, **named: Any) -> Any:
        spend(STEP)
        values = arguments[hidden:]
        streams = [counted(value) if isinstance(value, Iterator) else value for value in values]
        if name not in _CHEAP:
            spend_on([value for value in (*values, *named.values()) if not isinstance(value, Iterator)])
        if cost is not None:
            cost(*values, **named)
        result = function(*arguments[:hidden], *streams, **named)
        if name not in _CHEAP and not isinstance(result, Iterator):
            spend_on(result)
        return result

    return bounded


@pass_context
def _each(_context: Context, items: Any) -> Any:
    return items if isinstance(items, Undefined) else counted(items)


@pass_context
def _whole(_context: Context, value: Any) -> Any:
    spend_on(value)
    return value


@pass_context
def _concatenated(_context: Context, parts: list[Any]) -> str:
    return "".join(str(printable(part)) for part in parts)


class _Spending(NodeTransformer):
    """Writes the counting into a template: loops, comparisons, slices and `~` have no hook of their own in Jinja."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  (Jinja's name)
        self.generic_visit(node)
        node.iter = _through("_each", node.iter)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _through("_whole", node.expr)
        for operand in node.ops:
            operand.expr = _through("_whole", operand.expr)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _through("_whole", node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _through("_concatenated", nodes.List(node.nodes, lineno=node.lineno))

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802
        _refuse_unequal(node.name, node.lineno)
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        if isinstance(node.node, nodes.Name):
            _refuse_unequal(node.node.name, node.lineno)
        return self.generic_visit(node)


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _refuse_unequal(name: str, line: int) -> None:
    if name in _UNEQUAL:
        raise TemplateSyntaxError(f"{name} {_UNEQUAL[name]}; a prompt must be the same in every run", line)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Strict, sandboxed and bounded; what renders a template of it opens a `budget`."""

    intercepted_binops = frozenset(["+", "*", "**", "%"])

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            finalize=printable,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        filters: dict[str, Any] = self.filters
        tests: dict[str, Any] = self.tests
        self.filters = {name: _bounded(name, function, COST_OF_FILTERS.get(name)) for name, function in filters.items()}
        self.filters |= {"_each": _each, "_whole": _whole, "_concatenated": _concatenated}
        self.tests = {
            name: _bounded(name, function, None) if name in _LOOKING else function for name, function in tests.items()
        }
        for name in _UNEQUAL:
            self.filters.pop(name, None)
            self.globals.pop(name, None)
        setattr(self, "concat", _concat)  # noqa: B010  (Jinja declares it as a method of the class)

    def compiled(self, source: str) -> CompiledTemplate:
        """A template with the counting in it. Raises what Jinja raises."""
        tree = self.parse(source)
        tree = _Spending().visit(tree)
        tree.set_environment(self)
        return CompiledTemplate.from_code(self, self.compile(tree), dict(self.globals))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operators that can make much of little."""
        spend_on([left, right])
        match operator, left, right:
            case "**", int(), int():
                refuse_bits(left.bit_length() * abs(right))
            case "*", int(), int():
                refuse_bits(left.bit_length() + right.bit_length())
            case "*", int(), (str() | list() | tuple()):
                spend_times(right, left)
            case "*", (str() | list() | tuple()), int():
                spend_times(left, right)
            case "%", str(), _:
                refuse_widths(left)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, function: Any, *arguments: Any, **named: Any) -> Any:
        """A call of a function, a macro or a method."""
        spend(STEP)
        spend_on(
            [
                value
                for value in (*arguments, *named.values())
                if not callable(value) and not isinstance(value, Iterator)
            ]
        )
        method = getattr(function, "__wrapped__", function)  # the sandbox wraps the formatting methods
        owner, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if isinstance(owner, str | int):
            spend_on(owner)
            if name in COST_OF_METHODS:
                COST_OF_METHODS[name](owner, *arguments, **named)
        if isinstance(function, LoopContext):
            arguments = (counted(arguments[0]), *arguments[1:])
        result = super().call(context, function, *arguments, **named)
        if isinstance(result, str | list | tuple | dict | int):
            spend_on(result)
        return result


def _concat(parts: Iterable[str]) -> str:
    return "".join(map(counted_text, parts))
