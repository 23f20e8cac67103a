"""The parser deployment: English to specifications and edits, in a process of its own."""

from dataclasses import asdict
from typing import Any

from ray import serve as ray_serve

from compiler.editing.instruction import read_edit
from compiler.english.parser import parse
from compiler.specification import Specification
from compiler.text import to_document


@ray_serve.deployment(name="parser", max_ongoing_requests=64, ray_actor_options={"num_cpus": 0})
class Parser:
    """Parses descriptions and instructions offline."""

    def parse(
        self, text: str, name: str | None, answers: dict[str, str]
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Parse a description.

        Returns:
            The specification's document, None when none can be made, and the questions.
        """
        parsed = parse(text, name, answers)
        document = to_document(parsed.specification) if parsed.specification else None
        return document, [asdict(question) for question in parsed.questions]

    def edit(
        self, text: str, document: dict[str, Any], answers: dict[str, str]
    ) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Read an instruction that changes a specification, and make the change.

        Returns:
            The changed specification's document, None when none can be made, and the questions.
        """
        edited = read_edit(text, Specification.model_validate(document), answers)
        changed = to_document(edited.specification) if edited.specification else None
        return changed, [asdict(question) for question in edited.questions]
