"""Parameters that a JSON Schema describes instead of a class."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import jsonschema_rs
from pydantic import ConfigDict, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from agents.agent import Parameters
from compiler.check_schemas import validator


class Given(Parameters):
    """Parameters that are checked by a JSON Schema; make a class of a schema by `given`."""

    # Most are listed only, never given values.
    model_config = ConfigDict(extra="allow", defer_build=True)
    json_schema: ClassVar[dict[str, Any]]
    validator: ClassVar[jsonschema_rs.Validator]
    beside: ClassVar[frozenset[str]]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Check the values, and put the schema's defaults into their places."""
        checked = obj
        if cls.beside and isinstance(obj, Mapping):
            checked = {name: value for name, value in obj.items() if name not in cls.beside}
        faults = [
            InitErrorDetails(
                type=PydanticCustomError("schema", "{reason}", {"reason": fault.message}),
                loc=tuple(fault.instance_path),
                input=None,
            )
            for fault in cls.validator.iter_errors(checked)
        ]
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, faults)
        properties = cls.json_schema["properties"]
        defaults = {name: p["default"] for name, p in properties.items() if "default" in p}
        return super().model_validate({**defaults, **obj}, **options)

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
        """Return the schema."""
        return dict(cls.json_schema)


def given(schema: Mapping[str, Any], beside: Sequence[str] = ()) -> type[Given]:
    """Return the parameter model of a JSON Schema of an object.

    Args:
        schema: With `properties`.
        beside: Names of values that come beside what the schema describes.

    Raises:
        ValueError: It is no JSON Schema, or refers to something outside itself.
    """
    values = {
        "json_schema": dict(schema),
        "validator": validator(schema),
        "beside": frozenset(beside),
        "__module__": __name__,
        "__annotations__": {},
    }
    return type("Given", (Given,), values)
