-- Forgets calls of models that are older than so many days. $1 days, float8; $2 how many at most,
-- integer.
DELETE FROM parser_calls WHERE id IN (
    SELECT id FROM parser_calls WHERE at < now() - make_interval(secs => 86400 * $1)
    ORDER BY at LIMIT $2)
RETURNING id
