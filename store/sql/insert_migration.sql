-- Remembers that a migration ran. $1 number, integer; $2 file name, text; $3 checksum, hex text.
INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)
