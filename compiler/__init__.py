"""The workflow language: models, text, checks, references, graphs and the English parser."""
