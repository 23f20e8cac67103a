"""Lists of objects as tables: what can be done with them, and the formats they come in."""
