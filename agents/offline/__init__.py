"""The built-in model `offline`: classical language processing, no network and no LLM."""
