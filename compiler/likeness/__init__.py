"""Whether two descriptions ask for the same workflow, but for the values in them."""
