-- What a supervisor may have to do. $1 lease in seconds, float8.
SELECT living, stale, orphans, queued, lines, abandoned, questions, overdue, deliveries,
    next_wait_seconds
FROM weft_see_due($1)
