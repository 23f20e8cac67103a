"""What the Makefile calls: installing, locking, reporting."""
