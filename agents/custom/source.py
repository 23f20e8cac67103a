"""A definition from a Python file: the function's arguments and docstring say what it takes."""

import ast
import inspect
import re
from collections.abc import Mapping
from typing import Any

FUNCTION = "execute"
_TYPES: Mapping[str, str] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "dict": "object",
    "Mapping": "object",
    "list": "array",
    "tuple": "array",
    "Sequence": "array",
    "None": "null",
}
_ARGUMENT = re.compile(r"^\s+(\w+)(?: \([^)]*\))?: (.+)$")


class SourceError(ValueError):
    """The file is no agent; says why."""


def definition_of(source: str, name: str) -> dict[str, Any]:
    """Return the definition of a Python agent.

    Args:
        source: Python with a function `execute`; its docstring describes the agent, with the
            arguments in a section `Args:` as Google's style guide has it.
        name: The agent's name.

    Raises:
        SourceError: It is no Python, has no such function or no docstring, or an annotation or a
            default has no form in JSON.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise SourceError(f"line {error.lineno}: {error.msg}") from error
    function = next(
        (
            one
            for one in reversed(tree.body)
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name == FUNCTION
        ),
        None,
    )
    if function is None:
        raise SourceError(f"there is no function `{FUNCTION}`")
    told = ast.get_docstring(function) or ast.get_docstring(tree)
    if not told:
        raise SourceError(f"`{FUNCTION}` has no docstring that says what the agent does")
    summary, descriptions = _read_docstring(told)
    properties, required = _parameters(function, descriptions)
    return {
        "agent_name": name,
        "description": summary,
        "tool_specification": {
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            },
            "returns": _schema(function.returns) if function.returns else {},
        },
        "implementation": {"type": "python_function", "code": source},
    }


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Return the first paragraph and what is said of each argument."""
    clean = inspect.cleandoc(text)
    summary = " ".join(clean.split("\n\n", 1)[0].split())
    descriptions = {}
    inside = False
    for line in clean.splitlines():
        if line and not line.startswith(" "):
            inside = line.strip() == "Args:"
        elif inside and (match := _ARGUMENT.match(line)):
            descriptions[match[1]] = match[2].strip()
    return summary, descriptions


def _parameters(
    function: ast.FunctionDef | ast.AsyncFunctionDef, descriptions: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    absent: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults))
    defaults = [*absent, *arguments.defaults, *arguments.kw_defaults]
    properties: dict[str, Any] = {}
    required = []
    for argument, default in zip([*plain, *arguments.kwonlyargs], defaults, strict=True):
        schema = _schema(argument.annotation) if argument.annotation else {}
        if argument.arg in descriptions:
            schema["description"] = descriptions[argument.arg]
        if default is None:
            required.append(argument.arg)
        else:
            schema["default"] = _default(argument.arg, default)
        properties[argument.arg] = schema
    return properties, required


def _default(name: str, default: ast.expr) -> Any:
    try:
        value = ast.literal_eval(default)
    except ValueError as error:
        raise SourceError(f"the default of `{name}` must be a plain value") from error
    return list(value) if isinstance(value, tuple) else value


def _schema(annotation: ast.expr) -> dict[str, Any]:
    """Return the JSON Schema of an annotation; of one that says nothing to JSON, an empty one."""
    match annotation:
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.Constant(value=str(text)):
            return _schema(ast.parse(text, mode="eval").body)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return {"type": _TYPES[name]} if name in _TYPES else {}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _either([_schema(left), _schema(right)])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inside):
            return _generic(name, inside)
    return {}


def _generic(name: str, inside: ast.expr) -> dict[str, Any]:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name == "Literal":
        return {"enum": [_default("Literal", part) for part in parts]}
    if name == "Optional":
        return _either([_schema(inside), {"type": "null"}])
    if name == "Union":
        return _either([_schema(part) for part in parts])
    kind = _TYPES.get(name)
    if kind == "array":
        items = _schema(parts[0])
        return {"type": "array", **({"items": items} if items else {})}
    if kind == "object" and len(parts) > 1:
        values = _schema(parts[1])
        return {"type": "object", **({"additionalProperties": values} if values else {})}
    return {"type": kind} if kind else {}


def _either(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if any(not schema for schema in schemas):
        return {}
    types = [schema.get("type") for schema in schemas]
    if all(isinstance(one, str) and len(s) == 1 for one, s in zip(types, schemas, strict=True)):
        return {"type": types}
    return {"anyOf": schemas}
