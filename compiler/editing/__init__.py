"""Changing a specification: typed edits, English instructions, and its text kept as it was."""
