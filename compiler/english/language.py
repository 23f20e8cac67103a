"""Whether a text is English at all."""

import re

from compiler.english.lexicon import lexicon

_LEAST_FOREIGN = 2


def is_english(text: str) -> bool:
    """Tell English, or text too short to tell, from text in another language.

    A text is not English when few of its letters are Latin, or when it has more of the small words
    of other languages than of English ones.
    """
    letters = [character for character in text if character.isalpha()]
    latin = sum(1 for character in letters if character < "\u0250")
    if letters and latin * 2 < len(letters):
        return False
    words = re.findall(r"[^\W\d_]+", text.lower())
    foreign, english = (frozenset(lexicon().names(name)) for name in ("foreign", "english"))
    strange = sum(1 for word in words if word in foreign - english)
    known = sum(1 for word in words if word in english)
    return strange < _LEAST_FOREIGN or strange <= known
