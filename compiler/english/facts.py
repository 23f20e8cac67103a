"""What a clause says that decides about its agent."""

from dataclasses import dataclass

from compiler.english.lexicon import Product, lexicon
from compiler.english.normalise import Text
from compiler.english.nouns import words_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What a clause says that decides about its agent."""

    verb: str
    rest: str
    """What follows the verb, marked."""
    object_words: tuple[str, ...]
    product: Product | None
    text: Text
    marked: str

    def has(self, *names: str) -> bool:
        """Whether the clause holds one of these words."""
        return not set(words_of(self.marked)).isdisjoint(names)

    def place(self, agent: str) -> bool:
        """Whether the clause names a place that this agent goes to."""
        return self.has(*lexicon().names("places", agent))

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs in the clause."""
        return self.text.literals_in(self.marked, "url")

    @property
    def emails(self) -> tuple[str, ...]:
        """The e-mail addresses in the clause."""
        return self.text.literals_in(self.marked, "email")
