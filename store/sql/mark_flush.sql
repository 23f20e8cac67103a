-- Remembers the flush in its own transaction, so that a commit whose reply was lost can be told
-- from one that never happened. $1 executor, uuid; $2 flush, uuid.
UPDATE executors SET last_flush = $2 WHERE id = $1
