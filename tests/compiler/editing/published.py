"""Published edits as specifications: small programs of calls, loops and choices, before and after.

A call is a step of the agent that its service has here, a loop maps each of its steps over its
list, and a choice is a router whose ways meet in what follows.
"""

import ast
import re
from dataclasses import dataclass, field
from typing import Any

from compiler.specification import Specification

_READS = ("retrievewithwhere",)
_VERBS = {"retrievewithwhere": "Get", "updatewithwhere": "Update", "deletewithwhere": "Delete",
          "create": "Create", "COPYFILE": "Copy", "COPY_OBJECT": "Copy", "PUTMESSAGE": "Add",
          "PUBLISHMESSAGEONTOPIC": "Publish notification to", "SENDOUTLOOK": "Send"}  # fmt: skip
_MAILS = ("Gmail", "Microsoft_Exchange")
_SERVICES = ("Microsoft_OneDrive_for_Business", "Microsoft_SharePoint", "Microsoft_Exchange",
             "Microsoft_Entra_ID", "monday_com", "Amazon_SNS", "Amazon_SQS", "Amazon_S3",
             "Zendesk_Service")  # fmt: skip


@dataclass(slots=True)
class _Program:
    nodes: list[dict[str, Any]] = field(default_factory=list)
    edges: list[dict[str, Any]] = field(default_factory=list)

    def add(self, node: dict[str, Any], exits: list[tuple[str, str | None]]) -> None:
        """Add a node after the open ends; a router learns where it leads."""
        taken = {one["id"] for one in self.nodes}
        while node["id"] in taken:
            node["id"] += "_2"
        self.nodes.append(node)
        for source, way in exits:
            self.edges.append({"from": source, "to": node["id"],
                               **({"condition": way} if way else {})})  # fmt: skip
            if way:
                next(one for one in self.nodes if one["id"] == source)["parameters"][way] = node[
                    "id"
                ]


def specification(program: str) -> Specification:
    """Return a program as a specification."""
    made = _Program()
    _block(made, ast.parse(program).body, [], None)
    return Specification.model_validate({"nodes": made.nodes, "edges": made.edges})


def _block(
    made: _Program, statements: list[ast.stmt], exits: list[tuple[str, str | None]],
    loop: str | None,
) -> list[tuple[str, str | None]]:  # fmt: skip
    for statement in statements:
        match statement:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Call() as call):
                node = _call(name, call)
                if loop:
                    node |= {"pattern": "map", "input_keys": [loop]}
                made.add(node, exits)
                exits = [(node["id"], None)]
            case ast.For(iter=ast.Name(name)):
                exits = _block(made, statement.body, exits, name)
            case ast.If():
                condition = ast.unparse(statement.test)
                router = {"id": "router", "agent": "router", "description": f"If {condition}",
                          "parameters": {"condition": condition}}  # fmt: skip
                made.add(router, exits)
                id = router["id"]
                yes = _block(made, statement.body, [(str(id), "if_true")], loop)
                no = _block(made, statement.orelse, [(str(id), "if_false")], loop)
                exits = [*yes, *(no if statement.orelse else [])]
    return exits


def _call(name: str, call: ast.Call) -> dict[str, Any]:
    assert isinstance(call.func, ast.Name)
    if call.func.id == "user_task":
        said = str(ast.literal_eval(call.args[0]))
        return {"id": name, "agent": "human_loop", "description": said}
    product, _, action = re.split(r"(__\d+_\d+_\d+__)", call.func.id)
    verb = next(verb for verb in _VERBS if action.startswith(verb))
    service = next((one for one in _SERVICES if product.startswith(one)), product.split("_")[0])
    thing = re.sub(r"_|(?<=[a-z])(?=[A-Z])", " ", product.removeprefix(service)).strip()
    mail = service in _MAILS
    return {
        "id": name,
        "agent": "email" if mail else "api",
        "description": f"{_VERBS[verb]} {'email' if mail else thing} in "
        f"{service.replace('_', ' ')}",
        "parameters": {"method": "GET" if verb in _READS else "POST"} if not mail else {},
    }


def shape(made: Specification) -> set[tuple[Any, ...]]:
    """Return what two specifications share that do the same under other names and words.

    Steps by agent and kind of effect, whether they run for each item, and the ways between them.
    """
    kinds = {}
    for node in made.nodes:
        method = str(node.parameters.get("method", ""))
        if node.agent in ("api", "web_scraping"):
            effect = "reads" if method == "GET" or node.agent == "web_scraping" else "writes"
        else:
            effect = node.agent
        kinds[node.id] = (effect, node.pattern)
    counted = [*kinds.values()]
    return {
        *((kind, counted.count(kind)) for kind in counted),
        *((kinds[edge.source], kinds[edge.target],
           _way(made, edge.source, edge.target)) for edge in made.edges),
    }  # fmt: skip


def _way(made: Specification, source: str, target: str) -> str:
    """Return which way of a choice it is; of one that has a single way its condition decides."""
    ways = [way for way in ("if_true", "if_false") if way in made.node(source).parameters]
    named = [way for way in ways if made.node(source).parameters[way] == target]
    return named[0] if len(ways) == 2 and named else "only" if named else ""
