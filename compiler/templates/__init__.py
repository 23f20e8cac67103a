"""Workflows to begin with: one YAML file each, and `library`, which reads them."""
