"""A custom agent that is a Python function, run in the sandbox."""

import ast
from collections.abc import Mapping
from typing import Any, ClassVar

from agents.agent import AgentContext, AgentResult, SideEffect
from agents.custom.definition import PythonFunction
from agents.custom.source import FUNCTION
from agents.errors import AgentError
from agents.sandbox import parse_script
from compiler.errors import Problem

_ARGUMENTS = "weft_arguments"
_CODE = "implementation.code"
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class PythonRunner:
    """Calls `execute` in a fresh session of the sandbox: no files, network or environment."""

    side_effect: ClassVar[SideEffect] = "none"
    hosts: ClassVar[tuple[str, ...]] = ()
    own_secrets: ClassVar[tuple[str, ...]] = ()
    timeout_seconds: ClassVar[float] = 60.0

    def __init__(self, implementation: PythonFunction) -> None:
        function = _function(implementation.code)
        waits = "await " if isinstance(function, ast.AsyncFunctionDef) else ""
        self._script = f"{implementation.code}\n{waits}{FUNCTION}(**{_ARGUMENTS})"

    async def run(self, values: Mapping[str, Any], context: AgentContext) -> AgentResult:
        """Return what the function returns.

        Raises:
            AgentError: The code fails or passes a limit; always final.
        """
        sandbox = await context.services.sandbox()
        arguments = {_ARGUMENTS: dict(values)}
        return AgentResult(await sandbox.run(self._script, arguments, whose=context.tenant_id))


def python_problems(implementation: PythonFunction, schema: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the code, without running it.

    Args:
        implementation: The code.
        schema: What the agent takes: every parameter must be one of the function's.
    """
    try:
        function = _function(implementation.code)
    except AgentError as error:
        remedy = error.remedy or "Correct the code."
        return [Problem(_CODE, "wrong_code", str(error).removesuffix(error.remedy).strip(), remedy)]
    if function is None:
        example = ", ".join(schema["properties"])
        return [
            Problem(
                _CODE, "no_function", f"The code defines no function `{FUNCTION}`.",
                f"Write `def {FUNCTION}({example}):` at the left margin.",
            )
        ]  # fmt: skip
    return _argument_problems(function, schema)


def _function(code: str) -> _Function | None:
    tree = parse_script(code)
    found = [node for node in getattr(tree, "body", ()) if isinstance(node, _Function)]
    return next((one for one in reversed(found) if one.name == FUNCTION), None)


def _argument_problems(function: _Function, schema: Mapping[str, Any]) -> list[Problem]:
    arguments = function.args
    properties = schema["properties"]
    given = {*schema.get("required", ()), *(n for n, p in properties.items() if "default" in p)}
    named = [*arguments.args, *arguments.kwonlyargs]
    names = {argument.arg for argument in named}
    optional = {a.arg for a in arguments.args[len(arguments.args) - len(arguments.defaults) :]}
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    optional |= {argument.arg for argument, default in pairs if default is not None}
    problems = []
    if arguments.posonlyargs:
        problems.append(
            ("takes parameters by their place alone", "Remove the `/`: they come by name.")
        )
    if arguments.kwarg is None:
        problems += [
            (f"does not take the parameter `{name}`", f"Add `{name}` to its arguments.")
            for name in properties
            if name not in names
        ]
    problems += [
        (
            f"needs `{name}`, which is not always given",
            f"List `{name}` as required in the tool specification, or give it a default.",
        )
        for name in sorted(names - optional - given)
    ]
    return [
        Problem(_CODE, "wrong_arguments", f"`{FUNCTION}` {fault}.", remedy)
        for fault, remedy in problems
    ]
