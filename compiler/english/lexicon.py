"""The words that the parser knows: loads `lexicon.yaml` once and indexes it.

Owns word lists and their forms (third person, gerund); knows nothing about sentences.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ruamel.yaml import YAML

_DOUBLED = re.compile(
    r"^(?:get|put|set|stop|drop|cut|run|plan|log|tag|map|let|grab|submit|trim|flag|chat|ship|scan|forget|begin|refer|embed|transfer|swap|strip|skip|wrap|sum|rub|zip|unzip|snap|blog)$"
)


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb and the action that it asks for."""

    base: str
    action: str
    is_noun: bool
    """The word is also a common noun, so only its surroundings say that it is a verb."""


@dataclass(frozen=True, slots=True)
class Product:
    """A named service, database, mail provider or model."""

    key: str
    name: str
    """As a person writes it, such as `Google Sheets`."""
    kind: str
    write: Mapping[str, Any] | None = None
    read: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All word lists, ready for look-up."""

    data: Mapping[str, Any]
    verbs: Mapping[str, Verb]
    """Every form of every verb (base, third person, gerund), lower case."""
    participles: Mapping[str, Verb]
    """Every verb by its past participle, lower case."""
    products: Mapping[str, Product]
    """Every name of every product, lower case."""
    product_pattern: re.Pattern[str]
    roles: Mapping[str, str]
    agents: Mapping[str, str]
    generic: frozenset[str]
    artifacts: frozenset[str]
    weak_heads: frozenset[str]
    skip: frozenset[str]
    pages: frozenset[str]

    sets: Mapping[str, frozenset[str]]

    def words(self, name: str) -> frozenset[str]:
        """Return one of the small sets of words."""
        return self.sets[name]

    def names(self, *path: str) -> Any:
        """Return the part of the raw lexicon at this path."""
        found: Any = self.data
        for name in path:
            found = found[name]
        return found


def _third_person(base: str) -> str:
    head, _, rest = base.partition(" ")
    if re.search(r"(s|x|z|ch|sh|o)$", head):
        head += "es"
    elif re.search(r"[^aeiou]y$", head):
        head = head[:-1] + "ies"
    else:
        head += "s"
    return f"{head} {rest}".strip()


def _gerund(base: str) -> str:
    head, _, rest = base.partition(" ")
    if _DOUBLED.match(head):
        head += head[-1] + "ing"
    elif head.endswith("ie"):
        head = head[:-2] + "ying"
    elif head.endswith("e") and not head.endswith("ee"):
        head = head[:-1] + "ing"
    else:
        head += "ing"
    return f"{head} {rest}".strip()


def _verbs(actions: Mapping[str, list[str]]) -> dict[str, Verb]:
    verbs: dict[str, Verb] = {}
    for action, words in actions.items():
        for word in words:
            base = word.rstrip("*")
            is_noun = word.endswith("*")
            verbs[base] = Verb(base, action, is_noun)
            third = Verb(base, action, is_noun)
            verbs.setdefault(_third_person(base), third)
            verbs.setdefault(_gerund(base), third)
    return verbs


def _participle(base: str) -> str:
    head, _, rest = base.partition(" ")
    if _DOUBLED.match(head):
        head += head[-1] + "ed"
    elif head.endswith("e"):
        head += "d"
    elif re.search(r"[^aeiou]y$", head):
        head = head[:-1] + "ied"
    else:
        head += "ed"
    return f"{head} {rest}".strip()


def _participles(verbs: Mapping[str, Verb], irregular: Mapping[str, str]) -> dict[str, Verb]:
    bases = {verb.base: verb for verb in verbs.values() if " " not in verb.base}
    regular = {_participle(base): verb for base, verb in bases.items() if base not in irregular}
    doubled = {f"{base}led": verb for base, verb in bases.items() if base.endswith("el")}
    return regular | doubled | {irregular[base]: bases[base] for base in irregular if base in bases}


def _display(name: str) -> str:
    return name if name.isupper() else " ".join(w[:1].upper() + w[1:] for w in name.split())


def _products(data: Mapping[str, Any]) -> dict[str, Product]:
    products: dict[str, Product] = {}
    for key, entry in data["products"].items():
        for name in entry["names"]:
            products[name] = Product(
                key, _display(name), entry.get("kind", "api"), entry.get("write"), entry.get("read")
            )
    for name in data["services"]:
        key = re.sub(r"\W+", "_", name)
        products.setdefault(name, Product(key, _display(name), "api"))
    return products


def _any_of(names: Iterable[str]) -> str:
    """Return a pattern of names, the longest first, that looks at those of one letter only."""
    by_letter: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        by_letter.setdefault(name[:2], []).append(name[2:])
    return "|".join(
        f"{re.escape(letters)}(?:{'|'.join(map(re.escape, endings))})"
        for letters, endings in by_letter.items()
    )


@cache
def lexicon() -> Lexicon:
    """Return the lexicon, read from the package once in a process."""
    text = resources.files("compiler.english").joinpath("lexicon.yaml").read_text("utf-8")
    data = YAML(typ="safe").load(text)
    products = _products(data)
    verbs = _verbs(data["actions"])
    names = _any_of(products)
    return Lexicon(
        data=data,
        verbs=verbs,
        participles=_participles(verbs, data["irregular"]),
        products=products,
        product_pattern=re.compile(rf"(?<![\w.@/-])({names})(?![\w@]|-\w)", re.IGNORECASE),
        roles={action: role for role, actions in data["roles"].items() for action in actions},
        agents=data["agents"],
        generic=frozenset(data["generic"]),
        artifacts=frozenset(data["artifacts"]),
        weak_heads=frozenset(data["weak_heads"]),
        skip=frozenset(data["skip"]),
        pages=frozenset(data["pages"]),
        sets={name: frozenset(words) for name, words in data["sets"].items()},
    )
