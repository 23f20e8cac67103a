"""English descriptions to specifications, without a model or a network."""
