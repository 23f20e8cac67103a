"""What a model answers when it changes a workflow: typed operations, never a whole document.

They are made by `compiler.editing`, so what no operation names cannot change.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from agents.grounding import named_in, unnamed
from agents.planner_output import Answered, OpenQuestion, open_questions
from agents.planner_plan import Made, unfit, with_own
from agents.planner_prompt import edit_instructions, edit_message
from agents.planner_reading import Job, Unfit
from compiler.check import check
from compiler.diff import diff
from compiler.editing import operations as edits
from compiler.editing.chain import CannotEdit
from compiler.editing.operations import apply
from compiler.english.own_agents import NONE, Own
from compiler.english.parser import parse
from compiler.errors import SpecificationError
from compiler.signature import AgentSignature
from compiler.specification import Edge, Name, Node, Specification
from compiler.text import to_document

Id = Annotated[str, Field(max_length=100)]
_FIXED = ("id", "version", "created_by", "created_at", "updated_at")
"""Fields of `metadata` that no instruction sets."""


class Inputs(Answered):
    """Inputs that the workflow has not yet."""

    properties: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """JSON Schemas by name."""
    required: tuple[str, ...] = ()


class SetField(Answered):
    """Sets one field of a node, or of the workflow."""

    operation: Literal["set_field"]
    node_id: Id | None = None
    """The node; left out: the workflow itself, for `trigger`, `settings`, `state_schema`,
    `pattern` and `metadata`."""
    path: tuple[str, ...] = Field(min_length=1, max_length=12)
    """Such as `["parameters", "model"]`."""
    value: Any = None
    """Left out: the field goes."""


class AddSteps(Answered):
    """Adds nodes after one that is there, or before one."""

    operation: Literal["add_steps"]
    nodes: tuple[Node, ...] = Field(min_length=1, max_length=50)
    edges: tuple[Edge, ...] = ()
    """Among the new nodes, when there are several."""
    after: Id | None = None
    before: Id | None = None
    """Neither: they come at the end."""
    condition: str | None = None
    """The label of the way from the router that they follow."""
    inputs: Inputs = Inputs()


class RemoveStep(Answered):
    """Removes a node; what came before it leads to what came after."""

    operation: Literal["remove_step"]
    node_id: Id


class ReplaceStep(Answered):
    """Puts another node in the place of one; its result keeps the former one's key."""

    operation: Literal["replace_step"]
    node_id: Id
    node: Node
    inputs: Inputs = Inputs()


class MoveStep(Answered):
    """Moves a node to behind another one, or to before one."""

    operation: Literal["move_step"]
    node_id: Id
    after: Id | None = None
    before: Id | None = None


class RenameStep(Answered):
    """Gives a node another id, everywhere."""

    operation: Literal["rename_step"]
    node_id: Id
    new_id: Name


class AddEdge(Answered):
    """Adds a way between two nodes."""

    operation: Literal["add_edge"]
    source: Id
    target: Id
    type: Literal["sequential", "conditional", "parallel", "failure"] | None = None
    condition: str | None = None


class RemoveEdge(Answered):
    """Removes a way between two nodes."""

    operation: Literal["remove_edge"]
    source: Id
    target: Id


Operation = Annotated[
    SetField | AddSteps | RemoveStep | ReplaceStep | MoveStep | RenameStep | AddEdge | RemoveEdge,
    Field(discriminator="operation"),
]


class EditAnswer(Answered):
    """The operations that do what an instruction asks, and what it leaves open."""

    operations: tuple[Operation, ...] = Field(default=(), max_length=50)
    """In order; empty only when it is not clear what is meant: then ask."""
    questions: tuple[OpenQuestion, ...] = Field(default=(), max_length=20)


def edit_job(
    text: str,
    former: Specification,
    answers: Mapping[str, str],
    agents: Mapping[str, AgentSignature],
    own: Own = NONE,
) -> Job[EditAnswer, Made]:
    """Return what a model is asked for an instruction; arguments as `Planner.edit`."""
    named = named_in(text, answers, former, parse(text, own=own).specification)
    instructions = edit_instructions(text, former, agents, own)
    agents = with_own(agents, own)
    known = set(check(former, agents))

    def accept(answer: EditAnswer) -> Made:
        questions = open_questions(answer.questions, answers)
        if not answer.operations:
            if not questions:
                raise Unfit("There are no operations and no question. Make the change, or ask.")
            return Made(None, questions)
        new = _changed(former, answer)
        problems = [one for one in check(new, agents) if one not in known]
        problems = problems or unnamed(new, named, agents, former, own)
        if problems:
            raise unfit(problems)
        return Made(new, questions)

    return Job(
        instructions,
        edit_message(text, former, answers, own),
        EditAnswer,
        accept,
    )


def _changed(former: Specification, answer: EditAnswer) -> Specification:
    """Return the specification with the operations made.

    Raises:
        Unfit: One does not fit, or nothing differs.
    """
    try:
        new = apply(former, [_edit(one) for one in answer.operations])
    except CannotEdit as error:
        raise Unfit(f"{error} Answer again, with all operations.") from error
    except SpecificationError as error:
        raise unfit(error.problems) from error
    if not diff(former, new):
        raise Unfit("This changes nothing. Answer with operations that do what is asked.")
    return new


def _edit(one: Operation) -> edits.Operation:
    match one:
        case SetField():
            return edits.SetField(one.node_id, _settable(one), one.value)
        case AddSteps():
            edges = tuple(edge.model_dump(by_alias=True, exclude_none=True) for edge in one.edges)
            return edits.AddSteps(
                tuple(_document(node) for node in one.nodes),
                edges, one.after, one.before, one.condition, one.inputs.model_dump(),
            )  # fmt: skip
        case RemoveStep():
            return edits.RemoveStep(one.node_id)
        case ReplaceStep():
            return edits.ReplaceStep(one.node_id, _document(one.node), one.inputs.model_dump())
        case MoveStep():
            return edits.MoveStep(one.node_id, one.after, one.before)
        case RenameStep():
            return edits.RenameStep(one.node_id, one.new_id)
        case AddEdge():
            return edits.AddEdge(one.source, one.target, one.type, one.condition)
        case RemoveEdge():
            return edits.RemoveEdge(one.source, one.target)


def _settable(one: SetField) -> tuple[str, ...]:
    """Return the path of a field that an instruction may set.

    Raises:
        CannotEdit: Another operation is for this, or none.
    """
    first = one.path[0]
    whole = ("trigger", "settings", "state_schema", "pattern", "metadata")
    if one.node_id is None and first not in whole:
        raise CannotEdit(f"`{first}` is no field of the workflow; they are {', '.join(whole)}.")
    if one.node_id is not None and first == "id":
        raise CannotEdit("An id is changed by `rename_step`.")
    if first == "metadata" and (len(one.path) < 2 or one.path[1] in _FIXED):
        raise CannotEdit("Of `metadata` only name, description and tags can be set.")
    return one.path


def _document(node: Node) -> dict[str, Any]:
    """Return a node as documents hold it."""
    document: dict[str, Any] = to_document(Specification(nodes=(node,)))["nodes"][0]
    return document
