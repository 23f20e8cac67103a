"""Everything that remembers: Postgres, Redis and their statements."""
