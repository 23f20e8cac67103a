"""A specification's text, changed only where its content is: the rest stays byte for byte.

The text is cut where the YAML parser saw nodes begin and end. What changed is replaced, in the
quoting that was there; comments, order and indentation around it are not touched. What comes out
is read back and compared, so a text that this cannot change is written anew instead.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from compiler.errors import SpecificationError
from compiler.specification import Specification
from compiler.text import dump, load, styled, to_document

_SHORT = {"input_keys": "input", "output_key": "output"}
_OUTSIDE_METADATA = ("name", "description", "tags")
_LISTS_OF_OBJECTS = ("nodes", "edges")


class _Unchangeable(Exception):
    """This text is not laid out as this module can change it."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """What stands between two places in the text from now on."""

    start: int
    end: int
    text: str


def rewrite(text: str, old: Specification, new: Specification) -> str:
    """Return a text that reads as the new specification and differs only where it has to.

    Args:
        text: YAML that reads as the old specification.
        old: What the text says.
        new: What it is to say.
    """
    if old == new:
        return text
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        if not isinstance(root, yaml.MappingNode) or root.flow_style:
            raise _Unchangeable
        changed = _Rewriting(text).document(root, to_document(old), to_document(new))
        if load(changed) == new:
            return changed
    except (_Unchangeable, ValueError, yaml.YAMLError, SpecificationError):
        pass
    return dump(new)


class _Rewriting:
    """Finds the edits of one text."""

    def __init__(self, text: str) -> None:
        self._text = text if text.endswith("\n") else f"{text}\n"
        self._new_ids: dict[str, str] = {}

    def document(
        self, root: yaml.MappingNode, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> str:
        """Return the whole text, changed."""
        edits: list[_Edit] = []
        old, new = dict(old), dict(new)
        for item in new["nodes"]:
            place = _renamed(item, old["nodes"], new["nodes"])
            if place is not None:
                self._new_ids[old["nodes"][place]["id"]] = item["id"]
        if old["metadata"] != new["metadata"] and "metadata" not in self._entries(root):
            edits = self._metadata(root, new["metadata"])
            old["metadata"] = new["metadata"]
        edits += self._mapping(root, old, new)
        return self._applied(0, len(self._text), edits)

    def _metadata(self, root: yaml.MappingNode, metadata: Mapping[str, Any]) -> list[_Edit]:
        """Gather name, description and tags, which stand alone, under `metadata`."""
        entries = self._entries(root)
        first = root.value[0][0].start_mark.index
        alone = [entries[name] for name in _OUTSIDE_METADATA if name in entries]
        return [_Edit(first, first, _written("metadata", metadata, 0))] + [
            self._removal(key, value) for key, value in alone
        ]

    def _entries(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        return {key.value: (key, value) for key, value in node.value}

    def _mapping(
        self, node: yaml.MappingNode, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> list[_Edit]:
        entries = self._entries(node)
        edits: list[_Edit] = []
        added: list[str] = []
        for name in dict.fromkeys([*old, *new]):
            if name in old and name in new and old[name] == new[name]:
                continue
            key, value = entries.get(name) or entries.get(_SHORT.get(name, "")) or (None, None)
            if key is None or value is None:
                if name in new:
                    added.append(name)
            elif name not in new:
                edits.append(self._removal(key, value))
            else:
                flow = bool(node.flow_style)
                edits += self._value(name, key, value, old.get(name), new[name], flow=flow)
        if added:
            key, value = node.value[-1]
            column = node.value[0][0].start_mark.column
            end = self._past_comments(self._line_end(self._content_end(value, key)), column)
            written = "".join(_written(name, new[name], column) for name in added)
            edits.append(_Edit(end, end, written))
        return edits

    def _value(
        self, name: str, key: yaml.Node, value: yaml.Node, old: Any, new: Any, *, flow: bool
    ) -> list[_Edit]:
        if isinstance(value, yaml.MappingNode) and isinstance(new, dict) and value.value:
            former = old if isinstance(old, dict) else {}
            if not value.flow_style or former.keys() == new.keys():
                return self._mapping(value, former, new)
        if name in _LISTS_OF_OBJECTS and isinstance(value, yaml.SequenceNode) and value.value:
            return [self._objects(value, old or [], new)]
        flow = flow or (isinstance(value, yaml.CollectionNode) and bool(value.flow_style))
        if flow:
            written = _in_one_line(new)
        else:
            written = _rendered(new, key.start_mark.column, getattr(value, "style", None))
        end = self._content_end(value, key)
        inline = isinstance(value, yaml.ScalarNode) or flow
        if inline and value.start_mark.index < end and not written.startswith("\n"):
            return [_Edit(value.start_mark.index, end, written)]
        start = self._text.index(":", key.end_mark.index) + 1
        gap = "" if written.startswith("\n") else " "
        return [_Edit(start, end, f"{gap}{written}")]

    def _objects(
        self,
        node: yaml.SequenceNode,
        old: Sequence[dict[str, Any]],
        new: Sequence[dict[str, Any]],
    ) -> _Edit:
        """Return nodes or edges in their new order; those that are kept keep their text."""
        if len(node.value) != len(old):
            raise _Unchangeable
        found = self._former_places(old, new)
        if node.flow_style:
            texts = [
                _in_one_line(item)
                if place is None
                else self._kept(node, place, old, item, in_flow=True)
                for item, place in found
            ]
            return _Edit(node.start_mark.index, node.end_mark.index, f"[{', '.join(texts)}]")
        starts, ends = self._blocks(node)
        column = self._dash(node.value[0]) - starts[0]
        flow = bool(node.value[-1].flow_style)
        apart = len(node.value) > 1 and self._text[ends[0] : starts[1]].startswith("\n")
        kept = {place for _, place in found if place is not None}
        parts: list[str] = []
        for item, place in found:
            if place is None:
                written = _item(item, column, flow=flow)
                parts.append(f"\n{written}" if apart and parts else written)
                continue
            gap = self._gap(starts, ends, place, kept)
            if not parts:
                gap = gap.lstrip("\n")
            elif not place and apart:
                gap = "\n"
            parts.append(gap + self._kept(node, place, old, item))
        parts.append(self._detached(starts, ends, range(max(kept, default=0) + 1, len(old))))
        return _Edit(starts[0], ends[-1], "".join(parts))

    def _former_places(
        self, old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]
    ) -> list[tuple[dict[str, Any], int | None]]:
        """Return the new nodes or edges, each with the place of the one whose text it keeps."""
        if "id" in old[0]:
            places = {item["id"]: place for place, item in enumerate(old)}
            return [(item, places.get(item["id"], _renamed(item, old, new))) for item in new]
        renamed = [
            item | {end: self._new_ids.get(item[end], item[end]) for end in ("from", "to")}
            for item in old
        ]
        kept: dict[int, int] = {}
        for fields in (None, ("from", "to"), ("from", "condition")):
            for number, item in enumerate(new):
                if number in kept:
                    continue
                same = [place for place, one in enumerate(renamed)
                        if place not in kept.values() and _alike(item, one, fields)]  # fmt: skip
                if same:
                    kept[number] = same[0]
        return [(item, kept.get(number)) for number, item in enumerate(new)]

    def _gap(self, starts: Sequence[int], ends: Sequence[int], place: int, kept: set[int]) -> str:
        """Return what stands above an item, also above those before it that went."""
        if not place:
            return ""
        first = place
        while first > 1 and first - 1 not in kept:
            first -= 1
        above = self._detached(starts, ends, range(first, place))
        return above + self._text[ends[place - 1] : starts[place]]

    def _detached(self, starts: Sequence[int], ends: Sequence[int], places: range) -> str:
        """Return the comments above items that went which a blank line keeps apart from them."""
        found = ""
        for place in places:
            lines = self._text[ends[place - 1] : starts[place]].splitlines(keepends=True)
            blank = [number for number, line in enumerate(lines) if not line.strip()]
            apart = "".join(lines[: blank[-1]]) if blank else ""
            found += apart if "#" in apart else ""
        return found

    def _blocks(self, node: yaml.SequenceNode) -> tuple[list[int], list[int]]:
        """Return where the lines of each item of a list begin and end."""
        starts = [self._text.rfind("\n", 0, self._dash(item)) + 1 for item in node.value]
        ends = [self._line_end(self._content_end(item, item)) for item in node.value]
        return starts, ends

    def _kept(
        self,
        node: yaml.SequenceNode,
        place: int,
        old: Sequence[dict[str, Any]],
        new: dict[str, Any],
        *,
        in_flow: bool = False,
    ) -> str:
        item = node.value[place]
        if not isinstance(item, yaml.MappingNode):
            raise _Unchangeable
        if in_flow:
            start, end = item.start_mark.index, item.end_mark.index
        else:
            start = self._text.rfind("\n", 0, self._dash(item)) + 1
            end = self._line_end(self._content_end(item, item))
        if item.flow_style and old[place].keys() != new.keys():
            edits = [_Edit(item.start_mark.index, item.end_mark.index, _in_one_line(new))]
        else:
            edits = self._mapping(item, old[place], new)
        return self._applied(start, end, edits)

    def _dash(self, item: yaml.Node) -> int:
        dash = self._text.rfind("-", 0, item.start_mark.index)
        if dash < 0 or self._text[dash + 1 : item.start_mark.index].strip():
            raise _Unchangeable
        return dash

    def _removal(self, key: yaml.Node, value: yaml.Node) -> _Edit:
        start = self._text.rfind("\n", 0, key.start_mark.index) + 1
        if self._text[start : key.start_mark.index].strip():
            raise _Unchangeable
        return _Edit(start, self._line_end(self._content_end(value, key)), "")

    def _content_end(self, node: yaml.Node, key: yaml.Node) -> int:
        """Return where a value's last character stands; its own end mark may be far below."""
        while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            key, node = last if isinstance(last, tuple) else (last, last)
        if isinstance(node, yaml.ScalarNode) and node.start_mark.index == node.end_mark.index:
            return self._text.index(":", key.end_mark.index) + 1
        end = int(node.end_mark.index)
        return len(self._text[:end].rstrip())

    def _line_end(self, place: int) -> int:
        return self._text.index("\n", place) + 1

    def _past_comments(self, place: int, column: int) -> int:
        """Return where the comments end that stand deeper than a column, and so belong above."""
        for line in self._text[place:].splitlines(keepends=True):
            if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) <= column:
                break
            place += len(line)
        return place

    def _applied(self, start: int, end: int, edits: Sequence[_Edit]) -> str:
        """Return a part of the text with its edits made."""
        parts: list[str] = []
        place = start
        for edit in sorted(edits, key=lambda one: (one.start, one.end)):
            if edit.start < place or edit.end > end:
                raise _Unchangeable
            parts += [self._text[place : edit.start], edit.text]
            place = edit.end
        return "".join([*parts, self._text[place:end]])


def _alike(one: Mapping[str, Any], other: Mapping[str, Any], fields: Sequence[str] | None) -> bool:
    """Whether two edges are the same, or have the same of some fields, which both must have."""
    if fields is None:
        return one == other
    return all(name in one and one.get(name) == other.get(name) for name in fields)


def _renamed(
    item: Mapping[str, Any], old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> int | None:
    """Return the place of the node that has only another id now."""
    ids = {one.get("id") for one in new}
    same = [
        place
        for place, one in enumerate(old)
        if "id" in one and one["id"] not in ids and {**one, "id": item["id"]} == item
    ]
    return same[0] if len(same) == 1 else None


def _dumped(value: Any) -> str:
    writer = YAML()
    writer.width = 2**31 - 1
    writer.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    writer.dump(value, stream)
    return stream.getvalue()


def _indented(text: str, column: int) -> str:
    return "".join(
        f"{' ' * column}{line}" if line.strip() else line for line in text.splitlines(keepends=True)
    )


def _written(name: str, value: Any, column: int) -> str:
    """Return a whole new entry of a mapping, with its line's end."""
    return _indented(_dumped({name: styled(value)}), column)


def _item(value: Mapping[str, Any], column: int, *, flow: bool) -> str:
    """Return a whole new item of a list, with its line's end."""
    if flow:
        return f"{' ' * column}- {_in_one_line(value)}\n"
    lines = _indented(_dumped(styled(value)), column + 2)
    return f"{' ' * column}- {lines[column + 2 :]}"


def _rendered(value: Any, column: int, style: str | None) -> str:
    """Return what stands after a field's colon, in the quotes that were there."""
    if isinstance(value, str) and style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, str) and style == '"' and value.isprintable():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    written = _dumped({"k": styled(value)})[2:].rstrip("\n")
    first, newline, rest = written.partition("\n")
    return first.strip() + newline + _indented(rest, column)


def _in_one_line(value: Any) -> str:
    """Return a value as YAML in braces and brackets."""
    holder = CommentedMap({"k": styled(value)})
    holder.fa.set_flow_style()
    return _dumped(holder).strip().removeprefix("{k: ").removesuffix("}")
