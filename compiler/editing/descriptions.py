"""Descriptions read by the parser, once each: an instruction asks for the same ones again."""

from functools import lru_cache

from compiler.english.own_agents import NONE, Own
from compiler.english.parser import Parsed, parse


@lru_cache(maxsize=512)
def read_description(text: str, own: Own = NONE) -> Parsed:
    """Return what the parser makes of a text without answers; it is not to be changed."""
    return parse(text, own=own)
