"""Singular and plural of English nouns, for the names of mapped items.

Good enough for identifiers: regular endings, the common irregular nouns, snake_case.
"""

from functools import lru_cache

_IRREGULAR = {
    "alumnus": "alumni",
    "analysis": "analyses",
    "appendix": "appendices",
    "axis": "axes",
    "basis": "bases",
    "child": "children",
    "crisis": "crises",
    "criterion": "criteria",
    "curriculum": "curricula",
    "diagnosis": "diagnoses",
    "foot": "feet",
    "goose": "geese",
    "half": "halves",
    "hypothesis": "hypotheses",
    "index": "indices",
    "knife": "knives",
    "leaf": "leaves",
    "life": "lives",
    "loaf": "loaves",
    "man": "men",
    "matrix": "matrices",
    "mouse": "mice",
    "ox": "oxen",
    "person": "people",
    "phenomenon": "phenomena",
    "quiz": "quizzes",
    "shelf": "shelves",
    "stimulus": "stimuli",
    "synopsis": "synopses",
    "thesis": "theses",
    "thief": "thieves",
    "tooth": "teeth",
    "vertex": "vertices",
    "wife": "wives",
    "wolf": "wolves",
    "woman": "women",
}
_SINGULAR = {many: one for one, many in _IRREGULAR.items()} | {
    "indexes": "index",
    "appendixes": "appendix",
    "movies": "movie",
    "cookies": "cookie",
    "ties": "tie",
    "pies": "pie",
    "lies": "lie",
    "calories": "calorie",
    "selfies": "selfie",
    "caches": "cache",
    "axes": "axis",
    "buses": "bus",
    "gases": "gas",
    "aliases": "alias",
    "shoes": "shoe",
    "toes": "toe",
    "apis": "api",
    "emojis": "emoji",
    "kpis": "kpi",
    "menus": "menu",
    "taxis": "taxi",
    "headaches": "headache",
    "niches": "niche",
    "lenses": "lens",
    "excuses": "excuse",
}
_PLURAL = {one: many for many, one in _SINGULAR.items()} | _IRREGULAR
_UNCOUNTED = frozenset(
    (
        "always",
        "data",
        "equipment",
        "feedback",
        "hardware",
        "has",
        "information",
        "is",
        "its",
        "metadata",
        "news",
        "series",
        "software",
        "species",
        "staff",
        "this",
        "was",
        "yes",
    )
)
_SINGULAR_IN_S = frozenset(
    (
        "access",
        "address",
        "alias",
        "analysis",
        "atlas",
        "basis",
        "bias",
        "bus",
        "business",
        "canvas",
        "gas",
        "lens",
        "process",
        "progress",
        "status",
    )
)
_O_ES = frozenset(("hero", "potato", "tomato", "echo", "veto", "cargo", "torpedo"))
_SIBILANTS = ("ss", "sh", "x", "zz", "ch")


def _last_word(name: str) -> tuple[str, str]:
    head, separator, word = name.rpartition("_")
    return head + separator, word


def _cased_like(original: str, word: str) -> str:
    if original.lower().startswith(word):
        return original[: len(word)]
    if word.startswith(original.lower()):
        return original + word[len(original) :]
    return word[:1].upper() + word[1:] if original[:1].isupper() else word


@lru_cache(maxsize=4096)
def singular(name: str) -> str:
    """Return the singular of a noun or of a snake_case name's last word.

    A word that is no plural comes back unchanged: `customer_reviews` gives `customer_review`,
    `review` gives `review`, `news` gives `news`.
    """
    head, word = _last_word(name)
    return head + _cased_like(word, _singular_word(word.lower())) if word else name


def _singular_word(word: str) -> str:
    if word in _SINGULAR:
        return _SINGULAR[word]
    if word in _UNCOUNTED or word in _SINGULAR_IN_S:
        return word
    if not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith("es"):
        stem = word[:-2]
        if stem.endswith(_SIBILANTS) or stem in _O_ES:
            return stem
        if stem.endswith(("us", "as")) and stem in _SINGULAR_IN_S:
            return stem
        if stem.endswith("us") and len(stem) > 4 and stem[-3] not in "aeo":
            return stem
    return word[:-1] if len(word) > 2 else word


def plural(name: str) -> str:
    """Return the plural of a noun or of a snake_case name's last word.

    A word that is a plural already comes back unchanged.
    """
    head, word = _last_word(name)
    return head + _cased_like(word, _plural_word(word.lower())) if word else name


def _plural_word(word: str) -> str:
    if word in _PLURAL:
        return _PLURAL[word]
    if word in _SINGULAR or word in _UNCOUNTED:
        return word
    if word not in _SINGULAR_IN_S and _plural_already(word):
        return word
    if word.endswith("sis"):
        return word[:-2] + "es"
    if word.endswith(("s", "x", "z", "ch", "sh")) or word in _O_ES:
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in ("", *"aeiou"):
        return word[:-1] + "ies"
    return word + "s"


def _plural_already(word: str) -> bool:
    one = _singular_word(word)
    return one != word and word in (one + "s", one + "es", one[:-1] + "ies")


def item_names(key: str) -> tuple[str, ...]:
    """Return the names under which a map node may refer to one element of a list.

    `customer_reviews` gives `item`, `customer_review` and `review`. Only the last part of a
    dotted key counts, and a name equal to the key itself is left out, since it means the list.

    Args:
        key: The mapped key, as `input_keys[0]` says it.
    """
    name = key.rpartition(".")[2]
    one = singular(name)
    names = ("item", one, _last_word(one)[1])
    return tuple(dict.fromkeys(n for n in names if n and n != name))
