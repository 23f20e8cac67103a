"""Write the compiler's index of the ready agents: `python -m tools.ready_index`.

The compiler knows no agents' package, and reading all catalog files takes longer than many
descriptions; so what English needs of them stands in one file that is read in a few milliseconds.
"""

import json
from pathlib import Path
from typing import Any

from agents.catalog.entry import Entry
from agents.catalog.library import catalog_entry, catalog_names

INDEX = Path(__file__).parent.parent / "compiler" / "english" / "ready_agents.json"
_OF_THE_SCHEMA = ("type", "enum", "items", "pattern", "minimum", "maximum", "minItems", "minLength")


def index() -> str:
    """Return the whole file: a line for each agent."""
    entries = (catalog_entry(name) for name in catalog_names())
    lines = [
        f"{json.dumps(entry.name)}: {json.dumps(_told(entry), ensure_ascii=False)}"
        for entry in entries
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _told(entry: Entry) -> dict[str, Any]:
    output = entry.response.output
    fields = list(output) if isinstance(output, dict) else []
    return {
        "service": entry.service,
        "base": entry.base,
        "reads": entry.side_effect in ("none", "reads") or entry.spoken.gives is not None,
        "forms": [_given(form.model_dump(mode="json")) for form in entry.spoken.forms],
        "fields": fields,
        "gives": entry.spoken.gives or (fields[0] if len(fields) == 1 else ""),
        "parameters": {name: _parameter(entry, name) for name in entry.parameters["properties"]},
    }


def _parameter(entry: Entry, name: str) -> dict[str, Any]:
    about = entry.parameters["properties"][name]
    told = entry.spoken.parameters.get(name)
    facts = {
        "required": name in entry.parameters.get("required", ()),
        "secret": about.get("x-secret"),
        "description": about["description"],
        "schema": {key: about[key] for key in _OF_THE_SCHEMA if key in about},
        **(told.model_dump(mode="json") if told else {}),
    }
    return _given(facts)


def _given(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value not in (None, False, [], {})}


if __name__ == "__main__":
    INDEX.write_text(index(), encoding="utf-8")
