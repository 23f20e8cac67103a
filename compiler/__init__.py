"""The workflow language: models, text, checks, references, graphs and the English parser.

`check`, `validate_input` and `plan` are imported from `compiler.check` and `compiler.plan`:
exported here they would hide those modules.
"""

from compiler.diagram import layout, mermaid
from compiler.errors import Problem, SpecificationError
from compiler.plan import Plan
from compiler.schema import json_schema
from compiler.signature import AgentSignature
from compiler.specification import Specification
from compiler.text import dump, load, load_document, specification_hash, to_document

__all__ = [
    "AgentSignature",
    "Plan",
    "Problem",
    "Specification",
    "SpecificationError",
    "dump",
    "json_schema",
    "layout",
    "load",
    "load_document",
    "mermaid",
    "specification_hash",
    "to_document",
]
