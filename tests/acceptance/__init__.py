"""A package, so that what its tests share has its scope and ends with the last of them."""
