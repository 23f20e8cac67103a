"""Instructions about who gets a mail: one more, another one, one less."""

import re

from compiler.editing.finding import find_steps
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules, slug
from compiler.editing.wording import ADDRESSES, TO_REMOVE, TO_SET, addresses_in, as_list
from compiler.english.lexicon import lexicon
from compiler.specification import Node

_AS_WELL = re.compile(
    r"^(?:also|additionally|add|cc)\b|\b(?:also|as well|too)$|\b(?:should|must|shall|to) also\b",
    re.IGNORECASE,
)
_ALONE = re.compile(r"\b(?:only|just|alone)\b", re.IGNORECASE)
_COPY = re.compile(r"(?:(?:please )?(?:add|put) .* (?:to|in|on) (?:the )?)?\b(cc)\b", re.IGNORECASE)


def _recipient(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    given = addresses_in(match["to"])
    groups = match.groupdict()
    target = _mail_step(reader, groups.get("what") or "")
    if target is None:
        return None
    copy = _COPY.match(match[0])
    field = copy[1].lower() if copy else "to"
    former = as_list(target.parameters.get(field))
    adds = _AS_WELL.search(match[0]) is not None
    instead = groups.get("instead") or ""
    if not _meant_instead(reader, target, instead, former):
        return None
    sets = instead or groups.get("set") or _ALONE.search(match[0])
    if not adds and not sets:
        answer = reader.ask(
            "recipient",
            f"Should {' and '.join(given)} get the mail of `{target.id}` instead of "
            f"{' and '.join(former) or 'nobody'}, or as well?",
            ("instead", "as well"),
        )
        adds = "instead" not in answer.lower()
    wanted = list(dict.fromkeys([*former, *given])) if adds else given
    old = _one_replaced(instead, former)
    if old:
        wanted = [part for one in former for part in (given if one == old else [one])]
    return [_to(target, field, wanted)]


def _meant_instead(reader: Reader, target: Node, instead: str, former: list[str]) -> bool:
    """Whether what a mail goes instead of is there: one of its addresses, or its own step."""
    words = re.sub(r"^,? instead(?: of)? ?", "", instead, flags=re.IGNORECASE)
    if not words:
        return True
    if addresses_in(words):
        return _one_replaced(words, former) is not None
    return find_steps(words, reader.specification).one == target.id


def _one_replaced(instead: str, former: list[str]) -> str | None:
    """Return the address among several in the place of which others come."""
    named = [one.lower() for one in addresses_in(instead)]
    return next((one for one in former if one.lower() in named), None)


def _by_name(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Take away whoever a word names: “the CEO” is ceo@acme.example."""
    name = match["who"].lower()
    held = {one for node in reader.specification.nodes for field in ("to", "cc")
            for one in as_list(node.parameters.get(field))
            if re.split(r"[@.+]", one.lower())[0] == name}  # fmt: skip
    return _take_away(reader, held) if len(held) == 1 else None


def _for_somebody(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “tell Bob instead of Alice”: another address for that of whoever a word names."""
    name = match["name"].lower()
    places = [(node, one) for node in reader.specification.nodes if node.agent == "email"
              for one in as_list(node.parameters.get("to"))
              if re.split(r"[@.+]", one.lower())[0] == name]  # fmt: skip
    if len(places) != 1:
        return None
    node, old = places[0]
    given = _addresses_of(reader, match["who"])
    former = as_list(node.parameters.get("to"))
    return [_to(node, "to", [new for one in former for new in (given if one == old else [one])])]


def _addresses_of(reader: Reader, who: str) -> list[str]:
    """Return the addresses in words; of a person without one it is asked."""
    if re.fullmatch(r"me|myself", who, re.IGNORECASE):
        return ["{user.email}"]
    given = addresses_in(who)
    if not given:
        answer = reader.ask(f"address.{slug(who)}", f"Which e-mail address does “{who}” have?", ())
        given = addresses_in(answer) or [answer.strip()]
    return given


def _somebody(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Ask for the address of a person or a team who gets a mail as well, or instead."""
    who = match["who"]
    target = _mail_step(reader, match["what"])
    if target is None or lexicon().product_pattern.search(who) or who.startswith("#"):
        return None
    former = as_list(target.parameters.get("to"))
    given = _addresses_of(reader, who)
    return [_to(target, "to", given if match["instead"] else [*former, *given])]


def _to(node: Node, field: str, wanted: list[str]) -> SetField:
    keeps_list = isinstance(node.parameters.get(field), list)
    return SetField(
        node.id, ("parameters", field), (wanted if keeps_list else ", ".join(wanted)) or None
    )


def _mail_step(reader: Reader, words: str) -> Node | None:
    mails = [node.id for node in reader.specification.nodes if "to" in node.parameters
             and node.agent == "email"]  # fmt: skip
    if not mails:
        return None
    found = find_steps(words, reader.specification, mails) if words and len(mails) > 1 else None
    if found is not None and found.one in mails:
        return reader.specification.node(found.one)
    return reader.specification.node(
        reader.one_of(f"mail.{slug(words)}", "Which of the mails is meant?", mails)
    )


def _without(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Take an address from the mails that go to it and to others."""
    return _take_away(reader, {one.lower() for one in addresses_in(match["to"])})


def _take_away(reader: Reader, gone: set[str]) -> list[Operation] | None:
    edits: list[Operation] = []
    for node in reader.specification.nodes:
        for field in ("to", "cc", "bcc"):
            former = as_list(node.parameters.get(field))
            left = [one for one in former if one.lower() not in gone]
            if left == former:
                continue
            if not left and field == "to":
                alone = " and ".join(former)
                reader.ask(
                    f"recipient.{node.id}",
                    f"`{node.id}` goes to {alone} alone. Say who gets it instead, or "
                    f"“remove {node.id}”.",
                    (f"remove {node.id}",),
                )
                return None
            edits.append(_to(node, field, left))
    return edits


_SEND = r"(?:send|email|e-mail|mail|deliver|forward)"
_WELL = r"(?: as well| too| also)?"
_NOT = r"(?:do not|don't|no longer|never|stop)"

_MAIL = (
    r"(?:(?:the |this |our )?(?:e-?mail|mail|report|message|mailing|distribution|recipients?"
    r"|recipient list|mailing list|list|distribution list|cc|copy|it|them))"
)
_RECEIVE = r"(?:get|receive|have)"

RULES: tuple[Rule, ...] = rules(
    (rf"(?:let|make|have) (?P<to>{ADDRESSES}) (?:be )?the (?P<set>only|sole)"
     r" (?:recipient|addressee|one)(?: who gets (?:it|the .+))?", _recipient),
    (rf"(?P<to>{ADDRESSES}) (?:should|must|shall|is to) be the (?P<set>only|sole)"
     r" (?:recipient|addressee)", _recipient),
    (rf"(?P<set>only) (?P<to>{ADDRESSES}) (?:should|must|shall|needs to|has to) {_RECEIVE} "
     rf"{_MAIL}", _recipient),
    (rf"(?P<to>{ADDRESSES}) (?:should|must|shall|needs to|has to|wants to) (?P<well>also )?"
     rf"{_RECEIVE} {_MAIL}(?P<instead> instead)?{_WELL}", _recipient),
    (rf"(?:take|drop|cut|leave|get|strike|remove|keep) (?P<to>{ADDRESSES}) (?:off|out of|from) "
     rf"{_MAIL}", _without),
    (rf"(?:take|drop|cut|leave|get|strike|remove|keep) (?:the |my |our )?(?P<who>[\w-]+) "
     rf"(?:off|out of|from) {_MAIL}", _by_name),
    (rf"(?:the |my |our )?(?P<who>[\w-]+) (?:doesn't|does not|no longer) (?:needs?|wants?|gets?)"
     rf"(?: to {_RECEIVE})? {_MAIL}", _by_name),
    (rf"(?P<to>{ADDRESSES}) (?:doesn't|does not|no longer) (?:needs?|wants?|gets?)"
     rf"(?: to {_RECEIVE})? {_MAIL}", _without),
    (rf"(?:also |additionally |only |just )?{_SEND} (?P<what>.*?) ?\bto (?:only |just )?"
     rf"(?P<to>{ADDRESSES})(?P<instead>,? instead(?: of .+)?)?{_WELL}(?: only| alone)?",
     _recipient),
    (rf"(?:also )?(?P<what>email|e-mail|mail|tell|notify|inform) (?P<to>{ADDRESSES})"
     rf"(?P<instead>,? instead(?: of .+)?)?{_WELL}", _recipient),
    (rf"(?P<what>.+?) (?:(?P<set>should|must|shall|has to) (?:only )?|(?:also )?)"
     rf"(?:go|goes|be sent|is sent) (?:only )?to (?P<to>{ADDRESSES})"
     rf"(?P<instead>,? instead(?: of .+)?)?{_WELL}", _recipient),
    (rf"(?:{TO_REMOVE}|{_NOT} (?:(?:send|sending|email|emailing|mail|mailing)(?: .*?)? ?(?:to)?)) "
     rf"(?P<to>{ADDRESSES})(?: from .+)?", _without),
    (rf"(?P<set>{TO_SET}) (?:the )?(?:recipients?|addressee|address)"
     rf"(?: (?:of|for|in) (?P<what>.+?))? to (?P<to>{ADDRESSES})", _recipient),
    (rf"(?:{_NOT} (?:send|sending|email|emailing|mail|mailing)(?: .*? to)?|{TO_REMOVE}) "
     r"(?:the |my |our )?(?P<who>[\w-]+)(?: from .+)?", _by_name),
    (rf"(?:tell|email|e-mail|mail|notify|inform|{_SEND} .*?to) (?P<who>[^,]+?) instead of (?:the )?"
     r"(?P<name>[\w-]+)", _for_somebody),
    (r"replace (?:the )?(?P<name>[\w-]+) (?:with|by) (?P<who>[^,]+@[^,]+)", _for_somebody),
    (rf"(?:also )?{_SEND} (?P<what>it|them|this|the \w+) (?:also )?to"
     r" (?P<who>(?:(?:the|my|our) )?[A-Za-z][\w -]*?)(?P<instead>,? instead)?"
     r"(?: as well| too| also)", _somebody),
    (rf"(?:add|cc|put) (?P<to>{ADDRESSES})(?: (?:on|to|in|as a?) (?P<what>.+))?", _recipient),
)  # fmt: skip
