"""Conditions: the expressions of routers and of edges.

A condition is a small part of Python: names, fields, comparisons, arithmetic, a few functions. It
is parsed and checked here and evaluated elsewhere, in a sandbox. What people write out of habit
from other languages (`&&`, `null`, braces around names) is taken for what it means.
"""

import ast
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from compiler.references import Reference, Segment, parse_reference

MAX_CHARACTERS = 4000

FUNCTIONS = frozenset(
    (
        "abs", "all", "any", "bool", "float", "int", "isinstance", "len", "list", "max", "min",
        "round", "set", "sorted", "str", "sum",
    )
)  # fmt: skip
METHODS = frozenset(
    (
        "count", "endswith", "find", "get", "index", "isalpha", "isdigit", "items", "join", "keys",
        "lower", "lstrip", "replace", "rstrip", "split", "startswith", "strip", "title", "upper",
        "values",
    )
)  # fmt: skip
_TYPES = frozenset(("bool", "float", "int", "list", "str", "dict"))
_KEYWORDS = frozenset(("default", "reverse"))
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None, "undefined": None}
_REMEDIES = {
    "toLowerCase": "Write `.lower()`.",
    "toUpperCase": "Write `.upper()`.",
    "trim": "Write `.strip()`.",
    "length": "Write `len(…)`.",
    "size": "Write `len(…)`.",
    "startsWith": "Write `.startswith(…)`.",
    "endsWith": "Write `.endswith(…)`.",
    "match": "Regular expressions are not part of conditions; use `in` or `.startswith(…)`.",
    "some": "Write `any(… for x in …)`.",
    "every": "Write `all(… for x in …)`.",
    "filter": "Write `[x for x in … if …]`.",
}
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Compare,
    ast.cmpop, ast.IfExp, ast.Constant, ast.Name, ast.Load, ast.Store, ast.Attribute,
    ast.Subscript, ast.Slice, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.Call, ast.keyword,
    ast.GeneratorExp, ast.ListComp, ast.comprehension,
)  # fmt: skip
_WRITE = "Write a comparison such as `score > 0.8` or `status == 'down'`."

_STRING = r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})"
    r"|(?P<braces>\{[A-Za-z_][^{}:,\s]*\})"
    r"|(?P<and>&&)|(?P<or>\|\|)|(?P<unequal>!==)|(?P<equal>===)|(?P<sql><>)|(?P<not>!(?!=))"
    r"|(?P<word>(?<![\w.])(?:AND|OR|NOT|IS|IN)(?!\w))"
)
_SPELLINGS = {"and": " and ", "or": " or ", "unequal": "!=", "equal": "==", "sql": "!="}


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked expression."""

    source: str
    """Python, with fields as subscripts: `uptime['status_code'] != 200`."""
    names: tuple[str, ...]
    """The names it reads, in alphabetical order: state keys, `input`, `state`, `item`."""
    references: tuple[Reference, ...] = ()
    """What it reads below those names, as far as the text tells."""


class ConditionError(Exception):
    """A condition cannot be used.

    Attributes:
        message: What is wrong, in one sentence.
        remedy: What to write instead, in one sentence.
    """

    def __init__(self, message: str, remedy: str) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message} {remedy}")


@lru_cache(maxsize=2048)
def parse_condition(text: str) -> Condition:
    """Check a condition and bring it into its one form.

    Raises:
        ConditionError: It is no expression, or uses what a condition may not use.
    """
    if not text.strip():
        raise ConditionError("The condition is empty.", _WRITE)
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(
            f"The condition has more than {MAX_CHARACTERS} characters.",
            "Compute the value in a data_processing node and test that.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The parentheses allow several lines and a comment at the end.
            tree = ast.parse(f"({_python(text)}\n)", mode="eval")
        body = _Rewriter().expression(tree.body)
        source = ast.unparse(ast.fix_missing_locations(body))
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ConditionError(f"`{text:.80}` is not an expression.", _syntax_remedy(text)) from error
    references = _references(body)
    return Condition(source, tuple(sorted({r.root for r in references})), references)


def _python(text: str) -> str:
    """Spell in Python what other languages spell otherwise; texts in quotes stay."""

    def spelt(match: re.Match[str]) -> str:
        kind, found = str(match.lastgroup), match.group()
        if kind == "string":
            return found
        if kind == "word":
            return found.lower()
        if kind == "not":
            return " not "
        if kind == "braces":
            reference = parse_reference(found[1:-1])
            return _subscripts(reference) if reference else found
        return _SPELLINGS[kind]

    return _TOKEN.sub(spelt, text)


def _subscripts(reference: Reference) -> str:
    return reference.root + "".join(f"[{part!r}]" for part in reference.path)


def _syntax_remedy(text: str) -> str:
    if re.search(r"(?<![=!<>:])=(?![=>])", text):
        return "Compare with `==`, not with `=`."
    if "?" in text:
        return "Write a choice as `a if condition else b`."
    if "=>" in text or "function" in text:
        return "Functions cannot be defined in a condition; write `any(x > 1 for x in items)`."
    return _WRITE


class _Rewriter(ast.NodeTransformer):
    """Refuses what a condition may not use; turns fields into subscripts."""

    def visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, _ALLOWED):
            raise ConditionError(f"A condition may not use {_described(node)}.", _WRITE)
        return cast(ast.AST, super().visit(node))

    def expression(self, node: ast.expr) -> ast.expr:
        return cast(ast.expr, self.visit(node))

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if node.value is not None and not isinstance(node.value, str | int | float | bool):
            raise ConditionError(f"A condition may not use `{ast.unparse(node)}`.", _WRITE)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in _CONSTANTS and isinstance(node.ctx, ast.Load):
            return ast.Constant(_CONSTANTS[node.id])
        _refuse_private(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        _refuse_private(node.attr)
        if node.attr == "length":
            raise ConditionError(
                "A list or text has no field `length`.",
                f"Write `len({ast.unparse(node.value)})`.",
            )
        value = self.expression(node.value)
        return ast.Subscript(value, ast.Constant(node.attr), ctx=ast.Load())

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            raise ConditionError("A condition may not wait.", _WRITE)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        for keyword in node.keywords:
            if keyword.arg not in _KEYWORDS:
                raise ConditionError(
                    f"The argument `{keyword.arg or '**'}` is not known here.",
                    "Write the arguments without names.",
                )
        if isinstance(node.func, ast.Attribute):
            return self._method(node, node.func)
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        if name not in FUNCTIONS:
            known = ", ".join(sorted(FUNCTIONS))
            raise ConditionError(
                f"The function `{name:.60}` cannot be called here.", f"There are: {known}."
            )
        return self._with_arguments(node, node.func)

    def _method(self, node: ast.Call, method: ast.Attribute) -> ast.AST:
        if method.attr in ("contains", "includes") and len(node.args) == 1:
            part, whole = self.expression(node.args[0]), self.expression(method.value)
            return ast.Compare(part, [ast.In()], [whole])
        if method.attr not in METHODS:
            raise ConditionError(
                f"`.{method.attr:.60}(…)` cannot be called here.",
                _REMEDIES.get(method.attr, f"There are: {', '.join(sorted(METHODS))}."),
            )
        method.value = self.expression(method.value)
        return self._with_arguments(node, method)

    def _with_arguments(self, node: ast.Call, function: ast.expr) -> ast.AST:
        arguments = [self.expression(argument) for argument in node.args]
        keywords = [ast.keyword(k.arg, self.expression(k.value)) for k in node.keywords]
        return ast.Call(function, arguments, keywords)


def _refuse_private(name: str) -> None:
    if name.startswith("__"):
        raise ConditionError(f"The name `{name:.60}` cannot be used here.", _WRITE)


_DESCRIPTIONS = {
    "Lambda": "functions of its own",
    "NamedExpr": "assignments",
    "JoinedStr": "f-strings",
    "Await": "`await`",
    "Pow": "`**`",
    "DictComp": "dictionary comprehensions",
    "SetComp": "set comprehensions",
    "Starred": "`*`",
}


def _described(node: ast.AST) -> str:
    name = type(node).__name__
    return _DESCRIPTIONS.get(name, f"a `{name}`")


def _references(body: ast.AST) -> tuple[Reference, ...]:
    """Collect what an expression reads, except its own loop variables."""
    found: dict[Reference, None] = {}
    _collect(body, frozenset(), found)
    return tuple(found)


def _collect(node: ast.AST, own: frozenset[str], found: dict[Reference, None]) -> None:
    chain = _chain(node)
    if chain is not None:
        if chain.root not in own:
            found[chain] = None
        return
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        for part in node.generators:
            _collect(part.iter, own, found)
            own |= {n.id for n in ast.walk(part.target) if isinstance(n, ast.Name)}
            for test in part.ifs:
                _collect(test, own, found)
        _collect(node.elt, own, found)
        return
    if isinstance(node, ast.Call):
        below: list[ast.AST] = [*node.args, *(k.value for k in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            below.insert(0, node.func.value)
        if isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            own |= _TYPES
    else:
        below = list(ast.iter_child_nodes(node))
    for child in below:
        _collect(child, own, found)


def _chain(node: ast.AST) -> Reference | None:
    """Return the reference that a name with constant subscripts is; None if it is none."""
    path: list[Segment] = []
    while isinstance(node, ast.Subscript):
        part = node.slice
        if not isinstance(part, ast.Constant) or not isinstance(part.value, str | int):
            return None
        path.append(part.value)
        node = node.value
    return Reference(node.id, tuple(reversed(path))) if isinstance(node, ast.Name) else None
