"""Expressions that are plain enough to be evaluated here: fields, constants, sums, comparisons.

A session of the sandbox takes most of a millisecond, and most conditions are no more than
`state['score'] > 0.8`. What is evaluated here is read from the tree by the few rules below, in
bounded time, and nothing of it is run. Whatever might give something else in the sandbox is left
to it: calls but `len` and `get`, odd or large values, and all that fails, so that errors have one
author.
"""

import ast
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_MOST_CHARACTERS = 500
"""Of the expression."""
_MOST_DEPTH = 30
_LONGEST_TEXT = 16_384
_MOST_ELEMENTS = 256
_EXACT_AS_FLOAT = 2**53
_SCALARS: Final = (str, int, float, bool, type(None))
_NUMBERS: Final = (int, float, bool)
_NESTS: Final = (list, dict)


class NotPlain(Exception):
    """The expression, or a value that it meets, is for the sandbox."""


def plain_value(source: str, variables: Mapping[str, Any]) -> Any:
    """Return what the sandbox would give: null, a boolean, a number or a text.

    Args:
        source: An expression in which `a.b` reads the key `b` of an object `a`.
        variables: What it may name.

    Raises:
        NotPlain: The sandbox is to say.
    """
    tree = _tree(source) if len(source) <= _MOST_CHARACTERS else None
    if tree is None:
        raise NotPlain
    value = _value(tree, variables)
    if type(value) not in _SCALARS:
        raise NotPlain
    return value


@lru_cache(maxsize=512)
def _tree(source: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(f"(\n{source}\n)", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if _is_flat(tree) else None


def _is_flat(tree: ast.AST) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(_MOST_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return not level


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return _known(value)
        case ast.Name(id=name) if name in names:
            return _known(names[name])
        case ast.Subscript(value=whole, slice=part):
            return _part(_value(whole, names), _value(part, names))
        case ast.Attribute(value=whole, attr=name):
            return _part(_object(_value(whole, names)), name)
        case ast.Compare():
            return _compared(node, names)
        case ast.BoolOp(op=joint, values=parts):
            return _joined(isinstance(joint, ast.And), parts, names)
        case ast.UnaryOp(op=operator, operand=operand):
            return _turned(operator, operand, names)
        case ast.BinOp(left=left, op=operator, right=right):
            return _reckoned(operator, _number(left, names), _number(right, names))
        case ast.Call(func=function, args=arguments, keywords=[]):
            return _called(function, arguments, names)
    raise NotPlain


def _known(value: Any) -> Any:
    """Return a value of which it is known what the sandbox makes of it."""
    kind = type(value)
    if kind is str:
        _check_text(value)
    elif kind not in (*_SCALARS, *_NESTS) or (kind is float and value != value):
        raise NotPlain
    return value


def _check_text(text: str) -> None:
    if len(text) > _LONGEST_TEXT:
        raise NotPlain
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise NotPlain from None


def _object(value: Any) -> Any:
    if type(value) is not dict:
        raise NotPlain
    return value


def _part(whole: Any, key: Any) -> Any:
    """Return a member of an object or an element of a list, if it is there."""
    if type(whole) is dict and type(key) is str and key in whole:
        return _known(whole[key])
    if type(whole) is list and type(key) is int and -len(whole) <= key < len(whole):
        return _known(whole[key])
    raise NotPlain


def _turned(operator: ast.unaryop, operand: ast.expr, names: Mapping[str, Any]) -> Any:
    if isinstance(operator, ast.Not):
        return not _value(operand, names)
    if isinstance(operator, ast.USub):
        return -_number(operand, names)
    raise NotPlain


def _called(function: ast.expr, arguments: list[ast.expr], names: Mapping[str, Any]) -> Any:
    match function:
        case ast.Name("len") if len(arguments) == 1 and "len" not in names:
            value = _value(arguments[0], names)
            if type(value) in (str, *_NESTS):
                return len(value)
        case ast.Attribute(value=whole, attr="get") if 1 <= len(arguments) <= 2:
            found = _object(_value(whole, names))
            key, *other = (_value(argument, names) for argument in arguments)
            if type(key) is str:
                return _known(found.get(key, *other))
    raise NotPlain


def _number(node: ast.expr, names: Mapping[str, Any]) -> float:
    """Return a number that is the same everywhere: whole ones as a float, too."""
    value = _value(node, names)
    if type(value) is float or (type(value) is int and abs(value) <= _EXACT_AS_FLOAT):
        return value
    raise NotPlain


def _reckoned(operator: ast.operator, left: float, right: float) -> Any:
    match operator:
        case ast.Add():
            return _known(left + right)
        case ast.Sub():
            return _known(left - right)
        case ast.Mult():
            return _known(left * right)
        case ast.Div() if right:
            return _known(left / right)
    raise NotPlain


def _joined(every: bool, parts: list[ast.expr], names: Mapping[str, Any]) -> Any:
    value = None
    for part in parts:
        value = _value(part, names)
        if bool(value) is not every:
            break
    return value


def _compared(node: ast.Compare, names: Mapping[str, Any]) -> bool:
    left = _value(node.left, names)
    for operator, part in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, ast.In | ast.NotIn):
            right = _choices(part, names)
            holds = _is_in(left, right) is isinstance(operator, ast.In)
        else:
            right = _value(part, names)
            holds = _holds(operator, left, right)
        if not holds:
            return False
        left = right
    return True


def _holds(operator: ast.cmpop, left: Any, right: Any) -> bool:
    match operator:
        case ast.Eq():
            return _is_equal(left, right)
        case ast.NotEq():
            return not _is_equal(left, right)
        case ast.Is():
            return _is(left, right)
        case ast.IsNot():
            return not _is(left, right)
    _check_order(left, right)
    match operator:
        case ast.Lt():
            return bool(left < right)
        case ast.LtE():
            return bool(left <= right)
        case ast.Gt():
            return bool(left > right)
        case ast.GtE():
            return bool(left >= right)
    raise NotPlain


def _check_order(left: Any, right: Any) -> None:
    if type(left) is str and type(right) is str:
        return
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise NotPlain
    _check_exact(left, right)


def _check_exact(left: float, right: float) -> None:
    """Leave numbers to the sandbox that are only alike once they are rounded."""
    if (type(left) is float) is not (type(right) is float) and (
        max(abs(left), abs(right)) >= _EXACT_AS_FLOAT
    ):
        raise NotPlain


def _is_equal(left: Any, right: Any) -> bool:
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        _check_exact(left, right)
    if type(left) is type(right) and type(left) in _NESTS:
        if left and right:
            raise NotPlain
        return not left and not right
    return bool(left == right)


def _is(left: Any, right: Any) -> bool:
    if right is not None and type(right) is not bool:
        raise NotPlain
    return left is right


def _choices(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return what stands behind `in`: there a list may be written out."""
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(element, names) for element in node.elts]
    return _value(node, names)


def _is_in(value: Any, whole: Any) -> bool:
    if type(value) not in _SCALARS:
        raise NotPlain
    if type(whole) is list and len(whole) <= _MOST_ELEMENTS:
        return any(_is_equal(value, _known(element)) for element in whole)
    if type(whole) in (str, dict) and type(value) is str:
        return value in whole
    raise NotPlain
